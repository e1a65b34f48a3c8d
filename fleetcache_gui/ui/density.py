"""How much happened when: a strip of bars over the whole time, of which a part can be chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from fleetcache_gui.domain import words
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.ui.event_list import time_words
from fleetcache_gui.ui.text_widgets import tooltip_text
from fleetcache_gui.ui.theme import RADIUS, Theme

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent

    from fleetcache_gui.present.timeline import Event

HEIGHT = 64
_STEPS = (5, 10, 30, 60, 120, 300, 600, 1800, 3600)  # seconds that one bar may stand for
_BAR = 7.0  # px
_LEAST = 36  # bars
_ORDER = (Tone.NEUTRAL, Tone.ACCENT, Tone.OK, Tone.WARN, Tone.CRITICAL)  # from the foot up
_PAD = 12

Span = tuple[float, float]
"""Two Unix times."""


class Density(QWidget):
    """Bars of events, the graver ones on top. A drag chooses a span; a click on none, or Escape, all of it.

    `chosen(Span | None)`.
    """

    chosen = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._bins: dict[int, dict[Tone, int]] = {}
        self._step = _STEPS[0]
        self._whole: Span = (0.0, 1.0)
        self._span: Span | None = None
        self._from: float | None = None
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAccessibleName("Events over time; drag to narrow the time")
        theme.changed.connect(self.update)

    @property
    def span(self) -> Span | None:
        """What is chosen, None for all."""
        return self._span

    def show_events(self, events: Iterable[Event], now: float) -> None:
        """Show these, newest first, up to Unix time `now`."""
        listed = list(events)
        oldest = listed[-1].wall if listed else now
        room = max(self.width() - 2 * _PAD, 1) / _BAR
        self._step = next((step for step in _STEPS if (now - oldest) / step <= room), _STEPS[-1])
        last = int(now // self._step) + 1
        first = min(int(oldest // self._step), last - _LEAST)
        self._whole = (first * self._step, last * self._step)
        self._bins = {}
        for event in listed:
            tones = self._bins.setdefault(int(event.wall // self._step), {})
            tones[event.tone] = tones.get(event.tone, 0) + 1
        self.update()

    def clear(self) -> None:
        """Choose all of it."""
        if self._span is not None:
            self._span = None
            self.update()
            self.chosen.emit(None)

    def _x(self, wall: float) -> float:
        first, last = self._whole
        return _PAD + (wall - first) / (last - first) * (self.width() - 2 * _PAD)

    def _wall(self, x: float) -> float:
        first, last = self._whole
        return first + min(max((x - _PAD) / max(self.width() - 2 * _PAD, 1), 0.0), 1.0) * (last - first)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors = self._theme.colors
        painter.setPen(colors.line)
        painter.setBrush(colors.surface)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
        foot, top = self.height() - 20.0, 8.0
        if self._span:
            left, right = map(self._x, self._span)
            painter.fillRect(QRectF(left, 1, max(right - left, 1), self.height() - 2), colors.selection)
        highest = max((sum(tones.values()) for tones in self._bins.values()), default=1)
        width = self._x(self._whole[0] + self._step) - self._x(self._whole[0])
        for number, tones in self._bins.items():
            y, x = foot, self._x(number * self._step)
            for tone in _ORDER:
                if tone in tones:
                    height = max(tones[tone] / highest * (foot - top), 1.5)
                    painter.fillRect(QRectF(x + 0.5, y - height, max(width - 1, 1), height), self._bar_color(tone))
                    y -= height
        painter.setPen(colors.line)
        painter.drawLine(QPointF(_PAD, foot + 0.5), QPointF(self.width() - _PAD, foot + 0.5))
        self._paint_words(painter, foot)
        painter.end()

    def _bar_color(self, tone: Tone) -> QColor:
        color = QColor(self._theme.colors.tone(tone))
        color.setAlphaF(0.55 if tone in (Tone.NEUTRAL, Tone.ACCENT, Tone.OK) else 1.0)
        return color

    def _paint_words(self, painter: QPainter, foot: float) -> None:
        painter.setFont(self._theme.fonts.body)
        painter.setPen(self._theme.colors.muted)
        line = QRectF(_PAD, foot + 1, self.width() - 2 * _PAD, 18)
        first, last = self._span or self._whole
        middle = f"{words.duration(self._step)} each bar" if self._span is None else "Esc shows all"
        align = Qt.AlignmentFlag
        for side, text in ((align.AlignLeft, first), (align.AlignRight, last)):
            painter.drawText(line, int(side | align.AlignVCenter), time_words(text))
        painter.drawText(line, int(align.AlignCenter), middle)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._from = self._wall(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        here = self._wall(event.position().x())
        if self._from is not None:
            self._span = (min(self._from, here), max(self._from, here))
            self.update()
            return
        tones = self._bins.get(int(here // self._step), {})
        told = words.count(sum(tones.values()), "event")
        QToolTip.showText(event.globalPosition().toPoint(), tooltip_text(f"{time_words(here)}: {told}"), self)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._from is None:
            return
        self._from = None
        if self._span is not None and self._x(self._span[1]) - self._x(self._span[0]) < 4:
            self._span = None
        self.update()
        self.chosen.emit(self._span)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.clear()
        else:
            super().keyPressEvent(event)
