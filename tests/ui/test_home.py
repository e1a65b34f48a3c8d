"""The first tab's sections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui.ui.home import Home, Section, SectionPage
from fleetcache_gui.ui.theme import Theme

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication


class Counting(SectionPage):
    """Counts what is asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.ticks = 0
        self.ended = False

    def tick(self) -> None:
        self.ticks += 1

    async def end(self) -> None:
        self.ended = True


def home_of(*ids: str) -> Home:
    home = Home(Theme("dark"))
    for section_id in ids:
        home.add(Section(section_id, section_id.title(), f"All of {section_id}", Counting))
    return home


def test_one_section_alone_needs_no_strip(qapp: QApplication) -> None:
    home = home_of("now")
    assert home.strip.isHidden()
    home.add(Section("sizing", "Sizing", "What is needed", Counting))
    assert not home.strip.isHidden()
    home.deleteLater()


async def test_a_section_is_made_when_it_is_first_shown_and_only_the_shown_one_ticks(qapp: QApplication) -> None:
    home = home_of("now", "sizing", "drills")
    first = home.page("now")
    assert isinstance(first, Counting)
    assert home.page("sizing") is None
    home.show_section("sizing")
    second = home.page("sizing")
    assert isinstance(second, Counting)
    assert (home.current, second.ticks) == ("sizing", 1)
    before = first.ticks
    home.tick()
    assert (first.ticks, second.ticks) == (before, 2)
    home.show_section("no such section")
    assert home.current == "now"
    await home.end()
    assert first.ended
    assert second.ended
    home.deleteLater()
