"""The simulated Fleet on a real server: it uses every family, in a way that its seed decides."""

from __future__ import annotations

import asyncio
import contextlib
import fnmatch
import logging
import re
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from fleetcache_gui import aio
from fleetcache_gui.cache import connect
from fleetcache_gui.demo import RATE_LIMITS, SimulatedFleet
from fleetcache_gui.demo.queries import QUERIES
from fleetcache_gui.demo.troubles import TROUBLES, is_demo_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from redis.asyncio import Redis

    from tests.servers import Server

QUEUE = "async_host:detail"
FAMILIES = (
    "live_query:active",
    "live_query:campaign:*:sql",
    "live_query:campaign:*:hosts_completed",
    QUEUE,
    "lock:cron:vuln",
    "lock:cron:cleanups",
    "lock:cron:integrations",
    "lock:cron:usage_statistics",
    "lock:async_collector",
    "mdm:apple:preassign:*",
    "sw:installer:token:*",
    "rate_limit:*:*",
    "cache:app_config",
    "cache:team:*",
)


@contextlib.asynccontextmanager
async def running(fleet: SimulatedFleet) -> AsyncIterator[asyncio.Task[None]]:
    """The fleet at work; should it fail, the loop's exception handler fails the test."""
    task = aio.spawn(fleet.run(), name="fleet")
    try:
        yield task
    finally:
        await aio.cancel_and_wait([task])


@contextlib.asynccontextmanager
async def reading(server: Server) -> AsyncIterator[Redis]:
    client = connect(server.url)
    try:
        yield client
    finally:
        await client.aclose()


async def until(condition: Callable[[], Awaitable[object]], timeout: float = 40) -> None:
    async with asyncio.timeout(timeout):
        while not await condition():
            await asyncio.sleep(0.02)


async def keys(client: Redis) -> list[str]:
    return [key.decode(errors="replace") async for key in client.scan_iter(count=1000)]


class Story:
    """What the fleet has told: for each actor its decisions in order."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog
        caplog.set_level(logging.DEBUG, logger="fleetcache_gui.demo")

    def lines(self) -> dict[str, list[str]]:
        lines: dict[str, list[str]] = defaultdict(list)
        for record in self._caplog.records:
            if record.name == "fleetcache_gui.demo" and record.levelno == logging.DEBUG:
                actor, what = map(str, record.args or ())
                lines[actor].append(what)
        return lines

    def waiting(self) -> set[str]:
        """The actors that the server's absence has stopped."""
        records = (record for record in self._caplog.records if record.levelno == logging.INFO)
        return {str(record.args[0]) for record in records if record.args and "waits" in record.msg}

    def clear(self) -> None:
        self._caplog.clear()


@pytest.fixture
def story(caplog: pytest.LogCaptureFixture) -> Story:
    return Story(caplog)


async def test_every_family_appears_with_keys_as_specified(valkey: Server) -> None:
    seen: set[str] = set()
    async with reading(valkey) as client, running(SimulatedFleet(valkey.url, speed=10)):

        async def all_seen() -> bool:
            present = await keys(client)
            seen.update(family for family in FAMILIES if fnmatch.filter(present, family))
            return seen == set(FAMILIES)

        await until(all_seen)
        assert [key async for key in client.scan_iter() if not is_demo_key(key)] == []
        assert await client.type(QUEUE) in (b"list", b"none")


async def test_the_window_has_something_to_show_at_once(valkey: Server) -> None:
    async with reading(valkey) as client, running(SimulatedFleet(valkey.url)):

        async def campaigns_in_different_stages() -> bool:
            active = await client.smembers("live_query:active")
            counts = [await client.scard(f"live_query:campaign:{int(id_)}:hosts_completed") for id_ in active]
            return len(active) >= 8 and min(sorted(counts)[1:]) > 0 and max(counts) > 2000

        await until(campaigns_in_different_stages)
        for id_ in await client.smembers("live_query:active") - {b"99"}:
            sql = await client.get(f"live_query:campaign:{int(id_)}:sql")
            assert sql is not None
            assert sql.decode() in QUERIES


