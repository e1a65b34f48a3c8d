from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtTest import QTest

from fleetcache_gui import clock
from fleetcache_gui.domain.family import Row
from fleetcache_gui.domain.snapshot import Snapshot
from fleetcache_gui.domain.store import KeyStore
from fleetcache_gui.domain.values import State, Tone
from fleetcache_gui.present.long_table import LongTable
from fleetcache_gui.settings import Settings
from fleetcache_gui.ui.family_page import counts
from fleetcache_gui.ui.theme import ROW
from tests.ui.pages import Clock, Paged, opened, with_cells
from tests.ui.stage import LAYOUT, campaign, keys_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from pytestqt.qtbot import QtBot

    from fleetcache_gui.ui.family_page import FamilyPage

    Eventually = Callable[..., Coroutine[Any, Any, None]]


def shown(page: FamilyPage) -> list[bytes]:
    table = page.view.model().table  # type: ignore[attr-defined]
    return [table.id_at(p) for p in range(len(table))]


def selected(page: FamilyPage) -> list[bytes]:
    return [row.id for row in page.view.selected_rows()]


def campaigns(now: float, count: int, first: int = 1000) -> tuple[Row, ...]:
    return tuple(campaign(first + i, now) for i in range(count))


def key_press(page: FamilyPage, key: Qt.Key, *modifiers: Qt.KeyboardModifier) -> None:
    QTest.keyClick(page.view, key, modifiers[0] if modifiers else Qt.KeyboardModifier.NoModifier)


async def test_counts_in_words_from_good_to_bad(qtbot: QtBot) -> None:
    stage = Paged()
    stage.go_live()
    snapshot = stage.snapshot("live_queries")
    assert snapshot is not None
    family = LAYOUT.family("live_queries")
    assert counts(snapshot, family) == "9 running · 1 finished · 2 orphaned"
    long = replace(snapshot, long=True, count=48_204, suspects=3)
    assert counts(long, family) == "48,204 live queries · 3 need a look"


async def test_selection_scroll_and_current_survive_every_refresh(qtbot: QtBot) -> None:
    stage, now = Paged(), clock.now()
    async with opened(qtbot, stage) as page:
        stage.show("live_queries", campaigns(now, 100))
        page.show_row(b"1050")
        page.view.verticalScrollBar().setValue(page.view.verticalScrollBar().value() + 7)
        top = page.view.verticalScrollBar().value()
        first = page.view.rowAt(0)
        first_id = shown(page)[first]
        assert selected(page) == [b"1050"]
        assert top > 0
        # New campaigns come in above, two leave, one changes.
        rows = [r for r in campaigns(now, 100) if r.id not in (b"1003", b"1090")]
        rows[40] = with_cells(rows[40], rate=999.0)
        stage.show("live_queries", (*rows, *campaigns(now, 5, first=2000)))
        assert selected(page) == [b"1050"]
        assert page.view.currentIndex().row() == shown(page).index(b"1050")
        assert shown(page)[page.view.rowAt(0)] == first_id
        assert page.view.verticalScrollBar().value() == top + 4 * ROW  # five came, one left, above
        assert page.detail.row is not None
        assert page.detail.row.id == b"1050"


async def test_at_the_top_new_rows_are_seen(qtbot: QtBot) -> None:
    stage, now = Paged(), clock.now()
    async with opened(qtbot, stage) as page:
        stage.show("live_queries", campaigns(now, 100))
        stage.show("live_queries", campaigns(now, 105))
        assert page.view.verticalScrollBar().value() == 0
        assert shown(page)[0] == b"1104"


async def test_a_chosen_row_that_leaves_is_shown_as_gone_and_no_other_is_selected(qtbot: QtBot) -> None:
    stage, now = Paged(), clock.now()
    told: list[object] = []
    async with opened(qtbot, stage) as page:
        stage.show("live_queries", campaigns(now, 5))
        page.row_selected.connect(told.append)
        page.show_row(b"1002")
        stage.show("live_queries", tuple(r for r in campaigns(now, 5) if r.id != b"1002"))
        assert selected(page) == []
        assert page.detail.gone
        assert page.detail.row is not None
        assert page.detail.row.id == b"1002"
        assert told == [b"1002"]
        stage.show("live_queries", campaigns(now, 5))  # it is back
        assert selected(page) == [b"1002"]
        assert not page.detail.gone


