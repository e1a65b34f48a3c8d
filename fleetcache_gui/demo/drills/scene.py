"""Where a drill plays: our own server, the cache library's clients, a seed and a pace."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from fleetcache_gui.cache import CacheUnavailable, close, connect, connect_cluster
from fleetcache_gui.cache.availability import send
from fleetcache_gui.demo.cluster import EmbeddedCluster
from fleetcache_gui.demo.world import World
from fleetcache_gui.domain.lessons import Lesson, Measured

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from redis.asyncio import Redis

    from fleetcache_gui.cache import Client
    from fleetcache_gui.demo.server import EmbeddedServer

    Story = AsyncIterator[Sequence[Measured]]
    """What a drill is made of: it yields once for each caption, with what was measured after that step."""

_GLANCE = 0.02
_LONGEST_WAIT = 30.0  # real seconds that anything in a drill may take


@dataclass(frozen=True, slots=True)
class Drill:
    """A lesson, and the story that plays it."""

    lesson: Lesson
    play: Callable[[Scene], Story]


class Scene:
    """One drill on one server or cluster. Times are simulated seconds unless they say otherwise."""

    def __init__(self, source: EmbeddedServer | EmbeddedCluster, *, seed: int, speed: float) -> None:
        self.nodes = source.nodes if isinstance(source, EmbeddedCluster) else [source]
        self._cluster = isinstance(source, EmbeddedCluster)
        self._world = World(source.url, seed=seed, speed=speed, cluster=self._cluster)
        self._clients: list[Client] = []
        self.lifetime = self._world.lifetime

    def client(self, instance: str) -> Client:
        """The connections of one instance of Fleet."""
        return self._world.client(instance)

    def rng(self, actor: str) -> random.Random:
        """An actor's random stream, which the seed decides."""
        return self._world.rng(actor)

    def fresh(self, node: EmbeddedServer | None = None) -> Client:
        """Connections of nobody's, to whatever the node (the first) is of; closed with the scene."""
        connecting = connect_cluster if self._cluster else connect
        client = connecting((node or self.nodes[0]).url)
        self._clients.append(client)
        return client

    def node(self, node: EmbeddedServer) -> Redis:
        """Connections to one node alone."""
        client = connect(node.url)
        self._clients.append(client)
        return client

    async def ask(self, command: str, *args: bytes | str | float) -> Any:  # noqa: ANN401, each command has its own reply
        """One command of the one who measures."""
        return await send(self.client("measuring"), command, *args)

    async def rest(self, seconds: float) -> None:
        """Let time pass."""
        await self._world.sleep(seconds)

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients:
            await close(client)
        await self._world.close()


async def until(condition: Callable[[], Awaitable[object]]) -> float:
    """Wait for something to be true; the real seconds that took. TimeoutError when it takes too long. While the cache
    is away it is not true."""
    started = time.monotonic()
    async with asyncio.timeout(_LONGEST_WAIT):
        while True:
            try:
                if await condition():
                    return time.monotonic() - started
            except (CacheUnavailable, RedisError):
                pass
            await asyncio.sleep(_GLANCE)


def claim(text: str, holds: object) -> Measured:
    """One thing that was measured."""
    return Measured(text, bool(holds))
