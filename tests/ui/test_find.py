from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from fleetcache_gui.domain.pages import Hit
from tests.ui.shell import opened, press
from tests.ui.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from PySide6.QtWidgets import QApplication

    Eventually = Callable[..., Coroutine[None, None, None]]


async def test_typing_finds_over_all_families(qapp: QApplication, eventually: Eventually) -> None:
    async with opened(qapp) as (window, _):
        field, finder = window.top.field, window.finder
        field.setFocus()
        field.setText("cron:v")
        await eventually(finder.isVisible)
        assert [choice.title for choice in finder.list.choices] == ["Lock cron:vuln"]
        assert finder.list.choices[0].aside == "Locks"
        assert finder.summary.text() == "1 found"
        field.setText("usb_devices")
        await eventually(lambda: len(finder.list.choices) == 2)
        assert field.hasFocus(), "typing can go on"


async def test_keys_lead_to_the_row(qapp: QApplication, eventually: Eventually) -> None:
    async with opened(qapp) as (window, _):
        rows: list[object] = []
        window.show_family("locks")
        assert window.page is not None
        window.page.row_selected.connect(rows.append)
        window.show_family("")
        field = window.top.field
        field.setFocus()
        field.setText("cron")
        await eventually(window.finder.isVisible)
        press(field, Qt.Key.Key_Down)
        press(field, Qt.Key.Key_Down)
        press(field, Qt.Key.Key_Up)
        press(field, Qt.Key.Key_Return)
        assert window.current == "locks"
        assert rows[-1] == b"lock:cron:cleanups"
        assert not window.finder.isVisible()
        assert field.text() == ""


async def test_escape_and_leaving_close_it(qapp: QApplication, eventually: Eventually) -> None:
    async with opened(qapp) as (window, _):
        field, finder = window.top.field, window.finder
        field.setFocus()
        field.setText("cron")
        await eventually(finder.isVisible)
        press(field, Qt.Key.Key_Escape)
        assert not finder.isVisible()
        assert field.text() == ""
        field.setText("cron")
        await eventually(finder.isVisible)
        window.tabs.setFocus()
        assert not finder.isVisible()


async def test_nothing_found_is_said(qapp: QApplication, eventually: Eventually) -> None:
    async with opened(qapp) as (window, _):
        window.top.field.setFocus()
        window.top.field.setText("no such thing anywhere")
        await eventually(window.finder.isVisible)
        assert window.finder.summary.text().startswith("Nothing found.")
        press(window.top.field, Qt.Key.Key_Return)
        assert window.current == ""


class Slow(Stage):
    """Answers a search when told, so that answers can be overtaken by questions."""

    def __init__(self) -> None:
        super().__init__()
        self.gates: dict[str, asyncio.Event] = {}

    async def find(self, text: str, limit: int = 50) -> tuple[Hit, ...]:
        self.gates[text] = gate = asyncio.Event()
        await gate.wait()
        return (Hit("locks", b"lock:" + text.encode(), f"answer to {text}", ""),)


async def test_a_late_answer_is_not_shown_for_a_newer_question(qapp: QApplication, eventually: Eventually) -> None:
    stage = Slow()
    async with opened(qapp, stage) as (window, _):
        field, finder = window.top.field, window.finder
        field.setFocus()
        field.setText("first")
        await eventually(lambda: "first" in stage.gates)
        field.setText("second")
        stage.gates["first"].set()
        await eventually(lambda: "second" in stage.gates)
        assert not finder.isVisible()
        stage.gates["second"].set()
        await eventually(finder.isVisible)
        assert [choice.title for choice in finder.list.choices] == ["answer to second"]


async def test_a_window_that_closes_ends_its_search(qapp: QApplication, eventually: Eventually) -> None:
    stage = Slow()
    async with opened(qapp, stage) as (window, _):
        window.top.field.setFocus()
        window.top.field.setText("never answered")
        await eventually(lambda: stage.gates)
