"""The overview's table of a cluster's nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from fleetcache_gui.domain.snapshot import NodeVitals
from fleetcache_gui.settings import Settings
from fleetcache_gui.ui.attention import Attention
from fleetcache_gui.ui.node_list import MOST_ROWS, NodeList, cells, explained, in_groups
from fleetcache_gui.ui.overview import Overview
from fleetcache_gui.ui.theme import Theme
from tests.ui.nodes import nodes
from tests.ui.stage import Stage

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication


def column(table: NodeList, number: int) -> list[object]:
    model = table.model()
    return [model.index(row, number).data(Qt.ItemDataRole.DisplayRole) for row in range(model.rowCount())]


def test_each_primary_is_followed_by_its_replicas() -> None:
    orphan = NodeVitals("f" * 40, "10.0.9.9:6379", "replica")
    assert [node.address for node in in_groups((*nodes(), orphan))] == [
        *("10.0.2.11:6379", "10.0.3.11:6379", "10.0.2.12:6379", "10.0.3.12:6379"),
        *("10.0.2.13:6379", "10.0.3.13:6379", "10.0.9.9:6379"),
    ]


def test_what_stands_in_a_row() -> None:
    first, lost, *_, copy = nodes(1)
    assert cells(first) == ("10.0.2.11:6379", "primary", "5,461", "270.0 MB", "347,000", "21", "", "live")
    assert cells(lost) == ("10.0.2.12:6379", "primary", "5,462", "–", "–", "–", "", "away")
    assert cells(copy) == ("10.0.3.13:6379", "replica", "", "–", "–", "–", "2 s", "in step")
    assert explained(first).startswith("10.0.2.11:6379: Serves slots 0–5460. Its memory may grow to 1.0 GB.")
    assert "A replica of 10.0.2.13:6379." in explained(copy)


async def test_only_a_cluster_has_nodes(qapp: QApplication) -> None:
    stage = Stage()
    overview = Overview(stage, Theme("dark"), Attention(stage, Settings()))  # type: ignore[arg-type]
    stage.go_live()
    assert overview.nodes_part.isHidden()
    stage.go_cluster(1)
    assert not overview.nodes_part.isHidden()
    assert column(overview.nodes, 7) == ["live", "in step", "away", "in step", "live", "in step"]
    overview.resize(1200, 900)
    overview.grab()
    overview.deleteLater()


async def test_news_of_the_same_nodes_keep_the_rows_and_others_replace_them(qapp: QApplication) -> None:
    table = NodeList(Theme("light"))
    resets: list[None] = []
    table.model().modelReset.connect(lambda: resets.append(None))
    table.show_nodes(nodes(), stale=False)
    table.show_nodes(nodes(2), stale=True)
    assert len(resets) == 1
    assert column(table, 7)[4] == "away"
    table.show_nodes(nodes()[:2], stale=False)
    assert (len(resets), table.model().rowCount()) == (2, 2)
    many = [NodeVitals(f"{n:040}", f"10.0.{n}.1:6379", "primary") for n in range(MOST_ROWS + 9)]
    heights = [table.height()]
    for count in (MOST_ROWS, MOST_ROWS + 9):
        table.show_nodes(many[:count], stale=False)
        heights.append(table.height())
    assert heights[0] < heights[1] == heights[2]
    table.deleteLater()


async def test_the_role_gives_way_in_little_room(qapp: QApplication) -> None:
    table = NodeList(Theme("dark"))
    table.show_nodes(nodes(), stale=False)
    for width, hidden in ((560, True), (800, False)):
        table.resize(width, 200)
        table.grab()
        assert table.isColumnHidden(1) is hidden
    table.deleteLater()
