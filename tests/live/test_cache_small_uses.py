"""Preassignments, installer tokens, rate limits and the config cache."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from fleetcache_gui.cache import (
    CacheUnavailable,
    Client,
    ConfigCache,
    InstallerTokens,
    Preassignment,
    Preassignments,
    RateLimits,
    TokenMetadata,
    Verdict,
    connect,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers import Server

SERIAL = "C02XK1ABJG5H"
PREASSIGN = f"mdm:apple:preassign:{SERIAL}"
LIMIT = "rate_limit:login:10.0.0.1"


# --- MDM preassignment


async def test_a_preassignment_is_a_hash_for_the_enrollment_window(open_client: Callable[[], Client]) -> None:
    async with open_client() as client:
        preassignments = Preassignments(client)
        await preassignments.assign(SERIAL, "ext-1", "Workstations", "wifi é")
        assert await client.hgetall(PREASSIGN) == {
            b"external_id": b"ext-1",
            b"team": b"Workstations",
            b"profile": "wifi é".encode(),
        }
        assert 599_000 < await client.pttl(PREASSIGN) <= 600_000
        expected = Preassignment(SERIAL, "ext-1", "Workstations", "wifi é")
        assert await preassignments.get(SERIAL) == expected
        assert await preassignments.get("another") is None


async def test_a_preassignment_is_taken_once(open_client: Callable[[], Client]) -> None:
    async with open_client() as client:
        preassignments = Preassignments(client)
        await preassignments.assign(SERIAL, "ext-1", "Workstations", "wifi")
        async with asyncio.TaskGroup() as group:
            takers = [group.create_task(preassignments.take(SERIAL)) for _ in range(20)]
        taken = [result for taker in takers if (result := taker.result()) is not None]
        assert taken == [Preassignment(SERIAL, "ext-1", "Workstations", "wifi")]
        assert not await client.exists(PREASSIGN)


async def test_assigning_again_replaces_and_starts_the_window_anew(server: Server) -> None:
    async with connect(server.url) as client:
        await Preassignments(client, 60).assign(SERIAL, "ext-1", "A", "wifi")
        await Preassignments(client, 120).assign(SERIAL, "ext-2", "B", "")
        assert await Preassignments(client).get(SERIAL) == Preassignment(SERIAL, "ext-2", "B", "")
        assert 119_000 < server.call("PTTL", PREASSIGN) <= 120_000


async def test_a_preassignment_expires(server: Server) -> None:
    async with connect(server.url) as client:
        preassignments = Preassignments(client, 0.05)
        await preassignments.assign(SERIAL, "ext-1", "A", "wifi")
        async with asyncio.timeout(30):
            while await preassignments.get(SERIAL) is not None:
                await asyncio.sleep(0.005)
        assert await preassignments.take(SERIAL) is None


async def test_a_strangers_preassignment_is_read_as_far_as_it_goes(valkey: Server) -> None:
    async with connect(valkey.url) as client:
        valkey.call("HSET", PREASSIGN, "team", b"\xff")
        assert await Preassignments(client).get(SERIAL) == Preassignment(SERIAL, "", "\ufffd", "")
        assert await Preassignments(client).take(SERIAL) == Preassignment(SERIAL, "", "\ufffd", "")
        assert not valkey.call("EXISTS", PREASSIGN)


# --- installer tokens


async def test_a_token_is_used_once(open_client: Callable[[], Client]) -> None:
    async with open_client() as client:
        tokens = InstallerTokens(client)
        token = await tokens.issue(12, 3)
        assert str(uuid.UUID(token)) == token
        key = f"sw:installer:token:{token}"
        assert json.loads(await client.get(key) or "") == {"title_id": 12, "team_id": 3}
        assert 3_590_000 < await client.pttl(key) <= 3_600_000
        async with asyncio.TaskGroup() as group:
            users = [group.create_task(tokens.use(token)) for _ in range(20)]
        assert [user.result() for user in users if user.result()] == [TokenMetadata(12, 3)]
        assert not await client.exists(key)
        assert await tokens.use(await tokens.issue(12, None)) == TokenMetadata(12, None)


async def test_a_token_lives_an_hour_at_most(valkey: Server) -> None:
    async with connect(valkey.url) as client:
        with pytest.raises(ValueError, match="at most 3600 s"):
            InstallerTokens(client, 3600.001)
        with pytest.raises(ValueError, match="at least"):
            InstallerTokens(client, 0)
        token = await InstallerTokens(client, 0.02).issue(1, 1)
        while valkey.call("EXISTS", f"sw:installer:token:{token}"):
            await asyncio.sleep(0.005)
        assert await InstallerTokens(client).use(token) is None


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{",
        b"[]",
        b'{"title_id": "1", "team_id": 2}',
        b'{"title_id": 1, "team_id": "2"}',
        b'{"title_id": 1}',
        b"\xff",
        b"[" * 100_000,
    ],
)
async def test_a_malformed_token_stands_for_nothing(valkey: Server, value: bytes) -> None:
    async with connect(valkey.url) as client:
        valkey.call("SET", "sw:installer:token:x", value)
        assert await InstallerTokens(client).use("x") is None


# --- rate limits


async def test_requests_count_up_to_the_limit(open_client: Callable[[], Client]) -> None:
    async with open_client() as client:
        limits = RateLimits(client)
        verdicts = [await limits.count("login", "10.0.0.1", 2) for _ in range(3)]
        assert verdicts[:2] == [Verdict(1, 2, True, 0.0), Verdict(2, 2, True, 0.0)]
        assert (verdicts[2].count, verdicts[2].allowed) == (3, False)
        assert 59 < verdicts[2].retry_after <= 60
        assert await client.get(LIMIT) == b"3"
        assert 59_000 < await client.pttl(LIMIT) <= 60_000
        assert (await limits.count("login", "10.0.0.2", 2)).count == 1
        await limits.reset("login", "10.0.0.1")
        assert await limits.count("login", "10.0.0.1", 2) == Verdict(1, 2, True, 0.0)


async def test_a_window_is_fixed_and_never_without_ttl(server: Server) -> None:
    async with connect(server.url) as client:
        limits = RateLimits(client, 0.15)
        counts: list[int] = []
        async with asyncio.timeout(30):
            while not (len(counts) > 3 and counts[-1] == 1):  # until a second window has begun
                counts.append((await limits.count("login", "10.0.0.1", 2)).count)
                assert server.call("PTTL", LIMIT) in range(-2, 151)
                assert server.call("PTTL", LIMIT) != -1
                await asyncio.sleep(0.01)
        assert counts[:-1] == list(range(1, len(counts)))


async def test_a_count_that_lost_its_ttl_gets_one_again(server: Server) -> None:
    async with connect(server.url) as client:
        server.call("SET", LIMIT, 5)
        assert await RateLimits(client).count("login", "10.0.0.1", 5) == Verdict(6, 5, False, 60.0)
        assert 59_000 < server.call("PTTL", LIMIT) <= 60_000


# --- config cache


class Source:
    """A database that counts how often it is asked."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.asked = 0

    async def load(self) -> dict[str, Any]:
        self.asked += 1
        return self.config


