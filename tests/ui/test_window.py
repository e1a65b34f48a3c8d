from __future__ import annotations

from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QPushButton

from fleetcache_gui import clock
from fleetcache_gui.domain.snapshot import Phase
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.settings import Settings
from fleetcache_gui.ui.text_widgets import PlainLabel
from fleetcache_gui.ui.unlock import LOOKS_ONLY
from tests.ui.shell import opened, press, settle
from tests.ui.stage import Stage, campaign, keys_of, lock
from tests.ui.stage_deeds import StageDeeds

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from PySide6.QtWidgets import QApplication

    from fleetcache_gui.ui.window import MainWindow

    Eventually = Callable[..., Coroutine[None, None, None]]

REFUSED = "10.0.2.11:6379 refuses connections: no server is listening there."
CONTROL = Qt.KeyboardModifier.ControlModifier


def painted(window: MainWindow) -> QImage:
    image = QImage(window.size(), QImage.Format.Format_RGB32)
    painter = QPainter(image)
    window.render(painter, QPoint())
    painter.end()
    return image


# --- states of the link ---


async def test_a_notice_stands_until_the_first_reading(qapp: QApplication) -> None:
    async with opened(qapp, live=False) as (window, stage):
        assert window.notice.isVisible()
        assert window.notice.heading.text() == "Connecting to prod-eu"
        assert not window.tabs.isVisible()
        assert not window.banner.isVisible()
        stage.go_live()
        assert window.tabs.isVisible()
        assert not window.notice.isVisible()


async def test_a_server_never_reached_is_told_with_a_way_on(qapp: QApplication) -> None:
    async with opened(qapp, live=False) as (window, stage):
        stage.set_link(Phase.DOWN, text=REFUSED, advice="Check the port.", next_try=clock.now() + 3.5)
        assert window.notice.heading.text() == "No connection to prod-eu"
        assert window.notice.text.text() == REFUSED
        assert window.notice.advice.text() == "Check the port. Next try in 4 s."
        assert not window.banner.isVisible()
        window.notice.button.click()
        assert ("retry_now",) in stage.asked


