"""The real window over a real server with a simulated Fleet on it: what a person would see happen, happens."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt

from fleetcache_gui import aio, app, clock, shell
from fleetcache_gui.cache import LiveQueries, Locks, connect
from fleetcache_gui.deeds import Deeds
from fleetcache_gui.demo import RATE_LIMITS, EmbeddedServer, SimulatedFleet
from fleetcache_gui.domain.family import Expected
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.redis_io.address import parse_url
from fleetcache_gui.session import Session
from fleetcache_gui.settings import Settings, load
from fleetcache_gui.ui.theme import Theme
from fleetcache_gui.ui.window import MainWindow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from PySide6.QtWidgets import QApplication
    from pytestqt.qtbot import QtBot
    from redis.asyncio import Redis

    from fleetcache_gui.ui.family_page import FamilyPage

    Eventually = Callable[..., Coroutine[None, None, None]]


class Stage:
    """A window on a server of its own, and a client to be Fleet with."""

    def __init__(self, server: EmbeddedServer, session: Session, window: MainWindow, client: Redis) -> None:
        self.server, self.session, self.window, self.client = server, session, window, client

    def page(self, family_id: str) -> FamilyPage:
        """The family's page, shown."""
        self.window.show_family(family_id)
        page = self.window.page
        assert page is not None
        return page

    def cell(self, family_id: str, title: str, column: str) -> str:
        """What stands on screen in the row of that title; empty when there is no such row."""
        model = self.page(family_id).view.model()
        family = SPEC.family(family_id)
        for position in range(model.rowCount()):
            if model.table.row(position).title == title:
                return str(model.index(position, family.column(column)).data(Qt.ItemDataRole.DisplayRole))
        return ""


@asynccontextmanager
async def staged(*, interval: float = 0.5) -> AsyncIterator[Stage]:
    async with EmbeddedServer() as server:
        address = parse_url(server.url)
        session = Session(address, SPEC, expected=Expected(100, RATE_LIMITS), interval=interval)
        client = connect(server.url)
        try:
            with TemporaryDirectory() as folder:
                deeds = Deeds(session, address, Path(folder))
                async with shell.window(session, deeds, Theme("dark"), Settings()) as window:
                    window.resize(1280, 800)
                    yield Stage(server, session, window, client)
        finally:
            await client.aclose()


async def test_a_lock_changes_hands_on_screen(qtbot: QtBot, eventually: Eventually) -> None:
    async with staged() as stage:
        one, two = Locks(stage.client, "api-1"), Locks(stage.client, "api-2")
        lock = await one.acquire("cron:vuln", 30.0)
        assert lock is not None
        assert await two.acquire("cron:vuln", 30.0) is None
        await eventually(lambda: stage.cell("locks", "Lock cron:vuln", "holder") == "api-1")
        assert await lock.release()
        assert await two.acquire("cron:vuln", 30.0) is not None
        await eventually(lambda: stage.cell("locks", "Lock cron:vuln", "holder") == "api-2")
        texts = [event.text for event in stage.session.events]
        assert any("changed hands: from api-1 to api-2" in text for text in texts) or (
            any("of api-1 is gone" in text for text in texts) and any("was taken by api-2" in text for text in texts)
        )


async def test_a_countdown_ticks_while_nothing_is_sent(qtbot: QtBot, eventually: Eventually) -> None:
    async with staged() as stage:
        await stage.client.set("lock:cron:vuln", "api-1:0123456789abcdef", px=90_000)
        await eventually(lambda: stage.cell("locks", "Lock cron:vuln", "left") != "")
        await eventually(lambda: stage.page("locks").detail._value.page is not None)  # the first row is explained
        stage.session.pause()
        # One exchange may still be on its way; after it the server hears nothing from the window any more.
        await asyncio.sleep(0.2)
        sent = await _commands(stage.client)
        seen = {stage.cell("locks", "Lock cron:vuln", "left")}
        deadline = clock.now() + 10
        while len(seen) < 3 and clock.now() < deadline:
            await asyncio.sleep(0.1)
            seen.add(stage.cell("locks", "Lock cron:vuln", "left"))
        assert len(seen) >= 3, seen
        assert all(value.startswith("1:") for value in seen), seen
        assert await _commands(stage.client) == sent + 1  # this INFO is the one command since


async def test_a_campaign_progresses_and_finishes(qtbot: QtBot, eventually: Eventually) -> None:
    async with staged() as stage:
        queries = LiveQueries(stage.client)
        await queries.start(41, "SELECT * FROM osquery_info")
        await eventually(lambda: stage.cell("live_queries", "Campaign 41", "state") != "")
        await queries.complete_hosts(41, range(1, 61))
        await eventually(lambda: stage.cell("live_queries", "Campaign 41", "answered").startswith("60"))
        assert stage.cell("live_queries", "Campaign 41", "query") == "SELECT * FROM osquery_info"
        await queries.finish(41)
        await eventually(lambda: stage.cell("live_queries", "Campaign 41", "state") == "")
        texts = [event.text for event in stage.session.events]
        assert any("Campaign 41 finished" in text for text in texts), texts


