"""The presenter's bar: what just happened, in large type, beneath whatever is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout

from fleetcache_gui.ui.text_widgets import PlainLabel

if TYPE_CHECKING:
    from fleetcache_gui.ui.drill_play import DrillPlay
    from fleetcache_gui.ui.theme import Theme

CAPTION, MEASURED = 22, 16
"""px"""


class Presenter(QFrame):
    """Hidden until it is wanted."""

    def __init__(self, play: DrillPlay, theme: Theme) -> None:
        super().__init__()
        self._play = play
        self.setProperty("surface", "raised")
        self.title = PlainLabel(theme=theme, role="label")
        self.caption = PlainLabel(theme=theme, role="heading", wrap=True)
        self.caption.setFont(_sized(theme.fonts.heading, CAPTION))
        self.measured = PlainLabel(theme=theme, wrap=True)
        self.measured.setFont(_sized(theme.fonts.body, MEASURED))
        self.go = QPushButton("Next")
        self.go.setProperty("kind", "primary")
        self.go.clicked.connect(play.go)
        texts = QVBoxLayout()
        texts.setSpacing(4)
        for label in (self.title, self.caption, self.measured):
            texts.addWidget(label)
        row = QHBoxLayout(self)
        row.setContentsMargins(20, 12, 20, 12)
        row.setSpacing(16)
        row.addLayout(texts, 1)
        row.addWidget(self.go)
        play.changed.connect(self.refresh)
        self.hide()
        self.refresh()

    def refresh(self) -> None:
        """Show where the drill is."""
        play = self._play
        at, of = len(play.results), len(play.lesson.captions)
        self.title.setText(f"{play.lesson.title} · step {at} of {of}" if at else play.lesson.title)
        self.caption.setText(play.problem or play.caption or play.lesson.happens)
        told = play.results[-1] if play.results and not play.doing else ()
        self.measured.setText("\n".join(f"{'✓' if one.holds else '✗'} {one.text}" for one in told))
        self.measured.setVisible(bool(told))
        self.go.setEnabled(not play.busy and not play.over)
        self.go.setText("Begin" if not play.begun else "Next")


def _sized(font: QFont, px: int) -> QFont:
    large = QFont(font)
    large.setPixelSize(px)
    return large
