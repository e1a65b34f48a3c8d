"""Nothing but a word typed and a button pressed, both on purpose, confirms a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import (
    QClipboard,
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QInputMethodEvent,
    QKeyEvent,
    QMouseEvent,
)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from fleetcache_gui.domain.plan import Strictness
from fleetcache_gui.ui.confirm import GUARD, HOLD, ConfirmBar
from fleetcache_gui.ui.theme import Theme
from tests.ui.pages import Clock

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

WORD = "prod-eu 812"
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


class Asked:
    """A question with its clock, and what was confirmed."""

    def __init__(self, qtbot: QtBot, strictness: Strictness, word: str = WORD) -> None:
        self.clock = Clock(100.0)
        self.bar = ConfirmBar(Theme("light"), self.clock)
        self.confirmed: list[str] = []
        self.bar.confirmed.connect(self.confirmed.append)
        qtbot.addWidget(self.bar)
        self.bar.resize(700, 120)
        self.bar.show()
        self.bar.activateWindow()
        self.bar.ask(strictness, word, "Remove 812 keys")
        QApplication.processEvents()

    def type(self, text: str) -> None:
        self.bar.field.setFocus()
        QTest.keyClicks(self.bar.field, text)

    def key(self, key: Qt.Key, text: str = "", *, repeat: bool = False, on: object = None) -> None:
        target = self.bar.button if on is None else on
        for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
            QApplication.sendEvent(target, QKeyEvent(kind, key, NONE, text, repeat))  # type: ignore[arg-type]


@pytest.fixture
def typed(qtbot: QtBot) -> Asked:
    asked = Asked(qtbot, Strictness.TYPE)
    asked.clock.now += GUARD
    return asked


# --- the word ---


def test_the_exact_word_confirms_and_is_handed_on(typed: Asked) -> None:
    assert not typed.bar.button.isEnabled()
    typed.type(WORD)
    assert typed.bar.button.isEnabled()
    QTest.mouseClick(typed.bar.button, LEFT)
    assert typed.confirmed == [WORD]


@pytest.mark.parametrize(
    "text",
    [
        "prod-eu\u200b 812",  # zero-width space
        "\u202eprod-eu 812",  # right-to-left override
        "рrod-eu 812",  # Cyrillic er
        "prod-eu\u00a0812",  # no-break space
        "prod-eu 812 ",
        " prod-eu 812",
        "Prod-eu 812",
        "PROD-EU 812",
        "prod-eu 81",
        "prod-eu  812",
        "prod–eu 812",
        "ｐrod-eu 812",  # full width
        "",
    ],
)
def test_anything_else_does_not(typed: Asked, text: str) -> None:
    typed.key(Qt.Key.Key_A, text, on=typed.bar.field)  # all of it from one key
    assert typed.bar.field.text() == ""
    if text.isascii() or ("\u200b" not in text and "\u202e" not in text):  # else what remains is the word itself
        for char in text:
            typed.key(Qt.Key.Key_A, char, on=typed.bar.field)
    assert not typed.bar.button.isEnabled()
    QTest.mouseClick(typed.bar.button, LEFT)
    assert typed.confirmed == []


def test_what_is_not_ascii_never_stands_in_the_field(typed: Asked) -> None:
    for char in "a\u200b\u202eа\u00a0é👍b":
        typed.key(Qt.Key.Key_A, char, on=typed.bar.field)
    assert typed.bar.field.text() == "ab"


def test_a_wrong_character_can_be_mended_with_the_keyboard(typed: Asked) -> None:
    typed.type("prod-eu 813")
    QTest.keyClick(typed.bar.field, Qt.Key.Key_Backspace)
    QTest.keyClick(typed.bar.field, Qt.Key.Key_2)
    assert typed.bar.button.isEnabled()
    QTest.keyClick(typed.bar.field, Qt.Key.Key_Backspace)
    assert not typed.bar.button.isEnabled()


@pytest.mark.parametrize("keys", [(Qt.Key.Key_V, CONTROL), (Qt.Key.Key_Insert, SHIFT)])
def test_it_cannot_be_pasted_by_keys(typed: Asked, keys: tuple[Qt.Key, Qt.KeyboardModifier]) -> None:
    QGuiApplication.clipboard().setText(WORD)
    typed.bar.field.setFocus()
    QTest.keyClick(typed.bar.field, *keys)
    assert typed.bar.field.text() == ""
    command = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_V, CONTROL, "v")  # as macOS sends it
    QApplication.sendEvent(typed.bar.field, command)
    typed.key(Qt.Key.Key_Paste, on=typed.bar.field)
    QGuiApplication.clipboard().setText("p")  # not even one character of it
    QApplication.sendEvent(typed.bar.field, command)
    assert typed.bar.field.text() == ""


def test_it_cannot_be_pasted_by_the_mouse_or_a_menu(typed: Asked) -> None:
    clipboard, field = QGuiApplication.clipboard(), typed.bar.field
    clipboard.setText(WORD)
    if clipboard.supportsSelection():
        clipboard.setText(WORD, QClipboard.Mode.Selection)
    QTest.mouseClick(field, Qt.MouseButton.MiddleButton)
    assert field.text() == ""
    assert field.contextMenuPolicy() is Qt.ContextMenuPolicy.NoContextMenu
    field.paste()
    assert field.text() == ""


def test_it_cannot_be_dropped(typed: Asked) -> None:
    field, data = typed.bar.field, QMimeData()
    data.setText(WORD)
    copy = Qt.DropAction.CopyAction
    enter = QDragEnterEvent(QPoint(5, 5), copy, data, LEFT, NONE)
    QApplication.sendEvent(field, enter)
    QApplication.sendEvent(field, QDropEvent(QPointF(5, 5), copy, data, LEFT, NONE))
    assert not field.acceptDrops()
    assert field.text() == ""


def test_no_input_method_and_no_program_fills_it(typed: Asked) -> None:
    field = typed.bar.field
    event = QInputMethodEvent()
    event.setCommitString(WORD)
    QApplication.sendEvent(field, event)
    assert field.text() == ""
    assert not field.testAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled)
    for fill in (field.setText, field.insert):
        fill(WORD)
        assert field.text() == ""
    typed.type("prod")
    field.setText(WORD)
    assert field.text() == "prod"
    field.undo()
    assert not typed.bar.button.isEnabled()


def test_enter_in_the_field_confirms_nothing(typed: Asked) -> None:
    typed.type(WORD)
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
        typed.key(key, "\r", on=typed.bar.field)
        typed.key(key, "\r", repeat=True, on=typed.bar.field)
    assert typed.confirmed == []


def test_a_word_that_is_not_ascii_can_never_be_confirmed(qtbot: QtBot) -> None:
    asked = Asked(qtbot, Strictness.TYPE, "prod-é 1")
    for char in "prod-é 1":
        asked.key(Qt.Key.Key_A, char, on=asked.bar.field)
    asked.bar.field.setText("prod-é 1")
    assert not asked.bar.button.isEnabled()
    empty = Asked(qtbot, Strictness.TYPE, "")
    assert not empty.bar.button.isEnabled()


# --- the button ---


@pytest.fixture
def press(qtbot: QtBot) -> Asked:
    return Asked(qtbot, Strictness.PRESS)


def test_cancel_has_the_focus_and_enter_is_enough_for_it(press: Asked) -> None:
    cancelled: list[bool] = []
    press.bar.cancelled.connect(lambda: cancelled.append(True))
    assert press.bar.cancel.hasFocus()
    assert press.bar.button.isEnabled()
    assert not press.bar.field.isVisible()
    press.key(Qt.Key.Key_Return, repeat=True, on=press.bar.cancel)
    assert cancelled == []
    press.key(Qt.Key.Key_Return, on=press.bar.cancel)
    assert cancelled == [True]
    assert press.confirmed == []


def test_a_double_click_is_not_carried_over(press: Asked) -> None:
    QTest.mouseClick(press.bar.button, LEFT)
    QTest.mouseDClick(press.bar.button, LEFT)
    press.clock.now += GUARD / 2
    press.bar.button.click()
    press.key(Qt.Key.Key_Space, " ")
    assert press.confirmed == []
    press.clock.now += GUARD
    QTest.mouseClick(press.bar.button, LEFT)
    assert press.confirmed == [""]


def test_a_press_that_began_too_early_does_not_count_when_released_later(press: Asked) -> None:
    QTest.mousePress(press.bar.button, LEFT)
    press.clock.now += 2 * GUARD
    QTest.mouseRelease(press.bar.button, LEFT)
    assert press.confirmed == []


def test_the_second_half_of_a_double_click_is_no_click(press: Asked) -> None:
    press.clock.now += GUARD
    at = QPointF(5, 5)
    for kind in (QEvent.Type.MouseButtonDblClick, QEvent.Type.MouseButtonRelease):
        QApplication.sendEvent(press.bar.button, QMouseEvent(kind, at, at, LEFT, LEFT, NONE))
    assert press.confirmed == []


def test_one_click_is_one_action(press: Asked) -> None:
    press.clock.now += GUARD
    for _ in range(3):
        QTest.mouseClick(press.bar.button, LEFT)
    QTest.mouseDClick(press.bar.button, LEFT)
    press.key(Qt.Key.Key_Space, " ")
    assert press.confirmed == [""]


def test_no_enter_and_no_repeating_key_presses_it(press: Asked) -> None:
    press.clock.now += GUARD
    press.bar.button.setFocus()
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
        press.key(key)
        press.key(key, repeat=True)
    press.key(Qt.Key.Key_Space, " ", repeat=True)
    assert press.confirmed == []
    press.key(Qt.Key.Key_Space, " ")
    assert press.confirmed == [""], "the keyboard alone is enough, on purpose"


def test_a_hindrance_is_said_and_disables(press: Asked) -> None:
    press.clock.now += GUARD
    press.bar.set_hindrance("Actions have been locked.")
    QTest.mouseClick(press.bar.button, LEFT)
    assert press.confirmed == []
    assert press.bar.note.text() == "Actions have been locked."
    press.bar.set_hindrance("")
    assert not press.bar.note.isVisible()
    assert press.bar.button.isEnabled()


# --- holding ---


@pytest.fixture
def hold(qtbot: QtBot) -> Asked:
    asked = Asked(qtbot, Strictness.HOLD)
    asked.clock.now += GUARD
    asked.type(WORD)
    return asked


def advance(asked: Asked, seconds: float) -> None:
    """Time passes, as the button's timer notices it."""
    for _ in range(round(seconds / 0.1)):
        asked.clock.now += 0.1
        asked.bar.button._timer.timeout.emit()


