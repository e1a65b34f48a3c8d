"""The lock theatre: who held which lock when, how long against its lifetime, and how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout

from fleetcache_gui.domain import words
from fleetcache_gui.ui.home import SectionPage
from fleetcache_gui.ui.lane_chart import LaneChart
from fleetcache_gui.ui.text_widgets import PlainLabel, plain_tooltip

if TYPE_CHECKING:
    from PySide6.QtGui import QShowEvent

    from fleetcache_gui.session import Session
    from fleetcache_gui.ui.theme import Theme

SPANS = (30, 120, 600, 1800, 7200, 28_800)
"""Seconds offered."""
LEGEND = (
    "A bar is one holder's time; the falling edge is the time left, a tick a renewal, the frame ahead what it "
    "still has. A claim that failed leaves no trace in Redis and cannot be shown; what happens between two "
    "readings is known by its result only."
)
NOTHING = "No lock was held since the watching began."


class LockTheatre(SectionPage):
    """`jump(family id, row id)` when a person wants to see a lock's row."""

    jump = Signal(str, object)

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self._session = session
        self.chart = LaneChart(theme)
        self.chart.jump.connect(self.jump)
        self.extent = PlainLabel(theme=theme, role="muted")
        self.spans = QComboBox()
        self.spans.setAccessibleName("How much time is seen")
        for seconds in SPANS:
            self.spans.addItem(words.span(seconds), seconds)
        self.spans.setCurrentIndex(1)
        plain_tooltip(self.spans, "How much time is seen; Ctrl and the wheel, or + and -, do it too")
        self.now = QPushButton("Now")
        plain_tooltip(self.now, "See the present again")
        self.nothing = PlainLabel(NOTHING, theme=theme, role="muted")
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._arrange(theme)
        self.spans.currentIndexChanged.connect(self._zoom)
        self.now.clicked.connect(self._follow)

    def _arrange(self, theme: Theme) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(PlainLabel("Lock theatre", theme=theme, role="heading"))
        head.addWidget(self.extent)
        head.addStretch(1)
        head.addWidget(self.now)
        head.addWidget(self.spans)
        card = QFrame()
        card.setProperty("surface", "card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(1, 1, 1, 1)
        self.area = QScrollArea()
        self.area.setWidget(self.chart)
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside.addWidget(self.area, 1)
        inside.addWidget(self.nothing, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(card, 1)
        column.addWidget(PlainLabel(LEGEND, theme=theme, role="muted", wrap=True))

    def _zoom(self) -> None:
        self.chart.set_span(self.spans.currentData())

    def _follow(self) -> None:
        self.chart.follow()
        self.tick()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.tick()

    def tick(self) -> None:
        if not self.isVisible():
            return
        lanes, now = self._session.lanes.lanes, self._session.now()
        held = sum(1 for lane in lanes if lane.held)
        self.extent.setText(f"{words.count(len(lanes), 'lock')}, {words.count(held)} held now" if lanes else "")
        self.chart.show_lanes(lanes, now, self._session.wall() - now)
        self.area.setVisible(bool(lanes))
        self.nothing.setVisible(not lanes)
        self.now.setEnabled(not self.chart.follows)
