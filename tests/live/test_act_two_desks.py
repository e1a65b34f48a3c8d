"""Two inspectors at the same target, and the whole database."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from fleetcache_gui.domain.plan import Outcome, Plan, Strictness
from fleetcache_gui.domain.verbs import Refusal, Scope
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.redis_io.act import plans
from fleetcache_gui.redis_io.act.gate import NotConfirmed
from fleetcache_gui.redis_io.audit import AuditLog, Entry
from tests.live.desk import Desk, desk
from tests.live.readers import ROWS, address, fill

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

DONE, GONE, CHANGED = Outcome.DONE, Outcome.GONE, Outcome.CHANGED
LOCKS = [b"lock:%d" % number for number in range(150)]


async def entries(log: AuditLog) -> list[Entry]:
    """All of it; a place where it does not hold together fails the test."""
    found = [entry async for entry in log.read()]
    assert all(isinstance(entry, Entry) for entry in found)
    return found  # type: ignore[return-value]


async def test_one_has_done_it_and_for_the_other_it_is_gone(server: Server, tmp_path: Path) -> None:
    audit = tmp_path / "audit.jsonl"
    chance = random.Random(3)
    async with desk(address(server), tmp_path) as one, desk(address(server), tmp_path) as other:
        one.log, other.log = AuditLog(audit), AuditLog(audit)  # type: ignore[assignment]
        for _ in range(5):
            for key in LOCKS:
                server.call("SET", key, "t:0123456789ab", "PX", 600_000)
            first = await one.plan("locks.release", await one.rows("locks", *LOCKS))
            chance.shuffle(LOCKS)
            second = await other.plan("locks.release", await other.rows("locks", *LOCKS))
            a, b = await asyncio.gather(one.do(first), other.do(second))
            assert server.call("DBSIZE") == 0
            met = [dict(zip((s.draft.key for s in r.plan.steps), r.outcomes, strict=True)) for r in (a, b)]
            for key in LOCKS:
                assert sorted(m[key].value for m in met) == [GONE.value, DONE.value], key
            # Each puts back what it took itself, and nothing else.
            taken = {key for key, outcome in met[0].items() if outcome is DONE}
            if taken:
                assert (await one.undo(first)).counts == {DONE: len(taken)}
            assert set(server.call("KEYS", "*")) == taken
            if len(taken) < len(LOCKS):
                assert (await other.undo(second)).counts == {DONE: len(LOCKS) - len(taken)}
            assert set(server.call("KEYS", "*")) == set(LOCKS)
        log = await entries(AuditLog(audit))
        assert await AuditLog(audit).unfinished() == []
    by_deed: dict[str, list[str]] = {}
    for entry in log:
        by_deed.setdefault(entry.deed, []).append(entry.event.removeprefix("undo-"))
    assert len(by_deed) >= 15
    for events in by_deed.values():
        assert (events[0], events[-1]) == ("intent", "outcome")
        assert set(events[1:-1]) == {"progress"}


async def flush(at: Desk, *, database: bool) -> Plan | Refusal:
    verbs = []
    for family in SPEC.families:
        verb = next((verb for verb in family.verbs if verb.scope is Scope.FAMILY), None)
        verbs.append((family, verb, await at.rows(family.id, *ROWS[family.id])))
    return await plans.for_flush(at.place, at.hands, verbs, database=database)


async def test_fleets_keys_go_and_come_back_and_strangers_stay(server: Server, tmp_path: Path) -> None:
    fill(server)
    server.call("SET", "other", "stranger")
    server.call("PERSIST", "cache:app_config")
    async with desk(address(server), tmp_path) as at:
        before = {key: server.call("DUMP", key) for key in server.call("KEYS", "*")}
        plan = await flush(at, database=False)
        assert isinstance(plan, Plan)
        assert (plan.strictness, plan.grave) == (Strictness.TYPE, True)
        able = {family.id for family in SPEC.families if any(verb.scope is Scope.FAMILY for verb in family.verbs)}
        keys = {key for key in before if SPEC.families[SPEC.router(key)].id in able}
        assert b"other" not in keys
        assert {step.draft.key for step in plan.steps} == keys
        receipt = await at.do(plan)
        assert receipt.counts == {DONE: len(keys) + 1}  # of the queue its two entries
        assert set(server.call("KEYS", "*")) == before.keys() - keys
        assert (await at.undo(plan)).counts == {DONE: len(keys) + 1}
    assert {key: server.call("DUMP", key) for key in server.call("KEYS", "*")} == before


async def test_the_whole_database_is_held_to_its_count(server: Server, tmp_path: Path) -> None:
    fill(server)
    server.call("SET", "other", "stranger")
    count = server.call("DBSIZE")
    async with desk(address(server), tmp_path) as at:
        plan = await flush(at, database=True)
        assert isinstance(plan, Plan)
        assert (plan.strictness, plan.count, plan.unsaved) == (Strictness.HOLD, count, count)
        assert plan.word == f"bench {count}"
        assert plan.way_back == "There is no way back: nothing of this can be put back."
        for number in range(101):
            server.call("SET", f"came:{number}", "1")
        receipt = await at.do(plan)
        assert receipt.outcomes == (CHANGED,)
        assert receipt.notes == {0: "it holds many more keys than previewed; nothing was flushed"}
        assert server.call("DBSIZE") == count + 101
        again = await flush(at, database=True)
        assert isinstance(again, Plan)
        for word in ("", f"bench {count}", f"bench {count + 101} "):
            with pytest.raises(NotConfirmed):
                at.gate.confirm(again, word)
        server.call("CONFIG", "RESETSTAT")
        assert (await at.do(again)).counts == {DONE: count + 101}
        assert isinstance(await at.try_undo(again), Refusal)
    assert server.call("DBSIZE") == 0
    assert server.info("commandstats")["cmdstat_flushdb"]["calls"] == 1


async def test_another_database_is_left_alone(server: Server, tmp_path: Path) -> None:
    fill(server)
    with_db = address(server, database=3)
    async with desk(with_db, tmp_path) as at:
        assert isinstance(await flush(at, database=True), Refusal)
        at_home = server.call("DBSIZE")
        server.call("COPY", "lock:cron:vuln", "lock:cron:vuln", "DB", 3)
        server.call("CLIENT", "KILL", "TYPE", "normal")
    async with desk(with_db, tmp_path) as at:
        plan = await flush(at, database=True)
        assert isinstance(plan, Plan)
        assert "database 3" in plan.steps[0].draft.what
        assert (await at.do(plan)).counts == {DONE: 1}
    assert server.call("DBSIZE") == at_home
