"""What can be undone: where it was done, how long it is kept, and two buttons."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from fleetcache_gui import aio, clock
from fleetcache_gui.domain import words
from fleetcache_gui.ui.confirm import CancelButton, DeedButton
from fleetcache_gui.ui.keep_limits import KeepLimits
from fleetcache_gui.ui.plain_table import Heading, PlainModel, PlainTable
from fleetcache_gui.ui.text_widgets import PlainLabel, plain_tooltip

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from PySide6.QtGui import QHideEvent

    from fleetcache_gui.deeds import Deeds
    from fleetcache_gui.domain.plan import WayBack
    from fleetcache_gui.ui.theme import Theme

HEADINGS = (
    Heading("Deed"),
    Heading("Server"),
    Heading("When", 142),
    Heading("Time left", 104, right=True),
    Heading("To put back", 104, right=True),
    Heading("Size", 76, right=True),
    Heading("Kept", 76),
)
NOTHING = "Nothing can be undone now. What an action removes is saved first, and stands here as long as it is kept."
CHOOSE = "Choose a deed."
FORGET = "What was saved is deleted now, and this can no longer be undone."


class WaysBackView(QWidget):
    """`undo` carries the way back."""

    undo = Signal(object)

    def __init__(self, deeds: Deeds, theme: Theme, clock: Callable[[], float] = clock.now) -> None:
        super().__init__()
        self._deeds = deeds
        self._task: asyncio.Task[None] | None = None
        self._model = PlainModel(HEADINGS, _texts, theme, self)
        self.table = PlainTable(self._model, theme)
        self.table.setAccessibleName("What can be undone")
        self.nothing = PlainLabel(NOTHING, theme=theme, role="muted", wrap=True)
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.limits = KeepLimits(deeds, theme)
        self.why = PlainLabel(theme=theme, role="muted", wrap=True)
        self.undo_button = QPushButton("Undo…")
        self.forget_button = QPushButton("Forget…")
        self.keep = CancelButton("Keep it")
        self.forget_now = DeedButton(theme, clock)
        self._arrange()
        self._ticker = QTimer(self, interval=1000)
        self._ticker.timeout.connect(self._tick)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._offer())
        self.table.activated.connect(lambda _: self._undo())
        self.undo_button.clicked.connect(self._undo)
        self.forget_button.clicked.connect(self._ask)
        self.keep.clicked.connect(self._offer)
        self.forget_now.confirmed.connect(self._forget)
        self.nothing.hide()
        self._offer()

    def _arrange(self) -> None:
        frame = QFrame()
        frame.setProperty("surface", "card")
        inside = QVBoxLayout(frame)
        inside.setContentsMargins(1, 1, 1, 1)
        inside.addWidget(self.table)
        inside.addWidget(self.nothing)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self.why, 1)
        for button in (self.keep, self.forget_now, self.forget_button, self.undo_button):
            foot.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(frame, 1)
        column.addWidget(self.limits)
        column.addLayout(foot)

    def load(self) -> None:
        """Read afresh what there is."""
        self._task = aio.spawn(self._load(), name="ways back")
        self._ticker.start()

    async def _load(self) -> None:
        self.show_ways(await self._deeds.ways_back())

    def show_ways(self, ways: tuple[WayBack, ...]) -> None:
        """Show these, the first one chosen."""
        self._model.show(ways)
        self.table.setVisible(bool(ways))
        self.nothing.setVisible(not ways)
        if ways:
            self.table.selectRow(0)
        self._offer()

    def _offer(self) -> None:
        way: WayBack | None = self.table.chosen
        why = way.hindrance or self._deeds.hindrance() if way is not None else CHOOSE if self._model.items else ""
        self.why.setText(why)
        self.undo_button.setEnabled(way is not None and not why)
        self.undo_button.setAccessibleDescription(why)
        plain_tooltip(self.undo_button, why)
        self.forget_button.setEnabled(way is not None)
        self._asking(False)

    def _asking(self, asking: bool) -> None:
        self.keep.setVisible(asking)
        self.forget_now.setVisible(asking)
        self.forget_button.setVisible(not asking)
        self.undo_button.setVisible(not asking)

    def _ask(self) -> None:
        self._asking(True)
        self.why.setText(FORGET)
        self.forget_now.arm("Forget it")
        self.keep.setFocus()

    def _forget(self) -> None:
        if (way := self.table.chosen) is not None:
            self._task = aio.spawn(self._forget_and_load(way), name="forget")

    async def _forget_and_load(self, way: WayBack) -> None:
        await self._deeds.forget(way.deed)
        await self._load()

    def _undo(self) -> None:
        if self.undo_button.isEnabled():
            self.undo.emit(self.table.chosen)

    def _tick(self) -> None:
        self.table.viewport().update()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._ticker.stop()

    async def end(self) -> None:
        """Stop what is under way."""
        if self._task is not None:
            await aio.cancel_and_wait([self._task])


def _texts(way: WayBack) -> tuple[str, ...]:
    left = way.until - time.time()
    return (
        way.title,
        way.server,
        datetime.fromtimestamp(way.at).strftime("%Y-%m-%d %H:%M"),
        words.clock(left) if left > 0 else "lapsed",
        words.count(way.count),
        words.size(way.size),
        way.where,
    )
