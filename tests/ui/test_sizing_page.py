"""Sizing in the window: as it is now, and as somebody thinks it may be."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from fleetcache_gui import clock
from fleetcache_gui.domain.snapshot import Snapshot
from fleetcache_gui.domain.weights import Weight, Weights
from fleetcache_gui.families.spec.sizing import PARTS
from fleetcache_gui.ui.quantity import Quantity
from fleetcache_gui.ui.sizing_page import SizingPage
from fleetcache_gui.ui.theme import Theme
from tests.ui.shell import opened, settle
from tests.ui.stage import LAYOUT, Stage

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from fleetcache_gui.ui.window import MainWindow

NAMES = {"installer_tokens": "tokens"}


def sized() -> Stage:
    stage = Stage()
    parts = tuple(dataclasses.replace(part, family=NAMES.get(part.family, part.family)) for part in PARTS)
    stage.layout = dataclasses.replace(LAYOUT, parts=parts)
    return stage


def page_of(window: MainWindow) -> SizingPage:
    window.show_section("sizing")
    page = window.home.page("sizing")
    assert isinstance(page, SizingPage)
    return page


def texts(page: SizingPage, row: int) -> list[str]:
    model = page.table.model()
    return [str(model.index(row, column).data()) for column in range(6)]


async def test_it_begins_with_what_there_is(qapp: QApplication) -> None:
    async with opened(qapp, sized()) as (window, stage):
        snapshot = stage.snapshot("tokens")
        assert snapshot is not None
        stage.weights = Weights({"tokens": Weight(200.0 * len(snapshot.rows), len(snapshot.rows), len(snapshot.rows))})
        page = page_of(window)
        assert page.hosts.value == 50_000
        assert page.backlog.value == 48_204
        assert page.tokens.value == snapshot.count
        assert texts(page, 3)[1:4] == [f"{snapshot.count:,}", "120 B", "200 B"]
        assert texts(page, 0)[3] == "–"
        assert not page.like_now.isEnabled()
        later = Snapshot("tokens", snapshot.rows[:3], 3, clock.now(), complete=True)
        stage._snapshots["tokens"] = later
        page.tick()
        assert page.tokens.value == 3


async def test_what_is_chosen_stays_until_it_is_let_go(qapp: QApplication) -> None:
    async with opened(qapp, sized()) as (window, _):
        page = page_of(window)
        page.campaigns.field.setValue(500)
        page.backlog.field.setValue(5_000_000)
        page.tick()
        assert page.load.campaigns == 500
        assert texts(page, 0)[1] == "500"
        assert "maxmemory 6gb" in page.advice.toPlainText() or "maxmemory 4gb" in page.advice.toPlainText()
        page.grab()
        page.copy.click()
        assert QGuiApplication.clipboard().text() == page.advice.toPlainText()
        page.like_now.click()
        assert page.load.backlog == 48_204
        assert not page.like_now.isEnabled()


@pytest.mark.parametrize("look", ["light", "dark"])
async def test_it_draws_with_a_limit_and_without(qapp: QApplication, look: str) -> None:
    async with opened(qapp, sized(), look=look) as (window, stage):
        page = page_of(window)
        for limit in (None, 0, 1024, 2**40):
            assert stage.vitals is not None
            stage.vitals = dataclasses.replace(stage.vitals, memory_limit=limit)
            page.tick()
            assert not page.bars.grab().isNull()
        await settle()


def test_a_slider_gives_round_numbers_over_decades_and_nothing_at_its_left_end(qapp: QApplication) -> None:
    quantity = Quantity("Hosts", "", 1_000_000, Theme("dark"))
    seen: list[int] = []
    quantity.changed.connect(lambda: seen.append(quantity.value))
    for place in (400, 200, 0):
        quantity.slider.setValue(place)
    assert seen[0] == 1_000_000
    assert 900 <= seen[1] <= 1100
    assert seen[2] == 0
    quantity.set_value(10_237)
    assert (len(seen), quantity.value) == (3, 10_237)
    QTest.keyClick(quantity.slider, Qt.Key.Key_Right)
    assert quantity.value != 10_237
    assert str(quantity.value).rstrip("0").__len__() <= 2
    quantity.deleteLater()
