"""Crons and the async collector: one instance at a time works, under a lock that the others fail to get."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleetcache_gui.cache import LockLost, LockNotAcquired, Locks
from fleetcache_gui.demo.world import API_NODES, WORKERS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fleetcache_gui.demo.world import World

Span = tuple[float, float]
"""Shortest and longest, in simulated seconds."""


@dataclass(frozen=True, slots=True)
class Job:
    """Work under `lock:<lock>`, whose TTL is `ttl` seconds; longer work renews it."""

    lock: str
    ttl: float
    work: Span
    rest: Span
    instances: tuple[str, ...] = API_NODES


CLEANUPS = "cron:cleanups"
COLLECTOR = "async_collector"

JOBS = (
    Job("cron:vuln", 30, (20, 55), (1, 4)),
    Job(CLEANUPS, 20, (3, 8), (15, 30)),
    Job("cron:usage_statistics", 15, (1, 3), (20, 50)),
    Job("cron:integrations", 12, (9, 25), (2, 9)),
    Job(COLLECTOR, 10, (2, 6), (2, 8), WORKERS),
)


class Cron:
    """One job's rounds. In each another instance comes first and holds the lock; the others come too late."""

    def __init__(self, world: World, job: Job, duty: Callable[[str], Awaitable[None]] | None = None) -> None:
        self._world = world
        self._job = job
        self._duty = duty
        self._rng = world.rng(job.lock)
        self._last = ""

    async def step(self) -> float:
        """One round: acquire, work while the others fail, release."""
        job, rng = self._job, self._rng
        winner, *rivals = self._order()
        work, rest = rng.uniform(*job.work), rng.uniform(*job.rest)
        ttl = self._world.lifetime(job.ttl)
        renewal = self._world.rng(f"{job.lock}/renewal")
        try:
            async with Locks(self._world.client(winner), winner).hold(job.lock, ttl, rng=renewal):
                self._world.tell(job.lock, f"held by {winner}")
                for rival in rivals:
                    await self._world.sleep(rng.uniform(0.2, 0.8))
                    await self._try(rival, ttl)
                if self._duty:
                    await self._duty(winner)
                await self._world.sleep(work)
        except LockNotAcquired:  # somebody outside the fleet holds it
            self._world.tell(job.lock, f"refused to {winner}")
        except LockLost:
            self._world.tell(job.lock, f"lost by {winner}")
        return rest

    async def _try(self, rival: str, ttl: float) -> None:
        if lock := await Locks(self._world.client(rival), rival).acquire(self._job.lock, ttl):
            await lock.release()  # the cache was emptied under the winner; a round of its own will follow
        else:
            self._world.tell(self._job.lock, f"refused to {rival}")

    def _order(self) -> list[str]:
        """All instances in the order they come, first another one than in the round before."""
        order = self._rng.sample(self._job.instances, len(self._job.instances))
        if order[0] == self._last:
            order.append(order.pop(0))
        self._last = order[0]
        return order
