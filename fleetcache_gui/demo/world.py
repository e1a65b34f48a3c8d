"""What all actors share: the server, the seed, the pace, and patience when the cache is away."""

from __future__ import annotations

import asyncio
import logging
import random
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from redis.asyncio.cluster import RedisCluster
from redis.exceptions import RedisClusterException, RedisError

from fleetcache_gui.cache import CacheUnavailable, close, connect, connect_cluster

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from fleetcache_gui.cache import Client

log = logging.getLogger("fleetcache_gui.demo")

API_NODES = ("api-1", "api-2", "api-3")
WORKERS = ("worker-1", "worker-2", "worker-3", "worker-4")

_SHORTEST_LIFETIME = 2.0  # real seconds
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 5.0  # real seconds between two tries while the cache is away


class World:
    """One server or cluster, one seed, one pace.

    An actor decides from its own random stream and from how many steps it has done, never from a clock: equal
    seeds give equal decisions, whatever the machine does meanwhile. Durations are in simulated seconds; there
    are `speed` of them in a real one.
    """

    def __init__(self, url: str, *, seed: int, speed: float, cluster: bool = False) -> None:
        self._url = url
        self._connect: Callable[[str], Client] = connect_cluster if cluster else connect
        self._seed = seed
        self._speed = speed
        self._clients: dict[str, Client] = {}

    def rng(self, actor: str) -> random.Random:
        """The actor's random stream, from its first number."""
        return random.Random(f"{self._seed}/{actor}")

    def client(self, instance: str) -> Client:
        """The connections of one Fleet instance."""
        if instance not in self._clients:
            self._clients[instance] = self._connect(self._url)
        return self._clients[instance]

    async def open(self, instances: Iterable[str]) -> None:
        """Have cluster clients learn their cluster before several actors use them at once: redis-py's are not made for
        a first use by many."""
        for instance in instances:
            client = self.client(instance)
            if isinstance(client, RedisCluster):
                with suppress(RedisError, RedisClusterException):  # away as yet: the actors wait for it
                    await client.initialize()

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await close(client)

    def real(self, seconds: float) -> float:
        """Real seconds that so many simulated ones take."""
        return seconds / self._speed

    def lifetime(self, seconds: float) -> float:
        """Real seconds for a TTL or a window.

        Shortened with the pace, so that a fast fleet fills the cache no more than a slow one, but never below
        2 s, where TTLs would lapse between two commands; not stretched when slow, as the cache bounds some.
        """
        return max(_SHORTEST_LIFETIME, seconds / max(1.0, self._speed))

    async def sleep(self, seconds: float) -> None:
        """Rest for so many simulated seconds."""
        await _sleep(self.real(seconds))

    def tell(self, actor: str, what: str) -> None:
        """Log a decision. With equal seeds an actor's decisions read the same, one after the other."""
        log.debug("%s %s", actor, what)

    async def repeat(self, actor: str, step: Callable[[], Awaitable[float]]) -> NoReturn:
        """Do `step` for ever, each time resting for the simulated seconds it returns.

        When the cache is away or refuses, the step is given up, and the next tried after a growing wait.
        """
        wait = _FIRST_WAIT
        while True:
            try:
                rest = await step()
            except (CacheUnavailable, RedisError) as error:
                log.info("%s waits %.1f s: %s", actor, wait, type(error).__name__)
                await _sleep(wait)
                wait = min(2 * wait, _LONGEST_WAIT)
            else:
                wait = _FIRST_WAIT
                await self.sleep(rest)


async def _sleep(seconds: float) -> None:
    task = asyncio.current_task()
    # WORKAROUND for https://github.com/python/cpython/issues/86296: before Python 3.12 `asyncio.wait_for`, by
    # which redis-py sends a command, may swallow a cancellation; the task would then run for ever.
    if task and task.cancelling():
        raise asyncio.CancelledError
    await asyncio.sleep(seconds)
