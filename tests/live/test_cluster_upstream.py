"""The layout of upstream servers on a cluster: found on any node, listeners and settings of all nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import redis

from fleetcache_gui.domain.values import ReplyError
from fleetcache_gui.families.layouts import LAYOUTS
from fleetcache_gui.families.upstream import UPSTREAM
from fleetcache_gui.redis_io.layouts import look
from tests.live.clusters import ENOUGH, primaries
from tests.live.readers import assert_only_reads, begin_counting, calls, connected, inspectors

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers import Cluster

CHANNEL = "results_7"
LISTENERS = (b"PUBSUB", b"NUMSUB", CHANNEL.encode())
LIMITS = "client-output-buffer-limit"


async def test_the_look_finds_what_one_node_has(cluster: Cluster) -> None:
    with redis.RedisCluster.from_url(cluster.url, protocol=2) as client:
        for number in range(3000):
            client.set(f"session:{number}", "x")
        for node in cluster.nodes:
            begin_counting(node)
        async with connected(cluster.nodes[0]) as keyspace:
            assert await look(keyspace, LAYOUTS) == frozenset()
        for node in cluster.nodes:
            assert calls(node)["scan"] >= 1
            assert_only_reads(node)
        client.set("fleet:hostcache:v1:nk:x", "{}", ex=60)
    for node in cluster.nodes:
        async with connected(node) as keyspace:
            assert await look(keyspace, LAYOUTS) == {"upstream"}


async def test_listeners_are_those_at_all_nodes(cluster: Cluster) -> None:
    async with connected(cluster.nodes[0]) as keyspace:
        assert await keyspace.ask(*LISTENERS) == [CHANNEL.encode(), 0]
        subscribers = []
        for node in cluster.nodes[1:]:
            client = redis.Redis(port=node.port)
            subscriber = client.pubsub()
            subscribers += [subscriber, client]
            subscriber.subscribe(CHANNEL)
            assert subscriber.get_message(timeout=2)
        replies = await keyspace.exchange(((b"STRLEN", b"a"), LISTENERS, (b"STRLEN", b"b"), LISTENERS))
        for one in subscribers:
            one.close()
    assert replies == [0, [CHANNEL.encode(), 2], 0, [CHANNEL.encode(), 2]]


async def test_who_listens_at_a_replica_is_heard_though_it_is_not_read(
    six_nodes: Cluster, eventually: Callable[..., Any]
) -> None:
    copies = [node for node in six_nodes.nodes if node not in primaries(six_nodes)]
    async with connected(six_nodes.nodes[0]) as keyspace:
        assert [inspectors(node) for node in copies] == [0, 0, 0]
        assert await keyspace.ask(*LISTENERS) == [CHANNEL.encode(), 0]
        assert [inspectors(node) for node in copies] == [1, 1, 1]
        with redis.Redis(port=copies[0].port) as client, client.pubsub() as subscriber:
            subscriber.subscribe(CHANNEL)
            assert subscriber.get_message(timeout=2)
            assert await keyspace.ask(*LISTENERS) == [CHANNEL.encode(), 1]
        await eventually(lambda: copies[0].call("PUBSUB", "NUMSUB", CHANNEL)[1] == 0)
        copies[0].call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        assert isinstance(await keyspace.ask(*LISTENERS), ReplyError)  # that node told nothing this once
        assert await keyspace.ask(*LISTENERS) == [CHANNEL.encode(), 0]
        assert [inspectors(node) for node in copies] == [1, 1, 1]
    await eventually(lambda: [inspectors(node) for node in copies] == [0, 0, 0])


async def test_an_account_that_may_not_ask_is_no_reason_to_connect_to_replicas(six_nodes: Cluster) -> None:
    copies = [node for node in six_nodes.nodes if node not in primaries(six_nodes)]
    for node in six_nodes.nodes:
        node.call("ACL", "SETUSER", "deaf", "on", ">canary", *ENOUGH)
    try:
        async with connected(six_nodes.nodes[0], username="deaf", password="canary") as keyspace:
            assert isinstance(await keyspace.ask(*LISTENERS), ReplyError)
            assert [inspectors(node) for node in copies] == [0, 0, 0]
    finally:
        for node in six_nodes.nodes:
            node.call("ACL", "DELUSER", "deaf")


async def test_a_node_that_cannot_be_asked_leaves_it_open_whether_anybody_listens(six_nodes: Cluster) -> None:
    copies = [node for node in six_nodes.nodes if node not in primaries(six_nodes)]
    async with connected(six_nodes.nodes[0], connect_timeout=0.4, reply_timeout=0.4) as keyspace:
        with copies[0].frozen():
            assert isinstance(await keyspace.ask(*LISTENERS), ReplyError)


async def test_settings_of_the_nodes_are_read(cluster: Cluster) -> None:
    async with connected(cluster.nodes[0]) as keyspace:
        await keyspace.learn(UPSTREAM.parameters)
        assert "pubsub 33554432 8388608 60" in keyspace.vitals.parameters[LIMITS]
        await keyspace.refresh()
        (judgement,) = UPSTREAM.judge(keyspace.vitals)
        assert judgement.code == "server.pubsub-limit"


async def test_a_costly_read_counts_as_many(cluster: Cluster) -> None:
    async with connected(cluster.nodes[0]) as keyspace:
        before = keyspace.commands
        await keyspace.ask(b"BITCOUNT", b"livequery:{7}", b"0", b"262143")
        assert keyspace.commands - before > 10
