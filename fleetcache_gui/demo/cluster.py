"""A cluster under the demo: six embedded servers, three primaries with a replica each.

async with EmbeddedCluster() as cluster:
    client = connect_cluster(cluster.url)
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Self

from redis.exceptions import RedisError

from fleetcache_gui.cache import CacheUnavailable, connect
from fleetcache_gui.cache.availability import send
from fleetcache_gui.demo.server import HOST, EmbeddedServer, NoEmbeddedServer

if TYPE_CHECKING:
    from redis.asyncio import Redis

_PRIMARIES = 3
_SLOTS = 16384
_FORM_TIMEOUT = 30.0  # seconds; it takes about 4
_GLANCE = 0.05  # seconds between two looks at how far it has come


class EmbeddedCluster:
    """Six servers that store nothing, listen on free loopback ports, and end with this process in all cases.

    Entering takes some seconds. It raises NoEmbeddedServer where the servers cannot run, or do not find together; those
    that were started by then are ended.
    """

    def __init__(self) -> None:
        self.nodes: list[EmbeddedServer] = []
        """The primaries first, as they are at the start."""
        self._stack = AsyncExitStack()

    @property
    def url(self) -> str:
        """The first node's; a cluster client finds the others."""
        return self.nodes[0].url

    async def __aenter__(self) -> Self:
        try:
            for _ in range(2 * _PRIMARIES):
                self.nodes.append(await self._stack.enter_async_context(EmbeddedServer(cluster=True)))
            async with asyncio.timeout(_FORM_TIMEOUT), AsyncExitStack() as clients:
                nodes = [connect(node.url) for node in self.nodes]
                for client in nodes:
                    clients.push_async_callback(client.aclose)
                await self._form(nodes)
        except (TimeoutError, CacheUnavailable, RedisError) as error:
            await self._stack.aclose()
            why = type(error).__name__
            raise NoEmbeddedServer(f"The embedded cluster did not form ({why}); leave --cluster away.") from None
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    async def _form(self, nodes: list[Redis]) -> None:
        primaries, replicas = nodes[:_PRIMARIES], nodes[_PRIMARIES:]
        for index, client in enumerate(primaries):
            first, end = (_SLOTS * n // _PRIMARIES for n in (index, index + 1))
            await send(client, "CLUSTER ADDSLOTSRANGE", first, end - 1)
            await send(client, "CLUSTER SET-CONFIG-EPOCH", index + 1)
        for server in self.nodes[1:]:
            await send(nodes[0], "CLUSTER MEET", HOST, server.port, server.bus_port)
        await _until_in_order(nodes)
        for primary, client in zip(primaries, replicas, strict=True):
            await send(client, "CLUSTER REPLICATE", await send(primary, "CLUSTER MYID"))
        await _until_in_order(nodes)


async def _until_in_order(nodes: list[Redis]) -> None:
    """Each node knows all others, and no replica is still waiting for its primary's data."""
    while True:
        for client in nodes:
            if not await _in_order(client, len(nodes)):
                break
        else:
            return
        await asyncio.sleep(_GLANCE)


async def _in_order(client: Redis, nodes: int) -> bool:
    facts = await send(client, "CLUSTER INFO")  # redis-py makes a dict of it
    replication = await client.info("replication")
    known, state = facts["cluster_known_nodes"], facts["cluster_state"]
    return (known, state) == (str(nodes), "ok") and replication.get("master_link_status") != "down"
