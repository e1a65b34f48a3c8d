"""A plan before it is confirmed: what would go, what Fleet would feel, the way back, and only then the question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from fleetcache_gui import clock
from fleetcache_gui.domain import words
from fleetcache_gui.domain.plan import Deed, Plan
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.present.steps import Steps
from fleetcache_gui.ui.confirm import ConfirmBar
from fleetcache_gui.ui.sheet import Scroll
from fleetcache_gui.ui.states import Icon
from fleetcache_gui.ui.step_table import LONG, SHORT, StepTable
from fleetcache_gui.ui.text_widgets import ElidedLabel, PlainLabel, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fleetcache_gui.domain.layout import Layout
    from fleetcache_gui.ui.theme import Theme

NODES, STRANGERS = 6, 8
"""Nodes, and keys of others, that are named; the rest is counted."""


def extent_words(plan: Plan) -> str:
    """``3 keys · 4.1 MB · 2 have no way back``."""
    count, size, unsaved = plan.count, plan.size, plan.unsaved
    if plan_flushes(plan):
        return "Everything in the database, with no way back"
    parts = [words.count(count, *plan.noun)] if count else ["nothing would be changed"]
    if size is not None:
        parts.append(words.size(size))
    if unsaved and any(step.draft.deed in (Deed.REMOVE, Deed.TRIM) for step in plan.steps):
        parts.append("no way back" if unsaved == count else f"{words.count(unsaved)} of them with no way back")
    if plan.skipped:
        parts.append(f"{words.count(len(plan.skipped))} skipped")
    return " · ".join(parts)


def node_words(plan: Plan) -> str:
    """``On 3 nodes: 10.0.0.3:7000 270, …``, empty on a standalone server."""
    nodes = plan.nodes
    if not nodes:
        return ""
    told = ", ".join(f"{node} {words.count(number)}" for node, number in list(nodes.items())[:NODES])
    more = f", and {words.count(len(nodes) - NODES)} more" if len(nodes) > NODES else ""
    return f"On {words.count(len(nodes), 'node')}: {told}{more}"


def plan_flushes(plan: Plan) -> bool:
    """True where whole databases would be emptied, whatever is in them."""
    return any(step.draft.deed is Deed.FLUSH for step in plan.steps)


class Counts(QWidget):
    """A small table: what, how many keys, how many bytes."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(24)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(3, 1)

    def show_counts(self, counts: Iterable[tuple[str, int, int | None]]) -> None:
        """One line each."""
        clear(self._grid)
        for line, (title, keys, size) in enumerate(counts):
            name = ElidedLabel(title, theme=self._theme)
            name.setMinimumWidth(180)
            told = PlainLabel("" if size is None else words.size(size), theme=self._theme, role="muted")
            fill(self._grid, line, name, PlainLabel(words.count(keys, "key"), theme=self._theme), told, figures=(1, 2))


class Sentences(QWidget):
    """A label and sentences under it, each with an icon."""

    def __init__(self, title: str, icon: str, theme: Theme, role: str = "body") -> None:
        super().__init__()
        self._theme, self._icon, self._mono = theme, icon, role == "mono"
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        self.title = PlainLabel(title, theme=theme, role="label")
        column.addWidget(self.title)
        self._lines = QGridLayout()
        self._lines.setHorizontalSpacing(8)
        self._lines.setVerticalSpacing(4)
        self._lines.setColumnStretch(1, 1)
        column.addLayout(self._lines)
        column.addStretch(1)
        self.sentences: tuple[str, ...] = ()

    def say(self, sentences: Iterable[str], tone: Tone = Tone.NEUTRAL) -> None:
        """Show these; with none of them it is hidden."""
        self.sentences = tuple(filter(None, sentences))
        clear(self._lines)
        for line, sentence in enumerate(self.sentences):
            icon = Icon(self._icon, 16, self._theme, tone) if self._icon else None
            role: Role = "mono" if self._mono else "body"
            label = PlainLabel(sentence, theme=self._theme, role=role, wrap=True, selectable=not self._mono)
            fill(self._lines, line, icon, label)
        self.setVisible(bool(self.sentences))


