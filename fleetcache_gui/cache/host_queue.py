"""The queue of host details waiting to be worked: `async_host:detail`, as a LIST or as a STREAM.

API nodes push payloads, workers take them, oldest first. Nobody but the workers limits its length, by
trim(). A list gives each payload to one worker and forgets it; a worker that dies, or whose connection is
cut while it waits, may take one payload with it. A stream keeps order and history: what a worker has read
stays pending until acknowledged, another can claim it, and everything not yet trimmed can be replayed.

While Redis is away every method raises CacheUnavailable (see `host_updates` for what the API does then). A
cut push() may have been done. After a restart the queue is empty and everything, the consumer group too,
comes again by itself.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from redis.exceptions import ResponseError

from fleetcache_gui.cache.availability import Client, error_code, longest_block, milliseconds, send

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

KEY = b"async_host:detail"
_FIELD = b"payload"
_DEFAULT_LIMIT = 100_000  # about 50 MB at the specification's 0.5 KB each

_TRIM_LIST = """
local surplus = math.max(0, redis.call('LLEN', KEYS[1]) - ARGV[1])
redis.call('LTRIM', KEYS[1], 0, -1 - surplus)
return surplus
"""


class HostQueue(Protocol):
    """What both forms of the queue can do, seen from the API nodes and from the workers' housekeeping."""

    async def push(self, payload: bytes) -> object:
        """Put a payload at the end: 1 round trip."""

    async def trim(self, limit: int | None = None) -> int:
        """Drop the oldest payloads beyond `limit`, worked or not; how many were dropped: 1 round trip."""

    async def depth(self) -> int:
        """The number of payloads kept: 1 round trip."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the stream. `id` as Redis gives it; `payload` is empty if a stranger wrote the entry."""

    id: bytes
    payload: bytes


class ListQueue:
    """The queue as a LIST: payloads enter at the head and leave at the tail."""

    def __init__(self, client: Client, *, limit: int = _DEFAULT_LIMIT) -> None:
        self._client = client
        self._limit = limit

    async def push(self, payload: bytes) -> int:
        """LPUSH: 1 round trip. The depth after it."""
        depth: int = await send(self._client, "LPUSH", KEY, payload)
        return depth

    async def pop(self, timeout: float) -> bytes | None:
        """Take the oldest payload, waiting up to `timeout` seconds for one: BRPOP, 1 round trip each second.

        None when there was none; a `timeout` of 0 does not wait (RPOP). It occupies a connection while it
        waits. When it is cancelled or cut, a payload that arrives at that moment may be lost.
        """
        now = asyncio.get_running_loop().time
        ends = now() + timeout
        while (remaining := min(ends - now(), longest_block(self._client))) >= 0.001:
            reply: tuple[bytes, bytes] | None = await send(self._client, "BRPOP", KEY, remaining)
            if reply is not None:
                return reply[1]
        payload: bytes | None = await send(self._client, "RPOP", KEY)
        return payload

    async def trim(self, limit: int | None = None) -> int:
        """Drop the oldest beyond `limit` (the queue's when None): EVAL of LTRIM, 1 round trip. How many."""
        keep = self._limit if limit is None else limit
        dropped: int = await send(self._client, "EVAL", _TRIM_LIST, 1, KEY, keep)
        return dropped

    async def depth(self) -> int:
        """LLEN: 1 round trip. The payloads that nobody has taken yet."""
        depth: int = await send(self._client, "LLEN", KEY)
        return depth


