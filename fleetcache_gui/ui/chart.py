"""A chart of measured values over time, to be looked at closely: hover, zoom, keys, copy. No animation.

Give it a `Metric`, a `TimeView` (shared by charts that should look at the same time) and readings.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QGuiApplication, QKeySequence, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from fleetcache_gui.present.metrics import Plot, as_csv, restarts, within
from fleetcache_gui.ui import chart_paint as paint
from fleetcache_gui.ui.text_widgets import copy_text
from fleetcache_gui.ui.theme import RADIUS, mix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtCore import QEvent
    from PySide6.QtGui import (
        QContextMenuEvent,
        QFocusEvent,
        QKeyEvent,
        QMouseEvent,
        QPaintEvent,
        QWheelEvent,
    )

    from fleetcache_gui.domain.snapshot import Vitals
    from fleetcache_gui.present.metrics import Metric
    from fleetcache_gui.ui.theme import Theme
    from fleetcache_gui.ui.time_view import TimeView

_PAD = 14
_TITLE = 22
_DRAG = 6  # px; less is a click
_NOTCH = 1.25
_FOOT = 26
_INF = float("inf")
_KEY = Qt.Key
_CONTROL = Qt.KeyboardModifier.ControlModifier
_STEPS = {_KEY.Key_Left: -1.0, _KEY.Key_Right: 1.0, _KEY.Key_Home: -_INF, _KEY.Key_End: _INF}
_ZOOMS = {_KEY.Key_Plus: 1 / _NOTCH, _KEY.Key_Equal: 1 / _NOTCH, _KEY.Key_Minus: _NOTCH}


class Chart(QWidget):
    """Painted whole: title, moment, legend with values, curves. `caption` is written beneath a copied picture."""

    def __init__(self, metric: Metric, view: TimeView, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.subject, self._view, self._theme = metric, view, theme  # not `metric`: Qt calls a method of that name
        self.caption = ""
        self._history: Sequence[Vitals] = ()
        self._plot: Plot | None = None
        self._restarts: tuple[float, ...] = ()
        self._pressed: QPointF | None = None
        self._drag: tuple[float, float] | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(300, 190)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(f"Chart: {metric.title}")
        self.setAccessibleDescription(metric.help)
        view.changed.connect(self._forget)
        view.pointed.connect(self._point)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(480, 230)

    def show_history(self, history: Sequence[Vitals]) -> None:
        """Show these readings, oldest first; they are worked out when they are painted."""
        self._history = history
        self._forget()

    @property
    def plot(self) -> Plot:
        """What is shown of the stretch that is looked at."""
        if self._plot is None:
            first, last = self._view.range
            self._plot = self.subject.within(self._history, first, last)
            self._restarts = restarts(within(self._history, first, last))
        return self._plot

    def described(self) -> str:
        """The values at the moment pointed at, or the newest, in one line."""
        plot, cursor = self.plot, self._view.cursor
        first, last = self._view.range
        parts = [f"{title} {value or 'unknown'}" for title, value in paint.legend(plot, cursor, last - first)]
        return f"{self._moment()}: {', '.join(parts)}" if parts else plot.absent

    def _moment(self) -> str:
        cursor = self._view.cursor
        if cursor is None:
            return "now"
        return datetime.fromtimestamp(cursor + self._view.skew).strftime("%H:%M:%S")

    # --- copying -----------------------------------------------------------------------------------------------

    def csv(self) -> str:
        """What is shown, as a table."""
        return as_csv(self.subject, self.plot, self._view.skew)

    def copy_csv(self) -> None:
        copy_text(self.csv())

    def picture(self) -> QPixmap:
        """The chart upon a card, twice as fine as the screen, with its caption."""
        foot = _FOOT if self.caption else 0
        drawn = QPixmap(QSize(self.width(), self.height() + foot) * 2)
        drawn.setDevicePixelRatio(2)
        drawn.fill(self._theme.colors.surface)
        painter = QPainter(drawn)
        self._paint(painter)
        painter.setFont(self._theme.fonts.body)
        painter.setPen(self._theme.colors.muted)
        painter.drawText(QPoint(_PAD, self.height() + foot - 10), self.caption)
        painter.end()
        return drawn

    def copy_picture(self) -> None:
        QGuiApplication.clipboard().setPixmap(self.picture())

    def menu(self) -> QMenu:
        """What can be done with the chart."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Copy as picture\tCtrl+Shift+C", self.copy_picture)
        menu.addAction("Copy values (CSV)\tCtrl+C", self.copy_csv)
        menu.addSeparator()
        menu.addAction("Whole time again\t0", self._view.reset).setEnabled(self._view.zoomed)
        return menu

    # --- looking -----------------------------------------------------------------------------------------------

    def _scale(self) -> paint.Scale:
        first, last = self._view.range
        return paint.scale_of(self.plot, self._room(), first, last, self._theme)

    def _entries(self) -> list[tuple[str, str]]:
        first, last = self._view.range
        return paint.legend(self.plot, self._view.cursor, last - first)

    def _room(self) -> QRectF:
        inner = QRectF(self.rect()).adjusted(_PAD, 10, -_PAD, -8)
        rows = len(paint.legend_rows(self._entries(), inner.width(), self._theme))
        return inner.adjusted(0, _TITLE + rows * paint.LEGEND_ROW, 0, 0)

    def _forget(self) -> None:
        self._plot = None
        self.update()

    def _point(self) -> None:
        if self.hasFocus():
            self.setAccessibleDescription(self.described())
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self._paint(painter)
        if self.hasFocus():
            painter.setPen(QPen(self._theme.colors.accent, 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS - 1, RADIUS - 1)
        painter.end()

    def _paint(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme, plot, cursor = self._theme, self.plot, self._view.cursor
        inner = QRectF(self.rect()).adjusted(_PAD, 10, -_PAD, -8)
        painter.setFont(theme.fonts.strong)
        painter.setPen(theme.colors.text)
        painter.drawText(inner.topLeft() + QPointF(0, 13), self.subject.title)
        width = painter.fontMetrics().horizontalAdvance(self.subject.title)
        if cursor is not None and not plot.absent:
            painter.setFont(theme.fonts.body)
            painter.setPen(theme.colors.muted)
            painter.drawText(inner.topLeft() + QPointF(width + 10, 13), self._moment())
        if plot.absent:
            paint.paint_absent(painter, inner.adjusted(0, _TITLE, 0, 0), plot.absent, theme)
            return
        paint.paint_legend(painter, inner.topLeft() + QPointF(0, _TITLE), inner.width(), plot, self._entries(), theme)
        scale = self._scale()
        paint.paint_axes(painter, scale, plot, self._view.skew, theme)
        paint.paint_curves(painter, scale, plot, self._restarts, theme)
        if self._drag is not None:
            self._paint_band(painter, scale, *self._drag)
        elif cursor is not None and scale.first <= cursor <= scale.last:
            paint.paint_pointer(painter, scale, plot, cursor, theme)

    def _paint_band(self, painter: QPainter, scale: paint.Scale, start: float, end: float) -> None:
        band = mix(self._theme.colors.surface, self._theme.colors.accent, 0.5)
        band.setAlphaF(0.3)
        left, right = sorted((scale.x(start), scale.x(end)))
        painter.fillRect(QRectF(left, scale.area.top(), right - left, scale.area.height()), band)

    # --- mouse -------------------------------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        scale, at = self._scale(), self._at(event.position())
        if self._pressed is not None and abs(event.position().x() - self._pressed.x()) >= _DRAG:
            self._drag = (scale.at(self._pressed.x()), at)
            self.update()
        self._view.point(self._nearest(at))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self._pressed = event.position()
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        drag, self._drag, self._pressed = self._drag, None, None
        if drag is not None:
            self._view.show(min(drag), max(drag))
        super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._pressed = self._drag = None
        self._view.reset()

    def leaveEvent(self, event: QEvent) -> None:
        self._view.point(None)
        super().leaveEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """With Ctrl, or where the chart has the focus; else the wheel is for scrolling the page."""
        if not (self.hasFocus() or event.modifiers() & _CONTROL):
            event.ignore()
            return
        notches = event.angleDelta().y() / 120
        self._view.zoom(_NOTCH**-notches, self._at(event.position()))
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menu().popup(event.globalPos())

    def _at(self, position: QPointF) -> float:
        scale = self._scale()
        return min(max(scale.at(position.x()), scale.first), scale.last)

    def _moments(self) -> list[float]:
        first, last = self._view.range
        return sorted({at for one in self.plot.series for at, _ in one.samples if first <= at <= last})

    def _nearest(self, at: float) -> float | None:
        """The moment of the reading nearest to this one, where there is any near it; else the moment itself."""
        near = min(self._moments(), key=lambda moment: abs(moment - at), default=None)
        first, last = self._view.range
        return near if near is not None and abs(near - at) <= max((last - first) / 40, paint.NEAR) else at

    # --- keys --------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_csv()
        elif key == _KEY.Key_C and event.modifiers() == _CONTROL | Qt.KeyboardModifier.ShiftModifier:
            self.copy_picture()
        elif (steps := _STEPS.get(_KEY(key))) is not None:
            self._step(steps)
        elif (factor := _ZOOMS.get(_KEY(key))) is not None:
            last = self._view.range[1]
            about = self._view.cursor if self._view.cursor is not None else last
            self._view.zoom(factor, about)
        elif key == Qt.Key.Key_0 or (key == Qt.Key.Key_Escape and self._view.zoomed):
            self._view.reset()
        elif key == Qt.Key.Key_Menu:
            self.menu().popup(self.mapToGlobal(self.rect().center()))
        else:
            super().keyPressEvent(event)

    def _step(self, steps: float) -> None:
        """To another reading: so many before (negative) or after the one that is pointed at."""
        moments, cursor = self._moments(), self._view.cursor
        if not moments:
            return
        if cursor is None:
            position = 0 if steps == -_INF else len(moments) - 1
        else:
            nearest = min(range(len(moments)), key=lambda n: abs(moments[n] - cursor))
            position = int(min(max(nearest + steps, 0), len(moments) - 1))
        self._view.point(moments[position])

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.setAccessibleDescription(self.described())
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._view.point(None)
        super().focusOutEvent(event)
