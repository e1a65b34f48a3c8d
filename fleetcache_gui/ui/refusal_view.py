"""While a plan is being made, and what stands in its place where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from fleetcache_gui import clock
from fleetcache_gui.domain import words
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.ui.confirm import CancelButton
from fleetcache_gui.ui.states import Icon
from fleetcache_gui.ui.text_widgets import PlainLabel

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QHideEvent

    from fleetcache_gui.domain.verbs import Refusal
    from fleetcache_gui.ui.theme import Theme

LOOKING = "Looking at every key that it would touch. Nothing is changed by looking."
_MARGIN = 0.5  # seconds after the time has passed, before looking again


class RefusalView(QWidget):
    """A heading, a sentence, Close; and Wait where time alone will settle it. `again`: the time has passed."""

    again = Signal()
    closed = Signal()

    def __init__(self, theme: Theme, clock: Callable[[], float] = clock.now) -> None:
        super().__init__()
        self._clock = clock
        self._until = 0.0
        self._seconds = 0.0
        self.icon = Icon("search", 20, theme)
        self.title = PlainLabel(theme=theme, role="heading", wrap=True)
        self.text = PlainLabel(theme=theme, wrap=True, selectable=True)
        self.left = PlainLabel(theme=theme, role="muted", wrap=True)
        self.close_button = CancelButton("Close")
        self.wait = QPushButton()
        self.wait.setProperty("kind", "primary")
        self._timer = QTimer(self, interval=250)
        self._timer.timeout.connect(self._tick)
        self.close_button.clicked.connect(self.closed)
        self.wait.clicked.connect(self._wait)
        self._arrange()

    def _arrange(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.icon, 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(self.title, 1)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self.left, 1)
        foot.addWidget(self.close_button)
        foot.addWidget(self.wait)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addLayout(head)
        column.addWidget(self.text)
        column.addSpacing(8)
        column.addLayout(foot)

    def show_looking(self, title: str) -> None:
        """A plan is being made."""
        self._say("search", Tone.ACCENT, title, LOOKING, "Cancel")

    def show_refusal(self, title: str, refusal: Refusal) -> None:
        """There is no plan."""
        self._say("info", Tone.ACCENT, title, refusal.text, "Close")
        if refusal.wait is not None:
            self._seconds = refusal.wait
            self.wait.setText(f"Wait {words.duration(refusal.wait)}")
            self.wait.show()

    def show_error(self, title: str, text: str) -> None:
        """Something of this program has failed."""
        self._say("warning", Tone.WARN, title, text, "Close")

    def _say(self, icon: str, tone: Tone, title: str, text: str, button: str) -> None:
        self._timer.stop()
        self.icon.show_icon(icon, tone)
        self.title.setText(title)
        self.text.setText(text)
        self.left.setText("")
        self.close_button.setText(button)
        self.wait.hide()
        self.close_button.setFocus()

    def _wait(self) -> None:
        self._until = self._clock() + self._seconds + _MARGIN
        self.wait.hide()
        self.close_button.setFocus()
        self._timer.start()
        self._tick()

    def _tick(self) -> None:
        left = self._until - self._clock()
        if left <= 0:
            self._timer.stop()
            self.again.emit()
        else:
            self.left.setText(f"Looking again in {words.clock(left)}.")

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()
