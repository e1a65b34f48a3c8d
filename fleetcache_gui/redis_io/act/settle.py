"""What became of steps that were sent and never heard of: found out by reading, never by sending again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from fleetcache_gui import clock
from fleetcache_gui.domain import words
from fleetcache_gui.domain.plan import Deed, Fingerprint, Outcome, Step
from fleetcache_gui.domain.values import Command, Reply, ReplyError
from fleetcache_gui.redis_io.act import undoing
from fleetcache_gui.redis_io.act.hands import Hand
from fleetcache_gui.redis_io.faults import Trouble
from fleetcache_gui.redis_io.survey import GONE, survey

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from fleetcache_gui.redis_io.act.hands import Hands
    from fleetcache_gui.redis_io.survey import Ask

PATIENCE = 60.0
"""Seconds for which a server that is away is waited for."""

_BETWEEN = 0.3
_GRACE = 2.0
"""Seconds that one look still has when nobody waits any more: a server that is well answers by then."""
_LATE = 1.0
"""Seconds within which a server does what still lies in a connection that has ended, where that cannot be cut off."""

_UNKNOWN = "whether it was done before is not known"
_RESTARTED = f"the server was restarted or replaced meanwhile; {_UNKNOWN}"

Finding = tuple[Outcome, str]
Told = TypeVar("Told")


async def settle(
    hands: Hands, node: str, old: Hand, steps: Sequence[Step], waiting: Callable[[str], None], stop: asyncio.Event
) -> list[Finding]:
    """The outcome of each step, with a note. `stop` ends the waiting: what is not known then stays so."""
    if not steps:
        return []
    waiting(f"Looking what became of {words.count(len(steps), 'change')} …")
    found = await look(hands, node, old, waiting, stop, lambda hand: _read(hand, steps))
    return [(Outcome.UNKNOWN, found)] * len(steps) if isinstance(found, str) else found


async def look(
    hands: Hands,
    node: str,
    old: Hand,
    waiting: Callable[[str], None],
    stop: asyncio.Event,
    read: Callable[[Hand], Awaitable[Told]],
) -> Told | str:
    """What `read` finds at the node on a new connection, tried again while that breaks, too; or why nothing can be
    found out."""
    ends = clock.now() + PATIENCE
    while True:
        hand = await reach(hands, node, old, waiting, stop, ends - clock.now())
        if isinstance(hand, str):
            return hand
        try:
            return await read(hand)
        except Trouble as trouble:
            if clock.now() > ends or stop.is_set():
                return f"{trouble.text} Whether it was done is not known."


async def reach(
    hands: Hands,
    node: str,
    old: Hand,
    waiting: Callable[[str], None],
    stop: asyncio.Event,
    patience: float = PATIENCE,
) -> Hand | str:
    """The node on a new connection, with the old one cut off; or why nothing can be found out there. What is another
    server by now, or has another role, is hung up on: nothing more is to be sent to it."""
    ends = clock.now() + patience
    while True:
        hand = await _unless(stop, _again(hands, node, old))
        if isinstance(hand, Hand):
            if hand.same(old.identity):
                return hand
            await hand.lane.close()
            restarted = hand.identity.run_id != old.identity.run_id
            return _RESTARTED if restarted else f"its server is a {hand.identity.role} now; {_UNKNOWN}"
        if clock.now() > ends or stop.is_set():
            return f"{hand.text if hand else 'It was not waited for.'} Whether it was done is not known."
        if hand is not None:
            waiting(f"{hand.text} What became of it is looked up as soon as the server answers …")
        await asyncio.sleep(_BETWEEN)


async def _again(hands: Hands, node: str, old: Hand) -> Hand | Trouble:
    try:
        hand = await hands.again(node)
        if hand.same(old.identity):
            await _cut_off(hand, old)
    except Trouble as trouble:
        return trouble
    return hand


async def _unless(stop: asyncio.Event, what: Coroutine[None, None, Hand | Trouble]) -> Hand | Trouble | None:
    """What comes of it; None where that takes long and is not waited for any more."""
    async with asyncio.TaskGroup() as group:
        trying, stopped = group.create_task(what), group.create_task(stop.wait())
        await asyncio.wait((trying, stopped), return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait((trying,), timeout=_GRACE)
        trying.cancel()
        stopped.cancel()
    return None if trying.cancelled() else trying.result()


async def _cut_off(hand: Hand, old: Hand) -> None:
    """End our own broken connection on the server's side: a frozen server would still do what lies in it."""
    if old.connection:
        reply = await hand.lane.ask(b"CLIENT", b"KILL", b"ID", b"%d" % old.connection)
        if isinstance(reply, int) or (isinstance(reply, ReplyError) and "No such client" in reply.text):
            return
    await asyncio.sleep(_LATE)


