"""Live queries as Fleet runs them, on every server and on a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from redis.exceptions import ResponseError

from fleetcache_gui.cache import CacheUnavailable, Client, LiveQueries, LiveQueriesPaused, connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers import Server

SQL = "SELECT * FROM processes WHERE name = 'é';"
HOSTS_1 = "live_query:campaign:1:hosts_completed"


async def _keys(client: Client) -> set[bytes]:
    return {key async for key in client.scan_iter()}


async def test_a_started_campaign_is_active_with_its_sql(open_client: Callable[[], Client]) -> None:
    async with open_client() as client:
        queries = LiveQueries(client)
        await queries.start(1, SQL)
        assert await _keys(client) == {b"live_query:active", b"live_query:campaign:1:sql"}
        assert await client.smembers("live_query:active") == {b"1"}
        assert await client.get("live_query:campaign:1:sql") == SQL.encode()
        assert await client.pttl("live_query:campaign:1:sql") == -1
        assert await queries.active() == {1}
        assert await queries.sql(1) == SQL
        assert await queries.sql(2) is None


async def test_a_campaign_becomes_active_last_and_inactive_first(valkey: Server) -> None:
    """A wrong type in the active set's place stops each sequence at that step."""
    async with connect(valkey.url) as client:
        queries = LiveQueries(client)
        valkey.call("SET", "live_query:active", "not a set")
        with pytest.raises(ResponseError, match="WRONGTYPE"):
            await queries.start(1, SQL)
        assert await queries.sql(1) == SQL
        with pytest.raises(ResponseError, match="WRONGTYPE"):
            await queries.finish(1)
        assert await queries.sql(1) == SQL


async def test_hosts_count_once(open_client: Callable[[], Client]) -> None:
    async with open_client() as client:
        queries = LiveQueries(client)
        assert await queries.progress(1) == 0
        assert await queries.complete_hosts(1, []) == 0
        assert await queries.complete_hosts(1, [7, 8, 7]) == 2
        assert await queries.complete_hosts(1, (host for host in (8, 9))) == 1
        assert await queries.progress(1) == 3
        assert await client.smembers(HOSTS_1) == {b"7", b"8", b"9"}
        assert await queries.progress(11) == 0


async def test_many_hosts_go_in_bounded_commands(server: Server) -> None:
    async with connect(server.url) as client:
        server.call("CONFIG", "RESETSTAT")
        assert await LiveQueries(client).complete_hosts(1, range(2500)) == 2500
        assert server.info("commandstats")["cmdstat_sadd"]["calls"] == 3
        assert await LiveQueries(client).progress(1) == 2500


async def test_finish_removes_exactly_one_campaign(open_client: Callable[[], Client]) -> None:
    async with open_client() as client:
        queries = LiveQueries(client)
        for campaign in (1, 11):
            await queries.start(campaign, SQL)
            await queries.complete_hosts(campaign, [5])
        await queries.finish(1)
        assert await _keys(client) == {
            b"live_query:active",
            b"live_query:campaign:11:sql",
            b"live_query:campaign:11:hosts_completed",
        }
        assert await queries.active() == {11}
        await queries.finish(1)
        assert await queries.active() == {11}


async def test_cleanup_counts_campaigns_that_left_something(open_client: Callable[[], Client]) -> None:
    async with open_client() as client:
        queries = LiveQueries(client)
        await queries.start(1, SQL)
        await client.set("live_query:campaign:2:sql", SQL)
        await client.sadd("live_query:campaign:3:hosts_completed", 5)
        await client.sadd("live_query:active", 4)
        await queries.start(9, SQL)
        assert await queries.cleanup([1, 2, 3, 4, 5]) == 4
        assert await queries.cleanup([1, 2, 3, 4, 5]) == 0
        assert await _keys(client) == {b"live_query:active", b"live_query:campaign:9:sql"}


async def test_foreign_bytes_do_not_stop_the_reading(valkey: Server) -> None:
    async with connect(valkey.url) as client:
        queries = LiveQueries(client)
        valkey.call("SADD", "live_query:active", 3, "", "x", b"\xff", "-1", "1.5", "²")
        valkey.call("SET", "live_query:campaign:3:sql", b"SELECT \xff")
        assert await queries.active() == {3}
        assert await queries.sql(3) == "SELECT \ufffd"


async def test_queries_pause_while_redis_is_away_and_need_no_restore(server: Server) -> None:
    async with connect(server.url) as client:
        queries = LiveQueries(client)
        await queries.start(1, SQL)
        server.kill()
        assert issubclass(LiveQueriesPaused, CacheUnavailable)
        for attempt in (
            queries.start(2, SQL),
            queries.active(),
            queries.sql(1),
            queries.complete_hosts(1, [1]),
            queries.progress(1),
            queries.finish(1),
            queries.cleanup([1]),
        ):
            with pytest.raises(LiveQueriesPaused, match="Redis is away"):
                await attempt
        server.restart()
        assert await queries.active() == set()
        await queries.start(2, SQL)
        assert await queries.active() == {2}
