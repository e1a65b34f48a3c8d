"""Entries of a STREAM deleted, acknowledged or given to another consumer; consumers removed; groups set back.

An id names its entry for good: nothing with an id up to the last one that was seen can come later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui.domain.decoding import blob, records
from fleetcache_gui.domain.plan import Deed, Outcome
from fleetcache_gui.redis_io.act.queue import Ended, Lost, Task
from fleetcache_gui.redis_io.act.queue_scripts import ACK, CLAIM, DELETE, FORGET, SET_ID
from fleetcache_gui.redis_io.faults import Trouble

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetcache_gui.domain.plan import Step
    from fleetcache_gui.domain.values import Reply

ENTRIES: str = "stream"
PENDING: str = "pending"
CLAIMED: str = "claimed"
CONSUMER: str = "consumer"
GROUP: str = "group"
"""Kinds of what is saved: [[id, words]…]; [group, consumer, [[id, deliveries, when]…]]; [group, from, to, the same];
[group, consumer]; [group, id that was set, id before, entries read or empty]."""

_MOST = 500
"""Entries deleted in one script."""

_EACH = 250
"""Pending entries in one script: each is looked up."""

_BROKE = "the connection broke before more was done"
_READ = "found by reading"


async def delete(task: Task, step: Step) -> tuple[Outcome, str]:
    """Entries from the first id to the last."""
    start, end, last = step.told
    while True:
        if task.stop.is_set():
            return Outcome.CANCELLED, "cancelled"
        (page,) = await task.read((b"XRANGE", task.key, start, end, b"COUNT", b"%d" % min(task.size, _MOST)))
        entries = [entry for entry in page if isinstance(entry, list)] if isinstance(page, list) else []
        if not entries:
            break
        ids = [entry for entry, _ in entries if isinstance(entry, bytes)]
        await task.save(ENTRIES, entries)
        try:
            told = await task.send(DELETE, (last, *ids))
        except Ended:
            await task.only(())
            raise
        except Lost as lost:
            return await _settle_delete(task, ids, lost)
        if told[0] == b"gone":
            await task.only(())
            break
        await _count(task, told[2])
        start = b"(" + ids[-1]
        await task.pace()
    others = "the others were deleted by somebody else meanwhile"
    return (Outcome.DONE if task.taken else Outcome.GONE), others if task.taken < step.count else ""


async def _count(task: Task, flags: bytes) -> None:
    """`flags` holds a 1 for each entry that was changed."""
    went = [position for position, flag in enumerate(flags) if flag == ord("1")]
    if len(went) < len(flags):
        await task.only(went)
    task.taken += len(went)


async def _settle_delete(task: Task, ids: Sequence[bytes], lost: Lost) -> tuple[Outcome, str]:
    try:
        hand = await task.reach(lost)
        (page,) = await hand.lane.exchange(((b"XRANGE", task.key, ids[0], ids[-1]),))
    except Trouble as trouble:
        return Outcome.UNKNOWN, f"{trouble.text} Whether the last of them were deleted is not known."
    if not isinstance(page, list):
        return Outcome.UNKNOWN, "whether the last of them were deleted cannot be read"
    there = {entry[0] for entry in page if isinstance(entry, list)}
    await _count(task, bytes(ord("0") if name in there else ord("1") for name in ids))
    return (Outcome.FAILED, _BROKE) if len(there) == len(ids) else (Outcome.DONE, f"{_READ}; {_BROKE}")


# ---- pending entries --------------------------------------------------------------------------------------------


async def pending(task: Task, step: Step) -> tuple[Outcome, str]:
    """Entries that are still pending for the consumer, as they were seen, are acknowledged or claimed."""
    group, consumer, third = step.draft.args
    acks = step.draft.deed is Deed.ACK
    script, to = (ACK, b"") if acks else (CLAIM, third)
    each = [step.told[first : first + 3] for first in range(0, len(step.told), 3)]
    for first in range(0, len(each), _EACH):
        if task.stop.is_set():
            return Outcome.CANCELLED, "cancelled"
        part = each[first : first + _EACH]
        await task.save(*((PENDING, [group, consumer, part]) if acks else (CLAIMED, [group, consumer, to, part])))
        try:
            told = await task.send(script, (group, consumer, to, *(word for one in part for word in one)))
        except Ended:
            await task.only(())
            raise
        except Lost as lost:
            return await _settle_pending(task, step, part, lost)
        if told[0] == b"gone":
            await task.only(())
            return Outcome.GONE, "the queue is gone"
        await _count(task, told[2])
        await task.pace()
    if task.taken == step.count:
        return Outcome.DONE, ""
    kept = "the others are no longer pending for it as they were seen, and were kept" if task.taken else ""
    return Outcome.CHANGED, kept or "none of them is still pending for it as it was seen"


async def _settle_pending(task: Task, step: Step, part: Sequence[Sequence[bytes]], lost: Lost) -> tuple[Outcome, str]:
    group, consumer, third = step.draft.args
    try:
        hand = await task.reach(lost)
        found = await hand.lane.exchange([(b"XPENDING", task.key, group, e, e, b"1") for e, _, _ in part])
    except Trouble as trouble:
        return Outcome.UNKNOWN, f"{trouble.text} Whether the last of them were changed is not known."
    owners = [_owner(reply) for reply in found]
    if None in owners:
        return Outcome.UNKNOWN, "whether the last of them were changed cannot be read"
    wanted = b"" if step.draft.deed is Deed.ACK else third
    await _count(task, bytes(ord("1") if owner == wanted else ord("0") for owner in owners))
    if consumer in owners and wanted not in owners:
        return Outcome.FAILED, _BROKE
    return Outcome.DONE, f"{_READ}; {_BROKE}"


def _owner(reply: Reply) -> bytes | None:
    """For whom an entry is pending, empty for nobody, None where that is not known."""
    if not isinstance(reply, list):
        return None
    return blob(reply[0][1]) if reply and isinstance(reply[0], list) else b""


# ---- consumers and groups ---------------------------------------------------------------------------------------


async def forget(task: Task, step: Step) -> tuple[Outcome, str]:
    """A consumer with nothing pending, and idle since it was seen, is removed."""
    group, consumer = step.draft.args
    await task.save(CONSUMER, [group, consumer])
    try:
        told = await task.send(FORGET, (group, consumer, step.told[0]))
    except Ended:
        await task.only(())
        raise
    except Lost as lost:
        there = await _facts(task, lost, (b"XINFO", b"CONSUMERS", task.key, group), consumer)
        return await _found(task, step, done=there is None)
    if told[0] == b"gone":
        await task.only(())
        return Outcome.GONE, ""
    task.taken = 1
    return Outcome.DONE, ""


async def replay(task: Task, step: Step) -> tuple[Outcome, str]:
    """A group is set back, if it was given nothing since it was seen."""
    group, start = step.draft.args
    last, read = step.told
    await task.save(GROUP, [group, start, last, read])
    try:
        told = await task.send(SET_ID, (group, last, start, b""))
    except Ended:
        await task.only(())
        raise
    except Lost as lost:
        facts = await _facts(task, lost, (b"XINFO", b"GROUPS", task.key), group)
        now = facts.get(b"last-delivered-id") if facts else None
        if now not in (start, last):
            return Outcome.UNKNOWN, "the group was given entries meanwhile; whether it was set back cannot be told"
        return await _found(task, step, done=now == start)
    if told[0] == b"gone":
        await task.only(())
        return Outcome.GONE, ""
    task.taken = step.count
    return Outcome.DONE, ""


async def _facts(task: Task, lost: Lost, command: tuple[bytes, ...], name: bytes) -> dict[bytes, Reply] | None:
    """What XINFO says now of the group or consumer, None when there is none of that name."""
    try:
        hand = await task.reach(lost)
        (reply,) = await hand.lane.exchange((command,))
    except Trouble as trouble:
        raise Ended(Outcome.UNKNOWN, f"{trouble.text} Whether it was done is not known.") from None
    if not isinstance(reply, list):
        raise Ended(Outcome.UNKNOWN, "whether it was done cannot be read")
    return next((facts for facts in records(reply) if facts.get(b"name") == name), None)


async def _found(task: Task, step: Step, *, done: bool) -> tuple[Outcome, str]:
    if done:
        task.taken = step.count
        return Outcome.DONE, _READ
    await task.only(())
    return Outcome.FAILED, "the connection broke before it was done"
