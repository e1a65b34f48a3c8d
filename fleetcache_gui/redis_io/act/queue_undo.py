"""What went from a queue is put back: entries of a list to its old end in their order, others as far as can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fleetcache_gui.domain import words
from fleetcache_gui.domain.decoding import records
from fleetcache_gui.domain.plan import Deed, Draft, Fingerprint, Outcome, Step
from fleetcache_gui.domain.text import show
from fleetcache_gui.redis_io.act import queue_list, queue_stream
from fleetcache_gui.redis_io.act.queue import HEAVY, ONLY, Done, Ended, Lost, Task, summed_up
from fleetcache_gui.redis_io.act.queue_scripts import ADD, GIVE_BACK, MAKE, PEND, PUT, SET_ID
from fleetcache_gui.redis_io.faults import Trouble
from fleetcache_gui.redis_io.undo import Saved

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from fleetcache_gui.domain.values import Reply
    from fleetcache_gui.redis_io.act.hands import Hands

KINDS = frozenset(
    {
        queue_list.KIND,
        queue_stream.ENTRIES,
        queue_stream.PENDING,
        queue_stream.CLAIMED,
        queue_stream.CONSUMER,
        queue_stream.GROUP,
        ONLY,
    }
)
"""Kinds of `Saved` that are put back by `steps`, in the order of the bin."""

_PART = 1000
"""Entries that are put back at once."""

_EACH = 250
"""Pending entries that are looked up in one script."""

_EVER = b"9007199254740992"  # ms: delivered whenever


def standing(items: Sequence[Saved]) -> list[Saved]:
    """What really went, in the order in which it did: what is said of it afterwards is taken into account."""
    kept: list[Saved] = []
    for item in items:
        if item.kind != ONLY:
            kept.append(item)
        elif kept:
            kept[-1] = _part(kept[-1], msgspec.msgpack.decode(item.payload, type=list[int]))
    return [item for item in kept if count(item)]


def _part(item: Saved, positions: Sequence[int]) -> Saved:
    content = msgspec.msgpack.decode(item.payload)
    entries = content if item.kind in (queue_list.KIND, queue_stream.ENTRIES) else content[-1]
    if item.kind in (queue_stream.CONSUMER, queue_stream.GROUP):
        content = content if positions else []
    else:
        entries[:] = [entries[position] for position in positions]
    return Saved(item.key, item.kind, msgspec.msgpack.encode(content), item.expires_ms)


def count(item: Saved) -> int:
    """How many entries are put back with it; a consumer and a group count as one."""
    content = msgspec.msgpack.decode(item.payload)
    if not content or item.kind in (queue_stream.CONSUMER, queue_stream.GROUP):
        return 1 if content else 0
    return len(content if item.kind in (queue_list.KIND, queue_stream.ENTRIES) else content[-1])


def steps(items: Sequence[Saved], node_of: Callable[[bytes], str]) -> list[Step]:
    """One step for each queue: what went from it is put back in one go, since its order is what counts."""
    keys = dict.fromkeys(item.key for item in items)
    made: list[Step] = []
    for key in keys:
        kept = standing([item for item in items if item.key == key])
        if not kept:
            continue
        told = tuple(word for item in kept for word in (item.kind.encode(), item.payload))
        draft = Draft(Deed.PUT_BACK, key, f"what went from {show(key, 80)}")
        size = sum(len(item.payload) for item in kept)
        made.append(Step(draft, Fingerprint(""), size, node=node_of(key), count=sum(map(count, kept)), told=told))
    return made


async def run(hands: Hands, step: Step, told: Callable[[int, str], None], stop: asyncio.Event) -> Done:
    """Make one of `steps`. Raises `Trouble` where nothing could be begun.

    Nothing that is there is overwritten or moved; the note says what could not be put back as it was. Running it again
    would put back again what was put back: the bin must be told (`UndoBin.mark`) as soon as some of it was.
    """
    kinds, payloads = step.told[::2], step.told[1::2]
    key = step.draft.key
    kept = [Saved(key, kind.decode(), payload) for kind, payload in zip(kinds, payloads, strict=True)]
    task = Task(hands, step.node, key, told, stop)
    outcome, note = Outcome.DONE, ""
    try:
        # The entries that went last are the newest of a list: they are put back first, so that the oldest end up last.
        for item in reversed(kept) if kept[0].kind == queue_list.KIND else kept:
            if stop.is_set():
                outcome, note = Outcome.CANCELLED, "cancelled"
                break
            said = await _WAYS[item.kind](task, msgspec.msgpack.decode(item.payload))
            note = said or note
        if not task.taken and outcome is Outcome.DONE:
            outcome = Outcome.CHANGED
    except Ended as ended:
        outcome, note = ended.outcome, ended.note
    except Lost as lost:
        outcome, note = Outcome.UNKNOWN, f"{lost.trouble.text} Whether the last of them were put back is not known."
    except Trouble as trouble:
        if not task.taken:
            raise
        task.trouble = trouble
        outcome, note = Outcome.UNREACHABLE, trouble.text
    return summed_up(task, step.count, outcome, note)


def _parts(entries: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """The entries in pieces of `_PART` and about `HEAVY` bytes at most."""
    first, weight = 0, 0
    for position, entry in enumerate(entries):
        if position > first and (position - first == _PART or weight + len(entry) > HEAVY):
            yield entries[first:position]
            first, weight = position, 0
        weight += len(entry)
    yield entries[first:]


async def _values(task: Task, values: list[bytes]) -> str:
    for part in _parts(values):
        before = await _tail(task, len(part))
        try:
            await task.send(PUT, part)
        except Lost as lost:
            await task.reach(lost)
            after = await _tail(task, len(part))
            if before == list(part) or after not in (list(part), before):
                raise
            if after == before:
                raise Ended(Outcome.FAILED, "the connection broke before more was put back") from None
            task.taken += len(part)
            raise Ended(Outcome.DONE, "found by reading; the connection broke before more was put back") from None
        task.taken += len(part)
        await task.pace()
    return ""


async def _tail(task: Task, size: int) -> list[Reply] | None:
    (reply,) = await task.hand.lane.exchange(((b"LRANGE", task.key, b"-%d" % size, b"-1"),))
    return reply if isinstance(reply, list) else None


async def _entries(task: Task, entries: list[tuple[bytes, list[bytes]]]) -> str:
    renewed = 0
    flat = [[name, b"%d" % len(fields), *fields] for name, fields in entries]
    sizes = [b"".join(words) for words in flat]
    first = 0
    for part in _parts(sizes):
        args = [word for words in flat[first : first + len(part)] for word in words]
        first += len(part)
        last = await _last(task)
        try:
            told = await task.send(ADD, args)
        except Lost as lost:
            await task.reach(lost)
            if last is None or (now := await _last(task)) is None:
                raise
            if now == last:
                raise Ended(Outcome.FAILED, "the connection broke before more was put back") from None
            added = await task.read((b"XRANGE", task.key, b"(" + last, b"+", b"COUNT", b"%d" % (2 * _PART)))
            if not _contains(added[0], [fields for _, fields in entries[first - len(part) : first]]):
                raise
            task.taken += len(part)
            raise Ended(Outcome.DONE, "found by reading; the connection broke before more was put back") from None
        task.taken += int(told[1])
        renewed += int(told[1]) - int(told[2])
        await task.pace()
    if not renewed:
        return ""
    return f"{words.count(renewed, 'entry', 'entries')} came back at the end under new ids, as newer ones exist"


def _contains(reply: Reply, wanted: list[list[bytes]]) -> bool:
    found = [entry[1] for entry in reply if isinstance(entry, list)] if isinstance(reply, list) else []
    return any(found[at : at + len(wanted)] == wanted for at in range(len(found) - len(wanted) + 1))


async def _last(task: Task) -> bytes | None:
    """The last id of the stream, 0-0 where there is none."""
    (page,) = await task.hand.lane.exchange(((b"XREVRANGE", task.key, b"+", b"-", b"COUNT", b"1"),))
    if not isinstance(page, list):
        return None
    return next((entry[0] for entry in page if isinstance(entry, list) and isinstance(entry[0], bytes)), b"0-0")


async def _pending(task: Task, content: tuple[bytes, bytes, list[list[bytes]]]) -> str:
    group, consumer, each = content
    return await _pieces(task, each, lambda part: (PEND, [group, consumer, *(word for one in part for word in one)]))


async def _claimed(task: Task, content: tuple[bytes, bytes, bytes, list[list[bytes]]]) -> str:
    group, owner, holder, each = content
    head = [group, holder, owner]
    return await _pieces(
        task,
        each,
        lambda part: (GIVE_BACK, [*head, *(w for name, times, when in part for w in (name, times, _EVER, when))]),
    )


async def _pieces(task: Task, each: list[list[bytes]], asking: Callable[..., tuple[object, list[bytes]]]) -> str:
    missed = 0
    for first in range(0, len(each), _EACH):
        part = each[first : first + _EACH]
        script, args = asking(part)
        told = await task.send(script, args)  # type: ignore[arg-type]
        if told[0] == b"gone":
            raise Ended(Outcome.CHANGED, "the queue is gone")
        task.taken += int(told[1])
        missed += len(part) - int(told[1])
        await task.pace()
    return f"{words.count(missed)} stayed as they are: they were delivered again or deleted meanwhile" if missed else ""


async def _consumer(task: Task, content: tuple[bytes, bytes]) -> str:
    told = await task.send(MAKE, content)
    if told[0] == b"gone":
        raise Ended(Outcome.GONE, "a consumer of that name is there")
    task.taken += 1
    return ""


async def _group(task: Task, content: tuple[bytes, bytes, bytes, bytes]) -> str:
    group, start, last, read = content
    # ENTRIESREAD came with Redis 7.0, and so did `entries-read` itself.
    (facts,) = await task.read((b"XINFO", b"GROUPS", task.key))
    if not any(known.get(b"name") == group for known in records(facts)):
        raise Ended(Outcome.CHANGED, "the group is gone")
    told = await task.send(SET_ID, (group, start, last, read))
    if told[0] == b"gone":
        raise Ended(Outcome.CHANGED, "the queue is gone")
    task.taken += 1
    return ""


_WAYS: dict[str, Callable[[Task, object], Awaitable[str]]] = {
    queue_list.KIND: _values,  # type: ignore[dict-item]
    queue_stream.ENTRIES: _entries,  # type: ignore[dict-item]
    queue_stream.PENDING: _pending,  # type: ignore[dict-item]
    queue_stream.CLAIMED: _claimed,  # type: ignore[dict-item]
    queue_stream.CONSUMER: _consumer,  # type: ignore[dict-item]
    queue_stream.GROUP: _group,  # type: ignore[dict-item]
}
