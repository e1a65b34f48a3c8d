"""The steps of "Test connection" as they end: a sign, a title, a sentence, how long it took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from fleetcache_gui.domain.values import Tone
from fleetcache_gui.profiles.desk import TITLES, Outcome, Step
from fleetcache_gui.ui.marks import Mark
from fleetcache_gui.ui.text_widgets import PlainLabel

if TYPE_CHECKING:
    from fleetcache_gui.ui.theme import Theme

IDLE = "Test connection tries each step in turn and says what it finds. A password is sent once."
_TONES = {Outcome.OK: Tone.OK, Outcome.FAILED: Tone.CRITICAL, Outcome.SKIPPED: Tone.NEUTRAL}
_WORDS = {Outcome.OK: "", Outcome.FAILED: "failed", Outcome.SKIPPED: "skipped"}


class _Line(QWidget):
    """One step."""

    def __init__(self, title: str, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._name = title
        self.mark = Mark(theme)
        self.title = PlainLabel(title, theme=theme, role="strong")
        self.took = PlainLabel("", theme=theme, role="muted")
        self.text = PlainLabel("", theme=theme, role="muted", wrap=True, selectable=True)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 4, 0, 4)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self.mark, 0, 0)
        grid.addWidget(self.title, 0, 1)
        grid.addWidget(self.took, 0, 2)
        grid.addWidget(self.text, 1, 1, 1, 2)
        self.clear()

    def clear(self) -> None:
        """Not tried."""
        self.mark.set_tone(Tone.NEUTRAL)
        self.took.setText("")
        self.text.setText("")
        self.text.hide()
        self.setAccessibleName(f"{self._name}: not tried")

    def show_step(self, step: Step) -> None:
        """How it ended."""
        self.mark.set_tone(_TONES[step.outcome])
        took = f"{step.seconds * 1000:,.0f} ms"
        self.took.setText(took if step.outcome is Outcome.OK else _WORDS[step.outcome])
        self.took.set_tone(Tone.CRITICAL if step.outcome is Outcome.FAILED else None)
        said = " ".join(filter(None, (step.text, step.advice)))
        notes = "".join(f"\n• {note}" for note in step.notes)
        self.text.setText(said + notes)
        self.text.setVisible(bool(said) and step.text != "Not reached.")
        self.setAccessibleName(f"{self._name}: {step.outcome.value}. {said}")


class CheckList(QFrame):
    """All steps, in their order."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setProperty("surface", "card")
        self.verdict = PlainLabel(IDLE, theme=theme, wrap=True)
        self.lines = {step: _Line(title, theme) for step, title in TITLES.items()}
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(0)
        for line in self.lines.values():
            column.addWidget(line)
        column.addStretch(1)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(inner)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(16, 12, 8, 12)
        whole.setSpacing(8)
        whole.addWidget(self.verdict)
        whole.addWidget(self._scroll, 1)

    def begin(self, text: str = IDLE) -> None:
        """Forget what was found before."""
        self.verdict.setText(text)
        self.verdict.set_tone(None)
        for line in self.lines.values():
            line.clear()

    def show_step(self, step: Step) -> None:
        """One more has ended."""
        line = self.lines[step.id]
        line.show_step(step)
        if step.text != "Not reached.":
            self._scroll.ensureWidgetVisible(line)

    def end(self, good: bool) -> None:
        """All have."""
        self.verdict.setText("The connection can be used." if good else "The connection cannot be used yet.")
        self.verdict.set_tone(Tone.OK if good else Tone.CRITICAL)
