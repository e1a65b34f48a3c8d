"""A LIST made shorter: entries that were seen go, whatever workers and hosts do meanwhile (see `queue_scripts`)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleetcache_gui.domain import words
from fleetcache_gui.domain.plan import Outcome
from fleetcache_gui.domain.values import Reply, ReplyError
from fleetcache_gui.redis_io import info
from fleetcache_gui.redis_io.act.queue import HEAVY, Ended, Lost, Task
from fleetcache_gui.redis_io.act.queue_scripts import DROP, TAKE
from fleetcache_gui.redis_io.faults import Trouble
from fleetcache_gui.redis_io.survey_queue import DEEP, SIGNATURE, STRANGERS, TAKERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetcache_gui.domain.plan import Step

KIND = "list"
"""Saved: the values that went, in the order of the list. They go back to its old end, the last saved first."""

_NEAR, _FAR = 64, 1000
"""Places at which a boundary is looked for: at once, and when it was not there."""

_PLACES = 50_000
"""Places at which a range is looked for beyond where it was seen."""

_TRIES = 100
"""So often is the old end read again when workers empty it faster than it can be read."""

_PUSHES = frozenset({"lpush", "lpushx"})
_COUNTED = _PUSHES | frozenset(TAKERS) | frozenset(STRANGERS)
_STATS = (b"INFO", b"commandstats")
_TAKEN = "workers took the others meanwhile"
_ALIKE = "the others cannot be told from entries that came later, as they look the same; plan again"
_FAST = "workers take entries faster than they can be saved"
_BROKE = "the connection broke before more was done"


@dataclass(slots=True)
class _Boundary:
    """Where what may go begins. `left`: at most so many entries may still go; `taken`: calls of `TAKERS` while none but
    this took anything, empty once that is not known; `strange`: calls of `STRANGERS`."""

    stay: bytes
    taken: bytes
    strange: bytes
    newer: Sequence[bytes]
    older: Sequence[bytes]
    left: int
    window: int

    def asking(self, end: _End) -> list[bytes]:
        """The arguments of `TAKE`."""
        values = end.values
        numbers = [b"%d" % n for n in (len(self.newer), len(self.older), end.wanted, values is not None)]
        head = [self.stay, b"%d" % self.left, b"%d" % self.window, self.taken, self.strange, *numbers]
        return [*head, *self.newer, *self.older, *(values or ())]


async def trim(task: Task, step: Step) -> tuple[Outcome, str]:
    """Everything behind the boundary goes, from the old end on."""
    stay, taken, strange, newer, *entries = step.told
    mean = max((step.size or 0) // max(step.count, 1), 1)
    beyond = max(1, min(_FAR, HEAVY // mean))
    near = min(_NEAR, beyond)
    edge = _Boundary(stay, taken, strange, entries[: int(newer)], entries[int(newer) :], step.count, near)
    failed = 0
    while edge.left > 0:
        if task.stop.is_set():
            return Outcome.CANCELLED, "cancelled"
        end = await _oldest(task, min(task.size, edge.left))
        if not end.wanted:
            return Outcome.GONE, _TAKEN
        await task.save(KIND, end.values)
        try:
            told = await task.send(TAKE, edge.asking(end))
            while told[0] == b"look":
                edge.left, edge.window = int(told[1]), beyond
                told = await task.send(TAKE, edge.asking(end))
        except Ended:
            await task.only(())
            raise
        except Lost as lost:
            return await _settle(task, end, lost)
        edge.window = near
        if told[0] != b"done":
            await task.only(())
            failed += 1
            if told[0] == b"gone" or failed > _TRIES:
                return Outcome.GONE, _TAKEN if told[0] == b"gone" else _FAST
            task.size = max(task.size // 2, 1)
            continue
        failed = 0
        alike = await _count(task, edge, told, end.wanted)
        if alike:
            return Outcome.DONE, _ALIKE
        await task.pace()
    return Outcome.DONE, _TAKEN if task.taken < step.count else ""


async def _count(task: Task, edge: _Boundary, told: Sequence[bytes], wanted: int) -> bool:
    """Take note of what a script removed; true where it had to stop, since what follows is not known to be older."""
    count, held, left = (int(word) for word in told[1:4])
    if count < wanted:
        await task.only(range(held - count, held))
    task.taken += count
    edge.left, edge.taken = left, told[5] if len(told) > 5 else b""
    return told[4] == b"1"


@dataclass(frozen=True, slots=True)
class _End:
    """The old end of the list before something was sent. `values` may go, where they are saved; `newer` stand just
    before them; `wanted` entries are to go, of `length`; `calls`: the server's counters."""

    wanted: int
    values: list[bytes] | None
    newer: list[bytes]
    length: int
    calls: dict[str, int]


async def _oldest(task: Task, wanted: int) -> _End:
    """Look at the old end; its values are read only where they are saved."""
    most = wanted + SIGNATURE if task.keeper else 1
    end = (b"LRANGE", task.key, b"-%d" % most, b"-1")
    stats, length, found = await task.hand.lane.exchange((_STATS, (b"LLEN", task.key), end))
    for reply in (length, found):
        if isinstance(reply, ReplyError):
            raise task.ended(reply)
    entries = [value for value in found if isinstance(value, bytes)] if isinstance(found, list) else []
    long = length if isinstance(length, int) else 0
    if task.keeper is None:
        return _End(min(wanted, long), None, [], long, _calls(stats))
    newer = entries[: max(len(entries) - wanted, 0)]
    values = entries[len(newer) :]
    return _End(len(values), values, newer, long, _calls(stats))


