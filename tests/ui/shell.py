"""The window on the stage, for the tests of what the window is made of."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from PySide6.QtTest import QTest

from fleetcache_gui.settings import Settings
from fleetcache_gui.ui.theme import Theme
from fleetcache_gui.ui.window import MainWindow
from tests.ui.stage import Stage
from tests.ui.stage_deeds import StageDeeds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QApplication, QWidget


@asynccontextmanager
async def opened(
    app: QApplication,
    stage: Stage | None = None,
    deeds: StageDeeds | None = None,
    *,
    live: bool = True,
    settings: Settings | None = None,
    look: str = "light",
) -> AsyncIterator[tuple[MainWindow, Stage]]:
    """A shown window and its stage, connected for a while unless told otherwise."""
    stage = stage or Stage()
    theme = Theme(look)  # type: ignore[arg-type]
    theme.apply(app)
    window = MainWindow(stage, deeds or StageDeeds(stage), theme, settings or Settings())  # type: ignore[arg-type]
    window.show()
    if live:
        stage.go_live()
    await settle()
    window.activateWindow()
    await settle()
    try:
        yield window, stage
    finally:
        window.close()
        await window.end()
        window.deleteLater()
        await settle()


async def settle() -> None:
    """Let Qt do what it has put off: layouts, paints, deletions. (Coroutines must not call `processEvents`.)"""
    for _ in range(4):
        await asyncio.sleep(0)


def press(widget: QWidget, key: Qt.Key, modifiers: Qt.KeyboardModifier | None = None) -> None:
    """One key, as the system would send it."""
    if modifiers is None:
        QTest.keyClick(widget, key)
    else:
        QTest.keyClick(widget, key, modifiers)
