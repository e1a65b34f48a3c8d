"""Qt's application and a window in it: what everything that shows one begins with."""

from __future__ import annotations

import gc
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QApplication

from fleetcache_gui import aio
from fleetcache_gui.redis_io.undo import Limits
from fleetcache_gui.ui.window import MainWindow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from fleetcache_gui import settings
    from fleetcache_gui.deeds import Deeds
    from fleetcache_gui.session import Session
    from fleetcache_gui.ui.theme import Theme

log = logging.getLogger("fleetcache_gui")

PICTURE_SIZE = (1280, 800)


def run(main: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """Run `main` on Qt's loop; its exit code. Failures that nobody awaits are logged and counted as exit code 1."""
    app = QApplication.instance() or QApplication(["fleetcache-gui"])
    assert isinstance(app, QApplication)
    app.setApplicationName("Fleet cache inspector")
    app.setDesktopFileName("fleetcache-gui")
    failed = False

    def report(context: aio.Context) -> None:
        nonlocal failed
        failed = True
        log.error("%s", context["message"], exc_info=context.get("exception"))

    # What exists after the imports lives as long as the program; unfrozen, each full collection holds up the window.
    gc.freeze()
    return aio.run(app, main(), report) or int(failed)


@asynccontextmanager
async def window(
    session: Session, deeds: Deeds, theme: Theme, remembered: settings.Settings
) -> AsyncIterator[MainWindow]:
    """The shown window with its session reading; both are ended on the way out."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    undo = remembered.undo
    deeds.limits = Limits(undo.deed_bytes, undo.all_bytes, undo.age)
    with theme.dressing(app):
        shown = MainWindow(session, deeds, theme, remembered)
    shown.show()
    reading = aio.spawn(session.run(), name="session")
    reading.add_done_callback(lambda task: None if task.cancelled() else session.fail(task.exception()))
    try:
        yield shown
    finally:
        await shown.end()
        await deeds.end()
        await aio.cancel_and_wait([reading])
        shown.deleteLater()
