"""A table of plain texts that fits its columns to its width; for the lists in sheets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt

from fleetcache_gui.ui.line_table import LineTable
from fleetcache_gui.ui.text_widgets import tooltip_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtCore import QObject
    from PySide6.QtGui import QResizeEvent

    from fleetcache_gui.ui.table_model import Index
    from fleetcache_gui.ui.theme import Theme

Role = Qt.ItemDataRole


@dataclass(frozen=True, slots=True)
class Heading:
    """`width` in px; 0 takes a part of the room that is left. `right`: figures."""

    title: str
    width: int = 0
    right: bool = False


class PlainModel(QAbstractTableModel):
    """Items, each turned into its texts when it is looked at."""

    def __init__(
        self, headings: Sequence[Heading], texts: Callable[[Any], Sequence[str]], theme: Theme, parent: QObject
    ) -> None:
        super().__init__(parent)
        self.headings = tuple(headings)
        self._texts, self._theme = texts, theme
        self.items: list[Any] = []

    def show(self, items: Sequence[Any]) -> None:
        """Show these in place of others."""
        self.beginResetModel()
        self.items = list(items)
        self.endResetModel()

    def add(self, items: Sequence[Any]) -> None:
        """Show these beneath the others."""
        if items:
            first = len(self.items)
            self.beginInsertRows(QModelIndex(), first, first + len(items) - 1)
            self.items += items
            self.endInsertRows()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  (Qt's own signature)
        return 0 if parent.isValid() else len(self.items)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.headings)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:  # noqa: ANN401
        if orientation is Qt.Orientation.Horizontal and role == Role.DisplayRole:
            return self.headings[section].title
        return self._side(section) if role == Role.TextAlignmentRole else None

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:  # noqa: ANN401
        if not index.isValid():
            return None
        if role in (Role.DisplayRole, Role.ToolTipRole):
            text = self._texts(self.items[index.row()])[index.column()]
            return tooltip_text(text) if role == Role.ToolTipRole else text
        if role == Role.TextAlignmentRole:
            return self._side(index.column())
        return self._theme.fonts.body if role == Role.FontRole else None

    def _side(self, section: int) -> Qt.AlignmentFlag:
        side = Qt.AlignmentFlag.AlignRight if self.headings[section].right else Qt.AlignmentFlag.AlignLeft
        return side | Qt.AlignmentFlag.AlignVCenter


class PlainTable(LineTable):
    """Rows of one line; one can be chosen."""

    def __init__(self, model: PlainModel, theme: Theme) -> None:
        super().__init__(model, theme)
        self._plain = model

    @property
    def chosen(self) -> Any:  # noqa: ANN401  (whatever its model holds)
        """The item of the chosen row, None where there is none."""
        rows = self.selectionModel().selectedRows()
        return self._plain.items[rows[0].row()] if rows else None

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        headings = self._plain.headings
        room = self.viewport().width() - sum(heading.width for heading in headings)
        flexible = sum(1 for heading in headings if not heading.width)
        for column, heading in enumerate(headings):
            self.setColumnWidth(column, heading.width or max(room // flexible, 60))
