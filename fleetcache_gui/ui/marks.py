"""Small signs for tones: each tone has its own shape, so that none depends on its colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from fleetcache_gui.domain import words
from fleetcache_gui.domain.family import Severity
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.ui.theme import Theme, ink

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PySide6.QtGui import QPaintEvent

    from fleetcache_gui.domain.health import Finding

_NOUNS = {
    Severity.CRITICAL: ("critical", "critical"),
    Severity.WARNING: ("warning", "warnings"),
    Severity.INFO: ("note", "notes"),
}
SEVERITY_TONES = {Severity.INFO: Tone.ACCENT, Severity.WARNING: Tone.WARN, Severity.CRITICAL: Tone.CRITICAL}


_TRIANGLE = QPolygonF([QPointF(0, -1), QPointF(1.1, 0.9), QPointF(-1.1, 0.9)])
_BAR = QPolygonF([QPointF(-0.45, 0), QPointF(0.45, 0)])
_TICK = QPolygonF([QPointF(-0.4, 0), QPointF(-0.1, 0.32), QPointF(0.45, -0.34)])


def worst(findings: Iterable[Finding]) -> Severity | None:
    """The gravest severity among `findings`."""
    return max((f.severity for f in findings), key=lambda severity: severity.rank, default=None)


def severity_words(findings: Iterable[Finding]) -> str:
    """``1 critical, 2 warnings``; empty when there is none."""
    counts: dict[Severity, int] = {}
    for finding in findings:
        counts[finding.severity] = counts.get(finding.severity, 0) + 1
    parts = [words.count(counts[severity], *nouns) for severity, nouns in _NOUNS.items() if severity in counts]
    return ", ".join(parts)


def paint_mark(painter: QPainter, center: QPointF, size: float, tone: Tone, color: QColor) -> None:
    """Critical: a disc with a bar. Warning: a triangle. Fine: a disc with a tick. Else a dot."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.translate(center)
    painter.scale(size / 2, size / 2)  # from here on the mark's radius is 1
    if tone is Tone.WARN:
        painter.drawPolygon(_TRIANGLE)
    elif tone in (Tone.CRITICAL, Tone.OK):
        painter.drawEllipse(QRectF(-1, -1, 2, 2))
        pen = QPen(ink(color), max(0.3, 2.4 / size))
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(_BAR if tone is Tone.CRITICAL else _TICK)
    else:
        painter.drawEllipse(QRectF(-0.6, -0.6, 1.2, 1.2))
    painter.restore()


class Mark(QWidget):
    """A tone's sign as a widget; the word stands beside it."""

    def __init__(self, theme: Theme, size: int = 12, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._size = size
        self._tone = Tone.NEUTRAL
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def set_tone(self, tone: Tone) -> None:
        if tone is not self._tone:
            self._tone = tone
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(self._size + 2, self._size + 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        color = self._theme.colors.tone(self._tone)
        paint_mark(painter, QRectF(self.rect()).center(), self._size, self._tone, color)
        painter.end()


class Badge(QWidget):
    """The environment's word upon its colour."""

    def __init__(self, word: str, theme: Theme, height: int = 24) -> None:
        super().__init__()
        self._word = word
        self._height = height
        self._theme = theme
        self.setFont(theme.fonts.label)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(f"Environment: {word}")

    def set_word(self, word: str) -> None:
        """Another environment; none hides the badge."""
        self._word = word
        self.setAccessibleName(f"Environment: {word}")
        self.setVisible(bool(word))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self._word.upper()) + 20, self._height)

    def paintEvent(self, event: QPaintEvent) -> None:
        ground = self._theme.colors.environment(self._word)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(QRectF(self.rect()), 5, 5)
        painter.setPen(ink(ground))
        painter.setFont(self.font())
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._word)
        painter.end()
