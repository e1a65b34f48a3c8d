"""Putting back what a deed took: never over anything that exists now, and only for the lifetime that is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fleetcache_gui.domain.plan import Deed, Draft, Fingerprint, Skipped, Step
from fleetcache_gui.domain.text import show
from fleetcache_gui.domain.values import Command, Reply, ReplyError
from fleetcache_gui.redis_io.act import scripts
from fleetcache_gui.redis_io.survey import Survey
from fleetcache_gui.redis_io.undo import Missing, Saved

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from fleetcache_gui.redis_io.act.hands import Hand, Hands

DUMP, MEMBERS, EXPIRY = "dump", "members", "expiry"
"""Kinds of what is saved: a whole key, members of a SET, an expiry that was given."""

NEEDS = {DUMP: b"RESTORE", MEMBERS: b"SADD", EXPIRY: b"PERSIST"}

LAPSED = "its time has passed meanwhile"
_TAKEN = "the name is taken again, and what is there is kept"
_LENGTH = 80


async def survey(
    items: AsyncIterator[Saved | Missing], hands: Hands, shown: Callable[[bytes], str] = lambda key: show(key, _LENGTH)
) -> Survey:
    """What of `items` can be put back now, and what cannot. `shown` names a key without its credential. Raises
    `Trouble`."""
    steps: dict[tuple[bytes, str, bytes], Step] = {}
    skipped: list[Skipped] = []
    now = {node: 1000 * await hand.clock() for node, hand in hands.nodes.items()}
    async for item in items:
        if isinstance(item, Missing):
            skipped.append(Skipped("A part of what was saved", item.text))
            continue
        key = msgspec.msgpack.decode(item.payload, type=list[bytes])[0] if item.kind == MEMBERS else item.key
        step = _step(item, key, hands.node_of(key), shown(key))
        if step.node not in hands.nodes:
            skipped.append(Skipped(step.draft.what, "no node of the cluster serves it now"))
        elif item.expires_ms is not None and item.expires_ms <= now[step.node]:
            skipped.append(Skipped(step.draft.what, LAPSED))
        else:
            # A key that changed while it was saved is there twice: what was removed is what was saved last.
            part = b"" if item.kind == DUMP else item.payload
            steps[key, item.kind, part] = step
    taken = await hands.ask([(step.draft.key, (b"EXISTS", step.draft.key)) for step in steps.values()])
    ready: list[Step] = []
    for step, reply in zip(steps.values(), taken, strict=True):
        if problem := _problem(step, reply):
            skipped.append(Skipped(step.draft.what, problem))
        else:
            ready.append(step)
    return Survey(tuple(ready), tuple(skipped))


def _step(item: Saved, key: bytes, node: str, name: str) -> Step:
    ends = b"" if item.expires_ms is None else b"%d" % item.expires_ms
    args = (item.kind.encode(), item.payload, ends)
    members = len(_members(item.payload)) if item.kind == MEMBERS else 1
    what = {MEMBERS: f"members of {name}", EXPIRY: f"{name} without expiry"}.get(item.kind, name)
    return Step(
        Draft(Deed.PUT_BACK, key, what, args=args),
        Fingerprint("none"),
        len(item.payload),
        node=node,
        count=members,
    )


def _members(payload: bytes) -> list[bytes]:
    return msgspec.msgpack.decode(payload, type=list[bytes])[1:]


def name(step: Step) -> bytes:
    """Under which the bin keeps what the step puts back (see `saving.name`)."""
    return step.draft.args[1] if kind(step) == MEMBERS else step.draft.key


def _problem(step: Step, exists: Reply) -> str:
    if isinstance(exists, ReplyError):
        return "the account may not read it"
    if kind(step) == DUMP and exists:
        return _TAKEN
    return "it is gone by now" if kind(step) == EXPIRY and not exists else ""


def kind(step: Step) -> str:
    """What is put back; empty for a queue's entries, which have a runner of their own (`queue_undo`)."""
    return step.draft.args[0].decode() if step.draft.args else ""


def ends_ms(step: Step) -> int | None:
    """When what is put back would end (Unix ms on the server's clock)."""
    return int(step.draft.args[2]) if step.draft.args[2] else None


def command(step: Step, hand: Hand) -> Command:
    """What puts it back. RESTORE without REPLACE refuses by itself where the key exists."""
    _, payload, ends = step.draft.args
    if kind(step) == DUMP:
        return (b"RESTORE", step.draft.key, ends or b"0", payload, b"ABSTTL")
    if kind(step) == MEMBERS:
        return scripts.PUT_MEMBERS.call((step.draft.key,), _members(payload), whole=True)
    return scripts.PERSIST.call((step.draft.key,), (payload if hand.absolute else b"",), whole=True)


def questions(step: Step) -> Sequence[Command]:
    """What tells afterwards whether it was put back."""
    if kind(step) == MEMBERS:
        return [(b"SISMEMBER", step.draft.key, member) for member in _members(step.draft.args[1])]
    return [(b"PTTL", step.draft.key)]


def done(step: Step, replies: Sequence[Reply]) -> bool:
    """Whether the replies to `questions` say that it is back."""
    if kind(step) == MEMBERS:
        return all(reply == 1 for reply in replies)
    return replies[0] == -1 if kind(step) == EXPIRY else replies[0] != -2
