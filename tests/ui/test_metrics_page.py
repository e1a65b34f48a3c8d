"""The section of charts in the window."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from fleetcache_gui.domain.slow_log import SlowCall, SlowLog
from fleetcache_gui.domain.snapshot import Persistence
from fleetcache_gui.domain.weights import Weight, Weights
from fleetcache_gui.ui.files_card import EACH_NODE
from fleetcache_gui.ui.metrics_page import MetricsPage
from tests.ui.shell import opened, settle

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from PySide6.QtWidgets import QApplication

    from fleetcache_gui.ui.window import MainWindow
    from tests.ui.stage import Stage

    Eventually = Callable[..., Coroutine[Any, Any, None]]


def page_of(window: MainWindow) -> MetricsPage:
    window.show_section("metrics")
    page = window.home.page("metrics")
    assert isinstance(page, MetricsPage)
    return page


def cluster(stage: Stage) -> None:
    """A cluster of which each primary tells its own figures."""
    stage.go_cluster()
    earlier = [replace(v, at=v.at - 10) for v in stage.history]
    stage.history.clear()
    stage.history.extend(earlier)
    for n in range(3):
        last = stage.history[-1]
        nodes = tuple(
            replace(node, figures=replace(last, at=last.at + 1, memory=(n + 1) * 2**20, nodes=()))
            if node.role == "primary"
            else node
            for node in last.nodes
        )
        stage.history.append(replace(last, at=last.at + 1, nodes=nodes))
    stage.vitals_changed.emit(stage.history[-1])


async def test_it_is_made_when_it_is_shown_and_rests_while_it_is_hidden(
    qapp: QApplication, eventually: Eventually
) -> None:
    async with opened(qapp) as (window, stage):
        assert window.home.page("metrics") is None
        page = page_of(window)
        await eventually(lambda: not page._waiting)
        assert page.charts[0].described().startswith("now: used 8")
        window.show_section("now")
        stage.vitals_changed.emit(stage.vitals)
        assert page._waiting == []
        assert not page._turn.isActive()


async def test_a_new_reading_is_shown_but_not_under_a_zoom(qapp: QApplication, eventually: Eventually) -> None:
    async with opened(qapp) as (window, stage):
        page = page_of(window)
        last = stage.history[-1]
        stage.history.append(replace(last, at=last.at + 1, blocked=77))
        stage.vitals_changed.emit(stage.history[-1])
        blocked = next(chart for chart in page.charts if chart.subject.id == "blocked")
        await eventually(lambda: "waiting 77" in blocked.described())
        page.view.show(last.at - 100, last.at - 50)
        assert page.whole.isVisible()
        await eventually(lambda: not page._waiting)
        stage.vitals_changed.emit(stage.history[-1])
        assert page._waiting == [], "what is looked at closely stays"
        page.whole.click()
        assert not page.whole.isVisible()


async def test_a_node_of_a_cluster_is_reached_from_the_table_of_nodes(
    qapp: QApplication, eventually: Eventually
) -> None:
    async with opened(qapp) as (window, stage):
        cluster(stage)
        nodes = window.overview.nodes
        nodes.clicked.emit(nodes.model().index(2, 0))
        page = window.home.page("metrics")
        assert isinstance(page, MetricsPage)
        assert window.home.current == "metrics"
        assert page.scope.currentText() == "10.0.2.12:6379 (primary)"
        await eventually(lambda: "used 3.0 MB" in page.charts[0].described())
        assert "10.0.2.12:6379" in page.charts[0].caption
        assert [v.memory for v in page.history] == [2**20, 2 * 2**20, 3 * 2**20]
        page.scope.activated.emit(0)
        assert page.history is stage.history
        assert page.files.note.text() == EACH_NODE


async def test_a_replica_that_is_not_read_has_no_charts(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        cluster(stage)
        nodes = window.overview.nodes
        nodes.clicked.emit(nodes.model().index(1, 0))
        assert window.home.current == "now"
        page = page_of(window)
        assert [page.scope.itemText(n) for n in range(page.scope.count())] == [
            "The whole cluster",
            *(f"10.0.2.{n}:6379 (primary)" for n in (11, 12, 13)),
        ]
        page.choose_node("no such node")
        assert page.scope.currentIndex() == 0


async def test_a_server_by_itself_has_no_choice_of_nodes(qapp: QApplication) -> None:
    async with opened(qapp) as (window, _):
        assert not page_of(window).scope.isVisible()


async def test_slow_calls_are_listed_and_ours_marked(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        card = page_of(window).slow_log
        assert card.note.text() == "It has not been read yet."
        calls = (
            SlowCall("", 7, time.time(), 0.0123, "SMEMBERS", "live_query:active", "api-1"),
            SlowCall("", 6, time.time() - 90, 12.0, "SCAN", "", "fleetcache-inspector-7", ours=True),
        )
        stage.slow_log = SlowLog(calls, 31, read=True)
        stage.slow_log_changed.emit()
        assert card.summary.text() == "31 calls · 1 of these ours"
        cells = [[card.model.index(row, column).data() for column in range(1, 5)] for row in range(2)]
        assert cells == [
            ["12.3 ms", "SMEMBERS", "live_query:active", "api-1"],
            ["12 s", "SCAN", "", "this inspector"],
        ]
        stage.slow_log = SlowLog(refused="The account may not use SLOWLOG.", read=True)
        stage.slow_log_changed.emit()
        assert card.note.isVisible()
        assert card.note.text() == "The account may not use SLOWLOG."
        stage.slow_log = SlowLog(read=True)
        stage.slow_log_changed.emit()
        assert card.note.text().startswith("No call took longer")


async def test_files_and_the_last_start_are_told(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        page = page_of(window)
        assert stage.vitals is not None
        files = Persistence(
            saved_at=int(time.time()) - 90, unsaved=1234, save_s=0, aof=True, rewrite_s=3, fork_s=0.0021
        )
        stage.history.append(replace(stage.vitals, uptime=7200, persistence=files))
        page.refresh()
        told = page.files.told
        assert told["Running for"].startswith("2 h 00 min, since")
        assert told["Data file (RDB)"].startswith("last good 1 min 3")
        assert told["Changes since then"] == "1,234"
        assert told["Append-only file"] == "on, fine; last rewrite in 3.0 s"
        assert told["Stood still to fork"] == "2.1 ms, the last time"
        stage.history.append(replace(stage.vitals, persistence=replace(files, save_failed=True, aof=False)))
        page.refresh()
        assert page.files.told["Data file (RDB)"] == "could not be written the last time"
        assert page.files.told["Append-only file"] == "off"


async def test_the_memory_of_a_family_stands_in_its_list_and_its_head(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        stage.weights = Weights({"locks": Weight(2048, 5, 5), "tokens": Weight(41 * 2**20, 12_031, 64, 2**20)})
        stage.weights_changed.emit()
        model = window.overview.families.model()
        assert [model.index(row, 2).data() for row in (0, 1, 4)] == ["", "2.0 KB", "≈ 41.0 MB"]
        window.show_family("tokens")
        await settle()
        page = window.page
        assert page is not None
        assert page._counts._whole.endswith("≈ 41.0 MB, from 64 of 12,031 keys")
        stage.weights = Weights(refused="The account may not use MEMORY USAGE.")
        stage.weights_changed.emit()
        assert "may not use MEMORY USAGE" in str(model.index(1, 2).data(3))


async def test_columns_follow_the_width(qapp: QApplication) -> None:
    async with opened(qapp) as (window, _):
        page = page_of(window)
        columns = []
        for width in (960, 1280, 1920):
            window.resize(width, 800)
            await settle()
            first = page.cards[0].y()
            columns.append(sum(card.y() == first for card in page.cards))
        assert columns == [2, 2, 3]