async def test_a_row_that_is_filtered_away_is_not_gone(qtbot: QtBot) -> None:
    stage, now = Paged(), clock.now()
    async with opened(qtbot, stage) as page:
        stage.show("live_queries", campaigns(now, 5))
        page.show_row(b"1002")
        page._filter.setText("Campaign 1004")
        stage.show("live_queries", campaigns(now, 5))
        assert shown(page) == [b"1004"]
        assert not page.detail.gone
        assert selected(page) == []
        page.clear_filter()
        assert selected(page) == [b"1002"]


async def test_filter_by_text_and_state(qtbot: QtBot) -> None:
    stage = Paged()
    async with opened(qtbot, stage) as page:
        stage.go_live()
        page.focus_filter()
        QTest.keyClicks(page._filter, "1034")
        assert shown(page) == [b"1034"]
        QTest.keyClick(page._filter, Qt.Key.Key_Escape)
        assert len(shown(page)) == 12
        page._states.setCurrentText("orphaned")
        assert shown(page) == [b"1042", b"1033"]
        stage.show("live_queries", campaigns(clock.now(), 3))  # nothing is orphaned any more
        assert shown(page) == []
        assert page._states.currentText() == "orphaned"
        assert page._notice.heading.text() == "Nothing matches the filter"
        assert page._notice.text.text() == "3 live queries are hidden by it."
        page._notice.button.click()
        assert len(shown(page)) == 3


async def test_a_row_that_is_looked_for_is_shown_past_the_filter(qtbot: QtBot) -> None:
    stage, now = Paged(), clock.now()
    async with opened(qtbot, stage) as page:
        stage.show("live_queries", campaigns(now, 100))
        page._filter.setText("1099")
        page.show_row(b"1001")
        assert selected(page) == [b"1001"]
        assert page.view.visualRect(page.view.currentIndex()).bottom() <= page.view.viewport().height()


async def test_a_click_on_the_header_sorts_and_is_remembered(qtbot: QtBot) -> None:
    stage, settings = Paged(), Settings()
    async with opened(qtbot, stage, settings=settings) as page:
        stage.go_live()
        header = page.view.horizontalHeader()
        at = header.sectionViewportPosition(2) + 20
        QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(at, 10))
        assert settings.page("live_queries").sort == ("answered", True)
        assert shown(page)[0] in (b"1042", b"1033", b"1034")
        QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(at, 10))
        assert settings.page("live_queries").sort == ("answered", False)
    again = Paged()
    async with opened(qtbot, again, settings=settings):
        assert again.table("live_queries").sort == ("answered", False)


def long_table(stage: Paged, family_id: str, count: int) -> LongTable:
    store = KeyStore(count)
    for i in range(count):
        store.note(b"%s:%06d" % (family_id.encode(), i), 0, 1, 10_000_000 + i)

    def decode(reading: Any, before: Row | None) -> Row:
        key = reading.keys[0]
        cells = (reading.id.decode(), None, key.expiry, State("fine", Tone.OK))
        return Row(reading.id, family_id, reading.id.decode(), cells, State("fine", Tone.OK), reading.keys)

    family = replace(stage.layout.family(family_id), decode=decode)
    table = LongTable(family, store, list(range(count)))
    stage._tables[family_id] = table  # type: ignore[assignment]
    return table


