"""What the window looks like and says: sizes, colours, names, the words of its bars."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QComboBox,
    QFrame,
    QHeaderView,
    QLineEdit,
    QToolButton,
    QWidget,
)

from fleetcache_gui import clock
from fleetcache_gui.domain.snapshot import Inventory, Missing, Phase
from fleetcache_gui.settings import Settings
from fleetcache_gui.ui.statusbar import clock_words, inventory_words, secondhand_words
from fleetcache_gui.ui.topbar import live_words, server_words
from tests.ui.nodes import nodes
from tests.ui.shell import opened, settle
from tests.ui.stage import Stage, vitals
from tests.ui.test_window import painted

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from PySide6.QtWidgets import QApplication

    Eventually = Callable[..., Coroutine[None, None, None]]


@pytest.mark.parametrize("look", ["light", "dark"])
async def test_everything_fits_at_1024_by_700(qapp: QApplication, look: str) -> None:
    async with opened(qapp, look=look) as (window, _):
        window.resize(1024, 700)
        await settle()
        assert (window.width(), window.height()) == (1024, 700)
        top: list[QWidget] = [window.top.live, window.top.field, window.top.pause, window.top.interval]
        for part in (*top, window.top.lock, window.top.more):
            right = part.mapTo(window, QPoint(part.width(), 0)).x()
            assert right <= 1024
            assert part.width() >= part.minimumSizeHint().width()
        assert window.tabs.tabRect(window.tabs.count() - 1).right() <= 1024


async def test_the_look_can_be_changed_at_once(qapp: QApplication) -> None:
    settings = Settings()
    async with opened(qapp, settings=settings) as (window, _):
        light = painted(window).pixelColor(640, 795)
        action = next(action for action in window.actions_table if action.id == "look.dark")
        assert action.trigger()
        await settle()
        dark = painted(window).pixelColor(640, 795)
        assert light.lightness() > 200
        assert dark.lightness() < 60
        assert settings.theme == "dark"


async def test_the_environment_colours_the_frame(qapp: QApplication) -> None:
    async with opened(qapp, Stage(environment="PRODUCTION")) as (window, _):
        assert painted(window).pixelColor(640, 1).name() == "#c4282d"
        assert "PRODUCTION" in window.windowTitle()


async def test_hostile_names_stay_plain_text(qapp: QApplication) -> None:
    stage = Stage(environment="")
    stage.name = "<h1>prod</h1><img src=x>"
    async with opened(qapp, stage) as (window, _):
        assert window.top.name.text() == stage.name
        assert window.top.name.textFormat() is Qt.TextFormat.PlainText
        assert window.top.name.height() < 30


async def test_every_control_has_a_name_and_says_what_it_is_for(qapp: QApplication) -> None:
    async with opened(qapp) as (window, _):
        window.show_family("locks")
        kinds = (QAbstractButton, QLineEdit, QAbstractItemView, QComboBox)
        controls = [widget for widget in window.findChildren(QWidget) if isinstance(widget, kinds)]
        own = [widget for widget in controls if not widget.objectName().startswith("qt_")]
        nameless = [
            widget
            for widget in own
            if not widget.accessibleName()
            and not (isinstance(widget, QAbstractButton) and (widget.text() or not widget.isVisible()))
            and not isinstance(widget, QHeaderView | QToolButton)
            and not isinstance(widget.parent(), QComboBox | QFrame)
        ]
        assert nameless == []
        assert len(own) > 15
        for button in (window.top.pause, window.top.interval, window.top.lock, window.top.more):
            assert button.toolTip()


# --- words ---


def test_what_the_top_bar_says() -> None:
    stage = Stage()
    now = clock.now()
    stage.set_link(Phase.LIVE, last_read=now - 3.2)
    assert live_words(stage.link, now) == "live · 0.8 ms · read 3 s ago"
    stage.set_link(Phase.PAUSED, last_read=now - 90)
    assert live_words(stage.link, now) == "paused · read 1 min ago"
    stage.set_link(Phase.DOWN, last_read=None)
    assert live_words(stage.link, now) == "no connection"
    assert server_words(vitals(now, 1), "10.0.2.11:6379") == "standalone · Valkey 9.1.2"
    assert server_words(None, "10.0.2.11:6379") == "10.0.2.11:6379"
    whole = replace(vitals(now, 1), mode="cluster", nodes=nodes(), replicas=3)
    assert server_words(whole, "10.0.2.11:6379") == "cluster of 3 · Valkey 9.1.2 · 3 replicas"


def test_what_the_status_bar_says() -> None:
    assert inventory_words(Inventory(1000, 637), 50.0) == "inventory 63 %"
    assert inventory_words(Inventory(1000, 1700), 50.0) == "inventory 99 %"
    assert inventory_words(Inventory(1000, 20, finished_at=36.0), 50.0) == "inventory 100 % (14 s ago)"
    assert inventory_words(Inventory(), 50.0) == "inventory starting"
    gap = Missing(((0, 9),), "10.0.0.1:7000", "It is away.")
    partial = Inventory(1000, 20, finished_at=36.0, missing=(gap,))
    assert inventory_words(partial, 50.0) == "inventory partial: slots 0–9 missing"
    grown = Inventory(55_043, 20, finished_at=36.0)
    assert inventory_words(grown, 50.0, 22_700) == "inventory 41 % (22,700 of 55,043 keys known)"
    assert inventory_words(grown, 50.0, 52_000) == "inventory 94 % (52,000 of 55,043 keys known)"
    assert inventory_words(grown, 50.0, 52_500) == "inventory 100 % (14 s ago)", "less than 5 % are new"
    assert inventory_words(grown, 50.0, 60_000) == "inventory 100 % (14 s ago)"
    assert inventory_words(Inventory(300, 0, finished_at=36.0), 50.0, 0) == "inventory 100 % (14 s ago)", "a few"
    stage = Stage()
    stage.set_link(Phase.LIVE, skew=0.3)
    assert clock_words(stage.link, 1_700_000_000) == "server 22:13:20 UTC"
    stage.set_link(Phase.LIVE, skew=-3600.0)
    assert clock_words(stage.link, 1_700_000_000) == "server 21:13:20 UTC, 1 h 00 min behind"


def test_the_age_of_what_replicas_say() -> None:
    figures = vitals(0.0, 0)
    assert secondhand_words(figures) == ""
    assert secondhand_words(replace(figures, role="slave", lag_s=0.0)) == "from a replica, up to 1 s old"
    assert secondhand_words(replace(figures, role="slave", lag_s=None)) == "from a replica, of unknown age"
    cluster = replace(figures, nodes=nodes())
    assert secondhand_words(cluster) == ""
    read = tuple(replace(node, link="live") if node.role == "replica" else node for node in nodes())
    assert secondhand_words(replace(figures, nodes=read)) == "from replicas, up to 2 s old"
    late = tuple(replace(node, lag_s=125.0) if node.lag_s == 1 else node for node in read)
    assert secondhand_words(replace(figures, nodes=late)) == "from replicas, up to 2 min 05 s old"


async def test_it_is_told_that_replicas_are_read(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        assert not window.status.secondhand.isVisibleTo(window)
        assert stage.vitals is not None
        stage.vitals = replace(stage.vitals, role="slave", lag_s=3.0)
        window.status.tick()
        assert window.status.secondhand.isVisibleTo(window)
        assert window.status.secondhand.text() == "from a replica, up to 3 s old"


async def test_the_inventory_is_not_whole_when_the_keys_have_grown(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):

        def told(keys: int, inventory: Inventory) -> str:
            assert stage.vitals is not None
            stage.vitals, stage.inventory = replace(stage.vitals, keys=keys), inventory
            stage.inventory_changed.emit(inventory)
            return window.status.inventory.text()

        ended = clock.now()
        assert told(22_700, Inventory(22_700, 22_700, ended)).startswith("inventory 100 %")
        assert told(22_700, Inventory(22_700, 1_000, ended)).startswith("inventory 100 %"), "the next sweep has begun"
        assert told(55_043, Inventory(22_700, 1_000, ended)) == "inventory 41 % (22,700 of 55,043 keys known)"
        assert told(55_043, Inventory(55_043, 40_000, ended)) == "inventory 72 % (40,000 of 55,043 keys known)"
        assert told(55_043, Inventory(55_043, 55_043, ended + 0.1)).startswith("inventory 100 %")
        assert told(90_000, Inventory(90_000, 9_000)) == "inventory 10 %", "another connection begins anew"


async def test_the_status_bar_follows_the_session(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        assert window.status.keys.text() == "1,047,193 keys"
        assert window.status.inventory.text() == "inventory 100 % (14 s ago)"
        assert window.status.load.text() == "our load 0.2 % of a core"
        assert window.status.refused.isHidden()
        assert stage.vitals is not None
        stage.vitals, stage.inventory = replace(stage.vitals, keys=1000), Inventory(1000, 400, refused=1204)
        stage.inventory_changed.emit(stage.inventory)
        assert window.status.inventory.text() == "inventory 40 %"
        assert window.status.refused.text() == "1,204 keys may not be read"
        assert "ACL" in window.status.refused.toolTip()
