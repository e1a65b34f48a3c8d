"""The poller: what a window is told as servers come, go, freeze, refuse and fill up."""

from __future__ import annotations

import asyncio
import os
import random
from typing import TYPE_CHECKING, Any

import pytest
import redis

from fleetcache_gui import clock
from fleetcache_gui.domain.snapshot import Phase
from fleetcache_gui.redis_io.poll import LONGEST, SHORTEST
from fleetcache_gui.redis_io.sweep import COUNT
from fleetcache_gui.redis_io.watch import LONG
from tests.live.readers import (
    ROWS,
    TOKEN,
    Recorder,
    assert_only_reads,
    begin_counting,
    calls,
    fill,
    inspectors,
    watching,
)
from tests.servers import REDIS_8, VALKEY, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    Eventually = Callable[..., Coroutine[Any, Any, None]]


def parallel_keys(server: Server, count: int) -> None:
    """Keys that make each later sweep slow, so that what is seen soon is seen by name."""
    with redis.Redis(port=server.port) as client:
        client.mset({f"noise:{n}": 1 for n in range(count)})


async def until_polled(seen: Recorder, polls: int) -> None:
    """Until so many polls were made in all."""
    async with asyncio.timeout(30):
        while len(seen.vitals) < polls:
            await asyncio.sleep(0.005)


# ---- what is told -----------------------------------------------------------------------------------------


async def test_everything_is_read(server: Server, eventually: Eventually) -> None:
    fill(server)
    begin_counting(server)
    async with watching(server) as (_, seen):
        await eventually(lambda: seen.complete() and {f: set(seen.rows(f)) for f in ROWS} == ROWS)
        assert seen.phases() == ["connecting", "live"]
        assert seen.link.round_trip is not None
        assert 0 < seen.link.round_trip < 1
        assert seen.link.last_read is not None
        assert seen.vitals[-1].keys == 10
        assert seen.inventory.finished_at is not None
        assert seen.inventory.scanned == 10
        campaign = seen.rows("live_queries")[b"7"]
        assert campaign.state.word == "running"
        polls = len(seen.vitals)
        await eventually(lambda: len(seen.vitals) >= polls + 2)
        assert seen.link.load is not None
        assert seen.link.load < 0.02
    assert_only_reads(server)
    assert calls(server)["scan"] >= 1


@pytest.mark.parametrize("server", [VALKEY, REDIS_8], indirect=True, ids=lambda binary: binary.name)
async def test_looking_leaves_idle_times_alone(server: Server, eventually: Eventually) -> None:
    """Redis evicts what has not been used for longest. (Redis 7.0 has no NO-TOUCH.)"""
    fill(server)
    async with watching(server) as (_, seen):
        await eventually(seen.complete)
        with redis.Redis(port=server.port) as client:
            # At each poll its value is read; it counts whole seconds.
            await eventually(lambda: client.object("IDLETIME", "lock:cron:vuln") >= 2)
        assert len(seen.vitals) >= 3


async def test_what_is_started_is_seen_at_the_next_poll(valkey: Server, eventually: Eventually) -> None:
    """Campaigns by the active set, queues by their one name: no sweep is needed."""
    parallel_keys(valkey, 40_000)
    async with watching(valkey) as (_, seen):
        await eventually(seen.complete)
        sweeps = seen.inventory.finished_at
        fill(valkey)
        await eventually(lambda: b"7" in seen.rows("live_queries") and seen.rows("host_queue"))
        assert seen.inventory.finished_at == sweeps


async def test_a_lock_that_is_released_and_taken_again_is_seen_by_name(valkey: Server, eventually: Eventually) -> None:
    parallel_keys(valkey, 40_000)
    fill(valkey)
    key = b"lock:cron:vuln"
    async with watching(valkey) as (_, seen):
        await eventually(lambda: key in seen.rows("locks"))
        await eventually(seen.complete)
        sweeps = seen.inventory.finished_at
        for instance in ("api-2", "api-3"):
            valkey.call("DEL", key)
            await eventually(lambda: key not in seen.rows("locks"))
            valkey.call("SET", key, f"{instance}:0123456789abcdef", "PX", 60_000)
            await eventually(lambda: key in seen.rows("locks"))
            assert seen.rows("locks")[key].cells[1] == instance
            polls = len(seen.vitals) + 2
            await until_polled(seen, polls)
            assert key in seen.rows("locks")  # and stays
        assert seen.inventory.finished_at == sweeps