async def test_the_whole_fleet_shows_in_every_tab(qtbot: QtBot, eventually: Eventually) -> None:
    async with staged() as stage:
        fleet = SimulatedFleet(stage.server.url, hosts=500, speed=5.0)
        working = aio.spawn(fleet.run(), name="fleet")
        try:
            for family in SPEC.families:
                page = stage.page(family.id)
                await eventually(lambda page=page: page.view.model().rowCount() > 0, timeout=60)
            await eventually(lambda: stage.session.findings)
        finally:
            await aio.cancel_and_wait([working])


async def test_the_server_goes_away_and_comes_back_empty(qtbot: QtBot, eventually: Eventually) -> None:
    async with staged() as stage:
        await stage.client.set("lock:cron:vuln", "api-1:0123456789abcdef", px=90_000)
        await eventually(lambda: stage.cell("locks", "Lock cron:vuln", "holder") == "api-1")
        await stage.client.aclose()
        stage.server._end_process()
        await eventually(lambda: stage.window.banner.isVisible())
        assert stage.cell("locks", "Lock cron:vuln", "holder") == "api-1"  # the last data stays
        again = EmbeddedServer()
        port = stage.server.port
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("fleetcache_gui.demo.server._free_port", lambda: port)
                await again.__aenter__()
            stage.session.retry_now()
            await eventually(lambda: not stage.window.banner.isVisible())
            await eventually(lambda: stage.cell("locks", "Lock cron:vuln", "holder") == "")
            assert any("restarted or replaced" in event.text for event in stage.session.events)
        finally:
            await again.__aexit__(None, None, None)


async def test_hidden_means_silent(qtbot: QtBot, eventually: Eventually) -> None:
    async with staged() as stage:
        await eventually(lambda: stage.session.vitals is not None)
        stage.window.hide()
        await asyncio.sleep(0.2)
        sent = await _commands(stage.client)
        await asyncio.sleep(1.5)
        assert await _commands(stage.client) == sent + 1


async def test_nothing_but_reads_reaches_the_server(qtbot: QtBot, eventually: Eventually) -> None:
    async with staged() as stage:
        await stage.client.set("lock:cron:vuln", "api-1:0123456789abcdef", px=90_000)
        await stage.client.sadd("live_query:campaign:7:hosts_completed", "1", "2")
        await stage.client.rpush("async_host:detail", "{}")
        await stage.client.set("sw:installer:token:0c1f2d3e-0000-4000-8000-000000000000", "{}", px=60_000)
        filled = {"locks", "live_queries", "host_queue", "installer_tokens"}
        await stage.client.config_resetstat()
        for family in SPEC.families:
            page = stage.page(family.id)
            if family.id in filled:
                await eventually(lambda page=page: page.view.model().rowCount() > 0)
                stage.window.jump(family.id, page.view.model().table.id_at(0))
            await aio.emitted(stage.session.vitals_changed)
        stats = await stage.client.info("commandstats")
        called = {name.removeprefix("cmdstat_").split("|")[0] for name in stats}
        assert called <= {name.decode().lower() for name in READ_COMMANDS} | {"config"}, called


READ_COMMANDS = (
    *(b"PING", b"TIME", b"INFO", b"DBSIZE", b"SCAN", b"TYPE", b"PTTL", b"PEXPIRETIME", b"GETRANGE", b"STRLEN"),
    *(b"LLEN", b"LINDEX", b"LRANGE", b"SCARD", b"SSCAN", b"HLEN", b"HMGET", b"HSTRLEN", b"HSCAN", b"ZCARD"),
    *(b"ZRANGE", b"XLEN", b"XRANGE", b"XINFO", b"XPENDING", b"OBJECT", b"MEMORY", b"CLIENT", b"SLOWLOG"),
)


async def _commands(client: Redis) -> int:
    return int((await client.info("stats"))["total_commands_processed"])


async def test_what_is_kept_is_remembered_from_window_to_window(
    qapp: QApplication, eventually: Eventually, tmp_path: Path
) -> None:
    path = tmp_path / "settings.json"
    async with EmbeddedServer() as server:
        address = parse_url(server.url)
        session = Session(address, SPEC)
        deeds = Deeds(session, address, tmp_path)
        watching = aio.spawn(app.watch(session, deeds, path), name="watch")
        await eventually(lambda: any(isinstance(each, MainWindow) for each in qapp.topLevelWidgets()))
        deeds.limits = replace(deeds.limits, age=3600.0)
        next(each for each in qapp.topLevelWidgets() if isinstance(each, MainWindow)).close()
        await watching
        session = Session(address, SPEC)
        deeds = Deeds(session, address, tmp_path)
        async with shell.window(session, deeds, Theme("dark"), load(path)):
            assert deeds.limits.age == 3600.0
