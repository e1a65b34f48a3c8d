"""Deeds on parts of a queue: chunk by chunk, each saved first, sent once, and held to what the survey saw."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from fleetcache_gui import clock
from fleetcache_gui.domain import words
from fleetcache_gui.domain.plan import Outcome
from fleetcache_gui.domain.values import Command, Reply, ReplyError
from fleetcache_gui.redis_io.act import settle
from fleetcache_gui.redis_io.act.verdicts import hear
from fleetcache_gui.redis_io.undo import BinFailed, Saved

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fleetcache_gui.domain.plan import Step
    from fleetcache_gui.redis_io.act.hands import Hand, Hands
    from fleetcache_gui.redis_io.act.saving import Keeper
    from fleetcache_gui.redis_io.act.scripts import Script
    from fleetcache_gui.redis_io.faults import Trouble

CHUNK = 1000
"""Entries in the largest chunk."""

HEAVY = 512 << 10
"""Bytes of entries in one chunk, about."""

QUICK, SLOW = 0.003, 0.010
"""After a chunk answered within the one (seconds) the next may be larger, beyond the other it is smaller, and rests."""

ONLY = "only"
"""What `Saved` of this kind says of the one before it: the positions of those of its entries that really went."""

_MOVED = "its slot is moving to another node; plan again"
_WHY = {
    b"type": "it has another type now",
    b"value": "it is another stream than the one that was seen",
    b"strange": "somebody put entries elsewhere in a list than at its new end, so old ones cannot be told; plan again",
    b"group": "the group is gone",
    b"nobody": "the consumer that was to have them is gone",
    b"pending": "entries are pending for it again",
    b"active": "it has come to life again",
    b"delivered": "the group has been given entries meanwhile",
}


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a step. `taken`: entries that it changed; `took`: the longest exchange in seconds; `trouble`: why
    the connection broke."""

    outcome: Outcome
    note: str = ""
    taken: int = 0
    saved: bool = False
    took: float = 0.0
    trouble: Trouble | None = None


class Ended(Exception):
    """Nothing more can be done to the queue."""

    def __init__(self, outcome: Outcome, note: str = "") -> None:
        super().__init__(note)
        self.outcome, self.note = outcome, note


class Lost(Exception):
    """Something was sent and not heard of. `hand` is the connection that broke."""

    def __init__(self, trouble: Trouble, hand: Hand) -> None:
        super().__init__(trouble.text)
        self.trouble, self.hand = trouble, hand


@dataclass(slots=True)
class Task:
    """One queue that is worked on. `told` hears how many entries are done, or what is waited for."""

    hands: Hands
    node: str
    key: bytes
    told: Callable[[int, str], None]
    stop: asyncio.Event
    keeper: Keeper | None = None
    most: int = CHUNK
    size: int = CHUNK
    taken: int = 0
    longest: float = 0.0
    trouble: Trouble | None = None
    _tail: Saved | None = field(default=None)

    @classmethod
    def of(
        cls, hands: Hands, step: Step, keeper: Keeper, told: Callable[[int, str], None], stop: asyncio.Event
    ) -> Task:
        """The task of a step; it saves what goes where the plan says so."""
        mean = max((step.size or 0) // max(step.count, 1), 1)
        kept, most = keeper if step.saved else None, max(1, min(CHUNK, HEAVY // mean))
        return cls(hands, step.node, step.draft.key, told, stop, kept, most, most)

    @property
    def hand(self) -> Hand:
        """The connection, as it is now."""
        return self.hands.nodes[self.node]

    async def read(self, *commands: Command) -> list[Reply]:
        """Replies to reads; raises `Ended` where one was refused, `Trouble`."""
        replies = await self.hand.lane.exchange(commands)
        for reply in replies:
            if isinstance(reply, ReplyError):
                raise self.ended(reply)
        return replies

    async def save(self, kind: str, content: object) -> None:
        """Put what is about to go into the bin. Raises `Ended`: then it stays."""
        if self.keeper is None:
            return
        try:
            await self.keeper.save([Saved(self.key, kind, msgspec.msgpack.encode(content))])
        except BinFailed as failed:
            raise Ended(Outcome.UNSAVED, f"kept, since it could not be saved for undo: {failed}") from None

    async def only(self, positions: Sequence[int]) -> None:
        """Of what was saved last no more than these went."""
        await self.save(ONLY, list(positions))

    async def send(self, script: Script, args: Sequence[bytes]) -> list[bytes]:
        """Run a script once; what it says. Raises `Ended` with what hinders, `Lost` when no reply came."""
        hand = self.hand
        while True:
            whole = script.sha not in hand.met
            hand.met.add(script.sha)
            asked = clock.now()
            replies, trouble = await hand.lane.once((script.call((self.key,), args, whole=whole),))
            self.longest = max(self.longest, clock.now() - asked)
            if trouble is not None:
                self.trouble = trouble
                raise Lost(trouble, hand)
            reply = replies[0]
            if isinstance(reply, ReplyError):
                if reply.code == "NOSCRIPT" and not whole:
                    hand.met.clear()
                    continue
                raise self.ended(reply)
            told = [word for word in reply if isinstance(word, bytes)] if isinstance(reply, list) else []
            if not told:
                raise Ended(Outcome.FAILED, "the server's answer was not understood")
            if told[0] == b"changed":
                raise Ended(Outcome.CHANGED, _WHY.get(told[1], "it has changed"))
            return told

    async def reach(self, lost: Lost) -> Hand:
        """The server on a new connection. Raises `Ended` where it cannot be asked what became of what was sent."""
        self.told(self.taken, f"{lost.trouble.text} Looking what became of it …")
        found = await settle.reach(
            self.hands, self.node, lost.hand, lambda text: self.told(self.taken, text), self.stop
        )
        if isinstance(found, str):
            raise Ended(Outcome.UNKNOWN, found)
        return found

    async def pace(self) -> None:
        """Adapt the size of chunks to how long they take, and let others in."""
        took, self.longest = self.longest, 0.0
        if took < QUICK:
            self.size = min(self.size * 2, self.most)
        elif took > SLOW:
            self.size = max(self.size // 2, 1)
        self.told(self.taken, "")
        await asyncio.sleep(took if took > SLOW else 0)

    def ended(self, error: ReplyError) -> Ended:
        """What an error that the server answered with means."""
        verdict = hear(error, ())
        return Ended(verdict.outcome or Outcome.FAILED, verdict.note or _MOVED)


def summed_up(task: Task, count: int, outcome: Outcome, note: str) -> Done:
    """The end of a step that was to change `count` entries."""
    taken, saved = task.taken, task.keeper is not None and task.taken > 0
    if outcome is Outcome.UNKNOWN:
        done = f"{words.count(taken)} of {words.count(count)} are done for certain; " if taken else ""
        return Done(outcome, done + note, count, saved, task.longest, task.trouble)
    if taken and taken < count:
        done = f"{words.count(taken)} of {words.count(count)}"
        return Done(Outcome.DONE, f"{done}: {note}" if note else done, taken, saved, task.longest, task.trouble)
    return Done(Outcome.DONE if taken else outcome, note, taken, saved, task.longest, task.trouble)
