"""Find: one field over all families; what it finds appears beneath it while one types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, QTimer, Signal
from PySide6.QtGui import QKeyEvent, Qt
from PySide6.QtWidgets import QFrame, QLineEdit, QVBoxLayout, QWidget

from fleetcache_gui import aio, assets
from fleetcache_gui.ui.picker import Choice, ChoiceList
from fleetcache_gui.ui.text_widgets import PlainLabel

if TYPE_CHECKING:
    import asyncio

    from fleetcache_gui.domain.pages import Hit
    from fleetcache_gui.session import Session
    from fleetcache_gui.ui.theme import Theme

PAUSE_MS = 120
"""So long nobody has typed before a search starts."""

LIMIT = 50
TALLEST, WIDEST = 460, 520


class FindField(QLineEdit):
    """The field in the top bar."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setPlaceholderText("Find  Ctrl+F")
        self.setAccessibleName("Find in all families")
        self.setClearButtonEnabled(True)
        sign = assets.icon("search", theme.colors.muted)
        self._sign = self.addAction(sign, QLineEdit.ActionPosition.LeadingPosition)
        theme.changed.connect(self._recolour)

    def _recolour(self) -> None:
        self._sign.setIcon(assets.icon("search", self._theme.colors.muted))


class Find(QFrame):
    """The popup beneath the field; a child of the window, so that the field keeps the focus."""

    jump = Signal(str, object)  # family id, row id

    def __init__(self, field: FindField, session: Session, theme: Theme, window: QWidget) -> None:
        super().__init__(window)
        self._field = field
        self._window = window
        self._session = session
        self._task: asyncio.Task[None] | None = None
        self.setProperty("surface", "popup")
        self.list = ChoiceList(theme)
        self.list.setAccessibleName("Found")
        self.summary = PlainLabel(theme=theme, role="muted")
        self.summary.setContentsMargins(16, 6, 16, 6)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(1, 5, 1, 1)
        self._column.setSpacing(0)
        self._column.addWidget(self.list)
        self._column.addWidget(self.summary)
        self._wait = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._wait.timeout.connect(self._start)
        field.textChanged.connect(self._typed)
        field.installEventFilter(self)
        window.installEventFilter(self)
        self.list.chosen.connect(self._chosen)
        self.hide()

    def end(self) -> None:
        """Stop searching."""
        self._wait.stop()
        self._cancel()
        self.hide()

    def _typed(self, text: str) -> None:
        self._cancel()
        if text.strip():
            self._wait.start()
        else:
            self._wait.stop()
            self.hide()

    def _start(self) -> None:
        self._cancel()  # a late answer must not replace that to a newer question
        self._task = aio.spawn(self._search(self._field.text().strip()), name="find")

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _search(self, text: str) -> None:
        hits = await self._session.find(text, LIMIT)
        self.list.show_choices([self._choice(hit) for hit in hits])
        self.summary.setText(_summary(len(hits)))
        self._place()
        self.setVisible(self._field.hasFocus())
        self.raise_()

    def _choice(self, hit: Hit) -> Choice:
        tab = self._session.layout.family(hit.family).tab
        note = hit.text if hit.text != hit.title else ""
        return Choice(hit.title, (hit.family, hit.row), note, tab)

    def _chosen(self, where: tuple[str, bytes]) -> None:
        self._field.clear()
        self.jump.emit(*where)

    def _place(self) -> None:
        window = self._window
        width = min(max(self._field.width(), WIDEST), window.width() - 32)
        corner = self._field.mapTo(window, QPoint(self._field.width(), self._field.height() + 4))
        x = max(min(corner.x() - width, window.width() - width - 16), 16)
        self.list.setFixedHeight(self.list.content_height(min(TALLEST, window.height() - corner.y() - 60)))
        self.list.setVisible(bool(self.list.choices))
        self._column.activate()
        self.setGeometry(x, corner.y(), width, self._column.sizeHint().height())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if watched is self._field:
            if kind == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
                return self._pressed(event)
            if kind == QEvent.Type.FocusOut:
                self.hide()
            elif kind == QEvent.Type.FocusIn and self._field.text().strip():
                self._wait.start()
        elif kind == QEvent.Type.Resize and self.isVisible():
            self._place()
        return super().eventFilter(watched, event)

    def _pressed(self, event: QKeyEvent) -> bool:
        if event.key() == Qt.Key.Key_Escape and self._field.text():
            self._field.clear()
            return True
        return self.isVisible() and self.list.steer(event)


def _summary(found: int) -> str:
    if not found:
        return "Nothing found. Only keys that were read so far are searched."
    return f"The first {found}; type more to narrow." if found >= LIMIT else f"{found} found"
