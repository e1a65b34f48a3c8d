"""A plan while it is carried out: how far, how fast, how long still, and a way to stop it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from fleetcache_gui.domain import words
from fleetcache_gui.domain.plan import Plan, Progress
from fleetcache_gui.ui.confirm import CancelButton
from fleetcache_gui.ui.text_widgets import PlainLabel

if TYPE_CHECKING:
    from fleetcache_gui.ui.theme import Theme

CANCELS = "Cancel only stops sending: what has been sent by then is done, and the receipt tells it."
STOPPING = "Nothing more is sent. Waiting for what is under way …"
_FINE = 1000  # steps of the bar


def progress_words(progress: Progress, noun: tuple[str, str]) -> str:
    """``812 of 1,000 keys · 430/s · 0.4 s left``."""
    parts = [f"{words.count(progress.done)} of {words.count(progress.total, *noun)}"]
    if progress.rate is not None:
        parts.append(words.rate(progress.rate))
    if progress.left is not None:
        parts.append(f"{words.duration(progress.left)} left")
    return " · ".join(parts)


class RunningView(QWidget):
    """`cancelled`: send nothing more."""

    cancelled = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._noun = ("key", "keys")
        self.title = PlainLabel(theme=theme, role="heading", wrap=True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, _FINE)
        self.text = PlainLabel(theme=theme)
        self.waiting = PlainLabel(theme=theme, role="muted", wrap=True)
        self.note = PlainLabel(CANCELS, theme=theme, role="muted", wrap=True)
        self.cancel = CancelButton()
        self.cancel.clicked.connect(self._stop)
        foot = QHBoxLayout()
        foot.addWidget(self.note, 1)
        foot.addWidget(self.cancel)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        for part in (self.title, self.bar, self.text, self.waiting):
            column.addWidget(part)
        column.addSpacing(8)
        column.addLayout(foot)

    def start(self, plan: Plan) -> None:
        """Nothing is done yet."""
        self._noun = plan.noun
        self.title.setText(plan.title)
        self.note.setText(CANCELS)
        self.cancel.setEnabled(True)
        self.show_progress(Progress(0, plan.count))
        self.cancel.setFocus()

    def show_progress(self, progress: Progress) -> None:
        """How far it has come."""
        self.bar.setValue(round(_FINE * progress.done / progress.total) if progress.total else 0)
        self.text.setText(progress_words(progress, self._noun))
        self.bar.setAccessibleName(self.text.text())
        self.waiting.setText(progress.waiting or " ")

    def _stop(self) -> None:
        self.cancel.setEnabled(False)
        self.note.setText(STOPPING)
        self.cancelled.emit()
