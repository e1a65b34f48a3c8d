"""The life of a connection: connect, watch, wait, and again; told to a sink as it happens."""

from __future__ import annotations

import asyncio
import logging
import math
from dataclasses import replace
from typing import TYPE_CHECKING

from fleetcache_gui import clock
from fleetcache_gui.domain.snapshot import Link, Phase
from fleetcache_gui.domain.words import duration
from fleetcache_gui.redis_io.faults import AWAY, Fault, Trouble, cause
from fleetcache_gui.redis_io.keyspace import Keyspace
from fleetcache_gui.redis_io.pace import BRIEF, SHARE, Backoff, Lookups, Meter, Pulse, pause
from fleetcache_gui.redis_io.watch import Sink, Watch, Wishes

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from fleetcache_gui.domain.family import Expected
    from fleetcache_gui.domain.layout import Layout
    from fleetcache_gui.redis_io.address import Address

log = logging.getLogger(__name__)

SHORTEST, LONGEST = 0.5, 60.0
"""Bounds of the poll interval, seconds."""


class Poller:
    """Watches one server or cluster for one sink, until cancelled. With `replicas` a cluster's keys are read from
    replicas where there are any. `budget`: share of one core of the server."""

    def __init__(
        self,
        address: Address,
        layout: Layout,
        sink: Sink,
        expected: Expected,
        interval: float = 2.0,
        elsewhere: tuple[Layout, ...] = (),
        *,
        replicas: bool = False,
        budget: float = SHARE,
    ) -> None:
        self.address = address
        self.keyspace: Keyspace | None = None
        self._replicas = replicas
        self._others: tuple[Address, ...] = ()
        """The nodes of a cluster as last known: any of them tells of the others."""
        self._sink = sink
        self._wishes = Wishes(layout, expected, _bounded(interval), elsewhere, budget)
        self._wishes.open.set()
        self._closed_by: set[str] = set()
        self._link = Link(Phase.CONNECTING, str(address), since=clock.now(), database=address.database)
        self._meter = Meter()
        self._lookups = Lookups()
        self._run_id = ""
        self._retry = asyncio.Event()

    @property
    def watched(self) -> dict[str, tuple[bytes, ...]]:
        """Row ids on screen by family id: of long families only these are read."""
        return self._wishes.watched

    @property
    def expected(self) -> Expected:
        """What the server cannot tell."""
        return self._wishes.expected

    @property
    def interval(self) -> float:
        """Seconds from one poll to the next, `SHORTEST` to `LONGEST`."""
        return self._wishes.interval

    @interval.setter
    def interval(self, seconds: float) -> None:
        self._wishes.interval = _bounded(seconds)
        self._wishes.nudged.set()

    def hold(self, reason: str) -> None:
        """Read nothing while any reason (``paused``, ``hidden``) holds."""
        self._closed_by.add(reason)
        self._wishes.open.clear()
        if reason == "paused" and self._link.phase in (Phase.LIVE, Phase.CONNECTING):
            self._tell(phase=Phase.PAUSED, since=clock.now())

    def release(self, reason: str) -> None:
        """One reason less to hold; reads at once when it was the last."""
        self._closed_by.discard(reason)
        if not self._closed_by:
            self._wishes.open.set()
            self._wishes.nudged.set()

    def nudge(self) -> None:
        """Poll now."""
        self._wishes.nudged.set()

    def retry(self) -> None:
        """Try to connect now, where that is waited for. Only a person asks for it: a wrong password is sent again."""
        self._retry.set()

    def refresh(self) -> None:
        """Poll and sweep now, the sweep as fast as the server likes; connect now where that is waited for."""
        self._wishes.nudged.set()
        self._wishes.hurried.set()
        self._retry.set()

    async def run(self) -> None:
        """Connect and watch; after trouble wait and try again. Ends only when cancelled."""
        backoff = Backoff()
        self._sink.on_link(self._link)
        while True:
            await self._wishes.open.wait()
            connected, pulse = math.inf, None
            try:
                self.keyspace = await Keyspace.connect(self.address, replicas=self._replicas, others=self._others)
                backoff.reset()
                connected, pulse = clock.now(), Pulse()
                trouble = await self._watch(self.keyspace, pulse)
            except Trouble as refused:
                trouble = refused
            finally:
                if self.keyspace is not None:
                    self._others = self.keyspace.addresses
                    self._run_id, self._lookups = self.keyspace.vitals.run_id, self.keyspace.lookups
                    await self.keyspace.close()
                    self.keyspace = None
            if pulse and (still := pulse.missed):
                self._tell_of(still)
                continue
            if trouble.fault is Fault.LOST and clock.now() - connected > BRIEF:
                continue  # an idle connection that the server closed is no news; a server that is gone refuses the next
            wait = backoff.next(final=trouble.final)
            # A wrong password is never sent again unasked: some servers lock the account.
            await self._wait_down(trouble, None if trouble.fault is Fault.PASSWORD else wait)

    async def _watch(self, keyspace: Keyspace, pulse: Pulse) -> Trouble:
        """Read until there is trouble, or a standstill."""
        if keyspace.vitals.run_id == self._run_id:
            keyspace.lookups = self._lookups
        watch = Watch(keyspace, self._sink, self._wishes, self._meter, self._live)
        # Trouble is a result here and not an error: a task group that ends by an error loses a cancellation from
        # outside that meets it (Python 3.11 and 3.12).
        async with asyncio.TaskGroup() as group:
            reading = (watch.poll(), watch.sweep(), watch.tend(), watch.look_closer(), _standstill(pulse))
            loops = [group.create_task(self._trouble_of(loop)) for loop in reading]
            ended, _ = await asyncio.wait(loops, return_when=asyncio.FIRST_COMPLETED)
            for task in loops:
                task.cancel()
        return cause(task.result() for task in ended)

    async def _trouble_of(self, loop: Coroutine[None, None, None]) -> Trouble:
        try:
            await loop
        except Trouble as trouble:
            return trouble
        except (TypeError, ValueError, OverflowError, MemoryError):
            # A reply of a shape or size that no server should send, or a bug; neither may end the reading for good.
            log.exception("What %s answered could not be understood", self.address)
            text = f"What {self.address} answered could not be understood."
            return Trouble(Fault.OTHER, text, "Standard error has the details.", final=True)
        raise AssertionError("the loops of a connection end by trouble alone")

    def _tell_of(self, still: float) -> None:
        """Time has gone on without us: until all is read anew, what is known is that old."""
        if self._link.phase is not Phase.PAUSED:
            text = f"This machine or program stood still for {duration(still)}. Everything is read anew."
            self._tell(phase=Phase.CONNECTING, since=clock.now(), text=text, advice="", next_try=None)

    async def _wait_down(self, trouble: Trouble, seconds: float | None) -> None:
        now = clock.now()
        since = self._link.since if self._link.phase is Phase.DOWN else now
        next_try = None if seconds is None else now + seconds
        self._retry.clear()
        self._tell(
            phase=Phase.DOWN,
            since=since,
            text=trouble.text,
            advice=trouble.advice,
            next_try=next_try,
            server_away=trouble.fault in AWAY,
        )
        await pause(self._retry, seconds)

    def _live(self, round_trip: float) -> None:
        now = clock.now()
        phase = Phase.PAUSED if "paused" in self._closed_by else Phase.LIVE  # a poll under way is read to its end
        since = self._link.since if self._link.phase is phase else now
        self._tell(
            phase=phase,
            since=since,
            text="",
            advice="",
            server_away=False,
            next_try=None,
            last_read=now,
            round_trip=round_trip,
            load=self._meter.share(now),
            skew=self.keyspace.skew if self.keyspace else None,
        )

    def _tell(self, **changes: object) -> None:
        self._link = replace(self._link, **changes)  # type: ignore[arg-type]
        self._sink.on_link(self._link)


async def _standstill(pulse: Pulse) -> None:
    """Ends, as all loops of a connection, by trouble: what was agreed on with the server before may hold no more."""
    await pulse.stop()
    raise Trouble(Fault.LOST, "Time went on without us.", "")


def _bounded(interval: float) -> float:
    return min(max(interval, SHORTEST), LONGEST)
