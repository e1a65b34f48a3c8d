"""Small charts, painted straight into a rectangle: 1.5 px line, faint fill, zero-based, gaps as gaps."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fleetcache_gui.domain.values import Sample

LINE = 1.5
_GAP = (
    3.0  # so many usual distances between two samples are a gap: the program was paused, or the server away
)


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

    `top` is the value at the upper edge, by default the largest shown. `mark` dots the newest sample.
    """
    shown = list(runs(samples, now - window))
    if not shown or window <= 0:
        return
    area = rect.adjusted(0, LINE, -(LINE + 2 if mark else 0), -LINE / 2)
    peak = max(max(value for _, value in run) for run in shown) if top is None else top
    across, up = area.width() / window, area.height() / peak if peak > 0 else 0.0

    def point(sample: Sample) -> QPointF:
        return QPointF(area.right() - (now - sample[0]) * across, area.bottom() - max(sample[1], 0.0) * up)

    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setClipRect(rect)
    faint = QColor(color)
    faint.setAlphaF(0.14)
    pen = QPen(color, LINE, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    for run in shown:
        points = [point(sample) for sample in run]
        line = QPolygonF(points)
        if fill and len(run) > 1:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(faint)
            foot = [QPointF(line.last().x(), area.bottom()), QPointF(line.first().x(), area.bottom())]
            painter.drawPolygon(QPolygonF([*points, *foot]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen)
        if len(run) > 1:
            painter.drawPolyline(line)
        else:
            painter.drawPoint(line.first())
    if mark:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawEllipse(point(shown[-1][-1]), 2.5, 2.5)
    painter.restore()
