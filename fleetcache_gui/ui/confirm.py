"""What stands between a plan and its deed: a word that must be typed, and a button that no habit presses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPainterPath
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from fleetcache_gui import clock
from fleetcache_gui.domain.plan import Strictness
from fleetcache_gui.ui.text_widgets import PlainLabel

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import (
        QDragEnterEvent,
        QDropEvent,
        QFocusEvent,
        QHideEvent,
        QInputMethodEvent,
        QKeyEvent,
        QMouseEvent,
        QPaintEvent,
    )

    from fleetcache_gui.ui.theme import Theme

GUARD = 0.4
"""Seconds after a question has appeared during which nothing answers it: a double click is carried over so long."""

HOLD = 5.0
"""Seconds that a button is held down where `Strictness.HOLD` asks for it."""

_TICK = 0.25
"""Seconds of holding that one tick counts at most: while the window stands still, nobody knows what is held."""

_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_EDITING = (Qt.Key.Key_Backspace, Qt.Key.Key_Delete, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End)
_CONTROL = Qt.KeyboardModifier.ControlModifier
_LEAVING = (Qt.Key.Key_Tab, Qt.Key.Key_Backtab, Qt.Key.Key_Escape)


class WordField(QLineEdit):
    """Takes printable ASCII from the keyboard, one key at a time, and nothing else: no paste, no drop, no input method,
    no program. What got in by another way is taken out again at once."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._word = ""
        self._typed = ""
        self._typing = False
        self.setAccessibleName("The word to be typed")
        self.setFont(theme.fonts.mono)
        self.setFixedWidth(280)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.setAcceptDrops(False)
        self.setDragEnabled(False)
        self.setAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled, False)
        self.textChanged.connect(self._changed)

    def ask(self, word: str) -> None:
        """Wait for another word, with nothing typed."""
        self._word = word
        self._typing = True
        self.clear()
        self._typing = False
        self._typed = ""
        self.setMaxLength(len(word) + 40)
        self.setAccessibleName(f"Type {word} to confirm")

    @property
    def complete(self) -> bool:
        """True when exactly the word stands there."""
        return bool(self._word) and self._typed == self._word

    def _changed(self, text: str) -> None:
        if self._typing and len(text) <= len(self._typed) + 1:
            self._typed = text
        elif text != self._typed:
            self.setText(self._typed)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        text = event.text()
        held = event.modifiers() & (_CONTROL | Qt.KeyboardModifier.MetaModifier)
        command = bool(held) and not event.modifiers() & Qt.KeyboardModifier.AltModifier  # Ctrl+Alt is AltGr
        printable = len(text) == 1 and text.isascii() and text.isprintable() and not command
        if event.key() in _LEAVING:
            event.ignore()
        elif event.key() in _EDITING or printable:
            self._typing = True
            super().keyPressEvent(event)
            self._typing = False
        else:
            event.accept()  # Enter confirms nothing; a paste is not typing

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        event.ignore()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:  # the middle one pastes
            super().mouseReleaseEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        event.ignore()

    def dropEvent(self, event: QDropEvent) -> None:
        event.ignore()


