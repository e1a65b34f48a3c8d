"""What a deed took comes back as it was: to the byte, for the time it had left, and never over anything that exists."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
import redis

from fleetcache_gui.domain.plan import Outcome, Strictness
from fleetcache_gui.domain.verbs import Refusal
from fleetcache_gui.redis_io.undo import Limits, Saved
from tests.live.desk import desk
from tests.live.readers import address
from tests.monitor import Monitor
from tests.servers import REDIS_7

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

DONE, GONE, CHANGED, FAILED = Outcome.DONE, Outcome.GONE, Outcome.CHANGED, Outcome.FAILED
UNSAVED = Outcome.UNSAVED
NOISE = random.Random(1)


def noise(size: int) -> bytes:
    """Bytes that no dump can make smaller."""
    return NOISE.randbytes(size)


def types(server: Server) -> list[bytes]:
    """Locks of every type, each with an expiry and without; what they hold is like nothing that Fleet makes."""
    big = [noise(40) for _ in range(300)]  # beyond every compact encoding
    made: dict[bytes, list[tuple[Any, ...]]] = {
        b"string": [("SET", b"held\0\xff")],
        b"number": [("SET", b"12345")],
        b"large": [("SET", noise(100_000))],
        b"list": [("RPUSH", b"a", b"", b"\xff")],
        b"long-list": [("RPUSH", *big, noise(9000))],
        b"set": [("SADD", b"a", b"b")],
        b"numbers": [("SADD", *range(20))],
        b"big-set": [("SADD", *big)],
        b"hash": [("HSET", b"f", b"v", b"", b"x")],
        b"big-hash": [("HSET", *big)],
        b"zset": [("ZADD", 1.5, b"a", "-inf", b"b")],
        b"big-zset": [("ZADD", *(part for n, name in enumerate(big) for part in (n / 7, name)))],
        b"stream": [
            ("XADD", "1-1", "f", "v"),
            ("XADD", "2-1", "f", noise(5000)),
            ("XADD", "3-1", "g", "w"),
            ("XDEL", "2-1"),
        ],
    }
    if server.binary is not REDIS_7:
        made[b"fading-hash"] = [
            ("HSET", b"f", b"v", b"g", b"w"),
            ("HPEXPIRE", 50_000, "FIELDS", 1, b"f"),
        ]
    names: list[bytes] = []
    for name, commands in made.items():
        for ends in (True, False):
            key = b"lock:%b:%b" % (name, b"ends" if ends else b"stays")
            for word, *args in commands:
                server.call(word, key, *args)
            if name == b"stream":
                server.call("XGROUP", "CREATE", key, "workers", "0")
                server.call("XREADGROUP", "GROUP", "workers", "w1", "COUNT", 1, "STREAMS", key, ">")
                server.call("XGROUP", "CREATE", key, "idle", "$")
                server.call("XGROUP", "CREATECONSUMER", key, "idle", "nobody")
            if ends:
                server.call("PEXPIRE", key, 600_000 + len(names))
            names.append(key)
    return names


def dumps(server: Server, keys: list[bytes]) -> dict[bytes, tuple[Any, int]]:
    """What keys hold, and until when. A SET or HASH laid out as a table has no order, so neither has its dump: their
    members are compared."""
    return {key: (_whole(server, key), server.call("PEXPIRETIME", key)) for key in keys}


def _whole(server: Server, key: bytes) -> Any:
    if server.call("OBJECT", "ENCODING", key) != b"hashtable":
        return server.call("DUMP", key)
    if server.call("TYPE", key) == b"set":
        return set(server.call("SMEMBERS", key))
    found: dict[bytes, bytes] = server.call("HGETALL", key)
    return found


async def test_every_type_comes_back_to_the_byte(server: Server, tmp_path: Path) -> None:
    keys = types(server)
    before = dumps(server, keys)
    facts = [server.call("XINFO", "STREAM", key, "FULL") for key in keys if b"stream" in key]
    async with desk(address(server), tmp_path) as at:
        plan = await at.plan("locks.release", await at.rows("locks", *keys))
        assert (await at.do(plan)).counts == {DONE: len(keys)}
        assert server.call("DBSIZE") == 0
        made = await at.try_undo(plan)
        assert not isinstance(made, Refusal)
        assert made.skipped == ()
        assert (await at.do(made)).counts == {DONE: len(keys)}
        assert isinstance(await at.try_undo(plan), Refusal)
    assert dumps(server, keys) == before
    assert [server.call("XINFO", "STREAM", key, "FULL") for key in keys if b"stream" in key] == facts
    for key in keys:
        if b"fading" in key:
            assert 0 < server.call("HPTTL", key, "FIELDS", 2, "f", "g")[0] <= 50_000


async def test_thousands_come_back(server: Server, tmp_path: Path) -> None:
    keys = [b"rate_limit:login:%d" % number for number in range(3000)]

    def state() -> list[Any]:
        with redis.Redis(port=server.port, protocol=2) as client, client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.dump(key)
                pipe.pexpiretime(key)
            return pipe.execute()

    with redis.Redis(port=server.port, protocol=2) as client, client.pipeline(transaction=False) as pipe:
        for number, key in enumerate(keys):
            pipe.set(key, number, px=100_000 + number)
        pipe.execute()
    before = state()
    async with desk(address(server), tmp_path) as at:
        plan = await at.plan("rate_limits.remove", await at.rows("rate_limits", *keys))
        assert plan.strictness is Strictness.TYPE
        assert (await at.do(plan)).counts == {DONE: 3000}
        assert server.call("DBSIZE") == 0
        assert (await at.undo(plan)).counts == {DONE: 3000}
    assert state() == before


DEED = "b" * 12 + "4" + "b" * 3 + "8" + "b" * 15
LOCK, OTHER, THIRD = b"lock:a", b"lock:b", b"lock:c"


async def test_what_exists_is_never_overwritten(server: Server, tmp_path: Path) -> None:
    server.call("SET", LOCK, "t:0123456789ab", "PX", 60_000)
    async with desk(address(server), tmp_path) as at:
        plan = await at.plan("locks.release", await at.rows("locks", LOCK))
        assert (await at.do(plan)).outcomes == (DONE,)
        ready = await at.try_undo(plan)
        assert not isinstance(ready, Refusal)
        server.call("RPUSH", LOCK, "another's")
        taken = await at.try_undo(plan)
        assert isinstance(taken, Refusal)
        assert "the name is taken again, and what is there is kept" in taken.text
        receipt = await at.do(ready)
        assert (receipt.outcomes, receipt.notes) == (
            (CHANGED,),
            {0: "the name is taken again; what is there was kept"},
        )
        assert server.call("LRANGE", LOCK, 0, -1) == [b"another's"]
        server.call("DEL", LOCK)  # and it can still be put back
        assert (await at.undo(plan)).outcomes == (DONE,)
    assert server.call("GET", LOCK) == b"t:0123456789ab"


def passed(server: Server, moment: int) -> None:
    """Wait until the server's clock is beyond a moment (Unix ms)."""
    while True:
        seconds, micros = server.call("TIME")
        if seconds * 1000 + micros / 1000 > moment:
            return


