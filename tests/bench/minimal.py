"""`python -m tests.bench.minimal`: the least that PySide6 can show, as the measure for a start."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QWidget

from fleetcache_gui import clock
from tests.bench.process import report

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent


class Bare(QWidget):
    """Nothing, painted once."""

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        QTimer.singleShot(0, self.painted)

    def painted(self) -> None:
        report(painted=clock.now())
        QApplication.quit()


if __name__ == "__main__":
    application = QApplication([])
    window = Bare()
    window.show()
    sys.exit(application.exec())
