"""A modal card over the window: while it is open, nothing beneath it can be reached by mouse or keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPainterPath
from PySide6.QtWidgets import QLayout, QScrollArea, QVBoxLayout, QWidget

from fleetcache_gui.ui.picker import Overlay
from fleetcache_gui.ui.text_widgets import elide, plain_tooltip
from fleetcache_gui.ui.theme import Theme, ink

if TYPE_CHECKING:
    from PySide6.QtGui import QHideEvent, QKeyEvent, QMouseEvent, QPaintEvent

BAND = 34
_MARGIN = 24
_BAR = 14
_LEAST = 80  # px of a content that scrolls
_SIDE = 20
_LINE = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextSingleLine)


class Band(QWidget):
    """The head of a sheet in the environment's colour: its word, and which server this is about."""

    def __init__(self, environment: str, where: str, theme: Theme) -> None:
        super().__init__()
        self._environment, self._theme = environment, theme
        self._where = ""
        self.setFixedHeight(BAND)
        self.set_where(where)
        theme.changed.connect(self.update)

    def set_where(self, where: str) -> None:
        """The server, as in a plan."""
        self._where = where
        self.setAccessibleName(", ".join(filter(None, (self._environment, where))))
        plain_tooltip(self, where)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        ground = self._theme.colors.environment(self._environment)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shape = QPainterPath()
        shape.addRoundedRect(QRectF(self.rect()).adjusted(0, 0, 0, 12), 7, 7)
        painter.setClipRect(self.rect())
        painter.fillPath(shape, ground)
        painter.setPen(ink(ground))
        line = self.rect().adjusted(20, 0, -20, 0)
        if self._environment:
            painter.setFont(self._theme.fonts.label)
            painter.drawText(line, _LINE, self._environment)
            line.setLeft(line.left() + painter.fontMetrics().horizontalAdvance(self._environment.upper()) + 14)
        painter.setFont(self._theme.fonts.body)
        shown = elide(painter.fontMetrics(), self._where, Qt.TextElideMode.ElideMiddle, line.width())
        painter.drawText(line, _LINE, shown)
        painter.end()


class Scroll(QScrollArea):
    """Takes the room that is left in a sheet, which is as high as its content wants it where that fits."""

    changed = Signal()

    def __init__(self, layout: QLayout) -> None:
        super().__init__()
        content = QWidget()
        content.setLayout(layout)
        layout.setContentsMargins(0, 0, 0, 0)
        self._layout = layout
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(content)
        self.verticalScrollBar().rangeChanged.connect(self._keep_margin)

    def wanted(self, width: int) -> int:
        """Height of its content at a width, px."""
        layout = self._layout
        return layout.totalHeightForWidth(width) if layout.hasHeightForWidth() else layout.totalSizeHint().height()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        done = super().eventFilter(watched, event)
        if event.type() is QEvent.Type.LayoutRequest:
            self.changed.emit()
        return done

    def _keep_margin(self, least: int, most: int) -> None:
        """Beside the scroll bar, where there is one: Qt lets the content reach beneath it."""
        self._layout.setContentsMargins(0, 0, _BAR if most > least else 0, 0)

    def sizeHint(self) -> QSize:
        return QSize(120, _LEAST)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, _LEAST)


class Sheet(Overlay):
    """`inner` holds the content. Escape closes it unless `closable` is False; a click beside it does not."""

    opened = Signal()
    closed = Signal()

    def __init__(self, window: QWidget, theme: Theme, width: int, environment: str, where: str) -> None:
        super().__init__(window, theme, width)
        self.closable = True
        self.band = Band(environment, where, theme)
        self.inner = QVBoxLayout()
        self.inner.setContentsMargins(_SIDE, 16, _SIDE, 16)
        self.inner.setSpacing(12)
        self.body.setContentsMargins(1, 1, 1, 1)
        self.body.setSpacing(0)
        self.body.addWidget(self.band)
        self.body.addLayout(self.inner, 1)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.card.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The card is as high as what it holds now."""
        if event.type() is QEvent.Type.LayoutRequest and self.isVisible():
            self.place()
        return super().eventFilter(watched, event)

    def open(self) -> None:
        if not self.isVisible():
            super().open()
            self.opened.emit()
        self.place()

    def place(self) -> None:
        self.setGeometry(self._window.rect())
        width = min(self._wanted, self.width() - 2 * _MARGIN)
        # At once and not in turns of the loop, from the innermost on: else it jumps.
        for widget in reversed(self.card.findChildren(QWidget)):
            if (layout := widget.layout()) is not None:
                layout.activate()
        self.body.activate()
        wanted = (
            self.body.totalHeightForWidth(width) if self.body.hasHeightForWidth() else self.body.sizeHint().height()
        )
        for scroll in self.card.findChildren(Scroll):
            if scroll.isVisible():
                wanted += max(scroll.wanted(width - 2 * _SIDE - 2) - _LEAST, 0)
        height = min(wanted, self.height() - 2 * _MARGIN)
        top = max(min(72, (self.height() - height) // 2), _MARGIN)
        self.card.setGeometry(QRect((self.width() - width) // 2, top, width, height))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and not event.isAutoRepeat():
            self.escape()
        event.accept()  # whatever it is, it is not for what lies beneath

    async def end(self) -> None:
        """Stop what is under way; the window is about to go."""

    def escape(self) -> None:
        """What Escape does."""
        if self.closable:
            self.close_up()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab goes round within the card."""
        start: QWidget | None = self._window.focusWidget() or self
        reason = Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
        widget = start
        while widget is not None:
            widget = widget.nextInFocusChain() if forward else widget.previousInFocusChain()
            if widget is None or widget is start:
                break
            if self.card.isAncestorOf(widget) and _takes_focus(widget):
                widget.setFocus(reason)
                break
        return True

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if not event.spontaneous():
            self.closed.emit()


def _takes_focus(widget: QWidget) -> bool:
    tab = widget.focusPolicy().value & Qt.FocusPolicy.TabFocus.value
    return bool(tab) and widget.isVisible() and widget.isEnabled() and widget.focusProxy() is None
