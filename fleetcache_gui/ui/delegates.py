"""Draws each cell of each table by its column's kind. Text goes through `drawText`: it knows no rich text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from fleetcache_gui.domain.family import Kind, Row
from fleetcache_gui.domain.values import Cell, Expiry, Progress, State, Tone
from fleetcache_gui.present.cells import lacks_expiry
from fleetcache_gui.ui.charts import paint_sparkline
from fleetcache_gui.ui.table_model import Index, TableModel, alignment
from fleetcache_gui.ui.text_widgets import elide
from fleetcache_gui.ui.theme import ROW, Theme

if TYPE_CHECKING:
    from PySide6.QtCore import QObject

PAD = 8
PILL = 18
TREND_WINDOW, TREND_LEAST = 300.0, 30.0
"""Seconds that a trend shows: all that was watched, within these; the same for all rows, so that they compare."""

_READY = 256  # trends kept drawn; more than any screen shows
_ELIDED = 4096  # texts kept as they fit their columns: measuring one takes as long as drawing it
_BAR = 5
_PROGRESS_BAR = 72
_CLOCK_BAR = 34
_LOW, _LAST = 0.20, 0.05
_STALE = 0.55
# Made once: to look Qt's names up, or to put its flags together, for each cell takes as long as to draw its text.
_SELECTED, _SMOOTH = QStyle.StateFlag.State_Selected, QPainter.RenderHint.Antialiasing
_FLAGS = {kind: int(alignment(kind) | Qt.TextFlag.TextSingleLine) for kind in Kind}


def clock_tone(expiry: Expiry, now: float) -> Tone:
    """Green while there is time, amber under a fifth of the lifetime, red under a twentieth."""
    share = expiry.share(now)
    return Tone.CRITICAL if share < _LAST else Tone.WARN if share < _LOW else Tone.OK


def paint_bar(painter: QPainter, rect: QRect, share: float, color: QColor, ground: QColor) -> None:
    """A rounded bar in the middle of `rect`, filled from the left; a share above nothing can be seen."""
    bar = QRectF(rect.x(), rect.center().y() + 1 - _BAR / 2, rect.width(), _BAR)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(bar, _BAR / 2, _BAR / 2)
    if share > 0:
        bar.setWidth(max(bar.width() * min(share, 1.0), 2.0))
        painter.setBrush(color)
        painter.drawRoundedRect(bar, min(_BAR, bar.width()) / 2, _BAR / 2)


def paint_pill(painter: QPainter, rect: QRect, state: State, theme: Theme) -> None:
    """A state at the left of `rect`: tinted, with a dot and its word."""
    painter.setFont(theme.fonts.body)
    metrics = painter.fontMetrics()
    word, width, room = state.word, pill_width(metrics, state.word), max(rect.width(), 34)
    if width > room:
        word = elide(metrics, word, Qt.TextElideMode.ElideRight, room - 26)
        width = pill_width(metrics, word)
    pill = QRectF(rect.x(), rect.center().y() + 1 - PILL / 2, width, PILL)
    color = theme.colors.tone(state.tone)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colors.tint(state.tone))
    painter.drawRoundedRect(pill, PILL / 2, PILL / 2)
    painter.setBrush(color)
    painter.drawEllipse(QRectF(pill.x() + 7, pill.center().y() - 3, 6, 6))
    painter.setPen(color)
    painter.drawText(pill.adjusted(17, 0, 0, 0), _FLAGS[Kind.STATE], word)


def pill_width(metrics: QFontMetrics, word: str) -> int:
    """Width of the pill that `paint_pill` draws, px."""
    return metrics.horizontalAdvance(word) + 26


class CellDelegate(QStyledItemDelegate):
    """One delegate for all kinds. `stale` greys everything: the link is down, and this was read before."""

    def __init__(self, model: TableModel, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._theme = theme
        self.stale = False
        self._trends: dict[bytes, tuple[Cell, int, QPixmap]] = {}
        self._oldest = math.inf
        self._elided: dict[tuple[str, int, bool], str] = {}

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(80, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        position, column = index.row(), index.column()
        row = self._model.table.row(position)
        kind = self._model.table.columns[column].kind
        cell = row.cells[column] if column < len(row.cells) else None
        rect: QRect = option.rect
        if option.state & _SELECTED:
            painter.fillRect(rect, self._theme.colors.selection)
        painter.setRenderHint(_SMOOTH)
        painter.setOpacity(_STALE if self.stale else 1.0)
        inner = rect.adjusted(PAD, 0, -PAD, 0)
        if isinstance(cell, State):
            paint_pill(painter, inner, cell, self._theme)
        elif kind is Kind.TREND:
            self._paint_trend(painter, inner.adjusted(0, 5, 0, -5), row.id, cell)
        else:
            self._paint_figures(painter, inner, kind, cell, row, self._model.text(position, column), column)
        painter.setOpacity(1.0)  # the view draws on, with the same painter

    def _paint_figures(
        self, painter: QPainter, rect: QRect, kind: Kind, cell: Cell, row: Row, text: str, column: int
    ) -> None:
        colors = self._theme.colors
        color = colors.muted if cell is None else colors.text
        if isinstance(cell, Progress):
            text = f"{cell.done:,}"
            self._paint_progress(painter, rect, cell, row, column, text)
        elif isinstance(cell, Expiry):
            color = self._paint_clock(painter, rect, cell, row, text)
        code = kind is Kind.CODE
        painter.setFont(self._theme.fonts.mono if code else self._theme.fonts.body)
        painter.setPen(color)
        width = rect.width()
        shown = self._elided.get((text, width, code))
        if shown is None:
            if len(self._elided) >= _ELIDED:
                self._elided.clear()
            shown = elide(painter.fontMetrics(), text, Qt.TextElideMode.ElideRight, width)
            self._elided[text, width, code] = shown
        painter.drawText(rect, _FLAGS[kind], shown)

    def _paint_progress(self, painter: QPainter, rect: QRect, cell: Progress, row: Row, column: int, text: str) -> None:
        figures = max(QFontMetrics(self._theme.fonts.body).horizontalAdvance(text), 46)
        room = min(rect.width() - figures - PAD, _PROGRESS_BAR * 2)
        if room < 16:
            return
        colors = self._theme.colors
        whole = cell.total if cell.total is not None else self._model.largest(column)
        share = cell.done / whole if whole else 0.0
        done = cell.total is not None and cell.done >= cell.total > 0
        alarming = row.state.tone in (Tone.WARN, Tone.CRITICAL)
        color = colors.tone(row.state.tone if alarming else Tone.OK if done else Tone.ACCENT)
        paint_bar(painter, QRect(rect.x(), rect.y(), room, rect.height()), share, color, colors.groove())

    def _paint_clock(self, painter: QPainter, rect: QRect, cell: Expiry, row: Row, text: str) -> QColor:
        """Draws the bar of the lifetime left, and tells the colour of the words."""
        colors = self._theme.colors
        now = self._model.clock()
        if not cell.ends:
            return colors.critical if lacks_expiry(row) else colors.muted
        tone = clock_tone(cell, now)
        if cell.lifetime and rect.width() - QFontMetrics(self._theme.fonts.body).horizontalAdvance(text) > 42:
            bar = QRect(rect.x(), rect.y(), _CLOCK_BAR, rect.height())
            paint_bar(painter, bar, cell.share(now), colors.tone(tone), colors.groove())
        if cell.left(now) <= 0:
            return colors.muted
        return colors.text if tone is Tone.OK else colors.tone(tone)

    def _paint_trend(self, painter: QPainter, rect: QRect, row_id: bytes, cell: Cell) -> None:
        """Drawn once for each reading: a hundred points a row would make scrolling heavy."""
        if not isinstance(cell, tuple):
            return
        color, ratio = self._theme.colors.accent, painter.device().devicePixelRatioF()
        known = self._trends.get(row_id)
        size = rect.size() * ratio
        if known is None or known[0] is not cell or known[1] != color.rgba() or known[2].size() != size:
            if len(self._trends) >= _READY:
                self._trends.clear()
            drawn = QPixmap(size)
            drawn.setDevicePixelRatio(ratio)
            drawn.fill(Qt.GlobalColor.transparent)
            canvas = QPainter(drawn)
            area = QRectF(0, 0, rect.width(), rect.height())
            now = self._model.clock()
            self._oldest = min(self._oldest, cell[0][0]) if cell else self._oldest
            window = min(max(now - self._oldest, TREND_LEAST), TREND_WINDOW)
            paint_sparkline(canvas, area, cell, color, window=window, now=now)
            canvas.end()
            known = self._trends[row_id] = (cell, color.rgba(), drawn)
        painter.drawPixmap(rect.topLeft(), known[2])
