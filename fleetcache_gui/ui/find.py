"""Find: one field over all families; what it finds appears beneath it while one types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QFrame, QLineEdit, QVBoxLayout, QWidget

from fleetcache_gui import assets
from fleetcache_gui.ui.latest import Latest
from fleetcache_gui.ui.picker import Choice, ChoiceList, SteeringField
from fleetcache_gui.ui.text_widgets import PlainLabel, recolour

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent

    from fleetcache_gui.domain.pages import Hit
    from fleetcache_gui.session import Session
    from fleetcache_gui.ui.theme import Theme

LIMIT = 50
TALLEST, WIDEST = 460, 520


class FindField(SteeringField):
    """The field in the top bar."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setPlaceholderText("Find  Ctrl+F")
        self.setAccessibleName("Find in all families")
        self.setClearButtonEnabled(True)
        sign = assets.icon("search", theme.colors.muted)
        self.addAction(sign, QLineEdit.ActionPosition.LeadingPosition)
        theme.changed.connect(self._recolour)

    def _recolour(self) -> None:
        recolour(self, "search", self._theme)


class Find(QFrame):
    """The popup beneath the field; a child of the window, so that the field keeps the focus."""

    jump = Signal(str, object)  # family id, row id

    def __init__(self, field: FindField, session: Session, theme: Theme, window: QWidget) -> None:
        super().__init__(window)
        self._field = field
        self._window = window
        self._session = session
        self._latest = Latest("find")
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
        field.textChanged.connect(self._typed)
        field.left.connect(self.hide)
        field.steer = self._pressed
        self.list.chosen.connect(self._chosen)
        self.hide()

    def stop(self) -> None:
        """Show nothing more."""
        self._latest.drop()
        self.hide()

    async def end(self) -> None:
        """Stop searching."""
        self.stop()
        await self._latest.end()

    def _typed(self, text: str) -> None:
        if text.strip():
            self._latest.ask(self._search)
        else:
            self.stop()

    async def _search(self) -> None:
        text = self._field.text().strip()
        hits = await self._session.find(text, LIMIT)
        if text != self._field.text().strip() or not text:
            return  # the question has changed meanwhile; the newer one is asked next
        self.list.show_choices([self._choice(hit) for hit in hits])
        self.summary.setText(_summary(len(hits)))
        self.place()
        self.setVisible(self._field.hasFocus())
        self.raise_()

    def _choice(self, hit: Hit) -> Choice:
        tab = self._session.layout.family(hit.family).tab
        note = hit.text if hit.text != hit.title else ""
        return Choice(hit.title, (hit.family, hit.row), note, tab)

    def _chosen(self, where: tuple[str, bytes]) -> None:
        self._field.clear()
        self.jump.emit(*where)

    def place(self) -> None:
        """Stand beneath the field; the window calls this when it is resized."""
        window = self._window
        width = min(max(self._field.width(), WIDEST), window.width() - 32)
        corner = self._field.mapTo(window, QPoint(self._field.width(), self._field.height() + 4))
        x = max(min(corner.x() - width, window.width() - width - 16), 16)
        self.list.setFixedHeight(self.list.content_height(min(TALLEST, window.height() - corner.y() - 60)))
        self.list.setVisible(bool(self.list.choices))
        self._column.activate()
        self.setGeometry(x, corner.y(), width, self._column.sizeHint().height())

    def _pressed(self, event: QKeyEvent) -> bool:
        if event.key() == Qt.Key.Key_Escape and self._field.text():
            self._field.clear()
            return True
        return self.isVisible() and self.list.steer(event)


def _summary(found: int) -> str:
    if not found:
        return "Nothing found. Only keys that were read so far are searched."
    return f"The first {found}; type more to narrow." if found >= LIMIT else f"{found} found"
