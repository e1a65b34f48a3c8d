"""A short list to choose from, and a surface that floats above the window; for find and the palette."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from fleetcache_gui.ui.text_widgets import elide

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtGui import QFocusEvent, QMouseEvent, QPaintEvent

    from fleetcache_gui.ui.theme import Theme

Index = QModelIndex | QPersistentModelIndex

ONE_LINE, TWO_LINES = 32, 46
_STEPS = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}


_LINE = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine
_LEFT, _RIGHT = int(_LINE | Qt.AlignmentFlag.AlignLeft), int(_LINE | Qt.AlignmentFlag.AlignRight)


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry; all texts are plain. `note` makes a second line, `aside` stands at the right."""

    title: str
    value: object
    note: str = ""
    aside: str = ""
    enabled: bool = True

    @property
    def words(self) -> str:
        return ", ".join(part for part in (self.title, self.note, self.aside) if part)


class _Choices(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.choices: tuple[Choice, ...] = ()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  (Qt's own default)
        return 0 if parent.isValid() else len(self.choices)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        choice = self.choices[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return choice.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return choice.words
        return None

    def show(self, choices: Sequence[Choice]) -> None:
        self.beginResetModel()
        self.choices = tuple(choices)
        self.endResetModel()


class _ChoiceDelegate(QStyledItemDelegate):
    def __init__(self, choices: _Choices, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._choices = choices
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(120, TWO_LINES if self._choices.choices[index.row()].note else ONE_LINE)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        choice, colors, fonts = self._choices.choices[index.row()], self._theme.colors, self._theme.fonts
        rect: QRect = option.rect
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colors.selection)
            painter.drawRoundedRect(rect.adjusted(4, 0, -4, 0), 6, 6)
        inner = rect.adjusted(16, 0, -16, 0)
        painter.setFont(fonts.body)
        painter.setPen(colors.muted)
        aside = painter.fontMetrics().horizontalAdvance(choice.aside)
        middle, _left, right = (
            Qt.AlignmentFlag.AlignVCenter,
            Qt.AlignmentFlag.AlignLeft,
            Qt.AlignmentFlag.AlignRight,
        )
        single = Qt.TextFlag.TextSingleLine
        painter.drawText(inner, int(middle | right | single), choice.aside)
        room = inner.width() - (aside + 16 if aside else 0)
        first = inner.adjusted(0, 6, 0, -inner.height() // 2 + 1) if choice.note else inner
        painter.setFont(fonts.strong if choice.note and choice.enabled else fonts.body)
        painter.setPen(colors.text if choice.enabled else colors.muted)
        title = elide(painter.fontMetrics(), choice.title, Qt.TextElideMode.ElideRight, room)
        painter.drawText(first, _LEFT, title)
        if choice.note:
            painter.setFont(fonts.body)
            painter.setPen(colors.muted)
            note = elide(painter.fontMetrics(), choice.note, Qt.TextElideMode.ElideMiddle, room)
            second = inner.adjusted(0, inner.height() // 2 - 2, 0, -5)
            painter.drawText(second, _LEFT, note)
        painter.restore()


class ChoiceList(QListView):
    """Never takes the focus: the field above it keeps it and hands over the keys (`steer`)."""

    chosen = Signal(object)  # the value of an enabled choice

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choices = _Choices(self)
        self.setModel(self._choices)
        self.setItemDelegate(_ChoiceDelegate(self._choices, theme, self))
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMouseTracking(True)
        self.entered.connect(self.setCurrentIndex)
        self.clicked.connect(lambda index: self.choose())
        theme.changed.connect(self.viewport().update)

    @property
    def choices(self) -> tuple[Choice, ...]:
        """What can be chosen now."""
        return self._choices.choices

    def show_choices(self, choices: Sequence[Choice]) -> None:
        """Offer others; the first is current."""
        self._choices.show(choices)
        if choices:
            self.setCurrentIndex(self._choices.index(0))

    def content_height(self, most: int) -> int:
        """Height that shows all choices, `most` px at most."""
        return min(sum(TWO_LINES if choice.note else ONE_LINE for choice in self.choices), most)

    def choose(self) -> None:
        """Take the current choice, if it can be taken."""
        position = self.currentIndex().row()
        if 0 <= position < len(self.choices) and self.choices[position].enabled:
            self.chosen.emit(self.choices[position].value)

    def steer(self, event: QKeyEvent) -> bool:
        """Move or choose by a key pressed in the field above; tells whether the key was for the list."""
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.choose()
            return True
        if key not in _STEPS or not self.choices:
            return False
        position = min(max(self.currentIndex().row() + _STEPS[key], 0), len(self.choices) - 1)
        self.setCurrentIndex(self._choices.index(position))
        return True


class SteeringField(QLineEdit):
    """A field above a list: `steer` gets each key first and tells whether it was for the list."""

    left = Signal()  # the focus went elsewhere

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.steer: Callable[[QKeyEvent], bool] = lambda event: False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self.steer(event):
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.left.emit()


class Overlay(QWidget):
    """Covers its window, dims it, carries one card near the top. Escape or a click beside it closes it."""

    def __init__(self, window: QWidget, theme: Theme, width: int) -> None:
        super().__init__(window)
        self._window = window
        self._theme = theme
        self._wanted = width
        self._before: QWidget | None = None
        self.card = QFrame(self)
        self.card.setProperty("surface", "popup")
        self.body = QVBoxLayout(self.card)
        self.body.setContentsMargins(12, 12, 12, 12)
        self.body.setSpacing(8)
        self.hide()

    def open(self) -> None:
        """Show it; what had the focus gets it back afterwards."""
        self._before = self._window.focusWidget()
        self.place()
        self.show()
        self.raise_()

    def close_up(self) -> None:
        """Hide it."""
        self.hide()
        if self._before is not None:
            # The button of a row that was chosen then may have gone with its row.
            (self._before if shiboken6.isValid(self._before) else self._window).setFocus()
            self._before = None

    def place(self) -> None:
        """Fit it to the window, which calls this when it is resized, and the card to its content."""
        self.setGeometry(self._window.rect())
        width = min(self._wanted, self.width() - 48)
        height = min(self.card.sizeHint().height(), self.height() - 96)
        self.card.setGeometry((self.width() - width) // 2, 72, width, height)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_up()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not self.card.geometry().contains(event.position().toPoint()):
            self.close_up()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(8, 10, 14, 140 if self._theme.dark else 70))
        painter.end()
