"""To act on a real server in tests: hands, plans from drafts, a memory keeper and log, and a run behind a real gate.

async with acting(server) as act:
    plan = await act.plan(Draft(Deed.REMOVE, b"k", "k"))
    receipt = await act.run(plan)
    assert receipt.outcomes == (Outcome.DONE,)
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fleetcache_gui import clock
from fleetcache_gui.domain.plan import Deed, Plan, Progress, Strictness
from fleetcache_gui.domain.planning import word_for
from fleetcache_gui.redis_io.act import queue, queue_undo
from fleetcache_gui.redis_io.act.execute import execute
from fleetcache_gui.redis_io.act.gate import Gate
from fleetcache_gui.redis_io.act.hands import Hands
from fleetcache_gui.redis_io.address import Address
from fleetcache_gui.redis_io.survey import Survey, survey
from fleetcache_gui.redis_io.undo import BinFull, Saved

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from typing import Protocol

    import pytest

    from fleetcache_gui.domain.plan import Draft, Receipt

    class Listening(Protocol):
        """A server, or a proxy before one."""

        host: str
        port: int


PREFIXES = (b"async_host:", b"lock:", b"campaign:", b"k")
ROOM = 64 << 20


@dataclass
class MemoryKeeper:
    """A place in the undo bin that forgets nothing and is full after `room` items."""

    items: list[Saved] = field(default_factory=list)
    room: int = 1_000_000
    saved: Callable[[], object] = lambda: None
    """Called after each saving: the moment between saving and sending."""

    async def save(self, items: Sequence[Saved]) -> None:
        if len(self.items) + len(items) > self.room:
            raise BinFull("The undo bin is full.")
        self.items += items
        self.saved()


@dataclass
class MemoryLog:
    """What was put on record: deed, event, facts."""

    lines: list[tuple[str, str, Mapping[str, object]]] = field(default_factory=list)

    async def append(self, deed: str, event: str, facts: Mapping[str, object]) -> None:
        self.lines.append((deed, event, facts))


@dataclass
class Acting:
    """Hands on a server, and what its runs left: `keeper`, `log`, `progress`."""

    hands: Hands
    gate: Gate = field(default_factory=Gate)
    keeper: MemoryKeeper = field(default_factory=MemoryKeeper)
    log: MemoryLog = field(default_factory=MemoryLog)
    progress: list[Progress] = field(default_factory=list)
    told: Callable[[Progress], None] = lambda progress: None
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def look(self, *drafts: Draft, room: int = ROOM) -> Survey:
        """What the survey makes of drafts."""
        hand = next(iter(self.hands.nodes.values()))
        return await survey(self.hands.ask, drafts, absolute=hand.absolute, room=room, node_of=self.hands.node_of)

    async def plan(self, *drafts: Draft, room: int = ROOM) -> Plan:
        """The plan that the survey makes of drafts; what fell out is in `skipped`."""
        return self.planned(await self.look(*drafts, room=room))

    def planned(self, found: Survey) -> Plan:
        """A plan of what a survey found."""
        return Plan(
            id=uuid.uuid4().hex,
            verb="test",
            family="test",
            title="Test",
            button="Test",
            where="here",
            environment="",
            servers=self.hands.identities,
            steps=found.steps,
            skipped=found.skipped,
            consequence=(),
            way_back="",
            strictness=Strictness.HOLD,
            word=word_for("here", len(found.steps)),
            made_at=clock.now(),
        )

    async def run(self, plan: Plan) -> Receipt:
        """Confirm and execute, with a keeper and a log of its own; once more counts as planned anew."""
        plan = replace(plan, id=uuid.uuid4().hex)
        self.progress, self.stop = [], asyncio.Event()
        if not all(step.draft.deed is Deed.PUT_BACK for step in plan.steps):
            self.keeper.items = []
        self.gate.unlock()

        def told(progress: Progress) -> None:
            self.progress.append(progress)
            self.told(progress)

        confirmed = self.gate.confirm(plan, plan.word)
        return await execute(self.gate, confirmed, self.hands, self.keeper, self.log, told, self.stop)

    async def undo_queue(self) -> Receipt:
        """Put back what the last run took from queues."""
        return await self.run(self.planned(Survey(tuple(queue_undo.steps(self.keeper.items, self.hands.node_of)), ())))

    async def do(self, *drafts: Draft, room: int = ROOM) -> Receipt:
        """Plan, and run at once."""
        return await self.run(await self.plan(*drafts, room=room))


@contextlib.asynccontextmanager
async def acting(place: Listening, prefixes: Sequence[bytes] = PREFIXES, **more: Any) -> AsyncIterator[Acting]:
    """Hands on a server (or through a proxy), closed at the end. `more`: of the address."""
    hands = await Hands.open(Address(place.host, place.port, **more), prefixes)
    try:
        yield Acting(hands)
    finally:
        await hands.close()


def chunks_of(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Entries of a queue go so many at a time, however long that takes."""
    monkeypatch.setattr(queue, "CHUNK", size)
    monkeypatch.setattr(queue, "SLOW", 60.0)
