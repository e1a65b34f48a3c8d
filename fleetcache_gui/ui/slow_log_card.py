"""The server's slow log as a card: which calls took long, whose they were, and ours among them marked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout

from fleetcache_gui.domain import words
from fleetcache_gui.ui.plain_table import Heading, PlainModel, PlainTable
from fleetcache_gui.ui.text_widgets import PlainLabel

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from fleetcache_gui.domain.slow_log import SlowCall
    from fleetcache_gui.session import Session
    from fleetcache_gui.ui.table_model import Index
    from fleetcache_gui.ui.theme import Theme

_HEADINGS = (
    Heading("When", 74),
    Heading("Took", 76, right=True),
    Heading("Command", 110),
    Heading("Key"),
    Heading("Client"),
)
_OURS = "this inspector"


def texts(call: SlowCall) -> tuple[str, ...]:
    """What stands in the columns."""
    when = time.strftime("%H:%M:%S" if time.time() - call.wall < 86_400 else "%d %b", time.localtime(call.wall))
    took = f"{call.took * 1000:,.1f} ms" if call.took < 10 else words.duration(call.took)
    return when, took, call.command, call.what, _OURS if call.ours else call.client


class _Calls(PlainModel):
    """Ours stand back: nobody waits for them but ourselves."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(_HEADINGS, texts, theme, parent)
        self._look = theme

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: ANN401
        if role == Qt.ItemDataRole.ForegroundRole and index.isValid() and self.items[index.row()].ours:
            return self._look.colors.muted
        return super().data(index, role)


class SlowLogCard(QFrame):
    """Newest first."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setProperty("surface", "card")
        self.setMinimumHeight(190)
        self.summary = PlainLabel(theme=theme, role="muted")
        head = QHBoxLayout()
        head.setContentsMargins(14, 10, 14, 0)
        head.setSpacing(10)
        head.addWidget(PlainLabel("Slow log", theme=theme, role="strong"))
        head.addWidget(self.summary, 1)
        self.model = _Calls(theme, self)
        self.table = PlainTable(self.model, theme)
        self.table.setAccessibleName("Calls that the server found slow")
        self.note = PlainLabel(theme=theme, role="muted", wrap=True)
        self.note.setContentsMargins(14, 4, 14, 10)
        self.note.setAlignment(Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 1)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self.table, 1)
        column.addWidget(self.note, 1)
        session.slow_log_changed.connect(self._refresh)
        self._refresh()

    def _refresh(self) -> None:
        log = self._session.slow_log
        if [call.id for call in self.model.items] != [call.id for call in log.calls]:
            position = self.table.verticalScrollBar().value()
            self.model.show(log.calls)
            self.table.verticalScrollBar().setValue(position)
        self.table.setVisible(bool(log.calls))
        self.note.setVisible(not log.calls)
        empty = "No call took longer than the server tells of (slowlog-log-slower-than, 10 ms unless changed)."
        self.note.setText(log.refused or (empty if log.read else "It has not been read yet."))
        ours = sum(call.ours for call in log.calls)
        told = [words.count(log.length, "call"), f"{ours} of these ours" if ours else "none of these ours"]
        self.summary.setText(" · ".join(told) if log.calls else "")
