"""Looking back, and the bundle: over a real server, and without it."""

from __future__ import annotations

import asyncio
import time
import zipfile
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QApplication

from fleetcache_gui import aio, incidents, shell
from fleetcache_gui.cache import InstallerTokens, Locks, connect
from fleetcache_gui.deeds import Deeds, Mode
from fleetcache_gui.demo import EmbeddedServer
from fleetcache_gui.domain.snapshot import Phase
from fleetcache_gui.families.layouts import PINNED
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.present import bundle
from fleetcache_gui.redis_io.address import parse_url
from fleetcache_gui.redis_io.journal import SUFFIX, parts
from fleetcache_gui.replay import Replay
from fleetcache_gui.session import Session
from fleetcache_gui.settings import Settings
from fleetcache_gui.ui.scrub_bar import ScrubBar
from fleetcache_gui.ui.since_page import SincePage
from fleetcache_gui.ui.theme import Theme
from fleetcache_gui.ui.window import MainWindow
from tests.ui.desk import choose

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path

    from redis.asyncio import Redis

    from fleetcache_gui.recording import FlightRecorder

    Eventually = Callable[..., Coroutine[None, None, None]]
    Watched = tuple[MainWindow, Session, FlightRecorder, Redis, Theme]


@asynccontextmanager
async def watched(
    folder: Path, *, journal: bool = False
) -> AsyncIterator[tuple[MainWindow, Session, FlightRecorder, Redis, Theme]]:
    """A window with its recorder on a server of its own."""
    async with EmbeddedServer() as server:
        address, theme = parse_url(server.url), Theme("light")
        session = Session(address, SPEC, name="cache", environment="STAGING", interval=0.5)
        client = connect(server.url)
        try:
            deeds = Deeds(session, address, folder)
            async with (
                shell.window(session, deeds, theme, Settings()) as window,
                incidents.recorded(
                    window, session, theme, Settings(journal=journal), folder / "recordings"
                ) as recorder,
            ):
                yield window, session, recorder, client, theme
        finally:
            await client.aclose()


def act(window: MainWindow, action: str) -> None:
    next(known for known in window.actions_table if known.id == action).trigger()


def other_window(window: MainWindow) -> MainWindow | None:
    found = (w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow) and w is not window)
    return next((w for w in found if w.isVisible()), None)


def titles(session: Session, family: str) -> set[str]:
    snapshot = session.snapshot(family)
    return {row.title for row in snapshot.rows} if snapshot else set()


async def test_a_moment_that_is_over_is_shown_again(qapp: QApplication, eventually: Eventually, tmp_path: Path) -> None:
    async with watched(tmp_path) as (window, session, recorder, client, _):
        locks = Locks(client, "api-1")
        lease = await locks.acquire("cron:vuln", 600)
        await eventually(lambda: "Lock cron:vuln" in titles(session, "locks"))
        then = time.time()
        await asyncio.sleep(0)
        await eventually(lambda: (tape := recorder.tape()) is not None and tape.moments[-1] > then)
        assert lease is not None
        assert await lease.release()
        await eventually(lambda: "Lock cron:vuln" not in titles(session, "locks"))
        gone = time.time()
        await eventually(lambda: (tape := recorder.tape()) is not None and tape.moments[-1] > gone)

        act(window, "look-back")
        await eventually(lambda: other_window(window) is not None)
        back = other_window(window)
        assert back is not None
        replay = back._session
        assert isinstance(replay, Replay)
        assert replay.link.phase is Phase.RECORDED
        assert replay.now() != session.now()
        assert titles(replay, "locks") == set()
        bar = back.findChild(ScrubBar)
        moments = replay.tape.moments
        bar.slider.setValue(min(n for n, moment in enumerate(moments) if moment > then))
        back.show_family("locks")
        assert titles(replay, "locks") == {"Lock cron:vuln"}
        assert back.page is not None
        left = back.page.view.model().index(0, SPEC.family("locks").column("left")).data()
        await asyncio.sleep(1.2)
        assert back.page.view.model().index(0, SPEC.family("locks").column("left")).data() == left, "time stands still"

        back.show_section("since")
        page = back.home.page("since")
        assert isinstance(page, SincePage)
        await eventually(lambda: [event for event in page.list.events if "cron:vuln" in event.text])

        assert back._deeds.mode is Mode.NEVER, "nothing can be changed from the past"
        assert back._session._poller.keyspace is None, "nothing is read either"
        assert session.link.phase is Phase.LIVE, "and the other window goes on"
        for wish in (replay.pause, replay.resume, replay.refresh, replay.retry_now):
            wish()
        assert replay.link.phase is Phase.RECORDED
        hindered = {action.id: action.hindrance() for action in back.actions_table}
        assert hindered["pause"] == hindered["refresh"] == "This is a recording: nothing is read."
        back.close()
        await eventually(lambda: other_window(window) is None)


