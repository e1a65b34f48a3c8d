"""What just happened: events, newest first; one click leads to the row."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListView, QStyle, QStyledItemDelegate, QWidget

from fleetcache_gui.ui.marks import paint_mark
from fleetcache_gui.ui.text_widgets import elide, tooltip_text
from fleetcache_gui.ui.theme import ROW, Theme

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PySide6.QtGui import QPaintEvent
    from PySide6.QtWidgets import QStyleOptionViewItem

    from fleetcache_gui.present.timeline import Event
    from fleetcache_gui.ui.picker import Index

MOST = 500
NOTHING = "Nothing yet. Locks taken and lost, campaigns started and finished, queues that surge: told here."
_LINE = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextSingleLine)


def time_words(wall: float) -> str:
    """Local time of day, ``09:41:12``."""
    return datetime.fromtimestamp(wall).strftime("%H:%M:%S")


class _Events(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.events: list[Event] = []

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  (Qt's own default)
        return 0 if parent.isValid() else len(self.events)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        event = self.events[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{time_words(event.wall)} {event.text}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip_text(event.text)
        return None

    def show(self, newest_first: Iterable[Event]) -> None:
        self.beginResetModel()
        self.events = list(islice(newest_first, MOST))
        self.endResetModel()

    def add(self, events: Iterable[Event]) -> None:
        newest_first = list(events)[::-1][:MOST]
        if not newest_first:
            return
        self.beginInsertRows(QModelIndex(), 0, len(newest_first) - 1)
        self.events[:0] = newest_first
        self.endInsertRows()
        if len(self.events) > MOST:
            self.beginRemoveRows(QModelIndex(), MOST, len(self.events) - 1)
            del self.events[MOST:]
            self.endRemoveRows()


class _EventDelegate(QStyledItemDelegate):
    def __init__(self, events: _Events, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._events = events
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(80, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        event, colors = self._events.events[index.row()], self._theme.colors
        rect: QRect = option.rect
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, colors.selection)
        painter.setFont(self._theme.fonts.body)
        clock = time_words(event.wall)
        width = painter.fontMetrics().horizontalAdvance("00:00:00")
        painter.setPen(colors.muted)
        painter.drawText(rect.adjusted(14, 0, 0, 0), _LINE, clock)
        center = QPointF(rect.x() + 14 + width + 16, rect.center().y() + 0.5)
        paint_mark(painter, center, 10, event.tone, colors.tone(event.tone))
        words = rect.adjusted(14 + width + 30, 0, -14, 0)
        painter.setPen(colors.text)
        shown = elide(painter.fontMetrics(), event.text, Qt.TextElideMode.ElideRight, words.width())
        painter.drawText(words, _LINE, shown)
        painter.restore()


class EventList(QListView):
    """Keeps the newest `MOST`. `nothing` stands where there are none."""

    jump = Signal(str, object)  # family id, row id

    def __init__(self, theme: Theme, nothing: str = NOTHING, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._nothing = theme, nothing
        self._events = _Events(self)
        self.setModel(self._events)
        self.setItemDelegate(_EventDelegate(self._events, theme, self))
        self.setUniformItemSizes(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setAccessibleName("What just happened")
        self.clicked.connect(self._go)
        self.activated.connect(self._go)
        theme.changed.connect(self.viewport().update)

    @property
    def events(self) -> tuple[Event, ...]:
        """What is listed, newest first."""
        return tuple(self._events.events)

    def add(self, events: Iterable[Event]) -> None:
        """Put these, oldest first as they happened, on top."""
        self._events.add(events)

    def show_events(self, newest_first: Iterable[Event]) -> None:
        """Show these in place of all others."""
        self._events.show(newest_first)

    def _go(self, index: QModelIndex) -> None:
        event = self._events.events[index.row()]
        if event.family:
            self.jump.emit(event.family, event.row)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._events.events:
            return
        painter = QPainter(self.viewport())
        painter.setFont(self._theme.fonts.body)
        painter.setPen(self._theme.colors.muted)
        area = self.viewport().rect().adjusted(24, 16, -24, -16)
        painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), self._nothing)
        painter.end()
