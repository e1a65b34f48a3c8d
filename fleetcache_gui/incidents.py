"""What a window keeps of the past: the flight recorder, the way back into it, and the bundle for others."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QBuffer, QIODevice

from fleetcache_gui import aio, settings
from fleetcache_gui.deeds import Deeds
from fleetcache_gui.domain.words import count
from fleetcache_gui.present.frames import BadRecording
from fleetcache_gui.recording import FlightRecorder, manifest
from fleetcache_gui.redis_io.aside import aside
from fleetcache_gui.replay import NOWHERE, Replay
from fleetcache_gui.shell import PICTURE_SIZE, window
from fleetcache_gui.ui.actions import Action
from fleetcache_gui.ui.window import MainWindow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path

    from fleetcache_gui.present.recorder import Tape
    from fleetcache_gui.session import Session
    from fleetcache_gui.ui.theme import Theme

BACK = "Ctrl+B"
JOURNALS = "recordings"
"""The folder of recordings, in that of this user's data."""


@asynccontextmanager
async def recorded(
    shown: MainWindow, session: Session, theme: Theme, remembered: settings.Settings, folder: Path
) -> AsyncIterator[FlightRecorder]:
    """A flight recorder beside a window, with the actions that use it. `folder`: of what is kept on disk, if wanted."""
    recorder = FlightRecorder(session, folder)
    recorder.failed.connect(shown.status.say)
    recorder.keep(journal=remembered.journal)
    tasks: set[asyncio.Task[None]] = set()

    def start(what: Callable[[Tape], Coroutine[Any, Any, None]], name: str) -> None:
        tape = recorder.tape()
        if tape is not None and not any(task.get_name() == name and not task.done() for task in tasks):
            tasks.add(aio.spawn(what(tape), name=name))

    async def look_back(tape: Tape) -> None:
        shown.status.say("The recording is being read …")
        history = await aside(tape.history)
        shown.status.say("")
        await review(Replay(tape, history, session.layout, name=session.name, environment=session.environment), theme)

    async def save(tape: Tape) -> None:
        await save_bundle(shown, session, tape, theme)

    def hindrance() -> str:
        return "" if recorder.size else "Nothing was read yet."

    def keep(*, journal: bool) -> None:
        remembered.journal = journal
        recorder.keep(journal=journal)
        shown.status.say(f"The recording is kept in {folder} from now on." if journal else "It is kept in memory only.")

    shown.offer(
        Action(
            "look-back", "Look back: the flight recorder", partial(start, look_back, "look back"), (BACK,), hindrance
        ),
        Action("bundle", "Save an incident bundle…", partial(start, save, "incident bundle"), (), hindrance),
        Action(
            "journal.on",
            "Keep the recording on disk, so that it outlives a crash",
            partial(keep, journal=True),
            hindrance=lambda: "It is kept on disk." if recorder.kept else "",
        ),
        Action(
            "journal.off",
            "Keep the recording in memory only",
            partial(keep, journal=False),
            hindrance=lambda: "" if recorder.kept else "It is kept in memory only.",
        ),
    )
    try:
        yield recorder
    finally:
        await recorder.end()
        await aio.cancel_and_wait(tasks)


async def review(replay: Replay, theme: Theme) -> None:
    """A window on a recording, until a person closes it."""
    from fleetcache_gui.ui.home import Section
    from fleetcache_gui.ui.scrub_bar import ScrubBar
    from fleetcache_gui.ui.since_page import SincePage

    deeds = Deeds(replay, NOWHERE, settings.data_folder(), never=True)
    async with window(replay, deeds, theme, settings.Settings(theme=theme.mode, notify=False)) as shown:
        since = Section("since", "Since then", "What is otherwise at the end of the recording", lambda: page)
        page = SincePage(replay, theme)
        page.jump.connect(shown.jump)
        shown.home.add(since)
        shown.add_foot(ScrubBar(replay, theme))
        await aio.emitted(shown.closed)


async def save_bundle(shown: MainWindow, session: Session, tape: Tape, theme: Theme) -> None:
    """Ask where to, and write what was recorded, with pictures of its last moment, into one file."""
    from fleetcache_gui.present import bundle
    from fleetcache_gui.ui.saving import choose_file, write_whole

    name = f"incident-{datetime.now():%Y%m%d-%H%M%S}.zip"
    path = await choose_file(shown, "Save an incident bundle", name, ("Incident bundle (*.zip)",))
    if path is None:
        return
    told = manifest(session, len(tape.moments))
    shown.status.say("The bundle is being made …")
    try:
        history = await aside(tape.history)
        pictures = await _pictures_of(Replay(tape, history, session.layout, name=session.name), theme)
        content = await aside(partial(bundle.pack, told, tape, history, session.layout, pictures))
        problem = await aside(partial(write_whole, path, content))
    except BadRecording as bad:
        problem = str(bad)
    shown.status.say(problem or f"Bundle of {count(len(tape.moments), 'reading')} saved as {path.name}")


async def _pictures_of(replay: Replay, theme: Theme) -> dict[str, bytes]:
    """Every tab as the recording has it, in which nothing is revealed; drawn in a window that nobody sees."""
    deeds = Deeds(replay, NOWHERE, settings.data_folder(), never=True)
    unseen = MainWindow(replay, deeds, theme, settings.Settings(theme=theme.mode, notify=False))
    unseen.resize(*PICTURE_SIZE)
    pictures = {}
    try:
        replay.show(len(replay.tape.moments) - 1)
        for family_id in ("", *(family.id for family in replay.layout.families)):
            unseen.show_family(family_id)
            await asyncio.sleep(0)
            raw = QBuffer()
            raw.open(QIODevice.OpenModeFlag.WriteOnly)
            unseen.grab().save(raw, "PNG")
            pictures[f"{family_id or 'overview'}.png"] = bytes(raw.data().data())
            await asyncio.sleep(0)
    finally:
        await unseen.end()
        await deeds.end()
        unseen.deleteLater()
    return pictures
