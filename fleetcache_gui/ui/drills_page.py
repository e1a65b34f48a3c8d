"""Drills: a list of them, the lesson beside its steps, and what was measured after each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from fleetcache_gui import aio
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.ui.home import SectionPage
from fleetcache_gui.ui.marks import Mark
from fleetcache_gui.ui.text_widgets import PlainLabel, plain_tooltip

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from fleetcache_gui.domain.lessons import Lesson, Measured
    from fleetcache_gui.ui.drill_play import DrillPlay
    from fleetcache_gui.ui.theme import Theme

_ITEM = 30  # px, height of an entry of the list
_MOST = 6  # steps that a lesson may have
_CLAIMS = 4  # measurements of one step


class StepLine(QWidget):
    """One step: its mark, its caption, what was measured."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.mark = Mark(theme)
        self.caption = PlainLabel(theme=theme, role="strong", wrap=True)
        self.claims = [(Mark(theme), PlainLabel(theme=theme, wrap=True, selectable=True)) for _ in range(_CLAIMS)]
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(_marked(self.mark, self.caption, 0))
        for mark, text in self.claims:
            column.addLayout(_marked(mark, text, 24))

    def show_step(self, number: int, caption: str, measured: Sequence[Measured] | None, *, now: bool) -> None:
        """`measured` is None before the step is done; `now`: it is under way, or comes next."""
        held = measured is not None and all(one.holds for one in measured)
        done = Tone.OK if held else Tone.CRITICAL
        self.mark.set_tone(done if measured is not None else Tone.ACCENT if now else Tone.NEUTRAL)
        self.caption.setText(f"{number}. {caption}")
        for position, (mark, text) in enumerate(self.claims):
            there = measured is not None and position < len(measured)
            mark.setVisible(there)
            text.setVisible(there)
            if measured is not None and there:
                mark.set_tone(Tone.OK if measured[position].holds else Tone.CRITICAL)
                text.setText(measured[position].text)


def _marked(mark: QWidget, text: QWidget, indent: int) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setContentsMargins(indent, 0, 0, 0)
    row.setSpacing(10)
    row.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
    row.addWidget(text, 1)
    return row


