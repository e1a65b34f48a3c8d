"""The window of a server whose layout is not known yet, or turns out to be another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import redis

from fleetcache_gui import aio, settings
from fleetcache_gui.cli import windows
from fleetcache_gui.domain.family import Expected
from fleetcache_gui.domain.server_health import OTHER_LAYOUT
from fleetcache_gui.domain.snapshot import Phase
from fleetcache_gui.families.layouts import BOTH
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.families.upstream import UPSTREAM
from fleetcache_gui.profiles import store
from fleetcache_gui.profiles.profile import Profile
from fleetcache_gui.ui.window import MainWindow
from tests.live.readers import fill
from tests.proxy import Proxy

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from PySide6.QtWidgets import QApplication

    from tests.servers import Server

    Eventually = Callable[..., Coroutine[Any, Any, None]]


@pytest.fixture(autouse=True)
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "default_path", lambda: tmp_path / "settings.json")
    monkeypatch.setattr(settings, "data_folder", lambda: tmp_path / "data")
    monkeypatch.setattr(store, "default_path", lambda: tmp_path / "profiles.json")


def shown(app: QApplication) -> MainWindow | None:
    windows_ = [each for each in app.topLevelWidgets() if isinstance(each, MainWindow) and each.isVisible()]
    assert len(windows_) <= 1
    return windows_[0] if windows_ else None


def layout_of(app: QApplication) -> str:
    window = shown(app)
    return window._session.layout.id if window else ""


def watch(port: int) -> asyncio.Task[int]:
    profile = Profile([f"127.0.0.1:{port}"], interval=0.5)
    return aio.spawn(windows._watch(profile, profile.address(), Expected()), name="watch")


async def leave(app: QApplication, watching: asyncio.Task[int]) -> None:
    window = shown(app)
    assert window is not None
    window.close()
    assert await watching == 0


async def test_another_layout_is_a_press_away(qapp: QApplication, valkey: Server, eventually: Eventually) -> None:
    fill(valkey)
    watching = watch(valkey.port)
    await eventually(lambda: layout_of(qapp) == SPEC.id)
    window = shown(qapp)
    assert window is not None
    with redis.Redis(port=valkey.port) as client:
        client.sadd("livequery:active", 7)

    def offered() -> bool:
        return any(card._finding.judgement.code == OTHER_LAYOUT for card in window.overview.cards.cards)

    await eventually(offered)
    card = next(card for card in window.overview.cards.cards if card._finding.judgement.code == OTHER_LAYOUT)
    assert card.button.isVisibleTo(window)
    assert card.button.text() == "Show both"
    card.button.click()
    await eventually(lambda: layout_of(qapp) == BOTH.id)
    window = shown(qapp)
    assert window is not None
    await eventually(lambda: window._session.link.phase is Phase.LIVE)
    actions = {action.id: action for action in window.actions_table}
    assert not actions["layout.both"].trigger()  # it is shown
    assert actions["layout.upstream"].trigger()
    await eventually(lambda: layout_of(qapp) == UPSTREAM.id)
    await leave(qapp, watching)


async def test_a_slow_server_is_waited_for_with_the_window_open(
    qapp: QApplication, valkey: Server, eventually: Eventually
) -> None:
    valkey.call("SADD", "livequery:active", "7")
    with Proxy(valkey.host, valkey.port) as proxy:
        proxy.latency = 0.4
        watching = watch(proxy.port)
        await eventually(lambda: layout_of(qapp) == SPEC.id)
        assert shown(qapp) is not None
        await eventually(lambda: layout_of(qapp) == UPSTREAM.id)
        await leave(qapp, watching)


async def test_a_frozen_server_keeps_nobody_from_a_window(
    qapp: QApplication, valkey: Server, eventually: Eventually
) -> None:
    valkey.call("SADD", "livequery:active", "7")
    with valkey.frozen():
        watching = watch(valkey.port)
        await eventually(lambda: layout_of(qapp) == SPEC.id)
        await leave(qapp, watching)