async def test_what_has_lapsed_is_not_revived(server: Server, tmp_path: Path) -> None:
    server.call("SET", LOCK, "t:0123456789ab", "PX", 60_000)
    async with desk(address(server), tmp_path) as at:
        plan = await at.plan("locks.release", await at.rows("locks", LOCK))
        server.call("PEXPIRE", LOCK, 2500)
        ends = server.call("PEXPIRETIME", LOCK)
        assert (await at.do(plan)).outcomes == (DONE,)
        ready = await at.try_undo(plan)
        assert not isinstance(ready, Refusal)
        passed(server, ends)
        receipt = await at.do(ready)
        assert (receipt.outcomes, receipt.notes) == ((GONE,), {0: "its time has passed meanwhile"})
        late = await at.try_undo(plan)
        assert isinstance(late, Refusal)
        assert "its time has passed meanwhile" in late.text
    assert server.call("EXISTS", LOCK) == 0


@pytest.mark.parametrize("left", [1, 2, 3, 5, 8])
async def test_a_last_instant_never_becomes_for_ever(server: Server, tmp_path: Path, left: int) -> None:
    met = set()
    async with desk(address(server), tmp_path) as at:
        for _ in range(15):
            server.call("SET", LOCK, "t:0123456789ab", "PX", 60_000)
            plan = await at.plan("locks.release", await at.rows("locks", LOCK))
            server.call("PEXPIRE", LOCK, left)
            receipt = await at.do(plan)
            met.add(receipt.outcomes[0])
            made = await at.try_undo(plan)
            if not isinstance(made, Refusal):
                await at.do(made)
                assert server.call("PTTL", LOCK) != -1
                server.call("DEL", LOCK)
    assert met <= {DONE, GONE}


