from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, Qt

from fleetcache_gui import clock
from fleetcache_gui.domain.family import Judgement, Severity
from fleetcache_gui.domain.snapshot import Inventory, Phase, Snapshot
from fleetcache_gui.domain.telling import Happening
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.ui.finding_cards import FEW, MOST
from fleetcache_gui.ui.text_widgets import tooltip_text
from tests.ui.shell import opened, press, settle
from tests.ui.stage import campaign, lock

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from fleetcache_gui.domain.family import Row
    from fleetcache_gui.ui.overview import Overview


def cells(overview: Overview, row: int) -> list[object]:
    model = overview.families.model()
    return [model.index(row, column).data() for column in range(model.columnCount(QModelIndex()))]


def judged(position: int, severity: Severity) -> Row:
    row = campaign(position, clock.now())
    judgement = Judgement("test", row.id, severity, f"Campaign {position} is odd", "It means this.", "Do that.")
    return replace(row, judgements=(judgement,))


async def test_findings_come_gravest_first_with_all_that_helps(qapp: QApplication) -> None:
    async with opened(qapp) as (window, _):
        overview = window.overview
        assert overview.headline.text() == "3 findings"
        assert overview.severities.text() == "2 critical, 1 warning"
        assert not overview.calm.isVisible()
        titles = [card.title.text() for card in overview.cards.cards]
        assert titles == [
            "Campaign 1033 is orphaned",
            "Campaign 1042 is orphaned",
            "Lock async:software never expires",
        ]
        card = overview.cards.cards[0]
        assert "stays until removed" in card.meaning.text()
        assert card.advice.text().startswith("Clean it up")
        assert card.since.text() == "Critical, for 29 min"


async def test_show_leads_to_the_row(qapp: QApplication) -> None:
    async with opened(qapp) as (window, _):
        window.overview.cards.cards[2].button.click()
        assert window.current == "locks"


