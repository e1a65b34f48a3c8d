"""Small charts, painted straight into a rectangle: 1.5 px line, faint fill, zero-based, gaps as gaps."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fleetcache_gui.domain.values import Sample

LINE = 1.5
HEADROOM = 1.2
"""A chart without a limit ends this much above its highest value, lest a steady figure be a solid block."""

_PIECE, _JAGGED = 8, 3.0
"""Points of a line that are drawn at once, where it climbs and falls by so many times its width: Qt needs ten times as
long for the whole (50 ms at 600 px on a screen of 200 %, measured)."""
_STEP = 4.0  # px; more than two samples in so little room are thinned
_GAP = 3.0  # so many usual distances between two samples are a gap: a pause, or the server was away


def runs(samples: Sequence[Sample], oldest: float) -> Iterator[list[Sample]]:
    """The samples since `oldest` and the one before it (the line starts at the edge), split at gaps."""
    first = next((i for i, (at, _) in enumerate(samples) if at >= oldest), len(samples))
    kept = list(samples[max(first - 1, 0) :])
    distances = sorted(b[0] - a[0] for a, b in itertools.pairwise(kept))
    widest = _GAP * distances[len(distances) // 2] + 0.5 if distances else 0.0
    run: list[Sample] = []
    for sample in kept:
        if run and sample[0] - run[-1][0] > widest:
            yield run
            run = []
        run.append(sample)
    if run and run[-1][0] >= oldest:
        yield run


def thinned(run: list[Sample], span: float) -> list[Sample]:
    """Of each `span` seconds the lowest and the highest sample: the others could not be told apart."""
    if len(run) < 3 or (run[-1][0] - run[0][0]) / (len(run) - 1) * 2 >= span:
        return run
    kept: list[Sample] = []
    for _, group in itertools.groupby(run, key=lambda sample: sample[0] // span):
        samples = list(group)
        extremes = {min(samples, key=_value), max(samples, key=_value)}
        kept.extend(sorted(extremes))
    if kept[-1] != run[-1]:
        kept.append(run[-1])
    return kept


def _pieces(points: list[QPointF]) -> Iterator[QPolygonF]:
    """A line as it is best drawn: whole, so that no seam is seen, but one that goes up and down a lot in pieces."""
    climb = sum(abs(after.y() - before.y()) for before, after in itertools.pairwise(points))
    size = _PIECE if climb > _JAGGED * (points[-1].x() - points[0].x()) else len(points)
    for first in range(0, len(points) - 1, size):
        yield QPolygonF(points[first : first + size + 1])


def _value(sample: Sample) -> float:
    return sample[1]


def paint_sparkline(
    painter: QPainter,
    rect: QRectF,
    samples: Sequence[Sample],
    color: QColor,
    *,
    window: float,
    now: float,
    fill: bool = True,
    top: float | None = None,
    mark: bool = False,
) -> None:
    """Draw the last `window` seconds before `now` (both seconds, the samples' clock) into `rect`.

    `top` is the value at the upper edge, by default a little over the largest shown. `mark` dots the newest.
    """
    shown = list(runs(samples, now - window))
    if not shown or window <= 0:
        return
    area = rect.adjusted(0, LINE, -(LINE + 2 if mark else 0), -LINE / 2)
    peak = HEADROOM * max(max(value for _, value in run) for run in shown) if top is None else top
    across, up = area.width() / window, area.height() / peak if peak > 0 else 0.0

    def point(sample: Sample) -> QPointF:
        return QPointF(area.right() - (now - sample[0]) * across, area.bottom() - max(sample[1], 0.0) * up)

    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setClipRect(rect)
    faint = QColor(color)
    faint.setAlphaF(0.14)
    # Bevelled, for round joins take half as long again and cannot be told apart at this width.
    pen = QPen(color, LINE, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.BevelJoin)
    for run in shown:
        points = [point(sample) for sample in thinned(run, window / max(area.width() / _STEP, 1))]
        if fill and len(run) > 1:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(faint)
            foot = [QPointF(points[-1].x(), area.bottom()), QPointF(points[0].x(), area.bottom())]
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)  # its edge lies beneath the line
            painter.drawPolygon(QPolygonF([*points, *foot]))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen)
        if len(run) > 1:
            for piece in _pieces(points):
                painter.drawPolyline(piece)
        else:
            painter.drawPoint(points[0])
    if mark:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawEllipse(point(shown[-1][-1]), 2.5, 2.5)
    painter.restore()


@dataclass(frozen=True, slots=True)
class Axis:
    """A zero-based axis: its end, and the values that are marked, zero among them."""

    top: float
    marks: tuple[float, ...]


_STEPS = (1.0, 2.0, 5.0, 10.0)
_BINARY_STEPS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0)
_TIME_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)


def value_axis(peak: float, marks: int, *, binary: bool, least: float = 0.0) -> Axis:
    """An axis from zero to a little over `peak` with at most `marks` round values above zero; `least` is the finest
    step (1 for what is counted)."""
    if peak <= 0:
        return Axis(max(least, 1.0), (0.0, max(least, 1.0)))
    raw = max(peak, least) / max(marks, 1)
    base = 1024.0 if binary else 10.0
    unit = base ** math.floor(math.log(raw, base) + 1e-9)
    step = next(unit * step for step in (_BINARY_STEPS if binary else _STEPS) if unit * step >= raw * 0.999)
    step = max(step, least)
    count = max(math.ceil(peak / step - 1e-6), 1)
    return Axis(step * count, tuple(step * n for n in range(count + 1)))


def time_marks(first: float, last: float, most: int) -> tuple[float, ...]:
    """Round moments (Unix seconds) from `first` to `last`, at most `most` of them."""
    step = next((step for step in _TIME_STEPS if (last - first) / step <= most), _TIME_STEPS[-1])
    start = math.ceil(first / step)
    return tuple(float(step * n) for n in range(start, math.floor(last / step) + 1))
