"""What a person must decide before a plan can be made: one of a few, or a short text that is checked while typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QListWidget, QPushButton

from fleetcache_gui.domain.text import shorten
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.ui.confirm import CancelButton
from fleetcache_gui.ui.sheet import Sheet
from fleetcache_gui.ui.text_widgets import PlainLabel

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from fleetcache_gui.domain.verbs import Choice
    from fleetcache_gui.session import Session
    from fleetcache_gui.ui.theme import Theme

_LINE, _LINES, _LONGEST = 30, 8, 120


class ChoiceSheet(Sheet):
    """`chosen` carries the value of an option, or the text."""

    chosen = Signal(str)

    def __init__(self, window: QWidget, session: Session, theme: Theme) -> None:
        super().__init__(window, theme, 480, session.environment, session.name)
        self._choice: Choice | None = None
        self.title = PlainLabel(theme=theme, role="heading", wrap=True)
        self.question = PlainLabel(theme=theme, wrap=True)
        self.options = QListWidget()
        self.options.setProperty("surface", "card")
        self.options.setFrameShape(QFrame.Shape.NoFrame)
        self.options.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.field = QLineEdit()
        self.problem = PlainLabel(theme=theme, role="muted", wrap=True)
        self.problem.set_tone(Tone.WARN)
        self.cancel = CancelButton()
        self.go = QPushButton("Show plan")
        self.go.setProperty("kind", "primary")
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addStretch(1)
        foot.addWidget(self.cancel)
        foot.addWidget(self.go)
        for part in (self.title, self.question, self.options, self.field, self.problem):
            self.inner.addWidget(part)
        self.inner.addLayout(foot)
        self.cancel.clicked.connect(self.close_up)
        self.go.clicked.connect(self._take)
        self.options.itemActivated.connect(lambda _: self._take())
        self.field.returnPressed.connect(self._take)
        self.field.textChanged.connect(self._check)

    def ask(self, title: str, choice: Choice) -> None:
        """Ask this."""
        self._choice = choice
        self.title.setText(title)
        self.question.setText(choice.label)
        self.options.clear()
        self.options.setAccessibleName(choice.label)
        self.field.setAccessibleName(choice.label)
        for label, _ in choice.options:
            self.options.addItem(shorten(label, _LONGEST))
        self.options.setCurrentRow(0)
        self.options.setFixedHeight(_LINE * min(max(len(choice.options), 1), _LINES) + 4)
        self.options.setVisible(bool(choice.options))
        self.field.setVisible(not choice.options)
        self.field.setText(choice.start)
        self._check()
        self.open()
        if choice.options:
            self.options.setFocus()
        else:
            self.field.setFocus()
            self.field.selectAll()

    def _wrong(self) -> str:
        if self._choice is None or self._choice.options:
            return ""
        return self._choice.check(self.field.text())

    def _check(self) -> None:
        wrong = self._wrong()
        self.problem.setText(wrong)
        self.problem.setVisible(bool(wrong))
        self.go.setEnabled(not wrong)
        if self.isVisible():
            self.place()

    def _take(self) -> None:
        if self._choice is None or self._wrong():
            return
        options = self._choice.options
        value = options[self.options.currentRow()][1] if options else self.field.text()
        self.close_up()
        self.chosen.emit(value)
