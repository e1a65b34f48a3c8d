"""The window with actions unlocked, for the tests of what changes a server."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog, QLineEdit

from fleetcache_gui.deeds import Mode
from fleetcache_gui.ui.confirm import GUARD
from tests.ui.shell import opened, settle
from tests.ui.stage import Stage
from tests.ui.stage_deeds import StageDeeds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path

    from PySide6.QtWidgets import QApplication, QWidget

    from fleetcache_gui.domain.plan import Plan
    from fleetcache_gui.domain.verbs import Refusal
    from fleetcache_gui.ui.confirm import ConfirmBar
    from fleetcache_gui.ui.plan_sheet import PlanSheet
    from fleetcache_gui.ui.window import MainWindow


@asynccontextmanager
async def at_desk(
    app: QApplication, mode: Mode = Mode.UNLOCKED, *, family: str = "locks"
) -> AsyncIterator[tuple[MainWindow, StageDeeds]]:
    """A window on the stage, with a family's page shown."""
    stage = Stage()
    deeds = StageDeeds(stage, mode)
    async with opened(app, stage, deeds) as (window, _):
        window.show_family(family)
        async with asyncio.timeout(30):
            while window.page is None or window.page.detail.row is None:  # its first row is explained in a moment
                await asyncio.sleep(0.005)
        yield window, deeds


async def planned(window: MainWindow, deeds: StageDeeds, made: Plan | Refusal) -> PlanSheet:
    """The sheet with this plan, or why there is none."""
    deeds.made = made
    sheet = window.desk.plan_sheet
    sheet.begin("Release lock", lambda: deeds.plan_undo("x"))
    while sheet.refusal.text.text().startswith("Looking") and not sheet.plan.isVisible():
        await settle()
    return sheet


async def choose(parent: QWidget, path: Path, eventually: Callable[..., Coroutine[None, None, None]]) -> None:
    """Type a file's name into the dialog that is open, and take it."""
    await eventually(lambda: [d for d in parent.findChildren(QFileDialog) if d.isVisible()])
    dialog = next(d for d in parent.findChildren(QFileDialog) if d.isVisible())
    dialog.findChild(QLineEdit, "fileNameEdit").setText(str(path))
    dialog.accept()


def let_pass(bar: ConfirmBar) -> None:
    """As if the time in which nothing is confirmed were over."""
    bar.button.grab()  # so that it has been seen
    assert bar.button._seen_at is not None
    bar.button._seen_at -= GUARD
