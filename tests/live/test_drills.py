"""Drills on real servers of their own: what the lessons claim is measured, and would be found out if it were not so."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from fleetcache_gui.cache import LiveQueries, Lock, connect
from fleetcache_gui.demo import EmbeddedCluster, EmbeddedServer, SimulatedFleet
from fleetcache_gui.demo.drills import DRILLS, Stage
from fleetcache_gui.demo.drills.scene import until
from fleetcache_gui.domain.lessons import Measured, StepFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

SPEED = 50.0
ALONE = [name for name, drill in DRILLS.items() if not drill.lesson.cluster]
CLUSTERED = [name for name, drill in DRILLS.items() if drill.lesson.cluster]


@asynccontextmanager
async def stage_on(source: EmbeddedServer | EmbeddedCluster) -> AsyncIterator[Stage]:
    cluster = isinstance(source, EmbeddedCluster)

    def fleet() -> SimulatedFleet:
        return SimulatedFleet(source.url, hosts=100, speed=20, cluster=cluster)

    async with Stage(source, fleet, DRILLS) as stage:
        yield stage


async def played(stage: Stage, name: str) -> list[Sequence[Measured]]:
    await stage.begin(name, seed=7, speed=SPEED)
    results = []
    while (measured := await stage.step()) is not None:
        results.append(measured)
    return results


def failed(results: list[Sequence[Measured]]) -> list[str]:
    return [one.text for measured in results for one in measured if not one.holds]


@pytest.mark.parametrize("name", ALONE)
async def test_what_a_lesson_claims_holds(name: str) -> None:
    async with EmbeddedServer() as server, stage_on(server) as stage:
        results = await played(stage, name)
        assert failed(results) == []
        assert len(results) == len(DRILLS[name].lesson.captions)
        assert all(results)


async def test_what_lessons_on_clusters_claim_holds() -> None:
    async with EmbeddedCluster() as cluster, stage_on(cluster) as stage:
        assert [lesson.name for lesson in stage.lessons] == CLUSTERED
        for name in CLUSTERED:
            results = await played(stage, name)
            assert failed(results) == []
            assert len(results) == len(DRILLS[name].lesson.captions)
            await stage.reset()


async def test_a_lock_that_is_not_released_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def keep(lock: Lock) -> bool:
        return False

    monkeypatch.setattr(Lock, "release", keep)
    async with EmbeddedServer() as server, stage_on(server) as stage:
        assert any("1 keys are left" in text for text in failed(await played(stage, "two-servers")))


async def test_a_campaign_that_is_not_cleaned_up_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def forget(queries: LiveQueries, campaign_id: int) -> None:
        pass

    monkeypatch.setattr(LiveQueries, "finish", forget)
    async with EmbeddedServer() as server, stage_on(server) as stage:
        assert failed(await played(stage, "campaign")) == [
            "2 of its keys are left",
            "live_query:active no longer names it",
        ]


async def test_equal_seeds_give_equal_drills() -> None:
    async with EmbeddedServer() as server, stage_on(server) as stage:
        first, second = [await played(stage, "campaign") for _ in range(2)]
        assert first == second


async def test_after_a_drill_the_fleet_is_back() -> None:
    async with EmbeddedServer() as server, stage_on(server) as stage:
        client = connect(server.url)
        try:
            await stage.begin("frozen", seed=7, speed=SPEED)
            for _ in range(2):
                await stage.step()
            await stage.reset()  # in the middle of it: the server is thawed
            assert await client.ping()

            async def at_work() -> bool:
                return bool(await client.exists("live_query:active"))

            await until(at_work)
            await stage.begin("restart", seed=7, speed=SPEED)
            for _ in range(2):
                await stage.step()
            assert not server.runs
            await stage.reset()
            assert server.runs
            assert await client.ping()
        finally:
            await client.aclose()


async def test_nothing_is_done_to_a_server_that_was_not_started_for_it() -> None:
    async with EmbeddedServer() as ours, EmbeddedServer() as theirs, stage_on(ours) as stage:
        client = connect(theirs.url)
        await client.set("precious", "1")
        own = ours.port
        assert await stage.is_own((await connect_info(ours))["run_id"])
        assert not await stage.is_own((await client.info("server"))["run_id"])
        ours.port = theirs.port  # another server answers where ours did
        try:
            with pytest.raises(StepFailed, match="nothing was done"):
                await stage.begin("flush", seed=7, speed=SPEED)
        finally:
            ours.port = own
        assert await client.get("precious") == b"1"
        await client.aclose()


async def connect_info(server: EmbeddedServer) -> dict[str, str]:
    client = connect(server.url)
    try:
        info: dict[str, str] = await client.info("server")
        return info
    finally:
        await client.aclose()
