"""Which nodes of a cluster are gone to, and by which way: replicas on request, tunnels, strangers, narrow accounts."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from fleetcache_gui.redis_io.address import Address
from fleetcache_gui.redis_io.keyspace import Keyspace
from fleetcache_gui.ui.statusbar import secondhand_words
from tests.live.clusters import KEYS, NAMES, all_known, fill, held_by, live, primaries
from tests.live.readers import TOKEN, begin_counting, calls, inspectors, watching
from tests.servers import free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from tests.servers import Cluster, Server

    Eventually = Callable[..., Coroutine[Any, Any, None]]


# ---- replicas ---------------------------------------------------------------------------------------------


async def test_replicas_are_read_where_asked(six_nodes: Cluster, eventually: Eventually) -> None:
    fill(six_nodes)
    owners = primaries(six_nodes)
    copies = [node for node in six_nodes.nodes if node not in owners]
    await eventually(lambda: sum(node.call("DBSIZE") for node in copies) == KEYS)
    for node in six_nodes.nodes:
        begin_counting(node)
    async with watching(owners[0], replicas=True) as (_, seen):
        await eventually(lambda: all_known(seen))
        assert [node.link for node in seen.vitals[-1].nodes] == ["in step"] * 3 + ["live"] * 3
        assert seen.vitals[-1].keys == KEYS
        assert re.fullmatch(r"from replicas, up to \d+ s old", secondhand_words(seen.vitals[-1]))
        assert [inspectors(node) for node in (*owners, *copies)] == [0, 0, 0, 1, 1, 1]
    for node in owners:
        assert not {"scan", "pttl", "type", "getrange"} & calls(node).keys()
    for node in copies:
        assert calls(node)["readonly"] >= 1
        assert calls(node)["scan"] >= 1


async def test_without_replicas_primaries_are_read_all_the_same(cluster: Cluster, eventually: Eventually) -> None:
    fill(cluster)
    async with watching(cluster.nodes[0], replicas=True) as (_, seen):
        await eventually(lambda: all_known(seen))


# ---- accounts ---------------------------------------------------------------------------------------------


async def test_a_password_that_one_node_refuses_is_sent_to_it_once(lenient: Cluster, eventually: Eventually) -> None:
    for node in lenient.nodes:
        node.call("ACL", "SETUSER", "reader", "on", ">right", "~*", "+@all")
    odd = lenient.nodes[1]
    odd.call("ACL", "SETUSER", "reader", "resetpass", ">other")
    odd.call("ACL", "LOG", "RESET")
    try:
        async with watching(lenient.nodes[0], username="reader", password="right") as (_, seen):
            await eventually(lambda: seen.inventory.missing and seen.inventory.finished_at)
            polls = len(seen.vitals)
            await eventually(lambda: len(seen.vitals) >= polls + 6)
            assert "password" in seen.inventory.missing[0].why
            entries = odd.call("ACL", "LOG")
            assert sum(int(dict(zip(entry[::2], entry[1::2], strict=True))[b"count"]) for entry in entries) == 1
    finally:
        for node in lenient.nodes:
            node.call("ACL", "DELUSER", "reader")


async def test_where_the_cluster_may_not_be_asked_for_one_node_says_so(
    cluster: Cluster, eventually: Eventually
) -> None:
    fill(cluster)
    node = cluster.nodes[0]
    node.call("ACL", "SETUSER", "narrow", "on", ">x", "~*", "+@read", "+ping", "+info", "+time", "+client|setname")
    try:
        async with watching(node, username="narrow", password="x") as (_, seen):
            await eventually(lambda: seen.complete() and len(seen.rows("locks")) == len(held_by(node)))
            assert (seen.vitals[-1].mode, seen.vitals[-1].nodes) == ("cluster", ())
    finally:
        node.call("ACL", "DELUSER", "narrow")


# ---- ways that are not what is announced ------------------------------------------------------------------


@asynccontextmanager
async def announcing(cluster: Cluster, node: Server, port: int) -> AsyncIterator[None]:
    """A node that tells the others of another port than its own."""
    others = [other for other in cluster.nodes if other is not node]

    def told() -> list[bool]:
        return [b":%d@" % port in other.call("CLUSTER", "NODES") for other in others]

    node.call("CONFIG", "SET", "cluster-announce-port", port)
    try:
        wait_until(lambda: all(told()), "the others have heard of it")
        yield
    finally:
        node.call("CONFIG", "SET", "cluster-announce-port", 0)
        wait_until(lambda: not any(told()), "the others have heard that it is not so")


async def test_a_node_that_is_not_where_it_says_is_missing(
    cluster: Cluster, valkey: Server, eventually: Eventually
) -> None:
    """Nobody is asked for keys in its place, least of all who happens to be there."""
    fill(cluster)
    valkey.call("SET", "lock:cron:of-a-stranger", TOKEN)
    first, hidden = cluster.nodes[:2]
    begin_counting(valkey)
    for port, why in ((free_port(), "Nothing accepts connections"), (valkey.port, "Another server answers")):
        async with announcing(cluster, hidden, port), watching(first) as (_, seen):
            await eventually(lambda: live(seen) == NAMES - held_by(hidden) and seen.inventory.missing)
            (gap,) = seen.inventory.missing
            assert gap.address == f"127.0.0.1:{port}"
            assert gap.why.startswith(why)
    assert not {"scan", "type", "pttl", "getrange"} & calls(valkey).keys()
    async with watching(first) as (_, seen):
        await eventually(lambda: all_known(seen))


class Tunnel:
    """A way to a server by another port: `async with Tunnel(server) as address`."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._ends: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Address:
        self._listening = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        return Address("127.0.0.1", self._listening.sockets[0].getsockname()[1])

    async def __aexit__(self, *error: object) -> None:
        self._listening.close()
        self.cut()
        await self._listening.wait_closed()

    def cut(self) -> None:
        """All connections through it are lost."""
        for end in self._ends:
            end.close()
        self._ends.clear()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(self._server.host, self._server.port)
        self._ends += (writer, there_writer)
        await asyncio.gather(self._pump(reader, there_writer), self._pump(there_reader, writer))

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65536):
                sink.write(data)
        sink.close()


async def test_a_tunnel_to_a_node_is_used_for_it_where_what_it_announces_leads_nowhere(cluster: Cluster) -> None:
    fill(cluster)
    hidden, tunnel = cluster.nodes[0], Tunnel(cluster.nodes[0])
    async with announcing(cluster, hidden, free_port()), tunnel as way:
        keyspace = await Keyspace.connect(way)
        try:
            for _ in range(2):  # and once more after the connection was lost
                replies = await keyspace.exchange([(b"TYPE", name) for name in sorted(NAMES)])
                assert set(replies) == {b"string"}
                await asyncio.sleep(1.1)  # a connection that is lost at once is not made again at once
                tunnel.cut()
        finally:
            await keyspace.close()
