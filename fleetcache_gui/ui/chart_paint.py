"""How a chart of measured values over time is painted: legend, axes, curves, the moment that is pointed at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from fleetcache_gui.present.metrics import OTHERS, Plot, Unit
from fleetcache_gui.ui.charts import Axis, paint_sparkline, time_marks, value_axis
from fleetcache_gui.ui.text_widgets import elide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetcache_gui.domain.values import Sample
    from fleetcache_gui.present.metrics import Series
    from fleetcache_gui.ui.theme import Theme

LEGEND_ROW = 18
_AXIS_LEFT = 66
"""Px that marked values have at the least, so that charts above each other agree."""
NEAR = 6.0
"""Seconds within which a reading is that of the moment pointed at."""
_AXIS_FOOT = 18
_MARK_ROOM = 34  # px between two marked values
_TIME_ROOM = 84
_NEAR_LIMIT = 0.25
"""A limit is drawn when the highest value has come so near to it; before that the curve's course could not be seen."""
_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine)
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine)
_MIDDLE = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)

_LIGHT = ("#2158CB", "#8F5200", "#0F7043", "#8A3FA8", "#B3261E", "#00707A", "#6B6414", "#A3336B")
_DARK = ("#6EA0FF", "#F2B54D", "#4CC38A", "#C49BFF", "#FF8A80", "#4FD0DC", "#D3CB5B", "#FF94C2")
"""Each reads at 4.5:1 upon a card; a curve's name and value stand beside its colour."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Where values and moments (monotonic seconds) lie in the `area` of the curves."""

    area: QRectF
    first: float
    last: float
    axis: Axis

    def x(self, at: float) -> float:
        return self.area.right() - (self.last - at) * self.area.width() / max(self.last - self.first, 1e-9)

    def at(self, x: float) -> float:
        return self.last - (self.area.right() - x) * (self.last - self.first) / max(self.area.width(), 1.0)

    def y(self, value: float) -> float:
        return self.area.bottom() - max(value, 0.0) * self.area.height() / self.axis.top


def color_of(plot: Plot, position: int, theme: Theme) -> QColor:
    """Of a curve: limits, and what is together the rest, stand back."""
    series = plot.series[position]
    if series.limit or series.title == OTHERS:
        return theme.colors.muted
    colors = _DARK if theme.dark else _LIGHT
    return QColor(colors[position % len(colors)])


def value_at(samples: Sequence[Sample], at: float, span: float) -> Sample | None:
    """The sample nearest to a moment; none where there is no such within a fortieth of `span` seconds, or 6 s."""
    near = min(samples, key=lambda sample: abs(sample[0] - at), default=None)
    return near if near is not None and abs(near[0] - at) <= max(span / 40, NEAR) else None


