"""How the lists in sheets look: rows of one line under small capitals, one of which can be chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QAbstractItemModel, QRect, QSize, Qt
from PySide6.QtGui import QIcon, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from fleetcache_gui.ui.text_widgets import elide
from fleetcache_gui.ui.theme import ROW

if TYPE_CHECKING:
    from PySide6.QtCore import QObject

    from fleetcache_gui.ui.table_model import Index
    from fleetcache_gui.ui.theme import Theme

HEADER = 28
PAD = 8
_ICON = 14
_SINGLE = int(Qt.TextFlag.TextSingleLine)


class SmallHeader(QHeaderView):
    """Small capitals over their column."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._theme = theme
        self.setFixedHeight(HEADER)
        self.setMinimumSectionSize(20)
        self.setHighlightSections(False)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        model, across = self.model(), Qt.Orientation.Horizontal
        title = str(model.headerData(section, across) or "")
        side = model.headerData(section, across, Qt.ItemDataRole.TextAlignmentRole)
        painter.save()
        painter.fillRect(QRect(rect.x(), rect.bottom(), rect.width(), 1), self._theme.colors.line)
        painter.setFont(self._theme.fonts.label)
        painter.setPen(self._theme.colors.muted)
        inner = rect.adjusted(PAD, 0, -PAD, -1)
        shown = elide(painter.fontMetrics(), title, Qt.TextElideMode.ElideRight, inner.width())
        painter.drawText(inner, int(side) | _SINGLE, shown)
        painter.restore()


class LineDelegate(QStyledItemDelegate):
    """Text by `drawText`, which knows no rich text, with an icon before it where the model gives one."""

    def __init__(self, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(60, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        role = Qt.ItemDataRole
        rect: QRect = option.rect
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, self._theme.colors.selection)
        inner = rect.adjusted(PAD, 0, -PAD, 0)
        icon = index.data(role.DecorationRole)
        if isinstance(icon, QIcon):
            icon.paint(painter, QRect(inner.x(), inner.center().y() - _ICON // 2 + 1, _ICON, _ICON))
            inner.setLeft(inner.left() + _ICON + 6)
        painter.setFont(index.data(role.FontRole) or self._theme.fonts.body)
        painter.setPen(index.data(role.ForegroundRole) or self._theme.colors.text)
        text = str(index.data(role.DisplayRole) or "")
        shown = elide(painter.fontMetrics(), text, Qt.TextElideMode.ElideRight, inner.width())
        painter.drawText(inner, int(index.data(role.TextAlignmentRole)) | _SINGLE, shown)
        painter.restore()


class LineTable(QTableView):
    """Its columns' widths are the business of who makes it."""

    def __init__(self, model: QAbstractItemModel, theme: Theme) -> None:
        super().__init__()
        self.setModel(model)
        self.setItemDelegate(LineDelegate(theme, self))
        self.setHorizontalHeader(SmallHeader(theme, self))
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabKeyNavigation(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalScrollBar().setSingleStep(ROW)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        rows = self.verticalHeader()
        rows.hide()
        rows.setMinimumSectionSize(ROW)
        rows.setDefaultSectionSize(ROW)
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        theme.changed.connect(self.viewport().update)