async def test_one_instance_holds_a_lock_and_the_others_fail_until_it_changes_hands(
    valkey: Server, story: Story
) -> None:
    holders: list[str] = []
    async with reading(valkey) as client, running(SimulatedFleet(valkey.url, speed=40)):

        async def third_holder() -> bool:
            token = await client.get("lock:cron:vuln")
            if token and (holder := token.decode().partition(":")[0]) not in holders[-1:]:
                assert 0 < await client.pttl("lock:cron:vuln") <= 30_000
                holders.append(holder)
            return len(holders) == 3

        await until(third_holder)
    told = story.lines()["cron:vuln"]
    assert [line.removeprefix("held by ") for line in told if line.startswith("held")] == holders
    for round_ in range(2):
        held, *refused = told[3 * round_ : 3 * round_ + 3]
        others = {"api-1", "api-2", "api-3"} - {held.removeprefix("held by ")}
        assert {line.removeprefix("refused to ") for line in refused} == others


async def test_equal_seeds_decide_equally(valkey: Server, story: Story) -> None:
    async def told(seed: int) -> dict[str, list[str]]:
        valkey.flush()
        story.clear()
        async with running(SimulatedFleet(valkey.url, seed=seed, speed=20)):

            async def enough() -> bool:
                lines = story.lines()
                return len(lines["cron:integrations"]) >= 6 and len(lines["campaigns"]) >= 10

            await until(enough)
        return {actor: lines[:6] for actor, lines in story.lines().items()}

    first, again, other = await told(7), await told(7), await told(8)
    decisions = ("campaigns", "cron:integrations", "async_collector", "tokens", "enrolments")
    for actor in decisions:
        length = min(len(first[actor]), len(again[actor]))
        assert length >= 3
        assert first[actor][:length] == again[actor][:length]
        assert first[actor] != other[actor]


async def test_equal_seeds_complete_the_same_hosts(valkey: Server) -> None:
    async def answers() -> tuple[str, set[int]]:
        valkey.flush()
        async with reading(valkey) as client, running(SimulatedFleet(valkey.url, hosts=3000, speed=20)):

            async def complete() -> bool:
                present = sorted(await keys(client))
                completed = fnmatch.filter(present, "live_query:campaign:1???:hosts_completed")
                for key in completed[:1]:
                    if len(hosts := await client.smembers(key)) >= 50:
                        found[key] = {*map(int, hosts)}
                return bool(found)

            found: dict[str, set[int]] = {}
            await until(complete)
            return next(iter(found.items()))

    (key, hosts), (same_key, same_hosts) = await answers(), await answers()
    assert key == same_key
    assert hosts <= same_hosts or same_hosts <= hosts  # the campaign may be at another stage
    assert hosts | same_hosts <= set(range(1, 3001))


async def test_a_finished_campaign_leaves_nothing(valkey: Server, story: Story) -> None:
    ended: dict[str, set[str]] = {"finish": set(), "abandon": set()}
    async with reading(valkey) as client, running(SimulatedFleet(valkey.url, hosts=200, speed=40)):

        async def both_ways() -> bool:
            for line in story.lines()["campaigns"]:
                if found := re.match(r"(finish|abandon) (\d+)", line):
                    ended[found[1]].add(found[2])
            return all(ended.values())

        async def all_gone() -> bool:
            present = await keys(client)
            left = [id_ for id_ in ended["finish"] | ended["abandon"] if fnmatch.filter(present, f"*:{id_}:*")]
            active = {int(id_) for id_ in await client.smembers("live_query:active")}
            assert not active & {int(id_) for id_ in ended["finish"] | ended["abandon"]}
            return not left

        await until(both_ways)
        await until(all_gone)  # an abandoned one's other keys wait for the cleanup cron


async def test_the_queue_comes_in_waves_and_is_worked_off(valkey: Server) -> None:
    depths: list[int] = []
    async with reading(valkey) as client, running(SimulatedFleet(valkey.url, speed=2)):

        async def surged_and_drained() -> bool:
            depths.append(await client.llen(QUEUE))
            return max(depths) > 150 and depths[-1] < max(depths) / 4

        async def queued() -> bool:
            return await client.llen(QUEUE) > 0

        await until(queued)
        for payload in await client.lrange(QUEUE, 0, 9):
            assert 350 < len(payload) < 650
        await until(surged_and_drained, timeout=80)