def fill(grid: QGridLayout, line: int, *widgets: QWidget | None, figures: tuple[int, ...] = ()) -> None:
    """Put widgets into a line; those at the positions `figures` stand at the right. They are shown at once, and not
    when the loop turns: the sheet is measured before that."""
    top, right = Qt.AlignmentFlag.AlignTop, Qt.AlignmentFlag.AlignRight
    for column, widget in enumerate(widgets):
        if widget is None:
            continue
        if column in figures or isinstance(widget, Icon):
            grid.addWidget(widget, line, column, top | right)
        else:
            grid.addWidget(widget, line, column)
        widget.show()


def clear(grid: QGridLayout) -> None:
    """Take everything out of a layout."""
    while (item := grid.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.hide()
            widget.deleteLater()


class PlanView(QWidget):
    """`confirmed` carries what was typed. `instead`: only Fleet's keys, please. `again`: look anew."""

    confirmed = Signal(str)
    cancelled = Signal()
    instead = Signal()
    again = Signal()

    def __init__(self, theme: Theme, clock: Callable[[], float] = clock.now) -> None:
        super().__init__()
        self.plan: Plan | None = None
        self.title = PlainLabel(theme=theme, role="heading", wrap=True)
        self.extent = PlainLabel(theme=theme, role="muted", wrap=True)
        self.nodes = PlainLabel(theme=theme, role="muted", wrap=True)
        self.families = Counts(theme)
        self.strangers = Sentences("Not Fleet's, and gone as well", "", theme, "mono")
        self.steps = StepTable(theme)
        self.feels = Sentences("What Fleet will feel", "info", theme)
        self.way_back = Sentences("The way back", "undo", theme)
        self.bar = ConfirmBar(theme, clock)
        self.fleet_only = QPushButton("Flush Fleet's keys only instead")
        self.fleet_only.setProperty("kind", "primary")
        self.look_again = QPushButton("Look again")
        for button in (self.fleet_only, self.look_again):
            self.bar.left.addWidget(button)
        self._arrange()
        self.bar.confirmed.connect(self.confirmed)
        self.bar.cancelled.connect(self.cancelled)
        self.fleet_only.clicked.connect(self.instead)
        self.look_again.clicked.connect(self.again)

    def _arrange(self) -> None:
        column = QVBoxLayout()
        column.setSpacing(12)
        effects = QHBoxLayout()
        effects.setSpacing(24)
        effects.addWidget(self.feels, 3)
        effects.addWidget(self.way_back, 2)
        for part in (self.nodes, self.families, self.strangers, self.steps):
            column.addWidget(part)
        column.addLayout(effects)
        column.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(4)
        whole.addWidget(self.title)
        whole.addWidget(self.extent)
        whole.addSpacing(8)
        self.area = Scroll(column)
        whole.addWidget(self.area, 1)
        whole.addSpacing(12)
        whole.addWidget(self.bar)

    def show_plan(self, plan: Plan, layout: Layout, hindrance: str) -> None:
        """Ask about `plan`; `hindrance`: why nothing can be confirmed just now."""
        self.plan = plan
        flushes = plan_flushes(plan)
        self.title.setText(plan.title)
        self.extent.setText(extent_words(plan))
        self.nodes.setText(node_words(plan))
        self.nodes.setVisible(bool(self.nodes.text()))
        self.families.show_counts(plan.counts)
        self.families.setVisible(bool(plan.counts))
        rest = len(plan.strangers) - STRANGERS
        others = (*plan.strangers[:STRANGERS], f"and {words.count(rest)} more" if rest > 0 else "")
        self.strangers.say(others)
        self.steps.show_steps(Steps(layout, plan), lines=SHORT if plan.counts else LONG)
        self.feels.say(plan.consequence)
        self.way_back.say((plan.way_back,), Tone.WARN if plan.unsaved and flushes else Tone.NEUTRAL)
        self.fleet_only.setVisible(flushes)
        self.look_again.hide()
        self.bar.ask(plan.strictness, plan.word, plan.button)
        self.set_hindrance(hindrance)

    def set_hindrance(self, why: str) -> None:
        """Something has come between: say it where the button is."""
        nothing = "" if self.plan is None or self.plan.steps else "There is nothing left to do."
        self.bar.set_hindrance(nothing or why)

    def refuse(self, why: str) -> None:
        """It was confirmed and may not run; only looking again helps."""
        self.bar.set_hindrance(why)
        self.look_again.show()
        self.look_again.setFocus()
