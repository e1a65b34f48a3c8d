"""A closer look, over a real server: it goes on while it is open, and says when its row has gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton

from fleetcache_gui.cache import LiveQueries
from fleetcache_gui.ui.lens_sheet import GONE
from tests.ui.shell import press
from tests.ui.test_live_window import staged

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from PySide6.QtWidgets import QApplication

    Eventually = Callable[..., Coroutine[None, None, None]]


async def test_a_campaign_is_followed_until_it_is_gone(qapp: QApplication, eventually: Eventually) -> None:
    async with staged() as stage:
        queries = LiveQueries(stage.client)
        await queries.start(7, "SELECT 1")
        await queries.complete_hosts(7, [1])
        page = stage.page("live_queries")
        await eventually(lambda: page.view.model().rowCount())
        page.show_row(b"7")
        await eventually(lambda: page.detail.row is not None and page.detail.row.id == b"7")
        next(b for b in page.detail.findChildren(QPushButton) if b.text() == "Closer look…").click()
        sheet = stage.window.desk.lens_sheet
        assert sheet.isVisible()
        await eventually(lambda: sheet.heading.text() == "Campaign 7: running")
        assert sheet.figures["Answered"].text() == "1 of 100 (1 %)"
        assert [chart.subject.title for chart in sheet.charts] == ["Hosts that answered", "Answers a second"]
        await queries.complete_hosts(7, range(2, 12))
        await eventually(lambda: sheet.figures["Answered"].text() == "11 of 100 (11 %)")
        assert sheet.charts[0].plot.series[0].samples[-1][1] == 11.0
        await queries.finish(7)
        await eventually(lambda: sheet.note.text() == GONE)
        assert sheet.figures["Answered"].text() == "11 of 100 (11 %)", "what was read last stays"
        press(sheet, Qt.Key.Key_Escape)
        assert not sheet.isVisible()


async def test_a_queue_by_its_action(qapp: QApplication, eventually: Eventually) -> None:
    async with staged() as stage:
        key = "async_host:detail"
        await stage.client.xgroup_create(key, "workers", id="0", mkstream=True)
        for number in range(5):
            await stage.client.xadd(key, {"host": str(number)})
        await stage.client.xreadgroup("workers", "w1", {key: ">"}, count=3)
        page = stage.page("host_queue")
        await eventually(lambda: page.detail.row is not None and page.detail.row.state.word != "idle")
        action = next(known for known in stage.window.actions_table if known.id == "lens")
        assert action.hindrance() == ""
        assert action.keys == ("Ctrl+I",)
        assert action.trigger()
        sheet = stage.window.desk.lens_sheet
        assert sheet.isVisible()
        await eventually(lambda: sheet._lines and sheet._lines[1][:3] == ("", "w1", "3"))
        assert sheet._lines[0][:2] == ("workers", "1 consumer, lag 2")
        assert sheet.note.text() == "Pending in workers, by time since delivery: 3 under 10 s."


async def test_locks_have_no_more_to_show(qapp: QApplication, eventually: Eventually) -> None:
    async with staged() as stage:
        await stage.client.set("lock:a", "api-1:0123456789abcdef", px=90_000)
        page = stage.page("locks")
        await eventually(lambda: page.detail.row is not None)
        action = next(known for known in stage.window.actions_table if known.id == "lens")
        assert action.hindrance() == "There is no closer look at locks."
        assert not [b for b in page.detail.findChildren(QPushButton) if b.text() == "Closer look…" and b.isVisible()]
