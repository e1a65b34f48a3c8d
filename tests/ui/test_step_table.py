"""A plan of a hundred thousand steps opens at once and can be looked through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui.present.steps import Steps
from fleetcache_gui.ui.step_table import LONG, StepTable
from fleetcache_gui.ui.theme import Theme
from tests.ui.shell import settle
from tests.ui.stage import LAYOUT
from tests.ui.stage_deeds import long_plan, plan

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    import pytest
    from PySide6.QtWidgets import QApplication
    from pytestqt.qtbot import QtBot

    from fleetcache_gui.present.steps import StepText

    Eventually = Callable[..., Coroutine[None, None, None]]


async def test_only_what_is_on_screen_is_put_into_words(
    qtbot: QtBot, qapp: QApplication, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    table = StepTable(Theme("light"))
    qtbot.addWidget(table)
    table.resize(760, 400)
    steps, asked, text = Steps(LAYOUT, long_plan(100_000, skipped=3)), set[int](), Steps.text

    def counted(self: Steps, position: int) -> StepText:
        asked.add(position)
        return text(self, position)

    monkeypatch.setattr(Steps, "text", counted)
    table.show()
    table.show_steps(steps)
    await settle()
    table.grab()
    assert table.model.rowCount() == 100_003
    assert 0 < len(asked) <= 2 * LONG
    table.view.scrollToBottom()
    table.grab()
    assert max(asked) == 100_002
    assert len(asked) <= 4 * LONG
    table.filter.setText("tokens:099999")
    await eventually(lambda: table.model.rowCount() == 1)
    assert table.extent.text() == "1 of 100,003"
    table.filter.clear()
    assert table.model.rowCount() == 100_003
    table.filter.setText("gone already")
    await eventually(lambda: table.model.rowCount() == 3)
    await table.end()


async def test_a_newer_question_wins(qtbot: QtBot, qapp: QApplication, eventually: Eventually) -> None:
    table = StepTable(Theme("light"))
    qtbot.addWidget(table)
    table.show_steps(Steps(LAYOUT, long_plan(5_000)))
    table.filter.setText("tokens:000001")
    await settle()
    table.filter.setText("tokens:00000")
    await eventually(lambda: table.model.rowCount() == 10)
    table.show_steps(Steps(LAYOUT, plan()))
    assert table.model.rowCount() == 1
    assert table.filter.isHidden()
    await settle()
    assert table.model.rowCount() == 1
    await table.end()
