"""One connection's reading: loops that share the lanes.

`poll` reads what is known by name (the active set, campaigns, locks, queues, rows on screen) at the chosen interval;
`sweep` discovers keys, at full speed the first time and then within the budget; `tend` keeps a cluster's
nodes connected.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from fleetcache_gui import clock
from fleetcache_gui.domain.family import AWAY
from fleetcache_gui.domain.layout import Layout, present
from fleetcache_gui.domain.snapshot import Inventory, Link, Snapshot, Vitals
from fleetcache_gui.domain.store import KeyStore
from fleetcache_gui.redis_io import rows, study
from fleetcache_gui.redis_io.pace import COMMAND_COST, SHARE, SLOW, Meter, pause
from fleetcache_gui.redis_io.sweep import SERVER_COST, Sweeper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fleetcache_gui.domain.family import Expected, Family, Row
    from fleetcache_gui.redis_io.keyspace import Keyspace

LONG = 2000
"""A family with more rows is long: only rows on screen and suspect ones are read, the rest is inventory."""

_START = 100

_SHORT = LONG * 3 // 4
"""With fewer rows a long family is short again."""

_GATHER = 0.25
"""Seconds between two tellings of what a sweep has found: each costs the window a repaint."""
_REST = 1.0
_EAGER = 5.0
"""For so many seconds after connecting, what a sweep finds is read at once, whatever the interval."""
_SLOW_SWEEP = 5.0
"""Only where a sweep takes longer than these seconds are absent keys asked for by name at each poll: each time the
server counts a miss."""
_REMEMBER = 600.0
_REMEMBERED = 200
_GLANCE = 2000
"""Names that are looked at in one turn of the loop for keys of a layout that is not shown."""
_REFUSED = "The account may not ask for these keys' types (TYPE), so their values are not read."


class Sink(study.Sink, Protocol):
    """Whoever wants to know. Called on the loop; must return at once."""

    def on_link(self, link: Link) -> None: ...
    def on_vitals(self, vitals: Vitals) -> None: ...
    def on_inventory(self, inventory: Inventory) -> None: ...
    def on_snapshot(self, snapshot: Snapshot) -> None: ...
    def on_long(self, family: Family, store: KeyStore, members: Sequence[int]) -> None: ...
    def on_harvest(self, family: Family, came: Sequence[int], went: Sequence[int]) -> None: ...


@dataclass(slots=True)
class Wishes:
    """What the reading is to do now; it outlasts connections.

    `elsewhere`: layouts that are not shown, and whose keys are told of. `budget`: the share of one core of the server
    for polling, and for discovery after the first sweep, each. `watched`: row ids on screen by family id (of
    long families only these are read). `open`: not paused, not hidden.
    `nudged`: poll at once. `hurried`: sweep at once and without pauses.
    """

    layout: Layout
    expected: Expected
    interval: float
    elsewhere: tuple[Layout, ...] = ()
    budget: float = SHARE
    watched: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    nudged: asyncio.Event = field(default_factory=asyncio.Event)
    hurried: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class _Book:
    """What is remembered of one family between polls."""

    family: Family
    rows: dict[bytes, Row] = field(default_factory=dict)
    read: tuple[Row, ...] = ()
    """The values of `rows`; the same object for as long as nothing was read anew."""
    gone: dict[bytes, float] = field(default_factory=dict)
    """Rows that left, with the time: a released lock is looked for by name, long before a sweep would find it again."""
    count: int = 0
    long: bool = False
    suspects: frozenset[bytes] = frozenset()
    """Of a long family: the keys that break its rule and were asked for."""


class Watch:
    """Reads one keyspace for one sink until there is `Trouble`, which each of its loops raises."""

    def __init__(
        self, keyspace: Keyspace, sink: Sink, wishes: Wishes, meter: Meter, told: Callable[[float], None]
    ) -> None:
        """`told` hears of each poll that was read to its end, with its round trip in seconds."""
        self._keyspace, self._sink, self._wishes, self._meter, self._told = keyspace, sink, wishes, meter, told
        self._store = KeyStore(keyspace.room)
        self._sweeper = Sweeper(keyspace, wishes.layout, self._store)
        self._books = [_Book(family) for family in wishes.layout.families]
        self._untold: set[int] = set()
        """The long families, by position, of which keys came or went since they were last told."""
        self._inventory = Inventory(keys=keyspace.vitals.keys or 0)
        self._whole = False
        self._swept = asyncio.Event()
        self._born = clock.now()
        self._nearest = math.inf
        """The shortest round trip, seconds: what takes longer is the server's doing."""

    async def poll(self) -> None:
        """Read what is known by name, for ever."""
        while True:
            await self._wishes.open.wait()
            started, sent = clock.now(), self._keyspace.commands
            round_trip = await self._keyspace.refresh()
            self._nearest = min(self._nearest, round_trip)
            await self._keyspace.learn(self._wishes.layout.parameters)
            self._sink.on_vitals(self._keyspace.others())
            await self._read()
            self._told(round_trip)
            cost = (self._keyspace.commands - sent) * COMMAND_COST
            self._meter.add(clock.now(), cost)
            wait = max(self._wishes.interval, cost / self._wishes.budget)
            await pause(self._wishes.nudged, wait - (clock.now() - started))

    async def sweep(self) -> None:
        """Discover keys, for ever: the first sweep as fast as the server likes, later ones within the budget."""
        first = hurried = True
        while True:
            await self._wishes.open.wait()
            await self._sweep_once(hurried=hurried)
            if first and not self._sweeper.steady:  # what has moved past it should be found before all counts as known
                first = False
                continue
            ended = clock.now()
            elsewhere = await self._elsewhere()
            self._inventory = replace(self._inventory, finished_at=ended, elsewhere=elsewhere)
            self._whole = self._sweeper.whole
            self._swept.set()
            await self._gather()
            if first or ended - self._born < _EAGER:
                self._wishes.nudged.set()
            first = False
            self._shorten()
            if self._store.worn:
                self._start_afresh()
            hurried = await pause(self._wishes.hurried, _REST)

    async def look_closer(self) -> None:
        """Read what changes slowly, for ever."""
        layout, opened = self._wishes.layout, self._wishes.open
        await study.Study(
            self._keyspace, layout, self._sink, self._meter, lambda: self._store, self._swept, opened
        ).run()

    async def tend(self) -> None:
        """Keep up with a cluster as its nodes come and go, for ever."""
        while True:
            await self._keyspace.torn()
            await self._wishes.open.wait()
            if await self._keyspace.mend():
                self._wishes.nudged.set()
                self._wishes.hurried.set()

    async def _sweep_once(self, *, hurried: bool) -> None:
        gathered, before = clock.now(), self._sweeper.spent
        self._store.reserve(max(self._keyspace.room, len(self._store)) + 1000)
        async for took in self._sweeper.sweep():
            cost = self._sweeper.spent - before
            before = self._sweeper.spent
            now = clock.now()
            self._meter.add(now, cost)
            self._hand_on()
            if now - gathered > _GATHER:
                gathered = now
                await self._gather()
            if took > SLOW + self._nearest:
                await asyncio.sleep(min(took, _REST))  # on a narrow way it is no fault of the server's
            elif not hurried and not self._wishes.hurried.is_set():
                await asyncio.sleep(cost / self._wishes.budget)
            await self._wishes.open.wait()

    def _shorten(self) -> None:
        """After a whole sweep a long family may turn out to be short again: all of its rows are read from now on."""
        for book in self._books:
            if book.long and book.count < _SHORT:
                book.long, book.rows, book.read = False, {}, ()
                self._wishes.nudged.set()

    async def _elsewhere(self) -> frozenset[str]:
        """Layouts that are not shown and have keys among those that nobody claims."""
        found, layouts = frozenset[str](), self._wishes.elsewhere
        unclaimed = self._store.members(len(self._books) - 1)
        while len(found) < len(layouts) and (some := list(islice(unclaimed, _GLANCE))):
            found |= present(map(self._store.name, some), layouts)
            await asyncio.sleep(0)
        return found

    def _start_afresh(self) -> None:
        """Names of keys that are long gone have filled the store: a new one, filled by the next sweep."""
        self._store = KeyStore(self._keyspace.room)
        self._sweeper = Sweeper(self._keyspace, self._wishes.layout, self._store)
        for book in self._books:
            book.count = 0
            if book.long:
                self._sink.on_long(book.family, self._store, ())
        self._wishes.hurried.set()

    def _hand_on(self) -> None:
        """Hand on what came and went, slice by slice: what a quarter of a second brings would hold up the window."""
        harvest = self._sweeper.take()
        for position in harvest.came.keys() | harvest.went.keys():
            book, came, went = self._books[position], harvest.came[position], harvest.went[position]
            book.count += len(came) - len(went)
            if book.long:
                self._sink.on_harvest(book.family, came, went)
            elif book.count > LONG:
                book.long = True
                self._sink.on_long(book.family, self._store, list(self._store.members(position)))
            else:
                continue
            self._untold.add(position)

    async def _gather(self) -> None:
        """Tell how far discovery has come and what it has found, with a turn of the loop after each family."""
        self._hand_on()
        keys = max(self._keyspace.vitals.keys or 0, self._store.alive)
        self._inventory = replace(
            self._inventory,
            keys=keys,
            scanned=self._sweeper.scanned,
            refused=self._sweeper.refused,
            missing=self._keyspace.missing,
        )
        self._sink.on_inventory(self._inventory)
        while self._untold:
            self._sink.on_snapshot(self._snapshot(self._untold.pop(), self._complete))
            await asyncio.sleep(0)

    @property
    def _complete(self) -> bool:
        return self._inventory.finished_at is not None and self._whole and not self._keyspace.missing

    async def _read(self) -> None:
        complete = self._complete  # what a sweep finds meanwhile is not asked for yet
        questions = [await self._question(position) for position in range(len(self._books))]
        found = await rows.read(self._keyspace, questions, self._wishes.expected)
        complete = complete and self._complete
        now = clock.now()
        for position, book in enumerate(self._books):
            self._settle(book, questions[position].ids, found[book.family.id], now)
            self._hand_on()  # else a snapshot tells of more suspect keys than there are keys
            self._untold.discard(position)
            self._sink.on_snapshot(self._snapshot(position, complete))
            await asyncio.sleep(0)

    async def _question(self, position: int) -> rows.Question:
        book, family = self._books[position], self._books[position].family
        if book.long:
            book.suspects = frozenset(self._store.name(row) for row in self._sweeper.suspects[position])
            ids: Iterable[bytes] = {*self._wishes.watched.get(family.id, ()), *book.suspects, *family.fixed}
            return rows.Question(family, sorted(ids), before=book.rows)
        listed = await rows.members(self._keyspace, family.index) if family.index else rows.Listed()
        named = {family.row_of(self._store.name(row)) for row in self._found(position)}
        # A row that was found by name is not in the store until a sweep has found it too.
        ids = named | set(sorted(listed.ids - named)[:LONG]) | book.rows.keys()
        # Reckoned: the first sweep is faster and tells nothing of how long a later one takes.
        if self._store.alive * SERVER_COST / self._wishes.budget > _SLOW_SWEEP:
            ids |= {*family.fixed} | book.gone.keys()
        return rows.Question(family, sorted(ids), listed, book.rows)

    def _found(self, position: int) -> list[int]:
        """What sweeps have found of a family: of one that the first sweep is about to show to be long, the start."""
        found = list(self._store.members(position))
        share_of_long = LONG / max(self._inventory.keys, 1)
        if self._inventory.finished_at is None and len(found) > share_of_long * self._store.alive:
            del found[_START:]
        return found

    def _settle(self, book: _Book, asked: Sequence[bytes], found: list[Row], now: float) -> None:
        """Remember the rows, and tell the store which keys turned out to be gone."""
        fresh = {row.id: row for row in found}
        for row_id in asked:
            if row_id in fresh:
                book.gone.pop(row_id, None)
                continue
            if row_id in book.rows and not book.long and len(book.gone) < _REMEMBERED:
                book.gone[row_id] = now
            for key in book.family.keys_of(row_id):
                number = self._store.find(key)
                if number >= 0:
                    self._sweeper.gone(number)
        book.gone = {row_id: left for row_id, left in book.gone.items() if now - left < _REMEMBER}
        book.rows, book.read = fresh, tuple(found)

    def _snapshot(self, position: int, complete: bool) -> Snapshot:
        book = self._books[position]
        return Snapshot(
            family=book.family.id,
            rows=book.read,
            count=book.count if book.long else len(book.read),
            at=clock.now(),
            complete=complete,
            long=book.long,
            suspects=self._sweeper.suspected[position],
            suspects_read=len(book.suspects & book.rows.keys()),
            refused=_REFUSED if book.read and all(_refused(row) for row in book.read) else None,
        )


def _refused(row: Row) -> bool:
    """True where the account may not know of any key behind the row what it is."""
    return row.state is not AWAY and bool(row.keys) and all(key.type == "?" for key in row.keys)
