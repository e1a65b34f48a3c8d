"""The overview's table of a cluster's nodes: each primary, and under it its replicas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QRect, QSize, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QFrame, QHeaderView, QStyle, QStyledItemDelegate, QTableView, QWidget

from fleetcache_gui.domain import words
from fleetcache_gui.domain.values import State, Tone
from fleetcache_gui.ui.delegates import paint_pill
from fleetcache_gui.ui.family_list import HEADER, ListHeader
from fleetcache_gui.ui.text_widgets import elide, tooltip_text
from fleetcache_gui.ui.theme import ROW, Theme

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QResizeEvent
    from PySide6.QtWidgets import QStyleOptionViewItem

    from fleetcache_gui.domain.snapshot import NodeVitals
    from fleetcache_gui.ui.picker import Index

MOST_ROWS = 12
"""More nodes than these are scrolled through."""

UNKNOWN = "–"

_TITLES = ("Node", "Role", "Slots", "Memory", "Keys", "Clients", "Lag", "Link")
_RIGHT = frozenset({2, 3, 4, 5, 6})
_WIDTHS = (0, 70, 60, 82, 80, 66, 50, 86)
"""Pixels; the first column has the rest."""
_ROLE, _NARROW = 1, 640
"""In less width (pixels) the role goes, which the indent of replicas tells as well."""
_INDENT = 14
_UNDER = QStyle.StateFlag.State_MouseOver | QStyle.StateFlag.State_Selected

_LINKS = {
    "live": (Tone.OK, "It is read."),
    "away": (Tone.CRITICAL, "It should be read, and cannot be reached: what it holds is missing."),
    "in step": (Tone.NEUTRAL, "It is not read. The cluster sees it in order."),
    "failed": (Tone.CRITICAL, "It is not read. The cluster holds it for failed."),
}


def in_groups(nodes: Sequence[NodeVitals]) -> list[NodeVitals]:
    """Each primary followed by its replicas; those whose primary nobody knows at the end."""
    primaries = [node for node in nodes if node.role == "primary"]
    replicas = [node for node in nodes if node.role != "primary"]
    ordered: list[NodeVitals] = []
    for primary in primaries:
        ordered += (primary, *(node for node in replicas if node.of == primary.address))
    return ordered + [node for node in replicas if node not in ordered]


def cells(node: NodeVitals) -> tuple[str, ...]:
    """What stands in the columns."""
    served = sum(last - first + 1 for first, last in node.slots)
    return (
        node.address,
        node.role,
        words.count(served) if node.role == "primary" else "",
        UNKNOWN if node.memory is None else words.size(node.memory),
        UNKNOWN if node.keys is None else words.count(node.keys),
        UNKNOWN if node.clients is None else words.count(node.clients),
        "" if node.role == "primary" else UNKNOWN if node.lag_s is None else f"{node.lag_s:.0f} s",
        node.link,
    )


def explained(node: NodeVitals) -> str:
    """The node's tooltip."""
    part = f"A replica of {node.of}." if node.of else f"Serves {words.slots(node.slots)}." if node.slots else ""
    limit = f"Its memory may grow to {words.size(node.memory_limit)}." if node.memory_limit else ""
    charts = "Click for its charts." if node.figures is not None else ""
    return " ".join(filter(None, (node.address + ":", part, limit, _LINKS[node.link][1], charts)))


def padded(rect: QRect, column: int) -> QRect:
    """Where the words of a cell stand."""
    return rect.adjusted(8 if column else 16, 0, -8, 0)


class _Nodes(QAbstractTableModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.nodes: list[NodeVitals] = []

    def show_nodes(self, nodes: Sequence[NodeVitals]) -> None:
        ordered = in_groups(nodes)
        if [node.id for node in ordered] == [node.id for node in self.nodes]:
            self.nodes = ordered
            self.dataChanged.emit(self.index(0, 0), self.index(len(ordered) - 1, len(_TITLES) - 1))
        else:
            self.beginResetModel()
            self.nodes = ordered
            self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  (Qt's own default)
        return 0 if parent.isValid() else len(self.nodes)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(_TITLES)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _TITLES[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        node = self.nodes[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return cells(node)[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip_text(explained(node))
        return None


class _NodeDelegate(QStyledItemDelegate):
    def __init__(self, nodes: _Nodes, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._nodes, self._theme = nodes, theme
        self.stale = False

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(60, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        node, column, colors = self._nodes.nodes[index.row()], index.column(), self._theme.colors
        inner = padded(option.rect, column)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if node.figures is not None and option.state & _UNDER:
            painter.fillRect(option.rect, colors.selection)
        if self.stale:
            painter.setOpacity(0.55)
        if column == len(_TITLES) - 1:
            paint_pill(painter, inner, State(node.link, _LINKS[node.link][0]), self._theme)
        else:
            if column == 0 and node.role != "primary":
                inner.adjust(_INDENT, 0, 0, 0)
            painter.setFont(self._theme.fonts.body)
            painter.setPen(colors.text if node.role == "primary" and node.link != "away" else colors.muted)
            text = elide(painter.fontMetrics(), cells(node)[column], Qt.TextElideMode.ElideMiddle, inner.width())
            side = Qt.AlignmentFlag.AlignRight if column in _RIGHT else Qt.AlignmentFlag.AlignLeft
            painter.drawText(inner, int(Qt.AlignmentFlag.AlignVCenter | side), text)
        painter.restore()


class NodeList(QTableView):
    """One row a node; as high as its rows."""

    chosen = Signal(str)  # id of a node that is read

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._nodes = _Nodes(self)
        self._delegate = _NodeDelegate(self._nodes, theme, self)
        self.setModel(self._nodes)
        self.setItemDelegate(self._delegate)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        self.setMouseTracking(True)
        self.clicked.connect(self._choose)
        self.activated.connect(self._choose)
        self.setTabKeyNavigation(False)
        self.setAccessibleName("Nodes of the cluster")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW)
        header = ListHeader(theme, _TITLES, _RIGHT, padded, self)
        self.setHorizontalHeader(header)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        theme.changed.connect(self.viewport().update)

    def show_nodes(self, nodes: Sequence[NodeVitals], *, stale: bool) -> None:
        """The nodes as last read; `stale` greys them."""
        self._delegate.stale = stale
        self._nodes.show_nodes(nodes)
        self.setFixedHeight(HEADER + ROW * min(len(nodes), MOST_ROWS) + 2)
        self.viewport().update()

    def _choose(self, index: QModelIndex) -> None:
        node = self._nodes.nodes[index.row()]
        if node.figures is not None:
            self.chosen.emit(node.id)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.setColumnHidden(_ROLE, self.width() < _NARROW)
        for column, width in enumerate(_WIDTHS):
            if width:
                self.setColumnWidth(column, width)