def test_it_must_be_held_and_shows_how_long_still(hold: Asked) -> None:
    button = hold.bar.button
    assert button.text() == "Hold 5 s: Remove 812 keys"
    QTest.mouseClick(button, LEFT)
    button.click()
    assert hold.confirmed == []
    QTest.mousePress(button, LEFT)
    advance(hold, 2.0)
    assert button.text() == "3 s: Remove 812 keys"
    assert button.held == pytest.approx(0.4)
    advance(hold, HOLD - 1.9)
    assert hold.confirmed == [WORD]
    QTest.mouseRelease(button, LEFT)
    assert hold.confirmed == [WORD]
    assert not button._timer.isActive()


def test_releasing_begins_anew(hold: Asked) -> None:
    button = hold.bar.button
    QTest.mousePress(button, LEFT)
    advance(hold, HOLD - 0.1)
    QTest.mouseRelease(button, LEFT)
    assert button.held == 0.0
    QTest.mousePress(button, LEFT)
    advance(hold, 0.2)
    assert hold.confirmed == []
    outside = QMouseEvent(QEvent.Type.MouseMove, QPointF(-30, 5), QPointF(-30, 5), NONE_BUTTON, LEFT, NONE)
    QApplication.sendEvent(button, outside)
    assert button.held == 0.0
    QTest.mouseRelease(button, LEFT)
    assert hold.confirmed == []


