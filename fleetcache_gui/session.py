"""The one object between the server and the window: reading comes in, signals go out, a person's wishes come back."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from fleetcache_gui import clock
from fleetcache_gui.domain.family import Expected, Family, Row
from fleetcache_gui.domain.lanes import Lanes
from fleetcache_gui.domain.pages import Hit, KeyAbout, Page, PageCursor
from fleetcache_gui.domain.plan import Outcome
from fleetcache_gui.domain.server_health import SERVER
from fleetcache_gui.domain.slow_log import SlowLog
from fleetcache_gui.domain.snapshot import Inventory, Link, Phase, Snapshot, Vitals, kept
from fleetcache_gui.domain.telling import Happening
from fleetcache_gui.domain.thresholds import USUAL, Thresholds
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.domain.weights import Weights
from fleetcache_gui.domain.words import count, duration
from fleetcache_gui.present.judging import Judge
from fleetcache_gui.present.long_table import LongTable
from fleetcache_gui.present.table import Table, holding
from fleetcache_gui.present.timeline import Event, changes, fates
from fleetcache_gui.redis_io import pages
from fleetcache_gui.redis_io import rows as reading
from fleetcache_gui.redis_io.faults import Trouble
from fleetcache_gui.redis_io.pace import SHARE
from fleetcache_gui.redis_io.poll import Poller

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fleetcache_gui.domain.health import Finding
    from fleetcache_gui.domain.layout import Layout
    from fleetcache_gui.domain.plan import Receipt
    from fleetcache_gui.domain.store import KeyStore
    from fleetcache_gui.redis_io.address import Address

HISTORY = 900
"""Vitals kept: half an hour at the default interval."""
EVENTS = 10_000
"""Events kept: some 4 MB."""

_SLICE = 2000
"""Rows taken from a table between two turns of the loop."""


class Session(QObject):
    """Watches one server or cluster; with `replicas` a cluster's replicas are read where there are any. `budget`: the
    share (0..1) of one core of the server that polling, and that discovery, may use.

    Signals fire on the one thread, after the state they speak of has changed.

    `link_changed(Link)`, `vitals_changed(Vitals)`, `inventory_changed(Inventory)`, `family_changed(family id)`,
    `findings_changed()`, `happened(tuple of Event)`, `slow_log_changed()`, `weights_changed()`, and `rewound()` when
    `events` are others than before.
    """

    link_changed = Signal(object)
    vitals_changed = Signal(object)
    inventory_changed = Signal(object)
    family_changed = Signal(str)
    findings_changed = Signal()
    happened = Signal(object)
    rewound = Signal()
    slow_log_changed = Signal()
    weights_changed = Signal()

    recorded = False
    """Whether this is a recording, which reads nothing and in which time stands still."""

    def __init__(
        self,
        address: Address,
        layout: Layout,
        *,
        name: str = "",
        environment: str = "",
        expected: Expected | None = None,
        interval: float = 2.0,
        elsewhere: tuple[Layout, ...] = (),
        replicas: bool = False,
        thresholds: Thresholds = USUAL,
        budget: float = SHARE,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.layout = layout
        self.address = str(address)
        self.name = name or self.address
        self.environment = environment
        self.link = Link(Phase.CONNECTING, self.address, since=clock.now(), database=address.database)
        self.vitals: Vitals | None = None
        self.inventory = Inventory()
        self.slow_log = SlowLog()
        self.weights = Weights()
        self.history: deque[Vitals] = deque(maxlen=HISTORY)
        self.events: deque[Event] = deque(maxlen=EVENTS)
        self._expected = expected or Expected()
        self._poller = Poller(
            address, layout, self, self._expected, interval, elsewhere, replicas=replicas, budget=budget
        )
        self._paused = False
        self._snapshots: dict[str, Snapshot] = {}
        self._tables: dict[str, Table | LongTable] = {}
        self._judge = Judge(layout, self._expected)
        self.lanes = Lanes()
        self.thresholds = thresholds
        """From where on something is told; another one holds from the next reading on."""

    async def run(self) -> None:
        """Watch until cancelled."""
        await self._poller.run()

    def now(self) -> float:
        """Monotonic seconds of the moment that is shown."""
        return clock.now()

    def wall(self) -> float:
        """The same moment in Unix seconds."""
        return time.time()

    # --- state -------------------------------------------------------------------------------------------------

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All open findings, most severe first."""
        return self._judge.book.findings

    def findings_of(self, family_id: str) -> tuple[Finding, ...]:
        """Those of one family; of the server as a whole those of `SERVER`."""
        return self._judge.book.of(family_id)

    @property
    def expected(self) -> Expected:
        """What somebody told, because the server cannot."""
        return self._expected

    @property
    def interval(self) -> float:
        """Seconds from poll to poll."""
        return self._poller.interval

    @property
    def paused(self) -> bool:
        """True while a person has stopped the reading."""
        return self._paused

    def snapshot(self, family_id: str) -> Snapshot | None:
        """The newest snapshot of a family, None before the first."""
        return self._snapshots.get(family_id)

    def table(self, family_id: str) -> Table | LongTable:
        """The family's table. It is replaced by another when the family becomes long, and after a reconnect."""
        table = self._tables.get(family_id)
        if table is None:
            table = self._tables[family_id] = Table(self.layout.family(family_id))
        return table

    # --- intents -----------------------------------------------------------------------------------------------

    def pause(self) -> None:
        """Read nothing more until `resume`."""
        self._paused = True
        self._poller.hold("paused")

    def resume(self) -> None:
        """Go on reading, at once."""
        self._paused = False
        self._poller.release("paused")

    def set_visible(self, visible: bool) -> None:
        """Nothing is read for a window that nobody sees."""
        if visible:
            self._poller.release("hidden")
        else:
            self._poller.hold("hidden")

    def set_interval(self, seconds: float) -> None:
        """Seconds from poll to poll, 0.5 to 60."""
        self._poller.interval = seconds

    def refresh(self) -> None:
        """Read now: what is known by name, and a sweep for the rest."""
        self._poller.refresh()

    def retry_now(self) -> None:
        """Try to connect now."""
        self._poller.retry()

    def watch(self, family_id: str, row_ids: tuple[bytes, ...]) -> None:
        """The rows on screen: of a long family only these are read."""
        before = self._poller.watched.get(family_id, ())
        self._poller.watched[family_id] = row_ids
        if self.table(family_id).long and set(row_ids) - set(before):
            self._poller.nudge()

    async def page(self, key: bytes, type_word: str, cursor: PageCursor | None = None) -> Page:
        """A page of a value; trouble comes as `Page.problem`."""
        keyspace = self._poller.keyspace
        if keyspace is None:
            return Page(key, type_word, problem="The server cannot be reached now.")
        try:
            return await pages.page(keyspace, key, type_word, cursor)
        except Trouble as trouble:
            return Page(key, type_word, problem=trouble.text)

    async def about(self, key: bytes) -> KeyAbout:
        """What the server tells about a key; nothing while it cannot be reached."""
        keyspace = self._poller.keyspace
        try:
            return await pages.about(keyspace, key) if keyspace else KeyAbout()
        except Trouble:
            return KeyAbout()

    def row_ids(self, family_id: str) -> list[bytes]:
        """The ids of all rows of a family, whatever is filtered."""
        table, snapshot = self._tables.get(family_id), self._snapshots.get(family_id)
        if isinstance(table, LongTable):
            return list(table.every())
        return [row.id for row in snapshot.rows] if snapshot else []

    def rows_now(self, family_id: str, row_ids: Iterable[bytes]) -> list[Row]:
        """Rows by id as last read, those that are gone left out. A page brings its table up to date, nobody else."""
        table, snapshot = self._tables.get(family_id), self._snapshots.get(family_id)
        if isinstance(table, LongTable):
            return [row for row_id in row_ids if (row := table.get(row_id)) is not None]
        known = {row.id: row for row in snapshot.rows} if snapshot else {}
        return [known[row_id] for row_id in row_ids if row_id in known]

    async def rows(self, family_id: str, row_ids: Sequence[bytes], *, fresh: bool) -> list[Row]:
        """As `rows_now`, with turns of the loop between; of a long family, `fresh` reads the values of rows that are
        not on screen, of which only the keys are known otherwise. Raises `Trouble`."""
        family, keyspace = self.layout.family(family_id), self._poller.keyspace
        if fresh and isinstance(self._tables.get(family_id), LongTable) and keyspace is not None:
            listed = await reading.members(keyspace, family.index) if family.index else reading.Listed()
            ids = list(dict.fromkeys(map(family.row_of, row_ids)))
            found = await reading.read(keyspace, [reading.Question(family, ids, listed)], self._poller.expected)
            return found[family_id]
        rows: list[Row] = []
        for first in range(0, len(row_ids), _SLICE):
            rows += self.rows_now(family_id, row_ids[first : first + _SLICE])
            await asyncio.sleep(0)
        return rows

    def note_deed(self, receipt: Receipt) -> None:
        """Something was changed by ourselves: it belongs to what happened, and everything is read anew."""
        counts = ", ".join(f"{count(number)} {met.value}" for met, number in receipt.counts.items())
        tone = Tone.ACCENT if set(receipt.outcomes) == {Outcome.DONE} else Tone.WARN
        self._happen(Event(time.time(), tone, f"{receipt.plan.title}: {counts}.", Happening.OURS))
        self.refresh()

    async def find(self, text: str, limit: int = 50) -> tuple[Hit, ...]:
        """Rows of all families that hold `text`, in the order of the tabs."""
        hits: list[Hit] = []
        if not text.strip():
            return ()
        for family in self.layout.families:
            for row in await self._search(family, text, limit - len(hits)):
                hits.append(Hit(family.id, row.id, row.title, row.state.word))
        return tuple(hits)

    async def _search(self, family: Family, text: str, limit: int) -> list[Row]:
        table = self.table(family.id)
        if isinstance(table, LongTable):
            found: list[Row] = []
            for some in table.search(text, limit):
                found += some
                await asyncio.sleep(0)
            return found
        await asyncio.sleep(0)
        # The table may be older: it is brought up to date by its page.
        snapshot = self._snapshots.get(family.id)
        return list(islice(holding(snapshot.rows, text), limit)) if snapshot else []

    def fail(self, error: BaseException | None) -> None:
        """The reading has ended by an error of this program: say so, and do not pretend to be live."""
        if error is not None:
            text = f"The inspector has stopped reading because of an error of its own ({type(error).__name__})."
            advice = "Standard error has the details; start it again."
            self.on_link(replace(self.link, phase=Phase.DOWN, since=clock.now(), text=text, advice=advice))

    # --- what the poller tells ---------------------------------------------------------------------------------

    def on_link(self, link: Link) -> None:
        """The link's state changed, or it was read again."""
        before, self.link = self.link, link
        if before.phase is not link.phase:
            if link.phase is Phase.DOWN:
                self._happen(Event(time.time(), Tone.CRITICAL, link.text, Happening.LOST))
            elif before.phase is Phase.DOWN and link.phase is Phase.LIVE:
                away = duration(clock.now() - before.since)
                text = f"{self.address} answers again after {away}."
                self._happen(Event(time.time(), Tone.OK, text, Happening.BACK))
            elif before.phase is Phase.LIVE and link.phase is Phase.CONNECTING:
                self._happen(Event(time.time(), Tone.NEUTRAL, link.text, Happening.STOOD_STILL))
        self.link_changed.emit(link)

    def on_vitals(self, vitals: Vitals) -> None:
        """The server's figures were read."""
        before, self.vitals = self.vitals, vitals
        if before is not None:
            self._happen(*fates(before, vitals, time.time()))
        self.history.append(kept(vitals, self.history))
        open_before, wall = self._judge.book.of(SERVER), time.time()
        judged = self._judge.server(vitals, self.history, self.inventory, self.thresholds, wall)
        self._tell(SERVER, open_before, judged)
        self.vitals_changed.emit(vitals)

    def on_inventory(self, inventory: Inventory) -> None:
        """Discovery went on."""
        self.inventory = inventory
        self.inventory_changed.emit(inventory)

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """A family was read."""
        family = self.layout.family(snapshot.family)
        before = self._snapshots.get(snapshot.family)
        self._snapshots[snapshot.family] = snapshot
        if not snapshot.long and isinstance(self.table(snapshot.family), LongTable):
            del self._tables[snapshot.family]
        wall = time.time()
        fresh = before is not None and before.complete and not snapshot.complete  # the first ones of another connection
        if before is not None and not fresh and not before.long and not snapshot.long:
            known = {row.id: row for row in before.rows}
            self._happen(*changes(family, known, snapshot.rows, wall, complete=before.complete))
        if family.claim and snapshot.complete and not snapshot.long:
            self.lanes.note(family.id, snapshot.rows, snapshot.at, family.claim)
        open_before, table = self._judge.book.of(family.id), self.table(family.id)
        judged = self._judge.family(snapshot, before, table, self.inventory, self.thresholds, wall)
        self._tell(family.id, open_before, judged)
        self.family_changed.emit(snapshot.family)

    def on_long(self, family: Family, store: KeyStore, members: Sequence[int]) -> None:
        """A family has become too long to read every value of."""
        self._tables[family.id] = LongTable(family, store, members)

    def on_harvest(self, family: Family, came: Sequence[int], went: Sequence[int]) -> None:
        """Keys of a long family were found, or found missing."""
        table = self.table(family.id)
        if isinstance(table, LongTable):
            table.collect(came, went)

    def on_slow_log(self, slow_log: SlowLog) -> None:
        """The slow log was read, or refused."""
        self.slow_log = slow_log
        self.slow_log_changed.emit()

    def on_weights(self, weights: Weights) -> None:
        """Some keys of each family were measured, or that was refused."""
        self.weights = weights
        self.weights_changed.emit()

    def _tell(self, place: str, open_before: Sequence[Finding], events: Iterable[Event]) -> None:
        """Tell what a judgement has brought."""
        self._happen(*events)
        if self._judge.book.of(place) is not open_before:
            self.findings_changed.emit()

    def _happen(self, *events: Event) -> None:
        if events:
            self.events.extendleft(events)
            self.happened.emit(events)