class DeedButton(QPushButton):
    """Fires `confirmed` once. Deaf to Enter, to keys that repeat, to double clicks, and for `GUARD` seconds after it
    was first seen since `arm`; where it is armed to be held, a click is not enough either."""

    confirmed = Signal()

    def __init__(self, theme: Theme, clock: Callable[[], float] = clock.now) -> None:
        super().__init__()
        self._theme, self._clock = theme, clock
        self._armed = False
        self._seen_at: float | None = None
        self._hold = False
        self._held: float | None = None  # seconds, None while it is not held
        self._ticked_at = 0.0
        self._title = ""
        self.setAutoDefault(False)
        self._timer = QTimer(self, interval=50)
        self._timer.timeout.connect(self._go_on)
        self.clicked.connect(self._clicked)

    def arm(self, title: str, *, hold: bool = False, kind: str = "danger") -> None:
        """Make it ready for one press; `hold`: to be held down."""
        self._let_go()
        self._title, self._hold, self._armed, self._seen_at = title, hold, True, None
        self.setProperty("kind", kind)
        self.style().unpolish(self)
        self.style().polish(self)
        told = f"Hold it down for {HOLD:.0f} seconds, with the mouse or the space bar." if hold else ""
        self.setAccessibleDescription(told)
        self._show_title()

    def disarm(self) -> None:
        """Nothing fires it until it is armed again."""
        self._armed = False
        self._let_go()

    @property
    def held(self) -> float:
        """How much of the time it has been held, 0..1."""
        return min((self._held or 0.0) / HOLD, 1.0)

    def _ready(self) -> bool:
        return self._armed and self._seen_at is not None and self._clock() - self._seen_at >= GUARD

    def _clicked(self) -> None:
        if not self._hold and self._ready():
            self._fire()

    def _fire(self) -> None:
        self.disarm()
        self.confirmed.emit()

    def _take_hold(self) -> None:
        if self._hold and self._ready() and self._held is None:
            self._held, self._ticked_at = 0.0, self._clock()
            self._timer.start()

    def _go_on(self) -> None:
        now = self._clock()
        if self._held is not None:
            self._held += min(now - self._ticked_at, _TICK)
        self._ticked_at = now
        if self.held >= 1.0:
            self._fire()
        self._show_title()
        self.update()

    def _let_go(self) -> None:
        self._timer.stop()
        self._held = None
        self._show_title()
        self.update()

    def _show_title(self) -> None:
        if not self._hold:
            self.setText(self._title)
        elif self._held is None:
            self.setText(f"Hold {HOLD:.0f} s: {self._title}")
        else:
            self.setText(f"{HOLD * (1 - self.held):.0f} s: {self._title}")

    def sizeHint(self) -> QSize:
        hint = super().sizeHint()
        if self._hold:  # its text is shorter while it is held
            hint.setWidth(self.fontMetrics().horizontalAdvance(f"Hold {HOLD:.0f} s: {self._title}") + 28)
        return hint

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.isAutoRepeat() or event.key() in _ENTER:
            event.accept()
        elif event.key() == Qt.Key.Key_Space:
            if self._ready():
                super().keyPressEvent(event)
                self._take_hold()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.isAutoRepeat() or event.key() in _ENTER:
            event.accept()
            return
        if event.key() == Qt.Key.Key_Space:
            self._let_go()
        super().keyReleaseEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._ready() and event.button() == Qt.MouseButton.LeftButton:
            super().mousePressEvent(event)
            self._take_hold()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        if not self.rect().contains(event.position().toPoint()):
            self._let_go()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._let_go()
        super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        event.accept()  # its first half was meant for something else, or has been answered

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._let_go()
        super().focusOutEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self._let_go()
        super().hideEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._armed and self._seen_at is None:
            self._seen_at = self._clock()
        if self._held is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shape = QPainterPath()
        shape.addRoundedRect(QRectF(self.rect()), 6, 6)
        painter.setClipPath(shape)
        painter.fillRect(QRectF(0, 0, self.width() * self.held, self.height()), QColor(255, 255, 255, 70))
        painter.end()


class CancelButton(QPushButton):
    """The safe answer: has the focus at first, and Enter is enough for it."""

    def __init__(self, text: str = "Cancel") -> None:
        super().__init__(text)
        self.setAutoDefault(False)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in _ENTER:
            if not event.isAutoRepeat():
                self.click()
        else:
            super().keyPressEvent(event)


class ConfirmBar(QWidget):
    """The foot of a question: the word to be typed where one is asked for, Cancel, and the button named by the deed.

    `confirmed` carries what was typed.
    """

    confirmed = Signal(str)
    cancelled = Signal()

    def __init__(self, theme: Theme, clock: Callable[[], float] = clock.now) -> None:
        super().__init__()
        self._strictness = Strictness.PRESS
        self._hindrance = ""
        self.note = PlainLabel(theme=theme, role="muted", wrap=True)
        self._ask = PlainLabel("To confirm, type", theme=theme)
        self.word = PlainLabel(theme=theme, role="mono")
        self.field = WordField(theme)
        self.cancel = CancelButton()
        self.button = DeedButton(theme, clock)
        self.left = QHBoxLayout()
        self._arrange()
        self.field.textChanged.connect(self._allow)
        self.cancel.clicked.connect(self.cancelled)
        self.button.confirmed.connect(lambda: self.confirmed.emit(self.field.text()))

    def _arrange(self) -> None:
        asked = QHBoxLayout()
        asked.setSpacing(8)
        asked.addWidget(self._ask)
        asked.addWidget(self.word)
        asked.addWidget(self.field)
        asked.addStretch(1)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addLayout(self.left)
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addLayout(asked)
        column.addWidget(self.note)
        column.addLayout(buttons)

    def ask(self, strictness: Strictness, word: str, button: str, *, kind: str = "danger") -> None:
        """Ask anew; Cancel gets the focus."""
        self._strictness = strictness
        self.field.ask(word)
        self.word.setText(word)
        for part in (self._ask, self.word, self.field):
            part.setVisible(strictness is not Strictness.PRESS)
        self.button.arm(button, hold=strictness is Strictness.HOLD, kind=kind)
        self.set_hindrance("")
        self.cancel.setFocus()

    def set_hindrance(self, why: str) -> None:
        """Why it cannot be confirmed just now, empty when it can."""
        self._hindrance = why
        self.note.setText(why)
        self.note.setVisible(bool(why))
        self._allow()

    def _allow(self) -> None:
        typed = self._strictness is Strictness.PRESS or self.field.complete
        self.button.setEnabled(typed and not self._hindrance)
