"""The window on the layout of upstream servers, and on both: tabs that fit, names that are cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtWidgets import QToolButton

from fleetcache_gui import clock
from fleetcache_gui.domain.family import Judgement, Reading, Row, Severity
from fleetcache_gui.domain.values import Expiry, KeyFact
from fleetcache_gui.families.layouts import BOTH
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.families.upstream import UPSTREAM
from fleetcache_gui.families.upstream import host_cache as cache
from fleetcache_gui.ui.statusbar import layout_words
from tests.ui.pages import Paged
from tests.ui.pages import opened as page_of
from tests.ui.shell import opened, settle
from tests.ui.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from PySide6.QtWidgets import QApplication
    from pytestqt.qtbot import QtBot

    from fleetcache_gui.domain.layout import Layout

    Eventually = Callable[..., Coroutine[Any, Any, None]]

SECRET = "c2VjcmV0LW5vZGUta2V5"


def busy(layout: Layout) -> Stage:
    """Something in each family, and something wrong with each."""
    stage = Stage(layout)
    now = clock.now()
    for family in stage.layout.families:
        key = family.prefixes[0] + b"7" if family.prefixes else b"x"
        judgement = Judgement("x", key, Severity.WARNING, "It is so.", "It means this.", "Do that.")
        reading = Reading(key, now, 0.0, (KeyFact(key, "string", Expiry(now + 60, 60.0)),))
        row = family.decode(reading, None)
        rows = tuple(
            Row(b"%d" % n, family.id, row.title, row.cells, row.state, row.keys, judgements=(judgement,), at=now)
            for n in range(1204)
        )
        stage.show(family.id, rows)
    return stage


async def test_tabs_of_an_upstream_server_fit_at_1024_by_700(qapp: QApplication) -> None:
    async with opened(qapp, busy(UPSTREAM)) as (window, _):
        window.resize(1024, 700)
        await settle()
        last = window.tabs.count() - 1
        assert window.tabs.tabRect(last).right() <= window.tabs.width() <= 1024
        assert not [button for button in window.tabs.findChildren(QToolButton) if button.isVisible()]
        assert window.tabs.accessibleTabName(1) == "Live queries: 1,204 campaigns, 1 warning"
        window.resize(1800, 900)
        await settle()
        wide = window.tabs.tabRect(last).right()
        window.resize(1024, 700)
        await settle()
        assert window.tabs.tabRect(last).right() < wide  # with its counts, where there is room for them


async def test_tabs_of_both_layouts_can_be_scrolled_to(qapp: QApplication) -> None:
    async with opened(qapp, busy(BOTH)) as (window, _):
        window.resize(1024, 700)
        await settle()
        buttons = [button for button in window.tabs.findChildren(QToolButton) if button.isVisible()]
        assert len(buttons) == 2
        window.show_family("other")
        await settle()
        rect = window.tabs.tabRect(window.tabs.count() - 1)
        assert 0 < rect.left() < rect.right() <= min(button.x() for button in buttons) + 1


@pytest.mark.parametrize(
    ("layout", "words"), [(SPEC, "spec layout"), (UPSTREAM, "upstream layout"), (BOTH, "both layouts")]
)
async def test_the_layout_is_named(qapp: QApplication, layout: Layout, words: str) -> None:
    assert layout_words(layout) == words
    async with opened(qapp, Stage(layout)) as (window, _):
        assert window.status.layout_.text() == words
        assert "palette" in window.status.layout_.toolTip()


@pytest.mark.parametrize(
    ("key", "hidden"), [(f"fleet:hostcache:v1:nk:{SECRET}", True), ("fleet:hostcache:v1:id2nk:7", False)]
)
async def test_what_is_no_secret_needs_no_revealing(
    qtbot: QtBot, eventually: Eventually, key: str, hidden: bool
) -> None:
    stage, now = Paged(UPSTREAM), clock.now()
    name, fact = key.encode(), KeyFact(key.encode(), "string", Expiry(now + 60, 60.0))
    async with page_of(qtbot, stage, cache.FAMILY.id) as page:
        stage.show(cache.FAMILY.id, (cache.FAMILY.decode(Reading(name, now, 0.0, (fact,)), None),))
        page.show_row(name)
        await eventually(lambda: page.detail.row is not None)
        panel = page.detail._keys
        assert panel._reveal.isVisibleTo(page.detail) == hidden
        assert (SECRET in panel.name(fact)) is False
        assert (key == panel.name(fact)) is not hidden
