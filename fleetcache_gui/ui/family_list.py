"""The overview's table of key families: how many entries, how that went, whether all is well."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QFrame, QHeaderView, QStyle, QStyledItemDelegate, QTableView, QWidget

from fleetcache_gui.domain import words
from fleetcache_gui.domain.values import Sample, State, Tone
from fleetcache_gui.ui.charts import paint_sparkline
from fleetcache_gui.ui.delegates import paint_pill
from fleetcache_gui.ui.marks import SEVERITY_TONES, severity_words, worst
from fleetcache_gui.ui.text_widgets import elide, tooltip_text
from fleetcache_gui.ui.theme import ROW, Theme

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence

    from PySide6.QtGui import QResizeEvent
    from PySide6.QtWidgets import QStyleOptionViewItem

    from fleetcache_gui.domain.family import Family
    from fleetcache_gui.domain.snapshot import Snapshot
    from fleetcache_gui.session import Session
    from fleetcache_gui.ui.attention import Attention
    from fleetcache_gui.ui.picker import Index

HEADER, TALL_ROW = 34, 40
SHORTEST, WINDOW = 30.0, 300.0
"""Seconds that the trends show: all that was watched, within these."""

_TITLES = ("Family", "Entries", "Memory", "Trend", "State")
_MEMORY, _TREND, _STATE = 2, 3, 4
_RIGHTS = frozenset({1, _MEMORY})
_LEFT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
_RIGHT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight


def weight(family: Family, snapshot: Snapshot) -> int:
    """The number that stands for a family: its rows, or what it gives itself (a queue's depth)."""
    own = None if snapshot.long else family.weight(snapshot.rows)
    return snapshot.count if own is None else own


@dataclass(slots=True)
class _Line:
    family: Family
    entries: int | None
    state: State
    trend: deque[Sample]
    memory: str = ""
    weighed: str = ""


class _Families(QAbstractTableModel):
    def __init__(self, session: Session, attention: Attention, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._attention = session, attention
        reading = State("reading")
        self.lines = [_Line(family, None, reading, deque(maxlen=300)) for family in session.layout.families]

    def now(self) -> float:
        """Monotonic seconds of the moment that is shown."""
        return self._session.now()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  (Qt's own default)
        return 0 if parent.isValid() else len(self.lines)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(_TITLES)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _TITLES[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        line = self.lines[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            entries = "" if line.entries is None else words.count(line.entries)
            return (line.family.title, entries, line.memory, "", line.state.word)[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip_text(line.weighed if index.column() == _MEMORY else line.family.purpose)
        return None

    def weigh(self) -> None:
        """The memory of keys was measured anew."""
        weights = self._session.weights
        for line in self.lines:
            weight = weights.by_family.get(line.family.id)
            line.memory = weight.brief if weight is not None and weight.keys else ""
            line.weighed = weights.refused if weight is None else weight.explained
        self.dataChanged.emit(self.index(0, _MEMORY), self.index(len(self.lines) - 1, _MEMORY))

    def refresh(self, family_id: str) -> None:
        for position, line in enumerate(self.lines):
            if line.family.id == family_id:
                self._read(line)
                self.dataChanged.emit(self.index(position, 0), self.index(position, len(_TITLES) - 1))

    def _read(self, line: _Line) -> None:
        snapshot = self._session.snapshot(line.family.id)
        if snapshot is None:
            return
        line.entries = weight(line.family, snapshot)
        # After a reconnect a family fills up again: that is no fall.
        if snapshot.complete and (not line.trend or snapshot.at >= line.trend[-1][0] + 1):
            line.trend.append((snapshot.at, float(line.entries)))
        open_now = self._session.findings_of(line.family.id)
        findings = self._attention.loud(open_now)
        grave = worst(findings)
        if grave is not None:
            line.state = State(severity_words(findings), SEVERITY_TONES[grave])
        elif open_now:
            line.state = State(f"{words.count(len(open_now))} quiet")
        elif snapshot.refused:
            line.state = State("no permission", Tone.WARN)
        elif self._session.inventory.missing:
            line.state = State("partial", Tone.WARN)
        elif snapshot.complete:
            line.state = State("fine", Tone.OK) if line.entries else State("empty")


class _FamilyDelegate(QStyledItemDelegate):
    def __init__(self, families: _Families, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._families = families
        self._theme = theme
        self.stale = False

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(80, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        line, colors, fonts = self._families.lines[index.row()], self._theme.colors, self._theme.fonts
        rect: QRect = option.rect
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & (QStyle.StateFlag.State_MouseOver | QStyle.StateFlag.State_Selected):
            painter.fillRect(rect, colors.selection)
        if self.stale:
            painter.setOpacity(0.55)
        inner = padded(rect, index.column())
        painter.setFont(fonts.body)
        painter.setPen(colors.text if line.entries else colors.muted)
        if index.column() == 0:
            mode = Qt.TextElideMode.ElideRight
            title = elide(painter.fontMetrics(), line.family.title, mode, inner.width())
            painter.drawText(inner, int(_LEFT), title)
        elif index.column() == 1:
            painter.drawText(inner, int(_RIGHT), "–" if line.entries is None else words.count(line.entries))
        elif index.column() == _MEMORY:
            painter.setPen(colors.muted)
            painter.drawText(inner, int(_RIGHT), line.memory)
        elif index.column() == _TREND:
            area = QRectF(inner).adjusted(0, 5, -8, -5)
            now = line.trend[-1][0] if self.stale and line.trend else self._families.now()
            since = min((other.trend[0][0] for other in self._families.lines if other.trend), default=now)
            window = min(max(now - since, SHORTEST), WINDOW)
            paint_sparkline(painter, area, tuple(line.trend), colors.accent, window=window, now=now)
        else:
            paint_pill(painter, inner, line.state, self._theme)
        painter.restore()


class ListHeader(QHeaderView):
    """Small capitals over their column; `right` are the columns of figures, `pad` tells where a cell's words stand."""

    def __init__(
        self,
        theme: Theme,
        titles: Sequence[str],
        right: Container[int],
        pad: Callable[[QRect, int], QRect],
        parent: QWidget,
    ) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._theme, self._titles, self._right, self._pad = theme, titles, right, pad
        self.setFixedHeight(HEADER)

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        colors = self._theme.colors
        painter.save()
        painter.fillRect(QRect(rect.x(), rect.bottom(), rect.width(), 1), colors.line)
        painter.setFont(self._theme.fonts.label)
        painter.setPen(colors.muted)
        painter.drawText(
            self._pad(rect, section), int(_RIGHT if section in self._right else _LEFT), self._titles[section]
        )
        painter.restore()


def padded(rect: QRect, column: int) -> QRect:
    """Where the words of a cell stand."""
    return rect.adjusted(16 if column == 0 else 24 if column == _TREND else 8, 0, -8, 0)


class FamilyList(QTableView):
    """One row a family; rows grow with the room there is."""

    jump = Signal(str, object)  # family id, b""

    def __init__(self, session: Session, attention: Attention, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._families = _Families(session, attention, self)
        self._delegate = _FamilyDelegate(self._families, theme, self)
        self.setModel(self._families)
        self.setItemDelegate(self._delegate)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setMouseTracking(True)
        self.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.setAccessibleName("Key families")
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        header = ListHeader(theme, _TITLES, _RIGHTS, padded, self)
        self.setHorizontalHeader(header)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        count = self._families.rowCount()
        self.setMinimumHeight(HEADER + ROW * count + 2)
        self.setMaximumHeight(HEADER + TALL_ROW * count + 2)
        session.weights_changed.connect(self._families.weigh)
        self.clicked.connect(self._go)
        self.activated.connect(self._go)
        theme.changed.connect(self.viewport().update)

    def refresh(self, family_id: str) -> None:
        """The family was read anew, or its findings changed."""
        self._families.refresh(family_id)

    def set_stale(self, stale: bool) -> None:
        """Grey it: this is what was read last."""
        self._delegate.stale = stale
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.verticalHeader().setDefaultSectionSize(
            max((self.height() - HEADER - 2) // max(self._families.rowCount(), 1), ROW)
        )
        for column, share in ((1, 0.13), (_MEMORY, 0.15), (_TREND, 0.22), (_STATE, 0.22)):
            self.setColumnWidth(column, max(int(self.width() * share), 84))

    def _go(self, index: QModelIndex) -> None:
        self.jump.emit(self._families.lines[index.row()].family.id, b"")
