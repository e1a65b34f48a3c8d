"""What is looked at seldom: the slow log and the memory of keys; and the figures that charts are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import redis

from fleetcache_gui.domain.store import KeyStore
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.redis_io.server import CLIENT_NAME
from fleetcache_gui.redis_io.study import DRAWN, _draw
from tests.live.readers import fill, watching
from tests.live.test_server_health import configured

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tests.servers import Cluster, Server

    Eventually = Callable[..., Coroutine[Any, Any, None]]

SECRET = "sw:installer:token:0c1f6e1e-0000-4000-8000-000000000000"


async def test_slow_calls_are_read_with_ours_marked_and_nothing_secret(server: Server, eventually: Eventually) -> None:
    fill(server)
    with configured(server, "slowlog-log-slower-than") as slower:
        server.call("SLOWLOG RESET")
        slower(0)
        with redis.Redis(port=server.port, client_name=CLIENT_NAME.decode() + "-7") as client:
            client.ttl("other")
        with redis.Redis(port=server.port, client_name="api-1") as client:
            client.get(SECRET)
            client.set("other:password", "swordfish")
            client.sadd("live_query:active", "7")
        slower(-1)
        async with watching(server) as (_, recorder):
            await eventually(lambda: recorder.slow_log.read)
            calls = recorder.slow_log.calls
    assert recorder.slow_log.length >= len(calls) > 3
    assert recorder.slow_log.refused == ""
    by_us = next(call for call in calls if call.ours)
    assert by_us.client.startswith(CLIENT_NAME.decode())
    theirs = {call.command: call for call in calls if call.client == "api-1"}
    assert theirs["SADD"].what == "live_query:active"
    assert not theirs["SADD"].ours
    assert theirs["SET"].what == "", "a key that is not Fleet's may be anything"
    assert theirs["GET"].what.startswith("sw:installer:token:0c1f")
    assert "4000-8000" not in str(calls)
    assert "swordfish" not in str(calls)
    assert 0 < theirs["SADD"].took < 1


async def test_memory_of_families_is_measured(server: Server, eventually: Eventually) -> None:
    fill(server)
    with redis.Redis(port=server.port) as client:
        client.mset({f"lock:cron:{n}": "x" * 1000 for n in range(DRAWN * 10)})
    async with watching(server) as (poller, recorder):
        await eventually(lambda: recorder.weights.by_family)
        found = recorder.weights.by_family
        assert poller.keyspace is not None
        calls = poller.keyspace.lookups.sent[b"MEMORY"]
    assert set(found) == {family.id for family in SPEC.families}
    assert recorder.weights.refused == ""
    locks = found["locks"]
    assert locks.keys == DRAWN * 10 + 1
    assert DRAWN * 0.8 < locks.measured <= DRAWN
    assert not locks.exact
    with redis.Redis(port=server.port) as client:
        true = sum(int(client.memory_usage(key)) for key in client.scan_iter("lock:*", count=1000))  # type: ignore[arg-type]
    assert abs(locks.size - true) < 0.1 * true
    assert found["host_queue"].exact
    assert found["host_queue"].measured == found["host_queue"].keys == 1
    assert calls < 8 * DRAWN * 2, "bounded, whatever the number of keys"


async def test_an_account_without_these_commands_is_told_once_and_loses_nothing_else(
    server: Server, eventually: Eventually
) -> None:
    fill(server)
    server.call("ACL SETUSER", "looker", "on", ">pw", "~*", "+@all", "-slowlog", "-memory", "-@dangerous", "+info")
    server.call("ACL LOG", "RESET")
    async with watching(server, username="looker", password="pw") as (_, recorder):
        await eventually(lambda: recorder.weights.refused and recorder.slow_log.refused and recorder.complete())
        assert recorder.slow_log.refused == "The account may not use SLOWLOG."
        assert recorder.weights.refused == "The account may not use MEMORY USAGE."
        assert recorder.rows("locks")
        assert recorder.vitals[-1].memory
    refused = {str(entry["object"]): int(entry["count"]) for entry in server.call("ACL LOG")}
    for command in ("slowlog|get", "slowlog|len"):
        assert refused[command] == 1
    assert refused["memory|usage"] == 1


async def test_renamed_commands_degrade(eventually: Eventually) -> None:
    from tests.servers import REDIS_7, Server

    with Server(REDIS_7, "--rename-command", "SLOWLOG", "", "--rename-command", "MEMORY", "") as server:
        fill(server)
        async with watching(server) as (_, recorder):
            await eventually(lambda: recorder.weights.refused and recorder.slow_log.refused)
            assert "does not know SLOWLOG" in recorder.slow_log.refused
            assert "does not know MEMORY USAGE" in recorder.weights.refused


async def test_figures_for_charts_are_told_by_every_server(server: Server, eventually: Eventually) -> None:
    fill(server)
    async with watching(server) as (_, recorder):
        await eventually(lambda: len(recorder.vitals) > 2 and recorder.complete())
        before, now = recorder.vitals[0], recorder.vitals[-1]
    for name in ("rss", "net_in", "net_out", "uptime", "all_keys", "volatile", "output_buffer", "hits", "evicted"):
        assert isinstance(getattr(now, name), int), name
    assert now.all_keys == 10
    assert now.volatile == 5
    assert (now.net_in or 0) > (before.net_in or 0)
    assert now.persistence is not None
    assert now.persistence.saved_at is not None
    assert not now.persistence.save_failed
    assert not now.persistence.aof
    assert now.calls["sadd"] >= 2
    assert now.ours["info"] == 2 * len(recorder.vitals)
    assert now.ours["scan"] >= 1
    assert now.ours["ttl" if "ttl" in now.ours else "pttl"] <= now.calls["pttl"], "ours are among all calls"


async def test_a_cluster_tells_of_each_node_and_of_all(six_nodes: Cluster, eventually: Eventually) -> None:
    for node in six_nodes.nodes:
        node.call("CONFIG SET", "slowlog-log-slower-than", "0")
        node.call("SLOWLOG RESET")
    try:
        async with watching(six_nodes.nodes[0]) as (poller, recorder):
            await eventually(lambda: recorder.weights.by_family and recorder.slow_log.calls, timeout=30)
            await eventually(lambda: len(recorder.vitals) > 2 and len(recorder.vitals[-1].lags) == 3, timeout=30)
            now = recorder.vitals[-1]
            assert poller.keyspace is not None
            assert poller.keyspace.lookups.sent[b"SLOWLOG"] % 6 == 0, "two of each primary"
    finally:
        for node in six_nodes.nodes:
            node.call("CONFIG SET", "slowlog-log-slower-than", "10000")
    figures = [node.figures for node in now.nodes if node.figures is not None]
    assert len(figures) == 3
    assert now.rss == sum(figure.rss or 0 for figure in figures)
    assert now.net_in == sum(figure.net_in or 0 for figure in figures)
    assert now.calls["info"] == sum(figure.calls["info"] for figure in figures)
    assert all(figure.persistence is not None and figure.uptime is not None for figure in figures)
    assert now.persistence is None, "each node has its own files"
    assert {call.node for call in recorder.slow_log.calls} == {node.address for node in now.nodes if node.figures}
    assert set(now.lags) == {node.address for node in now.nodes if node.role == "replica"}


def test_keys_are_drawn_from_all_parts_of_the_store() -> None:
    store = KeyStore(10_000)
    for n in range(10_000):
        store.note(b"key:%d" % n, n % 10 == 0, 1, -1)
    drawn = _draw(store, 1, 1000, frozenset([b"key:10"]))
    numbers = sorted(int(name[4:]) for name in drawn)
    assert DRAWN * 0.7 < len(numbers) <= DRAWN
    assert all(number % 10 == 0 for number in numbers)
    assert numbers[0] < 3000
    assert numbers[-1] > 7000
    few = _draw(store, 1, 40, frozenset([b"key:10"]))
    assert len(few) == 999, "where they are few, all but those measured anyway"
