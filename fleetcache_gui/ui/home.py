"""The first tab: what concerns the cache as a whole, in sections of which one is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from fleetcache_gui.ui.tabs import Tab, Tabs

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleetcache_gui.ui.theme import Theme


class SectionPage(QWidget):
    """What a section shows. It listens to the session by itself, and does little while it is hidden."""

    def tick(self) -> None:
        """Carry on what ages; called twice a second while the section is seen, and when it comes to be seen."""

    async def end(self) -> None:
        """Stop what runs on the page's behalf; it is not used afterwards."""


@dataclass(frozen=True, slots=True)
class Section:
    """`id` is remembered in the settings; `make` makes the page when it is first shown."""

    id: str
    title: str
    hint: str
    make: Callable[[], SectionPage]


class Home(QWidget):
    """A strip of sections above the one that is shown; alone, a section needs no strip."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sections: list[Section] = []
        self._pages: dict[str, SectionPage] = {}
        self.strip = Tabs(theme)
        self.strip.setAccessibleName("Sections of the overview")
        self.strip.hide()
        self._stack = QStackedWidget()
        row = QHBoxLayout()
        row.setContentsMargins(8, 0, 8, 0)
        row.addWidget(self.strip, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row)
        column.addWidget(self._stack, 1)
        self.strip.currentChanged.connect(self._show)

    def add(self, section: Section) -> None:
        """One more section, at the end."""
        self._sections.append(section)
        self.strip.add(Tab(section.title, words=section.hint))
        self.strip.setVisible(len(self._sections) > 1)

    @property
    def sections(self) -> tuple[Section, ...]:
        """All of them, in the order of the strip."""
        return tuple(self._sections)

    @property
    def current(self) -> str:
        """The id of the section that is shown."""
        return self._sections[self.strip.currentIndex()].id

    def page(self, section_id: str) -> SectionPage | None:
        """A section's page, None while it was never shown."""
        return self._pages.get(section_id)

    def show_section(self, section_id: str) -> None:
        """Show a section; an unknown id shows the first."""
        ids = [section.id for section in self._sections]
        self.strip.setCurrentIndex(ids.index(section_id) if section_id in ids else 0)

    def _show(self, index: int) -> None:
        section = self._sections[index]
        page = self._pages.get(section.id)
        if page is None:
            page = self._pages[section.id] = section.make()
            self._stack.addWidget(page)
        self._stack.setCurrentWidget(page)
        page.tick()

    def tick(self) -> None:
        """Carry on what ages in the section that is shown."""
        self._pages[self.current].tick()

    async def end(self) -> None:
        """Stop what runs on the sections' behalf; they are not used afterwards."""
        for page in self._pages.values():
            await page.end()
