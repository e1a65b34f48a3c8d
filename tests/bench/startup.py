"""`python -m tests.bench.startup URL`: the program as its command starts it, but it tells when it has painted for the
first time and when it has painted rows, and then closes itself."""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QTimer

from fleetcache_gui import app, cli, clock, shell
from tests.bench.process import peak_mb, report

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fleetcache_gui.deeds import Deeds
    from fleetcache_gui.session import Session
    from fleetcache_gui.settings import Settings
    from fleetcache_gui.ui.theme import Theme
    from fleetcache_gui.ui.window import MainWindow

_window = shell.window


class Observer(QObject):
    """Sees the window's events; a moment counts when Qt is back from painting."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._painted = 0.0
        page = window.page
        assert page is not None
        self._table = page.view
        window.installEventFilter(self)
        self._table.viewport().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Paint:
            if watched is self._window:
                QTimer.singleShot(0, self._first_paint)
            elif self._table.model().rowCount():
                QTimer.singleShot(0, self._first_rows)
        return False

    def _first_paint(self) -> None:
        self._painted = self._painted or clock.now()

    def _first_rows(self) -> None:
        report(painted=self._painted, rows=clock.now(), peak_mb=peak_mb())
        self._table.viewport().removeEventFilter(self)
        self._window.close()


@asynccontextmanager
async def observed(session: Session, deeds: Deeds, theme: Theme, remembered: Settings) -> AsyncIterator[MainWindow]:
    remembered.tab = "live_queries"
    async with _window(session, deeds, theme, remembered) as shown:
        Observer(shown)
        yield shown


if __name__ == "__main__":
    app.window = observed
    app.has_display = lambda: True
    sys.argv = ["fleetcache-gui", "open", sys.argv[1]]
    cli.main()
