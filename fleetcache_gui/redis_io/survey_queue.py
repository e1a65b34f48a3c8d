"""What a queue is like just now, as the condition under which its entries may be changed. Only reads.

What is found goes into `Step.told`, in the order that the runners (`redis_io.act.queue_*`) expect:

- `TRIM` of a LIST: entries that stay, calls of `TAKERS` and of `STRANGERS` (empty: not told), how many entries newer
  than the boundary follow, those, then those just older than it.
- `DROP_RANGE` of a LIST: position, length of the list, how many entries newer than the range follow, those, then all of
  the range.
- `TRIM`, `DROP_RANGE` of a STREAM: first id, last id, the last id of the stream.
- `ACK`, `CLAIM`: for each entry its id, deliveries and when it was delivered (Unix ms).
- `DELETE_CONSUMER`: when it was last active (Unix ms). `REPLAY`: the id last delivered, entries read (or empty).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fleetcache_gui.domain import words
from fleetcache_gui.domain.decoding import blob, number, record, records
from fleetcache_gui.domain.plan import Deed, Draft, Fingerprint, Step
from fleetcache_gui.domain.streams import order
from fleetcache_gui.domain.text import show
from fleetcache_gui.domain.values import Command, Reply, ReplyError
from fleetcache_gui.redis_io import info

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    Ask = Callable[[Sequence[tuple[bytes, Command]]], Awaitable[list[Reply]]]

DEEDS = frozenset({Deed.TRIM, Deed.DROP_RANGE, Deed.ACK, Deed.CLAIM, Deed.DELETE_CONSUMER, Deed.REPLAY})
"""Deeds on parts of a queue: surveyed here, run by `redis_io.act.queue`."""

SIGNATURE = 8
"""Entries on each side of a boundary by which it is known."""

WINDOW = 1000
"""Entries read at once."""

PIECE = 100
"""Entries of a list that are dropped in one step: all of them are compared, and no step may hold up the server."""

DEEP = 10_000
"""So far from both ends of a list nothing is dropped by position: the server would be held up."""

MOST_DROPPED, MOST_WALKED, MOST_PENDING = 10_000, 100_000, 10_000
"""Entries: dropped from a list by position; counted off in a stream; acknowledged or claimed in one plan."""

TAKERS = (
    *("lpop", "rpop", "blpop", "brpop", "lmpop", "blmpop", "lmove", "blmove", "rpoplpush", "brpoplpush", "ltrim"),
    *("lrem", "del", "unlink", "delex", "flushdb", "flushall", "swapdb", "move", "migrate"),
    *("expire", "pexpire", "expireat", "pexpireat"),
)
"""Commands that make a list shorter or end it."""

STRANGERS = (
    *("rpush", "rpushx", "linsert", "lset", "lmove", "blmove", "rename", "renamenx", "restore", "sort", "copy"),
    *("swapdb", "move"),
)
"""Commands that may put entries elsewhere in a list than at its new end; nobody uses them on a queue."""

_HEAVY = 1 << 20  # bytes of entries in one exchange, about
_SIGNED = 256 << 10  # bytes of entries by which a boundary is known, about
_TRIES = 5
_READ = "it could not be read just now"
_MOVES = "it changes too fast to be looked at; try again"


class _Unfit(Exception):
    """Nothing can be done; the text is a clause that says why."""


async def look(ask: Ask, draft: Draft, kind: str, size: int | None, *, ends: bool) -> list[Step] | str:
    """The steps of a draft whose key is of the type `kind`, takes `size` bytes and may expire (`ends`), or why there
    are none. Raises `Trouble`."""
    one = _One(ask, draft, kind, size)
    try:
        if kind == "list" and draft.deed is Deed.TRIM:
            return [await one.trim_list(ends=ends)]
        if kind == "list" and draft.deed is Deed.DROP_RANGE:
            return [step async for step in one.drop_list()]
        if kind != "stream":
            return f"it is a {kind} now"
        if draft.deed is Deed.TRIM:
            return [await one.trim_stream()]
        if draft.deed is Deed.DROP_RANGE:
            return [await one.drop_stream()]
        if draft.deed is Deed.DELETE_CONSUMER:
            return [await one.consumer()]
        if draft.deed is Deed.REPLAY:
            return [await one.group()]
        return [await one.pending()]
    except _Unfit as unfit:
        return str(unfit)


class _One:
    """One draft that is looked at."""

    def __init__(self, ask: Ask, draft: Draft, kind: str, size: int | None) -> None:
        self._ask, self._draft, self._kind, self._size = ask, draft, kind, size

    async def _tell(self, *commands: Command) -> list[Reply]:
        replies = await self._ask([(self._draft.key, command) for command in commands])
        for reply in replies:
            if isinstance(reply, ReplyError) and reply.code == "NOPERM":
                raise _Unfit("the account may not read it")
            if isinstance(reply, ReplyError) and reply.code == "NOGROUP":
                raise _Unfit("the group is gone")
        return replies

    def _step(self, count: int, of: int | None, told: Sequence[bytes], what: str = "") -> Step:
        """`of`: entries that the whole key has, where what goes takes its share of the memory."""
        share = None if self._size is None or not of else self._size * count // of
        draft = replace(self._draft, what=what or self._draft.what)
        return Step(draft, Fingerprint(self._kind), share if of else 0, count=count, told=tuple(told))

    # --- lists ---------------------------------------------------------------------------------------------------

    async def trim_list(self, *, ends: bool) -> Step:
        """Everything at or behind position `args[0]`."""
        key, stay = self._draft.key, int(self._draft.args[0])
        (length,) = await self._tell((b"LLEN", key))
        near = self._near(length)
        for _ in range(_TRIES):
            first = max(stay - near, 0)
            seen: Command = (b"LRANGE", key, b"%d" % first, b"%d" % (stay + near - 1))
            stats, before, entries, after = await self._tell(
                (b"INFO", b"commandstats"), (b"LLEN", key), seen, (b"LLEN", key)
            )
            if not isinstance(before, int) or not isinstance(entries, list):
                raise _Unfit(_READ)
            if before != after:
                continue
            if before <= stay:
                raise _Unfit(f"it has no more than {words.count(stay, 'entry', 'entries')}" if stay else "it is empty")
            taken = b"" if ends else _sum(stats, TAKERS)  # what expires and is filled again is counted by none of them
            newer = stay - first
            told = [b"%d" % stay, taken, _sum(stats, STRANGERS), b"%d" % newer, *_blobs(entries)]
            count = before - stay
            return self._step(count, before, told, f"the oldest {words.count(count, 'entry', 'entries')} of the queue")
        raise _Unfit(_MOVES)

    def _near(self, length: Reply) -> int:
        """Entries that are told on each side: fewer where each is large."""
        mean = max((self._size or 0) // length, 1) if isinstance(length, int) and length else 1
        return max(1, min(SIGNATURE, _SIGNED // mean))

    async def drop_list(self) -> AsyncIterator[Step]:
        """Positions `args[0]` to `args[1]`, both included, in pieces from the oldest on."""
        key = self._draft.key
        first, last = (int(arg) for arg in self._draft.args)
        (length,) = await self._tell((b"LLEN", key))
        if not isinstance(length, int):
            raise _Unfit(_READ)
        last = min(last, length - 1)
        if first > last:
            raise _Unfit("it has no entries there")
        if last - first >= MOST_DROPPED:
            raise _Unfit(f"these are more than {words.count(MOST_DROPPED, 'entry', 'entries')}: choose fewer, or trim")
        if last < length - 1 and min(last, length - 1 - first) > DEEP:
            raise _Unfit("they lie so deep in the queue that dropping them would hold up the server; trim it instead")
        near = self._near(length)
        piece = max(1, min(PIECE, _HEAVY // max((self._size or 0) // length, 1)))
        end = last
        while end >= first:
            start = max(first, end - piece + 1)
            newer = min(near, start)
            reading: Command = (b"LRANGE", key, b"%d" % (start - newer), b"%d" % end)
            now, entries, after = await self._tell((b"LLEN", key), reading, (b"LLEN", key))
            if (now, after) != (length, length) or not isinstance(entries, list):
                raise _Unfit(_MOVES)
            count = end - start + 1
            told = [b"%d" % start, b"%d" % length, b"%d" % newer, *_blobs(entries)]
            what = f"{words.count(count, 'entry', 'entries')} of the queue, from position {words.count(start)} on"
            yield self._step(count, length, told, what)
            end = start - 1

    # --- streams -------------------------------------------------------------------------------------------------

    async def _stream(self) -> tuple[int, bytes]:
        """Its length and its last id."""
        key = self._draft.key
        length, facts = await self._tell((b"XLEN", key), (b"XINFO", b"STREAM", key))
        last = blob(record(facts).get(b"last-generated-id"))
        if not isinstance(length, int) or last is None:
            raise _Unfit(_READ)
        return length, last

    async def trim_stream(self) -> Step:
        """All but the `args[0]` newest of those that were there."""
        stay = int(self._draft.args[0])
        length, last = await self._stream()
        if length <= stay:
            raise _Unfit(f"it has no more than {words.count(stay, 'entry', 'entries')}" if stay else "it is empty")
        end = last if not stay else await self._counted_off(stay, length - stay, last)
        what = f"the oldest {words.count(length - stay, 'entry', 'entries')} of the queue"
        what += await self._of_them_pending(b"-", end)
        return self._step(length - stay, length, (b"-", end, last), what)

    async def _counted_off(self, stay: int, go: int, last: bytes) -> bytes:
        """The id of the newest entry that goes, found from the nearer end."""
        if min(stay, go) > MOST_WALKED:
            raise _Unfit(f"more than {words.count(MOST_WALKED)} entries stay and go: trim it in smaller steps")
        if stay < go:
            found = [entry async for entry in self._walk(b"XREVRANGE", last, b"-", stay + 1)]
        else:
            found = [entry async for entry in self._walk(b"XRANGE", b"-", last, go)]
        if len(found) != (stay + 1 if stay < go else go):
            raise _Unfit(_MOVES)
        return found[-1]

    async def drop_stream(self) -> Step:
        """Ids `args[0]` to `args[1]`, both included, as far as they are there now."""
        first, end = self._draft.args
        length, last = await self._stream()
        end = min(end, last, key=order)
        found = 0
        if order(first) <= order(end):
            async for _ in self._walk(b"XRANGE", first, end, MOST_WALKED + 1):
                found += 1
        if not found:
            raise _Unfit("it has no entries there")
        if found > MOST_WALKED:
            raise _Unfit(f"these are more than {words.count(MOST_WALKED, 'entry', 'entries')}: choose fewer, or trim")
        what = f"{words.count(found, 'entry', 'entries')} of the queue" + await self._of_them_pending(first, end)
        return self._step(found, length, (first, end, last), what)

    async def _walk(self, command: bytes, start: bytes, end: bytes, most: int) -> AsyncIterator[bytes]:
        """Ids of entries, at most so many, in the order of the command."""
        while most > 0:
            page = min(most, WINDOW)
            (reply,) = await self._tell((command, self._draft.key, start, end, b"COUNT", b"%d" % page))
            ids = [entry[0] for entry in _lists(reply) if entry and isinstance(entry[0], bytes)]
            for entry in ids:
                yield entry
            if len(ids) < page:
                return
            most, start = most - page, b"(" + ids[-1]

    async def _of_them_pending(self, first: bytes, end: bytes) -> str:
        """How many of a range are pending, by group, as the end of a phrase."""
        key = self._draft.key
        (reply,) = await self._tell((b"XINFO", b"GROUPS", key))
        names = [name for facts in records(reply) if (name := blob(facts.get(b"name"))) is not None]
        asked = [(b"XPENDING", key, name, first, end, b"%d" % WINDOW) for name in names]
        told: list[str] = []
        for name, pending in zip(names, await self._tell(*asked) if asked else [], strict=True):
            if count := len(_lists(pending)):
                many = f"{words.count(count)}{' or more' if count == WINDOW else ''}"
                told.append(f"{many} of them pending in the group {show(name, 40)}")
        return "".join(f", {part}" for part in told)

    # --- groups --------------------------------------------------------------------------------------------------

    async def _clocked(self, command: Command) -> tuple[Reply, int]:
        """The reply, and the server's Unix ms just after it."""
        reply, moment = await self._tell(command, (b"TIME",))
        if not isinstance(moment, list) or len(moment) != 2 or isinstance(reply, ReplyError):
            raise _Unfit(_READ)
        seconds, micros = (int(part) for part in moment if isinstance(part, bytes))
        return reply, 1000 * seconds + micros // 1000

    async def pending(self) -> Step:
        """Entries pending for the consumer, the oldest first; with `ACK` those delivered at least `args[2]` ms ago."""
        group, consumer, third = self._draft.args
        least = third if self._draft.deed is Deed.ACK else b"0"
        told: list[bytes] = []
        start, more = b"-", True
        while more and len(told) < 3 * MOST_PENDING:
            idle = (b"IDLE", least) if least != b"0" else ()
            page: Command = (b"XPENDING", self._draft.key, group, *idle, start, b"+", b"%d" % WINDOW, consumer)
            reply, at = await self._clocked(page)
            found = _lists(reply)
            for entry, _, idle_ms, deliveries in found:
                if isinstance(entry, bytes):
                    told += (entry, b"%d" % (number(deliveries) or 0), b"%d" % (at - (number(idle_ms) or 0)))
                    start = b"(" + entry
            more = len(found) == WINDOW
        count = len(told) // 3
        if not count:
            raise _Unfit("nothing of that is pending for it")
        what = f"{words.count(count, 'entry', 'entries')} pending for {show(consumer, 40)}"
        return self._step(count, None, told, what + (", the oldest of them" if more else ""))

    async def consumer(self) -> Step:
        """A consumer that has nothing pending."""
        group, consumer = self._draft.args
        reply, at = await self._clocked((b"XINFO", b"CONSUMERS", self._draft.key, group))
        for facts in records(reply):
            if facts.get(b"name") == consumer:
                if count := number(facts.get(b"pending")):
                    entries = words.count(count, "entry is", "entries are")
                    raise _Unfit(f"{entries} pending for it: claim them for another or acknowledge them first")
                return self._step(1, None, (b"%d" % (at - (number(facts.get(b"idle")) or 0)),))
        raise _Unfit("it is gone already")

    async def group(self) -> Step:
        """A group that is to be given again what comes after the id `args[1]`."""
        group, start = self._draft.args
        (reply,) = await self._tell((b"XINFO", b"GROUPS", self._draft.key))
        for facts in records(reply):
            if facts.get(b"name") == group:
                last = blob(facts.get(b"last-delivered-id")) or b"0-0"
                if order(start) >= order(last):
                    raise _Unfit("nothing after that id was delivered yet, so there is nothing to give again")
                count, read = 0, number(facts.get(b"entries-read"))
                async for _ in self._walk(b"XRANGE", b"(" + start, last, MOST_WALKED):
                    count += 1
                what = f"the group {show(group, 40)}, which is given {words.count(count, 'entry', 'entries')} again"
                return self._step(max(count, 1), None, (last, b"" if read is None else b"%d" % read), what)
        raise _Unfit("the group is gone")


def _sum(stats: Reply, names: Sequence[str]) -> bytes:
    calls = info.calls(info.fields(stats)) if isinstance(stats, bytes) else {}
    return b"%d" % sum(calls.get(name, 0) for name in names) if calls else b""


def _blobs(reply: list[Reply]) -> list[bytes]:
    return [entry for entry in reply if isinstance(entry, bytes)]


def _lists(reply: Reply) -> list[list[Reply]]:
    return [entry for entry in reply if isinstance(entry, list)] if isinstance(reply, list) else []