def scale_of(plot: Plot, room: QRectF, first: float, last: float, theme: Theme) -> Scale:
    """The axes that fit a plot into `room`."""
    drawn = [one for one in plot.series if not (one.limit or one.aside)]
    peak = max((value for one in drawn for _, value in one.samples), default=0.0)
    limit = max((value for one in plot.series if one.limit for _, value in one.samples), default=0.0)
    if limit and peak >= _NEAR_LIMIT * limit:
        peak = max(peak, limit)
    if plot.unit is Unit.PERCENT:
        axis = Axis(100.0, (0.0, 25.0, 50.0, 75.0, 100.0) if room.height() > 150 else (0.0, 50.0, 100.0))
    else:
        marks = max(int((room.height() - _AXIS_FOOT) // _MARK_ROOM), 1)
        least = 1.0 if plot.unit in (Unit.COUNT, Unit.SECONDS, Unit.BYTES) else 0.0
        axis = value_axis(peak * 1.02, marks, binary=plot.unit.binary, least=least)
    metrics = QFontMetricsF(theme.fonts.body)
    left = max(*(metrics.horizontalAdvance(plot.unit.mark(mark)) + 8 for mark in axis.marks), _AXIS_LEFT)
    return Scale(room.adjusted(left, 10, -1, -_AXIS_FOOT), first, last, axis)


def paint_axes(painter: QPainter, scale: Scale, plot: Plot, skew: float, theme: Theme) -> None:
    """Marked values with faint lines, and the time of day; `skew`: Unix time less monotonic."""
    area, colors = scale.area, theme.colors
    painter.setFont(theme.fonts.body)
    for mark in scale.axis.marks:
        y = round(scale.y(mark)) + 0.5
        painter.setPen(colors.line)
        painter.drawLine(QLineF(area.left(), y, area.right(), y))
        painter.setPen(colors.muted)
        painter.drawText(QRectF(area.left() - 108, y - 9, 100, 18), _RIGHT, plot.unit.mark(mark))
    fine = scale.last - scale.first < 240
    for unix in time_marks(scale.first + skew, scale.last + skew, max(int(area.width() // _TIME_ROOM), 1)):
        x = scale.x(unix - skew)
        word = datetime.fromtimestamp(unix).strftime("%H:%M:%S" if fine else "%H:%M")
        width = painter.fontMetrics().horizontalAdvance(word)
        left = min(max(x - width / 2, area.left()), area.right() - width)
        painter.setPen(colors.line)
        painter.drawLine(QLineF(x, area.bottom(), x, area.bottom() + 4))
        painter.setPen(colors.muted)
        painter.drawText(QRectF(left, area.bottom() + 3, width + 2, _AXIS_FOOT - 3), _LEFT, word)


def paint_curves(painter: QPainter, scale: Scale, plot: Plot, marks: Sequence[float], theme: Theme) -> None:
    """The curves, gaps as gaps, a limit as a dashed line; an upright line where the server was restarted."""
    several = sum(not (one.limit or one.aside) for one in plot.series) > 2
    for position, one in enumerate(plot.series):
        color = color_of(plot, position, theme)
        if one.limit:
            _paint_limit(painter, scale, one, color)
        elif not one.aside:
            span = scale.last - scale.first
            top = scale.axis.top
            paint_sparkline(
                painter, scale.area, one.samples, color, window=span, now=scale.last, top=top, fill=not several
            )
    painter.setPen(QPen(theme.colors.warn, 1, Qt.PenStyle.DashLine))
    for at in marks:
        if scale.first <= at <= scale.last:
            painter.drawLine(QLineF(scale.x(at), scale.area.top(), scale.x(at), scale.area.bottom()))


def _paint_limit(painter: QPainter, scale: Scale, one: Series, color: QColor) -> None:
    value = one.samples[-1][1]
    if value <= scale.axis.top * 1.001:
        painter.setPen(QPen(color, 1, Qt.PenStyle.DashLine))
        painter.drawLine(QLineF(scale.area.left(), scale.y(value), scale.area.right(), scale.y(value)))


def paint_pointer(painter: QPainter, scale: Scale, plot: Plot, at: float, theme: Theme) -> None:
    """The moment that is pointed at, with a dot on each curve."""
    area, span = scale.area, scale.last - scale.first
    painter.setPen(QPen(theme.colors.muted, 1))
    painter.drawLine(QLineF(scale.x(at), area.top(), scale.x(at), area.bottom()))
    painter.setPen(QPen(theme.colors.surface, 1.5))
    for position, one in enumerate(plot.series):
        near = value_at(one.samples, at, span)
        if near is not None and not (one.limit or one.aside):
            painter.setBrush(color_of(plot, position, theme))
            painter.drawEllipse(QPointF(scale.x(near[0]), scale.y(near[1])), 4, 4)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def legend(plot: Plot, at: float | None, span: float) -> list[tuple[str, str]]:
    """Each curve's name, and its value: at a moment, or the newest; empty where there is none."""
    told = []
    for one in plot.series:
        sample = one.samples[-1] if at is None else value_at(one.samples, at, span)
        told.append((one.title, plot.unit.text(sample[1]) if sample is not None else ""))
    return told


def legend_rows(entries: Sequence[tuple[str, str]], width: float, theme: Theme) -> list[list[int]]:
    """Which entries stand in which row."""
    rows: list[list[int]] = [[]]
    x = 0.0
    for position, entry in enumerate(entries):
        wide = entry_width(entry, theme)
        if x and x + wide > width:
            rows.append([])
            x = 0.0
        rows[-1].append(position)
        x += wide
    return rows


def entry_width(entry: tuple[str, str], theme: Theme) -> float:
    """Px of a swatch, a name and a value, with the distance to the next."""
    name, value = QFontMetricsF(theme.fonts.body), QFontMetricsF(theme.fonts.strong)
    # A value has room for what it may become, or the legend would be restless.
    return 14 + 6 + name.horizontalAdvance(entry[0]) + 6 + max(value.horizontalAdvance(entry[1]), 52) + 14


def paint_legend(
    painter: QPainter, origin: QPointF, width: float, plot: Plot, entries: Sequence[tuple[str, str]], theme: Theme
) -> None:
    """A swatch, a name and a value for each curve."""
    for number, row in enumerate(legend_rows(entries, width, theme)):
        x, y = origin.x(), origin.y() + number * LEGEND_ROW
        for position in row:
            title, value = entries[position]
            color = color_of(plot, position, theme)
            style = Qt.PenStyle.DashLine if plot.series[position].limit else Qt.PenStyle.SolidLine
            painter.setPen(QPen(color, 2, style))
            if not plot.series[position].aside:
                painter.drawLine(QLineF(x, y + LEGEND_ROW / 2, x + 14, y + LEGEND_ROW / 2))
            painter.setFont(theme.fonts.body)
            painter.setPen(theme.colors.muted)
            room = width - (x - origin.x()) - 20
            shown = elide(painter.fontMetrics(), title, Qt.TextElideMode.ElideRight, int(room))
            painter.drawText(QRectF(x + 20, y, room, LEGEND_ROW), _LEFT, shown)
            text_x = x + 20 + painter.fontMetrics().horizontalAdvance(shown) + 6
            painter.setFont(theme.fonts.strong)
            painter.setPen(theme.colors.text)
            painter.drawText(QRectF(text_x, y, width, LEGEND_ROW), _LEFT, value)
            x += entry_width(entries[position], theme)


def paint_absent(painter: QPainter, room: QRectF, text: str, theme: Theme) -> None:
    """Why there is nothing."""
    painter.setFont(theme.fonts.body)
    painter.setPen(theme.colors.muted)
    painter.drawText(room, _MIDDLE, text)
