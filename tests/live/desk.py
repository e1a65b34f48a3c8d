"""A desk to act from: the hands, an open gate, an undo bin and a log for one server, as the program itself has them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fleetcache_gui import clock
from fleetcache_gui.domain.family import Expected
from fleetcache_gui.domain.verbs import Refusal
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.redis_io.act import plans
from fleetcache_gui.redis_io.act.books import Books, NothingToKeep
from fleetcache_gui.redis_io.act.execute import execute
from fleetcache_gui.redis_io.act.gate import Gate
from fleetcache_gui.redis_io.act.hands import Hands
from fleetcache_gui.redis_io.keyspace import Keyspace as Reader
from fleetcache_gui.redis_io.rows import Listed, Question, members, read
from fleetcache_gui.redis_io.undo import USUAL, Limits, UndoBin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

    from fleetcache_gui.domain.family import Row, Verb
    from fleetcache_gui.domain.layout import Layout
    from fleetcache_gui.domain.plan import Plan, Progress, Receipt
    from fleetcache_gui.redis_io.address import Address


def prefixes(layout: Layout) -> list[bytes]:
    """What the keys of a layout begin with."""
    return [prefix for family in layout.families for prefix in family.prefixes]


PREFIXES = prefixes(SPEC)


@dataclass
class Log:
    """Keeps what would be written to the audit log."""

    entries: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    async def append(self, deed: str, event: str, facts: Mapping[str, object]) -> object:
        self.entries.append((deed, event, dict(facts)))
        return None


class Desk:
    """`environment` and `name` are the connection's; `limits` the undo bin's."""

    def __init__(
        self, address: Address, hands: Hands, folder: Path, environment: str, limits: Limits, layout: Layout
    ) -> None:
        self.address, self.hands, self.layout = address, hands, layout
        self.gate, self.log = Gate(), Log()
        self.gate.unlock()
        self.books = Books(folder)
        self.books.limits = limits
        self.books._bin = self.bin = UndoBin(folder, None, limits)  # and not the keyring of who runs the tests
        self.place = plans.Place("bench", environment, str(address), self.bin)
        self.told: list[Progress] = []
        self.tell: Callable[[Progress], None] = lambda progress: self.told.append(progress)
        self.stop = asyncio.Event()
        self._undoing: dict[str, str] = {}
        self._reader: Reader | None = None

    async def rows(self, family_id: str, *row_ids: bytes, expected: Expected | None = None) -> list[Row]:
        """Rows as the window would have them, read from the server."""
        family = self.layout.family(family_id)
        async with self.reading() as reader:
            listed = await members(reader, family.index) if family.index else None
            question = Question(family, row_ids, listed or Listed())
            return (await read(reader, [question], expected or Expected()))[family_id]

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reader]:
        """A connection to read from; the one that is open already where there is one."""
        if self._reader is not None:
            yield self._reader
            return
        self._reader = await Reader.connect(self.address)
        try:
            yield self._reader
        finally:
            await self._reader.close()
            self._reader = None

    async def plan(self, verb_id: str, rows: Sequence[Row], choice: str = "") -> Plan:
        """The plan of a verb; a refusal fails the test."""
        made = await self.try_plan(verb_id, rows, choice)
        assert not isinstance(made, Refusal), made.text
        return made

    async def try_plan(self, verb_id: str, rows: Sequence[Row], choice: str = "") -> Plan | Refusal:
        family = self.layout.family(verb_id.partition(".")[0])
        verb: Verb = next(verb for verb in family.verbs if verb.id == verb_id)
        return await plans.for_rows(self.place, self.hands, verb, family, rows, choice)

    async def do(self, plan: Plan) -> Receipt:
        """Confirm and carry out."""
        undone = self._undoing.get(plan.id)
        keeper = NothingToKeep() if undone else self.bin.begin(plan.id, plan.title, {})
        confirmed = self.gate.confirm(plan, plan.word)
        receipt = await execute(self.gate, confirmed, self.hands, keeper, self.log, self.tell, self.stop)
        await self.books.close(receipt, keeper, undone)
        return receipt

    async def try_undo(self, plan: Plan) -> Plan | Refusal:
        """The plan that puts back what was taken by another."""
        made = await plans.for_undo(self.place, self.hands, plan.title, self.bin.load(plan.id), repr)
        if not isinstance(made, Refusal):
            self._undoing[made.id] = plan.id
        return made

    async def undo(self, plan: Plan) -> Receipt:
        """Put back what was taken by a plan; a refusal fails the test."""
        made = await self.try_undo(plan)
        assert not isinstance(made, Refusal), made.text
        return await self.do(made)


@asynccontextmanager
async def desk(
    address: Address, folder: Path, *, environment: str = "TEST", limits: Limits = USUAL, layout: Layout = SPEC
) -> AsyncIterator[Desk]:
    """An open desk on a server or a cluster."""
    hands = await Hands.open(address, prefixes(layout))
    made = Desk(address, hands, folder, environment, limits, layout)
    try:
        yield made
    finally:
        await made.hands.close()


async def until(condition: Any, seconds: float = 10.0) -> None:
    """Wait for a condition."""
    ends = clock.now() + seconds
    while not condition():
        assert clock.now() < ends, "not in time"
        await asyncio.sleep(0.005)
