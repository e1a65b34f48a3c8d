"""The history of deeds: what can be undone, and the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QTabBar, QWidget

from fleetcache_gui.ui.audit_view import AuditView
from fleetcache_gui.ui.confirm import CancelButton
from fleetcache_gui.ui.sheet import Sheet
from fleetcache_gui.ui.tabs import Tab, Tabs
from fleetcache_gui.ui.text_widgets import PlainLabel
from fleetcache_gui.ui.ways_back_view import WaysBackView

if TYPE_CHECKING:
    from fleetcache_gui.deeds import Deeds
    from fleetcache_gui.session import Session
    from fleetcache_gui.ui.theme import Theme

TALL = 380
"""Height of the lists, px, where the window has room for it."""


class HistorySheet(Sheet):
    """`undo` carries the way back that a person wants to go."""

    undo = Signal(object)

    def __init__(self, window: QWidget, session: Session, deeds: Deeds, theme: Theme) -> None:
        super().__init__(window, theme, 980, session.environment, session.name)
        self.tabs: QTabBar = self._make_tabs(theme)
        self.ways_back = WaysBackView(deeds, theme)
        self.audit = AuditView(deeds.audit, theme)
        self.close_button = CancelButton("Close")
        head = QHBoxLayout()
        head.addWidget(PlainLabel("History of deeds", theme=theme, role="heading"))
        head.addStretch(1)
        head.addWidget(self.close_button)
        self.inner.addLayout(head)
        self.inner.addWidget(self.tabs)
        for view in (self.ways_back, self.audit):
            view.setMinimumHeight(TALL)
            self.inner.addWidget(view, 1)
        self.tabs.currentChanged.connect(self._turn)
        self.close_button.clicked.connect(self.close_up)
        self.ways_back.undo.connect(self._undo)

    def _make_tabs(self, theme: Theme) -> QTabBar:
        tabs = Tabs(theme)
        tabs.setAccessibleName("History")
        tabs.add(Tab("What can be undone"))
        tabs.add(Tab("Audit log"))
        return tabs

    def open(self) -> None:
        super().open()
        self._turn(self.tabs.currentIndex())
        self.close_button.setFocus()

    def _turn(self, index: int) -> None:
        self.ways_back.setVisible(index == 0)
        self.audit.setVisible(index == 1)
        (self.audit if index else self.ways_back).load()
        self.place()

    def _undo(self, way: object) -> None:
        self.close_up()
        self.undo.emit(way)

    async def end(self) -> None:
        """Stop what is under way."""
        await self.ways_back.end()
        await self.audit.end()