async def test_a_lost_server_leaves_the_data_and_puts_up_a_banner(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        now = clock.now()
        stage.set_link(Phase.DOWN, since=now - 125, text=REFUSED, advice="Check it.", next_try=now + 2.5)
        assert window.tabs.isVisible()
        assert window.banner.isVisible()
        assert "(2 min 05 s)" in window.banner.text.text()
        assert REFUSED in window.banner.text.text()
        assert "Check it." in window.banner.advice.text()
        assert "Next try in 3 s." in window.banner.advice.text()
        window.banner.button.click()
        assert ("retry_now",) in stage.asked
        stage.set_link(Phase.LIVE)
        assert not window.banner.isVisible()


async def test_the_countdown_to_the_next_try_runs_without_news(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        stage.set_link(Phase.DOWN, text=REFUSED, next_try=clock.now() - 1)
        stage.blockSignals(True)
        window._clock.timeout.emit()
        assert "Trying now" in window.banner.advice.text()


async def test_pausing_is_said_and_undone_in_two_places(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        window.top.pause.click()
        assert stage.paused
        assert window.banner.text.text().startswith("Paused since")
        assert "except the value of a row you choose" in window.banner.advice.text()
        assert window.top.pause.text() == "Resume"
        window.banner.button.click()
        assert not stage.paused
        assert not window.banner.isVisible()
        assert window.top.pause.text() == "Pause"


# --- tabs and pages ---


async def test_tabs_tell_counts_and_findings_in_words_and_signs(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        tabs = window.tabs
        assert [tabs.tab(i).title for i in range(4)] == ["Overview", "Live queries", "Locks", "Host queue"]
        assert (tabs.tab(1).count, tabs.tab(1).tone) == ("12", Tone.CRITICAL)
        assert tabs.tab(2).tone is Tone.WARN
        assert tabs.tab(3).count == "48.2k", "a family may give its own number"
        assert tabs.tab(4).tone is None
        assert tabs.accessibleTabName(1) == "Live queries: 12 live queries, 2 critical"
        stage.show("live_queries", (campaign(7, clock.now()),))
        assert (tabs.tab(1).count, tabs.tab(1).tone) == ("1", None)
        assert tabs.accessibleTabName(1) == "Live queries: 1 live query"


async def test_a_tab_grows_with_its_count(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        before = window.tabs.tabRect(5).width()
        stage.show("tokens", keys_of("tokens", 2_000, clock.now()))
        await settle()
        assert window.tabs.tab(5).count == "2.0k"
        assert window.tabs.tabRect(5).width() > before


async def test_pages_are_made_when_first_seen_and_only_one_is_active(
    qapp: QApplication, eventually: Eventually
) -> None:
    async with opened(qapp) as (window, stage):

        def watched() -> list[object]:
            return [what[1] for what in stage.asked if what[0] == "watch" and what[2]]

        assert window.pages.count() == 1
        window.show_family("locks")
        assert window.pages.count() == 2
        await eventually(lambda: watched()[-1:] == ["locks"])
        window.show_family("config")
        await eventually(lambda: watched()[-1:] == ["config"])
        stage.asked.clear()
        now = clock.now()
        stage.show("locks", (lock("new", "api-1", now),))
        stage.show("config", keys_of("config", 3, now))
        await eventually(watched)
        assert set(watched()) == {"config"}


async def test_a_jump_leads_to_the_row(qapp: QApplication) -> None:
    async with opened(qapp) as (window, _):
        rows: list[object] = []
        window.show_family("locks")
        assert window.page is not None
        window.page.row_selected.connect(rows.append)
        window.show_family("")
        window.overview.jump.emit("locks", b"lock:cron:stats")
        assert window.current == "locks"
        assert rows[-1] == b"lock:cron:stats"


# --- keys ---


async def test_shortcuts_do_what_the_table_of_actions_says(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        press(window, Qt.Key.Key_3, CONTROL)
        assert window.current == "locks"
        press(window, Qt.Key.Key_PageDown, CONTROL)
        assert window.current == "host_queue"
        press(window, Qt.Key.Key_1, CONTROL)
        assert window.current == ""
        press(window, Qt.Key.Key_F5)
        assert ("refresh",) in stage.asked
        press(window, Qt.Key.Key_P, CONTROL)
        assert stage.paused
        press(window, Qt.Key.Key_F, CONTROL)
        assert window.top.field.hasFocus()


async def test_what_is_hindered_is_not_done(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        stage.set_link(Phase.DOWN, text=REFUSED)
        stage.asked.clear()
        press(window, Qt.Key.Key_F5)
        assert ("refresh",) not in stage.asked


def test_no_two_actions_share_a_key(qtbot: object, qapp: QApplication) -> None:
    from fleetcache_gui.ui.theme import Theme
    from fleetcache_gui.ui.window import MainWindow

    window = MainWindow(stage := Stage(), StageDeeds(stage), Theme("light"), Settings())  # type: ignore[arg-type]
    keys = [key for action in window.actions_table for key in action.keys]
    assert len(keys) == len(set(keys))
    assert len({action.id for action in window.actions_table}) == len(window.actions_table)
    window.deleteLater()


async def test_the_palette_closes_when_what_had_the_focus_has_gone(qapp: QApplication) -> None:
    """The row was acted on, and its buttons have gone with it."""
    async with opened(qapp) as (window, _stage):
        button = QPushButton("Release lock…", window)
        button.show()
        button.setFocus()
        press(window, Qt.Key.Key_K, CONTROL)
        assert window.palette_.isVisible()
        shiboken6.delete(button)
        press(window.palette_.field, Qt.Key.Key_Escape)
        assert not window.palette_.isVisible()
        assert window.hasFocus()


async def test_the_palette_narrows_runs_and_explains(qapp: QApplication) -> None:
    async with opened(qapp) as (window, _stage):
        window.tabs.setFocus()
        press(window, Qt.Key.Key_K, CONTROL)
        palette = window.palette_
        assert palette.isVisible()
        assert palette.field.hasFocus()
        palette.field.insert("rate")
        palette.field.textEdited.emit("rate")
        assert [choice.title for choice in palette.list.choices] == ["Go to Rate limits"]
        press(palette.field, Qt.Key.Key_Return)
        assert not palette.isVisible()
        assert window.current == "limits"
        assert window.page is not None
        assert window.page.view.hasFocus(), "the arrow keys work at once in the page that is shown"

        press(window, Qt.Key.Key_1, CONTROL)
        press(window, Qt.Key.Key_K, CONTROL)
        hindered = {choice.title: choice.note for choice in palette.list.choices if not choice.enabled}
        locked = {title for title, note in hindered.items() if note == "Locked: unlock actions first."}
        assert {"Locks: Release lock…", "Tokens: Remove all tokens…", "Flush the whole database…"} <= locked
        assert {title: note for title, note in hindered.items() if title not in locked} == {
            "Try to connect now": "The connection is not lost.",
            "Filter this family": "The overview has no table; go to a family first.",
            "Closer look at the chosen row…": "The overview has no table; go to a family first.",
            "Export this table…": "The overview has no table; go to a family first.",
        }
        press(palette.field, Qt.Key.Key_Escape)
        assert not palette.isVisible()


async def test_that_it_only_looks_until_unlocked_is_said_in_words(qapp: QApplication) -> None:
    async with opened(qapp) as (window, _):
        press(window, Qt.Key.Key_F1)
        assert window.sheet.isVisible()
        assert LOOKS_ONLY in {label.text() for label in window.sheet.findChildren(PlainLabel)}
        assert LOOKS_ONLY in window.top.lock.accessibleDescription()


async def test_the_sheet_shows_every_shortcut(qapp: QApplication) -> None:
    async with opened(qapp) as (window, _):
        press(window, Qt.Key.Key_Slash, CONTROL)
        assert window.sheet.isVisible()
        texts = {label.text() for label in window.sheet.findChildren(PlainLabel)}
        assert {action.title for action in window.actions_table if action.keys} <= texts
        press(window.sheet, Qt.Key.Key_Escape)
        assert not window.sheet.isVisible()


# --- coming and going ---


async def test_a_window_that_nobody_sees_reads_nothing(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        assert stage.visible
        window.showMinimized()
        await settle()
        assert not stage.visible
        window.showNormal()
        await settle()
        assert stage.visible
        window.hide()
        assert not stage.visible


async def test_closing_says_so_once_and_remembers(qapp: QApplication) -> None:
    settings = Settings()
    closed: list[bool] = []
    async with opened(qapp, settings=settings) as (window, stage):
        window.closed.connect(lambda: closed.append(True))
        window.resize(1100, 690)  # the width is cut to that of the screen there is offscreen
        window.show_family("tokens")
        window.top.choose_interval(5.0)
        press(window, Qt.Key.Key_Q, CONTROL)
        assert closed == [True]
        assert not stage.visible
    assert settings.tab == "tokens"
    assert settings.interval == 5.0
    async with opened(qapp, settings=settings) as (again, _):
        assert again.current == "tokens"
        assert again.height() == 690


async def test_geometry_that_is_no_geometry_does_no_harm(qapp: QApplication) -> None:
    async with opened(qapp, settings=Settings(geometry="not base64 at all", tab="gone")) as (window, _):
        assert window.current == ""
        assert window.isVisible()


# --- looks ---