NONE_BUTTON = Qt.MouseButton.NoButton


def test_the_space_bar_holds_it_too(hold: Asked) -> None:
    button = hold.bar.button
    button.setFocus()
    QTest.keyPress(button, Qt.Key.Key_Space)
    advance(hold, 3.0)
    QApplication.sendEvent(button, QKeyEvent(QEvent.Type.KeyRelease, Qt.Key.Key_Space, NONE, " ", True))
    QApplication.sendEvent(button, QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Space, NONE, " ", True))
    advance(hold, 2.2)
    assert hold.confirmed == [WORD]
    QTest.keyRelease(button, Qt.Key.Key_Space)


def test_a_key_that_was_down_before_does_not_begin_to_hold(hold: Asked) -> None:
    hold.bar.button.setFocus()
    repeated = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Space, NONE, " ", True)
    QApplication.sendEvent(hold.bar.button, repeated)
    assert not hold.bar.button._timer.isActive()


def test_who_looks_elsewhere_lets_go(hold: Asked) -> None:
    button = hold.bar.button
    button.setFocus()
    QTest.keyPress(button, Qt.Key.Key_Space)
    advance(hold, 3.0)
    hold.bar.cancel.setFocus()
    assert button.held == 0.0
    advance(hold, 3.0)
    assert hold.confirmed == []


def test_a_window_that_stood_still_counts_as_one_tick(hold: Asked) -> None:
    button = hold.bar.button
    QTest.mousePress(button, LEFT)
    hold.clock.now += 60.0
    button._timer.timeout.emit()
    assert hold.confirmed == []
    assert button.held <= 0.05
    QTest.mouseRelease(button, LEFT)


def test_what_nobody_has_seen_yet_cannot_be_pressed(qtbot: QtBot) -> None:
    asked = Asked(qtbot, Strictness.PRESS)
    asked.bar.ask(Strictness.PRESS, WORD, "Remove 813 keys")  # another plan in its place
    asked.clock.now += 10 * GUARD
    asked.bar.button.click()
    assert asked.confirmed == []
    asked.bar.grab()
    asked.clock.now += GUARD
    asked.bar.button.click()
    assert asked.confirmed == [""]


def test_without_the_word_it_cannot_be_held(qtbot: QtBot) -> None:
    asked = Asked(qtbot, Strictness.HOLD)
    asked.clock.now += GUARD
    QTest.mousePress(asked.bar.button, LEFT)
    advance(asked, HOLD)
    assert asked.confirmed == []
