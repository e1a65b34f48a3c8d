"""The header of a table: small capitals over their column, and an arrow where it is sorted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QPainter, QPolygonF
from PySide6.QtWidgets import QHeaderView, QWidget

from fleetcache_gui.ui.delegates import PAD
from fleetcache_gui.ui.table_model import TableModel, alignment
from fleetcache_gui.ui.text_widgets import elide

if TYPE_CHECKING:
    from fleetcache_gui.ui.theme import Theme

HEADER = 32
"""Height, px."""
ARROW = 14
"""Room that the arrow takes, px."""


class Header(QHeaderView):
    """Small capitals over their column, with an arrow where the table is sorted."""

    def __init__(self, model: TableModel, theme: Theme, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._table_model = model
        self._theme = theme
        self.setFixedHeight(HEADER)
        self.setSectionsClickable(True)
        self.setHighlightSections(False)
        self.setMinimumSectionSize(44)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        colors = self._theme.colors
        table = self._table_model.table
        column = table.columns[section]
        sorted_here = table.sort[0] == column.id
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(QRect(rect.x(), rect.bottom(), rect.width(), 1), colors.line)
        painter.setFont(self._theme.fonts.label)
        painter.setPen(colors.text if sorted_here else colors.muted)
        side = alignment(column.kind)
        right = bool(side & Qt.AlignmentFlag.AlignRight)
        inner = rect.adjusted(PAD, 0, -PAD, -1)
        room = inner.width() - (ARROW if sorted_here else 0)
        shown = elide(painter.fontMetrics(), column.title, Qt.TextElideMode.ElideRight, room)
        width = painter.fontMetrics().horizontalAdvance(shown)
        place = inner.adjusted(0, 0, -ARROW if right and sorted_here else 0, 0)
        painter.drawText(place, int(side | Qt.TextFlag.TextSingleLine), shown)
        if sorted_here:
            at = inner.right() - 8 if right else inner.x() + width + 5
            self._paint_arrow(painter, at, inner.center().y() + 1, descending=table.sort[1])
        painter.restore()

    def _paint_arrow(self, painter: QPainter, x: int, y: int, *, descending: bool) -> None:
        tip = 2 if descending else -2
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.colors.accent)
        corners = [QPointF(x, y - tip), QPointF(x + 8, y - tip), QPointF(x + 4, y + tip)]
        painter.drawPolygon(QPolygonF(corners))
