"""Deeds: what a window may ask of everything that changes a server, over real servers."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from fleetcache_gui import aio, clock
from fleetcache_gui.deeds import LOCKED, NEVER, Deeds, Mode
from fleetcache_gui.domain.plan import NotConfirmed, Outcome, Plan, Strictness
from fleetcache_gui.domain.verbs import Refusal
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.redis_io.undo import Limits
from fleetcache_gui.session import Session
from tests.live.readers import ROWS, TOKEN, address, fill
from tests.live.test_session import settled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path

    from PySide6.QtWidgets import QApplication

    from fleetcache_gui.domain.family import Verb
    from tests.servers import Server

    Eventually = Callable[..., Coroutine[Any, Any, None]]

LOCK = b"lock:cron:vuln"


def verb(verb_id: str) -> Verb:
    return next(v for v in SPEC.family(verb_id.partition(".")[0]).verbs if v.id == verb_id)


@asynccontextmanager
async def at_work(
    server: Server, folder: Path, eventually: Eventually, *, environment: str = "TEST", **more: Any
) -> AsyncIterator[tuple[Session, Deeds]]:
    """A session that has read everything, and its deeds."""
    session = Session(address(server), SPEC, name="bench", environment=environment, interval=0.5)
    deeds = Deeds(session, address(server), folder, **more)
    task = aio.spawn(session.run(), name="session")
    try:
        await eventually(lambda: settled(session))
        yield session, deeds
    finally:
        await deeds.end()
        await aio.cancel_and_wait([task])
        session.deleteLater()


async def planned(deeds: Deeds, verb_id: str, *row_ids: bytes, choice: str = "") -> Plan:
    made = await deeds.plan(verb_id.partition(".")[0], verb(verb_id), row_ids, choice)
    assert isinstance(made, Plan), made
    return made


async def test_a_lock_is_released_and_put_back(
    qapp: QApplication, server: Server, tmp_path: Path, eventually: Eventually
) -> None:
    fill(server)
    async with at_work(server, tmp_path, eventually) as (session, deeds):
        heard: list[str] = []
        for name in ("changed", "progressed", "finished"):
            getattr(deeds, name).connect(lambda *_, name=name: heard.append(name))
        assert deeds.mode is Mode.LOCKED
        assert [offer.hindrance for offer in deeds.offers("locks", [LOCK])] == [Refusal(LOCKED)]
        assert await deeds.unlock() == ""
        assert deeds.mode is Mode.UNLOCKED
        assert 0 < deeds.left(clock.now()) <= 15 * 60
        (offer,) = deeds.offers("locks", [LOCK])
        assert (offer.verb.id, offer.hindrance) == ("locks.release", None)
        plan = await planned(deeds, "locks.release", LOCK)
        assert (plan.title, plan.button, plan.strictness) == (
            "Release lock cron:vuln",
            "Release lock",
            Strictness.PRESS,
        )
        receipt = await deeds.execute(plan)
        assert receipt.counts == {Outcome.DONE: 1}
        assert server.call("EXISTS", LOCK) == 0
        await eventually(lambda: not session.snapshot("locks").rows)
        assert session.events[0].text.startswith(("Release lock cron:vuln: 1 done", "Lock cron:vuln"))
        assert {"changed", "progressed", "finished"} <= set(heard)
        assert deeds.receipts == (receipt,)
        (way,) = await deeds.ways_back()
        assert (way.title, way.count, way.hindrance) == ("Release lock cron:vuln", 1, "")
        undo = await deeds.plan_undo(way.deed)
        assert isinstance(undo, Plan)
        assert (await deeds.execute(undo)).counts == {Outcome.DONE: 1}
        assert server.call("GET", LOCK) == TOKEN.encode()
        assert 0 < server.call("PTTL", LOCK) <= 60_000
        assert await deeds.ways_back() == ()
        assert isinstance(await deeds.plan_undo(way.deed), Refusal)
        assert deeds.audit.broken == ""
        assert [entry.event for entry in await deeds.audit.entries(None, 100)] == [
            *("undo-outcome", "progress", "undo-intent"),
            *("outcome", "progress", "intent"),
        ]
        assert await deeds.unfinished() == ()


async def test_nothing_of_a_value_or_a_key_is_put_on_record(
    qapp: QApplication, valkey: Server, tmp_path: Path, eventually: Eventually
) -> None:
    fill(valkey)
    token = next(iter(ROWS["installer_tokens"]))
    async with at_work(valkey, tmp_path, eventually) as (_, deeds):
        await deeds.unlock()
        plan = await planned(deeds, "installer_tokens.remove", token)
        assert "0c1f6e1e-0000" not in f"{plan}{plan.title}"
        await deeds.execute(plan)
        await deeds.audit.export(tmp_path / "audit.json")
    assert valkey.call("EXISTS", token) == 0
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert b"0c1f6e1e-0000" not in path.read_bytes()
    assert json.loads((tmp_path / "audit.json").read_text())


async def test_everything_is_refused_while_locked(
    qapp: QApplication, valkey: Server, tmp_path: Path, eventually: Eventually
) -> None:
    fill(valkey)
    async with at_work(valkey, tmp_path, eventually) as (_, deeds):
        assert await deeds.plan("locks", verb("locks.release"), [LOCK]) == Refusal(LOCKED)
        await deeds.unlock()
        plan = await planned(deeds, "locks.release", LOCK)
        deeds.lock()
        with pytest.raises(NotConfirmed):
            await deeds.execute(plan)
        assert await deeds.plan_flush(database=True) == Refusal(LOCKED)
        assert valkey.call("EXISTS", LOCK) == 1
    async with at_work(valkey, tmp_path, eventually, never=True) as (_, deeds):
        assert deeds.mode is Mode.NEVER
        assert await deeds.unlock() == NEVER
        assert all(offer.hindrance == Refusal(NEVER) for offer in deeds.bulk("locks"))


async def test_production_asks_for_a_word_twice(
    qapp: QApplication, valkey: Server, tmp_path: Path, eventually: Eventually
) -> None:
    fill(valkey)
    async with at_work(valkey, tmp_path, eventually, environment="PRODUCTION") as (_, deeds):
        word = deeds.unlock_word
        assert word.startswith("bench ")
        assert "Type" in await deeds.unlock("bench")
        assert deeds.mode is Mode.LOCKED
        assert await deeds.unlock(word) == ""
        plan = await planned(deeds, "locks.release", LOCK)
        assert (plan.strictness, plan.word) == (Strictness.TYPE, "bench 1")
        with pytest.raises(NotConfirmed):
            await deeds.execute(plan, "bench")
        assert (await deeds.execute(plan, "bench 1")).counts == {Outcome.DONE: 1}


async def test_all_of_fleet_goes_and_strangers_stay(
    qapp: QApplication, server: Server, tmp_path: Path, eventually: Eventually
) -> None:
    fill(server)
    async with at_work(server, tmp_path, eventually) as (_, deeds):
        await deeds.unlock()
        plan = await deeds.plan_flush(database=False)
        assert isinstance(plan, Plan)
        assert plan.strictness is Strictness.TYPE
        assert ("Locks", 1) in [(title, keys) for title, keys, _ in plan.counts]
        receipt = await deeds.execute(plan, plan.word)
        assert set(receipt.counts) == {Outcome.DONE}
        assert server.call("KEYS", "*") == [b"other"]


async def test_the_database_is_flushed_after_a_rehearsal(
    qapp: QApplication, server: Server, tmp_path: Path, eventually: Eventually
) -> None:
    fill(server)
    async with at_work(server, tmp_path, eventually) as (_, deeds):
        await deeds.unlock()
        plan = await deeds.plan_flush(database=True)
        assert isinstance(plan, Plan)
        assert plan.strictness is Strictness.HOLD
        assert plan.strangers == ("other",)
        assert plan.count == server.call("DBSIZE")
        assert "no way back" in plan.way_back
        receipt = await deeds.execute(plan, plan.word)
        assert receipt.counts == {Outcome.DONE: plan.count}
        assert server.call("DBSIZE") == 0


async def test_a_plan_for_another_server_is_not_made(
    qapp: QApplication, valkey: Server, tmp_path: Path, eventually: Eventually
) -> None:
    """The rows on screen came from a server that has been replaced since."""
    fill(valkey)
    async with at_work(valkey, tmp_path, eventually) as (session, deeds):
        await deeds.unlock()
        session.pause()
        valkey.restart()
        fill(valkey)
        made = await deeds.plan("locks", verb("locks.release"), [LOCK])
        assert isinstance(made, Refusal)
        assert valkey.call("EXISTS", LOCK) == 1


async def test_what_does_not_fit_into_the_bin_has_no_way_back(
    qapp: QApplication, valkey: Server, tmp_path: Path, eventually: Eventually
) -> None:
    for i in range(1, 21):
        valkey.call("SET", f"cache:team:{i}", b"x" * 1000, "EX", 60)
    async with at_work(valkey, tmp_path, eventually) as (session, deeds):
        deeds.limits = Limits(deed_bytes=10_000)
        await deeds.unlock()
        made = await deeds.plan("config_cache", verb("config_cache.flush"))
        assert isinstance(made, Plan)
        assert 0 < made.unsaved < 20
        assert "no way back" in made.way_back
        receipt = await deeds.execute(made, made.word)
        assert receipt.count(Outcome.DONE) >= made.unsaved
        assert receipt.count(Outcome.DONE) + receipt.count(Outcome.CHANGED) == 20
        undo = await deeds.plan_undo(made.id)
        assert isinstance(undo, Plan)
        await deeds.execute(undo, undo.word)
        assert valkey.call("DBSIZE") == 20 - made.unsaved
        await eventually(lambda: len(session.row_ids("config_cache")) == 20 - made.unsaved)
        deeds.limits = Limits(age=3 * 3600.0)
        again = await deeds.plan("config_cache", verb("config_cache.flush"))
        assert isinstance(again, Plan)
        assert again.unsaved == 0, "the bin that is open already has other limits now"
        assert "3 hours" in again.way_back


async def test_while_the_server_is_looked_at_anew_for_a_plan_nothing_is_hindered(
    qapp: QApplication, valkey: Server, tmp_path: Path, eventually: Eventually
) -> None:
    """It was told to be a replica for that moment."""
    fill(valkey)
    async with at_work(valkey, tmp_path, eventually) as (_, deeds):
        assert await deeds.unlock() == ""
        planning, said = aio.spawn(planned(deeds, "locks.release", LOCK), name="plan"), set()
        while not planning.done():
            said.add(deeds.hindrance())
            await asyncio.sleep(0)
        assert isinstance(await planning, Plan)
        assert said == {""}