async def _read(hand: Hand, steps: Sequence[Step]) -> list[Finding]:
    ask = _asker(hand)
    if steps[0].draft.deed is Deed.REMOVE:
        return await _removed(ask, hand, steps)
    replies = await ask([(step.draft.key, question) for step in steps for question in _questions(step)])
    answers = iter(replies)
    return [_verdict(step, [next(answers) for _ in _questions(step)]) for step in steps]


def _asker(hand: Hand) -> Ask:
    async def ask(questions: Sequence[tuple[bytes, Command]]) -> list[Reply]:
        return await hand.lane.exchange([command for _, command in questions])

    return ask


async def _removed(ask: Ask, hand: Hand, steps: Sequence[Step]) -> list[Finding]:
    drafts = [
        replace(step.draft, what=str(number), type="", value=None, guards=()) for number, step in enumerate(steps)
    ]
    found = await survey(ask, drafts, absolute=hand.absolute, room=0, node_of=lambda key: "")
    seen = {int(step.draft.what): step.seen for step in found.steps}
    reasons = {int(skipped.what): skipped.reason for skipped in found.skipped}
    now = 1000 * await hand.clock()
    return [_left(step, seen.get(number), reasons.get(number, ""), now) for number, step in enumerate(steps)]


def _left(step: Step, seen: Fingerprint | None, reason: str, now: float) -> Finding:
    if seen is None and reason != GONE:
        return Outcome.UNKNOWN, reason
    if seen is None and 0 < (step.seen.expires_ms or 0) <= now:
        return Outcome.GONE, "it is gone: it was removed, or its time was over before"
    if seen is None:
        return Outcome.DONE, "found by reading: it is gone"
    if seen == step.seen:
        return Outcome.FAILED, "the connection broke before it was done; it is there as it was"
    return Outcome.CHANGED, "it is there as another now, and was kept"


def _restored(step: Step, dump: Reply) -> Finding:
    if dump == step.draft.args[1]:
        return Outcome.DONE, "found by reading: it is back"
    if dump is None:
        return Outcome.FAILED, "the connection broke before it was put back, or its time has passed"
    return Outcome.CHANGED, "there is another under its name now, and it was kept"


def _questions(step: Step) -> Sequence[Command]:
    key = step.draft.key
    if step.draft.deed is Deed.PUT_BACK:
        return [(b"DUMP", key)] if undoing.kind(step) == undoing.DUMP else undoing.questions(step)
    if step.draft.deed is Deed.DROP_MEMBER:
        return [(b"SISMEMBER", key, member) for member in step.draft.args]
    return [(b"PTTL", key)]


def _verdict(step: Step, replies: list[Reply]) -> Finding:
    if any(isinstance(reply, ReplyError) for reply in replies):
        return Outcome.UNKNOWN, "the account may not read it"
    if step.draft.deed is Deed.PUT_BACK:
        if undoing.kind(step) == undoing.DUMP:
            return _restored(step, replies[0])
        if undoing.done(step, replies):
            return Outcome.DONE, "found by reading: it is back"
        return Outcome.FAILED, "the connection broke before it was put back"
    if step.draft.deed is Deed.DROP_MEMBER:
        if not any(replies):
            return Outcome.DONE, "found by reading: it is out of the set"
        return Outcome.FAILED, "the connection broke before it was done; it still stands in the set"
    left = replies[0]
    if left == -2:
        return Outcome.GONE, ""
    if step.draft.deed is Deed.EXPIRE:
        if isinstance(left, int) and left >= 0:
            return Outcome.DONE, "found by reading: it has an expiry"
        return Outcome.FAILED, "the connection broke before it was done; it has no expiry"
    return Outcome.UNKNOWN, "whether it was done cannot be read"
