"""A family page on the stage, for the tests of what the page is made of."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from fleetcache_gui.domain.pages import KeyAbout, Page, PageItem
from fleetcache_gui.settings import Settings
from fleetcache_gui.ui.family_page import FamilyPage
from fleetcache_gui.ui.theme import Theme
from tests.ui.stage import LAYOUT, Stage
from tests.ui.stage_deeds import StageDeeds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from PySide6.QtWidgets import QApplication
    from pytestqt.qtbot import QtBot

    from fleetcache_gui.domain.family import Family, Row
    from fleetcache_gui.domain.layout import Layout
    from fleetcache_gui.domain.pages import PageCursor
    from fleetcache_gui.domain.snapshot import Snapshot
    from fleetcache_gui.ui.theme import Mode


class Clock:
    """Monotonic seconds that pass when told."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Paged(Stage):
    """A stage whose values a test chooses: `answer` makes the page, `calls` keeps what was asked."""

    def __init__(self, layout: Layout = LAYOUT) -> None:
        super().__init__(layout)
        self.calls: list[tuple[object, ...]] = []
        self.answer: Callable[[bytes, str, PageCursor | None], Page] = lambda key, type_word, cursor: Page(
            key, type_word, (PageItem(b"", b"value of " + key),), 9 + len(key)
        )

    async def page(self, key: bytes, type_word: str, cursor: PageCursor | None) -> Page:
        self.calls.append(("page", key, cursor))
        return self.answer(key, type_word, cursor)

    async def about(self, key: bytes) -> KeyAbout:
        self.calls.append(("about", key))
        return KeyAbout("embstr", 96)

    def say(self, snapshot: Snapshot) -> None:
        """A snapshot of any kind."""
        self._snapshots[snapshot.family] = snapshot
        self.family_changed.emit(snapshot.family)


@asynccontextmanager
async def opened(
    qtbot: QtBot,
    stage: Stage,
    family_id: str = "live_queries",
    *,
    mode: Mode = "dark",
    settings: Settings | None = None,
    clock: Clock | None = None,
    app: QApplication | None = None,
    size: tuple[int, int] = (1200, 600),
) -> AsyncIterator[FamilyPage]:
    """The active page of a family, shown; nothing of it runs on afterwards."""
    theme = Theme(mode)
    if app is not None:
        theme.apply(app)
    family: Family = stage.layout.family(family_id)
    options = {} if clock is None else {"clock": clock}
    page = FamilyPage(stage, StageDeeds(stage), family, theme, settings or Settings(), **options)  # type: ignore[arg-type]
    qtbot.addWidget(page)
    page.resize(*size)
    page.show()
    page.set_active(True)
    try:
        yield page
    finally:
        page.set_active(False)
        await page.end()


def with_cells(row: Row, **cells: object) -> Row:
    """`row` with some cells of the stage's campaigns changed, by column id."""
    at = {"id": 0, "query": 1, "answered": 2, "rate": 3, "left": 4, "trend": 5, "state": 6}
    values = list(row.cells)
    for name, cell in cells.items():
        values[at[name]] = cell  # type: ignore[call-overload]
    return replace(row, cells=tuple(values))
