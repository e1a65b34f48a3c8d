"""A small cache in front of the configuration: it shields the database from bursts.

`cache:app_config` and `cache:team:<id>` are STRINGs of JSON with a small TTL. A reader may see a
configuration that is older than the database's by up to that TTL, or until invalidate().

While Redis is away reading goes on without it, straight from the source: slower (a frozen server costs the
client's socket timeout each time), never wrong. Only invalidate() raises CacheUnavailable then; the TTL
does its work anyway.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

from fleetcache_gui.cache.availability import CacheUnavailable, Client, milliseconds, send

Config = dict[str, Any]
Load = Callable[[], Awaitable[Config]]

_APP_CONFIG = "cache:app_config"


class ConfigCache:
    """Configurations kept for `ttl` seconds."""

    def __init__(self, client: Client, ttl: float = 5.0) -> None:
        self._client = client
        self._ttl = milliseconds(ttl)

    async def app_config(self, load: Load) -> Config:
        """The AppConfig, by `load` if it is not cached: GET, and after a miss SET PX; 1 or 2 round trips."""
        return await self._through(_APP_CONFIG, load)

    async def team(self, team_id: int, load: Load) -> Config:
        """One team's configuration, in the same way: 1 or 2 round trips."""
        return await self._through(_team_key(team_id), load)

    async def invalidate(self, *team_ids: int) -> None:
        """Forget the AppConfig and these teams, as they were changed: UNLINK, 1 round trip each."""
        for key in (_APP_CONFIG, *map(_team_key, team_ids)):
            await send(self._client, "UNLINK", key)

    async def _through(self, key: str, load: Load) -> Config:
        """Read through the cache. A malformed value counts as a miss and is replaced."""
        with contextlib.suppress(CacheUnavailable):
            cached: bytes | None = await send(self._client, "GET", key)
            if cached is not None and (config := _config(cached)) is not None:
                return config
        config = await load()
        with contextlib.suppress(CacheUnavailable):
            await send(self._client, "SET", key, json.dumps(config), "PX", self._ttl)
        return config


def _config(value: bytes) -> Config | None:
    try:
        config = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return config if isinstance(config, dict) else None


def _team_key(team_id: int) -> str:
    return f"cache:team:{team_id}"
