"""What may be done to the keys of an upstream Fleet server: what Fleet itself does, and to nothing that has changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import redis

from fleetcache_gui.domain.plan import Outcome
from fleetcache_gui.domain.verbs import Refusal, Scope
from fleetcache_gui.families.upstream import UPSTREAM
from tests.live.desk import desk
from tests.live.readers import address
from tests.monitor import Monitor
from tests.upstream_fleet import disorder, populate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.servers import Server

Words = tuple[Any, ...]

DONE, GONE, CHANGED = Outcome.DONE, Outcome.GONE, Outcome.CHANGED
WEEK_MS = 604_800_000
VALUE, EXPIRY = "its value has changed", "its expiry has changed"
ACTIVE, REVERSE = b"livequery:active", b"livequery:active:reverse"
SQL, BITMAP = b"sql:livequery:{7}", b"livequery:{7}"
TOKEN = b"software_installer_token:0c1f6e1e-0000-4000-8000-000000000001"
COUNT, BAN = b"ipbanner::{10.0.0.7}::count", b"ipbanner::{10.0.0.7}::banned"
ERROR, TIMES = b"error:{abc}:json", b"error:{abc}:count"
EVENT, COLLECTOR = b"calendar:lock:e1", b"locks:async_collector:{collect_labels}"
POLICY, INDEX = b"policies:failing:3", b"policies:failing_sets"
CACHED = b"fleet:hostcache:v1:id2nk:7"
PREASSIGN = b"mdm:preassign:abc"
STORED = b"query_results_count:12"

RUNNING: list[Words] = [
    ("SET", SQL, "SELECT 1", "PX", WEEK_MS),
    ("SET", BITMAP, b"\x01\x80", "PX", WEEK_MS),
    ("SADD", ACTIVE, "7", "8"),
]
ORPHAN: list[Words] = [("SET", BITMAP, b"\x00\x80"), ("SADD", ACTIVE, "8")]
DEAD: list[Words] = [("SADD", ACTIVE, "7", "8"), ("SADD", REVERSE, "7")]


@dataclass(frozen=True)
class Case:
    """`race` happens between plan and deed. `met`: outcome and note of each step. `left`: what is there at the end, as
    keys, and as members of the active set."""

    verb: str
    row: bytes
    have: Sequence[Words]
    race: Sequence[Words]
    met: Sequence[tuple[Outcome, str]]
    left: frozenset[bytes]
    choice: str = ""


def one(verb: str, key: bytes, have: Words, race: Words | None, met: Outcome, note: str = "") -> Case:
    left = frozenset({key} if met is CHANGED else ())
    return Case(verb, key, [have], [race] if race else [], [(met, note)], left)


CASES = {
    "orphan": Case("upstream_live_queries.cleanup", b"7", ORPHAN, [], [(DONE, "")], frozenset({ACTIVE})),
    "orphan-written-to": Case(
        "upstream_live_queries.cleanup",
        b"7",
        ORPHAN,
        [("SETBIT", BITMAP, 3, 1)],
        [(CHANGED, VALUE)],
        frozenset({ACTIVE, BITMAP}),
    ),
    "orphan-active-again": Case(
        "upstream_live_queries.cleanup",
        b"7",
        ORPHAN,
        [("SADD", ACTIVE, "7")],
        [(CHANGED, "it is active again")],
        frozenset({ACTIVE, BITMAP}),
    ),
    "dead-id": Case("upstream_live_queries.cleanup", b"7", DEAD, [], [(DONE, ""), (DONE, "")], frozenset({ACTIVE})),
    "dead-id-alive": Case(
        "upstream_live_queries.unlist",
        b"7",
        DEAD,
        [("SET", SQL, "s")],
        [(CHANGED, "it has SQL by now"), (CHANGED, "it has SQL by now")],
        frozenset({ACTIVE, REVERSE, SQL}),
    ),
    "stop": Case(
        "upstream_live_queries.stop",
        b"7",
        RUNNING,
        [("SETBIT", BITMAP, 7, 0)],  # a host has answered meanwhile
        [(DONE, "")] * 3,
        frozenset({ACTIVE}),
    ),
    "stop-another-query": Case(
        "upstream_live_queries.stop",
        b"7",
        RUNNING,
        [("SET", SQL, "SELECT 2", "PX", WEEK_MS)],
        [
            (CHANGED, VALUE),
            (CHANGED, "its SQL is still there"),
            (CHANGED, "it has SQL by now"),
        ],
        frozenset({ACTIVE, SQL, BITMAP}),
    ),
    "old-name": Case(
        "upstream_live_queries.remove", b"livequery:77", [("SET", b"livequery:77", "x")], [], [(DONE, "")], frozenset()
    ),
    "token": one("upstream_tokens.remove", TOKEN, ("SET", TOKEN, "{}", "PX", 60_000), None, DONE),
    "token-changed": one(
        "upstream_tokens.remove",
        TOKEN,
        ("SET", TOKEN, "{}", "PX", 60_000),
        ("SET", TOKEN, "[]", "PX", 60_000),
        CHANGED,
        VALUE,
    ),
    "ban": Case(
        "upstream_limits.remove",
        BAN.removesuffix(b"::banned"),
        [("SET", COUNT, 9, "PX", 60_000), ("SET", BAN, 1, "PX", 60_000)],
        [("INCR", COUNT)],
        [(DONE, ""), (DONE, "")],
        frozenset(),
    ),
    "error": Case(
        "upstream_errors.remove",
        b"abc",
        [("SET", ERROR, "{}", "PX", 60_000), ("SET", TIMES, 3, "PX", 60_000)],
        [("INCR", TIMES), ("PEXPIRE", TIMES, 90_000)],
        [(DONE, ""), (DONE, "")],
        frozenset(),
    ),
    "lock": one("upstream_locks.release", EVENT, ("SET", EVENT, "t1", "PX", 60_000), ("PEXPIRE", EVENT, 90_000), DONE),
    "lock-retaken": one(
        "upstream_locks.release",
        EVENT,
        ("SET", EVENT, "t1", "PX", 60_000),
        ("SET", EVENT, "t2", "PX", 60_000),
        CHANGED,
        "it was taken anew",
    ),
    "collector-taken-anew": one(
        "upstream_locks.release",
        COLLECTOR,
        ("SET", COLLECTOR, 1, "PX", 60_000),
        ("SET", COLLECTOR, 1, "PX", 90_000),
        CHANGED,
        EXPIRY,
    ),
    "policy": Case(
        "upstream_policies.drop",
        b"3",
        [("SADD", POLICY, "7,a"), ("SADD", INDEX, 3, 5)],
        [],
        [(DONE, ""), (DONE, "")],
        frozenset({INDEX}),
    ),
    "policy-another-host": Case(
        "upstream_policies.drop",
        b"3",
        [("SADD", POLICY, "7,a"), ("SADD", INDEX, 3, 5)],
        [("SADD", POLICY, "8,b")],
        [(CHANGED, "its length has changed"), (CHANGED, "hosts wait again")],
        frozenset({INDEX, POLICY}),
    ),
    "cached-host": one("upstream_host_cache.remove", CACHED, ("SET", CACHED, "k", "PX", 60_000), None, DONE),
    "cached-host-seen-again": one(
        "upstream_host_cache.remove",
        CACHED,
        ("SET", CACHED, "k", "PX", 60_000),
        ("PEXPIRE", CACHED, 90_000),
        DONE,
    ),
    "preassigned": Case(
        "upstream_mdm.remove",
        PREASSIGN,
        [("HSET", PREASSIGN, "host_uuid", "u"), ("PEXPIRE", PREASSIGN, 60_000)],
        [("HSET", PREASSIGN, "host_uuid", "v")],
        [(CHANGED, VALUE)],
        frozenset({PREASSIGN}),
    ),
    "stored": one("upstream_store.remove", STORED, ("SET", STORED, "5"), ("INCR", STORED), CHANGED, VALUE),
}


def run(server: Server, commands: Sequence[Words]) -> None:
    for command in commands:
        server.call(*command)


def everything(server: Server) -> dict[bytes, object]:
    """What each key holds; sets without their order, which Redis 7.0 does not keep."""
    with redis.Redis(port=server.port) as client, client.pipeline(transaction=False) as asked:
        keys = client.keys()
        for key in keys:
            asked.type(key)
        kinds = asked.execute()
        for key, kind in zip(keys, kinds, strict=True):
            asked.smembers(key) if kind == b"set" else asked.dump(key)
        replies = asked.execute()
    held = zip(keys, kinds, replies, strict=True)
    return {key: set(reply) if kind == b"set" else reply for key, kind, reply in held}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_what_was_seen_goes_and_what_has_changed_stays(server: Server, tmp_path: Path, case: Case) -> None:
    run(server, case.have)
    before = {key: server.call("DUMP", key) for key in server.call("KEYS", "*")}
    async with desk(address(server), tmp_path, layout=UPSTREAM) as at:
        family = case.verb.partition(".")[0]
        plan = await at.plan(case.verb, await at.rows(family, case.row), case.choice)
        run(server, case.race)
        receipt = await at.do(plan)
        met = [(outcome, receipt.notes.get(n, "")) for n, outcome in enumerate(receipt.outcomes)]
        assert sorted(met, key=str) == sorted(case.met, key=str)
        assert set(server.call("KEYS", "*")) == case.left
        if not case.race:
            assert set((await at.undo(plan)).outcomes) <= {DONE, GONE}
            assert {key: server.call("DUMP", key) for key in server.call("KEYS", "*")} == before


async def test_a_bitmap_without_expiry_is_given_that_of_fleet(server: Server, tmp_path: Path) -> None:
    run(server, [*RUNNING, ("PERSIST", BITMAP)])
    async with desk(address(server), tmp_path, layout=UPSTREAM) as at:
        plan = await at.plan("upstream_live_queries.expire", await at.rows("upstream_live_queries", b"7"), str(WEEK_MS))
        assert (await at.do(plan)).outcomes == (DONE,)
        assert WEEK_MS - 10_000 < server.call("PTTL", BITMAP) <= WEEK_MS
        assert (await at.undo(plan)).outcomes == (DONE,)
        assert server.call("PTTL", BITMAP) == -1


async def test_a_campaign_that_is_alive_is_refused_without_the_stronger_step(server: Server, tmp_path: Path) -> None:
    run(server, RUNNING)
    async with desk(address(server), tmp_path, layout=UPSTREAM) as at:
        rows = await at.rows("upstream_live_queries", b"7")
        made = await at.try_plan("upstream_live_queries.cleanup", rows)
        assert isinstance(made, Refusal)
        assert "It is alive" in made.text
        assert (await at.plan("upstream_live_queries.stop", rows)).grave


async def test_all_orphans_go_and_nothing_else_and_no_bit_is_set(server: Server, tmp_path: Path) -> None:
    with redis.Redis(port=server.port) as client:
        disorder(populate(client))
    orphans = {b"livequery:{%d}" % campaign for campaign in range(100, 112)}
    before = set(server.call("KEYS", "*"))
    ids = [b"41", b"42", b"43", b"415", *(b"%d" % campaign for campaign in range(100, 112))]
    with Monitor(server) as monitor:
        async with desk(address(server), tmp_path, layout=UPSTREAM) as at:
            plan = await at.plan("upstream_live_queries.cleanup-all", await at.rows("upstream_live_queries", *ids))
            receipt = await at.do(plan)
        monitor.sync()
        names = {command.name.upper() for command in monitor.commands()}
    assert set(receipt.outcomes) == {DONE}
    assert before - set(server.call("KEYS", "*")) == orphans
    assert b"UNLINK" in names
    assert b"SETBIT" not in names


async def test_every_family_can_be_removed_whole_and_put_back(server: Server, tmp_path: Path) -> None:
    with redis.Redis(port=server.port) as client:
        populate(client)
    server.call("SET", "somebody's", "1")
    for key in server.call("KEYS", "*"):
        if 0 < server.call("PTTL", key) < 120_000:
            server.call("PEXPIRE", key, 120_000)  # some live for seconds, and would go by themselves
    async with desk(address(server), tmp_path, layout=UPSTREAM) as at:
        for position, family in enumerate(UPSTREAM.families[:-1]):
            verb = next(verb for verb in family.verbs if verb.scope is Scope.FAMILY)
            dumps = everything(server)
            ours = {key for key in dumps if UPSTREAM.router(key) == position}
            plan = await at.plan(verb.id, await at.rows(family.id, *sorted({family.row_of(key) for key in ours})))
            assert set((await at.do(plan)).outcomes) == {DONE}, family.id
            assert set(server.call("KEYS", "*")) == set(dumps) - ours, family.id
            assert set((await at.undo(plan)).outcomes) == {DONE}, family.id
            assert everything(server) == dumps, family.id