async def test_it_plays(qapp: QApplication, eventually: Eventually, tmp_path: Path) -> None:
    async with watched(tmp_path) as (window, _, recorder, _, _):
        await eventually(lambda: (tape := recorder.tape()) is not None and len(tape.moments) >= 4)
        act(window, "look-back")
        await eventually(lambda: other_window(window) is not None)
        back = other_window(window)
        assert back is not None
        bar = back.findChild(ScrubBar)
        last = bar.slider.maximum()
        assert bar.slider.value() == last
        bar.play.click()
        assert bar.slider.value() == 0, "from the end it plays from the beginning"
        await eventually(lambda: bar.slider.value() == last and not bar.play.isChecked())
        bar.minute_back.click()
        assert bar.slider.value() == 0
        bar.on.click()
        assert bar.slider.value() == 1
        bar.minute_on.click()
        assert bar.slider.value() == last


async def test_a_bundle_is_opened_when_the_server_is_long_gone(
    qapp: QApplication, eventually: Eventually, tmp_path: Path
) -> None:
    path = tmp_path / "incident.zip"
    async with watched(tmp_path) as (window, session, recorder, client, _theme):
        token = await InstallerTokens(client).issue(1, 2)
        await eventually(lambda: titles(session, "installer_tokens"))
        seen = time.time()
        await eventually(lambda: (tape := recorder.tape()) is not None and tape.moments[-1] > seen)
        page_shown = window.current
        act(window, "bundle")
        await choose(window, path, eventually)
        await eventually(lambda: window.status.said.text().endswith("saved as incident.zip"))
        assert window.current == page_shown, "the pictures are not taken of the window that somebody looks at"
    with zipfile.ZipFile(path) as file:
        names = file.namelist()
        assert not [name for name in names if token.encode() in file.read(name)]
    assert {"manifest.json", "recording.jsonl", "timeline.csv", "findings.json", "metrics.json"} <= set(names)
    assert len([name for name in names if name.startswith("pictures/")]) == 1 + len(SPEC.families)

    manifest, tape = bundle.unpack(path, PINNED)
    assert (manifest.name, manifest.environment, manifest.layout) == ("cache", "STAGING", "spec")
    replay = Replay(tape, tape.history(), PINNED["spec"], name="cache (recorded)")
    showing = aio.spawn(incidents.review(replay, Theme("light")), name="review")
    try:
        await eventually(lambda: any(isinstance(w, MainWindow) and w.isVisible() for w in qapp.topLevelWidgets()))
        shown = next(w for w in qapp.topLevelWidgets() if isinstance(w, MainWindow) and w.isVisible())
        shown.show_family("installer_tokens")
        assert shown.page is not None
        assert len(shown.page.view.table) == 1
        assert token not in shown.page.view.table.row(0).title
    finally:
        await aio.cancel_and_wait([showing])


async def test_a_recording_on_disk_outlives_the_program(
    qapp: QApplication, eventually: Eventually, tmp_path: Path
) -> None:
    async with watched(tmp_path, journal=True) as (window, session, recorder, client, _):
        token = await InstallerTokens(client).issue(1, 2)
        await eventually(lambda: titles(session, "installer_tokens"))
        many = len(session.history)
        await eventually(lambda: len(session.history) > many + 1)
        (path,) = (tmp_path / "recordings").iterdir()
        assert path.stat().st_mode & 0o777 == 0o600
        torn = tmp_path / f"torn{SUFFIX}"
        torn.write_bytes(path.read_bytes())  # as it stands if the program died now
        manifest, tape = bundle.of_journal(torn.name, parts(torn), PINNED)
        assert (manifest.name, manifest.layout) == ("cache", "spec")
        assert tape.frame(len(tape.moments) - 1).snapshots["installer_tokens"].rows
        assert token.encode() not in b"".join(parts(torn))

        assert recorder.kept
        act(window, "journal.off")
        assert window.status.said.text() == "It is kept in memory only."
        size = path.stat().st_size
        seen = len(session.history)
        await eventually(lambda: len(session.history) > seen + 1)
        assert path.stat().st_size == size
        assert not recorder.kept


async def test_a_disk_that_takes_nothing_is_told_once(
    qapp: QApplication, eventually: Eventually, tmp_path: Path
) -> None:
    (tmp_path / "recordings").write_text("in the way of the folder")
    async with watched(tmp_path, journal=True) as (window, session, recorder, _, _):
        await eventually(lambda: window.status.said.text().startswith("The recording is no longer kept on disk: "))
        assert not recorder.kept
        await eventually(lambda: (tape := recorder.tape()) is not None and len(tape.moments) > 2)
        assert session.link.phase is Phase.LIVE
