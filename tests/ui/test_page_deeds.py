"""Where actions are offered on a page, and what they say when they cannot be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtWidgets import QMenu

from fleetcache_gui import clock
from fleetcache_gui.deeds import Mode
from fleetcache_gui.domain.plan import Strictness
from fleetcache_gui.ui.row_actions import Flow
from fleetcache_gui.ui.text_widgets import tooltip_text
from fleetcache_gui.ui.verb_menus import verb_title
from tests.ui.desk import at_desk
from tests.ui.shell import press, settle
from tests.ui.stage import LAYOUT, keys_of, lock
from tests.ui.stage_deeds import plan

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from PySide6.QtWidgets import QApplication

    from fleetcache_gui.ui.family_page import FamilyPage
    from fleetcache_gui.ui.window import MainWindow

    Eventually = Callable[..., Coroutine[None, None, None]]


def page_of(window: MainWindow) -> FamilyPage:
    assert window.page is not None
    return window.page


def entries(menu: QMenu) -> dict[str, bool]:
    return {action.text(): action.isEnabled() for action in menu.actions() if action.text()}


def select(page: FamilyPage, *positions: int) -> None:
    flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
    page.view.clearSelection()
    for position in positions:
        page.view.selectionModel().select(page.view.model().index(position, 0), flags)


def context_menu(page: FamilyPage) -> QMenu:
    menu = QMenu(page)
    page.view.menu_opening.emit(menu)
    return menu


# --- beneath the detail ---


async def test_while_locked_one_quiet_line_stands_for_all(qapp: QApplication) -> None:
    async with at_desk(qapp, Mode.LOCKED) as (window, deeds):
        actions = page_of(window).deeds.actions
        assert actions.line.text() == "Locked: unlock actions first"
        assert actions.buttons == ()
        assert not actions.flow.isVisible()
        actions.unlock.click()
        assert window.desk.unlock_sheet.isVisible()
        deeds.set_mode(Mode.UNLOCKED)
        await settle()
        assert not window.desk.unlock_sheet.isVisible(), "it is answered"
        assert not actions.line.isVisible()
        assert [button.text() for button in actions.buttons] == ["Release lock…", "Give it an expiry…"]


async def test_what_hinders_everything_is_said_without_a_link(qapp: QApplication) -> None:
    async with at_desk(qapp) as (window, deeds):
        actions = page_of(window).deeds.actions
        deeds.set_mode(Mode.NEVER, "This server is marked never to be unlocked.")
        assert actions.line.text() == "This server is marked never to be unlocked."
        assert not actions.unlock.isVisible()
        deeds.set_mode(Mode.UNLOCKED, "The server has become a read-only replica.")
        assert actions.line.text() == "The server has become a read-only replica."
        assert actions.buttons == ()


async def test_a_button_that_cannot_be_pressed_says_why(qapp: QApplication) -> None:
    async with at_desk(qapp, family="live_queries") as (window, _):
        page = page_of(window)
        page.show_row(b"1043")
        (button,) = page.deeds.actions.buttons
        why = "It is still running: stop the query in Fleet first."
        assert not button.isEnabled()
        assert button.accessibleDescription() == why
        assert button.toolTip() == tooltip_text(why)
        page.show_row(b"1042")
        assert page.deeds.actions.buttons == (button,), "buttons do not flicker from row to row"
        assert button.isEnabled()
        assert button.accessibleDescription() == ""


async def test_what_time_settles_can_be_asked_for(qapp: QApplication) -> None:
    async with at_desk(qapp) as (window, _):
        window._session.show("locks", (lock("brief", "api-1", clock.now(), 2.0),))  # type: ignore[attr-defined]
        page = page_of(window)
        page.show_row(b"lock:brief")
        (button,) = page.deeds.actions.buttons
        assert button.isEnabled()
        assert "expires by itself" in button.accessibleDescription()


async def test_a_row_that_is_gone_offers_nothing(qapp: QApplication) -> None:
    async with at_desk(qapp) as (window, _):
        page = page_of(window)
        page.show_row(b"lock:cron:vuln")
        assert page.deeds.actions.isVisible()
        window._session.show("locks", ())  # type: ignore[attr-defined]
        assert not page.deeds.actions.isVisible()


async def test_a_button_leads_to_the_plan_of_its_row(qapp: QApplication, eventually: Eventually) -> None:
    async with at_desk(qapp) as (window, deeds):
        page = page_of(window)
        page.show_row(b"lock:cron:vuln")
        page.deeds.actions.buttons[0].click()
        assert window.desk.plan_sheet.isVisible()
        await eventually(window.desk.plan_sheet.plan.isVisible)
        assert deeds.asked == [("plan", "locks", "release", (b"lock:cron:vuln",), "")]


async def test_a_family_without_actions_shows_none(qapp: QApplication) -> None:
    async with at_desk(qapp, family="config") as (window, _):
        page = page_of(window)
        assert page.detail.row is not None
        assert not page.deeds.actions.isVisible()
        assert len(page.deeds.more_menu().actions()) == 1, "the table can be exported, and no more"
        assert entries(context_menu(page)) == {}


# --- the menu of the table ---


async def test_the_menu_counts_what_is_selected(qapp: QApplication, eventually: Eventually) -> None:
    async with at_desk(qapp, family="tokens") as (window, deeds):
        page = page_of(window)
        select(page, 0, 1, 2)
        menu = context_menu(page)
        assert entries(menu) == {"Remove 3 tokens…": True}
        menu.actions()[-1].trigger()
        await eventually(lambda: deeds.asked)
        ids = tuple(page.deeds.table.id_at(i) for i in range(3))
        assert deeds.asked == [("plan", "tokens", "remove", ids, "")]
        assert window.desk.plan_sheet.refusal.title.text() == "Remove 3 tokens"


async def test_the_menu_says_why_not_and_offers_to_unlock(qapp: QApplication) -> None:
    async with at_desk(qapp, family="live_queries") as (window, deeds):
        page = page_of(window)
        page.show_row(b"1043")
        menu = context_menu(page)
        assert entries(menu) == {"Clean up campaign…": False}
        assert menu.toolTipsVisible()
        assert "still running" in menu.actions()[-1].toolTip()
        deeds.set_mode(Mode.LOCKED)
        menu = context_menu(page)
        assert entries(menu) == {"Locked: unlock actions first…": True}
        menu.actions()[-1].trigger()
        assert window.desk.unlock_sheet.isVisible()


def test_titles_count_in_the_words_of_the_family() -> None:
    tokens, locks = LAYOUT.family("tokens"), LAYOUT.family("locks")
    remove, expire = tokens.verbs[0], locks.verbs[1]
    assert verb_title(remove, tokens) == "Remove token…"
    assert verb_title(remove, tokens, 1_204) == "Remove 1,204 tokens…"
    assert verb_title(remove, tokens, 204, shown=True) == "Remove all 204 tokens shown…"
    assert verb_title(expire, locks, 3) == "Give it an expiry: 3 locks…"


# --- many at once ---


async def test_bulk_actions_stand_beside_the_filter(qapp: QApplication, eventually: Eventually) -> None:
    async with at_desk(qapp, family="tokens") as (window, deeds):
        page = page_of(window)
        assert page.deeds.more.isVisible()
        assert page.deeds.more.accessibleName() == "Actions for many tokens"
        menu = page.deeds.more_menu()
        export = f"Export the {len(page.view.table)} tokens shown…"
        assert entries(menu) == {
            export: True,
            "Remove all tokens…": True,
            "Filter first to act on all tokens shown": False,
        }
        next(action for action in menu.actions() if action.text() == "Remove all tokens…").trigger()
        await eventually(lambda: deeds.asked)
        assert deeds.asked == [("plan", "tokens", "flush", (), "")]


async def test_all_that_the_filter_shows(qapp: QApplication, eventually: Eventually) -> None:
    async with at_desk(qapp, family="tokens") as (window, deeds):
        page = page_of(window)
        page._filter.setText("tokens:00")
        menu = page.deeds.more_menu()
        assert entries(menu) == {
            "Export the 10 tokens shown…": True,
            "Remove all tokens…": True,
            "Remove all 10 tokens shown…": True,
        }
        menu.actions()[-1].trigger()
        await eventually(lambda: deeds.asked)
        ids = tuple(sorted(row.id for row in keys_of("tokens", 10, 0.0)))
        verb, asked = deeds.asked[0][2], deeds.asked[0][3]
        assert verb == "remove"
        assert tuple(sorted(asked)) == ids  # type: ignore[arg-type]


# --- what must be decided first ---


async def test_a_choice_is_made_before_the_plan(qapp: QApplication, eventually: Eventually) -> None:
    async with at_desk(qapp) as (window, deeds):
        page = page_of(window)
        page.show_row(b"lock:async:software")
        page.deeds.actions.buttons[1].click()
        sheet = window.desk.choice_sheet
        assert sheet.question.text() == "How long may it stay?"
        assert sheet.options.hasFocus()
        press(sheet.options, Qt.Key.Key_Down)
        press(sheet.options, Qt.Key.Key_Return)
        assert not sheet.isVisible()
        await eventually(lambda: deeds.asked)
        assert deeds.asked == [("plan", "locks", "expire", (b"lock:async:software",), "600000")]


async def test_a_typed_choice_is_checked(qapp: QApplication, eventually: Eventually) -> None:
    async with at_desk(qapp, family="host_queue") as (window, deeds):
        page_of(window).deeds.actions.buttons[0].click()
        sheet = window.desk.choice_sheet
        assert sheet.field.text() == "1000"
        sheet.field.setText("10k")
        assert sheet.problem.text() == "A whole number above zero, please."
        assert not sheet.go.isEnabled()
        press(sheet.field, Qt.Key.Key_Return)
        assert sheet.isVisible()
        assert deeds.asked == []
        sheet.field.setText("250")
        assert not sheet.problem.isVisible()
        press(sheet.field, Qt.Key.Key_Return)
        await eventually(lambda: deeds.asked)
        assert deeds.asked[0][-1] == "250"


# --- the palette ---


async def test_the_palette_has_every_action_with_why_not(qapp: QApplication, eventually: Eventually) -> None:
    async with at_desk(qapp) as (window, deeds):
        page_of(window).show_row(b"lock:cron:vuln")
        window.palette_.open()
        told = {choice.title: choice.note for choice in window.palette_.list.choices}
        assert told["Locks: Release lock…"] == ""
        assert told["Locks: Give it an expiry…"] == "It does not apply to what is chosen."
        assert told["Tokens: Remove token…"] == "Choose a token first."
        assert told["Tokens: Remove all tokens…"] == ""
        assert told["Flush the whole database…"] == ""
        window.palette_.field.setText("release")
        window.palette_.field.textEdited.emit("release")
        press(window.palette_.field, Qt.Key.Key_Return)
        await eventually(lambda: deeds.asked)
        assert deeds.asked[0] == ("plan", "locks", "release", (b"lock:cron:vuln",), "")


async def test_one_deed_at_a_time(qapp: QApplication, eventually: Eventually) -> None:
    async with at_desk(qapp) as (window, deeds):
        page = page_of(window)
        deeds.made = plan(strictness=Strictness.TYPE)
        page.deeds.actions.buttons[0].click()
        page.deeds.actions.buttons[0].click()
        window.desk.flush(True)
        await eventually(window.desk.plan_sheet.plan.isVisible)
        assert len(deeds.asked) == 1


async def test_buttons_wrap_where_there_is_little_room(qapp: QApplication, eventually: Eventually) -> None:
    async with at_desk(qapp) as (window, _):
        page = page_of(window)
        page.show_row(b"lock:async:software")
        flow = page.deeds.actions.flow
        assert isinstance(flow, Flow)
        wide, narrow = flow.heightForWidth(600), flow.heightForWidth(160)
        assert narrow > wide
        await eventually(lambda: all(flow.rect().contains(part.geometry()) for part in flow.parts))
