"""Every judgement of the spec layout, provoked by real commands, read by the real reader on each server."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from fleetcache_gui.cache import (
    ConfigCache,
    InstallerTokens,
    ListQueue,
    LiveQueries,
    Locks,
    Preassignments,
    RateLimits,
    StreamQueue,
    connect,
)
from fleetcache_gui.domain.family import Expected, Row
from fleetcache_gui.domain.values import Expiry, Progress
from fleetcache_gui.families.spec import SPEC, host_queue, live_queries, locks
from fleetcache_gui.redis_io import rows
from fleetcache_gui.redis_io.address import parse_url
from fleetcache_gui.redis_io.keyspace import Keyspace as Inspected
from tests.readings import cell, codes, told

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from redis.asyncio import Redis

    from fleetcache_gui.domain.family import Family
    from tests.servers import Server

DEVICE = "mdm:apple:preassign:C02"
UUID = "0c1f9a3e-5b7d-4c2a-9e8f-1a2b3c4d5e6f"
QUEUE = host_queue.KEY


class Inspector:
    """Reads rows of one server as the poller does."""

    def __init__(self, inspected: Inspected) -> None:
        self._inspected = inspected
        self.expected = Expected()

    async def row(self, key: bytes, before: Row | None = None, family: Family | None = None) -> Row | None:
        """The row that a key belongs to; None when nothing of it exists."""
        await self._inspected.refresh()
        family = family or SPEC.families[SPEC.router(key)]
        listed = await rows.members(self._inspected, family.index) if family.index else rows.Listed()
        row_id = family.row_of(key)
        question = rows.Question(family, [row_id], listed, {} if before is None else {row_id: before})
        found = (await rows.read(self._inspected, [question], self.expected))[family.id]
        return found[0] if found else None

    async def __call__(self, key: bytes, before: Row | None = None) -> Row:
        row = await self.row(key, before)
        assert row is not None
        return row


@contextlib.asynccontextmanager
async def inspecting(server: Server) -> AsyncIterator[Inspector]:
    inspected = await Inspected.connect(parse_url(server.url))
    try:
        yield Inspector(inspected)
    finally:
        await inspected.close()


@contextlib.asynccontextmanager
async def fleet(server: Server) -> AsyncIterator[Redis]:
    client = connect(server.url)
    try:
        yield client
    finally:
        await client.aclose()


def earlier(row: Row, seconds: float) -> Row:
    """The row as if it had been read so long ago: time that a test need not wait for."""
    memory: Any = row.memory
    moments = ("moved", "popped", "since", "renewed", "odd_since", "empty")
    past = {name: value - seconds for name in moments if (value := getattr(memory, name, None))}
    if hasattr(memory, "arrived"):
        past["arrived"] = tuple((at - seconds, value) for at, value in memory.arrived)
    samples = tuple((at - seconds, value) for at, value in row.samples)
    return replace(row, at=row.at - seconds, since=row.since - seconds, samples=samples, memory=replace(memory, **past))


# ---- what Fleet writes is read as it is, and nothing is found wrong with it


async def test_what_fleet_writes_is_well(server: Server) -> None:
    async with fleet(server) as client, inspecting(server) as look:
        look.expected = Expected(hosts=100, limits={"login": 10})
        await LiveQueries(client).start(1043, "SELECT *\nFROM users")
        await LiveQueries(client).complete_hosts(1043, range(40))
        row = await look(b"live_query:campaign:1043:sql")
        assert row.cells[:3] == ("1043", "SELECT * FROM users", Progress(40, 100))
        assert (row.state.word, row.judgements) == ("running", ())
        index = await look(live_queries.ACTIVE)
        assert (index.state.word, dict(index.facts)["Campaigns listed"]) == ("index", "1")

        assert await Locks(client, "api-1").acquire("cron:vuln", 60)
        row = await look(b"lock:cron:vuln")
        assert row.cells[:2] == ("cron:vuln", "api-1")
        assert (row.state.word, row.judgements) == ("held", ())
        expiry = cell(locks.FAMILY, row, "left")
        assert isinstance(expiry, Expiry)
        assert 59 < expiry.left(row.at) <= 60
        assert expiry.at_ms is not None

        await Preassignments(client).assign("C02XK1ZHJGH5", "4471", "Kiosks", "wifi")
        row = await look(b"mdm:apple:preassign:C02XK1ZHJGH5")
        assert row.cells[:4] == ("C02XK1ZHJGH5", "4471", "Kiosks", "wifi")
        assert (row.state.word, row.judgements) == ("waiting", ())

        token = await InstallerTokens(client).issue(7, 3)
        row = await look(b"sw:installer:token:" + token.encode())
        assert row.cells[:3] == (token[:4] + "…", 7, 3)
        assert (row.state.word, row.judgements, row.reveal) == ("valid", (), token)

        await RateLimits(client).count("login", "2001:db8::17", 10)
        row = await look(b"rate_limit:login:2001:db8::17")
        assert row.cells[:3] == ("login", "2001:db8::17", Progress(1, 10))
        assert (row.state.word, row.judgements) == ("ok", ())

        async def load() -> dict[str, Any]:
            return {"id": 12}

        await ConfigCache(client).team(12, load)
        row = await look(b"cache:team:12")
        assert row.cells[:2] == ("Team 12", len(b'{"id": 12}'))
        assert (row.state.word, row.judgements) == ("cached", ())

        await client.hset("session:1", "user", "maria")
        row = await look(b"session:1")
        assert row.cells[:3] == ("session:1", "hash", 1)
        assert await look.row(b"lock:nothing") is None


# ---- live queries


async def test_campaigns_in_disorder(server: Server) -> None:
    async with inspecting(server) as look:
        server.call("SADD", "live_query:active", 99, "abc", 5)
        row = await look(b"live_query:campaign:99:sql")
        assert (row.state.word, list(codes(row))) == ("no SQL", ["campaign.no-sql"])

        server.call("SET", "live_query:campaign:17:sql", "SELECT 1")
        server.call("SADD", "live_query:campaign:17:hosts_completed", 1, 2)
        row = await look(b"live_query:campaign:17:hosts_completed")
        assert (row.state.word, list(codes(row))) == ("orphaned", ["campaign.orphaned"])
        server.call("DEL", "live_query:campaign:17:sql")
        assert list(codes(await look(b"live_query:campaign:17:hosts_completed"))) == ["campaign.orphaned"]

        server.call("SET", "live_query:campaign:5:sql", "SELECT 1")
        row = await look(b"live_query:campaign:5:sql")
        row = await look(b"live_query:campaign:5:sql", earlier(row, live_queries.SILENT))
        assert (row.state.word, list(codes(row))) == ("quiet", ["campaign.quiet"])

        server.call("HSET", "live_query:campaign:6:sql", "a", "b")
        assert list(codes(await look(b"live_query:campaign:6:sql"))) == ["campaign.wrong-type"]
        server.call("SET", "live_query:campaign:abc:sql", "SELECT 1")
        assert list(codes(await look(b"live_query:campaign:abc:sql"))) == ["campaign.malformed"]
        server.call("EXPIRE", "live_query:active", 60)
        assert list(codes(await look(live_queries.ACTIVE))) == ["campaign.active-ttl"]
        stray = await look.row(b"abc", family=live_queries.FAMILY)
        assert stray is not None
        assert list(codes(stray)) == ["campaign.malformed"]


async def test_a_stray_member_and_an_index_of_the_wrong_type(server: Server) -> None:
    async with inspecting(server) as look:
        server.call("SADD", "live_query:active", b"live_query:\xff")
        assert list(codes(await look(b"live_query:\xff"))) == ["campaign.malformed"]
        server.call("DEL", "live_query:active")
        server.call("SET", "live_query:active", "x")
        assert list(codes(await look(live_queries.ACTIVE))) == ["campaign.wrong-type"]


# ---- locks


async def test_locks_in_disorder(server: Server) -> None:
    key = b"lock:cron:vuln"
    async with inspecting(server) as look:
        server.call("SET", key, "api-1:0123456789abcdef")
        assert list(codes(await look(key))) == ["lock.no-ttl"]
        server.call("EXPIRE", key, 3 * 86400)
        assert list(codes(await look(key))) == ["lock.long-ttl"]
        server.call("PEXPIRE", key, 2500)
        assert list(codes(await look(key))) == ["lock.expiring"]
        server.call("EXPIRE", key, 20_000)
        held = earlier(await look(key), locks.LONG_HELD + 1)
        assert list(codes(await look(key, held))) == ["lock.stuck"]
        server.call("DEL", key)
        server.call("HSET", key, "owner", "api-2")
        assert list(codes(await look(key))) == ["lock.wrong-type"]
        server.call("SET", "lock:", "x", "EX", 60)
        assert list(codes(await look(b"lock:"))) == ["lock.malformed"]


async def test_renewals_and_changes_of_hands(server: Server) -> None:
    key = b"lock:job"
    async with fleet(server) as client, inspecting(server) as look:
        lock = await Locks(client, "api-1").acquire("job", 60)
        assert lock is not None
        first = await look(key)
        again = await look(key, first)
        assert cell(locks.FAMILY, again, "renewals") == 0
        assert await lock.renew(90)
        renewed = await look(key, again)
        assert cell(locks.FAMILY, renewed, "renewals") == 1
        assert told(locks.FAMILY, again, renewed) is None
        await lock.release()
        assert await Locks(client, "api-2").acquire("job", 60)
        taken = await look(key, renewed)
        assert told(locks.FAMILY, renewed, taken) == "Lock job changed hands: from api-1 to api-2."
        assert cell(locks.FAMILY, taken, "renewals") == 0


# ---- the host queue


async def test_a_list_that_grows_drains_and_stalls(server: Server) -> None:
    async with fleet(server) as client, inspecting(server) as look:
        queue = ListQueue(client)
        for _ in range(50):
            await queue.push(b"x")
        row = earlier(await look(QUEUE), 30)
        for _ in range(60):
            await queue.push(b"x")
        grown = await look(QUEUE, row)
        assert cell(host_queue.FAMILY, grown, "depth") == 110
        assert cell(host_queue.FAMILY, grown, "in") == pytest.approx(2.0, rel=0.1)
        assert list(codes(grown)) == ["queue.growing"]
        server.call("LPUSH", "elsewhere", "x")
        for _ in range(90):
            assert await queue.pop(0) is not None
        drained = await look(QUEUE, earlier(grown, 10))
        assert (drained.state.word, drained.judgements) == ("draining", ())
        assert cell(host_queue.FAMILY, drained, "out") == pytest.approx(9.0, rel=0.1)
        alone = await look(QUEUE, earlier(drained, host_queue.STALLED))
        assert list(codes(alone)) == ["queue.no-consumer"]
        server.call("LPOP", "elsewhere")
        assert list(codes(await look(QUEUE, earlier(drained, host_queue.STALLED)))) == ["queue.stalled"]


async def test_a_stream_with_its_group(server: Server) -> None:
    async with fleet(server) as client, inspecting(server) as look:
        queue = StreamQueue(client)
        for number in range(10):
            await queue.push(b"%d" % number)
        row = await look(QUEUE)
        assert list(codes(row)) == ["queue.no-consumer"]
        assert cell(host_queue.FAMILY, row, "depth") == 10

        entries = await queue.read("worker-1", 4, 0)
        row = await look(QUEUE)
        assert row.judgements == ()
        assert cell(host_queue.FAMILY, row, "depth") == 10  # six not given out, four not acknowledged
        assert cell(host_queue.FAMILY, row, "pending") == 4
        assert dict(row.facts)["Group workers"] == "1 consumer · 4 pending · lag 6"
        assert dict(row.facts)["Consumer worker-1"].startswith("4 pending · idle 0.")

        await queue.ack([entry.id for entry in entries[:3]])
        for number in range(20):
            await queue.push(b"%d" % number)
        now = await look(QUEUE, earlier(row, 10))
        assert cell(host_queue.FAMILY, now, "depth") == 27
        assert cell(host_queue.FAMILY, now, "in") == pytest.approx(2.0, rel=0.1)
        assert cell(host_queue.FAMILY, now, "out") == pytest.approx(0.3, rel=0.1)

        stalled = entries[3].id
        server.call("XCLAIM", QUEUE, "workers", "worker-2", 0, stalled, "IDLE", 90_000)
        row = await look(QUEUE, now)
        assert list(codes(row)) == ["queue.pending"]
        assert row.judgements[0].text.startswith("worker-2 has not acknowledged 1 entry of the host queue;")
        oldest = cell(host_queue.FAMILY, row, "oldest")
        assert isinstance(oldest, float)
        assert 0 < oldest < 60
        row = await look(QUEUE, earlier(row, host_queue.STALLED))
        assert list(codes(row)) == ["queue.stalled", "queue.pending"]


async def test_a_stream_trimmed_and_with_entries_deleted(server: Server) -> None:
    """What was trimmed before it was read does not wait, whatever lag the server tells."""
    async with fleet(server) as client, inspecting(server) as look:
        queue = StreamQueue(client)
        ids = [await queue.push(b"%d" % number) for number in range(100)]
        await queue.read("worker-1", 10, 0)
        await queue.trim(20)
        depth = cell(host_queue.FAMILY, await look(QUEUE), "depth")
        assert depth == 30  # ten pending
        server.call("XDEL", QUEUE, ids[-3])
        depth = cell(host_queue.FAMILY, await look(QUEUE), "depth")
        assert isinstance(depth, int)
        assert 19 <= depth <= 29


async def test_queues_in_disorder(server: Server) -> None:
    async with inspecting(server) as look:
        server.call("SET", QUEUE, "x")
        assert list(codes(await look(QUEUE))) == ["queue.wrong-type"]
        server.call("DEL", QUEUE)
        server.call("LPUSH", QUEUE, "x")
        server.call("EXPIRE", QUEUE, 60)
        assert list(codes(await look(QUEUE))) == ["queue.ttl"]
        server.call("LPUSH", "async_host:details", "x")
        assert list(codes(await look(b"async_host:details"))) == ["queue.malformed"]
        server.call("DEL", QUEUE)
        server.call("XGROUP", "CREATE", QUEUE, "g", "$", "MKSTREAM")
        assert (await look(QUEUE)).judgements == ()
        server.call("XADD", QUEUE, "*", "payload", "x")
        row = await look(QUEUE)
        assert row.judgements[0].text == "The host queue has no consumer in its group, and 1 entry waits."


# ---- the small uses


@pytest.mark.parametrize(
    ("commands", "code"),
    [
        ([("HSET", DEVICE, "team", "a")], "preassignment.no-ttl"),
        (
            [("HSET", DEVICE, "team", "a"), ("EXPIRE", DEVICE, 7200)],
            "preassignment.long-ttl",
        ),
        ([("SADD", DEVICE, "a")], "preassignment.wrong-type"),
        ([("HSET", DEVICE, "serial", "a"), ("EXPIRE", DEVICE, 60)], "preassignment.unreadable"),
        ([("SET", DEVICE, "4471", "EX", 60)], "preassignment.unreadable"),
        ([("SET", DEVICE, "", "EX", 60)], "preassignment.unreadable"),
        ([("HSET", "mdm:apple:preassign:C 2", "team", "a")], "preassignment.malformed"),
        ([("SET", f"sw:installer:token:{UUID}", '{"title_id": 7}')], "token.no-ttl"),
        ([("SET", f"sw:installer:token:{UUID}", '{"title_id": 7}', "EX", 7200)], "token.long-ttl"),
        ([("SET", f"sw:installer:token:{UUID}", "?", "EX", 60)], "token.unreadable"),
        ([("LPUSH", f"sw:installer:token:{UUID}", "x")], "token.wrong-type"),
        ([("SET", "sw:installer:token:abc", '{"title_id": 7}', "EX", 60)], "token.malformed"),
        ([("SET", "rate_limit:login:a", 8, "EX", 60)], "rate.near"),
        ([("SET", "rate_limit:login:a", 11, "EX", 60)], "rate.over"),
        ([("SET", "rate_limit:login:a", "many", "EX", 60)], "rate.unreadable"),
        ([("SET", "rate_limit:login:a", -3, "EX", 60)], "rate.unreadable"),
        ([("SET", "rate_limit:login:a", 1)], "rate.no-ttl"),
        ([("SET", "rate_limit:login:a", 1, "EX", 200_000)], "rate.long-ttl"),
        ([("LPUSH", "rate_limit:login:a", 1)], "rate.wrong-type"),
        ([("SET", "rate_limit:login", 1, "EX", 60)], "rate.malformed"),
        ([("SET", "cache:team:99", "{}")], "config.no-ttl"),
        ([("SET", "cache:app_config", "{}", "EX", 86_400)], "config.long-ttl"),
        ([("HSET", "cache:app_config", "a", "b")], "config.wrong-type"),
        ([("SET", "cache:team:abc", "{}", "EX", 60)], "config.malformed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_the_small_uses_in_disorder(server: Server, commands: list[tuple[str | int, ...]], code: str) -> None:
    for command in commands:
        server.call(*command)
    async with inspecting(server) as look:
        look.expected = Expected(limits={"login": 10})
        row = await look(str(commands[0][1]).encode())
    assert list(codes(row)) == [code]
    assert UUID[5:] not in row.judgements[0].text + row.title + row.why
