"""A family's page when there is nothing to show, by keyboard, and from one start to the next."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from fleetcache_gui import clock
from fleetcache_gui.domain.snapshot import Inventory, Phase, Snapshot
from fleetcache_gui.domain.values import Progress, State, Tone
from fleetcache_gui.settings import Settings
from fleetcache_gui.ui.detail_keys import KeyLine
from fleetcache_gui.ui.theme import ROW
from tests.ui.pages import Clock, Paged, opened, with_cells
from tests.ui.stage import LAYOUT, campaign, keys_of, lock
from tests.ui.test_family_page import campaigns, key_press, selected

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from pytestqt.qtbot import QtBot

    Eventually = Callable[..., Coroutine[Any, Any, None]]


async def test_every_empty_state_says_so(qtbot: QtBot) -> None:
    stage, clock = Paged(), Clock(1000.0)
    family = LAYOUT.family("other")
    async with opened(qtbot, stage, "other", clock=clock) as page:
        notice = page._notice
        assert notice.heading.text() == "Looking through the keys"
        stage.inventory = Inventory(keys=1000, scanned=350)
        stage.inventory_changed.emit(stage.inventory)
        assert notice.text.text() == "350 of about 1,000 keys seen, 35 %."
        stage.say(Snapshot("other", (), 0, 998.0, complete=True))
        assert notice.heading.text() == "No other now"
        assert notice.text.text() == family.purpose
        assert notice.advice.text() == "Checked 2 s ago."
        assert (notice.code.text(), notice.code.isVisible()) == ("other:<name>", True)
        assert notice.code.textFormat() is Qt.TextFormat.PlainText
        stage.say(Snapshot("other", (), 0, 998.0, complete=True, refused="The user may not SCAN."))
        assert (notice.heading.text(), notice.text.text()) == ("May not be read", "The user may not SCAN.")
        assert not notice.code.isVisible()
        assert page._stack.currentWidget() is notice
        stage.say(Snapshot("other", keys_of("other", 2, 1000.0), 2, 1000.0, complete=True))
        assert page._stack.currentWidget() is page.view


async def test_while_the_server_is_away_everything_is_grey(qtbot: QtBot) -> None:
    stage, now = Paged(), clock.now()
    async with opened(qtbot, stage) as page:
        stage.show("live_queries", campaigns(now, 3))
        fresh = page.view.viewport().grab().toImage()
        stage.set_link(Phase.DOWN)
        assert page.view.viewport().grab().toImage() != fresh
        stage.set_link(Phase.LIVE)
        assert page.view.delegate.stale is False


async def test_keyboard_goes_from_filter_to_table_to_detail(qtbot: QtBot, eventually: Eventually) -> None:
    stage, now = Paged(), clock.now()
    async with opened(qtbot, stage) as page:
        stage.show("live_queries", campaigns(now, 5))
        await eventually(lambda: selected(page) == [b"1004"])
        page.activateWindow()
        page.focus_filter()
        QTest.keyClick(page._filter, Qt.Key.Key_Down)
        await eventually(page.view.hasFocus)
        key_press(page, Qt.Key.Key_Down)
        assert selected(page) == [b"1003"]
        key_press(page, Qt.Key.Key_End)
        assert selected(page) == [b"1000"]
        key_press(page, Qt.Key.Key_Return)
        await eventually(lambda: isinstance(page.focusWidget(), KeyLine))
        page.view.setFocus()
        key_press(page, Qt.Key.Key_Escape)
        assert selected(page) == []
        assert page.detail.row is None
        stage.asked.clear()
        stage.show("live_queries", campaigns(clock.now(), 12))
        await eventually(lambda: bool(stage.asked))  # the table has come to rest
        assert selected(page) == [], "who chooses nothing means it, also at the next reading"


async def test_rows_are_copied_as_tab_separated_text(qtbot: QtBot) -> None:
    stage, now = Paged(), clock.now()
    async with opened(qtbot, stage, "locks") as page:
        stage.show("locks", (lock("a", "api-1", now), lock("b", "api-2", now, None)))
        page.view.selectAll()
        key_press(page, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
        lines = QGuiApplication.clipboard().text().split("\n")
        assert lines[0] == "Name\tHolder\tTime left\tState"
        assert lines[1].startswith("a\tapi-1\t0:4")
        assert lines[2] == "b\tapi-2\tno expiry\tno expiry"


async def test_widths_and_splitter_are_remembered(qtbot: QtBot, eventually: Eventually) -> None:
    stage, settings = Paged(), Settings()
    async with opened(qtbot, stage, settings=settings) as page:
        stage.go_live()
        page.view.horizontalHeader().resizeSection(4, 177)
        page._splitter.setSizes([700, 470])
        page._on_split()
        await eventually(lambda: page.view.columnWidth(4) == 177)
    assert settings.page("live_queries").widths == {"left": 177}
    again = Paged()
    async with opened(qtbot, again, settings=settings) as page:
        again.go_live()
        assert page.view.columnWidth(4) == 177
        await eventually(lambda: abs(page._splitter.sizes()[1] - 470) < 12)
        page.view.reset_widths()
        assert page.view.columnWidth(4) != 177


@pytest.mark.parametrize("width", [700, 1024, 1900])
async def test_columns_fill_the_table_at_any_width(qtbot: QtBot, width: int) -> None:
    stage = Paged()
    async with opened(qtbot, stage, size=(width, 600)) as page:
        stage.go_live()
        visible = [i for i in range(7) if not page.view.isColumnHidden(i)]
        total = sum(page.view.columnWidth(i) for i in visible)
        assert total >= page.view.viewport().width()
        if width >= 1024:
            assert total == page.view.viewport().width()
        assert page.view.columnWidth(1) >= 160


async def test_of_a_thousand_rows_only_those_that_changed_are_told(qtbot: QtBot) -> None:
    stage, now = Paged(), clock.now()
    async with opened(qtbot, stage) as page:
        stage.show("live_queries", campaigns(now, 1000))
        rows = list(campaigns(now, 1000))
        for i in range(0, 1000, 10):
            rows[i] = with_cells(rows[i], rate=1.0)
        model = page.view.model()
        told: list[str] = []
        changed: set[int] = set()
        for name in ("modelReset", "layoutChanged", "rowsInserted", "rowsRemoved", "rowsMoved"):
            getattr(model, name).connect(lambda *_, name=name: told.append(name))
        model.dataChanged.connect(lambda first, last, *_: changed.update(range(first.row(), last.row() + 1)))
        stage.show("live_queries", tuple(rows))
        assert told == []
        assert len(changed) == 100
        assert model.rowCount() == 1000


async def test_a_lock_without_expiry_is_said_in_red_only_where_it_should_have_one(qtbot: QtBot) -> None:
    stage, now = Paged(), clock.now()
    async with opened(qtbot, stage, "locks") as page:
        judged = lock("a", "api-1", now, None)
        stage.show("locks", (judged, replace(judged, id=b"lock:b", judgements=())))
        red = page.view._theme.colors.critical.rgb()
        image = page.view.viewport().grab().toImage()
        x, width = page.view.columnViewportPosition(2), page.view.columnWidth(2)

        def red_pixels(row: int) -> int:
            area = ((x + i, row * ROW + j) for i in range(width) for j in range(ROW))
            return sum(image.pixel(*at) == red for at in area)

        assert red_pixels(0) > 0
        assert red_pixels(1) == 0


async def test_a_bar_has_the_colour_of_a_state_that_is_not_well(qtbot: QtBot) -> None:
    """A client over its limit is no success, however full its bar."""
    stage, now = Paged(), clock.now()
    tones = (Tone.OK, Tone.WARN, Tone.CRITICAL)
    async with opened(qtbot, stage) as page:
        rows = []
        for number, tone in enumerate(tones):
            row = with_cells(campaign(number, now), answered=Progress(12, 10), state=State("x", tone))
            rows.append(replace(row, state=State("x", tone)))
        stage.show("live_queries", tuple(reversed(rows)))  # campaigns are ordered by falling id
        page.view.choose(b"0")
        page.view.clearSelection()
        image = page.view.viewport().grab().toImage()
        colors = page.view._theme.colors
        x, width = page.view.columnViewportPosition(2), page.view.columnWidth(2)

        def painted(position: int) -> set[Tone]:
            area = {image.pixel(x + i, position * ROW + j) for i in range(width) for j in range(ROW)}
            return {tone for tone in tones if colors.tone(tone).rgb() in area}

        assert [painted(position) for position in range(3)] == [{Tone.CRITICAL}, {Tone.WARN}, {Tone.OK}]
