"""The program with a window: from a server's address to the window's closing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QApplication

from fleetcache_gui import aio, settings
from fleetcache_gui.deeds import Mode as Lock
from fleetcache_gui.incidents import JOURNALS, recorded
from fleetcache_gui.shell import PICTURE_SIZE, window
from fleetcache_gui.ui.actions import Action
from fleetcache_gui.ui.home import Section
from fleetcache_gui.ui.theme import Mode, Theme

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from fleetcache_gui.deeds import Deeds
    from fleetcache_gui.domain.lessons import Teacher
    from fleetcache_gui.present.long_table import LongTable
    from fleetcache_gui.present.table import Table
    from fleetcache_gui.profiles.profile import Profile
    from fleetcache_gui.redis_io.address import Address
    from fleetcache_gui.session import Session
    from fleetcache_gui.ui.alerts_sheet import Keep
    from fleetcache_gui.ui.drill_play import DrillPlay
    from fleetcache_gui.ui.presenter import Presenter
    from fleetcache_gui.ui.window import MainWindow

    Choice = tuple[Profile, Address]

log = logging.getLogger("fleetcache_gui")


_SETTLE = 0.6
"""Seconds for a page to read the value of its chosen row before its picture is taken."""
_LOOK, _LOOKS = 0.02, 500
"""Seconds between two looks whether a sheet has come, and how many of them."""


def has_display() -> bool:
    """False on a Linux machine with no screen to open a window on."""
    if sys.platform != "linux" or os.environ.get("QT_QPA_PLATFORM"):
        return os.environ.get("QT_QPA_PLATFORM", "") not in ("offscreen", "minimal")
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


async def choose_connection(profiles: Path, remembered: Path, samples: Sequence[bytes]) -> Choice | None:
    """Let a person choose, and edit, a connection until one can be used; None when they leave."""
    from fleetcache_gui.ui.connection_editor import ConnectionEditor  # the window on a server does without it

    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme = Theme(settings.load(remembered).theme)
    theme.apply(app)
    editor = ConnectionEditor(theme, profiles, samples)
    editor.show()
    try:
        await aio.emitted(editor.finished)
        return editor.chosen
    finally:
        await editor.end()
        editor.deleteLater()


async def offer_drills(
    shown: MainWindow, session: Session, theme: Theme, teacher: Teacher
) -> tuple[DrillPlay, Presenter] | None:
    """Give the window its drills, if the server that is read is one that the teacher has started; else None.

    That is asked of the server itself, by its run id and process id: a name or an address proves nothing.
    """
    from fleetcache_gui.ui.drill_play import DrillPlay  # of no use on any other server
    from fleetcache_gui.ui.drills_page import DrillsPage
    from fleetcache_gui.ui.presenter import Presenter

    while session.vitals is None:
        await aio.emitted(session.vitals_changed)
    read = {session.vitals.run_id, *(node.run_id for node in session.vitals.nodes)} - {""}
    if not read or not all([await teacher.is_own(run_id) for run_id in read]):
        return None
    play = DrillPlay(teacher, shown)
    bar = Presenter(play, theme)
    shown.add_foot(bar)

    def page() -> DrillsPage:
        made = DrillsPage(play, theme)
        made.jump.connect(shown.jump)
        made.presenting.connect(bar.setVisible)
        return made

    shown.home.add(Section("drills", "Drills", "What the cache does, step by step, on this demo server", page))
    play.changed.connect(session.refresh)
    return play, bar


async def watch(
    session: Session,
    deeds: Deeds,
    path: Path,
    interval: float | None = None,
    keep: Keep | None = None,
    teacher: Teacher | None = None,
    layouts: Mapping[str, str] | None = None,
    detected: asyncio.Task[str] | None = None,
) -> str:
    """Show the window until a person closes it; what it should remember is kept in `path`.

    `interval` is the seconds from poll to poll; None takes what was chosen last. `keep` keeps thresholds that are
    chosen in the window. With a `teacher` there are drills. `layouts` (titles by id) are offered; what comes back is
    the id of the one to show instead, by a person's wish or as `detected`, or "" to leave.
    """
    wanted = ""
    remembered = settings.load(path)
    session.set_interval(interval or remembered.interval)
    theme = Theme(remembered.theme)
    async with (
        window(session, deeds, theme, remembered) as shown,
        recorded(shown, session, theme, remembered, settings.data_folder() / JOURNALS),
    ):
        shown.desk.keep_thresholds = keep

        def choose(layout_id: str) -> None:
            nonlocal wanted
            if layout_id != session.layout.id:
                wanted = layout_id
                shown.close()

        def take(found: asyncio.Task[str]) -> None:
            at_rest = deeds.mode in (Lock.LOCKED, Lock.NEVER)  # else a person is at work by now
            if not found.cancelled() and at_rest and shown.isVisible():
                choose(found.result())

        shown.offer(*_layout_actions(session.layout.id, layouts or {}, choose, deeds))
        if detected is not None:
            detected.add_done_callback(take)
        offering = [aio.spawn(_offer(shown, session, theme, teacher), name="drills")] if teacher else []
        try:
            await aio.emitted(shown.closed)
        finally:  # Ctrl+C in the terminal is a usual way out too
            shown.remember()
            limits = deeds.limits
            remembered.undo = settings.UndoSettings(limits.deed_bytes, limits.all_bytes, limits.age)
            _save(remembered, path)
            await aio.cancel_and_wait([*offering, *([detected] if detected else [])])
    return wanted


def _layout_actions(
    shown: str, layouts: Mapping[str, str], choose: Callable[[str], None], deeds: Deeds
) -> Iterator[Action]:
    def hindrance(layout_id: str) -> str:
        if layout_id == shown:
            return "It is the one that is shown."
        return "Something is being done." if deeds.running else ""

    for layout_id, title in layouts.items():
        why = partial(hindrance, layout_id)
        yield Action(f"layout.{layout_id}", f"Layout: {title}", partial(choose, layout_id), hindrance=why)


async def _offer(shown: MainWindow, session: Session, theme: Theme, teacher: Teacher) -> None:
    await offer_drills(shown, session, theme, teacher)


def _save(remembered: settings.Settings, path: Path) -> None:
    try:
        settings.save(remembered, path)
    except OSError as error:
        log.warning("The window's settings could not be saved: %s", error.strerror)


async def draw(session: Session, deeds: Deeds, folder: Path, seconds: float) -> list[Path]:
    """Watch for `seconds`, then draw every tab, light and dark, into `folder`; the files."""
    remembered = settings.Settings(theme="dark")
    theme = Theme("dark")
    async with window(session, deeds, theme, remembered) as shown:
        shown.resize(*PICTURE_SIZE)
        await asyncio.sleep(seconds)
        files = []
        for mode in _MODES:  # one look after the other: to change it takes longer than to draw
            theme.mode = mode
            for family_id in ("", *(family.id for family in session.layout.families)):
                await _compose(session, shown, family_id)
                file = folder / f"{(family_id or 'overview').replace('_', '-')}-{mode}.png"
                shown.grab().save(str(file))
                files.append(file)
        if deeds.mode is Lock.LOCKED:
            files += [file async for file in _draw_deeds(session, deeds, shown, theme, folder)]
    return files


_MODES: tuple[Mode, ...] = ("light", "dark")


async def _draw_deeds(
    session: Session, deeds: Deeds, shown: MainWindow, theme: Theme, folder: Path
) -> AsyncIterator[Path]:
    """Unlock, plan the clean-up of an orphaned campaign, do it, and show what is kept of it; then rehearse a flush."""
    desk = shown.desk

    async def take(name: str, ready: Callable[[], bool]) -> list[Path]:
        for _ in range(_LOOKS):
            if ready():
                break
            await asyncio.sleep(_LOOK)
        files = []
        for mode in _MODES:
            theme.mode = mode
            await asyncio.sleep(0.05)
            file = folder / f"{name}-{mode}.png"
            shown.grab().save(str(file))
            files.append(file)
        return files

    orphans = [f.judgement.row for f in session.findings if f.judgement.code == "campaign.orphaned"]
    if not orphans:
        return
    shown.jump("live_queries", orphans[0])
    desk.unlock_sheet.open()
    for file in await take("unlock", desk.unlock_sheet.isVisible):
        yield file
    desk.unlock_sheet.close_up()
    page = shown.page
    if await deeds.unlock(deeds.unlock_word) or page is None:
        return
    verb = next(verb for verb in page.family.verbs if verb.id == "live_queries.cleanup")
    desk.do(page, verb, (orphans[0],))
    for file in await take("plan", desk.plan_sheet.plan.isVisible):
        yield file
    desk.plan_sheet.plan.confirmed.emit("")
    for file in await take("receipt", desk.plan_sheet.receipt.isVisible):
        yield file
    desk.plan_sheet.close_up()
    desk.history_sheet.open()
    await asyncio.sleep(_SETTLE)
    for file in await take("history", desk.history_sheet.isVisible):
        yield file
    desk.history_sheet.close_up()
    desk.flush(database=True)
    for file in await take("flush", desk.plan_sheet.plan.isVisible):
        yield file
    desk.plan_sheet.close_up()


def _telling(table: Table | LongTable, row_id: bytes) -> int:
    """How much a row has to tell: keys that exist, and before all that it is there."""
    row = table.get(row_id)
    return sum(key.exists for key in row.keys) if row and table.position(row_id) >= 0 else -1


async def _compose(session: Session, shown: MainWindow, family_id: str) -> None:
    """Show a tab with the row chosen that has most to tell: one with a finding, else the first."""
    shown.show_family(family_id)
    await asyncio.sleep(0)
    if family_id and len(session.table(family_id)):
        table = session.table(family_id)
        wrong = [f.judgement.row for f in session.findings if f.family == family_id and f.judgement.row]
        shown.jump(family_id, max(wrong, key=partial(_telling, table), default=table.id_at(0)))
    session.refresh()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(aio.emitted(session.vitals_changed), 2.0)
    await asyncio.sleep(_SETTLE)
