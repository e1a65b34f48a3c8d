"""The life of a connection: connect, sweep, poll, wait, and again; told to a sink as it happens.

Two loops share one lane. `poll` reads what is known by name (the active set, campaigns, locks, queues, rows on screen)
at the chosen interval; `sweep` discovers keys, at full speed the first time and then within `pace.SHARE` of a core.
"""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from fleetcache_gui.domain.snapshot import Inventory, Link, Phase, Snapshot, Vitals
from fleetcache_gui.domain.store import KeyStore
from fleetcache_gui.redis_io import rows
from fleetcache_gui.redis_io.faults import Fault, Trouble
from fleetcache_gui.redis_io.pace import COMMAND_COST, SHARE, SLOW, Backoff, Meter
from fleetcache_gui.redis_io.server import Server
from fleetcache_gui.redis_io.sweep import SERVER_COST, Sweeper

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Sequence

    from fleetcache_gui.domain.family import Expected, Family, Row
    from fleetcache_gui.domain.layout import Layout
    from fleetcache_gui.redis_io.address import Address

LONG = 2000
"""A family with more rows is long: only rows on screen and suspect ones are read, the rest is inventory."""

SHORTEST, LONGEST = 0.5, 60.0
"""Bounds of the poll interval, seconds."""

_GATHER = 0.25
"""Seconds between two tellings of what a sweep has found: each costs the window a repaint."""
_REST = 1.0
_BRIEF = 1.0
"""A connection that was lost after less than these seconds is not made again at once."""
_EAGER = 5.0
"""For so many seconds after connecting, what a sweep finds is read at once, whatever the interval."""
_REMEMBER = 600.0
_REMEMBERED = 200


class Sink(Protocol):
    """Whoever wants to know. Called on the loop; must return at once."""

    def on_link(self, link: Link) -> None: ...
    def on_vitals(self, vitals: Vitals) -> None: ...
    def on_inventory(self, inventory: Inventory) -> None: ...
    def on_snapshot(self, snapshot: Snapshot) -> None: ...
    def on_long(self, family: Family, store: KeyStore, members: Sequence[int]) -> None: ...
    def on_harvest(self, family: Family, came: Sequence[int], went: Sequence[int]) -> None: ...


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


class Poller:
    """Watches one server for one sink, until cancelled."""

    def __init__(self, address: Address, layout: Layout, sink: Sink, expected: Expected, interval: float = 2.0) -> None:
        self.address = address
        self.watched: dict[str, tuple[bytes, ...]] = {}
        """Row ids on screen by family id: of long families only these are read."""
        self.server: Server | None = None
        self._layout, self.sink, self._expected = layout, sink, expected
        self._interval = _bounded(interval)
        self.open = asyncio.Event()
        self.open.set()
        self._closed_by: set[str] = set()
        self._nudge = asyncio.Event()
        self._link = Link(Phase.CONNECTING, str(address), since=time.monotonic(), database=address.database)
        self._meter = Meter()

    @property
    def interval(self) -> float:
        """Seconds from one poll to the next, `SHORTEST` to `LONGEST`."""
        return self._interval

    @interval.setter
    def interval(self, seconds: float) -> None:
        self._interval = _bounded(seconds)
        self._nudge.set()

    def hold(self, reason: str) -> None:
        """Read nothing while any reason (``paused``, ``hidden``) holds."""
        self._closed_by.add(reason)
        self.open.clear()
        if reason == "paused" and self._link.phase in (Phase.LIVE, Phase.CONNECTING):
            self._tell(phase=Phase.PAUSED, since=time.monotonic())

    def release(self, reason: str) -> None:
        """One reason less to hold; reads at once when it was the last."""
        self._closed_by.discard(reason)
        if not self._closed_by:
            self.open.set()
            self._nudge.set()

    def nudge(self) -> None:
        """Poll, or try to connect, now."""
        self._nudge.set()

    async def run(self) -> None:
        """Connect and watch; after trouble wait and try again. Ends only when cancelled."""
        backoff = Backoff()
        self.sink.on_link(self._link)
        while True:
            await self.open.wait()
            connected = math.inf
            try:
                self.server = await Server.connect(self.address)
                backoff.reset()
                connected = time.monotonic()
                trouble = await self._watch(self.server)
            except Trouble as refused:
                trouble = refused
            finally:
                if self.server is not None:
                    await self.server.lane.close()
                    self.server = None
            if trouble.fault is Fault.LOST and time.monotonic() - connected > _BRIEF:
                continue  # an idle connection that the server closed is no news; a server that is gone refuses the next
            wait = backoff.next(final=trouble.final)
            # A wrong password is never sent again unasked: some servers lock the account.
            await self._wait_down(trouble, None if trouble.fault is Fault.PASSWORD else wait)

    async def _watch(self, server: Server) -> Trouble:
        """Read until there is trouble."""
        watch = _Watch(self, server)
        # Trouble is a result here and not an error: a task group that ends by an error loses a cancellation from
        # outside that meets it (Python 3.11 and 3.12).
        async with asyncio.TaskGroup() as group:
            loops = [group.create_task(_trouble_of(loop)) for loop in (watch.poll(), watch.sweep())]
            ended, _ = await asyncio.wait(loops, return_when=asyncio.FIRST_COMPLETED)
            for task in loops:
                task.cancel()
        return ended.pop().result()

    async def _wait_down(self, trouble: Trouble, seconds: float | None) -> None:
        now = time.monotonic()
        since = self._link.since if self._link.phase is Phase.DOWN else now
        next_try = None if seconds is None else now + seconds
        self._nudge.clear()
        self._tell(phase=Phase.DOWN, since=since, text=trouble.text, advice=trouble.advice, next_try=next_try)
        await self._pause(seconds)

    async def _pause(self, seconds: float | None) -> None:
        """Wait, or until nudged; None: until nudged."""
        try:
            async with asyncio.timeout(None if seconds is None else max(seconds, 0)):
                await self._nudge.wait()
        except TimeoutError:
            pass
        self._nudge.clear()

    def _live(self, server: Server, round_trip: float) -> None:
        now = time.monotonic()
        phase = Phase.PAUSED if "paused" in self._closed_by else Phase.LIVE  # a poll under way is read to its end
        since = self._link.since if self._link.phase is phase else now
        self._tell(
            phase=phase,
            since=since,
            text="",
            advice="",
            next_try=None,
            last_read=now,
            round_trip=round_trip,
            load=self._meter.share(now),
            skew=server.skew,
        )

    def _tell(self, **changes: object) -> None:
        self._link = replace(self._link, **changes)  # type: ignore[arg-type]
        self.sink.on_link(self._link)


