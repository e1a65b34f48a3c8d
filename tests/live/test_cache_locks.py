"""Locks as Fleet takes them: exclusive, renewed with jitter, given up only by their owner."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import random
from typing import TYPE_CHECKING

import pytest
from redis.exceptions import ResponseError

from fleetcache_gui.cache import (
    CacheUnavailable,
    Client,
    Lock,
    LockLost,
    LockNotAcquired,
    Locks,
    LockUnavailable,
    connect,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers import Server

KEY = "lock:cron:vuln"


class RecordedRandom(random.Random):
    """Remembers what uniform() gave."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.given: list[float] = []

    def uniform(self, a: float, b: float) -> float:
        self.given.append(super().uniform(a, b))
        return self.given[-1]


async def test_the_lock_is_a_string_with_token_and_ttl(open_client: Callable[[], Client]) -> None:
    async with open_client() as client:
        lock = await Locks(client, "api-1").acquire("cron:vuln", 60)
        assert lock is not None
        assert (lock.name, lock.ttl) == ("cron:vuln", 60)
        owner, _, random_part = lock.token.rpartition(":")
        assert (owner, len(random_part)) == ("api-1", 32)
        assert await client.get(KEY) == lock.token.encode()
        assert 59_000 < await client.pttl(KEY) <= 60_000
        assert "redis" not in repr(lock)


async def test_only_one_of_many_gets_the_lock(open_client: Callable[[], Client]) -> None:
    async with open_client() as client:
        everyone = [Locks(client, f"api-{number}") for number in range(50)]
        async with asyncio.TaskGroup() as group:
            attempts = [group.create_task(locks.acquire("cron:vuln", 60)) for locks in everyone]
        winners = [lock for attempt in attempts if (lock := attempt.result()) is not None]
        assert len(winners) == 1
        assert await client.get(KEY) == winners[0].token.encode()
        assert await winners[0].release()
        assert await everyone[0].acquire("cron:vuln", 60)


async def test_only_the_owner_renews_and_releases(open_client: Callable[[], Client]) -> None:
    async with open_client() as client:
        lock = await Locks(client, "api-1").acquire("cron:vuln", 60)
        assert lock is not None
        assert await lock.renew(120)
        assert 119_000 < await client.pttl(KEY) <= 120_000
        assert await lock.renew()
        assert 59_000 < await client.pttl(KEY) <= 60_000

        await client.set(KEY, "api-2:theirs", px=30_000)
        assert not await lock.renew()
        assert not await lock.release()
        assert await client.get(KEY) == b"api-2:theirs"
        assert await client.pttl(KEY) <= 30_000

        await client.unlink(KEY)
        assert not await lock.renew()
        assert not await lock.release()
        assert not await client.exists(KEY)


async def test_a_lock_that_ran_out_is_free(server: Server) -> None:
    async with connect(server.url) as client:
        first = await Locks(client, "api-1").acquire("cron:vuln", 0.01)
        assert first is not None
        while (second := await Locks(client, "api-2").acquire("cron:vuln", 60)) is None:
            await asyncio.sleep(0.005)
        assert not await first.release()
        assert await second.release()


async def test_interleaved_owners_never_release_each_other(valkey: Server) -> None:
    """Locks that run out at once, each released late: whoever holds the lock keeps it."""
    async with connect(valkey.url) as client:
        late: list[Lock] = []
        for number in range(300):
            current = await Locks(client, f"api-{number}").acquire("cron:vuln", 60)
            assert current is not None
            for lock in late[-3:]:
                assert not await lock.release()
            assert await client.get(KEY) == current.token.encode()
            late.append(current)
            await client.unlink(KEY)  # stands for the TTL's end


async def test_a_foreign_type_in_the_locks_place_is_not_removed(valkey: Server) -> None:
    async with connect(valkey.url) as client:
        lock = await Locks(client, "api-1").acquire("cron:vuln", 60)
        assert lock is not None
        valkey.call("DEL", KEY)
        valkey.call("RPUSH", KEY, "x")
        with pytest.raises(ResponseError, match="WRONGTYPE"):
            await lock.release()
        assert valkey.call("LLEN", KEY) == 1