class DrillsPage(SectionPage):
    """`jump(family id, b"")` to watch; `presenting(bool)` when the presenter's bar is wanted, or no longer."""

    jump = Signal(str, object)
    presenting = Signal(bool)

    def __init__(self, play: DrillPlay, theme: Theme) -> None:
        super().__init__()
        self._play, self._theme = play, theme
        self._choosing: asyncio.Task[None] | None = None
        self.list = QListWidget()
        self.list.setAccessibleName("Drills")
        for number, lesson in enumerate(play.lessons, 1):
            item = QListWidgetItem(f"{number}. {lesson.title}")
            item.setSizeHint(QSize(0, _ITEM))
            self.list.addItem(item)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setFixedWidth(300)
        self.title = PlainLabel(theme=theme, role="heading", wrap=True)
        self.parts = [PlainLabel(theme=theme, wrap=True) for _ in range(3)]
        self.steps = [StepLine(theme) for _ in range(_MOST)]
        self.problem = PlainLabel(theme=theme, wrap=True)
        self.problem.set_tone(Tone.CRITICAL)
        self.go = _button("Begin", "Do the next step", play.go, "primary")
        self.auto = _button("Automatic", "Go on by itself, with a pause after each step")
        self.auto.setCheckable(True)
        self.again = _button("Reset", "End the drill, and have the simulated Fleet back at work", play.reset)
        self.watch = _button("Watch", "Go to the tab where it can be seen", self._watch)
        self.present = _button("Present", "Captions in large type beneath whatever is shown")
        self.present.setCheckable(True)
        self.save = _button("Pictures…", "Save a picture of the window after each step")
        self.seed = QSpinBox(minimum=0, maximum=2**31 - 1, value=play.seed)
        self.seed.setAccessibleName("Seed: equal ones give equal drills")
        self.speed = QDoubleSpinBox(minimum=0.1, maximum=100.0, value=play.speed, decimals=1, suffix=" ×")
        self.speed.setAccessibleName("Speed of the drill's time")
        self._arrange()
        self._connect()
        self.refresh()

    def _arrange(self) -> None:
        theme = self._theme
        controls = QHBoxLayout()
        controls.setSpacing(8)
        for widget in (self.go, self.auto, self.again, self.watch, self.present, self.save):
            controls.addWidget(widget)
        controls.addStretch(1)
        for label, field, width in (("Seed", self.seed, 84), ("Speed", self.speed, 76)):
            controls.addWidget(PlainLabel(label, theme=theme, role="muted"))
            field.setFixedWidth(width)
            controls.addWidget(field)
        lesson = QVBoxLayout()
        lesson.setContentsMargins(20, 16, 20, 16)
        lesson.setSpacing(6)
        lesson.addWidget(self.title)
        for heading, part in zip(("What happens", "What to watch", "What Fleet does"), self.parts, strict=True):
            lesson.addSpacing(2)
            lesson.addWidget(PlainLabel(heading, theme=theme, role="label"))
            lesson.addWidget(part)
        lesson.addSpacing(10)
        lesson.addWidget(self.problem)
        for step in self.steps:
            lesson.addWidget(step)
            lesson.addSpacing(4)
        lesson.addStretch(1)
        inside = QWidget()
        inside.setLayout(lesson)
        area = QScrollArea()
        area.setWidget(inside)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        right = QVBoxLayout()
        right.setSpacing(8)
        right.addLayout(controls)
        right.addWidget(_card(area), 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 12, 16, 16)
        row.setSpacing(8)
        row.addWidget(_card(self.list))
        row.addLayout(right, 1)

    def _connect(self) -> None:
        play = self._play
        play.changed.connect(self.refresh)
        self.list.currentRowChanged.connect(lambda row: play.choose(play.lessons[row]))
        self.auto.clicked.connect(play.set_auto)
        self.present.clicked.connect(self.presenting)
        self.save.clicked.connect(self._choose_folder)
        self.seed.valueChanged.connect(lambda seed: setattr(play, "seed", seed))
        self.speed.valueChanged.connect(lambda speed: setattr(play, "speed", speed))

    def refresh(self) -> None:
        """Show where the drill is."""
        play = self._play
        lesson: Lesson = play.lesson
        with QSignalBlocker(self.list):
            self.list.setCurrentRow(play.lessons.index(lesson))
        self.title.setText(lesson.title)
        for label, text in zip(self.parts, (lesson.happens, lesson.watch_for, lesson.fleet), strict=True):
            label.setText(text)
        at = len(play.results)
        for number, line in enumerate(self.steps):
            line.setVisible(number < len(lesson.captions))
            if number < len(lesson.captions):
                measured = play.results[number] if number < at else None
                line.show_step(number + 1, lesson.captions[number], measured, now=number == at)
        self.problem.setText(play.problem)
        self.problem.setVisible(bool(play.problem))
        self.go.setText("Begin" if not play.begun else "Next")
        self.go.setEnabled(not play.busy and not play.over and not play.problem)
        self.auto.setChecked(play.auto)
        self.auto.setEnabled(not play.over)
        self.again.setEnabled(play.begun and not play.busy)
        self.list.setEnabled(not play.busy)
        for field in (self.seed, self.speed):
            field.setEnabled(not play.begun)

    def _watch(self) -> None:
        self.jump.emit(self._play.lesson.watch, b"")

    def _choose_folder(self) -> None:
        if self._choosing is None or self._choosing.done():
            self._choosing = aio.spawn(self._choose(), name="folder for pictures")

    async def _choose(self) -> None:
        dialog = QFileDialog(self.window(), "Folder for the pictures of each step")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        chosen = dialog.selectedFiles() if await aio.ask(dialog) else []
        self._play.pictures = Path(chosen[0]) if chosen else None
        plain_tooltip(self.save, f"Saved to {chosen[0]}" if chosen else "Save a picture of the window after each step")

    async def end(self) -> None:
        await aio.cancel_and_wait([self._choosing] if self._choosing else [])
        await self._play.end()


def _button(text: str, hint: str, does: Callable[[], None] | None = None, kind: str = "") -> QPushButton:
    button = QPushButton(text)
    plain_tooltip(button, hint)
    if kind:
        button.setProperty("kind", kind)
    if does is not None:
        button.clicked.connect(does)
    return button


def _card(inside: QWidget) -> QFrame:
    card = QFrame()
    card.setProperty("surface", "card")
    layout = QVBoxLayout(card)
    layout.setContentsMargins(1, 1, 1, 1)
    layout.addWidget(inside)
    return card
