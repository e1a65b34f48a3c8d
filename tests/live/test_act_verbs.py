"""Every verb of every family but the queue's, and what becomes of it when the key changes between plan and deed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
import redis

from fleetcache_gui.domain.family import Expected
from fleetcache_gui.domain.plan import Outcome, Strictness
from fleetcache_gui.domain.verbs import Refusal
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.redis_io.act.gate import NotConfirmed
from tests.live.desk import desk
from tests.live.readers import address, own_removal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.servers import Server

Words = tuple[Any, ...]

DONE, GONE, CHANGED = Outcome.DONE, Outcome.GONE, Outcome.CHANGED
TYPE, LENGTH = "it has another type now", "its length has changed"
VALUE, EXPIRY = "its value has changed", "its expiry has changed"
ANOTHER, AGAIN, HAS_SQL = "it belongs to another holder now", "it is active again", "it has SQL by now"
STILL = "its SQL is still there"

LOCK, ACTIVE = b"lock:cron:vuln", b"live_query:active"
SQL, HOSTS = b"live_query:campaign:5:sql", b"live_query:campaign:5:hosts_completed"
TOKEN = b"sw:installer:token:0c1f6e1e-0000-4000-8000-000000000001"
LIMIT, CONFIG, DEVICE = b"rate_limit:login:10.0.0.7", b"cache:app_config", b"mdm:apple:preassign:C02XK"


@dataclass(frozen=True)
class Case:
    """`race` happens between plan and deed. `met`: outcome and note of each step; `left`: keys that are there at the
    end, all others are gone."""

    verb: str
    rows: tuple[bytes, ...]
    have: Sequence[Words]
    race: Sequence[Words]
    met: Sequence[tuple[Outcome, str]]
    left: frozenset[bytes] = frozenset()
    choice: str = ""
    expected: Expected = field(default_factory=Expected)


def one(verb: str, key: bytes, have: Sequence[Words], race: Sequence[Words], met: Outcome, note: str = "") -> Case:
    """A verb for a single key, which stays where the outcome is that it has changed."""
    return Case(verb, (key,), have, race, [(met, note)], frozenset({key} if met is CHANGED else ()))


def held(token: str = "web-1:0123456789ab", ms: int = 60_000) -> list[Words]:
    return [("SET", LOCK, token, "PX", ms)]


def retyped(key: bytes) -> list[Words]:
    return [("DEL", key), ("RPUSH", key, "x"), ("PEXPIRE", key, 60_000)]


RELEASE = {
    "done": one("locks.release", LOCK, held(), [], DONE),
    "retaken": one("locks.release", LOCK, held(), held("web-2:0123456789ab"), CHANGED, ANOTHER),
    "retaken-longer": one("locks.release", LOCK, held(), held("web-22:0123456789ab"), CHANGED, ANOTHER),
    "renewed": one("locks.release", LOCK, held(), [("PEXPIRE", LOCK, 90_000)], DONE),
    "taken-again-by-the-same": one("locks.release", LOCK, held(), [("DEL", LOCK), *held()], DONE),
    "expired": one("locks.release", LOCK, held(), [("PEXPIREAT", LOCK, 1)], GONE),
    "released": one("locks.release", LOCK, held(), [("DEL", LOCK)], GONE),
    "a-list": one("locks.release", LOCK, held(), retyped(LOCK), CHANGED, TYPE),
    "for-ever": one("locks.release", LOCK, [("SET", LOCK, "t:0123456789ab")], [], DONE),
    "for-ever-retaken": one("locks.release", LOCK, [("SET", LOCK, "a")], [("SET", LOCK, "b")], CHANGED, ANOTHER),
}

ORPHAN = [("SET", SQL, "select 1"), ("SADD", HOSTS, "1", "2")]
RUNNING = [*ORPHAN, ("SADD", ACTIVE, "5", "11")]
WHOLE = frozenset({SQL, HOSTS})


def campaign(verb: str, have: Sequence[Words], race: Sequence[Words], *met: Any, left: Sequence[bytes] = ()) -> Case:
    """Outcomes are given alone where there is no note."""
    pairs = [outcome if isinstance(outcome, tuple) else (outcome, "") for outcome in met]
    return Case(f"live_queries.{verb}", (b"5",), have, race, pairs, frozenset(left))


CAMPAIGNS = {
    "done": campaign("cleanup", ORPHAN, [], DONE, DONE),
    "active-again": campaign(
        "cleanup", ORPHAN, [("SADD", ACTIVE, "5")], (CHANGED, AGAIN), (CHANGED, AGAIN), left=[*WHOLE, ACTIVE]
    ),
    "another-active": campaign("cleanup", ORPHAN, [("SADD", ACTIVE, "55")], DONE, DONE, left=[ACTIVE]),
    "active-set-odd": campaign(
        "cleanup", ORPHAN, [("SET", ACTIVE, "5")], (CHANGED, AGAIN), (CHANGED, AGAIN), left=[*WHOLE, ACTIVE]
    ),
    "sql-changed": campaign(
        "cleanup", ORPHAN, [("SET", SQL, "select 2")], (CHANGED, VALUE), (CHANGED, STILL), left=WHOLE
    ),
    "sql-longer": campaign(
        "cleanup", ORPHAN, [("SET", SQL, "select 12")], (CHANGED, LENGTH), (CHANGED, STILL), left=WHOLE
    ),
    "sql-gone": campaign("cleanup", ORPHAN, [("DEL", SQL)], GONE, DONE),
    "sql-expires": campaign(
        "cleanup", ORPHAN, [("PEXPIRE", SQL, 60_000)], (CHANGED, EXPIRY), (CHANGED, STILL), left=WHOLE
    ),
    "hosts-grown": campaign("cleanup", ORPHAN, [("SADD", HOSTS, "3")], DONE, (CHANGED, LENGTH), left=[HOSTS]),
    "hosts-others": campaign(
        "cleanup", ORPHAN, [("SREM", HOSTS, "1"), ("SADD", HOSTS, "7")], DONE, (CHANGED, VALUE), left=[HOSTS]
    ),
    "hosts-a-list": campaign("cleanup", ORPHAN, retyped(HOSTS), DONE, (CHANGED, TYPE), left=[HOSTS]),
    "stopped": campaign("stop", RUNNING, [], DONE, DONE, DONE, left=[ACTIVE]),
    "stopped-while-answering": campaign("stop", RUNNING, [("SADD", HOSTS, "3", "4")], DONE, DONE, DONE, left=[ACTIVE]),
    "stopped-with-other-sql": campaign(
        *("stop", RUNNING, [("SET", SQL, "select 2")]),
        *((CHANGED, VALUE), (CHANGED, STILL), (CHANGED, STILL)),
        left=[*WHOLE, ACTIVE],
    ),
    "stopped-by-fleet": campaign(
        "stop", RUNNING, [("DEL", SQL, HOSTS), ("SREM", ACTIVE, "5")], GONE, GONE, GONE, left=[ACTIVE]
    ),
    "stopped-active-gone": campaign("stop", RUNNING, [("DEL", ACTIVE)], DONE, DONE, GONE),
    "unlisted": campaign("unlist", [("SADD", ACTIVE, "5", "11")], [], DONE, left=[ACTIVE]),
    "unlisted-with-sql": campaign(
        "unlist", [("SADD", ACTIVE, "5")], [("SET", SQL, "select 1")], (CHANGED, HAS_SQL), left=[ACTIVE, SQL]
    ),
    "unlisted-before": campaign("unlist", [("SADD", ACTIVE, "5", "6")], [("SREM", ACTIVE, "5")], GONE, left=[ACTIVE]),
    "unlisted-active-gone": campaign("unlist", [("SADD", ACTIVE, "5")], [("DEL", ACTIVE)], GONE),
    "unlisted-active-a-list": campaign(
        "unlist", [("SADD", ACTIVE, "5")], retyped(ACTIVE), (CHANGED, TYPE), left=[ACTIVE]
    ),
    "no-sql": campaign("cleanup", [("SADD", ACTIVE, "5", "6"), ("SADD", HOSTS, "1")], [], DONE, DONE, left=[ACTIVE]),
    "no-sql-restarted": campaign(
        *("cleanup", [("SADD", ACTIVE, "5"), ("SADD", HOSTS, "1")], [("SET", SQL, "select 1")]),
        *((CHANGED, STILL), (CHANGED, STILL)),
        left=[ACTIVE, *WHOLE],
    ),
    "odd": campaign("remove", [("RPUSH", SQL, "a"), ("SADD", HOSTS, "1")], [], DONE, left=[HOSTS]),
    "odd-mended": campaign(
        "remove", [("RPUSH", SQL, "a")], [("DEL", SQL), ("SET", SQL, "s")], (CHANGED, TYPE), left=[SQL]
    ),
    "odd-grown": campaign("remove", [("RPUSH", SQL, "a")], [("RPUSH", SQL, "b")], (CHANGED, LENGTH), left=[SQL]),
}

FINISHED = Case(
    *("live_queries.cleanup", (b"5",), RUNNING, [], [(DONE, "")] * 3, frozenset({ACTIVE})), expected=Expected(hosts=2)
)
STRAY = Case(
    "live_queries.unlist", (b"stray",), [("SADD", ACTIVE, "stray", "5")], [], [(DONE, "")], frozenset({ACTIVE})
)


def text(key: bytes, value: str = "{}", ms: int = 60_000) -> list[Words]:
    return [("SET", key, value, "PX", ms)]


SMALL = {
    "token": one("installer_tokens.remove", TOKEN, text(TOKEN, '{"title_id":1}'), [], DONE),
    "token-reissued": one(
        "installer_tokens.remove", TOKEN, text(TOKEN, '{"title_id":1}'), text(TOKEN, '{"title_id":2}'), CHANGED, VALUE
    ),
    "token-longer": one("installer_tokens.remove", TOKEN, text(TOKEN), text(TOKEN, ms=90_000), CHANGED, EXPIRY),
    "token-used": one("installer_tokens.remove", TOKEN, text(TOKEN), [("DEL", TOKEN)], GONE),
    "token-a-list": one("installer_tokens.remove", TOKEN, text(TOKEN), retyped(TOKEN), CHANGED, TYPE),
    "counter": one("rate_limits.remove", LIMIT, text(LIMIT, "7"), [], DONE),
    "counter-counts-on": one("rate_limits.remove", LIMIT, text(LIMIT, "9"), [("INCR", LIMIT)], DONE),
    "counter-of-the-next-window": one(
        *("rate_limits.remove", LIMIT, text(LIMIT, "7")),
        *([("DEL", LIMIT), ("INCR", LIMIT), ("PEXPIRE", LIMIT, 61_000)], CHANGED, EXPIRY),
    ),
    "counter-for-ever": one("rate_limits.remove", LIMIT, text(LIMIT, "7"), [("PERSIST", LIMIT)], CHANGED, EXPIRY),
    "counter-given-an-end": one(
        "rate_limits.remove", LIMIT, [("SET", LIMIT, "7")], [("PEXPIRE", LIMIT, 60_000)], CHANGED, EXPIRY
    ),
    "counter-a-list": one("rate_limits.remove", LIMIT, text(LIMIT, "7"), retyped(LIMIT), CHANGED, TYPE),
    "config": one("config_cache.remove", CONFIG, text(CONFIG, "{}"), [], DONE),
    "config-refreshed": one("config_cache.remove", CONFIG, text(CONFIG), text(CONFIG, "[]"), CHANGED, VALUE),
    "config-expired": one("config_cache.remove", CONFIG, text(CONFIG), [("DEL", CONFIG)], GONE),
    "config-large-refreshed": one(
        "config_cache.remove", CONFIG, text(CONFIG, "a" * 50_000), text(CONFIG, "b" * 50_000), CHANGED, VALUE
    ),
    "config-large": one("config_cache.remove", CONFIG, text(CONFIG, "a" * 50_000), [], DONE),
    "device": one("preassign.remove", DEVICE, [("HSET", DEVICE, "team", "a")], [], DONE),
    "device-added-again": one(
        "preassign.remove",
        DEVICE,
        [("HSET", DEVICE, "team", "a")],
        [("DEL", DEVICE), ("HSET", DEVICE, "team", "b")],
        CHANGED,
        VALUE,
    ),
    "device-with-profile": one(
        "preassign.remove", DEVICE, [("HSET", DEVICE, "team", "a")], [("HSET", DEVICE, "profile", "p")], CHANGED, LENGTH
    ),
    "device-for-longer": one(
        "preassign.remove", DEVICE, [("HSET", DEVICE, "team", "a")], [("PEXPIRE", DEVICE, 9000)], CHANGED, EXPIRY
    ),
    "device-enrolled": one("preassign.remove", DEVICE, [("HSET", DEVICE, "team", "a")], [("DEL", DEVICE)], GONE),
}

CASES = {
    **{f"lock-{name}": case for name, case in RELEASE.items()},
    **{f"campaign-{name}": case for name, case in CAMPAIGNS.items()},
    **SMALL,
    "campaign-finished": FINISHED,
    "stray": STRAY,
}


def run(server: Server, commands: Sequence[Words]) -> None:
    for command in commands:
        server.call(*command)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_what_was_seen_goes_and_what_has_changed_stays(server: Server, tmp_path: Path, case: Case) -> None:
    run(server, case.have)
    async with desk(address(server), tmp_path) as at:
        family = case.verb.partition(".")[0]
        plan = await at.plan(case.verb, await at.rows(family, *case.rows, expected=case.expected), case.choice)
        assert plan.skipped == ()
        run(server, case.race)
        before = {key: server.call("DUMP", key) for key in server.call("KEYS", "*")}
        receipt = await at.do(plan)
    met = list(zip(receipt.outcomes, (receipt.notes.get(n, "") for n in range(len(plan.steps))), strict=True))
    assert met == list(case.met)
    assert set(server.call("KEYS", "*")) == case.left
    for key in case.left - {ACTIVE}:
        assert server.call("DUMP", key) == before[key]
    if ACTIVE in case.left and server.call("TYPE", ACTIVE) == b"set":
        out = {case.rows[0]} if DONE in receipt.outcomes and case.verb != "live_queries.remove" else set()
        listed = {member for member in (b"5", b"6", b"11", b"55", b"stray") if server.call("SISMEMBER", ACTIVE, member)}
        assert not listed & out
        assert server.call("SCARD", ACTIVE) == len(listed)
    assert receipt.saved == sum(outcome is DONE for outcome in receipt.outcomes)


EXPIRES = {
    "lock": ("locks.expire", LOCK, [("SET", LOCK, "t:0123456789ab")], [("SET", LOCK, "u:0123456789ab")], ANOTHER),
    "token": ("installer_tokens.expire", TOKEN, [("SET", TOKEN, "{}")], [("SET", TOKEN, "[]")], VALUE),
    "config": ("config_cache.expire", CONFIG, [("SET", CONFIG, "{}")], [("SET", CONFIG, "[]")], VALUE),
    "device": (
        "preassign.expire",
        DEVICE,
        [("HSET", DEVICE, "team", "a")],
        [("HSET", DEVICE, "team", "b")],
        VALUE,
    ),
    "counter": ("rate_limits.expire", LIMIT, [("SET", LIMIT, "7")], [("INCR", LIMIT)], ""),
}


@pytest.mark.parametrize("case", EXPIRES.values(), ids=EXPIRES)
async def test_an_expiry_is_given_to_what_was_seen_without_one(server: Server, tmp_path: Path, case: Any) -> None:
    verb, key, have, change, note = case
    races: list[tuple[list[Words], Outcome, str]] = [
        ([], DONE, ""),
        ([("PEXPIRE", key, 777_000)], CHANGED, EXPIRY),
        ([("DEL", key)], GONE, ""),
        (retyped(key), CHANGED, TYPE),
        (change, CHANGED if note else DONE, note),
    ]
    async with desk(address(server), tmp_path) as at:
        for race, outcome, said in races:
            server.call("DEL", key)
            run(server, have)
            plan = await at.plan(verb, await at.rows(verb.partition(".")[0], key), "60000")
            run(server, race)
            before, left = server.call("DUMP", key), server.call("PTTL", key)
            receipt = await at.do(plan)
            assert (receipt.outcomes[0], receipt.notes.get(0, "")) == (outcome, said)
            assert server.call("DUMP", key) == before
            if outcome is DONE:
                assert 50_000 < server.call("PTTL", key) <= 60_000
                assert (await at.undo(plan)).outcomes == (DONE,)
                assert server.call("PTTL", key) == -1
            else:
                assert left - 5000 < server.call("PTTL", key) <= max(left, -1) or left == -2


async def test_what_changed_before_the_plan_is_not_in_it(server: Server, tmp_path: Path) -> None:
    told = {
        "it is gone already": [("DEL", LOCK)],
        ANOTHER: held("web-2:0123456789ab"),
        "it is now a list, not a string": retyped(LOCK),
    }
    async with desk(address(server), tmp_path) as at:
        for reason, race in told.items():
            server.call("DEL", LOCK)
            run(server, held())
            rows = await at.rows("locks", LOCK)
            run(server, race)
            made = await at.try_plan("locks.release", rows)
            assert isinstance(made, Refusal)
            assert made.text == f"Nothing is left to do. Lock cron:vuln: {reason}."


FILLED: dict[str, list[Words]] = {
    "live_queries": [*RUNNING, ("SET", b"live_query:campaign:11:sql", "s"), ("SADD", b"live_query:odd", "x")],
    "locks": [*held(), ("SET", b"lock:b", "b"), ("SET", b"lock:c", "c", "PX", 70_000)],
    "preassign": [("HSET", DEVICE, "team", "a"), ("HSET", DEVICE + b"2", "team", "a")],
    "installer_tokens": [*text(TOKEN), *text(TOKEN + b"2")],
    "rate_limits": [*text(LIMIT, "1"), *text(LIMIT + b"8", "2")],
    "config_cache": [*text(CONFIG), *text(b"cache:team:1")],
}
FOREIGN = b"somebody's"


def rows_of(server: Server, family_id: str) -> list[bytes]:
    family = SPEC.family(family_id)
    position = SPEC.families.index(family)
    keys = [key for key in server.call("KEYS", "*") if SPEC.router(key) == position]
    return sorted({family.row_of(key) for key in keys})


@pytest.mark.parametrize("family", FILLED)
async def test_all_of_a_family_goes_but_what_came_or_changed_meanwhile(
    server: Server, tmp_path: Path, family: str
) -> None:
    for commands in FILLED.values():
        run(server, commands)
    server.call("SET", FOREIGN, "1")
    ids = rows_of(server, family)
    keys = {key for row in ids for key in SPEC.family(family).keys_of(row)} & set(server.call("KEYS", "*"))
    others = {key: server.call("DUMP", key) for key in set(server.call("KEYS", "*")) - keys}
    async with desk(address(server), tmp_path) as at:
        plan = await at.plan(f"{family}.flush", await at.rows(family, *ids))
        assert {step.draft.key for step in plan.steps} == keys
        assert (plan.strictness.value, plan.word) == ("type", f"bench {len(keys)}")
        changed = min(keys - {ACTIVE, HOSTS})
        run(server, retyped(changed))
        came = SPEC.family(family).prefixes[-1] + b"999"
        server.call("SET", came, "new")
        receipt = await at.do(plan)
        assert receipt.counts == {DONE: len(keys) - 1, CHANGED: 1}
        assert set(server.call("KEYS", "*")) == {changed, came, *others}
        assert {key: server.call("DUMP", key) for key in others} == others
        assert (await at.undo(plan)).counts == {DONE: len(keys) - 1}
    assert set(server.call("KEYS", "*")) == {*keys, came, *others}


@pytest.mark.parametrize("verb", ["cleanup-all", "unlist-all"])
async def test_campaigns_in_bulk(server: Server, tmp_path: Path, verb: str) -> None:
    run(server, RUNNING)
    run(server, [("SET", b"live_query:campaign:7:sql", "s"), ("SADD", ACTIVE, "8", "9", "x:y")])
    ids = [b"5", b"7", b"8", b"9", b"11", b"x:y", ACTIVE]
    async with desk(address(server), tmp_path) as at:
        plan = await at.plan(f"live_queries.{verb}", await at.rows("live_queries", *ids))
        server.call("SET", b"live_query:campaign:9:sql", "s")
        receipt = await at.do(plan)
        listed = {b"5", b"9"} if verb == "unlist-all" else {b"5", b"9", b"x:y"}
        assert {m for m in [*ids, b"1"] if server.call("SISMEMBER", ACTIVE, m)} == listed
        assert receipt.counts[CHANGED] == 1
        assert set(server.call("KEYS", "*")) >= {*WHOLE, ACTIVE, b"live_query:campaign:9:sql"}
        assert server.call("EXISTS", b"live_query:campaign:7:sql") == (verb == "unlist-all")
        # What was kept is not offered; every other member of the same set is.
        assert (await at.undo(plan)).counts == {DONE: receipt.counts[DONE]}
        assert isinstance(await at.try_undo(plan), Refusal)
    assert server.call("SMISMEMBER", ACTIVE, *ids[:6]) == [1, 0, 1, 1, 1, 1]
    assert server.call("EXISTS", b"live_query:campaign:7:sql") == 1


async def test_a_lock_goes_by_the_servers_own_command_where_it_has_one(server: Server, tmp_path: Path) -> None:
    run(server, held())
    async with desk(address(server), tmp_path) as at:
        plan = await at.plan("locks.release", await at.rows("locks", LOCK))
        server.call("CONFIG", "RESETSTAT")
        assert (await at.do(plan)).outcomes == (DONE,)
    calls = {name.removeprefix("cmdstat_"): facts["calls"] for name, facts in server.info("commandstats").items()}
    own = own_removal(server)
    assert (calls.get(own, 0), calls.get("eval", 0), calls.get("unlink", 0)) == ((1, 0, 0) if own else (0, 1, 1))
    assert "del" not in calls


async def test_the_active_set_goes_last(server: Server, tmp_path: Path) -> None:
    ids = [b"%d" % number for number in range(1, 121)]
    with redis.Redis(port=server.port, protocol=2) as client, client.pipeline(transaction=False) as pipe:
        pipe.sadd(ACTIVE, *ids)
        for name in ids:
            pipe.set(b"live_query:campaign:%b:sql" % name, b"s")
        pipe.execute()
    async with desk(address(server), tmp_path) as at:
        plan = await at.plan("live_queries.flush", await at.rows("live_queries", ACTIVE, *ids))
        assert plan.steps[-1].draft.key == ACTIVE
        at.tell = lambda progress: at.stop.set()
        receipt = await at.do(plan)
    assert receipt.outcomes[-1] is Outcome.CANCELLED
    assert 0 < receipt.counts[DONE] < 120
    assert server.call("SCARD", ACTIVE) == 120


async def test_production_asks_for_a_word_for_one_key(server: Server, tmp_path: Path) -> None:
    run(server, held())
    async with desk(address(server), tmp_path, environment="Production") as at:
        plan = await at.plan("locks.release", await at.rows("locks", LOCK))
        assert (plan.strictness.value, plan.word) == ("type", "bench 1")
        for typed in ("", "bench 1 ", "bench 2"):
            with pytest.raises(NotConfirmed):
                at.gate.confirm(plan, typed)
        assert (await at.do(plan)).outcomes == (DONE,)


async def test_stopping_a_campaign_asks_for_a_word(server: Server, tmp_path: Path) -> None:
    run(server, RUNNING)
    async with desk(address(server), tmp_path) as at:
        plan = await at.plan("live_queries.stop", await at.rows("live_queries", b"5"))
        assert (plan.strictness.value, plan.grave) == ("type", True)
        with pytest.raises(NotConfirmed, match="asks for less"):
            at.gate.confirm(replace(plan, strictness=Strictness.PRESS), "")
    assert server.call("EXISTS", SQL, HOSTS, ACTIVE) == 3
