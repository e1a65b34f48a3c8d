"""Thin lines that part the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

    from fleetcache_gui.ui.theme import Theme

FRAME = 3
"""Height of the environment's line, px."""


class FrameLine(QWidget):
    """The environment's colour across the top of everything."""

    def __init__(self, word: str, theme: Theme) -> None:
        super().__init__()
        self._word, self._theme = word, theme
        self.setFixedHeight(FRAME)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.colors.environment(self._word))
        painter.end()


class Line(QWidget):
    """A separating line of 1 px."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setFixedHeight(1)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.colors.line)
        painter.end()
