"""What tests of the reading half share: connections that are closed, and what a server saw of them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fleetcache_gui.redis_io import server as reading
from fleetcache_gui.redis_io.address import Address
from fleetcache_gui.redis_io.allow import READS
from fleetcache_gui.redis_io.lane import Lane

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.servers import Server


def address(server: Server, **more: Any) -> Address:
    """Where a server listens."""
    return Address(server.host, server.port, **more)


@asynccontextmanager
async def lane_to(server: Server) -> AsyncIterator[Lane]:
    """A bare lane."""
    lane = await Lane.open(address(server))
    try:
        yield lane
    finally:
        await lane.close()


@asynccontextmanager
async def connected(server: Server, **more: Any) -> AsyncIterator[reading.Server]:
    """A server as the reader knows it."""
    node = await reading.Server.connect(address(server, **more))
    try:
        yield node
    finally:
        await node.lane.close()


def calls(server: Server) -> dict[str, int]:
    """Calls by command since the last `CONFIG RESETSTAT`, without what asking for them costs."""
    found = {name[8:].lower(): figures["calls"] for name, figures in server.info("commandstats").items()}
    return {name: count for name, count in found.items() if name not in ("config|resetstat", "hello")}


def begin_counting(server: Server) -> None:
    """From now on `calls` counts."""
    server.call("CONFIG", "RESETSTAT")


def assert_only_reads(server: Server) -> None:
    """Nothing but commands of the allow-list arrived: no write, and none that reads a whole collection or keyspace."""
    for name in calls(server):
        command, _, sub = name.encode().upper().partition(b"|")
        assert command in READS, name
        assert not sub or sub in READS[command], name


def inspectors(server: Server) -> int:
    """Connections that this program has to a server."""
    clients: list[dict[str, str]] = server.call("CLIENT LIST")
    return sum(client["name"].startswith("fleetcache-inspector") for client in clients)