async def test_what_expires_is_gone_at_the_next_poll(valkey: Server, eventually: Eventually) -> None:
    fill(valkey)
    async with watching(valkey) as (_, seen):
        await eventually(lambda: seen.rows("locks"))
        valkey.call("PEXPIRE", "lock:cron:vuln", 1)
        await eventually(lambda: seen.complete() and not seen.rows("locks"))
        assert seen.snapshots["locks"].count == 0


async def test_a_family_that_becomes_long(valkey: Server, eventually: Eventually) -> None:
    with redis.Redis(port=valkey.port) as client, client.pipeline() as pipeline:
        for n in range(LONG + 500):
            pipeline.set(f"lock:{n:05}", TOKEN, px=600_000)
        pipeline.set("lock:for-ever", TOKEN)
        pipeline.execute()
    async with watching(valkey) as (poller, seen):
        await eventually(lambda: seen.long and seen.complete())
        store, members = seen.long["locks"]
        await eventually(lambda: set(seen.rows("locks")) == {b"lock:for-ever"})
        snapshot = seen.snapshots["locks"]
        assert (snapshot.long, snapshot.count, snapshot.suspects) == (True, LONG + 501, 1)
        assert len(members) + seen.came["locks"] == LONG + 501
        assert store.name(members[0]).startswith(b"lock:")
        poller.watched["locks"] = (b"lock:00007", b"lock:no-such")
        poller.nudge()
        await eventually(lambda: set(seen.rows("locks")) == {b"lock:for-ever", b"lock:00007"})
        assert seen.rows("locks")[b"lock:00007"].cells[1] == "api-1"
        valkey.call("DEL", "lock:00007")  # watched: found missing by name
        await eventually(lambda: seen.went["locks"] == 1 and seen.snapshots["locks"].count == LONG + 500)
        valkey.call("SET", "lock:new", TOKEN, "PX", 600_000)
        await eventually(lambda: seen.snapshots["locks"].count == LONG + 501)


async def test_a_long_family_is_handed_on_slice_by_slice(valkey: Server, eventually: Eventually) -> None:
    keys = LONG + 6 * COUNT
    with redis.Redis(port=valkey.port) as client, client.pipeline() as pipeline:
        for n in range(keys):
            pipeline.set(f"lock:{n:05}", TOKEN)
        pipeline.execute()
    async with watching(valkey) as (_, seen):
        await eventually(lambda: seen.complete() and seen.snapshots["locks"].count == keys)
        _, members = seen.long["locks"]
        assert LONG < len(members) < LONG + 2 * COUNT
        assert len(members) + seen.came["locks"] == keys
        assert seen.snapshots["locks"].suspects == keys


# ---- servers that go and come back ------------------------------------------------------------------------


async def test_a_server_that_is_killed_and_comes_back(valkey: Server, eventually: Eventually) -> None:
    fill(valkey)
    async with watching(valkey) as (_, seen):
        await eventually(seen.complete)
        before = seen.vitals[-1].run_id
        killed = clock.now()
        valkey.kill()
        await eventually(lambda: seen.link.phase is Phase.DOWN)
        assert seen.link.text.endswith(".")
        assert seen.link.advice
        assert seen.link.next_try is not None
        assert seen.link.last_read is not None
        assert seen.link.last_read <= killed + 0.1
        down = seen.link.since
        tries = len(seen.links)
        await eventually(lambda: len(seen.links) >= tries + 2)
        assert seen.link.since == down
        assert seen.rows("locks")  # what was last read is kept
        valkey.restart()
        await eventually(lambda: seen.link.phase is Phase.LIVE)
        assert seen.phases() == ["connecting", "live", "down", "live"]
        assert seen.vitals[-1].run_id != before
        await eventually(lambda: seen.complete() and not any(seen.rows(family) for family in ROWS))


