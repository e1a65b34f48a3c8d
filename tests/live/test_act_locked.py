"""A session that is locked sends nothing that writes, whatever is asked of it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from fleetcache_gui import aio
from fleetcache_gui.deeds import LOCKED, NEVER, Deeds, Mode
from fleetcache_gui.domain.plan import Plan
from fleetcache_gui.domain.verbs import Refusal, Scope
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.redis_io.act.gate import NotConfirmed
from fleetcache_gui.session import Session
from tests.live.readers import ROWS, address, fill
from tests.live.test_session import settled
from tests.monitor import Monitor
from tests.writes import WAYS_TO_WRITE, WRITES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path

    from PySide6.QtWidgets import QApplication

    from tests.servers import Server

    Eventually = Callable[..., Coroutine[Any, Any, None]]


@asynccontextmanager
async def at_work(
    server: Server, folder: Path, eventually: Eventually, **more: Any
) -> AsyncIterator[tuple[Session, Deeds]]:
    """A session that has read everything, and its deeds."""
    session = Session(address(server), SPEC, name="bench", environment="TEST", interval=0.5)
    deeds = Deeds(session, address(server), folder, **more)
    task = aio.spawn(session.run(), name="session")
    try:
        await eventually(lambda: settled(session))
        for family in SPEC.families:  # as pages do
            snapshot = session.snapshot(family.id)
            assert snapshot is not None
            list(session.table(family.id).update(snapshot))  # type: ignore[union-attr]
        yield session, deeds
    finally:
        await deeds.end()
        await aio.cancel_and_wait([task])
        session.deleteLater()


async def ask_for_everything(deeds: Deeds, why: str) -> int:
    """Every way in; how many there were."""
    asked = 0
    for family in SPEC.families:
        ids = list(ROWS[family.id])
        offers = [*deeds.offers(family.id, ids), *deeds.bulk(family.id)]
        assert all(offer.hindrance == Refusal(why) for offer in offers)
        for verb in family.verbs:
            asked += 1
            chosen = ids if verb.scope is Scope.ROWS else ()
            assert await deeds.plan(family.id, verb, chosen, "60000") == Refusal(why)
    for database in (False, True):
        assert await deeds.plan_flush(database=database) == Refusal(why)
    assert await deeds.plan_undo("a" * 32) == Refusal(why)
    return asked


def wrote(server: Server) -> set[str]:
    """What the server counted of ways to write."""
    calls = {name.removeprefix("cmdstat_") for name in server.info("commandstats")}
    calls -= {"config|resetstat", "config|get"}  # the counters were reset with the one
    return {name.partition("|")[0].upper() for name in calls} & WAYS_TO_WRITE


@pytest.mark.parametrize("never", [False, True], ids=["locked", "never"])
async def test_a_locked_session_sends_no_write(
    qapp: QApplication, server: Server, tmp_path: Path, eventually: Eventually, never: bool
) -> None:
    fill(server)
    before = {key: server.call("DUMP", key) for key in server.call("KEYS", "*")}
    with Monitor(server) as seen:
        server.call("CONFIG", "RESETSTAT")
        async with at_work(server, tmp_path, eventually, never=never) as (_, deeds):
            assert deeds.mode is (Mode.NEVER if never else Mode.LOCKED)
            if never:
                assert await deeds.unlock() == NEVER
            assert await ask_for_everything(deeds, NEVER if never else LOCKED) > 20
            assert await deeds.ways_back() == ()
            assert await deeds.unfinished() == ()
        assert seen.writes() == []
        assert wrote(server) == set()
    assert not (tmp_path / "audit.jsonl").exists() or (tmp_path / "audit.jsonl").read_bytes() == b""
    assert {key: server.call("DUMP", key) for key in before if key != b"cache:app_config"} == {
        key: dump for key, dump in before.items() if key != b"cache:app_config"
    }


async def test_locked_again_it_sends_no_write(
    qapp: QApplication, server: Server, tmp_path: Path, eventually: Eventually
) -> None:
    fill(server)
    async with at_work(server, tmp_path, eventually) as (session, deeds):
        assert await deeds.unlock() == ""
        release = next(verb for verb in SPEC.family("locks").verbs if verb.id == "locks.release")
        plan = await deeds.plan("locks", release, list(ROWS["locks"]))
        assert isinstance(plan, Plan)
        deeds.lock()
        assert deeds.mode is Mode.LOCKED
        with Monitor(server) as seen:
            server.call("CONFIG", "RESETSTAT")
            with pytest.raises(NotConfirmed, match=r"locked.*Nothing was done"):
                await deeds.execute(plan, plan.word)
            await ask_for_everything(deeds, LOCKED)
            session.refresh()
            assert seen.writes() == []
            assert wrote(server) == set()
    assert server.call("EXISTS", *ROWS["locks"]) == 1


def test_the_list_of_writes_knows_every_one(server: Server) -> None:
    told = server.call("COMMAND")
    if isinstance(told, dict):
        flagged = {name for name, facts in told.items() if "write" in facts["flags"]}
    else:
        flagged = {fact[0].decode() for fact in told if b"write" in fact[2]}
    assert len(flagged) > 80
    assert {name.upper() for name in flagged} <= WRITES
