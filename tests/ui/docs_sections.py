"""Pictures of the overview's sections, and of a drill, on the demo's own server. See `docs_pictures`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QApplication

from fleetcache_gui import aio, app, incidents, shell
from fleetcache_gui.deeds import Deeds
from fleetcache_gui.demo import RATE_LIMITS, EmbeddedServer, SimulatedFleet
from fleetcache_gui.demo.drills import DRILLS, Stage
from fleetcache_gui.domain.family import Expected
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.families.spec.host_queue import KEY as QUEUE
from fleetcache_gui.redis_io.address import parse_url
from fleetcache_gui.replay import Replay
from fleetcache_gui.session import Session
from fleetcache_gui.settings import Settings
from fleetcache_gui.ui.scrub_bar import ScrubBar
from fleetcache_gui.ui.sizing_page import SizingPage
from fleetcache_gui.ui.theme import Theme
from fleetcache_gui.ui.window import MainWindow
from tests.ui.docs_metrics import take

if TYPE_CHECKING:
    from pathlib import Path

    from fleetcache_gui.ui.drill_play import DrillPlay

SEEN = 75.0
"""Seconds that the timeline and the theatre show."""


async def sections(folder: Path, kept: Path) -> None:
    """Timeline, lock theatre, sizing, then a drill: its page, and what the presenter's bar shows beneath a tab."""
    async with (
        EmbeddedServer() as source,
        Stage(source, lambda: SimulatedFleet(source.url, queue="stream"), DRILLS) as stage,
    ):
        address = parse_url(source.url)
        session = Session(
            address, SPEC, name="Demo fleet", environment="DEMO", expected=Expected(5000, RATE_LIMITS), interval=1.0
        )
        theme = Theme("dark")
        async with (
            shell.window(session, Deeds(session, address, kept), theme, Settings(theme="dark")) as window,
            incidents.recorded(window, session, theme, Settings(), kept / "recordings") as recorder,
        ):
            window.resize(1280, 800)
            offered = await app.offer_drills(window, session, theme, stage)
            assert offered is not None
            play, bar = offered
            await asyncio.sleep(SEEN)
            for name in ("timeline", "locks"):
                window.show_section(name)
                await take(window, theme, folder, "lock-theatre" if name == "locks" else name)
            running = (row for row in session.snapshot("live_queries").rows if row.state.word == "running")  # type: ignore[union-attr]
            most = max(running, key=lambda row: len(row.samples))
            for name, family, row_id in (("campaign", "live_queries", most.id), ("queue", "host_queue", QUEUE)):
                window.jump(family, row_id)
                window.desk.look_closer(window.page, row_id)
                await asyncio.sleep(1.5)
                await take(window, theme, folder, f"lens-{name}")
                window.desk.lens_sheet.close_up()
            tape = recorder.tape()
            assert tape is not None
            replay = Replay(tape, tape.history(), SPEC, name=session.name, environment=session.environment)
            looking = aio.spawn(incidents.review(replay, theme), name="look back")
            while (back := _other(window)) is None:
                await asyncio.sleep(0.05)
            back.resize(1280, 800)
            bar_ = back.findChild(ScrubBar)
            bar_.slider.setValue(bar_.slider.maximum() // 2)
            back.show_section("since")
            await take(back, theme, folder, "look-back")
            back.close()
            await looking
            window.show_section("sizing")
            page = window.home.page("sizing")
            assert isinstance(page, SizingPage)
            for quantity, value in zip(page.quantities, (80_000, 60, 90, 1_500_000, 4_000), strict=True):
                quantity.field.setValue(value)
            await take(window, theme, folder, "sizing")
            window.show_section("drills")
            play.choose(next(lesson for lesson in play.lessons if lesson.name == "gc-pause"))
            play.speed = 2.0
            for _ in range(3):
                await _step(play)
            await asyncio.sleep(1.5)
            await take(window, theme, folder, "drill")
            bar.show()
            window.show_family("locks")
            await take(window, theme, folder, "presenter")
            play.reset()
            await _done(play)


def _other(window: MainWindow) -> MainWindow | None:
    found = (w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow) and w is not window)
    return next((w for w in found if w.isVisible()), None)


async def _step(play: DrillPlay) -> None:
    play.go()
    await _done(play)


async def _done(play: DrillPlay) -> None:
    while play.busy:
        await asyncio.sleep(0.05)
