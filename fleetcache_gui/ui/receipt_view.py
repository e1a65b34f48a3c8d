"""What a deed did: counts in words, key by key, how to undo it and until when."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from fleetcache_gui import assets
from fleetcache_gui.domain import words
from fleetcache_gui.domain.plan import Outcome, Receipt, WayBack
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.present.steps import Steps, counts
from fleetcache_gui.ui.confirm import CancelButton
from fleetcache_gui.ui.plan_view import Sentences, clear, fill
from fleetcache_gui.ui.sheet import Scroll
from fleetcache_gui.ui.states import Icon
from fleetcache_gui.ui.step_table import LONG, OUTCOME_LOOKS, SHORT, StepTable
from fleetcache_gui.ui.text_widgets import PlainLabel

if TYPE_CHECKING:
    from fleetcache_gui.domain.layout import Layout
    from fleetcache_gui.ui.theme import Theme

MEANINGS = {
    Outcome.DONE: "",
    Outcome.GONE: "It had left Redis by itself before it was its turn.",
    Outcome.CHANGED: "Not as you saw it: nothing was done to it.",
    Outcome.UNSAVED: "It could not be saved for undo, so it was kept.",
    Outcome.REFUSED: "The server does not allow it to this account.",
    Outcome.UNREACHABLE: "Nothing was sent for it.",
    Outcome.CANCELLED: "Nothing was sent for it.",
    Outcome.FAILED: "The server answered with an error.",
    Outcome.UNKNOWN: "It was sent and no answer came; look at it again before you act on it.",
}


def verdict(found: dict[Outcome, int]) -> tuple[str, str, Tone]:
    """The whole in a word, with its icon and tone."""
    if set(found) == {Outcome.DONE}:
        return "Done", "check", Tone.OK
    if Outcome.UNKNOWN in found:
        return "Done, as far as is known" if Outcome.DONE in found else "Not known", "unknown", Tone.WARN
    if Outcome.DONE in found:
        return "Done in part", "warning", Tone.WARN
    return "Nothing was changed", "info", Tone.NEUTRAL


def until_words(way: WayBack, now: float) -> str:
    """``812 can be put back until 2026-01-31 10:15 (23 h 59 min from now); …`` at Unix time `now`."""
    at = datetime.fromtimestamp(way.until).strftime("%Y-%m-%d %H:%M")
    left = words.duration(max(way.until - now, 0))
    where = "kept on this machine's disk" if way.where == "disk" else "kept in memory, until the window is closed"
    return f"{words.count(way.count)} can be put back until {at} ({left} from now); {where}."


class ReceiptView(QWidget):
    """`undo`: put it back. `save`: write the report."""

    undo = Signal()
    save = Signal()
    closed = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.receipt: Receipt | None = None
        self.icon = Icon("check", 20, theme)
        self.title = PlainLabel(theme=theme, role="heading", wrap=True)
        self.what = PlainLabel(theme=theme, role="muted", wrap=True)
        self.counts = QGridLayout()
        self.trouble = Sentences("Why it ended early", "warning", theme)
        self.steps = StepTable(theme)
        self.way_back = Sentences("The way back", "undo", theme)
        self.saved = PlainLabel(theme=theme, role="muted", wrap=True)
        self.undo_button = QPushButton("Undo…")
        self.save_button = QPushButton("Save report…")
        self.close_button = CancelButton("Close")
        self._arrange()
        self.undo_button.clicked.connect(self.undo)
        self.save_button.clicked.connect(self.save)
        self.close_button.clicked.connect(self.closed)
        theme.changed.connect(self._icons)
        self._icons()

    def _arrange(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.icon)
        head.addWidget(self.title, 1)
        self.counts.setHorizontalSpacing(10)
        self.counts.setVerticalSpacing(4)
        self.counts.setColumnStretch(3, 1)
        column = QVBoxLayout()
        column.setSpacing(12)
        column.addLayout(self.counts)
        for part in (self.trouble, self.way_back, self.steps):
            column.addWidget(part)
        column.addStretch(1)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self.undo_button)
        foot.addWidget(self.save_button)
        foot.addWidget(self.saved, 1)
        foot.addWidget(self.close_button)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(4)
        whole.addLayout(head)
        whole.addWidget(self.what)
        whole.addSpacing(8)
        self.area = Scroll(column)
        whole.addWidget(self.area, 1)
        whole.addSpacing(12)
        whole.addLayout(foot)

    def _icons(self) -> None:
        self.undo_button.setIcon(assets.icon("undo", self._theme.colors.muted))

    def show_receipt(self, receipt: Receipt, layout: Layout) -> None:
        """Tell what was done."""
        self.receipt = receipt
        found, steps = counts(receipt), Steps(layout, receipt.plan, receipt)
        word, icon, tone = verdict(found)
        self.icon.show_icon(icon, tone)
        self.title.setText(word)
        took = words.duration(max(receipt.ended - receipt.began, 0.0))
        self.what.setText(f"{receipt.plan.title} · took {took}")
        self._fill(found, steps)
        self.trouble.say((receipt.trouble,), Tone.WARN)
        lines = LONG if len(found) < SHORT else SHORT
        self.steps.show_steps(steps, receipt=True, lines=lines)
        self.saved.setText("")
        self._tell_way_back(receipt)
        self.close_button.setFocus()

    def _fill(self, found: dict[Outcome, int], steps: Steps) -> None:
        clear(self.counts)
        alone = steps.text(0).note if len(steps.plan.steps) == 1 else ""  # there is room for all of it here
        for line, (outcome, number) in enumerate(found.items()):
            name, tone = OUTCOME_LOOKS[outcome]
            fill(
                self.counts,
                line,
                Icon(name, 16, self._theme, tone),
                PlainLabel(words.count(number), theme=self._theme, role="strong"),
                PlainLabel(outcome.value, theme=self._theme),
                PlainLabel(alone or MEANINGS[outcome], theme=self._theme, role="muted", wrap=True),
                figures=(1,),
            )

    def _tell_way_back(self, receipt: Receipt) -> None:
        self.undo_button.setVisible(receipt.saved > 0)
        self.undo_button.setEnabled(True)
        saved = f"{words.count(receipt.saved, *receipt.plan.noun)} can be put back."
        self.way_back.say((saved if receipt.saved else "Nothing of it can be put back.",))

    def show_way_back(self, way: WayBack) -> None:
        """Until when it can be undone, once that is known."""
        self.way_back.say((until_words(way, time.time()), way.hindrance))
        self.undo_button.setEnabled(not way.hindrance)
