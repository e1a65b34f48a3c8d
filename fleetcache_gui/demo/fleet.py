"""A Fleet deployment at work on its cache: 3 API nodes, 4 workers, crons, thousands of hosts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

from fleetcache_gui.cache import ListQueue, StreamQueue
from fleetcache_gui.demo.api import Traffic
from fleetcache_gui.demo.campaigns import Campaigns
from fleetcache_gui.demo.crons import CLEANUPS, JOBS, Cron
from fleetcache_gui.demo.host_details import LIMIT, Reports
from fleetcache_gui.demo.troubles import MISCHIEF, TROUBLES, Mischief
from fleetcache_gui.demo.workers import ListWorker, Rescuer, StreamWorker
from fleetcache_gui.demo.world import API_NODES, WORKERS, World

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from fleetcache_gui.cache import HostQueue

QueueForm = Literal["list", "stream"]
_Actor = tuple[str, "Callable[[], Awaitable[float]]"]
"""A name and the step it repeats; see `World.repeat`."""


class SimulatedFleet:
    """Fleet's instances at work on the server at `url`, or the `cluster` that it is of, which must be for play.

    It fills the cache within its first second. `hosts` answer campaigns. Equal `seed`s give equal decisions:
    which campaigns, who holds a lock after whom, how high the waves; tokens stay random. `speed` simulated
    seconds pass in a real one, TTLs being shortened alike, never stretched. `queue` is the form of
    `async_host:detail`. When the server goes away the fleet waits, and then goes on.
    """

    def __init__(
        self,
        url: str,
        *,
        hosts: int = 5000,
        seed: int = 7,
        speed: float = 1.0,
        queue: QueueForm = "list",
        cluster: bool = False,
    ) -> None:
        self._world = World(url, seed=seed, speed=speed, cluster=cluster)
        self._hosts = hosts
        self._queue = queue

    async def run(self) -> None:
        """Work until cancelled; then release what is held and close all connections."""
        try:
            await self._world.open((*API_NODES, *WORKERS, MISCHIEF))
            async with asyncio.TaskGroup() as group:
                for actor, step in self._actors():
                    group.create_task(self._world.repeat(actor, step), name=f"demo {actor}")
                    await asyncio.sleep(0)  # lets others in: all connections at once would take 15 ms
        finally:
            await self._world.close()

    def _actors(self) -> Iterator[_Actor]:
        world = self._world
        campaigns = Campaigns(world, self._hosts)
        yield Campaigns.ACTOR, campaigns.step
        for job in JOBS:
            yield job.lock, Cron(world, job, campaigns.clean_up if job.lock == CLEANUPS else None).step
        traffic = Traffic(world)
        yield "tokens", traffic.tokens
        yield "enrolments", traffic.enrolments
        yield "requests", traffic.requests
        yield "config", traffic.config
        yield Reports.ACTOR, Reports(world, self._hosts, [self._queue_of(node) for node in API_NODES]).step
        yield from self._list_workers() if self._queue == "list" else self._stream_workers()
        for trouble in TROUBLES:
            mischief = Mischief(world, trouble)
            yield mischief.actor, mischief.step

    def _queue_of(self, instance: str) -> HostQueue:
        client = self._world.client(instance)
        return ListQueue(client, limit=LIMIT) if self._queue == "list" else StreamQueue(client, limit=LIMIT)

    def _list_workers(self) -> Iterator[_Actor]:
        for name in WORKERS:
            yield name, ListWorker(ListQueue(self._world.client(name), limit=LIMIT)).step

    def _stream_workers(self) -> Iterator[_Actor]:
        world = self._world
        for name in WORKERS:
            queue = StreamQueue(world.client(name), limit=LIMIT)
            yield name, StreamWorker(world, name, queue, hangs=name == WORKERS[2]).step
        rescuer = Rescuer(world, WORKERS[0], StreamQueue(world.client(WORKERS[0]), limit=LIMIT))
        yield f"{WORKERS[0]} claims", rescuer.claim
        yield f"{WORKERS[0]} replays", rescuer.replay
