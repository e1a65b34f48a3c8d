"""Live query campaigns: started, answered by thousands of hosts, finished and cleaned up."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleetcache_gui.cache import LiveQueries
from fleetcache_gui.cache.availability import send
from fleetcache_gui.demo.queries import QUERIES
from fleetcache_gui.demo.world import API_NODES

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from fleetcache_gui.demo.world import World

TICK = 0.5  # simulated seconds between two rounds of hosts checking in
_AT_START = 8  # campaigns that are under way when the fleet comes up
_BATCH = 200  # hosts in one command: well below a millisecond of our one thread
_ANSWERED_AFTER = 5.0  # time constants of the answer curve after which all who will answer have


@dataclass(slots=True)
class Campaign:
    """A campaign as Fleet's database knows it; times in simulated seconds since its start."""

    id: int
    sql: str
    hosts: int
    """Hosts of the whole fleet: the campaign's targets are drawn from them."""
    responders: int
    """Targets that will ever answer; the others are switched off or asleep."""
    pace: float
    """Time constant of the answer curve, which rises at once and flattens."""
    stopped_at: float
    """Age at which its administrator has seen enough."""
    abandoned: bool
    """The node that stops it dies on the way: no longer active, its other keys wait for the cleanup cron."""
    first: int
    stride: int
    age: float = 0.0
    answered: int = 0

    def due(self) -> int:
        """How many hosts have answered at this age."""
        curve = (1 - math.exp(-self.age / self.pace)) / (1 - math.exp(-_ANSWERED_AFTER))
        return min(self.responders, int(self.responders * curve))

    def answering(self, start: int, stop: int) -> Iterator[int]:
        """Ids of the hosts that answer as number `start` to `stop - 1`: each host at most once, scattered."""
        return ((self.first + number * self.stride) % self.hosts + 1 for number in range(start, stop))


class Campaigns:
    """All campaigns of the fleet, distributed by its API nodes."""

    ACTOR = "campaigns"

    def __init__(self, world: World, hosts: int) -> None:
        self._world = world
        self._hosts = hosts
        self._rng = world.rng(self.ACTOR)
        self._next_id = self._rng.randrange(1200, 1400)
        self._running: dict[int, Campaign] = {}
        self._upcoming = [self._drawn(n / _AT_START, quiet=n == _AT_START - 1) for n in range(_AT_START)]
        self._next_start = self._rng.uniform(2, 6)
        self._stopped: list[int] = []

    async def step(self) -> float:
        """One round of check-ins: hosts answer what is active; campaigns start and stop."""
        while self._upcoming:
            await self._start(self._upcoming[0])
            del self._upcoming[0]  # not before it has begun: the cache may be away
        active = await self._by(self._next_id).active()
        for campaign in list(self._running.values()):
            if campaign.id not in active:  # stopped behind Fleet's back, or the cache was emptied
                del self._running[campaign.id]
                continue
            campaign.age += TICK
            await self._answer(campaign)
            if campaign.age >= campaign.stopped_at:
                await self._stop(campaign)
        self._next_start -= TICK
        if self._next_start <= 0 or not self._running:
            self._upcoming.append(self._drawn(0, quiet=self._rng.random() < 0.05))
            self._next_start = self._rng.uniform(10, 25)
        return TICK

    async def clean_up(self, instance: str) -> None:
        """The cleanup cron's duty: whatever stopped campaigns have left."""
        stopped = list(self._stopped)
        await LiveQueries(self._world.client(instance)).cleanup(stopped)
        del self._stopped[: len(stopped)]

    def _drawn(self, begun: float, *, quiet: bool) -> Campaign:
        """The next campaign, `begun` (0 to 1) of the way through its answers.

        Of a `quiet` one most targets are away, and nobody stops it for long.
        """
        rng = self._rng
        targets = max(1, int(self._hosts * rng.choice((1.0, 1.0, 0.6, 0.25, 0.08))))
        pace = rng.uniform(6, 22)
        campaign = Campaign(
            id=self._next_id,
            sql=rng.choice(QUERIES),
            hosts=self._hosts,
            responders=max(1, int(targets * (rng.uniform(0.2, 0.45) if quiet else rng.uniform(0.93, 0.99)))),
            pace=pace,
            stopped_at=_ANSWERED_AFTER * pace + (rng.uniform(400, 900) if quiet else rng.uniform(5, 30)),
            abandoned=rng.random() < 0.2,
            first=rng.randrange(self._hosts),
            stride=_coprime(rng, self._hosts),
            age=begun * _ANSWERED_AFTER * pace,
        )
        self._next_id += 1
        return campaign

    async def _start(self, campaign: Campaign) -> None:
        await self._by(campaign.id).start(campaign.id, campaign.sql)
        self._world.tell(self.ACTOR, f"start {campaign.id}: {campaign.sql}")
        self._running[campaign.id] = campaign
        await self._answer(campaign)

    async def _answer(self, campaign: Campaign) -> None:
        due = campaign.due()
        while campaign.answered < due:
            stop = min(due, campaign.answered + _BATCH)
            await self._by(campaign.id).complete_hosts(campaign.id, campaign.answering(campaign.answered, stop))
            campaign.answered = stop

    async def _stop(self, campaign: Campaign) -> None:
        how = "abandon" if campaign.abandoned else "finish"
        self._world.tell(self.ACTOR, f"{how} {campaign.id} after {campaign.answered} answers")
        if campaign.abandoned:
            await send(self._world.client(self._node(campaign.id)), "SREM", "live_query:active", campaign.id)
        else:
            await self._by(campaign.id).finish(campaign.id)
        del self._running[campaign.id]
        self._stopped.append(campaign.id)

    def _by(self, number: int) -> LiveQueries:
        return LiveQueries(self._world.client(self._node(number)))

    def _node(self, number: int) -> str:
        return API_NODES[number % len(API_NODES)]


def _coprime(rng: random.Random, hosts: int) -> int:
    """A stride that meets every host once before it meets one again."""
    while True:
        stride = rng.randrange(1, hosts + 1)
        if math.gcd(stride, hosts) == 1:
            return stride