async def test_a_server_that_freezes_and_thaws(valkey: Server, eventually: Eventually) -> None:
    fill(valkey)
    async with watching(valkey) as (poller, seen):
        await eventually(seen.complete)
        with valkey.frozen():
            poller.nudge()
            await eventually(lambda: seen.link.phase is Phase.DOWN)
            assert "does not answer" in seen.link.text
        await eventually(lambda: seen.link.phase is Phase.LIVE)


async def test_a_server_that_is_not_there_yet(valkey: Server, eventually: Eventually) -> None:
    valkey.kill()
    async with watching(valkey) as (_, seen):
        await eventually(lambda: seen.link.phase is Phase.DOWN)
        valkey.restart()
        await eventually(lambda: seen.link.phase is Phase.LIVE)
        assert seen.phases() == ["connecting", "down", "live"]


async def test_an_idle_connection_that_the_server_closed_is_no_news(valkey: Server, eventually: Eventually) -> None:
    fill(valkey)
    async with watching(valkey) as (_, seen):
        await eventually(
            lambda: seen.vitals and seen.link.last_read and seen.link.last_read - seen.links[1].since > 1.1
        )
        run, polls = seen.vitals[-1].run_id, len(seen.vitals)
        valkey.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        await eventually(lambda: len(seen.vitals) >= polls + 2 and seen.complete())
        assert seen.phases() == ["connecting", "live"]
        assert seen.vitals[-1].run_id == run


async def test_a_server_that_closes_every_connection_is_not_stormed(valkey: Server) -> None:
    async with watching(valkey) as (_, seen):
        before = valkey.info("stats")["total_connections_received"]
        own, until = 1, clock.now() + 2
        while clock.now() < until:
            valkey.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            own += 1
            await asyncio.sleep(0.02)
        received = valkey.info("stats")["total_connections_received"] - before - own
        assert 1 <= received <= 5
        assert "down" in seen.phases()


# ---- pause, hide, interval --------------------------------------------------------------------------------


async def assert_silent(server: Server, seconds: float) -> None:
    """Nothing is sent for longer than two polls would take; proving that takes its time."""
    before = calls(server)
    await asyncio.sleep(seconds)
    after = calls(server)
    before["info"] += 1  # what asking costs
    assert after == before


@pytest.mark.parametrize("reason", ["paused", "hidden"])
async def test_nothing_is_sent_while_held(valkey: Server, eventually: Eventually, reason: str) -> None:
    fill(valkey)
    async with watching(valkey) as (poller, seen):
        await eventually(seen.complete)
        begin_counting(valkey)
        polls = len(seen.vitals)
        await eventually(lambda: len(seen.vitals) > polls)  # it does send while it is not held
        poller.hold(reason)
        await asyncio.sleep(0.1)  # a poll under way is read to its end
        polls = len(seen.vitals)
        await assert_silent(valkey, 1.2)
        assert seen.link.phase is (Phase.PAUSED if reason == "paused" else Phase.LIVE)
        poller.nudge()
        poller.interval = SHORTEST
        await assert_silent(valkey, 0.2)
        assert len(seen.vitals) == polls
        poller.release(reason)
        await eventually(lambda: len(seen.vitals) > polls)
        await eventually(lambda: seen.link.phase is Phase.LIVE)


async def test_each_reason_holds_by_itself(valkey: Server, eventually: Eventually) -> None:
    async with watching(valkey) as (poller, seen):
        await eventually(seen.complete)
        poller.hold("paused")
        poller.hold("hidden")
        poller.release("paused")
        await asyncio.sleep(0.05)  # a poll under way is read to its end
        polls = len(seen.vitals)
        await assert_silent(valkey, 0.6)
        assert len(seen.vitals) == polls
        poller.release("hidden")
        await eventually(lambda: len(seen.vitals) > polls)