async def test_hold_renews_with_seeded_jitter(server: Server) -> None:
    rng = RecordedRandom(7)
    async with connect(server.url) as client, connect(server.url) as watcher, watcher.monitor() as monitor:
        async with Locks(client, "api-1").hold("cron:vuln", 0.6, renew_every=0.05, rng=rng) as held:
            renewals: list[float] = []
            async for command in monitor.listen():
                if command["command"].startswith("EVAL") and command["client_type"] != "lua":
                    renewals.append(command["time"])
                    if len(renewals) == 16:
                        break
            assert not held.lost.is_set()
            assert 0 < server.call("PTTL", KEY) <= 600
        assert not server.call("EXISTS", KEY)
    expected = random.Random(7)
    pauses = [0.05 * (1 + expected.uniform(-0.2, 0.2)) for _ in range(16)]
    assert rng.given[:16] == [pytest.approx(pause / 0.05 - 1) for pause in pauses]
    gaps = [after - before for before, after in itertools.pairwise(renewals)]
    assert sum(gaps) > 0.6  # longer than the TTL: without renewal the lock would have ended
    assert all(gap > pause - 0.005 for gap, pause in zip(gaps, pauses[1:], strict=True))
    assert min(pauses) < 0.045 < 0.055 < max(pauses)


async def test_hold_is_exclusive_and_releases_at_the_end(open_client: Callable[[], Client]) -> None:
    async with open_client() as client:
        ours, theirs = Locks(client, "api-1"), Locks(client, "api-2")
        async with ours.hold("cron:vuln", 60) as held:
            assert await client.get(KEY) == held.lock.token.encode()
            with pytest.raises(LockNotAcquired, match="cron:vuln"):
                async with theirs.hold("cron:vuln", 60):
                    pytest.fail("held twice")
            assert await client.get(KEY) == held.lock.token.encode()
        assert not await client.exists(KEY)
        async with theirs.hold("cron:vuln", 60):
            pass


async def test_the_blocks_own_error_comes_out_as_it_is(valkey: Server) -> None:
    async with connect(valkey.url) as client:
        locks = Locks(client, "api-1")
        for error in (KeyError("work"), TimeoutError("of the work"), ResponseError("of the work")):
            with pytest.raises(type(error)) as raised:
                async with locks.hold("cron:vuln", 60):
                    raise error
            assert raised.value is error
            assert not valkey.call("EXISTS", KEY)


async def test_a_cancelled_holder_releases(valkey: Server) -> None:
    async with connect(valkey.url) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05), Locks(client, "api-1").hold("cron:vuln", 60):
                await asyncio.Event().wait()
        assert not valkey.call("EXISTS", KEY)


@pytest.mark.parametrize(
    ("ttl", "renew_every", "jitter"), [(1, 1, 0.2), (1, 0.9, 0.2), (1, 0, 0), (1, 0.1, 1), (1, 0.1, -0.1)]
)
async def test_a_renewal_that_comes_too_late_is_refused(
    valkey: Server, ttl: float, renew_every: float, jitter: float
) -> None:
    async with connect(valkey.url) as client:
        with pytest.raises(ValueError, match="does not keep a lock"):
            async with Locks(client, "api-1").hold("cron:vuln", ttl, renew_every=renew_every, jitter=jitter):
                pytest.fail("held")
        with pytest.raises(ValueError, match="at least"):
            await Locks(client, "api-1").acquire("cron:vuln", 0)
        assert not valkey.call("EXISTS", KEY)


