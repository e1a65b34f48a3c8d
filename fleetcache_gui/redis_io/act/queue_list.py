"""A LIST made shorter: entries that were seen go, whatever workers and hosts do meanwhile (see `queue_scripts`)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleetcache_gui.domain import words
from fleetcache_gui.domain.plan import Outcome
from fleetcache_gui.redis_io import info
from fleetcache_gui.redis_io.act.queue import HEAVY, Ended, Lost, Task
from fleetcache_gui.redis_io.act.queue_scripts import DROP, TAKE
from fleetcache_gui.redis_io.faults import Trouble
from fleetcache_gui.redis_io.survey_queue import DEEP, STRANGERS, TAKERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetcache_gui.domain.plan import Step
    from fleetcache_gui.domain.values import Reply

KIND = "list"
"""Saved: the values that went, in the order of the list. They go back to its old end, the last saved first."""

_NEAR, _FAR = 64, 1000
"""Places at which a boundary is looked for: at once, and when it was not there."""

_PLACES = 50_000
"""Places at which a range is looked for beyond where it was seen."""

_TRIES = 100
"""So often is the old end read again when workers empty it faster than it can be read."""

_COUNTED = frozenset(TAKERS) | frozenset(STRANGERS)
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

    def asking(self, wanted: int, values: Sequence[bytes] | None) -> list[bytes]:
        """The arguments of `TAKE`."""
        numbers = [b"%d" % n for n in (len(self.newer), len(self.older), wanted, values is not None)]
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
        values, wanted, before = await _oldest(task, min(task.size, edge.left))
        if not wanted:
            return Outcome.GONE, _TAKEN
        if values is not None:
            await task.save(KIND, values)
        try:
            told = await task.send(TAKE, edge.asking(wanted, values))
            while told[0] == b"look":
                edge.left, edge.window = int(told[1]), beyond
                told = await task.send(TAKE, edge.asking(wanted, values))
        except Ended:
            await task.only(())
            raise
        except Lost as lost:
            return await _settle(task, edge, wanted, values, before, lost)
        edge.window = near
        if told[0] != b"done":
            await task.only(())
            failed += 1
            if told[0] == b"gone" or failed > _TRIES:
                return Outcome.GONE, _TAKEN if told[0] == b"gone" else _FAST
            task.size = max(task.size // 2, 1)
            continue
        failed = 0
        alike = await _count(task, edge, told, wanted)
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


async def _oldest(task: Task, wanted: int) -> tuple[list[bytes] | None, int, Reply]:
    """The values at the old end where they are to be saved, how many there are, and the server's counters."""
    if task.keeper is None:
        length, stats = await task.read((b"LLEN", task.key), _STATS)
        return None, min(wanted, length if isinstance(length, int) else 0), stats
    stats, found = await task.hand.lane.exchange((_STATS, (b"LRANGE", task.key, b"-%d" % wanted, b"-1")))
    values = [value for value in found if isinstance(value, bytes)] if isinstance(found, list) else []
    if not isinstance(found, list):
        await task.read((b"LRANGE", task.key, b"0", b"0"))  # raises what hinders
    return values, len(values), stats


async def _settle(
    task: Task, edge: _Boundary, wanted: int, values: list[bytes] | None, before: Reply, lost: Lost
) -> tuple[Outcome, str]:
    """What became of a chunk whose reply was lost, as far as counters and the old end tell."""
    note = f"up to {words.count(wanted, 'entry was', 'entries were')} removed by this or taken by workers"
    try:
        hand = await task.reach(lost)
        end = (b"LRANGE", task.key, b"-%d" % wanted, b"-1")
        stats, tail = await hand.lane.exchange((_STATS, end if values else (b"LLEN", task.key)))
    except Trouble as trouble:
        return Outcome.UNKNOWN, f"{trouble.text} {note}"
    was, now = _calls(before), _calls(stats)
    rest = _rest(values, tail) if values and isinstance(tail, list) else None
    sure = bool(was) and bool(now)
    if sure and now == was:
        await task.only(())
        return Outcome.FAILED, _BROKE
    others = {name: now.get(name, 0) - was.get(name, 0) for name in _COUNTED if name != "ltrim"}
    if sure and not any(others.values()) and now["ltrim"] - was.get("ltrim", 0) == 1:
        count = min(wanted, edge.left)
        if rest is None or rest == wanted - count:
            task.taken += count
            if count < wanted:
                await task.only(range(wanted - count, wanted))
            return Outcome.DONE, f"found by reading; {_BROKE}"
    if rest and values and len(set(values)) == wanted and wanted <= edge.left:
        await task.only(())
        return Outcome.FAILED, _BROKE  # what would have gone with the others is still there
    return Outcome.UNKNOWN, f"{note}; undo would put back all of them"


def _calls(stats: Reply) -> dict[str, int]:
    calls = info.calls(info.fields(stats)) if isinstance(stats, bytes) else {}
    return {name: calls.get(name, 0) for name in _COUNTED} if calls else {}


def _rest(values: Sequence[bytes], tail: Sequence[Reply]) -> int:
    """How many of the newest of `values` are at the old end now."""
    for left in range(min(len(values), len(tail)), 0, -1):
        if list(values[:left]) == list(tail[-left:]):
            return left
    return 0


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
        return await _settle_drop(task, step, before, lost)
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


async def _settle_drop(task: Task, step: Step, before: Reply, lost: Lost) -> tuple[Outcome, str]:
    try:
        hand = await task.reach(lost)
        (stats,) = await hand.lane.exchange((_STATS,))
    except Trouble as trouble:
        return Outcome.UNKNOWN, f"{trouble.text} Whether they were dropped is not known."
    was, now = _calls(before), _calls(stats)
    if was and now == was:
        await task.only(())
        return Outcome.FAILED, _BROKE
    changed = {name for name in now if now[name] != was.get(name, 0)}
    # Nobody else sets entries of a queue and removes them by value.
    if was and (changed >= {"lset", "lrem"} or changed == {"ltrim"}):
        task.taken = step.count
        return Outcome.DONE, "found by reading"
    if was and not changed & {"lset", "lrem", "ltrim"}:
        await task.only(())
        return Outcome.FAILED, _BROKE
    return Outcome.UNKNOWN, "they were dropped by this or removed by others; undo would put all of them back"
