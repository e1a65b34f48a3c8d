"""Then and now: what is otherwise at the end of a recording than at the moment that is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout

from fleetcache_gui.domain.words import count
from fleetcache_gui.ui.event_list import EventList, time_words
from fleetcache_gui.ui.home import SectionPage
from fleetcache_gui.ui.overview import carded
from fleetcache_gui.ui.text_widgets import PlainLabel

if TYPE_CHECKING:
    from PySide6.QtGui import QShowEvent

    from fleetcache_gui.replay import Replay
    from fleetcache_gui.ui.theme import Theme

NOTHING = "Nothing is otherwise."


class SincePage(SectionPage):
    """`jump(family id, row id)` when a person wants to see the row, as it was then."""

    jump = Signal(str, object)

    def __init__(self, replay: Replay, theme: Theme) -> None:
        super().__init__()
        self._replay = replay
        self.heading = PlainLabel(theme=theme, role="heading")
        self.list = EventList(theme, NOTHING)
        self.list.setAccessibleName("What has changed since the moment that is shown")
        self.list.jump.connect(self.jump)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(8)
        column.addWidget(self.heading)
        column.addWidget(carded(self.list), 1)
        replay.findings_changed.connect(self._refresh)

    def _refresh(self) -> None:
        if not self.isVisible():
            return
        found = self._replay.since()
        moment, last = time_words(self._replay.wall()), time_words(self._replay.tape.moments[-1])
        many = count(len(found), "difference") if found else NOTHING
        self.heading.setText(f"Between {moment} and {last}: {many}")
        self.list.show_events(found)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._refresh()