class StreamQueue:
    """The queue as a STREAM with a consumer group, made at the first read and beginning with the oldest."""

    def __init__(self, client: Client, group: str = "workers", *, limit: int = _DEFAULT_LIMIT) -> None:
        self._client = client
        self._group = group
        self._limit = limit

    async def push(self, payload: bytes) -> bytes:
        """XADD: 1 round trip. The id of the new entry."""
        entry_id: bytes = await send(self._client, "XADD", KEY, "*", _FIELD, payload)
        return entry_id

    async def read(self, consumer: str, count: int, block: float) -> list[Entry]:
        """Up to `count` entries never delivered before, waiting up to `block` seconds for the first.

        XREADGROUP, 1 round trip each second; empty when there was none; a `block` of 0 does not wait. The
        entries are pending for `consumer` until ack(), also when this reply is lost: claim() finds them
        again.
        """
        now = asyncio.get_running_loop().time
        ends = now() + block
        while (remaining := min(ends - now(), longest_block(self._client))) >= 0.001:
            if entries := await self._read(consumer, count, "BLOCK", milliseconds(remaining)):
                return entries
        return await self._read(consumer, count)

    async def ack(self, ids: Iterable[bytes]) -> int:
        """XACK: 1 round trip, none for no ids. How many ceased to be pending. All stay for replay()."""
        ids = list(ids)
        if not ids:
            return 0
        acknowledged: int = await send(self._client, "XACK", KEY, self._group, *ids)
        return acknowledged

    async def claim(self, consumer: str, min_idle: float, count: int) -> list[Entry]:
        """Take over up to `count` entries that another consumer read at least `min_idle` seconds ago.

        XAUTOCLAIM from the oldest on: mostly 1 round trip, 1 more for each 10 * `count` pending entries
        that are not idle enough. Entries trimmed away meanwhile are dropped from the pending ones.
        """
        claimed: list[Entry] = []
        start: bytes = b"0-0"
        while True:
            wanted = count - len(claimed)
            options = (self._group, consumer, round(min_idle * 1000), start, "COUNT", wanted)
            start, entries, *_ = await self._in_group("XAUTOCLAIM", KEY, *options)
            claimed += map(_entry, entries)
            if start == b"0-0" or len(claimed) == count:
                return claimed

    async def replay(self, from_id: bytes = b"-", count: int = 100) -> AsyncIterator[Entry]:
        """All entries from `from_id` on (`-`: the oldest), worked or not, until it has caught up.

        XRANGE, 1 round trip for each `count` entries. It changes nothing, neither groups nor pending entries.
        """
        start = from_id
        while True:
            page = await send(self._client, "XRANGE", KEY, start, "+", "COUNT", count)
            for raw in page:
                yield _entry(raw)
            if len(page) < count:
                return
            start = b"(" + page[-1][0]

    async def trim(self, limit: int | None = None) -> int:
        """Drop the oldest beyond `limit` (the queue's own when None): XTRIM MAXLEN, 1 round trip. How many.

        Dropped entries are gone for read(), claim() and replay(), even if nobody has worked them.
        """
        dropped: int = await send(self._client, "XTRIM", KEY, "MAXLEN", self._limit if limit is None else limit)
        return dropped

    async def depth(self) -> int:
        """XLEN: 1 round trip. The entries kept, worked or not."""
        depth: int = await send(self._client, "XLEN", KEY)
        return depth

    async def pending(self) -> int:
        """XPENDING: 1 round trip. The entries that were read and not acknowledged."""
        summary: dict[str, int] = await self._in_group("XPENDING", KEY, self._group)
        return summary["pending"]

    async def _read(self, consumer: str, count: int, *block: str | int) -> list[Entry]:
        options = ("GROUP", self._group, consumer, "COUNT", count, *block, "STREAMS", KEY, ">")
        reply = await self._in_group("XREADGROUP", *options)
        return [_entry(raw) for _, entries in reply or () for raw in entries]

    async def _in_group(self, command: str, *args: bytes | str | float) -> Any:  # noqa: ANN401, each command replies with a type of its own
        """send(); where the group is missing (first use, flushed, restarted), make it and send again.

        The command had done nothing, so this is no second execution: 3 round trips.
        """
        try:
            return await send(self._client, command, *args)
        except ResponseError as error:
            if error_code(error) not in ("NOGROUP", "UNBLOCKED"):
                raise
        try:
            await send(self._client, "XGROUP CREATE", KEY, self._group, "0", "MKSTREAM")
        except ResponseError as error:
            if error_code(error) != "BUSYGROUP":  # another worker was quicker
                raise
        return await send(self._client, command, *args)


def _entry(raw: tuple[bytes, dict[bytes, bytes]]) -> Entry:
    entry_id, fields = raw
    return Entry(entry_id, fields.get(_FIELD, b""))