async def _settle(task: Task, end: _End, lost: Lost) -> tuple[Outcome, str]:
    """What became of a chunk whose reply was lost, as far as counters and the old end tell.

    Whatever the script removed, it removed by one LTRIM. Where that is all that was called since, what is missing now
    is what it took.
    """
    unknown = f"up to {words.count(end.wanted, 'entry was', 'entries were')} removed by this or taken by workers"
    try:
        hand = await task.reach(lost)
        tail = (b"LRANGE", task.key, b"-%d" % (end.wanted + SIGNATURE), b"-1")
        stats, length, now = await hand.lane.exchange((_STATS, (b"LLEN", task.key), tail))
    except Trouble as trouble:
        return Outcome.UNKNOWN, f"{trouble.text} {unknown}"
    calls = _calls(stats)
    if end.calls and calls:
        called = {name: count - end.calls.get(name, 0) for name, count in calls.items()}
        called = {name: count for name, count in called.items() if count}
        if "ltrim" not in called:
            await task.only(())
            return Outcome.FAILED, _BROKE
        left = _left(end, now) if end.values is not None else None
        if end.values is None and isinstance(length, int) and not called.keys() & _PUSHES:
            left = end.wanted - (end.length - length)
        if left is not None and called["ltrim"] == 1 and not called.keys() - {"ltrim"} - _PUSHES:
            task.taken += end.wanted - left
            await task.only(range(left, end.wanted))
            return (Outcome.FAILED, _BROKE) if left == end.wanted else (Outcome.DONE, f"found by reading; {_BROKE}")
    return Outcome.UNKNOWN, f"{unknown}; undo would put back all of them"


def _calls(stats: Reply) -> dict[str, int]:
    calls = info.calls(info.fields(stats)) if isinstance(stats, bytes) else {}
    return {name: calls.get(name, 0) for name in _COUNTED} if calls else {}


def _left(end: _End, now: Reply) -> int | None:
    """How many of the newest of what was to go are still at the old end; None where more than one answer fits."""
    if not isinstance(now, list) or end.values is None:
        return None
    fits = [
        left
        for left in range(end.wanted + 1)
        if not (wanted := end.newer + end.values[:left]) or now[-len(wanted) :] == wanted
    ]
    return fits[0] if len(fits) == 1 else None


# ---- a range ----------------------------------------------------------------------------------------------------


async def drop(task: Task, step: Step) -> tuple[Outcome, str]:
    """A run of entries goes, if exactly these stand in this order at one place where they may have come to."""
    start, length, newer, *entries = step.told
    values = entries[int(newer) :]
    if task.stop.is_set():
        return Outcome.CANCELLED, "cancelled"
    (before,) = await task.read(_STATS)
    await task.save(KIND, values)
    word = b"fleetcache-inspector-%s" % uuid.uuid4().hex.encode()
    tail = [b"%d" % DEEP, word, newer, b"%d" % len(values), *entries]
    mean = max((step.size or 0) // max(step.count, 1), 1)
    window = b"%d" % max(1, min(_FAR, HEAVY // mean))
    told = [b"look", b"0"]
    try:
        while told[0] == b"look" and int(told[1]) < _PLACES:
            told = await task.send(DROP, [start, length, told[1], window, *tail])
    except Ended:
        await task.only(())
        raise
    except Lost as lost:
        return await _settle_drop(task, step, _calls(before), lost)
    if told[0] == b"done":
        task.taken = int(told[1])
        await task.pace()
        return Outcome.DONE, ""
    await task.only(())
    if told[0] == b"twice":
        return Outcome.CHANGED, "the same entries stand there more than once by now; which were meant cannot be told"
    if told[0] == b"deep":
        return Outcome.CHANGED, "they lie too deep in the queue by now: dropping them would hold up the server"
    return Outcome.GONE, "they no longer stand there in this order: workers took some, or the queue was changed"


async def _settle_drop(task: Task, step: Step, before: dict[str, int], lost: Lost) -> tuple[Outcome, str]:
    """Entries in the midst go by LSET and LREM, those at an end by LTRIM."""
    start, length, newer, *entries = step.told
    try:
        hand = await task.reach(lost)
        stats, long = await hand.lane.exchange((_STATS, (b"LLEN", task.key)))
        # Where they are if nothing was taken: as far from the old end as before.
        now = int(start) + long - int(length) if isinstance(long, int) else 0
        place = (b"LRANGE", task.key, b"%d" % max(now, 0), b"%d" % max(now + step.count - 1, 0))
        (there,) = await hand.lane.exchange((place,))
    except Trouble as trouble:
        return Outcome.UNKNOWN, f"{trouble.text} Whether they were dropped is not known."
    calls = _calls(stats)
    called = {name for name, count in calls.items() if count != before.get(name, 0)} - _PUSHES
    if before and calls:
        if called >= {"lset", "lrem"} or (called == {"ltrim"} and there != entries[int(newer) :]):
            task.taken = step.count
            return Outcome.DONE, "found by reading"
        if not called & {"lset", "lrem", "ltrim"} or called == {"ltrim"}:
            await task.only(())
            return Outcome.FAILED, _BROKE
    return Outcome.UNKNOWN, "they were dropped by this or removed by others; undo would put all of them back"
