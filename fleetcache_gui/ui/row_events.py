"""What happened to one row, newest first, in its detail."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from fleetcache_gui.ui.event_list import time_words
from fleetcache_gui.ui.text_widgets import PlainLabel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fleetcache_gui.present.timeline import Event
    from fleetcache_gui.ui.theme import Theme

MOST = 6


class RowEvents(QWidget):
    """Hidden while nothing is known to have happened."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(4)
        column.addWidget(PlainLabel("What happened to it", theme=theme, role="label"))
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        column.addLayout(grid)
        self.lines = [
            (PlainLabel(theme=theme, role="muted"), PlainLabel(theme=theme, wrap=True, selectable=True))
            for _ in range(MOST)
        ]
        for number, (when, what) in enumerate(self.lines):
            grid.addWidget(when, number, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(what, number, 1)

    def show_events(self, events: Iterable[Event], family: str, row: bytes) -> None:
        """Of all events, newest first, show those of one row."""
        ours = list(islice((event for event in events if event.row == row and event.family == family), MOST))
        self.setVisible(bool(ours))
        for number, (when, what) in enumerate(self.lines):
            shown = number < len(ours)
            when.setVisible(shown)
            what.setVisible(shown)
            if shown:
                when.setText(time_words(ours[number].wall))
                what.setText(ours[number].text)
