"""The overview's tiles: one figure each with what it means beside it, and how it came to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from fleetcache_gui.domain.values import Tone
from fleetcache_gui.ui.charts import paint_sparkline
from fleetcache_gui.ui.gauges import Gauge, gauges
from fleetcache_gui.ui.marks import paint_mark
from fleetcache_gui.ui.text_widgets import elide, plain_tooltip
from fleetcache_gui.ui.theme import GRID, RADIUS, Theme

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from PySide6.QtGui import QPaintEvent

    from fleetcache_gui.domain.family import Severity
    from fleetcache_gui.domain.snapshot import Vitals

SHORTEST, LONGEST = 20.0, 900.0
"""Seconds that the charts show: all that was seen, within these."""

_PAD = 14


class Tile(QWidget):
    """Painted whole: title, figure and note; the chart beneath them, or beside them in a `wide` tile."""

    def __init__(
        self, theme: Theme, clock: Callable[[], float], *, wide: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme, self._clock = theme, clock
        self._wide = wide
        self._gauge: Gauge | None = None
        self._stale = False
        self.setMinimumHeight(92 if wide else 100)
        self.setMaximumHeight(120 if wide else 160)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(160, 104 if self._wide else 112)

    def show_gauge(self, gauge: Gauge, *, stale: bool) -> None:
        """Show newer figures; `stale` greys them: they are as last read."""
        self._gauge, self._stale = gauge, stale
        self.setAccessibleName(gauge.words)
        plain_tooltip(self, "\n".join(filter(None, (gauge.help, gauge.note, gauge.detail))))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors = self._theme.colors
        painter.setPen(colors.line)
        painter.setBrush(colors.surface)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
        if self._gauge is not None:
            if self._stale:
                painter.setOpacity(0.55)
            self._paint_gauge(painter, self._gauge)
        painter.end()

    def _paint_gauge(self, painter: QPainter, gauge: Gauge) -> None:
        colors, fonts = self._theme.colors, self._theme.fonts
        inner = QRectF(self.rect()).adjusted(_PAD, 10, -_PAD, -10)
        words = inner.adjusted(0, 0, -inner.width() * 0.42, 0) if self._wide else inner
        alarming = gauge.tone in (Tone.WARN, Tone.CRITICAL)
        color = colors.tone(gauge.tone)
        left = Qt.AlignmentFlag.AlignLeft
        title = QRectF(words.x(), words.y(), words.width(), 16)
        if alarming:
            paint_mark(painter, title.topLeft() + QRectF(0, 0, 11, 16).center(), 11, gauge.tone, color)
            title.adjust(17, 0, 0, 0)
        painter.setFont(fonts.body)
        painter.setPen(colors.muted)
        painter.drawText(title, left, gauge.title)
        painter.setFont(fonts.figure)
        painter.setPen(color if alarming else colors.text)
        figure = QRectF(words.x(), title.bottom() + 1, words.width(), 28)
        painter.drawText(figure, int(left | Qt.AlignmentFlag.AlignVCenter), gauge.figure)
        painter.setFont(fonts.body)
        painter.setPen(colors.muted)
        note = QRectF(words.x(), figure.bottom(), words.width(), 17)
        for text in (gauge.note, gauge.detail) if self._wide else (gauge.note,):
            shown = elide(painter.fontMetrics(), text, Qt.TextElideMode.ElideRight, int(note.width()))
            painter.drawText(note, int(left | Qt.AlignmentFlag.AlignVCenter), shown)
            note.translate(0, 17)
        chart = QRectF(words.right() + 12, inner.y(), inner.right() - words.right() - 12, inner.height())
        if not self._wide:
            chart = QRectF(inner.x(), note.y() + 6, inner.width(), inner.bottom() - note.y() - 6)
        self._paint_chart(painter, chart, gauge)

    def _paint_chart(self, painter: QPainter, chart: QRectF, gauge: Gauge) -> None:
        if not gauge.samples:
            return
        now = gauge.samples[-1][0] if self._stale else self._clock()
        window = min(max(now - gauge.samples[0][0], SHORTEST), LONGEST)
        color = self._theme.colors.tone(gauge.tone)
        paint_sparkline(
            painter, chart, gauge.samples, color, window=window, now=now, top=gauge.top, mark=not self._stale
        )


class Tiles(QWidget):
    """All gauges: the first one, memory, has the width of two, for it is what kills a cache."""

    def __init__(self, theme: Theme, clock: Callable[[], float], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(GRID)
        self.tiles = [Tile(theme, clock, wide=True), *(Tile(theme, clock) for _ in range(4))]
        grid.addWidget(self.tiles[0], 0, 0, 1, 2)
        for position, tile in enumerate(self.tiles[1:]):
            grid.addWidget(tile, 1 + position // 2, position % 2)
        self.setMaximumHeight(self.tiles[0].maximumHeight() + 2 * self.tiles[1].maximumHeight() + 2 * GRID)
        for column in (0, 1):
            grid.setColumnStretch(column, 1)

    def show_vitals(
        self, history: Sequence[Vitals], load: float | None, held: Mapping[str, Severity], *, stale: bool
    ) -> None:
        """Show what `history` comes to, oldest first, and what is open of it (see `gauges`)."""
        for tile, gauge in zip(self.tiles, gauges(history, load, held), strict=False):
            tile.show_gauge(gauge, stale=stale)
