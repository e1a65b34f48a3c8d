"""Lanes over one time axis: a bar for each holder, within it the time left, a tick for each renewal."""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPolygonF
from PySide6.QtWidgets import QToolTip, QWidget

from fleetcache_gui.domain import words
from fleetcache_gui.domain.telling import Happening
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.ui.event_list import time_words
from fleetcache_gui.ui.marks import paint_mark
from fleetcache_gui.ui.text_widgets import elide, tooltip_text
from fleetcache_gui.ui.theme import mix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent, QWheelEvent

    from fleetcache_gui.domain.lanes import Lane, Stint
    from fleetcache_gui.ui.theme import Theme

LANE = 34
AXIS = 26
NAMES = 232
"""px: height of a lane and of the axis, width of the names."""
SHORTEST, LONGEST = 10.0, 8 * 3600.0
"""Seconds that can be seen at once."""
AHEAD = 0.12
"""Share of the width that lies in the future, where a lock's end is waited for."""

_HUES = (215, 160, 35, 285, 190, 330, 95, 250)
"""Of holders: told apart by their words too, for nobody tells eight colours apart."""
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
_VCENTER = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextSingleLine)

HOW = {
    Happening.RELEASED: "let go before its time was up: released, or removed by somebody",
    Happening.EXPIRED: "its time ran out, or it was let go just before",
    Happening.CHANGED_HANDS: "another holder was found in its place",
}