async def test_a_family_that_has_become_long(qtbot: QtBot, eventually: Eventually) -> None:
    stage, now = Paged(), clock.now()
    async with opened(qtbot, stage, "tokens") as page:
        stage.show("tokens", keys_of("tokens", 30, now))
        page.show_row(b"tokens:003")
        table = long_table(stage, "tokens", 100_000)
        stage.say(Snapshot("tokens", (), 100_000, now, complete=True, long=True))
        assert page.view.model().rowCount() == 100_000
        assert table.sort[0] == "discovery"
        page.view.sort_by(1)  # size: needs values
        assert table.sort[0] == "discovery"
        tip = page.view.model().headerData(1, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
        assert "100,000 rows are too many" in tip
        page.view.sort_by(0)
        assert table.sort[0] == "key"
        assert page.view.model().index(0, 1).data() == "…"
        await eventually(lambda: stage.asked[-1][:2] == ("watch", "tokens") and len(stage.asked[-1][2]) > 5)  # type: ignore[arg-type]
        page.show_row(b"tokens:070000")
        assert selected(page) == [b"tokens:070000"]
        page._filter.setText("0700")
        assert selected(page) == [b"tokens:070000"]  # chosen again after the table was put together anew


async def test_filter_and_sort_outlast_the_table(qtbot: QtBot) -> None:
    stage, now = Paged(), clock.now()
    async with opened(qtbot, stage, "tokens") as page:
        stage.show("tokens", keys_of("tokens", 30, now))
        page.view.sort_by(0)
        page._filter.setText("7")
        sort = stage.table("tokens").sort
        wanted = shown(page)
        assert len(wanted) == 3
        long_table(stage, "tokens", 3000)
        stage.say(Snapshot("tokens", (), 3000, now, complete=True, long=True))
        assert stage.table("tokens").sort == sort
        assert len(shown(page)) == sum("7" in str(n) for n in range(3000))
        del stage._tables["tokens"]
        stage.show("tokens", keys_of("tokens", 30, now))
        assert stage.table("tokens").sort == sort
        assert shown(page) == wanted


async def test_a_state_outlasts_the_table(qtbot: QtBot) -> None:
    stage = Paged()
    async with opened(qtbot, stage) as page:
        stage.go_live()
        page._states.setCurrentText("orphaned")
        wanted = shown(page)
        del stage._tables["live_queries"]
        stage.family_changed.emit("live_queries")
        assert page._states.currentText() == "orphaned"
        assert shown(page) == wanted == [b"1042", b"1033"]


async def test_rows_on_screen_are_reported_once_scrolling_rests(qtbot: QtBot, eventually: Eventually) -> None:
    stage, now = Paged(), clock.now()
    async with opened(qtbot, stage) as page:
        stage.show("live_queries", campaigns(now, 100))
        await eventually(lambda: any(call[0] == "watch" for call in stage.asked))
        stage.asked.clear()
        bar = page.view.verticalScrollBar()
        for value in range(0, 800, 40):
            bar.setValue(value)
        await eventually(lambda: bool(stage.asked))
        assert len(stage.asked) == 1
        _, family_id, ids = stage.asked[0]
        assert family_id == "live_queries"
        height = page.view.viewport().height()
        on_screen = shown(page)[760 // ROW : (760 + height - 1) // ROW + 1]
        assert list(ids) == [*on_screen, page.view.chosen]  # type: ignore[call-overload]


async def test_the_chosen_row_is_watched_wherever_it_is(qtbot: QtBot, eventually: Eventually) -> None:
    stage, now = Paged(), clock.now()
    async with opened(qtbot, stage) as page:
        stage.show("live_queries", campaigns(now, 100))
        page.show_row(b"1099")
        page.view.verticalScrollBar().setValue(1500)

        def watched() -> bool:
            ids = stage.asked[-1][2] if stage.asked else ()
            return b"1040" in ids and ids[-1] == b"1099"  # type: ignore[operator,index]

        await eventually(watched)


async def test_countdowns_tick_without_asking_the_session(qtbot: QtBot, eventually: Eventually) -> None:
    stage, hands = Paged(), Clock(clock.now())
    async with opened(qtbot, stage, clock=hands) as page:
        stage.show("live_queries", (campaign(1040, hands.now),))
        await eventually(lambda: bool(stage.asked))
        page.view.viewport().grab()
        stage.asked.clear()
        stage.calls.clear()
        column = page.view.columnViewportPosition(4), page.view.columnWidth(4)
        before = page.view.viewport().grab().copy(column[0], 0, column[1], ROW).toImage()
        painted: list[QPaintEvent] = []

        class Eyes(QObject):
            def eventFilter(self, watched: QObject, event: QEvent) -> bool:
                if event.type() is QEvent.Type.Paint:
                    painted.append(QPaintEvent(event.region()))  # type: ignore[attr-defined]
                return False

        await asyncio.sleep(0.2)  # the first row is chosen: what that reads and paints
        stage.calls.clear()
        eyes = Eyes()
        page.view.viewport().installEventFilter(eyes)
        hands.now += 1
        await eventually(lambda: bool(painted))  # its own timer, once a second
        page.view.viewport().removeEventFilter(eyes)
        region = painted[0].region()
        assert not any(rect.left() < page.view.columnViewportPosition(4) for rect in region)  # hands, trend
        assert all(rect.height() <= ROW for rect in region)
        after = page.view.viewport().grab().copy(column[0], 0, column[1], ROW).toImage()
        assert before != after
        assert stage.asked == []
        assert stage.calls == []


async def test_a_hidden_page_neither_ticks_nor_reports(qtbot: QtBot) -> None:
    stage, now = Paged(), clock.now()
    async with opened(qtbot, stage) as page:
        page.set_active(False)
        stage.asked.clear()
        stage.show("live_queries", campaigns(now, 10))
        assert not page._ticker.isActive()
        assert not page.view._report.isActive()
        page.set_active(True)
        assert page._ticker.isActive()
        page.hide()
        assert not page._ticker.isActive()