@pytest.mark.parametrize(
    "fate",
    [
        [("SET", KEY, "api-2:theirs", "PX", "60000")],
        [("DEL", KEY)],
        [("DEL", KEY), ("RPUSH", KEY, "not a lock")],
    ],
    ids=["replaced", "deleted", "wrong type"],
)
async def test_a_lost_lock_ends_the_task(server: Server, fate: list[tuple[str, ...]]) -> None:
    async def work(locks: Locks) -> None:
        async with locks.hold("cron:vuln", 60, renew_every=0.03) as held:
            for command in fate:
                server.call(*command)
            try:
                await asyncio.sleep(30)
            finally:
                lost.append(held.lost.is_set())

    lost: list[bool] = []
    async with connect(server.url) as client:
        with pytest.raises(LockLost, match="cron:vuln"):
            await work(Locks(client, "api-1"))
        assert lost == [True]
        task = asyncio.current_task()
        assert task is not None
        assert not task.cancelling()
    there = server.call("EXISTS", KEY)
    assert there == (fate != [("DEL", KEY)])  # what took its place was left alone


async def test_a_task_that_ignores_the_loss_hears_of_it_at_the_end(valkey: Server) -> None:
    async def stubborn(locks: Locks) -> None:
        async with locks.hold("cron:vuln", 60, renew_every=0.02) as held:
            valkey.call("DEL", KEY)
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(30)
            assert held.lost.is_set()

    async with connect(valkey.url) as client:
        with pytest.raises(LockLost):
            await stubborn(Locks(client, "api-1"))
        await asyncio.sleep(0)  # no cancellation is left over


async def test_a_short_outage_does_not_lose_the_lock(server: Server) -> None:
    async with connect(server.url) as client:
        async with Locks(client, "api-1").hold("cron:vuln", 2, renew_every=0.03) as held:
            with server.frozen():
                await asyncio.sleep(0.2)
            server.call("CONFIG", "RESETSTAT")
            while "cmdstat_pexpire" not in server.info("commandstats"):
                await asyncio.sleep(0.005)
            assert not held.lost.is_set()
            assert server.call("GET", KEY) == held.lock.token.encode()
        assert not server.call("EXISTS", KEY)


async def test_the_lock_is_lost_when_the_ttl_runs_out_unrenewed(server: Server) -> None:
    async def work(locks: Locks) -> None:
        async with locks.hold("cron:vuln", 0.3, renew_every=0.05):
            with server.frozen():
                await asyncio.sleep(30)

    async with connect(server.url) as client:
        began = asyncio.get_running_loop().time()
        with pytest.raises(LockLost):
            await work(Locks(client, "api-1"))
        took = asyncio.get_running_loop().time() - began
        assert 0.29 < took < 3  # well before the client's socket timeout of 5 s


async def test_the_lock_is_lost_in_a_restart(server: Server) -> None:
    async def work(locks: Locks) -> None:
        async with locks.hold("cron:vuln", 60, renew_every=0.1):
            server.kill()
            await asyncio.sleep(0.15)  # at least one renewal finds nobody
            server.restart()
            await asyncio.sleep(30)

    async with connect(server.url) as client:
        locks = Locks(client, "api-1")
        with pytest.raises(LockLost):
            await work(locks)
        async with locks.hold("cron:vuln", 60):
            assert server.call("EXISTS", KEY) == 1


async def test_unavailable_locks_are_told_so_that_a_caller_can_guard(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    async with connect(server.url) as client:
        locks = Locks(client, "api-1")
        lock = await locks.acquire("other", 60)
        assert lock is not None
        assert issubclass(LockUnavailable, CacheUnavailable)
        with caplog.at_level(logging.WARNING):
            async with locks.hold("cron:vuln", 60) as held:
                server.kill()
        assert [record.getMessage() for record in caplog.records] == [
            "lock 'cron:vuln' was not released as Redis is away; it ends with its TTL"
        ]
        assert held.lock.token not in caplog.text
        with pytest.raises(LockUnavailable, match="Redis is away"):
            await locks.acquire("cron:vuln", 60)
        with pytest.raises(LockUnavailable, match="Redis is away"):
            await lock.renew()
        with pytest.raises(LockUnavailable, match="Redis is away"):
            await lock.release()
        with pytest.raises(LockUnavailable, match="Redis is away"):
            async with locks.hold("cron:vuln", 60):
                pytest.fail("held without Redis")
        server.restart()
        assert await locks.acquire("cron:vuln", 60)