async def test_config_is_loaded_once(open_client: Callable[[], Client]) -> None:
    async with open_client() as client:
        cache, app, team = ConfigCache(client), Source({"org": "é"}), Source({"name": "A"})
        for _ in range(3):
            assert await cache.app_config(app.load) == {"org": "é"}
            assert await cache.team(7, team.load) == {"name": "A"}
        assert (app.asked, team.asked) == (1, 1)
        assert json.loads(await client.get("cache:app_config") or "") == {"org": "é"}
        assert json.loads(await client.get("cache:team:7") or "") == {"name": "A"}
        for key in ("cache:app_config", "cache:team:7"):
            assert 4_000 < await client.pttl(key) <= 5_000


async def test_invalidated_config_is_loaded_anew(open_client: Callable[[], Client]) -> None:
    async with open_client() as client:
        cache, app, team = ConfigCache(client), Source({"v": 1}), Source({"t": 1})
        await cache.app_config(app.load)
        await cache.team(7, team.load)
        app.config, team.config = {"v": 2}, {"t": 2}
        await cache.invalidate()
        assert await cache.app_config(app.load) == {"v": 2}
        assert await cache.team(7, team.load) == {"t": 1}
        await cache.invalidate(7)
        assert await cache.team(7, team.load) == {"t": 2}


async def test_config_goes_stale_after_its_ttl(server: Server) -> None:
    async with connect(server.url) as client:
        cache, app = ConfigCache(client, 0.05), Source({})
        async with asyncio.timeout(30):
            while app.asked < 2:
                await cache.app_config(app.load)
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("value", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
async def test_malformed_config_counts_as_a_miss(valkey: Server, value: bytes) -> None:
    async with connect(valkey.url) as client:
        cache, app = ConfigCache(client), Source({"v": 1})
        valkey.call("SET", "cache:app_config", value)
        assert await cache.app_config(app.load) == {"v": 1}
        assert valkey.call("GET", "cache:app_config") == b'{"v": 1}'


async def test_the_sources_own_failure_comes_out_and_caches_nothing(valkey: Server) -> None:
    async def broken() -> dict[str, Any]:
        raise LookupError("database")

    async with connect(valkey.url) as client:
        with pytest.raises(LookupError, match="database"):
            await ConfigCache(client).app_config(broken)
        assert not valkey.call("EXISTS", "cache:app_config")


# --- Redis away


async def test_without_redis_config_comes_from_its_source_and_the_rest_is_told(server: Server) -> None:
    async with connect(server.url) as client:
        cache, app, team = ConfigCache(client), Source({"v": 1}), Source({"t": 1})
        preassignments, tokens, limits = Preassignments(client), InstallerTokens(client), RateLimits(client)
        token = await tokens.issue(1, 1)
        server.kill()
        assert await cache.app_config(app.load) == {"v": 1}
        assert await cache.team(7, team.load) == {"t": 1}
        for attempt in (
            cache.invalidate(),
            preassignments.assign(SERIAL, "ext-1", "A", "wifi"),
            preassignments.get(SERIAL),
            preassignments.take(SERIAL),
            tokens.issue(1, 1),
            tokens.use(token),
            limits.count("login", "10.0.0.1", 5),
            limits.reset("login", "10.0.0.1"),
        ):
            with pytest.raises(CacheUnavailable, match="Redis is away") as raised:
                await attempt
            assert token not in str(raised.value)
        server.restart()
        assert await tokens.use(token) is None
        assert (await limits.count("login", "10.0.0.1", 5)).count == 1
        assert await cache.app_config(app.load) == {"v": 1}
        assert await cache.app_config(app.load) == {"v": 1}
        assert app.asked == 2
