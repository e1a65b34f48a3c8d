"""What the API does with a host's details: queue them, or, when Redis is away, the fallback or waiting."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

from fleetcache_gui.cache.availability import CacheUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fleetcache_gui.cache.host_queue import HostQueue

_FIRST_PAUSE = 0.05  # seconds between attempts, doubled up to the longest
_LONGEST_PAUSE = 1.0


class HostUpdates:
    """Host updates over `queue`.

    `fallback` applies a payload to the database at once, for when Redis is away; None where the synchronous
    way is not enabled: then an update waits for Redis up to `patience` seconds.
    """

    def __init__(
        self,
        queue: HostQueue,
        fallback: Callable[[bytes], Awaitable[None]] | None,
        *,
        patience: float = 30.0,
    ) -> None:
        self._queue = queue
        self._fallback = fallback
        self._patience = patience

    async def submit(self, payload: bytes) -> Literal["queued", "synchronous"]:
        """Hand over one host's details; which way they went: 2 round trips (is Redis there; push).

        The push is sent once, and only after Redis has answered. If its reply is lost, the payload may be
        in the queue: with a fallback it is then applied as well (harmless, as details of a host replace
        older ones); without one CacheUnavailable tells the caller, as it does when Redis stays away for
        `patience` seconds.
        """
        try:
            await self._ready()
            await self._queue.push(payload)
        except CacheUnavailable:
            if self._fallback is None:
                raise
            await self._fallback(payload)
            return "synchronous"
        return "queued"

    async def _ready(self) -> None:
        """Return when Redis answers for the queue's key; with a fallback, do not wait for that."""
        now = asyncio.get_running_loop().time
        ends = now() + (self._patience if self._fallback is None else 0)
        pause = _FIRST_PAUSE
        while True:
            try:
                await self._queue.depth()
                return
            except CacheUnavailable:
                if now() + pause > ends:
                    raise
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
