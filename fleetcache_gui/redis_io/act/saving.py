"""What goes is saved first: only what the undo bin holds, byte for byte, is then removed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import msgspec

from fleetcache_gui.domain.plan import Deed, Outcome
from fleetcache_gui.domain.values import Command, ReplyError
from fleetcache_gui.redis_io.survey import sha1
from fleetcache_gui.redis_io.undo import BinFailed, Saved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetcache_gui.domain.plan import Step
    from fleetcache_gui.redis_io.act.hands import Hand


ASKING: Command = (b"ASKING",)
"""Said before each command to a node to which the slot is just moving."""


class Keeper(Protocol):
    """One deed's place in the undo bin (`undo.Record`)."""

    async def save(self, items: Sequence[Saved]) -> None: ...


@dataclass(slots=True)
class Kept:
    """`saved`: positions that are safe. `digests`: of whole keys the SHA-1 (hex) of the dump. `ends`: the expiry that
    was saved with them (Unix ms, -1 for none; absent where the server does not tell), or that is given. `fell_out`:
    what became of those that could not be saved, and were not touched."""

    saved: list[int] = field(default_factory=list)
    digests: dict[int, bytes] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict)
    fell_out: dict[int, tuple[Outcome, str]] = field(default_factory=dict)
    refused: dict[int, ReplyError] = field(default_factory=dict)
    """Errors of the server instead of what was to be saved; these were not touched either."""


def name(step: Step) -> bytes:
    """Under which the bin keeps what a step takes: the key, or where it is a part of one the part too, so that what was
    taken of a set can be told from what was not."""
    draft = step.draft
    return msgspec.msgpack.encode([draft.key, *draft.args]) if draft.deed is Deed.DROP_MEMBER else draft.key


async def save(
    hand: Hand, steps: Sequence[Step], positions: Sequence[int], keeper: Keeper, *, asking: bool = False
) -> Kept:
    """Put what the steps at `positions` would take into the bin. `asking`: from a node to which the slot is just
    moving. Raises `Trouble`."""
    kept, items = Kept(), dict[int, Saved]()
    wanted = [position for position in positions if steps[position].saved]
    whole = [position for position in wanted if steps[position].draft.deed is Deed.REMOVE]
    moment = b"PEXPIRETIME" if hand.absolute else b"PTTL"
    commands: list[Command] = []
    for position in whole:
        key = steps[position].draft.key
        commands += ((b"DUMP", key), (moment, key))
    if asking:
        replies = (await hand.lane.exchange([sent for command in commands for sent in (ASKING, command)]))[1::2]
    else:
        replies = await hand.lane.exchange(commands)
    now = round(1000 * await hand.clock()) if positions else 0
    for index, position in enumerate(whole):
        dump, ends = replies[2 * index], replies[2 * index + 1]
        error = next((reply for reply in (dump, ends) if isinstance(reply, ReplyError)), None)
        if dump is None:
            kept.fell_out[position] = (Outcome.GONE, "")
        elif error is not None and error.code != "NOPERM":
            kept.refused[position] = error
        elif not isinstance(dump, bytes):
            kept.fell_out[position] = (Outcome.REFUSED, "it could not be saved for undo: the account may not dump it")
        elif not isinstance(ends, int):
            kept.fell_out[position] = (Outcome.REFUSED, "it could not be saved for undo: its expiry cannot be read")
        elif ends == -2:
            kept.fell_out[position] = (Outcome.GONE, "")
        else:
            moved = 0 if hand.absolute else now
            items[position] = Saved(steps[position].draft.key, "dump", dump, moved + ends if ends >= 0 else None)
            kept.digests[position] = sha1(dump).encode()
            if hand.absolute:
                kept.ends[position] = ends
    for position in positions:
        draft = steps[position].draft
        if draft.deed is Deed.DROP_MEMBER:
            items[position] = Saved(name(steps[position]), "members", name(steps[position]), None)
        elif draft.deed is Deed.EXPIRE:
            kept.ends[position] = now + int(draft.args[0])
            items[position] = Saved(draft.key, "expiry", b"%d" % kept.ends[position], None)
    try:
        if items:
            await keeper.save(list(items.values()))
    except BinFailed as failed:
        reason = f"kept, since it could not be saved for undo: {failed}"
        kept.fell_out |= dict.fromkeys(items, (Outcome.UNSAVED, reason))
        kept.digests = {}
    else:
        kept.saved = list(items)
    return kept