def _bounded(interval: float) -> float:
    return min(max(interval, SHORTEST), LONGEST)


async def _trouble_of(loop: Coroutine[None, None, None]) -> Trouble:
    try:
        await loop
    except Trouble as trouble:
        return trouble
    raise AssertionError("the loops of a connection end by trouble alone")


class _Watch:
    """One connection's two loops and what they share."""

    def __init__(self, poller: Poller, server: Server) -> None:
        self._poller, self._server = poller, server
        self.sink, self._layout, self._meter = poller.sink, poller._layout, poller._meter
        self._store = KeyStore(server.vitals.keys or 0)
        self._sweeper = Sweeper(server.lane, self._layout, self._store)
        self._books = [_Book(family) for family in self._layout.families]
        self._inventory = Inventory(keys=server.vitals.keys or 0)
        self._born = time.monotonic()

    async def poll(self) -> None:
        """Read what is known by name, for ever."""
        while True:
            await self._poller.open.wait()
            started, sent = time.monotonic(), self._server.lane.commands
            round_trip = await self._server.refresh()
            self.sink.on_vitals(self._server.vitals)
            await self._read()
            self._poller._live(self._server, round_trip)
            cost = (self._server.lane.commands - sent) * COMMAND_COST
            self._meter.add(time.monotonic(), cost)
            wait = max(self._poller.interval, cost / SHARE)
            await self._poller._pause(wait - (time.monotonic() - started))

    async def sweep(self) -> None:
        """Discover keys, for ever: the first sweep as fast as the server likes, later ones within the budget."""
        first = True
        while True:
            await self._poller.open.wait()
            started = gathered = time.monotonic()
            self._store.reserve((self._server.vitals.keys or 0) + 1000)
            before = 0
            async for took in self._sweeper.sweep():
                cost = (self._sweeper.scanned - before) * SERVER_COST
                before = self._sweeper.scanned
                now = time.monotonic()
                self._meter.add(now, cost)
                if now - gathered > _GATHER:
                    gathered = now
                    await self._gather()
                if not first:
                    await asyncio.sleep(cost / SHARE)
                elif took > SLOW:
                    await asyncio.sleep(took)
                await self._poller.open.wait()
            ended = time.monotonic()
            self._inventory = replace(self._inventory, finished_at=ended, duration=ended - started)
            await self._gather()
            if first or ended - self._born < _EAGER:
                self._poller.nudge()
            first = False
            await asyncio.sleep(_REST)

    async def _gather(self) -> None:
        """Hand on what came and went, with a turn of the loop after each family."""
        keys = max(self._server.vitals.keys or 0, self._store.alive)
        self._inventory = replace(
            self._inventory, keys=keys, scanned=self._sweeper.scanned, refused=self._sweeper.refused
        )
        self.sink.on_inventory(self._inventory)
        harvest = self._sweeper.take()
        for position in harvest.came.keys() | harvest.went.keys():
            book, came, went = self._books[position], harvest.came[position], harvest.went[position]
            book.count += len(came) - len(went)
            if book.long:
                self.sink.on_harvest(book.family, came, went)
            elif book.count > LONG:
                book.long = True
                self.sink.on_long(book.family, self._store, list(self._store.members(position)))
            else:
                continue
            self.sink.on_snapshot(self._snapshot(position, self._inventory.finished_at is not None))
            await asyncio.sleep(0)

    async def _read(self) -> None:
        complete = self._inventory.finished_at is not None  # what a sweep finds meanwhile is not asked for yet
        questions = [await self._question(position) for position in range(len(self._books))]
        found = await rows.read(self._server, questions, self._poller._expected)
        now = time.monotonic()
        for position, book in enumerate(self._books):
            self._settle(book, questions[position].ids, found[book.family.id], now)
            self.sink.on_snapshot(self._snapshot(position, complete))
            await asyncio.sleep(0)

    async def _question(self, position: int) -> rows.Question:
        book, family = self._books[position], self._books[position].family
        if book.long:
            suspects = (self._store.name(row) for row in self._sweeper.suspects[position])
            ids: Iterable[bytes] = {*self._poller.watched.get(family.id, ()), *suspects}
            return rows.Question(family, sorted(ids), before=book.rows)
        listed = await rows.members(self._server, family.index) if family.index else frozenset()
        named = {family.row_of(self._store.name(row)) for row in self._store.members(position)}
        # A row that was found by name is not in the store until a sweep has found it too.
        ids = named | listed | {*family.fixed} | book.rows.keys() | book.gone.keys()
        return rows.Question(family, sorted(ids), listed, book.rows)

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
            at=time.monotonic(),
            complete=complete,
            long=book.long,
            suspects=self._sweeper.suspected[position],
        )
