"""What the cache does when Redis is away, and that nothing is sent twice."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from fleetcache_gui.cache import (
    CacheUnavailable,
    Client,
    HostQueue,
    HostUpdates,
    ListQueue,
    LiveQueries,
    LiveQueriesPaused,
    Locks,
    RateLimits,
    StreamQueue,
    connect,
)
from tests.servers import HOST, VALKEY, Cluster, Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

KEY = "async_host:detail"


@contextlib.asynccontextmanager
async def _losing_replies(server: Server) -> AsyncIterator[str]:
    """The URL of a proxy to the server that cuts the connection in place of a reply to a write."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        above_reader, above_writer = await asyncio.open_connection(HOST, server.port)
        while request := await reader.read(65536):
            above_writer.write(request)
            reply = await above_reader.read(65536)
            if b"EVAL" in request or b"PUSH" in request or b"XADD" in request:
                break
            writer.write(reply)
        for end in (above_writer, writer):
            end.close()
            with contextlib.suppress(ConnectionError):
                await end.wait_closed()

    proxy = await asyncio.start_server(serve, HOST, 0)
    async with proxy:
        port = proxy.sockets[0].getsockname()[1]
        yield f"redis://{HOST}:{port}/0"


# --- the client


async def test_a_write_whose_reply_is_lost_was_sent_once(server: Server) -> None:
    async with _losing_replies(server) as url, connect(url) as client:
        with pytest.raises(CacheUnavailable, match="ConnectionError"):
            await RateLimits(client).count("login", "10.0.0.1", 5)
        assert server.call("GET", "rate_limit:login:10.0.0.1") == b"1"


async def test_connections_that_died_meanwhile_do_not_cost_an_error(server: Server) -> None:
    async with connect(server.url) as client:
        limits = RateLimits(client)
        await asyncio.gather(*(limits.count("login", "10.0.0.1", 5) for _ in range(10)))
        server.restart()
        await asyncio.sleep(0.01)  # lets the loop hear that the old connections have ended
        counts = await asyncio.gather(*(limits.count("login", "10.0.0.1", 5) for _ in range(10)))
        assert sorted(verdict.count for verdict in counts) == list(range(1, 11))


async def test_more_callers_than_connections_wait_their_turn(valkey: Server) -> None:
    async with connect(valkey.url, max_connections=2) as client:
        queue = ListQueue(client)
        await asyncio.gather(*(queue.push(b"x") for _ in range(200)))
        assert await queue.depth() == 200
        assert valkey.info("clients")["connected_clients"] <= 3  # ours, and the one that asks


@pytest.mark.parametrize("url", ["redis://:hun#ter2@127.0.0.1:6379/0", "http://:hunter2@h/", "hunter2"])
def test_a_malformed_url_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(ValueError, match="not a redis:// or rediss:// URL") as raised:
        connect(url)
    assert "hun" not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("option", ["ssl_cert_reqs=none", "socket_timeout=0", "protocol=3"])
def test_url_options_cannot_undo_the_settings(option: str) -> None:
    with pytest.raises(ValueError, match="no \\?options"):
        connect(f"rediss://:hunter2@127.0.0.1:6379/0?{option}")


# --- what is away and what is refused


async def test_a_server_that_cannot_serve_now_is_away() -> None:
    with Server(VALKEY) as primary, Server(VALKEY) as server:
        async with connect(server.url) as client:
            server.call("CONFIG", "SET", "maxmemory", 1)
            with pytest.raises(CacheUnavailable, match="OutOfMemoryError"):
                await ListQueue(client).push(b"x")
            server.call("CONFIG", "SET", "maxmemory", 0)
            server.call("CONFIG", "SET", "min-replicas-to-write", 1)
            with pytest.raises(CacheUnavailable, match="NOREPLICAS"):
                await ListQueue(client).push(b"x")
            server.call("REPLICAOF", HOST, primary.port)
            with pytest.raises(CacheUnavailable, match="ReadOnlyError"):
                await ListQueue(client).push(b"x")


async def test_what_is_refused_for_good_is_raised_as_it_is(valkey: Server) -> None:
    valkey.call("ACL", "SETUSER", "fleet", "on", ">hunter2", "~*", "+@all", "-lpush")
    port = valkey.port
    async with connect(f"redis://fleet:hunter2@{HOST}:{port}/0") as client:
        with pytest.raises(NoPermissionError):
            await ListQueue(client).push(b"x")
    async with connect(f"redis://fleet:wrong@{HOST}:{port}/0") as client:
        valkey.call("ACL", "LOG", "RESET")
        with pytest.raises(AuthenticationError) as raised:
            await ListQueue(client).push(b"x")
        assert "wrong" not in str(raised.value).split()
        assert valkey.call("ACL LOG")[0]["count"] == 1  # one attempt, no lock-out
    valkey.call("ACL", "DELUSER", "fleet")


