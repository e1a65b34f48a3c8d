"""The session: what a window hears and may ask, over real servers."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import redis

from fleetcache_gui import aio
from fleetcache_gui.domain.family import Expected
from fleetcache_gui.domain.pages import Hit, KeyAbout
from fleetcache_gui.domain.snapshot import Phase
from fleetcache_gui.domain.values import Progress
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.present.long_table import LongTable
from fleetcache_gui.present.table import Table
from fleetcache_gui.redis_io.sweep import SUSPECTS_KEPT
from fleetcache_gui.redis_io.watch import LONG
from fleetcache_gui.session import Session
from tests.live.readers import address, assert_only_reads, begin_counting, inspectors
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from PySide6.QtWidgets import QApplication

    from tests.servers import Server

    Eventually = Callable[..., Coroutine[Any, Any, None]]

TOKEN = "api-1:0123456789abcdef"
KEY = b"lock:cron:vuln"
SECRET = "0c1f6e1e-0000-4000-8000-000000000000"


class Heard:
    """The signals of a session, in order."""

    def __init__(self, session: Session) -> None:
        self.signals: list[tuple[str, Any]] = []
        for name in ("link_changed", "vitals_changed", "inventory_changed", "family_changed", "happened"):
            getattr(session, name).connect(lambda what, name=name: self.signals.append((name, what)))
        session.findings_changed.connect(lambda: self.signals.append(("findings_changed", None)))

    def count(self, name: str) -> int:
        return sum(signal == name for signal, _ in self.signals)


@asynccontextmanager
async def running(server: Server, **more: Any) -> AsyncIterator[Session]:
    """A session at work, ended with the block."""
    session = Session(address(server), SPEC, interval=0.5, **more)
    task = aio.spawn(session.run(), name="session")
    try:
        yield session
    finally:
        await aio.cancel_and_wait([task])


def settled(session: Session) -> bool:
    """All families were read after a whole sweep."""
    snapshots = [session.snapshot(family.id) for family in SPEC.families]
    return all(snapshot is not None and snapshot.complete for snapshot in snapshots)


def texts(session: Session) -> list[str]:
    """What happened, oldest first."""
    return [event.text for event in reversed(session.events)]


def rows(session: Session, family: str) -> set[bytes]:
    snapshot = session.snapshot(family)
    return {row.id for row in snapshot.rows} if snapshot else set()


# ---- what it says -----------------------------------------------------------------------------------------


async def test_what_is_read_is_told_by_signals(qapp: QApplication, server: Server, eventually: Eventually) -> None:
    server.call("SET", KEY, TOKEN, "EX", 60)
    begin_counting(server)
    async with running(server, name="Main cache", environment="TEST") as session:
        heard = Heard(session)
        assert session.link.phase.value == "connecting"
        assert (session.name, session.environment, session.address) == (
            "Main cache",
            "TEST",
            f"127.0.0.1:{server.port}",
        )
        assert session.snapshot("locks") is None
        await eventually(lambda: settled(session) and session.link.phase is Phase.LIVE)
        assert rows(session, "locks") == {KEY}
        assert session.vitals is not None
        assert session.vitals.keys == 1
        assert session.history[-1].at == session.vitals.at
        assert session.inventory.finished_at is not None
        families = {what for name, what in heard.signals if name == "family_changed"}
        assert families == {family.id for family in SPEC.families}
        for name in ("link_changed", "vitals_changed", "inventory_changed"):
            assert heard.count(name)
        assert heard.count("happened") == 0  # what was there when it began is no event
        view = session.table("locks")
        assert isinstance(view, Table)
        assert session.table("locks") is view
    assert_only_reads(server)


async def test_a_session_nobody_can_reach(qapp: QApplication, eventually: Eventually) -> None:
    from fleetcache_gui.redis_io.address import Address

    session = Session(Address("127.0.0.1", free_port(), password="hunter2"), SPEC)
    task = aio.spawn(session.run(), name="session")
    await eventually(lambda: session.link.phase is Phase.DOWN)
    assert session.name == session.address
    assert "hunter2" not in repr((session.link, session.events, session.name))
    gone = await session.page(KEY, "string")
    assert gone.problem == "The server cannot be reached now."
    assert await session.about(KEY) == KeyAbout()
    assert await session.find("lock") == ()
    assert texts(session) == [session.link.text]
    await aio.cancel_and_wait([task])


async def test_an_error_of_its_own_is_not_hidden(qapp: QApplication, valkey: Server) -> None:
    session = Session(address(valkey), SPEC)
    session.fail(None)
    assert session.link.phase.value == "connecting"
    session.fail(ZeroDivisionError("hunter2"))
    assert session.link.phase is Phase.DOWN
    assert "ZeroDivisionError" in session.link.text
    assert session.link.advice == "Standard error has the details; start it again."
    assert "hunter2" not in repr((session.link, session.events))


# ---- what happens -----------------------------------------------------------------------------------------


async def test_events_are_what_changed_while_it_watched(
    qapp: QApplication, valkey: Server, eventually: Eventually
) -> None:
    async with running(valkey) as session:
        await eventually(lambda: settled(session))
        valkey.call("SET", KEY, TOKEN, "EX", 600)
        await eventually(lambda: session.events)
        valkey.call("SET", KEY, "api-2:0123456789abcdef", "EX", 600)
        await eventually(lambda: len(session.events) == 2)
        valkey.call("DEL", KEY)
        await eventually(lambda: len(session.events) == 3)
        taken, handed, released = texts(session)
        assert taken.startswith("Lock cron:vuln was taken by api-1 for 9 min 5")
        assert handed == "Lock cron:vuln changed hands: from api-1 to api-2."
        assert released.startswith("Lock cron:vuln of api-2 is gone; it had 9 min 5")
        event = session.events[0]
        assert (event.family, event.row) == ("locks", KEY)
        assert abs(event.wall - time.time()) < 5


async def test_a_campaign_runs_and_ends(qapp: QApplication, valkey: Server, eventually: Eventually) -> None:
    with redis.Redis(port=valkey.port) as client:
        async with running(valkey, expected=Expected(hosts=10)) as session:
            await eventually(lambda: settled(session))
            client.set("live_query:campaign:7:sql", "SELECT 1")
            client.sadd("live_query:active", 7)
            await eventually(lambda: b"7" in rows(session, "live_queries"))
            client.sadd("live_query:campaign:7:hosts_completed", *range(4))
            table = session.table("live_queries")

            def answered() -> object:
                snapshot = session.snapshot("live_queries")
                assert snapshot is not None
                found = {row.id: row for row in snapshot.rows}
                return found[b"7"].cells[2]

            await eventually(lambda: answered() == Progress(4, 10))
            client.srem("live_query:active", 7)
            client.delete("live_query:campaign:7:sql", "live_query:campaign:7:hosts_completed")
            await eventually(lambda: len(session.events) >= 2)
            assert texts(session)[0] == "Campaign 7 started: SELECT 1"
            assert texts(session)[-1].startswith("Campaign 7 finished: 4 hosts answered")
            assert session.findings == ()
            assert session.table("live_queries") is table


async def test_findings_open_and_close(qapp: QApplication, valkey: Server, eventually: Eventually) -> None:
    async with running(valkey) as session:
        heard = Heard(session)
        await eventually(lambda: settled(session))
        valkey.call("SET", KEY, TOKEN)
        valkey.call("SET", "lock:long", TOKEN, "EX", 100_000)
        await eventually(lambda: len(session.findings) == 2)
        severe, warning = session.findings
        assert (severe.judgement.code, severe.judgement.row) == ("lock.no-ttl", KEY)
        assert warning.judgement.code == "lock.long-ttl"
        opened = severe.since
        polls = len(session.history)
        await eventually(lambda: len(session.history) >= polls + 2)
        assert session.findings[0].since == opened
        told = heard.count("findings_changed")
        valkey.call("EXPIRE", KEY, 60)
        await eventually(lambda: len(session.findings) == 1)
        assert heard.count("findings_changed") == told + 1
        assert any(text.startswith("No longer: Lock cron:vuln") for text in texts(session))


# ---- servers that go --------------------------------------------------------------------------------------


async def test_a_restart_is_noticed_and_told(qapp: QApplication, valkey: Server, eventually: Eventually) -> None:
    valkey.call("SET", KEY, TOKEN)
    async with running(valkey) as session:
        await eventually(lambda: settled(session) and session.findings)
        valkey.kill()
        await eventually(lambda: session.link.phase is Phase.DOWN)
        assert rows(session, "locks") == {KEY}  # as last read
        assert session.findings
        assert (await session.page(KEY, "string")).problem
        valkey.restart()
        await eventually(lambda: session.link.phase is Phase.LIVE and settled(session) and not rows(session, "locks"))
        assert session.findings == ()
        told = texts(session)
        assert "was lost" in told[0] or "Nothing accepts connections" in told[0]
        assert any("answers again after" in text for text in told)
        assert "The server was restarted or replaced: what it held before may be gone." in told
        assert not any("released" in text for text in told)


async def test_another_connection_to_the_same_server_is_no_event(
    qapp: QApplication, valkey: Server, eventually: Eventually
) -> None:
    """What the new connection has not discovered yet has not gone; findings stay as old as they are."""
    with redis.Redis(port=valkey.port) as client:
        client.mset({f"lock:{n}": TOKEN for n in range(50)})
        client.mset({f"other:{n}": 1 for n in range(20_000)})
        async with running(valkey) as session:
            await eventually(lambda: settled(session) and len(session.findings) == 50)
            since = {finding.id: finding.since for finding in session.findings}
            counts: list[int] = []
            session.findings_changed.connect(lambda: counts.append(len(session.findings)))
            await eventually(lambda: session.history[-1].at - session.history[0].at > 1.1)
            valkey.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            polls = len(session.history)
            await eventually(lambda: len(session.history) >= polls + 3 and settled(session))
            assert texts(session) == []
            assert counts == []
            assert {finding.id: finding.since for finding in session.findings} == since


# ---- intents ----------------------------------------------------------------------------------------------


async def test_pause_hide_and_refresh(qapp: QApplication, valkey: Server, eventually: Eventually) -> None:
    async with running(valkey) as session:
        await eventually(lambda: settled(session) and session.link.phase is Phase.LIVE)
        session.pause()
        assert session.paused is True
        assert session.link.phase.value == "paused"
        session.set_visible(False)
        session.resume()
        assert not session.paused
        await asyncio.sleep(0.05)
        polls = len(session.history)
        session.refresh()
        await asyncio.sleep(0.7)
        assert len(session.history) == polls  # it is hidden still
        session.set_visible(True)
        await eventually(lambda: len(session.history) > polls and session.link.phase is Phase.LIVE)
        session.set_interval(60)
        assert session.interval == 60
        await eventually(lambda: len(session.history) > polls + 1)
        polls = len(session.history)
        session.refresh()
        await eventually(lambda: len(session.history) > polls)


async def test_a_retry_when_asked(qapp: QApplication, valkey: Server, eventually: Eventually) -> None:
    valkey.call("CONFIG", "SET", "requirepass", "x")
    async with running(valkey) as session:
        await eventually(lambda: session.link.phase is Phase.DOWN)
        assert session.link.next_try is None
        with redis.Redis(port=valkey.port, password="x") as client:
            client.config_set("requirepass", "")
        session.retry_now()
        await eventually(lambda: session.link.phase is Phase.LIVE)


async def test_values_and_facts_of_keys(qapp: QApplication, valkey: Server, eventually: Eventually) -> None:
    with redis.Redis(port=valkey.port) as client:
        client.rpush("list", *range(250))
    async with running(valkey) as session:
        await eventually(lambda: session.link.phase is Phase.LIVE)
        first = await session.page(b"list", "list")
        assert (len(first.items), first.total) == (100, 250)
        second = await session.page(b"list", "list", first.next)
        assert second.first == 100
        assert (await session.about(b"list")).memory
        valkey.kill()
        lost = await session.page(b"list", "list")
        assert lost.problem
        assert await session.about(b"list") == KeyAbout()


# ---- find, short families and long ------------------------------------------------------------------------


async def test_find_looks_into_all_families(qapp: QApplication, valkey: Server, eventually: Eventually) -> None:
    with redis.Redis(port=valkey.port) as client:
        client.set("live_query:campaign:7:sql", "SELECT * FROM vuln")
        client.sadd("live_query:active", 7)
        client.set(KEY, TOKEN, ex=600)
        client.set(f"sw:installer:token:{SECRET}", "{}", ex=600)
        client.set("other:vuln", "x")
        async with running(valkey) as session:
            await eventually(lambda: settled(session))
            hits = await session.find("VULN")
            assert hits == (
                Hit("live_queries", b"7", "Campaign 7", "running"),
                Hit("locks", KEY, "Lock cron:vuln", "held"),
                Hit("other", b"other:vuln", "other:vuln", "foreign"),
            )
            assert await session.find("vuln", limit=2) == hits[:2]
            assert await session.find("  ") == ()
            (token,) = await session.find(SECRET)
            assert (token.family, token.title) == ("installer_tokens", "Token 0c1f…")
            client.delete(KEY)
            await eventually(lambda: not rows(session, "locks"))
            assert await session.find("cron") == ()


async def test_find_looks_into_long_families(qapp: QApplication, valkey: Server, eventually: Eventually) -> None:
    with redis.Redis(port=valkey.port) as client:
        client.mset({f"other:{n:05}": 1 for n in range(LONG + 200)})
        async with running(valkey) as session:
            await eventually(lambda: settled(session) and isinstance(session.table("other"), LongTable))
            assert [hit.row for hit in await session.find("other:00007")] == [b"other:00007"]
            assert [hit.row for hit in await session.find("OTHER:02199")] == [b"other:02199"]
            assert len(await session.find("other", limit=7)) == 7
            client.set("other:newcomer", 1)
            client.delete("other:00007")

            async def rows_found(text: str) -> list[bytes]:
                return [hit.row for hit in await session.find(text)]

            async with asyncio.timeout(30):
                while await rows_found("newcomer") != [b"other:newcomer"] or await rows_found("other:00007"):
                    await asyncio.sleep(0.05)


async def test_a_long_family_reads_what_is_on_screen(
    qapp: QApplication, valkey: Server, eventually: Eventually
) -> None:
    with redis.Redis(port=valkey.port) as client, client.pipeline() as pipeline:
        for n in range(LONG + 100):
            pipeline.set(f"lock:{n:05}", TOKEN, ex=600)
        for n in range(300):
            pipeline.set(f"lock:for-ever:{n}", TOKEN)
        pipeline.execute()
    async with running(valkey) as session:
        await eventually(lambda: settled(session) and isinstance(session.table("locks"), LongTable))
        table = session.table("locks")
        snapshot = session.snapshot("locks")
        assert snapshot is not None
        for edit in table.update(snapshot):
            edit.apply()
        assert len(table) == LONG + 400
        position = table.position(b"lock:00099")
        assert table.row(position).cells[1] is None
        session.watch("locks", (b"lock:00099",))
        await eventually(lambda: b"lock:00099" in rows(session, "locks"))
        await eventually(lambda: any(f.judgement.code == "locks.many" for f in session.findings))
        many = next(f for f in session.findings if f.judgement.code == "locks.many")
        assert many.judgement.text == f"300 locks break the rule of this family; {SUSPECTS_KEPT} of them were read."
        assert sum(f.judgement.code == "lock.no-ttl" for f in session.findings) == SUSPECTS_KEPT


# ---- the end ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("turns", [0, 1, 3, 10, 40])
async def test_it_ends_at_any_moment(qapp: QApplication, valkey: Server, eventually: Eventually, turns: int) -> None:
    async with running(valkey):
        for _ in range(turns):
            await asyncio.sleep(0)
    await eventually(lambda: inspectors(valkey) == 0)
