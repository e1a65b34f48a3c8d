"""The host queue in both forms: order, limits, acknowledgement, claims, replay."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from fleetcache_gui.cache import CacheUnavailable, Client, Entry, HostQueue, ListQueue, StreamQueue, connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers import Server

KEY = "async_host:detail"
HOSTILE = bytes(range(256)) + b"\r\n$-1\r\n"


async def _replayed(queue: StreamQueue, from_id: bytes = b"-", count: int = 100) -> list[bytes]:
    return [entry.payload async for entry in queue.replay(from_id, count)]


def _payloads(entries: list[Entry]) -> list[bytes]:
    return [entry.payload for entry in entries]


# --- list


async def test_a_list_gives_the_oldest_first(open_client: Callable[[], Client]) -> None:
    async with open_client() as client:
        queue = ListQueue(client)
        assert [await queue.push(payload) for payload in (b"1", b"2", HOSTILE)] == [1, 2, 3]
        assert await client.type(KEY) == b"list"
        assert await queue.depth() == 3
        assert [await queue.pop(1), await queue.pop(0), await queue.pop(1)] == [b"1", b"2", HOSTILE]
        assert await queue.pop(0) is None
        assert await queue.depth() == 0


async def test_pop_waits_for_a_payload(open_client: Callable[[], Client]) -> None:
    async with open_client() as client, asyncio.TaskGroup() as group:
        queue = ListQueue(client)
        waiting = group.create_task(queue.pop(10))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await queue.push(b"late")
        assert await waiting == b"late"


async def test_pop_gives_up_in_time_and_takes_nothing_for_nobody(server: Server) -> None:
    """A client with a short socket timeout must not leave a blocked pop behind that eats the next payload."""
    async with Redis(port=server.port, protocol=2, socket_timeout=0.2) as client:
        queue = ListQueue(client)
        now = asyncio.get_running_loop().time
        began = now()
        assert await queue.pop(0.5) is None
        assert 0.49 < now() - began < 3
        await queue.push(b"kept")
        assert await queue.depth() == 1
        assert await queue.pop(0.5) == b"kept"


async def test_a_list_is_trimmed_from_its_oldest_end(open_client: Callable[[], Client]) -> None:
    async with open_client() as client:
        queue = ListQueue(client, limit=4)
        for number in range(6):
            await queue.push(b"%d" % number)
        assert await queue.trim() == 2
        assert await queue.trim() == 0
        assert await queue.trim(3) == 1
        assert [await queue.pop(0) for _ in range(4)] == [b"3", b"4", b"5", None]
        await queue.push(b"x")
        assert await queue.trim(0) == 1
        assert await queue.depth() == 0
        assert await queue.trim() == 0


# --- stream


async def test_a_stream_keeps_order_through_read_and_ack(open_client: Callable[[], Client]) -> None:
    async with open_client() as client:
        queue = StreamQueue(client)
        assert (await queue.depth(), await queue.pending()) == (0, 0)
        ids = [await queue.push(payload) for payload in (b"1", b"2", HOSTILE)]
        assert await client.type(KEY) == b"stream"
        assert await client.xrange(KEY, count=1) == [(ids[0], {b"payload": b"1"})]

        first = await queue.read("worker-1", 2, 0)
        assert first == [Entry(ids[0], b"1"), Entry(ids[1], b"2")]
        assert await queue.read("worker-2", 2, 1) == [Entry(ids[2], HOSTILE)]
        assert await queue.read("worker-1", 2, 0) == []
        assert (await queue.depth(), await queue.pending()) == (3, 3)

        assert await queue.ack(entry.id for entry in first) == 2
        assert await queue.ack(ids) == 1
        assert await queue.ack([]) == 0
        assert (await queue.depth(), await queue.pending()) == (3, 0)


async def test_read_waits_for_an_entry(open_client: Callable[[], Client]) -> None:
    async with open_client() as client, asyncio.TaskGroup() as group:
        queue = StreamQueue(client)
        waiting = group.create_task(queue.read("worker-1", 10, 10))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await queue.push(b"late")
        assert _payloads(await waiting) == [b"late"]


async def test_read_gives_up_in_time(server: Server) -> None:
    async with Redis(port=server.port, protocol=2, socket_timeout=0.2) as client:
        queue = StreamQueue(client)
        now = asyncio.get_running_loop().time
        began = now()
        assert await queue.read("worker-1", 10, 0.5) == []
        assert 0.49 < now() - began < 3
        await queue.push(b"1")
        assert _payloads(await queue.read("worker-1", 10, 0.5)) == [b"1"]


async def test_groups_read_independently(valkey: Server) -> None:
    async with connect(valkey.url) as client:
        workers, audit = StreamQueue(client), StreamQueue(client, "audit")
        await workers.push(b"1")
        assert _payloads(await workers.read("a", 10, 0)) == [b"1"]
        assert _payloads(await audit.read("a", 10, 0)) == [b"1"]


async def test_many_first_readers_make_the_group_once(server: Server) -> None:
    async with connect(server.url) as client:
        queue = StreamQueue(client)
        await asyncio.gather(*(queue.depth() for _ in range(10)))  # opens the connections
        await queue.push(b"1")
        results = await asyncio.gather(*(queue.read(f"worker-{number}", 1, 0) for number in range(10)))
        assert [_payloads(entries) for entries in results if entries] == [[b"1"]]


async def test_stalled_entries_are_claimed_by_another(open_client: Callable[[], Client]) -> None:
    async with open_client() as client:
        queue = StreamQueue(client)
        for number in range(5):
            await queue.push(b"%d" % number)
        assert await queue.claim("worker-2", 0, 10) == []
        await queue.read("worker-1", 5, 0)
        assert await queue.claim("worker-2", 60, 10) == []
        assert _payloads(await queue.claim("worker-2", 0, 2)) == [b"0", b"1"]
        owners = await client.xpending_range(KEY, "workers", "-", "+", 10)
        assert [owner["consumer"] for owner in owners] == [b"worker-2"] * 2 + [b"worker-1"] * 3
        assert await queue.pending() == 5


async def test_a_claim_looks_past_entries_in_work(valkey: Server) -> None:
    """XAUTOCLAIM looks at 10 * COUNT entries at a time; the stalled one lies beyond them."""
    async with connect(valkey.url) as client:
        queue = StreamQueue(client)
        ids = [await queue.push(b"%d" % number) for number in range(40)]
        await queue.read("worker-1", 40, 0)
        valkey.call("XCLAIM", KEY, "workers", "worker-1", 0, ids[35], "IDLE", 100_000)
        assert _payloads(await queue.claim("worker-2", 90, 1)) == [b"35"]
        assert await queue.claim("worker-2", 90, 1) == []


async def test_replay_gives_everything_from_an_id_on(open_client: Callable[[], Client]) -> None:
    async with open_client() as client:
        queue = StreamQueue(client)
        assert await _replayed(queue) == []
        ids = [await queue.push(b"%d" % number) for number in range(7)]
        everything = [b"%d" % number for number in range(7)]
        await queue.ack(entry.id for entry in await queue.read("worker-1", 3, 0))
        for count in (1, 2, 3, 7, 100):
            assert await _replayed(queue, count=count) == everything
        assert await _replayed(queue, ids[4], 2) == everything[4:]
        assert await _replayed(queue, b"0") == everything
        assert await queue.pending() == 0
        assert len(await queue.read("worker-1", 10, 0)) == 4


async def test_a_stream_is_trimmed_from_its_oldest_end(open_client: Callable[[], Client]) -> None:
    async with open_client() as client:
        queue = StreamQueue(client, limit=4)
        for number in range(6):
            await queue.push(b"%d" % number)
        await queue.read("worker-1", 3, 0)
        assert await queue.trim() == 2
        assert await queue.trim() == 0
        assert await _replayed(queue) == [b"2", b"3", b"4", b"5"]
        assert _payloads(await queue.claim("worker-2", 0, 10)) == [b"2"]
        assert await queue.pending() == 1  # the trimmed ones are not pending for ever
        assert await queue.trim(0) == 4
        assert await queue.depth() == 0


async def test_a_strangers_entry_can_be_read_and_acknowledged(valkey: Server) -> None:
    async with connect(valkey.url) as client:
        queue = StreamQueue(client)
        valkey.call("XADD", KEY, "*", b"\xff", "x")
        entries = await queue.read("worker-1", 10, 0)
        assert _payloads(entries) == [b""]
        assert await queue.ack(entry.id for entry in entries) == 1


# --- both


@pytest.mark.parametrize("form", [ListQueue, StreamQueue])
async def test_the_other_form_in_its_place_is_refused_not_replaced(
    valkey: Server, form: type[ListQueue] | type[StreamQueue]
) -> None:
    async with connect(valkey.url) as client:
        other: HostQueue = StreamQueue(client) if form is ListQueue else ListQueue(client)
        await other.push(b"theirs")
        with pytest.raises(ResponseError, match="WRONGTYPE"):
            await form(client).push(b"ours")
        with pytest.raises(ResponseError, match="WRONGTYPE"):
            await form(client).depth()
        assert await other.depth() == 1


async def test_queues_are_away_with_redis_and_come_back_empty(server: Server) -> None:
    async with connect(server.url) as client:
        plain, stream = ListQueue(client), StreamQueue(client)
        entry_id = await stream.push(b"lost")
        await stream.read("worker-1", 10, 0)
        server.kill()
        for attempt in (
            plain.push(b"x"),
            plain.pop(1),
            plain.trim(),
            plain.depth(),
            stream.push(b"x"),
            stream.read("worker-1", 10, 1),
            stream.ack([entry_id]),
            stream.claim("worker-1", 0, 10),
            _replayed(stream),
            stream.trim(),
            stream.depth(),
            stream.pending(),
        ):
            with pytest.raises(CacheUnavailable, match="Redis is away"):
                await attempt
        server.restart()
        assert await stream.claim("worker-1", 0, 10) == []
        await stream.push(b"new")
        assert _payloads(await stream.read("worker-1", 10, 1)) == [b"new"]


async def test_a_flush_under_a_waiting_reader_does_no_harm(server: Server) -> None:
    async with connect(server.url) as client, asyncio.TaskGroup() as group:
        queue = StreamQueue(client)
        assert await queue.read("worker-1", 10, 0) == []
        waiting = group.create_task(queue.read("worker-1", 10, 10))
        while server.info("clients")["blocked_clients"] != 1:
            await asyncio.sleep(0.005)
        server.call("FLUSHALL")
        await queue.push(b"after")
        assert _payloads(await waiting) == [b"after"]