async def test_a_stream_has_consumers_of_which_one_stalls_and_is_relieved(valkey: Server, story: Story) -> None:
    async with reading(valkey) as client, running(SimulatedFleet(valkey.url, speed=20, queue="stream")):

        async def stalled() -> bool:
            pending = await client.xpending_range(QUEUE, "workers", "-", "+", 100) if await grouped() else []
            return any(entry["consumer"] == b"worker-3" for entry in pending)

        async def grouped() -> bool:
            return bool(await client.exists(QUEUE) and await client.xinfo_groups(QUEUE))

        async def relieved() -> bool:
            told = story.lines()
            return "claimed stalled entries" in told["worker-1"] and "replayed the stream" in told["worker-1"]

        await until(stalled)
        await until(relieved)
        consumers = {consumer["name"] for consumer in await client.xinfo_consumers(QUEUE, "workers")}
        assert consumers == {b"worker-1", b"worker-2", b"worker-3", b"worker-4"}
        assert await client.type(QUEUE) == b"stream"


async def test_there_are_troubles_to_find(valkey: Server) -> None:
    lasting = [trouble for trouble in TROUBLES if not trouble.mend]
    async with reading(valkey) as client, running(SimulatedFleet(valkey.url, speed=40)):

        async def planted() -> bool:
            wanted = [key for trouble in lasting for _, key, *_ in trouble.plant]
            return all([await client.exists(key) for key in wanted])

        async def without_sql() -> bool:
            return bool(await client.sismember("live_query:active", "99"))

        async def mended() -> bool:
            return not await without_sql() and not await client.exists("cache:team:99")

        async def over_limit() -> bool:
            count = await client.get("rate_limit:login:203.0.113.66")
            return int(count or 0) > RATE_LIMITS["login"]

        await until(planted)
        assert not await client.sismember("live_query:active", "17")
        for forever in ("lock:cron:legacy_import", "mdm:apple:preassign:F9FXH2K4Q6L7"):
            assert await client.pttl(forever) == -1
        assert await client.type("lock:cron:apple_mdm_apns_pusher") == b"hash"
        await until(without_sql)
        assert not await client.exists("live_query:campaign:99:sql")
        await until(mended)
        await until(without_sql)
        await until(over_limit)


async def test_it_waits_for_a_lost_server_and_goes_on(valkey: Server, story: Story) -> None:
    families = (
        "live_query:campaign:1???:sql",
        QUEUE,
        "lock:cron:vuln",
        "sw:*",
        "mdm:*",
        "rate_limit:*",
        "cache:*",
    )
    seen: set[str] = set()  # one after the other: some live for moments, and are rarely all there at once
    async with reading(valkey) as client, running(SimulatedFleet(valkey.url, speed=10)) as task:

        async def at_work() -> bool:
            present = await keys(client)
            seen.update(family for family in families if fnmatch.filter(present, family))
            return len(seen) == len(families)

        async def stopped() -> bool:
            return {
                "campaigns",
                "cron:vuln",
                "tokens",
                "enrolments",
                "requests",
                "worker-1",
            } <= story.waiting()

        async def synchronous() -> bool:
            return story.lines()["host details"][-1] == "now synchronous"

        async def queued() -> bool:
            return story.lines()["host details"][-1] == "now queued"

        await until(at_work)
        valkey.kill()
        await until(stopped)
        await until(synchronous)
        assert not task.done()
        valkey.restart()
        seen.clear()
        await until(at_work)
        await until(queued)


async def test_at_the_end_it_lets_go_of_locks_and_connections(valkey: Server) -> None:
    foreign = {"lock:cron:apple_mdm_apns_pusher", "lock:cron:legacy_import"}
    async with reading(valkey) as client:

        async def locked() -> bool:
            return await client.exists("lock:cron:vuln", *foreign) == 3

        async def alone() -> bool:
            return len(await client.client_list()) == 1

        async with running(SimulatedFleet(valkey.url)):
            await until(locked)
        assert {key for key in await keys(client) if key.startswith("lock:")} == foreign
        await until(alone)