async def test_a_cluster_without_one_of_its_nodes_is_away_for_that_nodes_keys(
    cluster: Cluster, open_cluster: Callable[[], Client]
) -> None:
    async with open_cluster() as client:
        locks, queries = Locks(client, "api-1"), LiveQueries(client)
        await queries.start(1, "SELECT 1")
        owner = next(node for node in cluster.nodes if node.call("CLUSTER", "COUNTKEYSINSLOT", _slot(cluster)))
        owner.kill()
        with pytest.raises(LiveQueriesPaused):
            await queries.active()
        cluster.revive()
        assert await queries.active() == set()
        assert await locks.acquire("cron:vuln", 60)


def _slot(cluster: Cluster) -> int:
    slot: int = cluster.nodes[0].call("CLUSTER", "KEYSLOT", "live_query:active")
    return slot


# --- host updates


class Database:
    """Applies a payload synchronously, and counts."""

    def __init__(self) -> None:
        self.applied: list[bytes] = []

    async def apply(self, payload: bytes) -> None:
        self.applied.append(payload)


@pytest.fixture(params=[ListQueue, StreamQueue])
def form(request: pytest.FixtureRequest) -> Callable[[Client], HostQueue]:
    chosen: Callable[[Client], HostQueue] = request.param
    return chosen


async def test_updates_are_queued_while_redis_is_there(
    open_client: Callable[[], Client], form: Callable[[Client], HostQueue]
) -> None:
    async with open_client() as client:
        database, queue = Database(), form(client)
        assert await HostUpdates(queue, database.apply).submit(b"1") == "queued"
        assert await HostUpdates(queue, None).submit(b"2") == "queued"
        assert await queue.depth() == 2
        assert database.applied == []


async def test_updates_fall_back_to_synchronous_and_return_to_the_queue(
    server: Server, form: Callable[[Client], HostQueue]
) -> None:
    async with connect(server.url) as client:
        database, queue = Database(), form(client)
        updates = HostUpdates(queue, database.apply)
        server.kill()
        assert await updates.submit(b"1") == "synchronous"
        server.restart()
        assert await updates.submit(b"2") == "queued"
        assert (database.applied, await queue.depth()) == ([b"1"], 1)


async def test_updates_without_fallback_wait_for_redis(server: Server, form: Callable[[Client], HostQueue]) -> None:
    async with connect(server.url) as client, asyncio.TaskGroup() as group:
        queue = form(client)
        server.kill()
        waiting = [group.create_task(HostUpdates(queue, None).submit(b"x")) for _ in range(20)]
        await asyncio.sleep(0.1)
        assert not any(task.done() for task in waiting)
        server.restart()
        async with asyncio.timeout(30):
            assert {await task for task in waiting} == {"queued"}
        assert await queue.depth() == 20


async def test_waiting_for_redis_has_an_end(valkey: Server) -> None:
    async with connect(valkey.url) as client:
        valkey.kill()
        now = asyncio.get_running_loop().time
        began = now()
        with pytest.raises(CacheUnavailable):
            await HostUpdates(ListQueue(client), None, patience=0.2).submit(b"x")
        assert 0.1 < now() - began < 2


async def test_an_update_whose_push_lost_its_reply_is_not_pushed_again(
    valkey: Server, form: Callable[[Client], HostQueue]
) -> None:
    async with _losing_replies(valkey) as url, connect(url) as client, connect(valkey.url) as direct:
        database, queue = Database(), form(client)
        with pytest.raises(CacheUnavailable):
            await HostUpdates(queue, None).submit(b"1")
        assert await form(direct).depth() == 1
        assert await HostUpdates(queue, database.apply).submit(b"2") == "synchronous"
        assert database.applied == [b"2"]
        assert await form(direct).depth() == 2


async def test_a_wrong_type_is_no_outage(valkey: Server) -> None:
    async with connect(valkey.url) as client:
        database = Database()
        await StreamQueue(client).push(b"theirs")
        with pytest.raises(ResponseError, match="WRONGTYPE"):
            await HostUpdates(ListQueue(client), database.apply).submit(b"x")
        assert database.applied == []
