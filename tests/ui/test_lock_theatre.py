"""The lock theatre: lanes that tell everything, and lead to the lock."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from fleetcache_gui import clock
from fleetcache_gui.domain.values import Claim, Expiry
from fleetcache_gui.ui.lane_chart import AXIS, LANE, NAMES
from fleetcache_gui.ui.lock_theatre import LockTheatre
from tests.ui.shell import opened, settle
from tests.ui.stage import LAYOUT, Stage

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from fleetcache_gui.domain.family import Row


def claim(row: Row) -> Claim | None:
    return Claim("api-1", b"1", Expiry(row.at, 60.0))


def theatre_stage() -> Stage:
    stage = Stage()
    families = tuple(
        dataclasses.replace(family, claim=claim) if family.id == "locks" else family for family in LAYOUT.families
    )
    stage.layout = dataclasses.replace(LAYOUT, families=families)
    return stage


def note(stage: Stage, at: float, **held: tuple[str, float]) -> None:
    """Locks by name with holder and seconds left."""
    rows = [row for row in stage.snapshot("locks").rows if row.id.decode().rpartition(":")[2] in held]  # type: ignore[union-attr]

    def claimed(row: Row) -> Claim:
        holder, left = held[row.id.decode().rpartition(":")[2]]
        return Claim(holder, holder.encode(), Expiry(at + left, 60.0))

    stage.lanes.note("locks", rows, at, claimed)


async def test_each_lock_has_a_lane_that_tells_and_leads(qapp: QApplication) -> None:
    async with opened(qapp, theatre_stage()) as (window, stage):
        now = clock.now()
        note(stage, now - 60, vuln=("api-1", 60.0))
        note(stage, now - 30, vuln=("api-1", 60.0))
        note(stage, now - 10, vuln=("api-2", 60.0), cleanups=("worker-1", 5.0))
        note(stage, now - 1, vuln=("api-2", 51.0))
        window.show_section("locks")
        page = window.home.page("locks")
        assert isinstance(page, LockTheatre)
        await settle()
        assert page.extent.text() == "2 locks, 1 held now"
        cleanups, vuln = stage.lanes.lanes
        first, second = vuln.stints
        said = page.chart.told(first)
        assert "held already" in said
        assert "renewed 1 time" in said
        assert "another holder" in said
        assert "unless it is renewed" in page.chart.told(second)
        assert "ran out" in page.chart.told(cleanups.stints[0])
        x = int(page.chart._x(now - 30))
        assert page.chart._stint_at(x, AXIS + LANE * 1.5) is first
        assert page.chart._stint_at(NAMES - 5, AXIS + LANE * 1.5) is None
        page.grab()
        QTest.mouseClick(
            page.chart, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(x, AXIS + LANE + 5)
        )
        assert window.current == "locks"


async def test_past_times_stay_while_they_are_looked_at(qapp: QApplication) -> None:
    async with opened(qapp, theatre_stage()) as (window, stage):
        note(stage, clock.now() - 100, vuln=("api-1", 60.0))
        window.show_section("locks")
        page = window.home.page("locks")
        assert isinstance(page, LockTheatre)
        chart = page.chart
        QTest.keyClick(chart, Qt.Key.Key_Left)
        assert not chart.follows
        x = 500
        at = chart._time(x)
        later = clock.now() + 40
        chart.show_lanes(stage.lanes.lanes, later, 0.0)
        assert abs(chart._time(x) - at) < 0.5
        page.tick()
        page.now.click()
        assert chart.follows
        before = chart.span
        QTest.keyClick(chart, Qt.Key.Key_Plus)
        assert chart.span < before


async def test_without_locks_it_says_so(qapp: QApplication) -> None:
    async with opened(qapp, theatre_stage()) as (window, _):
        window.show_section("locks")
        page = window.home.page("locks")
        assert isinstance(page, LockTheatre)
        assert page.nothing.isVisible()
