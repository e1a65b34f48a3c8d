"""The history of deeds: what can be undone, and the audit log."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from fleetcache_gui.redis_io.undo import Limits
from fleetcache_gui.ui.keep_limits import KeepLimits
from fleetcache_gui.ui.theme import Theme
from fleetcache_gui.ui.ways_back_view import NOTHING
from tests.ui.desk import at_desk, choose
from tests.ui.shell import press
from tests.ui.stage import Stage
from tests.ui.stage_deeds import Entry, StageAudit, StageDeeds, way_back

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from PySide6.QtWidgets import QApplication

    from fleetcache_gui.ui.plain_table import PlainTable

    Eventually = Callable[..., Coroutine[None, None, None]]

CONTROL = Qt.KeyboardModifier.ControlModifier


def cells(table: PlainTable, row: int) -> list[str]:
    model = table.model()
    return [str(model.index(row, column).data()) for column in range(model.columnCount())]


async def test_what_can_be_undone_is_listed_with_its_time(qapp: QApplication, eventually: Eventually) -> None:
    async with at_desk(qapp) as (window, deeds):
        deeds.ways = (way_back(until=time.time() + 599.5), way_back("2", count=812, size=146_000, where="disk"))
        press(window, Qt.Key.Key_H, CONTROL)
        view = window.desk.history_sheet.ways_back
        await eventually(lambda: view.table.model().rowCount() == 2)
        assert cells(view.table, 0)[3:] == ["10:00", "1", "96 B", "memory"]
        assert cells(view.table, 1)[4:] == ["812", "142.6 KB", "disk"]
        assert window.desk.history_sheet.close_button.hasFocus()
        assert view._ticker.isActive()
        view.undo_button.click()
        assert not window.desk.history_sheet.isVisible()
        assert not view._ticker.isActive()
        await eventually(window.desk.plan_sheet.plan.isVisible)
        assert deeds.asked == [("plan_undo", "20260131-0942-release")]


async def test_what_cannot_be_undone_here_says_why(qapp: QApplication, eventually: Eventually) -> None:
    async with at_desk(qapp) as (window, deeds):
        deeds.ways = (way_back(hindrance="It was done on another server."),)
        window.desk.history_sheet.open()
        view = window.desk.history_sheet.ways_back
        await eventually(lambda: view.table.model().rowCount() == 1)
        assert not view.undo_button.isEnabled()
        assert view.why.text() == "It was done on another server."
        assert view.forget_button.isEnabled()


async def test_how_much_is_kept_is_chosen(qapp: QApplication) -> None:
    async with at_desk(qapp) as (window, deeds):
        window.desk.history_sheet.open()
        view = window.desk.history_sheet.ways_back.limits
        assert [box.currentText() for box in (view.age, view.deed_bytes, view.all_bytes)] == [
            "24 hours",
            "64 MB",
            "256 MB",
        ]
        press(view.age, Qt.Key.Key_Up)
        press(view.deed_bytes, Qt.Key.Key_Up)
        assert deeds.limits == Limits(16 * 2**20, 256 * 2**20, 8 * 3600.0)


async def test_what_was_set_by_hand_is_offered_too(qapp: QApplication) -> None:
    deeds = StageDeeds(Stage())
    deeds.limits = Limits(age=5400.0)
    assert KeepLimits(deeds, Theme("light")).age.currentText() == "90 minutes"


async def test_an_empty_bin_says_what_it_is_for(qapp: QApplication, eventually: Eventually) -> None:
    async with at_desk(qapp) as (window, _):
        window.desk.history_sheet.open()
        view = window.desk.history_sheet.ways_back
        await eventually(view.nothing.isVisible)
        assert view.nothing.text() == NOTHING
        assert not view.undo_button.isEnabled()


async def test_forgetting_is_asked_about(qapp: QApplication, eventually: Eventually) -> None:
    async with at_desk(qapp) as (window, deeds):
        deeds.ways = (way_back(),)
        window.desk.history_sheet.open()
        view = window.desk.history_sheet.ways_back
        await eventually(lambda: view.forget_button.isEnabled())
        view.forget_button.click()
        assert "can no longer be undone" in view.why.text()
        assert view.keep.hasFocus()
        view.forget_now.click()
        assert deeds.asked == [], "a double click is not carried over"
        view.keep.click()
        assert view.forget_button.isVisible()
        view.forget_button.click()
        view.forget_now.grab()
        view.forget_now._seen_at -= 1  # type: ignore[operator]
        view.forget_now.click()
        await eventually(lambda: view.table.model().rowCount() == 0)
        assert deeds.asked == [("forget", "20260131-0942-release")]


async def test_the_log_is_read_page_by_page_and_filtered(qapp: QApplication, eventually: Eventually) -> None:
    async with at_desk(qapp) as (window, _):
        sheet = window.desk.history_sheet
        sheet.audit._trail = trail = StageAudit(450)
        trail.log[7] = Entry(443, 1_769_876_400, "mara", "admin-7", "x", "ended", {"done": 812, "lock": "cron:vuln"})
        sheet.open()
        sheet.tabs.setCurrentIndex(1)
        view = sheet.audit
        await eventually(lambda: view.table.model().rowCount() == 450)
        assert view.extent.text() == "450 entries"
        assert cells(view.table, 0)[0] == "450"
        assert cells(view.table, 7)[2:] == ["mara on admin-7", "x", "ended", "done: 812, lock: cron:vuln"]
        assert not view.broken.isVisible()
        view.filter.setText("cron:VULN")
        assert view.table.model().rowCount() == 1
        assert view.extent.text() == "1 of 450 entries"


async def test_a_broken_log_says_so(qapp: QApplication, eventually: Eventually) -> None:
    async with at_desk(qapp) as (window, deeds):
        deeds.audit.broken = "Entry 2 does not follow entry 1."
        sheet = window.desk.history_sheet
        sheet.open()
        sheet.tabs.setCurrentIndex(1)
        await eventually(sheet.audit.broken.isVisible)
        assert sheet.audit.broken.sentences == ("Entry 2 does not follow entry 1.",)


async def test_the_log_is_exported_where_a_person_says(
    qapp: QApplication, eventually: Eventually, tmp_path: Path
) -> None:
    async with at_desk(qapp) as (window, deeds):
        sheet = window.desk.history_sheet
        sheet.open()
        sheet.tabs.setCurrentIndex(1)
        sheet.audit.export.click()
        await choose(window, tmp_path / "audit.json", eventually)
        await eventually(lambda: sheet.audit.told.text() == "Exported as audit.json")
        assert deeds.audit.exported == [tmp_path / "audit.json"]
        deeds.audit.refusal = PermissionError(13, "Permission denied")
        sheet.audit.export.click()
        await choose(window, tmp_path / "audit.csv", eventually)
        await eventually(lambda: "could not be exported: Permission denied" in sheet.audit.told.text())