class LaneChart(QWidget):
    """Wheel: more or less time; drag: other times; a click or Return: `jump(family id, row id)`.

    All times are monotonic seconds; `wall` is what to add to them for the time of day.
    """

    jump = Signal(str, object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._lanes: Sequence[Lane] = ()
        self._now = self._wall = 0.0
        self._span = 120.0
        self._back = 0.0  # seconds by which the right edge lies before now
        self._grip: tuple[float, float] | None = None
        self._moved = False
        self._at = 0
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Locks over time")
        theme.changed.connect(self.update)

    @property
    def span(self) -> float:
        """Seconds that are seen."""
        return self._span

    def set_span(self, seconds: float) -> None:
        """See so many seconds."""
        self._span = min(max(seconds, SHORTEST), LONGEST)
        self.update()

    def follow(self) -> None:
        """See the present again."""
        self._back = 0.0
        self.update()

    @property
    def follows(self) -> bool:
        """Whether the present is seen."""
        return self._back <= 0.0

    def show_lanes(self, lanes: Sequence[Lane], now: float, wall: float) -> None:
        """These, as they are at monotonic time `now`."""
        if not self.follows:
            self._back += now - self._now  # what is looked at stays where it is
        self._lanes, self._now, self._wall = lanes, now, wall
        self.setFixedHeight(max(AXIS + LANE * len(lanes) + 4, AXIS + LANE))
        said = (f"{lane.title}: {lane.held.holder if lane.held else 'nobody'}" for lane in lanes[:50])
        self.setAccessibleDescription("; ".join(said))
        self.update()

    # --- geometry ---

    @property
    def _edge(self) -> float:
        """The time at the right edge."""
        return self._now - self._back + AHEAD * self._span

    def _x(self, at: float) -> float:
        room = max(self.width() - NAMES - 8, 1)
        return NAMES + room - (self._edge - min(at, 1e12)) / self._span * room

    def _time(self, x: float) -> float:
        room = max(self.width() - NAMES - 8, 1)
        return self._edge - (NAMES + room - x) / room * self._span

    def _lane_at(self, y: float) -> Lane | None:
        number = int((y - AXIS) // LANE)
        return self._lanes[number] if y >= AXIS and 0 <= number < len(self._lanes) else None

    def _stint_at(self, x: float, y: float) -> Stint | None:
        lane, at = self._lane_at(y), self._time(x)
        if lane is None or x < NAMES:
            return None
        slack = 3 / max(self.width() - NAMES, 1) * self._span
        ends = ((stint, self._now if stint.end is None else stint.end) for stint in lane.stints)
        return next((stint for stint, end in ends if stint.since - slack <= at <= end + slack), None)

    # --- painting ---

    def color(self, holder: str) -> QColor:
        """That of a holder: the same in each lane and at each start."""
        hue = _HUES[zlib.crc32(holder.encode(errors="replace")) % len(_HUES)]
        return QColor.fromHslF(hue / 360, 0.62, 0.66 if self._theme.dark else 0.40)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_axis(painter)
        for number, lane in enumerate(self._lanes):
            top = AXIS + number * LANE
            if event.rect().top() <= top + LANE and top <= event.rect().bottom():
                self._paint_lane(painter, lane, QRectF(0, top, self.width(), LANE), chosen=number == self._at)
        if self.follows or self._x(self._now) < self.width():
            painter.setPen(self._theme.colors.accent)
            x = round(self._x(self._now)) + 0.5
            painter.drawLine(QPointF(x, AXIS - 4), QPointF(x, self.height()))
        painter.end()

    def _marks(self) -> Iterator[float]:
        step = next((step for step in _STEPS if self._span / step <= max(self.width() - NAMES, 1) / 90), _STEPS[-1])
        first = math.ceil((self._edge - self._span + self._wall) / step) * step
        while first <= self._edge + self._wall:
            yield first - self._wall
            first += step

    def _paint_axis(self, painter: QPainter) -> None:
        colors = self._theme.colors
        painter.setFont(self._theme.fonts.body)
        for at in self._marks():
            x = round(self._x(at)) + 0.5
            if x < NAMES:
                continue
            painter.setPen(colors.line)
            painter.drawLine(QPointF(x, AXIS - 5), QPointF(x, self.height()))
            if x + 62 < self.width():
                painter.setPen(colors.muted)
                painter.drawText(QRectF(x + 4, 0, 70, AXIS - 4), _VCENTER, time_words(at + self._wall))
        painter.setPen(colors.line)
        painter.drawLine(QPointF(0, AXIS - 0.5), QPointF(self.width(), AXIS - 0.5))

    def _paint_lane(self, painter: QPainter, lane: Lane, rect: QRectF, *, chosen: bool) -> None:
        colors, fonts = self._theme.colors, self._theme.fonts
        if chosen and self.hasFocus():
            painter.fillRect(rect.adjusted(0, 0, 0, -1), colors.selection)
        painter.setFont(fonts.body)
        painter.setPen(colors.text)
        title = elide(painter.fontMetrics(), lane.title, Qt.TextElideMode.ElideMiddle, NAMES - 28)
        painter.drawText(rect.adjusted(12, 0, 0, 0), _VCENTER, title)
        painter.setPen(colors.line)
        painter.drawLine(rect.bottomLeft() + QPointF(0, -0.5), rect.bottomRight() + QPointF(0, -0.5))
        painter.save()
        painter.setClipRect(QRectF(NAMES, rect.y(), self.width() - NAMES, rect.height()))
        for stint in lane.stints:
            end = self._now if stint.end is None else stint.end
            if end >= self._edge - self._span and stint.since <= self._edge:
                self._paint_stint(painter, stint, rect)
        painter.restore()

    def _paint_stint(self, painter: QPainter, stint: Stint, rect: QRectF) -> None:
        colors, color = self._theme.colors, self.color(stint.holder)
        end = self._now if stint.end is None else stint.end
        left = self._x(stint.since)
        bar = QRectF(left, rect.y() + 6, max(self._x(end) - left, 2.0), rect.height() - 13)
        painter.fillRect(bar, mix(colors.surface, color, 0.16))
        self._paint_left(painter, stint, bar, end, color)
        if stint.end is None and math.isfinite(stint.until) and stint.until > self._now:
            ahead = QRectF(bar.right(), bar.y(), self._x(stint.until) - bar.right(), bar.height())
            painter.setPen(mix(colors.surface, color, 0.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(ahead.adjusted(0, 0.5, 0, -0.5))
        beginning = mix(colors.surface, color, 0.5) if stint.early else color
        painter.fillRect(QRectF(bar.x(), bar.y(), 2, bar.height()), beginning)
        for grant in list(stint.grants)[1:]:
            painter.fillRect(QRectF(self._x(grant.at) - 0.5, bar.y() - 3, 1.5, bar.height() + 3), color)
        if stint.how is not None:
            tone = {Happening.RELEASED: Tone.OK, Happening.EXPIRED: Tone.WARN}.get(stint.how, Tone.ACCENT)
            paint_mark(painter, QPointF(bar.right(), bar.center().y()), 11, tone, colors.tone(tone))
        room = min(bar.right(), self.width()) - max(bar.x(), NAMES) - 16
        if room > 24:
            painter.setPen(colors.text)
            words_ = elide(painter.fontMetrics(), stint.holder, Qt.TextElideMode.ElideRight, int(room))
            painter.drawText(QRectF(max(bar.x(), NAMES) + 7, bar.y(), room, bar.height()), _VCENTER, words_)

    def _paint_left(self, painter: QPainter, stint: Stint, bar: QRectF, end: float, color: QColor) -> None:
        """The time left as a falling edge: full after each grant, nothing when the lock would have gone."""
        grants = list(stint.grants)
        longest = max((g.until - g.at for g in grants if math.isfinite(g.until)), default=0.0)
        if longest <= 0:
            return
        points = [bar.bottomLeft()]
        for grant, after in zip(grants, [*(g.at for g in grants[1:]), end], strict=True):
            for at in (grant.at, after):
                share = min(max((grant.until - at) / longest, 0.0), 1.0)
                points.append(QPointF(self._x(at), bar.bottom() - share * bar.height()))
        points.append(QPointF(self._x(end), bar.bottom()))
        fill = QColor(color)
        fill.setAlphaF(0.30)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawPolygon(QPolygonF(points))

    # --- what a person does ---

    def told(self, stint: Stint) -> str:
        """Everything known of a stint."""
        end = self._now if stint.end is None else stint.end
        began = f"{'held already' if stint.early else 'taken'} at {time_words(stint.since + self._wall)}"
        lines = [stint.holder, f"{began}, for {words.duration(max(end - stint.since, 0.0))}"]
        first = stint.grants[0]
        if math.isfinite(first.until):
            given = words.duration(max(g.until - g.at for g in stint.grants))
            lines.append(f"lifetime {given}; renewed {words.count(stint.renewals, 'time')} as far as was seen")
        else:
            lines.append("no expiry: it stays until it is released")
        if stint.how is not None:
            lines.append(f"over at {time_words(end + self._wall)}: {HOW[stint.how]}")
        elif math.isfinite(stint.until):
            lines.append(f"ends in {words.duration(max(stint.until - self._now, 0.0))} unless it is renewed")
        return "\n".join(lines)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x, y = event.position().x(), event.position().y()
        if self._grip is not None:
            moved = self._time(x) - self._time(self._grip[0])
            self._moved = self._moved or abs(x - self._grip[0]) > 4
            self._back = max(self._grip[1] + moved, 0.0)
            self.update()
            return
        stint, lane = self._stint_at(x, y), self._lane_at(y)
        self.setCursor(Qt.CursorShape.PointingHandCursor if lane else Qt.CursorShape.ArrowCursor)
        text = self.told(stint) if stint else lane.title if lane and x < NAMES else ""
        QToolTip.showText(event.globalPosition().toPoint(), tooltip_text(text), self)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._grip, self._moved = (event.position().x(), self._back), False

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        grip, self._grip = self._grip, None
        lane = self._lane_at(event.position().y())
        if grip is not None and not self._moved and lane is not None:
            self.jump.emit(lane.family, lane.row)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            event.ignore()  # the list scrolls
            return
        self.set_span(self._span * (0.8 if event.angleDelta().y() > 0 else 1.25))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, keys = event.key(), Qt.Key
        if key in (keys.Key_Plus, keys.Key_Equal, keys.Key_Minus):
            self.set_span(self._span * (1.25 if key == keys.Key_Minus else 0.8))
        elif key in (keys.Key_Left, keys.Key_Right):
            self._back = max(self._back + self._span / (10 if key == keys.Key_Left else -10), 0.0)
            self.update()
        elif key in (keys.Key_Up, keys.Key_Down):
            self._at = min(max(self._at + (1 if key == keys.Key_Down else -1), 0), max(len(self._lanes) - 1, 0))
            self.update()
        elif key in (keys.Key_Return, keys.Key_Enter) and self._at < len(self._lanes):
            self.jump.emit(self._lanes[self._at].family, self._lanes[self._at].row)
        else:
            super().keyPressEvent(event)