async def test_a_card_stays_the_same_while_its_finding_is_open(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        overview = window.overview
        first, second, third = overview.cards.cards
        second.button.setFocus()
        kept = tuple(row for row in stage.snapshot("live_queries").rows if row.id != b"1033")  # type: ignore[union-attr]
        stage.show("live_queries", kept)
        assert overview.cards.cards == [second, third]
        assert second.button.hasFocus()
        assert not first.isVisible()


async def test_an_overview_that_nobody_sees_is_brought_up_to_date_when_it_is_shown(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        overview = window.overview
        cards = overview.cards.cards
        window.show_family("locks")
        stage.show("live_queries", (campaign(7, clock.now()),))
        assert overview.cards.cards == cards
        window.show_family("")
        assert [card.title.text() for card in overview.cards.cards] == ["Lock async:software never expires"]
        assert overview.headline.text() == "1 finding"
        assert cells(overview, 0)[-1] == "fine"


async def test_the_server_as_a_whole_is_judged_on_the_overview_alone(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        overview, now = window.overview, clock.now()
        stage.show("live_queries", (campaign(7, now),))
        stage.show("locks", (lock("cron:vuln", "api-1", now),))
        assert overview.calm.isVisible()
        assert window.tabs.tab(0).tone is None
        full = Judgement("server.memory", b"", Severity.CRITICAL, "Memory is full.", "It means this.", "Do that.")
        stage.judge_server(full)
        assert not overview.calm.isVisible()
        (card,) = overview.cards.cards
        assert card.isVisible()
        assert (card.title.text(), card.advice.text()) == ("Memory is full.", "Do that.")
        assert card.button.text() == "Chart", "there is no row to go to"
        assert window.tabs.tab(0).tone is Tone.CRITICAL
        assert window.tabs.accessibleTabName(0) == "Overview of the whole cache, 1 critical"
        assert {window.tabs.tab(i).tone for i in range(1, 9)} == {None}
        stage.show("locks", (lock("async:software", "worker-2", now, None),))
        assert overview.cards.cards[1].button.isVisible()
        card.button.click()
        assert window.home.current == "metrics"
        assert window.metrics().charts[0].hasFocus()
        window.show_section("now")
        stage.judge_server(replace(full, code="server.partial"))
        assert not overview.cards.cards[0].button.isVisible(), "all that is to be seen is seen here"
        stage.judge_server()
        assert window.tabs.tab(0).tone is None


async def test_more_findings_than_fit_are_counted(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        stage.show("locks", ())
        stage.show("live_queries", tuple(judged(i, Severity.WARNING) for i in range(MOST + 23)))
        overview = window.overview
        assert overview.headline.text() == f"{MOST + 23} findings"
        assert len(overview.cards.cards) == FEW
        assert overview.cards.more.text() == f"Show all {MOST + 23}"
        overview.cards.more.click()
        assert len(overview.cards.cards) == MOST
        assert overview.cards.beyond.text().startswith("and 23 more")
        overview.cards.more.click()
        assert len(overview.cards.cards) == FEW


async def test_nothing_wrong_is_a_state_of_its_own(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        calm = window.overview.calm
        now = clock.now()
        stage.show("live_queries", (campaign(7, now),))
        stage.show("locks", (lock("cron:vuln", "api-1", now),))
        assert calm.isVisible()
        assert calm.title.text() == "Nothing is wrong"
        assert "8 key families" in calm.text.text()
        stage.inventory = Inventory(1000, 630)
        window.overview.tick()
        assert calm.title.text() == "Nothing wrong so far"
        assert "63 %" in calm.text.text()
        stage.set_link(Phase.DOWN, text="It is gone.", server_away=True)
        assert calm.title.text() == "Nothing was wrong before", "and what is wrong now cannot be told"


async def test_an_empty_database_says_so(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        for family in stage.layout.families:
            stage.show(family.id, ())
        assert stage.vitals is not None
        stage.vitals = replace(stage.vitals, keys=0)
        stage.vitals_changed.emit(stage.vitals)
        assert window.overview.calm.title.text() == "Database 0 is empty"
        assert cells(window.overview, 0)[-1] == "empty"


async def test_an_outage_lists_what_fleet_suffers(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        overview = window.overview
        assert not overview.away.isVisible()
        stage.set_link(Phase.DOWN, text="It is gone.", server_away=True)
        assert overview.away.isVisible()
        for consequence in ("Live queries pause", "synchronously or wait", "run twice"):
            assert consequence in overview.away.meaning.text()
        advice = overview.away.advice.text()
        assert "are lost" in advice, "as the advice about evictions says"
        assert "Nothing has to be restored by hand" in advice
        stage.set_link(Phase.LIVE)
        assert not overview.away.isVisible()


async def test_a_refused_inspector_says_nothing_of_fleet(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        card = window.overview.away
        stage.set_link(Phase.DOWN, text="10.0.2.11:6379 refused the user name or password.")
        assert card.isVisible()
        assert card.title.text() == "About Fleet nothing is known"
        assert "Live queries" not in card.meaning.text()
        assert not card.advice.isVisible()
        stage.set_link(Phase.DOWN, text="It is gone.", server_away=True)
        assert card.title.text() == "While Redis is away, Fleet goes on in part"
        assert card.advice.isVisible()


async def test_a_family_that_fills_up_after_a_reconnect_draws_no_fall(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        line = window.overview.families.model().lines[3]  # type: ignore[attr-defined]
        before, now = tuple(line.trend), clock.now()
        known = stage.snapshot("preassign")
        assert known is not None
        for at, count, complete in ((now + 10, 0, False), (now + 12, 7, False), (now + 14, 31, True)):
            stage._snapshots["preassign"] = replace(
                known, rows=known.rows[:count], count=count, at=at, complete=complete
            )
            stage.family_changed.emit("preassign")
        assert tuple(line.trend) == (*before, (now + 14, 31.0))


async def test_families_tell_entries_and_state(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        overview = window.overview
        assert cells(overview, 0) == ["Live queries", "12", "", "", "2 critical"]
        assert cells(overview, 1)[-1] == "1 warning"
        assert cells(overview, 2)[1] == "48,204"
        assert cells(overview, 3) == ["MDM preassignment", "31", "", "", "fine"]
        stage._snapshots["tokens"] = Snapshot("tokens", (), 0, clock.now(), complete=True, refused="NOPERM")
        stage.family_changed.emit("tokens")
        assert cells(overview, 4)[-1] == "no permission"


async def test_a_family_is_entered_by_click_and_by_key(qapp: QApplication) -> None:
    async with opened(qapp) as (window, _):
        families = window.overview.families
        families.clicked.emit(families.model().index(3, 0))
        assert window.current == "preassign"
        window.show_family("")
        families.setFocus()
        families.setCurrentIndex(families.model().index(4, 0))
        press(families, Qt.Key.Key_Return)
        assert window.current == "tokens"


async def test_what_happened_stands_newest_first_and_leads_there(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        events = window.overview.events
        assert events.events[0].text.startswith("Lock cron:vuln renewed")
        stage.tell(
            (Tone.OK, "One", Happening.BACK, "", b""), (Tone.OK, "Two", Happening.TAKEN, "locks", b"lock:cron:stats")
        )
        assert [event.text for event in events.events[:2]] == ["Two", "One"]
        model = events.model()
        assert str(model.index(0, 0).data()).endswith(" Two")
        events.clicked.emit(model.index(1, 0))
        assert window.current == "", "an event of the whole server leads nowhere"
        events.clicked.emit(model.index(0, 0))
        assert window.current == "locks"


async def test_events_from_before_the_window_are_there(qapp: QApplication) -> None:
    from fleetcache_gui.settings import Settings
    from fleetcache_gui.ui.theme import Theme
    from fleetcache_gui.ui.window import MainWindow
    from tests.ui.stage import Stage
    from tests.ui.stage_deeds import StageDeeds

    stage = Stage()
    stage.go_live()
    window = MainWindow(stage, StageDeeds(stage), Theme("light"), Settings())  # type: ignore[arg-type]
    assert window.overview.events.events == tuple(stage.events)
    assert window.overview.headline.text() == "3 findings"
    window.deleteLater()


async def test_hostile_text_in_events_is_escaped_in_tooltips(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        stage.tell((Tone.OK, "<img src='http://evil'>", Happening.BACK, "", b""))
        tooltip = window.overview.events.model().index(0, 0).data(Qt.ItemDataRole.ToolTipRole)
        assert tooltip == tooltip_text("<img src='http://evil'>")
        assert "<img" not in str(tooltip)


async def test_tiles_tell_their_figures_to_a_screen_reader(qapp: QApplication) -> None:
    async with opened(qapp) as (window, _stage):
        names = [tile.accessibleName() for tile in window.overview.tiles.tiles]
        assert names[0].startswith("Memory: ")
        assert "of 2.0 GB" in names[0]
        assert [name.split(":")[0] for name in names] == ["Memory", "Commands", "Hit rate", "Keys", "Clients"]


async def test_rows_of_the_family_table_grow_with_the_window(qapp: QApplication) -> None:
    async with opened(qapp) as (window, _):
        heights = []
        for height in (700, 1080):
            window.resize(1280, height)
            await settle()
            heights.append(window.overview.families.rowHeight(0))
        assert heights[0] < heights[1] <= 40
