"""A cluster is read as one: every key once, whatever its nodes do, and what is missing is said."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import redis

from fleetcache_gui.domain.snapshot import Phase
from fleetcache_gui.redis_io import pages
from fleetcache_gui.redis_io.topology import SLOTS, slot_of
from tests.live.clusters import ENOUGH, KEYS, NAMES, all_known, fill, held_by, live, primaries
from tests.live.readers import (
    assert_only_reads,
    begin_counting,
    calls,
    connected,
    inspectors,
    watching,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from tests.servers import Cluster, Server

    Eventually = Callable[..., Coroutine[Any, Any, None]]

# ---- as one -----------------------------------------------------------------------------------------------


async def test_every_key_is_shown_once_and_sums_are_over_all_primaries(
    six_nodes: Cluster, eventually: Eventually
) -> None:
    fill(six_nodes)
    owners = primaries(six_nodes)
    sizes = [len(held_by(node)) for node in owners]
    for node in six_nodes.nodes:
        begin_counting(node)
    async with watching(six_nodes.nodes[0]) as (_, seen):
        await eventually(lambda: all_known(seen))
        rows = seen.snapshots["locks"].rows
        assert len(rows) == len({row.id for row in rows}) == KEYS
        assert seen.inventory.keys == seen.inventory.scanned == KEYS
        assert seen.inventory.missing == ()
        polls = len(seen.vitals)
        await eventually(lambda: len(seen.vitals) >= polls + 3)
        vitals = seen.vitals[-1]
        read = [node for node in vitals.nodes if node.role == "primary"]
        assert (vitals.keys, vitals.mode, vitals.replicas) == (KEYS, "cluster", 3)
        assert sorted(node.keys or 0 for node in read) == sorted(sizes)
        assert sum(last - first + 1 for node in read for first, last in node.slots) == SLOTS
        assert [(node.role, node.link, node.keys) for node in vitals.nodes[3:]] == [("replica", "in step", None)] * 3
        assert {node.of for node in vitals.nodes[3:]} == {node.address for node in read}
        assert all(node.lag_s is not None and node.lag_s < 5 for node in vitals.nodes[3:])
        assert seen.phases() == ["connecting", "live"]
        counted = {server: calls(server) for server in six_nodes.nodes}
        for server in six_nodes.nodes:
            assert_only_reads(server)
            assert ("scan" in counted[server]) == (server in owners)
            assert not {"asking", "readonly"} & counted[server].keys()
            assert inspectors(server) == (server in owners)


async def test_one_row_from_keys_on_several_nodes(six_nodes: Cluster, eventually: Eventually) -> None:
    with redis.RedisCluster.from_url(six_nodes.url, protocol=2) as client:
        for campaign in range(1, 21):
            client.sadd("live_query:active", campaign)
            client.set(f"live_query:campaign:{campaign}:sql", "SELECT 1")
            client.sadd(f"live_query:campaign:{campaign}:hosts_completed", 1, 2)
    async with watching(six_nodes.nodes[1]) as (_, seen):
        await eventually(lambda: seen.complete() and len(seen.rows("live_queries")) == 21)
        states = {row.state.word for row_id, row in seen.rows("live_queries").items() if row_id.isdigit()}
        assert states == {"running"}


async def test_values_and_what_is_known_of_a_key(six_nodes: Cluster) -> None:
    with redis.RedisCluster.from_url(six_nodes.url, protocol=2) as client:
        for name in ("a", "b", "c", "x{tag}y"):
            client.rpush(name, *range(250))
    async with connected(six_nodes.nodes[4]) as keyspace:
        for name in (b"a", b"b", b"c", b"x{tag}y"):
            first = await pages.page(keyspace, name, "list", None)
            second = await pages.page(keyspace, name, "list", first.next)
            assert [item.value for item in second.items] == [b"%d" % n for n in range(100, 200)]
            told = await pages.about(keyspace, name)
            assert told.slot == slot_of(name)
            assert told.node == f"127.0.0.1:{six_nodes.owner(told.slot).port}"
            assert told.tag == ("tag" if name == b"x{tag}y" else "")
            assert told.memory


# ---- slots that move --------------------------------------------------------------------------------------


def move(source: Server, target: Server, slot: int) -> Iterator[None]:
    """One slot from node to node, as a resharding tool does it, a step at a time."""
    target.call("CLUSTER", "SETSLOT", slot, "IMPORTING", source.call("CLUSTER", "MYID"))
    source.call("CLUSTER", "SETSLOT", slot, "MIGRATING", target.call("CLUSTER", "MYID"))
    yield
    while keys := source.call("CLUSTER", "GETKEYSINSLOT", slot, 10):
        source.call("MIGRATE", target.host, target.port, "", 0, 5000, "KEYS", *keys)
        yield
    for node in (target, source):
        node.call("CLUSTER", "SETSLOT", slot, "NODE", target.call("CLUSTER", "MYID"))
    yield


async def test_slots_on_their_way_under_polling(cluster: Cluster, eventually: Eventually) -> None:
    fill(cluster)
    source, target = cluster.nodes[:2]
    slots = sorted({slot_of(name) for name in held_by(source)})
    assert len(slots) > 50
    counts: set[int] = set()
    for node in cluster.nodes:
        node.call("ACL", "SETUSER", "reader", "on", ">x", *ENOUGH)
    async with watching(source, username="reader", password="x") as (poller, seen):
        await eventually(lambda: all_known(seen))
        came, gone = source, target
        for _ in range(2):  # there, and back again
            for slot in slots:
                for _ in move(came, gone, slot):
                    poller.refresh()
                    await asyncio.sleep(0)
                    rows = [row.id for row in seen.snapshots["locks"].rows]
                    counts.add(len(rows))
                    assert len(rows) == len(set(rows))
            came, gone = gone, came
        polls = len(seen.vitals)
        await eventually(lambda: len(seen.vitals) >= polls + 2 and all_known(seen))
        assert seen.inventory.keys == KEYS
    for node in cluster.nodes:
        node.call("ACL", "DELUSER", "reader")
    assert counts == {KEYS}
    cluster.wait()


async def test_moved_and_ask_are_followed(cluster: Cluster) -> None:
    fill(cluster)
    source, target = cluster.nodes[:2]
    here, there = sorted(held_by(source))[:2]
    async with connected(source) as keyspace:
        steps = move(source, target, slot_of(here))
        next(steps)
        begin_counting(target)
        assert await keyspace.ask(b"TYPE", here) == b"string"
        assert "asking" not in calls(target)
        next(steps)  # the key is there, and the slot not yet
        assert await keyspace.ask(b"TYPE", here) == b"string"
        assert calls(target)["asking"] == 1
        replies = await keyspace.exchange([(b"TYPE", here), (b"TYPE", there), (b"PTTL", here), (b"STRLEN", there)])
        assert [type(reply) for reply in replies] == [bytes, bytes, int, int]
        list(steps)
        assert await keyspace.ask(b"TYPE", here) == b"string"  # MOVED
        for _ in move(target, source, slot_of(here)):
            assert await keyspace.ask(b"TYPE", here) == b"string"
    cluster.wait()


async def test_a_node_that_joins_and_one_that_leaves(cluster: Cluster, eventually: Eventually) -> None:
    fill(cluster)
    async with watching(cluster.nodes[0]) as (_, seen):
        await eventually(lambda: all_known(seen))
        newcomer, source = cluster.add(), cluster.nodes[0]
        slots = sorted({slot_of(name) for name in held_by(source)})[:30]
        for slot in slots:
            list(move(source, newcomer, slot))
        await eventually(lambda: len(seen.vitals[-1].nodes) == 4 and seen.vitals[-1].nodes[0].link == "live", 45)
        await eventually(lambda: all_known(seen) and sum(node.keys or 0 for node in seen.vitals[-1].nodes) == KEYS)
        assert inspectors(newcomer) == 1
        for slot in slots:
            list(move(newcomer, source, slot))
        cluster.drop(newcomer)
        await eventually(lambda: len(seen.vitals[-1].nodes) == 3, 45)
        await eventually(lambda: all_known(seen))
        assert seen.phases() == ["connecting", "live"]
    cluster.wait()


# ---- nodes that are lost ----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["kill", "freeze"])
async def test_a_replica_takes_over_from_a_primary_that_is_lost(
    six_nodes: Cluster, eventually: Eventually, how: str
) -> None:
    fill(six_nodes)
    first, lost = primaries(six_nodes)[:2]
    theirs = held_by(lost)
    async with watching(first) as (_, seen):
        await eventually(lambda: all_known(seen))
        _take_over_after(six_nodes, 6000)  # the loss is seen before, on a busy machine too
        getattr(lost, how)()
        await eventually(lambda: seen.inventory.missing and live(seen) < NAMES)
        assert set(seen.rows("locks")) == NAMES  # what is out of reach stays, and says so
        await eventually(lambda: all_known(seen) and not seen.inventory.missing, 45)
        assert set(seen.rows("locks")) == NAMES
        assert seen.phases() == ["connecting", "live"]
    assert theirs
    six_nodes.revive()
    _take_over_after(six_nodes, 2000)


def _take_over_after(cluster: Cluster, milliseconds: int) -> None:
    for node in cluster.nodes:
        node.call("CONFIG", "SET", "cluster-node-timeout", milliseconds)


async def test_a_planned_failover_is_hardly_seen(six_nodes: Cluster, eventually: Eventually) -> None:
    fill(six_nodes)
    async with watching(six_nodes.nodes[0]) as (poller, seen):
        await eventually(lambda: all_known(seen))
        before = {node.id for node in seen.vitals[-1].nodes if node.role == "primary"}
        replica = next(node for node in six_nodes.nodes if node.info("replication")["role"] == "slave")
        replica.call("CLUSTER", "FAILOVER")
        async with asyncio.timeout(30):
            while {node.id for node in seen.vitals[-1].nodes if node.role == "primary"} == before:
                poller.nudge()
                assert set(seen.rows("locks")) == NAMES
                await asyncio.sleep(0.02)
        polls = len(seen.vitals)
        await eventually(lambda: len(seen.vitals) >= polls + 2 and all_known(seen))
        assert seen.phases() == ["connecting", "live"]
    six_nodes.wait()


@pytest.mark.parametrize("how", ["kill", "freeze"])
async def test_a_part_that_is_lost_is_named_and_the_rest_goes_on(
    lenient: Cluster, eventually: Eventually, how: str
) -> None:
    fill(lenient)
    kept, lost = lenient.nodes[0], lenient.nodes[1]
    theirs = held_by(lost)
    async with watching(kept) as (_, seen):
        await eventually(lambda: all_known(seen))
        before = seen.rows("locks")
        getattr(lost, how)()
        await eventually(lambda: live(seen) == NAMES - theirs and seen.inventory.missing)
        gap = seen.inventory.missing[0]
        assert (gap.address, gap.slots) == (f"127.0.0.1:{lost.port}", ((5461, 10921),))
        assert gap.why.endswith(".")
        assert not seen.complete()
        polls = len(seen.vitals)
        await eventually(lambda: len(seen.vitals) >= polls + 3)
        assert [node.link for node in seen.vitals[-1].nodes] == ["live", "away", "live"], seen.vitals[-1].nodes
        rows = seen.rows("locks")
        assert set(rows) == NAMES
        assert all(rows[name].cells[:-1] == before[name].cells[:-1] for name in theirs)
        assert not any(rows[name].judgements for name in theirs)
        kept.call("DEL", *[name for name in held_by(kept) if slot_of(name) == slot_of(min(held_by(kept)))])
        await eventually(lambda: len(seen.rows("locks")) < KEYS)  # the rest is live
        lost.revive()
        await eventually(lambda: seen.complete() and live(seen) == held_by(*lenient.nodes), 45)
        assert (theirs <= live(seen)) == (how == "freeze")  # one that was killed comes back empty
        assert seen.phases() == ["connecting", "live"]


async def test_a_pause_holds_the_looking_after_a_cluster_too(lenient: Cluster, eventually: Eventually) -> None:
    kept = lenient.nodes[0]
    async with watching(kept) as (poller, seen):
        await eventually(seen.complete)
        lenient.nodes[1].kill()
        await eventually(lambda: seen.inventory.missing)
        poller.hold("paused")
        await asyncio.sleep(0.5)  # what is under way is read to its end
        begin_counting(kept)
        await asyncio.sleep(2.5)  # it would have been looked after twice
        assert calls(kept).keys() <= {"info"}
        assert calls(kept)["info"] <= 2
        poller.release("paused")
        lenient.revive()
        await eventually(seen.complete, 45)


async def test_a_cluster_that_refuses_everything_says_so(cluster: Cluster, eventually: Eventually) -> None:
    fill(cluster)
    async with watching(cluster.nodes[0]) as (_, seen):
        await eventually(lambda: all_known(seen))
        cluster.nodes[2].kill()
        await eventually(lambda: not live(seen) and seen.inventory.missing[0].slots == ((0, SLOTS - 1),), 45)
        assert set(seen.rows("locks")) == NAMES
        cluster.revive()
        await eventually(lambda: seen.complete() and live(seen) == held_by(*cluster.nodes), 45)
        assert len(held_by(*cluster.nodes)) < KEYS


async def test_slots_that_nobody_serves(lenient: Cluster, eventually: Eventually) -> None:
    fill(lenient)
    async with watching(lenient.nodes[0]) as (_, seen):
        await eventually(lambda: all_known(seen))
        for node in lenient.nodes:
            node.call("CLUSTER", "DELSLOTS", 16383)
        await eventually(lambda: seen.vitals[-1].missing and seen.vitals[-1].missing[0].slots == ((16383, 16383),), 45)
        assert seen.vitals[-1].missing[0].address == ""
        lenient.nodes[2].call("CLUSTER", "ADDSLOTS", 16383)
        await eventually(lambda: not seen.vitals[-1].missing and all_known(seen), 45)


async def test_all_nodes_away_and_back_by_another_door(cluster: Cluster, eventually: Eventually) -> None:
    async with watching(cluster.nodes[0]) as (_, seen):
        await eventually(seen.complete)
        for node in cluster.nodes:
            node.kill()
        await eventually(lambda: seen.link.phase is Phase.DOWN)
        assert seen.link.server_away
        for node in cluster.nodes[1:]:  # the one that was named stays away
            node.start()
        await eventually(lambda: seen.link.phase is Phase.LIVE and seen.vitals[-1].missing, 45)
        cluster.revive()
        await eventually(lambda: seen.complete() and not seen.vitals[-1].missing, 45)


async def test_idle_connections_that_nodes_close_are_no_news(cluster: Cluster, eventually: Eventually) -> None:
    fill(cluster)
    async with watching(cluster.nodes[0], interval=2) as (_, seen):
        await eventually(lambda: all_known(seen))
        await asyncio.sleep(1.1)  # a connection that is lost at once is not made again at once
        for node in cluster.nodes:
            node.call("CLIENT", "KILL", "TYPE", "normal")
        polls = len(seen.vitals)
        await eventually(lambda: len(seen.vitals) >= polls + 2)
        assert not any(vitals.missing for vitals in seen.vitals)
        assert all_known(seen)
