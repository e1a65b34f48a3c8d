"""Installer tokens: short-lived proof that a host may fetch a software installer.

`sw:installer:token:<uuid>` is a STRING of JSON, `{"title_id": …, "team_id": …}`, that lives an hour at most
and is used once.

While Redis is away both methods raise CacheUnavailable: the download is refused or authorised by the
database. Tokens do not survive a restart of Redis; the server issues new ones. A token is a secret: it
appears in no error.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass

from fleetcache_gui.cache.availability import Client, milliseconds, send

LONGEST_LIFETIME = 3600.0
"""Seconds; the specification's bound."""


@dataclass(frozen=True, slots=True)
class TokenMetadata:
    """What a token stands for. `team_id` is None for hosts without a team."""

    title_id: int
    team_id: int | None


class InstallerTokens:
    """Tokens that live for `lifetime` seconds. ValueError for more than an hour."""

    def __init__(self, client: Client, lifetime: float = LONGEST_LIFETIME) -> None:
        if lifetime > LONGEST_LIFETIME:
            raise ValueError(f"an installer token lives at most {LONGEST_LIFETIME:g} s, not {lifetime:g} s")
        self._client = client
        self._lifetime = milliseconds(lifetime)

    async def issue(self, title_id: int, team_id: int | None) -> str:
        """A new token: SET PX, 1 round trip. A cut call may leave one that nobody knows; it expires."""
        token = str(uuid.uuid4())
        value = json.dumps({"title_id": title_id, "team_id": team_id})
        await send(self._client, "SET", _key(token), value, "PX", self._lifetime)
        return token

    async def use(self, token: str) -> TokenMetadata | None:
        """What the token stands for, once: GETDEL, 1 round trip.

        None when it is unknown, expired, used before, or its value is malformed. A cut call may have used
        it up: then a new one must be issued.
        """
        value: bytes | None = await send(self._client, "GETDEL", _key(token))
        return None if value is None else _metadata(value)


def _metadata(value: bytes) -> TokenMetadata | None:
    try:
        match json.loads(value):
            case {"title_id": int(title_id), "team_id": int() | None as team_id}:
                return TokenMetadata(title_id, team_id)
    except (ValueError, RecursionError):
        pass
    return None


def _key(token: str) -> str:
    return f"sw:installer:token:{token}"
