"""The one adapter between a table of `present` and Qt: edits become begin/end calls; few roles are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt

from fleetcache_gui import clock
from fleetcache_gui.domain.family import TICKING, Column, Kind, Row
from fleetcache_gui.domain.values import Progress
from fleetcache_gui.present.cells import cell_text
from fleetcache_gui.ui.text_widgets import tooltip_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from PySide6.QtCore import QObject

    from fleetcache_gui.present.long_table import LongTable
    from fleetcache_gui.present.table import Edit, Table

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole

ROW_ROLE = Role.UserRole
"""Answers the `Row`."""

RIGHT = frozenset({Kind.NUMBER, Kind.SIZE, Kind.RATE, Kind.SECONDS, Kind.PROGRESS, Kind.CLOCK, Kind.AGE})
"""Kinds whose figures stand at the right edge."""

_READY = 1024
"""Rows whose texts are kept; more than any screen shows."""


def alignment(kind: Kind) -> Qt.AlignmentFlag:
    """Where a cell and its title stand."""
    side = Qt.AlignmentFlag.AlignRight if kind in RIGHT else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def sort_problem(table: Table | LongTable, column: Column) -> str:
    """Why the table cannot be sorted by `column`; empty where it can."""
    if table.long and column.probed:
        return f"Cannot sort by this: {table.total:,} rows are too many to read each value of."
    return ""


class TableModel(QAbstractTableModel):
    """Shows `table`; who changes the table hands the edits to `apply`. `clock` tells monotonic seconds."""

    def __init__(
        self,
        table: Table | LongTable,
        clock: Callable[[], float] = clock.now,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.table = table
        self.clock = clock
        self._texts: dict[bytes, tuple[Row, list[str | None]]] = {}
        self._largest: dict[int, int] = {}

    def set_table(self, table: Table | LongTable) -> None:
        """Show another table."""
        self.beginResetModel()
        self.table = table
        self._texts.clear()
        self._largest.clear()
        self.endResetModel()

    def apply(self, edits: Iterable[Edit]) -> bool:
        """Take changes in; persistent indexes, and so selection and current index, follow their row's id.
        True when rows that stay have changed places."""
        self._largest.clear()
        reordered = False
        for edit in edits:
            if edit.kind == "remove":
                self.beginRemoveRows(QModelIndex(), edit.first, edit.last)
                edit.apply()
                self.endRemoveRows()
            elif edit.kind == "insert":
                self.beginInsertRows(QModelIndex(), edit.first, edit.last)
                edit.apply()
                self.endInsertRows()
            elif edit.kind == "reorder":
                self._reorder(edit)
                reordered = True
            elif edit.kind == "change":
                edit.apply()
                self._changed(edit.first, edit.last)
            else:
                self.beginResetModel()
                edit.apply()
                self.endResetModel()
        return reordered

    def _reorder(self, edit: Edit) -> None:
        self.layoutAboutToBeChanged.emit()
        old = self.persistentIndexList()
        ids = [self.table.id_at(index.row()) for index in old]
        edit.apply()
        new = [self.index(self.table.position(row_id), index.column()) for row_id, index in zip(ids, old, strict=True)]
        self.changePersistentIndexList(old, new)
        self.layoutChanged.emit()

    def _changed(self, first: int, last: int) -> None:
        self.dataChanged.emit(self.index(first, 0), self.index(last, self.columnCount() - 1))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  (Qt's own signature)
        return 0 if parent.isValid() else len(self.table)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.table.columns)

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:  # noqa: ANN401  (Qt's own signature)
        if not index.isValid():
            return None
        if role == Role.DisplayRole:
            return self.text(index.row(), index.column())
        if role == Role.ToolTipRole:
            return tooltip_text(self.tip(index.row(), index.column()))
        if role == ROW_ROLE:
            return self.table.row(index.row())
        if role == Role.TextAlignmentRole:
            return alignment(self.table.columns[index.column()].kind)
        return None

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Role.DisplayRole,
    ) -> Any:  # noqa: ANN401
        if orientation is not Qt.Orientation.Horizontal or not 0 <= section < len(self.table.columns):
            return None
        column = self.table.columns[section]
        if role == Role.DisplayRole:
            return column.title
        if role == Role.ToolTipRole:
            return tooltip_text("\n".join(filter(None, (column.help, sort_problem(self.table, column)))))
        return None

    def text(self, position: int, column: int) -> str:
        """A cell's text; of clocks and ages as they stand now."""
        row = self.table.row(position)
        if column >= len(row.cells):
            return ""
        kind = self.table.columns[column].kind
        if kind in TICKING:
            return cell_text(kind, row.cells[column], self.clock(), read=row.at > 0)
        known = self._texts.get(row.id)
        if known is None or known[0] is not row:
            if len(self._texts) >= _READY:
                self._texts.clear()
            known = self._texts[row.id] = (row, [None] * len(row.cells))
        text = known[1][column]
        if text is None:
            text = known[1][column] = cell_text(kind, row.cells[column], 0.0, read=row.at > 0)
        return text

    def tip(self, position: int, column: int) -> str:
        """What a tooltip adds: all of a text that may be cut off, or why the state is what it is."""
        kind = self.table.columns[column].kind
        if kind is Kind.STATE:
            return self.table.row(position).why
        return self.text(position, column) if kind in (Kind.TEXT, Kind.CODE, Kind.PROGRESS) else ""

    def largest(self, column: int) -> int:
        """The most that any row has done, against which bars without a known total are drawn; 0: nothing."""
        if column not in self._largest:
            if self.table.long:  # only what is on screen is known at all
                rows = [known for known, _ in self._texts.values()]
            else:
                rows = [self.table.row(position) for position in range(len(self.table))]
            cells = (row.cells[column] for row in rows if column < len(row.cells))
            self._largest[column] = max((c.done for c in cells if isinstance(c, Progress)), default=0)
        return self._largest[column]