async def test_an_expiry_that_is_given_or_taken_meanwhile_comes_back_with_it(server: Server, tmp_path: Path) -> None:
    """A lock's expiry is no part of the condition, and yet what comes back has the one that it had at the end."""
    async with desk(address(server), tmp_path) as at:
        for change in (("PEXPIRE", LOCK, 90_000), ("PERSIST", LOCK)):
            for first in ((), ("PX", 60_000)):
                server.call("DEL", LOCK)
                server.call("SET", LOCK, "t:0123456789ab", *first)
                plan = await at.plan("locks.release", await at.rows("locks", LOCK))
                server.call(*change)
                ends = server.call("PEXPIRETIME", LOCK)
                assert (await at.do(plan)).outcomes == (DONE,)
                assert (await at.undo(plan)).outcomes == (DONE,)
                assert server.call("PEXPIRETIME", LOCK) == ends


async def test_only_what_was_taken_is_put_back(server: Server, tmp_path: Path) -> None:
    for key in (LOCK, OTHER, THIRD):
        server.call("SET", key, "t:0123456789ab", "PX", 60_000)
    async with desk(address(server), tmp_path) as at:
        plan = await at.plan("locks.release", await at.rows("locks", LOCK, OTHER, THIRD))
        server.call("SET", OTHER, "u:0123456789ab")
        server.call("DEL", THIRD)
        assert (await at.do(plan)).outcomes == (DONE, CHANGED, GONE)
        server.call("DEL", OTHER)  # what was kept then is nobody's to put back now
        (kept,) = await at.books.entries()
        assert max(kept.keys - kept.put_back, 0) == 1
        made = await at.try_undo(plan)
        assert not isinstance(made, Refusal)
        assert [step.draft.key for step in made.steps] == [LOCK]
        assert (await at.do(made)).outcomes == (DONE,)
        assert await at.books.entries() == []
        assert isinstance(await at.try_undo(plan), Refusal)
    assert server.call("EXISTS", OTHER, THIRD) == 0


async def test_what_took_nothing_leaves_nothing_in_the_bin(server: Server, tmp_path: Path) -> None:
    server.call("SET", LOCK, "t:0123456789ab", "PX", 60_000)
    async with desk(address(server), tmp_path) as at:
        plan = await at.plan("locks.release", await at.rows("locks", LOCK))
        server.call("SET", LOCK, "u:0123456789ab")
        assert (await at.do(plan)).outcomes == (CHANGED,)
        assert await at.bin.entries() == []


async def test_cancelled_half_way_what_was_taken_is_offered(server: Server, tmp_path: Path) -> None:
    keys = [b"rate_limit:login:%d" % number for number in range(300)]
    for key in keys:
        server.call("SET", key, 1, "PX", 100_000)
    async with desk(address(server), tmp_path) as at:
        plan = await at.plan("rate_limits.remove", await at.rows("rate_limits", *keys))
        at.tell = lambda progress: at.stop.set()
        receipt = await at.do(plan)
        assert set(receipt.counts) == {DONE, Outcome.CANCELLED}
        done = receipt.counts[DONE]
        (kept,) = await at.books.entries()
        assert kept.keys - kept.put_back == done
        at.stop.clear()
        at.tell = at.told.append
        assert (await at.undo(plan)).counts == {DONE: done}
        assert await at.books.entries() == []
    assert server.call("DBSIZE") == 300


