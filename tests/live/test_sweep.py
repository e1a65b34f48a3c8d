"""Discovery: every key, whatever happens to it meanwhile, and nothing but cheap reads on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import redis

from fleetcache_gui import clock
from fleetcache_gui.domain.store import NO_EXPIRY, TYPES, UNKNOWN_EXPIRY, KeyStore
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.redis_io.faults import Fault, Trouble
from fleetcache_gui.redis_io.lane import Lane
from fleetcache_gui.redis_io.sweep import COUNT, SUSPECTS_KEPT, Sweeper
from tests.live.readers import alone, assert_only_reads, begin_counting, calls, connected, peer

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleetcache_gui.redis_io.keyspace import Keyspace
    from tests.servers import Server

LOCKS = [family.id for family in SPEC.families].index("locks")
TOKENS = [family.id for family in SPEC.families].index("installer_tokens")
OTHER = len(SPEC.families) - 1


def sweeper(node: Keyspace) -> Sweeper:
    return Sweeper(node, SPEC, KeyStore(node.room))


async def sweep(sweeping: Sweeper, meanwhile: Callable[[int], object] = lambda slice_number: None) -> int:
    """One whole sweep; `meanwhile` is called after each slice. Returns the number of slices."""
    slices = 0
    async for took in sweeping.sweep():
        assert 0 < took < 5
        slices += 1
        meanwhile(slices)
    return slices


def names(sweeping: Sweeper) -> set[bytes]:
    store = sweeping.store
    return {store.name(row) for position in range(len(SPEC.families)) for row in store.members(position)}


def fill(client: redis.Redis, count: int, prefix: str = "lock:") -> set[bytes]:
    keys = [f"{prefix}{n}" for n in range(count)]
    for first in range(0, count, 10_000):
        client.mset(dict.fromkeys(keys[first : first + 10_000], "api-1:0123456789abcdef"))
    return {key.encode() for key in keys}


async def test_every_key_with_its_family_type_and_expiry(server: Server) -> None:
    hostile = {bytes([n]) * 3 for n in range(256)} | {b"", b"\r\n", b"lock:\xff\0\r\n*1", b"k" * 65536}
    with redis.Redis(port=server.port) as client:
        expected = fill(client, 3000)
        for key in hostile:
            client.set(key, "x")
        client.rpush("async_host:detail", "x")
        client.sadd("live_query:active", 7)
        client.hset("mdm:apple:preassign:C02", "team", "x")
        client.zadd("zset", {"x": 1})
        client.xadd("stream", {"x": 1})
        client.pexpire("lock:7", 60_000)
    expected |= hostile | {b"async_host:detail", b"live_query:active", b"mdm:apple:preassign:C02", b"zset", b"stream"}
    begin_counting(server)
    async with connected(server) as node:
        sweeping = sweeper(node)
        slices = await sweep(sweeping)
        store = sweeping.store
        assert names(sweeping) == expected
        assert slices >= len(expected) // COUNT
        assert sweeping.scanned >= len(expected)
        assert sweeping.refused == 0
        for name, type_word in ((b"async_host:detail", "list"), (b"live_query:active", "set"), (b"zset", "zset")):
            assert TYPES[store.types[store.find(name)]] == type_word
        assert store.families[store.find(b"lock:\xff\0\r\n*1")] == LOCKS
        assert store.families[store.find(b"zset")] == OTHER
        left = store.deadlines[store.find(b"lock:7")] - clock.now() * 1000
        assert 50_000 < left <= 60_000
        assert store.deadlines[store.find(b"lock:8")] == NO_EXPIRY
        harvest = sweeping.take()
        assert {store.name(row) for rows in harvest.came.values() for row in rows} == expected
        assert harvest.went == {}
        await sweep(sweeping)
        assert sweeping.take() == type(harvest)()  # nothing came, nothing went
    assert_only_reads(server)
    assert {"scan", "type", "pttl"} <= calls(server).keys()


async def test_keys_that_stay_are_found_while_others_come_and_go(server: Server) -> None:
    with redis.Redis(port=server.port) as client:
        stay = fill(client, 5000, "lock:")
        fill(client, 5000, "gone:")

        def churn(slice_number: int) -> None:
            first = 1000 * (slice_number - 1)
            client.delete(*(f"gone:{n}" for n in range(first, first + 1000)))
            client.mset({f"new:{n}": 1 for n in range(first, first + 1000)})

        async with connected(server) as node:
            sweeping = sweeper(node)
            await sweep(sweeping, churn)
            assert stay <= names(sweeping)
            await sweep(sweeping)
            assert names(sweeping) == set(client.scan_iter(count=10_000))
            assert sweeping.store.alive == client.dbsize()


async def test_what_is_gone_is_noticed_by_the_next_sweep(server: Server) -> None:
    with redis.Redis(port=server.port) as client:
        fill(client, 50)
        async with connected(server) as node:
            sweeping = sweeper(node)
            await sweep(sweeping)
            sweeping.take()
            client.delete("lock:1")
            client.pexpire("lock:2", 1)
            client.rename("lock:3", "renamed")
            while client.exists("lock:2"):
                pass
            await sweep(sweeping)
            harvest = sweeping.take()
            store = sweeping.store
            assert {store.name(row) for row in harvest.went[LOCKS]} == {b"lock:1", b"lock:2", b"lock:3"}
            assert {store.name(row) for row in harvest.came[OTHER]} == {b"renamed"}
            client.set("lock:1", "back")
            await sweep(sweeping)
            harvest = sweeping.take()
            assert [store.name(row) for row in harvest.came[LOCKS]] == [b"lock:1"]
            client.flushdb()
            await sweep(sweeping)
            assert names(sweeping) == set()
            assert store.alive == 0


async def test_a_type_and_an_expiry_that_change(valkey: Server) -> None:
    with redis.Redis(port=valkey.port) as client:
        client.set("k", "x", px=60_000)
        async with connected(valkey) as node:
            sweeping = sweeper(node)
            await sweep(sweeping)
            client.delete("k")
            client.rpush("k", "x")
            await sweep(sweeping)
            row = sweeping.store.find(b"k")
            assert TYPES[sweeping.store.types[row]] == "list"
            assert sweeping.store.deadlines[row] == NO_EXPIRY
            assert len(sweeping.take().came[OTHER]) == 1


async def test_suspects_are_counted_and_some_are_kept(valkey: Server) -> None:
    with redis.Redis(port=valkey.port) as client:
        fill(client, 500, "sw:installer:token:")  # without expiry
        for n in range(10):
            client.set(f"lock:{n}", "x", px=60_000)
        client.set("lock:late", "x", ex=100_000)
        client.rpush("lock:list", "x")
        client.pexpire("lock:list", 60_000)
        async with connected(valkey) as node:
            sweeping = sweeper(node)
            await sweep(sweeping)
            store = sweeping.store
            assert {store.name(row) for row in sweeping.suspects[LOCKS]} == {b"lock:late", b"lock:list"}
            assert sweeping.suspected[TOKENS] == 500
            assert len(sweeping.suspects[TOKENS]) == SUSPECTS_KEPT
            assert sweeping.suspected[OTHER] == 0
            client.delete("lock:late", "lock:list")
            await sweep(sweeping)
            assert sweeping.suspected[LOCKS] == 0


async def test_keys_that_may_not_be_read_are_counted_and_listed(valkey: Server) -> None:
    valkey.call(
        "ACL", "SETUSER", "narrow", "on", ">x", "resetkeys", "~lock:*", "-@all", "+ping", "+scan", "+type", "+pttl"
    )
    try:
        with redis.Redis(port=valkey.port) as client:
            expected = fill(client, 5) | fill(client, 3, "secret:")
        async with connected(valkey, username="narrow", password="x") as node:
            sweeping = sweeper(node)
            await sweep(sweeping)
            assert names(sweeping) == expected  # SCAN does not heed key patterns
            assert sweeping.refused == 3
            row = sweeping.store.find(b"secret:0")
            assert TYPES[sweeping.store.types[row]] == "?"
            assert sweeping.store.deadlines[row] == UNKNOWN_EXPIRY
    finally:
        valkey.call("ACL", "DELUSER", "narrow")


async def test_what_may_be_read_of_a_key_is_kept(valkey: Server) -> None:
    with redis.Redis(port=valkey.port) as client:
        client.set("sw:installer:token:a", "x", px=60_000)
        client.rpush("lock:list", "x")
    for refused in ("pttl", "type"):
        valkey.call("ACL", "SETUSER", "narrow", "on", ">x", "~*", "+@all", f"-{refused}")
        try:
            async with connected(valkey, username="narrow", password="x") as node:
                sweeping = sweeper(node)
                await sweep(sweeping)
                store = sweeping.store
                token = store.find(b"sw:installer:token:a")
                assert sweeping.refused == 2
                assert TYPES[store.types[token]] == ("string" if refused == "pttl" else "?")
                assert (store.deadlines[token] == UNKNOWN_EXPIRY) == (refused == "pttl")
                assert sweeping.suspected[TOKENS] == 0
                assert sweeping.suspected[LOCKS] == (1 if refused == "pttl" else 0)  # a list is no lock
        finally:
            valkey.call("ACL", "DELUSER", "narrow")


async def test_replies_that_no_server_should_give() -> None:
    scanned = b"*2\r\n$1\r\n0\r\n*6\r\n:7\r\n$1\r\na\r\n*0\r\n$1\r\nb\r\n$1\r\nc\r\n$-1\r\n"
    facts = b":9223372036854775807\r\n+string\r\n:-9\r\n+set\r\n$-1\r\n:1\r\n"
    async with peer(b"+PONG\r\n", scanned, facts) as address:
        lane = await Lane.open(address)
        try:
            sweeping = sweeper(alone(lane))
            await sweep(sweeping)
        finally:
            await lane.close()
    store = sweeping.store
    assert [store.name(row) for row in store.members(OTHER)] == [b"a", b"b", b"c"]
    assert [TYPES[code] for code in store.types] == ["string", "set", "?"]
    assert 2**53 <= store.deadlines[0] < 2**54
    assert list(store.deadlines[1:]) == [UNKNOWN_EXPIRY, UNKNOWN_EXPIRY]
    assert sweeping.refused == 5  # three names, two expiries


@pytest.mark.parametrize("reply", [b"*2\r\n:0\r\n*0\r\n", b"*2\r\n$1\r\n0\r\n:5\r\n"])
async def test_a_page_that_is_none(reply: bytes) -> None:
    async with peer(b"+PONG\r\n", reply) as address:
        lane = await Lane.open(address)
        try:
            with pytest.raises(Trouble) as trouble:
                await sweep(sweeper(alone(lane)))
            assert trouble.value.fault is Fault.NOT_REDIS
        finally:
            await lane.close()


async def test_an_account_that_may_not_scan(valkey: Server) -> None:
    valkey.call("ACL", "SETUSER", "blind", "on", ">x", "~*", "+@all", "-scan")
    try:
        async with connected(valkey, username="blind", password="x") as node:
            with pytest.raises(Trouble) as refused:
                await sweep(sweeper(node))
            assert refused.value.fault is Fault.PERMISSION
    finally:
        valkey.call("ACL", "DELUSER", "blind")


async def test_a_server_that_dies_in_the_middle(valkey: Server) -> None:
    def kill(slice_number: int) -> None:
        if slice_number == 2:
            valkey.kill()

    with redis.Redis(port=valkey.port) as client:
        fill(client, 5000)
    async with connected(valkey) as node:
        with pytest.raises(Trouble) as lost:
            await sweep(sweeper(node), kill)
        assert lost.value.fault is Fault.LOST


async def test_a_sweep_can_be_left_at_any_slice(valkey: Server) -> None:
    with redis.Redis(port=valkey.port) as client:
        expected = fill(client, 4000)
    async with connected(valkey) as node:
        sweeping = sweeper(node)
        for stop_after in (1, 2, 3):
            running: Any = sweeping.sweep()
            for _ in range(stop_after):
                await anext(running)
            await running.aclose()
        assert names(sweeping) <= expected
        await sweep(sweeping)
        assert names(sweeping) == expected


async def test_an_empty_server(valkey: Server) -> None:
    async with connected(valkey) as node:
        sweeping = sweeper(node)
        assert await sweep(sweeping) == 1
        assert (names(sweeping), sweeping.scanned) == (set(), 0)
