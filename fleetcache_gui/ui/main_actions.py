"""What the window offers by itself, as data for shortcuts and palette; what changes the server is the desk's."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import Qt

from fleetcache_gui.domain.snapshot import Phase
from fleetcache_gui.ui.actions import Action
from fleetcache_gui.ui.detail import a_or_an
from fleetcache_gui.ui.table_export import EXPORT_KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleetcache_gui.session import Session
    from fleetcache_gui.settings import Settings
    from fleetcache_gui.ui.deed_desk import DeedDesk
    from fleetcache_gui.ui.family_page import FamilyPage
    from fleetcache_gui.ui.home import Home
    from fleetcache_gui.ui.palette import Palette, ShortcutSheet
    from fleetcache_gui.ui.table_export import TableExport
    from fleetcache_gui.ui.tabs import Tabs
    from fleetcache_gui.ui.theme import Mode, Theme
    from fleetcache_gui.ui.topbar import TopBar

NOT_LIVE = "Not connected."
RECORDED = "This is a recording: nothing is read."

_MODES: tuple[tuple[Mode, str], ...] = (("light", "light"), ("dark", "dark"), ("system", "as the system"))


class Window(Protocol):
    """The parts of the window that actions reach for."""

    top: TopBar
    tabs: Tabs
    home: Home
    export: TableExport
    desk: DeedDesk
    palette_: Palette
    sheet: ShortcutSheet

    @property
    def page(self) -> FamilyPage | None: ...

    def show_section(self, section_id: str) -> None: ...

    def close(self) -> bool: ...


def main_actions(window: Window, session: Session, theme: Theme, settings: Settings) -> Iterator[Action]:
    """In the order of the palette."""
    find, tabs = window.top.field, window.tabs

    def not_live() -> str:
        phase = session.link.phase
        if session.recorded:
            return RECORDED
        return "" if phase is Phase.LIVE else "Reading is paused." if phase is Phase.PAUSED else NOT_LIVE

    def not_read() -> str:
        return RECORDED if session.recorded else ""

    def not_down() -> str:
        return "" if session.link.phase is Phase.DOWN else "The connection is not lost."

    def not_on_family() -> str:
        return "" if window.page else "The overview has no table; go to a family first."

    def nothing_shown() -> str:
        page = window.page
        return not_on_family() if page is None else "" if len(page.view.table) else "There are no rows to export."

    def focus_find() -> None:
        find.setFocus(Qt.FocusReason.ShortcutFocusReason)
        find.selectAll()

    def focus_filter() -> None:
        if window.page:
            window.page.focus_filter()

    def export() -> None:
        if window.page:
            window.export.start(window.page.view.table)

    def no_lens() -> str:
        page = window.page
        if page is None:
            return not_on_family()
        if page.family.lens is None:
            return f"There is no closer look at {page.family.noun[1]}."
        return "" if page.view.chosen else f"Choose {a_or_an(page.family.noun[0])} first."

    def look_closer() -> None:
        window.desk.look_closer(window.page)

    def step_tab(step: int) -> None:
        tabs.setCurrentIndex((tabs.currentIndex() + step) % tabs.count())

    def choose_look(mode: Mode) -> None:
        theme.mode = settings.theme = mode

    yield Action("refresh", "Read everything now", session.refresh, ("F5", "Ctrl+R"), not_live)
    yield Action("pause", "Pause or resume reading", window.top.toggle_pause, ("Ctrl+P",), not_read)
    yield Action("find", "Find in all families", focus_find, ("Ctrl+F",))
    yield Action("filter", "Filter this family", focus_filter, ("Ctrl+L",), not_on_family)
    yield Action("export", "Export this table…", export, (EXPORT_KEYS,), nothing_shown)
    yield Action("lens", "Closer look at the chosen row…", look_closer, ("Ctrl+I",), no_lens)
    yield Action("palette", "Command palette", lambda: window.palette_.open(), ("Ctrl+K", "Ctrl+Shift+P"))
    yield Action("shortcuts", "Help and shortcuts", lambda: window.sheet.open(), ("Ctrl+/", "F1"))
    yield Action("retry", "Try to connect now", session.retry_now, (), not_down)
    titles = ("Overview", *(family.title for family in session.layout.families))
    for position, title in enumerate(titles):
        keys = (f"Ctrl+{position + 1}",) if position < 9 else ()
        yield Action(f"tab.{position}", f"Go to {title}", partial(tabs.setCurrentIndex, position), keys)
    for section in window.home.sections[1:]:
        yield Action(f"section.{section.id}", f"Go to {section.title}", partial(window.show_section, section.id))
    yield Action("tab.next", "Next tab", partial(step_tab, 1), ("Ctrl+PgDown",))
    yield Action("tab.previous", "Previous tab", partial(step_tab, -1), ("Ctrl+PgUp",))
    for mode, title in _MODES:
        yield Action(f"look.{mode}", f"Look: {title}", partial(choose_look, mode))
    yield Action("quit", "Quit", window.close, ("Ctrl+Q",))