async def test_members_come_back_one_by_one(server: Server, tmp_path: Path) -> None:
    active = b"live_query:active"
    server.call("SADD", active, "1", "2", "3", "a:b", b"\xff\0")
    async with desk(address(server), tmp_path) as at:
        plan = await at.plan("live_queries.unlist", await at.rows("live_queries", b"1", b"2", b"3", b"a:b", b"\xff\0"))
        server.call("SET", b"live_query:campaign:2:sql", "s")
        server.call("SREM", active, "3")
        assert (await at.do(plan)).counts == {DONE: 3, CHANGED: 1, GONE: 1}
        assert set(server.call("SMEMBERS", active)) == {b"2"}
        server.call("SADD", active, "1")
        receipt = await at.undo(plan)
        assert receipt.counts == {DONE: 2, CHANGED: 1}
        assert list(receipt.notes.values()) == ["it is there again already"]
        assert set(server.call("SMEMBERS", active)) == {b"1", b"2", b"a:b", b"\xff\0"}
        server.call("DEL", active)
        server.call("SET", active, "odd")
        assert (await at.undo(plan)).counts == {CHANGED: 1}
    assert server.call("GET", active) == b"odd"


async def test_a_given_expiry_is_taken_off_unless_it_is_another_by_now(server: Server, tmp_path: Path) -> None:
    server.call("SET", LOCK, "t:0123456789ab")
    server.call("SET", OTHER, "t:0123456789ab")
    async with desk(address(server), tmp_path) as at:
        plan = await at.plan("locks.expire", await at.rows("locks", LOCK, OTHER), "60000")
        assert (await at.do(plan)).outcomes == (DONE, DONE)
        server.call("PEXPIRE", OTHER, 70_000)
        receipt = await at.undo(plan)
        assert (receipt.outcomes, receipt.notes) == ((DONE, CHANGED), {1: "its expiry has changed"})
        assert server.call("PTTL", LOCK) == -1
        assert 60_000 < server.call("PTTL", OTHER) <= 70_000
        ready = await at.try_undo(plan)
        assert not isinstance(ready, Refusal)
        server.call("DEL", OTHER)
        assert isinstance(await at.try_undo(plan), Refusal)
        assert (await at.do(ready)).outcomes == (GONE,)
        server.call("SET", OTHER, "x")
        server.call("SET", LOCK, "t:0123456789ab")
        plan = await at.plan("locks.expire", await at.rows("locks", LOCK), "60000")
        assert (await at.do(plan)).outcomes == (DONE,)
        ready = await at.try_undo(plan)
        assert not isinstance(ready, Refusal)
        server.call("PERSIST", LOCK)
        assert (await at.do(ready)).outcomes == (CHANGED,)


FULL = "The server's memory is full: until some is freed, nothing can be put back."


async def test_with_a_full_memory_it_is_said_beforehand(server: Server, tmp_path: Path) -> None:
    for key in (LOCK, OTHER):
        server.call("SET", key, "t:0123456789ab", "PX", 60_000)
    server.call("CONFIG", "SET", "maxmemory", "1", "maxmemory-policy", "noeviction")
    try:
        async with desk(address(server), tmp_path) as at:
            plan = await at.plan("locks.release", await at.rows("locks", LOCK, OTHER))
            assert plan.way_back.endswith(FULL)
            assert (await at.do(plan)).outcomes == (DONE, DONE)
            ready = await at.try_undo(plan)
            assert not isinstance(ready, Refusal)
            assert ready.consequence[-1] == FULL
            receipt = await at.do(ready)
            assert set(receipt.outcomes) == {FAILED}
            assert receipt.notes == dict.fromkeys(range(2), "The server's memory is full.")
            assert receipt.trouble == "The server's memory is full. Nothing more was sent."
            server.call("CONFIG", "SET", "maxmemory", "0")
            assert (await at.undo(plan)).outcomes == (DONE, DONE)
    finally:
        server.call("CONFIG", "SET", "maxmemory", "0")
    assert server.call("EXISTS", LOCK, OTHER) == 2


