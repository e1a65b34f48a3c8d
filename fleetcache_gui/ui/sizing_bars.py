"""Two bars of a projection, by rule and as measured, against the memory that the server has and should have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from fleetcache_gui.domain import words
from fleetcache_gui.domain.sizing import FULL, SERVER

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

    from fleetcache_gui.domain.sizing import Projection
    from fleetcache_gui.ui.theme import Theme

HEIGHT = 112
_HUES = (215, 190, 285, 35, 330, 160, 250, 95)
_LABEL = 104
_VCENTER = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)


def part_color(theme: Theme, number: int) -> QColor:
    """The colour of the part at a place of the layout; the table shows it beside the part's name."""
    return QColor.fromHslF(_HUES[number % len(_HUES)] / 360, 0.55, 0.62 if theme.dark else 0.50)


class SizingBars(QWidget):
    """Painted whole; the scale ends a little beyond the largest of what it shows."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._plan: Projection | None = None
        self._limit: int | None = None
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_plan(self, plan: Projection, limit: int | None) -> None:
        """`limit`: the server's maxmemory in bytes, 0 for none, None where it is not known."""
        self._plan, self._limit = plan, limit
        self.setAccessibleName(
            f"{words.size(plan.by_rule)} by rule, {words.size(plan.as_measured)} as measured, "
            f"{words.size(plan.maxmemory)} recommended"
        )
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        plan = self._plan
        if plan is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._theme.fonts.body)
        largest = max(plan.by_rule, plan.as_measured, plan.maxmemory, self._limit or 0)
        area = QRectF(_LABEL, 26, self.width() - _LABEL - 12, 62)
        scale = area.width() / (largest * 1.04)
        rows = (
            ("By rule", [line.by_rule for line in plan.lines]),
            ("As measured", [line.as_measured for line in plan.lines]),
        )
        for number, (title, sizes) in enumerate(rows):
            bar = QRectF(area.x(), area.y() + number * 34, area.width(), 22)
            painter.setPen(self._theme.colors.muted)
            painter.drawText(QRectF(0, bar.y(), _LABEL - 8, bar.height()), _VCENTER, title)
            self._paint_bar(painter, bar, sizes, scale)
        self._paint_limits(painter, area, scale, plan)
        painter.end()

    def _paint_bar(self, painter: QPainter, bar: QRectF, sizes: list[float], scale: float) -> None:
        painter.fillRect(bar, self._theme.colors.groove())
        x = bar.x()
        for number, size in enumerate((SERVER, *sizes)):
            width = size * scale
            color = self._theme.colors.muted if number == 0 else part_color(self._theme, number - 1)
            painter.fillRect(QRectF(x, bar.y(), max(width, 0.5), bar.height()), color)
            x += width

    def _paint_limits(self, painter: QPainter, area: QRectF, scale: float, plan: Projection) -> None:
        colors = self._theme.colors
        x = area.x() + plan.maxmemory * scale
        painter.setPen(QPen(colors.accent, 2))
        painter.drawLine(QPointF(x, area.y() - 6), QPointF(x, area.bottom()))
        text = f"recommended {words.size(plan.maxmemory)}"
        self._word(painter, x, 4, text, colors.accent)
        warn = QPen(colors.muted, 1, Qt.PenStyle.DashLine)
        painter.setPen(warn)
        eighty = area.x() + plan.maxmemory * FULL * scale
        painter.drawLine(QPointF(eighty, area.y()), QPointF(eighty, area.bottom()))
        if self._limit:
            x = area.x() + self._limit * scale
            enough = self._limit >= plan.needed / FULL
            color = colors.text if enough else colors.critical
            painter.setPen(QPen(color, 2))
            painter.drawLine(QPointF(x, area.y()), QPointF(x, area.bottom() + 6))
            verdict = "enough" if enough else "too small for this"
            self._word(painter, x, int(area.bottom()) + 8, f"maxmemory {words.size(self._limit)}, {verdict}", color)

    def _word(self, painter: QPainter, x: float, y: int, text: str, color: QColor) -> None:
        """Centred at `x`, within the widget."""
        width = painter.fontMetrics().horizontalAdvance(text) + 2
        left = min(max(x - width / 2, _LABEL), self.width() - width - 4)
        painter.setPen(color)
        painter.drawText(QRectF(left, y, width, 18), _VCENTER, text)
