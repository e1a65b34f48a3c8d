"""The lock in the top bar and the sheet that opens it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from fleetcache_gui import clock
from fleetcache_gui.deeds import Mode
from fleetcache_gui.ui.text_widgets import PlainLabel, tooltip_text
from tests.ui.desk import at_desk, let_pass
from tests.ui.shell import press, settle

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from PySide6.QtWidgets import QApplication, QWidget

    Eventually = Callable[..., Coroutine[None, None, None]]

LOCK = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


def texts(widget: QWidget) -> list[str]:
    return [label.text() for label in widget.findChildren(PlainLabel) if label.isVisible()]


async def test_the_control_says_how_it_stands(qapp: QApplication) -> None:
    async with at_desk(qapp, Mode.LOCKED) as (window, deeds):
        control = window.top.lock
        assert control.text() == "Locked"
        assert control.accessibleName() == "Actions are locked"
        deeds.set_mode(Mode.UNLOCKING)
        assert control.text() == "Unlocking…"
        deeds.set_mode(Mode.UNLOCKED)
        assert control.text() == "Actions 15:00"
        assert control.property("tone") is None
        why = "This server is marked <b>never</b> to be unlocked."
        deeds.set_mode(Mode.NEVER, why)
        assert control.text() == "Never unlocked"
        assert control.toolTip() == tooltip_text(why)
        assert control.accessibleDescription() == why


async def test_the_countdown_ticks_and_turns_amber(qapp: QApplication) -> None:
    async with at_desk(qapp) as (window, deeds):
        control = window.top.lock
        for left, shown, tone in (
            (899.5, "15:00", None),
            (121.5, "2:02", None),
            (119.5, "2:00", "warn"),
            (0, "0:00", "warn"),
        ):
            deeds.ends = clock.now() + left
            window._clock.timeout.emit()
            assert control.text() == f"Actions {shown}"
            assert control.property("tone") == tone


async def test_its_width_does_not_jump(qapp: QApplication) -> None:
    async with at_desk(qapp, Mode.LOCKED) as (window, deeds):
        await settle()
        before = window.top.lock.width()
        deeds.set_mode(Mode.UNLOCKED)
        await settle()
        assert window.top.lock.width() == before


async def test_the_sheet_says_which_server_and_what_it_means(qapp: QApplication) -> None:
    async with at_desk(qapp, Mode.LOCKED) as (window, _):
        window.top.lock.click()
        sheet = window.desk.unlock_sheet
        assert sheet.isVisible()
        told = texts(sheet)
        for fact in ("prod-eu", "PRODUCTION", "10.0.2.11:6379", "0"):
            assert fact in told
        assert any("15 minutes" in text for text in told)
        assert sheet.band.accessibleName() == "PRODUCTION, prod-eu"
        assert sheet.bar.cancel.hasFocus()
        assert sheet.bar.button.text() == "Unlock actions"
        assert not sheet.bar.field.isVisible()


async def test_unlocking_by_the_keyboard_alone(qapp: QApplication, eventually: Eventually) -> None:
    async with at_desk(qapp, Mode.LOCKED) as (window, deeds):
        deeds.word = "prod-eu"
        press(window, Qt.Key.Key_L, LOCK)
        sheet = window.desk.unlock_sheet
        assert sheet.isVisible()
        let_pass(sheet.bar)
        assert not sheet.bar.button.isEnabled()
        for _ in range(3):
            press(qapp.focusWidget(), Qt.Key.Key_Tab)
            if sheet.bar.field.hasFocus():
                break
        assert sheet.bar.field.hasFocus()
        for char in "prod-eu":
            press(sheet.bar.field, char)
        press(sheet.bar.field, Qt.Key.Key_Return)
        assert ("unlock", "prod-eu") not in deeds.asked
        for _ in range(3):
            press(qapp.focusWidget(), Qt.Key.Key_Tab)
            if sheet.bar.button.hasFocus():
                break
        press(sheet.bar.button, Qt.Key.Key_Space)
        await eventually(lambda: deeds.mode is Mode.UNLOCKED)
        assert ("unlock", "prod-eu") in deeds.asked
        await eventually(lambda: not sheet.isVisible())
        press(window, Qt.Key.Key_L, LOCK)
        assert deeds.mode is Mode.LOCKED


async def test_a_failure_is_told_in_the_sheet(qapp: QApplication, eventually: Eventually) -> None:
    async with at_desk(qapp, Mode.LOCKED) as (window, deeds):
        deeds.failure = "The account may not write."
        window.desk.toggle_lock()
        sheet = window.desk.unlock_sheet
        assert not sheet.failure.isVisible()
        let_pass(sheet.bar)
        sheet.bar.button.click()
        await eventually(sheet.failure.isVisible)
        assert sheet.failure.sentences == ("The account may not write.",)
        assert sheet.isVisible()
        assert sheet.bar.cancel.hasFocus()
        assert deeds.mode is Mode.LOCKED


async def test_cancelling_while_it_unlocks_locks_again(qapp: QApplication, eventually: Eventually) -> None:
    async with at_desk(qapp, Mode.LOCKED) as (window, deeds):
        deeds.gate = asyncio.Event()
        window.desk.toggle_lock()
        sheet = window.desk.unlock_sheet
        let_pass(sheet.bar)
        sheet.bar.button.click()
        await eventually(lambda: deeds.mode is Mode.UNLOCKING)
        assert not sheet.bar.button.isEnabled()
        press(sheet.bar.cancel, Qt.Key.Key_Escape)
        assert not sheet.isVisible()
        deeds.gate.set()
        await settle()
        assert deeds.mode is Mode.LOCKED


async def test_the_menu_has_history_and_flush_apart(qapp: QApplication) -> None:
    async with at_desk(qapp) as (window, deeds):
        control = window.top.lock
        assert [action.text() for action in control.menu().actions() if action.text()] == [
            "Lock now",
            "History of deeds…",
            "Flush",
        ]
        assert control.flush_all.isEnabled()
        deeds.set_mode(Mode.LOCKED)
        control.menu()
        assert not control.flush_all.isEnabled()
        control.lock_action.trigger()
        assert window.desk.unlock_sheet.isVisible()


async def test_flushes_are_nowhere_but_in_the_palette_and_the_lock_menu(qapp: QApplication) -> None:
    async with at_desk(qapp) as (window, _):
        titles = [a.title for a in window.actions_table if "Flush" in a.title]
        assert titles == ["Flush all of Fleet's keys…", "Flush the whole database…"]
        assert not any(action.keys for action in window.actions_table if "Flush" in action.title)
        page = window.page
        assert page is not None
        assert not any("lush" in button.text() for button in page.deeds.actions.buttons)
        assert not any("lush" in action.text() for action in page.deeds.more_menu().actions())


async def test_beneath_a_sheet_nothing_can_be_reached(qapp: QApplication) -> None:
    async with at_desk(qapp, Mode.LOCKED) as (window, _):
        window.desk.toggle_lock()
        sheet = window.desk.unlock_sheet
        for key in (Qt.Key.Key_1, Qt.Key.Key_K, Qt.Key.Key_H):
            press(window, key, Qt.KeyboardModifier.ControlModifier)
        assert window.current == "locks"
        assert not window.palette_.isVisible()
        assert not window.desk.history_sheet.isVisible()
        for _ in range(6):
            press(qapp.focusWidget(), Qt.Key.Key_Tab)
            assert sheet.card.isAncestorOf(qapp.focusWidget())
        for _ in range(6):
            press(qapp.focusWidget(), Qt.Key.Key_Backtab)
            assert sheet.card.isAncestorOf(qapp.focusWidget())
        press(sheet.bar.cancel, Qt.Key.Key_Escape)
        assert not sheet.isVisible()
        press(window, Qt.Key.Key_1, Qt.KeyboardModifier.ControlModifier)
        assert window.current == ""