async def test_a_pause_at_any_moment_is_told_and_kept(valkey: Server, eventually: Eventually) -> None:
    fill(valkey)
    dice = random.Random(3)
    async with watching(valkey) as (poller, seen):
        for _ in range(15):
            await eventually(lambda: seen.link.phase is Phase.LIVE)
            poller.nudge()
            for _ in range(dice.randrange(12)):
                await asyncio.sleep(0.0005)
            poller.hold("paused")
            for _ in range(10):
                await asyncio.sleep(0.001)
                assert seen.link.phase is Phase.PAUSED
            poller.release("paused")


async def test_a_pause_before_the_first_reading(valkey: Server, eventually: Eventually) -> None:
    async with watching(valkey) as (poller, seen):
        poller.hold("paused")
        await eventually(lambda: seen.link.phase is Phase.PAUSED)
        poller.release("paused")
        await eventually(lambda: seen.link.phase is Phase.LIVE)


async def test_the_interval_has_bounds_and_takes_effect_at_once(valkey: Server, eventually: Eventually) -> None:
    async with watching(valkey, interval=0.001) as (poller, seen):
        assert poller.interval == SHORTEST
        poller.interval = 1e9
        assert poller.interval == LONGEST
        await eventually(seen.complete)
        polls = len(seen.vitals)
        poller.interval = SHORTEST
        await eventually(lambda: len(seen.vitals) >= polls + 3)


# ---- the end ----------------------------------------------------------------------------------------------


async def test_it_ends_at_any_moment_and_leaves_nothing(valkey: Server, eventually: Eventually) -> None:
    fill(valkey)
    dice = random.Random(11)
    for _ in range(40):
        async with watching(valkey):
            for _ in range(dice.randrange(25)):
                await asyncio.sleep(0 if dice.random() < 0.7 else 0.001)
    await eventually(lambda: inspectors(valkey) == 0)


async def test_it_ends_while_the_server_is_frozen_or_away(valkey: Server, eventually: Eventually) -> None:
    async with asyncio.timeout(60), watching(valkey, reply_timeout=600.0) as (poller, seen):
        await eventually(seen.complete)
        valkey.freeze()
        poller.nudge()
        await asyncio.sleep(0.05)
    valkey.kill()
    async with watching(valkey) as (_, seen):
        await eventually(lambda: seen.link.phase is Phase.DOWN)


async def test_a_small_budget_makes_polls_rare(valkey: Server, eventually: Eventually) -> None:
    with redis.Redis(port=valkey.port) as client:
        client.mset({f"lock:{n}": TOKEN for n in range(1000)})
    async with watching(valkey, budget=0.0005) as (_, thrifty), watching(valkey, budget=0.1) as (_, free):
        await eventually(lambda: thrifty.complete() and free.complete())
        begun = len(thrifty.vitals), len(free.vitals)
        await until_polled(free, begun[1] + 8)
        assert len(thrifty.vitals) - begun[0] <= 3


async def test_reconnecting_over_and_over_leaves_nothing_behind(valkey: Server, eventually: Eventually) -> None:
    """A thousand times by `FLEETCACHE_RECONNECTS=1000`; fewer in every run."""
    fill(valkey)
    times = int(os.environ.get("FLEETCACHE_RECONNECTS", "150"))

    def held() -> tuple[int, int]:
        return len(os.listdir("/proc/self/fd")), len(asyncio.all_tasks())

    async with watching(valkey) as (poller, seen):
        with redis.Redis(port=valkey.port, single_connection_client=True) as client:
            await eventually(seen.complete)
            before, clients = held(), client.info("clients")["connected_clients"]
            received = client.info("stats")["total_connections_received"]
            for _ in range(times):
                polls = len(seen.vitals)
                client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                poller.nudge()
                await eventually(lambda: seen.link.phase is Phase.DOWN or len(seen.vitals) > polls)  # noqa: B023
                poller.retry()
                await eventually(lambda: seen.link.phase is Phase.LIVE and len(seen.vitals) > polls)  # noqa: B023
            await eventually(lambda: held() == before)
            assert client.info("clients")["connected_clients"] == clients
            assert client.info("stats")["total_connections_received"] - received >= times
            await eventually(seen.complete)
