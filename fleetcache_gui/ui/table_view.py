"""The table of a family page: keeps its place and selection through every refresh, ticks without asking."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QItemSelectionModel, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTableView, QWidget

from fleetcache_gui.domain.family import Kind
from fleetcache_gui.present.cells import as_table
from fleetcache_gui.ui.column_widths import share
from fleetcache_gui.ui.delegates import CellDelegate
from fleetcache_gui.ui.table_header import Header
from fleetcache_gui.ui.table_model import TableModel, alignment, sort_problem
from fleetcache_gui.ui.text_widgets import copy_text
from fleetcache_gui.ui.theme import ROW, Theme

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PySide6.QtCore import QItemSelection, QPoint
    from PySide6.QtGui import QContextMenuEvent, QHideEvent, QKeyEvent, QResizeEvent, QShowEvent

    from fleetcache_gui.domain.family import Row
    from fleetcache_gui.present.long_table import LongTable
    from fleetcache_gui.present.table import Edit, Table
    from fleetcache_gui.settings import PageSettings

COPIED = 10_000
"""Rows copied at most."""

_TICKING = (Kind.CLOCK, Kind.AGE)  # a trend moves by less than a pixel a second
_REPORT_MS = 60
_WHOLE_ROW = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows


class TableView(QTableView):
    """`chosen_changed` tells the row a person chose (None: none). A chosen row that leaves stays chosen, so
    that its end can be shown; no other is chosen in its stead, and it is selected again if it comes back."""

    chosen_changed = Signal(object)  # bytes | None
    rows_on_screen = Signal(tuple)  # ids, after scrolling, resizing and refreshing have come to rest
    opened = Signal()  # Enter or double click on a row
    menu_opening = Signal(object)  # QMenu, before it is shown

    def __init__(self, model: TableModel, theme: Theme, settings: PageSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._theme = theme
        self._settings = settings
        self._chosen: bytes | None = None
        self._busy = False  # own changes of selection and widths are not the person's
        self.setModel(model)
        self.delegate = CellDelegate(model, theme, self)
        self.setItemDelegate(self.delegate)
        self._set_up_looks()
        self._set_up_header()
        self._report = QTimer(self, singleShot=True, interval=_REPORT_MS)
        self._report.timeout.connect(self._tell_rows)
        self._active = False
        self.verticalScrollBar().valueChanged.connect(self._rest)
        self.selectionModel().selectionChanged.connect(self._on_selection)
        self.doubleClicked.connect(lambda _: self.opened.emit())
        theme.changed.connect(self.viewport().update)

    def _set_up_looks(self) -> None:
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setCornerButtonEnabled(False)
        self.setTabKeyNavigation(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalScrollBar().setSingleStep(ROW)
        rows = self.verticalHeader()
        rows.hide()
        rows.setMinimumSectionSize(ROW)
        rows.setDefaultSectionSize(ROW)
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)

    def _set_up_header(self) -> None:
        header = Header(self._model, self._theme, self)
        self.setHorizontalHeader(header)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.sectionClicked.connect(self.sort_by)
        header.sectionResized.connect(self._on_section_resized)

    # what it shows

    @property
    def table(self) -> Table | LongTable:
        """The rows as they are shown now."""
        return self._model.table

    @property
    def chosen(self) -> bytes | None:
        """The row that a person chose last, in the table or gone from it."""
        return self._chosen

    def refresh(self, edits: Iterable[Edit]) -> None:
        """Take changes in, with scroll position and selection kept."""
        anchor = self._anchor() if self.verticalScrollBar().value() > 0 else []
        self._busy = True
        reordered = self._model.apply(edits)
        self._busy = False
        if not reordered:  # else who follows one row flies through the table
            self._return_to(anchor)
        self._select_chosen()
        self._rest()
        self.viewport().update()

    def adopt(self, table: Table | LongTable) -> None:
        """Show another table in place of the present one: the family has become too long, or short again."""
        self._busy = True
        self._model.set_table(table)
        self._busy = False
        self._select_chosen()
        self._rest()

    def choose(self, row_id: bytes) -> bool:
        """Select a row and bring it on screen. False when it is not in the table; it is chosen even so."""
        self._chosen = row_id
        position = self._model.table.position(row_id)
        self._busy = True
        if position >= 0:
            self._go_to(position)
        else:
            self.clearSelection()
        self._busy = False
        self.chosen_changed.emit(row_id)
        return position >= 0

    def _go_to(self, position: int) -> None:
        index = self._model.index(position, 0)
        self.selectionModel().setCurrentIndex(index, _WHOLE_ROW)
        self.scrollTo(index, QAbstractItemView.ScrollHint.EnsureVisible)

    def set_stale(self, stale: bool) -> None:
        """Grey everything while the server cannot be read."""
        if self.delegate.stale != stale:
            self.delegate.stale = stale
            self.viewport().update()

    def set_active(self, active: bool) -> None:
        """Only the active page reports its rows."""
        self._active = active
        if active:
            self._rest()
        else:
            self._report.stop()

    def sort_by(self, section: int) -> None:
        """As a click on the header: by that column, or the other way round. Refused columns stay refused."""
        table = self._model.table
        column = table.columns[section]
        if sort_problem(table, column):
            return
        same = table.sort[0] == column.id
        # Figures are looked at from the largest, words from the first.
        descending = not table.sort[1] if same else bool(alignment(column.kind) & Qt.AlignmentFlag.AlignRight)
        self._settings.sort = (column.id, descending)
        self.refresh(table.set_sort(column.id, descending))
        self.horizontalHeader().viewport().update()
        if self._chosen is not None and (position := table.position(self._chosen)) >= 0:
            self.scrollTo(self._model.index(position, 0))

    def _anchor(self) -> list[tuple[int, bytes, int]]:
        """The rows on screen: position, id and distance from the top in px."""
        top = self.verticalScrollBar().value()
        return [(p, self._model.table.id_at(p), p * ROW - top) for p in self._positions_on_screen()]

    def _return_to(self, anchor: list[tuple[int, bytes, int]]) -> None:
        """Scroll so that the first of the rows once on screen that is still there stands where it stood."""
        table = self._model.table
        for old, row_id, offset in anchor:
            kept = old < len(table) and table.id_at(old) == row_id  # to look one up in a long table takes long
            position = old if kept else table.position(row_id)
            if position >= 0:
                self.verticalScrollBar().setValue(position * ROW - offset)
                return

    def _positions_on_screen(self) -> range:
        top = self.verticalScrollBar().value()
        first = max(top // ROW, 0)
        last = (top + self.viewport().height() - 1) // ROW
        return range(first, min(last + 1, len(self._model.table)))

    def _select_chosen(self) -> None:
        """Select the chosen row again after a reset, or when it has come back."""
        if self._chosen is None or self.selectionModel().hasSelection():
            return
        position = self._model.table.position(self._chosen)
        if position >= 0:
            self._busy = True
            self.selectionModel().setCurrentIndex(self._model.index(position, 0), _WHOLE_ROW)
            self._busy = False

    def _on_selection(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        if self._busy:
            return
        model = self.selectionModel()
        current = self.currentIndex()
        chosen = None
        if model.hasSelection():
            position = current.row() if model.isSelected(current) else model.selection().first().top()
            chosen = self._model.table.id_at(position)
        if chosen != self._chosen:
            self._chosen = chosen
            self.chosen_changed.emit(chosen)

    def tick(self) -> None:
        """A second has passed: repaint the clocks that can be seen. Nobody is asked for anything."""
        height = len(self._model.table) * ROW - self.verticalScrollBar().value()
        for section, column in enumerate(self._model.table.columns):
            if column.kind in _TICKING and not self.isColumnHidden(section):
                x = self.columnViewportPosition(section)
                self.viewport().update(QRect(x, 0, self.columnWidth(section), height))

    def _rest(self) -> None:
        if self._active and self.isVisible():
            self._report.start()

    def _tell_rows(self) -> None:
        self.rows_on_screen.emit(tuple(self._model.table.id_at(p) for p in self._positions_on_screen()))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._rest()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._report.stop()

    # columns

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_columns()
        self._rest()

    def _fit_columns(self) -> None:
        columns = self._model.table.columns
        widths = share(columns, self._settings.widths, self._theme.fonts, self.viewport().width())
        self._busy = True
        for section in range(len(columns)):
            self.setColumnHidden(section, section not in widths)
            if section in widths:
                self.setColumnWidth(section, widths[section])
        self._busy = False

    def _on_section_resized(self, section: int, old: int, new: int) -> None:
        if self._busy or new == 0:
            return
        self._settings.widths[self._model.table.columns[section].id] = new
        QTimer.singleShot(0, self, self._fit_columns)

    # keyboard, copying

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_rows()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.opened.emit()
        elif event.key() in (Qt.Key.Key_Home, Qt.Key.Key_End) and len(self._model.table):
            last = len(self._model.table) - 1
            self._go_to(0 if event.key() == Qt.Key.Key_Home else last)
        elif event.key() == Qt.Key.Key_Escape and self.selectionModel().hasSelection():
            self.clearSelection()
        else:
            super().keyPressEvent(event)

    def selected_rows(self) -> list[Row]:
        """The selected rows in the table's order, `COPIED` at most."""
        selection = self.selectionModel().selection()
        spans = sorted((span.top(), span.bottom()) for span in selection.toList())
        positions = [p for top, bottom in spans for p in range(top, min(bottom, top + COPIED) + 1)]
        return [self._model.table.row(p) for p in positions[:COPIED]]

    def selected_ids(self) -> tuple[bytes, ...]:
        """The ids of all selected rows in the table's order."""
        spans = sorted((span.top(), span.bottom()) for span in self.selectionModel().selection().toList())
        return tuple(self._model.table.id_at(p) for top, bottom in spans for p in range(top, bottom + 1))

    def copy_rows(self) -> None:
        """The selected rows to the clipboard, tab separated under a line of titles."""
        if rows := self.selected_rows():
            copy_text(as_table(self._model.table.columns, rows, self._model.clock()))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.show_menu(event.globalPos())

    def show_menu(self, at: QPoint) -> None:
        """What can be done with the selected rows; titles come from the program, never from a key."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        copy = menu.addAction("Copy rows", self.copy_rows)
        copy.setShortcut(QKeySequence.StandardKey.Copy)
        copy.setEnabled(self.selectionModel().hasSelection())
        sort = menu.addMenu("Sort by")
        for section, column in enumerate(self._model.table.columns):
            action = sort.addAction(column.title, partial(self.sort_by, section))
            action.setCheckable(True)
            action.setChecked(self._model.table.sort[0] == column.id)
            action.setEnabled(not sort_problem(self._model.table, column))
        menu.addAction("Column widths as they were", self.reset_widths)
        self.menu_opening.emit(menu)
        menu.popup(at)

    def reset_widths(self) -> None:
        """Forget widths that were set by hand."""
        self._settings.widths.clear()
        self._fit_columns()