async def test_beyond_the_bins_limit_what_has_no_way_back_is_marked(server: Server, tmp_path: Path) -> None:
    keys = [b"cache:team:%d" % number for number in range(6)]
    for number, key in enumerate(keys):
        server.call("SET", key, noise(200 if number == 5 else 8000), "PX", 60_000)
    before = dumps(server, keys)
    async with desk(address(server), tmp_path, limits=Limits(20_000, 40_000)) as at:
        plan = await at.plan("config_cache.remove", await at.rows("config_cache", *keys))
        assert [step.saved for step in plan.steps] == [True, True, False, False, False, True]
        assert (plan.strictness, plan.word, plan.unsaved) == (Strictness.TYPE, "bench 6", 3)
        assert plan.way_back.startswith("3 of 6 have no way back; the list marks them. The rest can be undone")
        receipt = await at.do(plan)
        assert (receipt.counts, receipt.saved) == ({DONE: 6}, 3)
        (kept,) = await at.books.entries()
        assert kept.keys - kept.put_back == 3
        assert (await at.undo(plan)).counts == {DONE: 3}
        assert await at.books.entries() == []
    kept_ = [key for key, step in zip(keys, plan.steps, strict=True) if step.saved]
    assert dumps(server, kept_) == {key: before[key] for key in kept_}


async def test_what_earlier_deeds_take_of_the_bin_counts(server: Server, tmp_path: Path) -> None:
    server.call("SET", LOCK, noise(3000))
    async with desk(address(server), tmp_path, limits=Limits(20_000, 20_000)) as at:
        await at.bin.begin(DEED, "another", {}).save([Saved(b"x", "dump", noise(18_000))])
        plan = await at.plan("locks.release", await at.rows("locks", LOCK))
        assert plan.way_back == "There is no way back: nothing of this can be put back."
        assert plan.strictness is Strictness.TYPE


async def test_a_bin_that_fills_up_meanwhile_keeps_the_keys(server: Server, tmp_path: Path) -> None:
    for key in (LOCK, OTHER):
        server.call("SET", key, noise(3000), "PX", 60_000)
    before = dumps(server, [LOCK, OTHER])
    async with desk(address(server), tmp_path, limits=Limits(20_000, 20_000)) as at:
        plan = await at.plan("locks.release", await at.rows("locks", LOCK, OTHER))
        assert plan.unsaved == 0
        await at.bin.begin(DEED, "another", {}).save([Saved(b"x", "dump", noise(18_000))])
        receipt = await at.do(plan)
        assert (receipt.outcomes, receipt.saved) == ((UNSAVED, UNSAVED), 0)
        assert receipt.notes[0].startswith(
            "kept, since it could not be saved for undo: The undo bin keeps at most 19.5 KB in all"
        )
    assert dumps(server, [LOCK, OTHER]) == before


async def test_a_server_that_tells_no_moment_of_expiry(server: Server, tmp_path: Path) -> None:
    """Before Redis 7.0 there is no PEXPIRETIME: that there is an expiry is the condition, and what comes back ends when
    it would have ended, as far as PTTL tells."""
    token = b"sw:installer:token:0c1f6e1e-0000-4000-8000-000000000001"
    async with desk(address(server), tmp_path) as at:
        at.hands.nodes[""].absolute = False
        for first, change, outcome in (
            ((), None, DONE),
            (("PX", 60_000), None, DONE),
            (("PX", 60_000), ("PEXPIRE", token, 90_000), DONE),
            (("PX", 60_000), ("PERSIST", token), CHANGED),
            ((), ("PEXPIRE", token, 90_000), CHANGED),
        ):
            server.call("SET", token, "{}", *first)
            plan = await at.plan("installer_tokens.remove", await at.rows("installer_tokens", token))
            assert plan.steps[0].seen.expires_ms == (0 if first else -1)
            if change:
                server.call(*change)
            ends = server.call("PEXPIRETIME", token)
            with Monitor(server) as seen:
                assert (await at.do(plan)).outcomes == (outcome,)
                if outcome is DONE:
                    assert (await at.undo(plan)).outcomes == (DONE,)
                asked = {command.name for command in seen.commands() if token in command.words}
                assert b"pexpiretime" not in asked
            back = server.call("PEXPIRETIME", token)
            assert back == ends if ends == -1 or outcome is CHANGED else 0 < back - ends + 5 < 1000
