"""Pictures of the overview, healthy and sick, of the metrics and of alerts, on real servers. See `docs_pictures`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import redis

from fleetcache_gui import shell
from fleetcache_gui.deeds import Deeds
from fleetcache_gui.domain.family import Expected
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.redis_io.address import Address
from fleetcache_gui.session import Session
from fleetcache_gui.settings import Settings
from fleetcache_gui.ui.metrics_page import MetricsPage
from fleetcache_gui.ui.theme import Theme
from tests.live.readers import fill
from tests.servers import REDIS_7, Server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from fleetcache_gui.ui.window import MainWindow

    Draw = Callable[[MainWindow, Theme], Awaitable[None]]

WATCHED = 80.0
"""Seconds over which memory fills up, keys are evicted, and it is emptied again."""

_LIMIT = 24_000_000


async def traffic(server: Server, seconds: float, *, pressure: bool) -> None:
    """What a few clients do; with `pressure` they write more than there is room for, and slow scripts run."""
    loop = asyncio.get_running_loop()
    with redis.Redis(port=server.port, client_name="api-1") as client:
        end, n = loop.time() + seconds, 0
        while loop.time() < end:
            n += 1
            pipeline = client.pipeline(transaction=False)
            for k in range(20 + n // 8 % 30):
                pipeline.get("cache:app_config")
                if k % 9 == n // 40 % 9 or k % 17 == 0:
                    pipeline.get(f"cache:team:{k}")  # which is in no cache
                pipeline.sadd("live_query:campaign:7:hosts_completed", n * 100 + k)
                pipeline.set(f"rate_limit:login:10.0.0.{k}", n, px=900)
            if pressure:
                pipeline.set(f"cache:host_detail:{n}", "x" * 60_000, ex=600)
            if pressure and n % 60 == 0:
                pipeline.eval("local n = 0 for i = 1, 3000000 do n = n + i end return n", 1, "lock:cron:vuln")
            pipeline.set("cache:app_config", "{}", px=5000)
            pipeline.execute()
            await asyncio.sleep(0.1)


async def watched(server: Server, environment: str, kept: Path, seconds: float, draw: Draw, *, pressure: bool) -> None:
    """A window on a server at work; `draw` takes the pictures when so many seconds have passed."""
    address = Address(server.host, server.port)
    session = Session(address, SPEC, name="prod-eu", environment=environment, expected=Expected(5000), interval=1.0)
    theme = Theme("dark")
    async with shell.window(session, Deeds(session, address, kept), theme, Settings(theme="dark")) as window:
        window.resize(1280, 800)
        async with asyncio.TaskGroup() as group:
            working = group.create_task(traffic(server, seconds + 60, pressure=pressure))
            await asyncio.sleep(seconds)
            await draw(window, theme)
            working.cancel()


async def healthy(folder: Path, kept: Path) -> None:
    """Nothing is wrong."""
    with Server(REDIS_7, "--maxmemory", "256mb", "--maxmemory-policy", "allkeys-lru") as server:
        fill(server)
        server.call("DEL", "other")

        async def draw(window: MainWindow, theme: Theme) -> None:
            await take(window, theme, folder, "overview-healthy")

        await watched(server, "PRODUCTION", kept, WATCHED / 4, draw, pressure=False)


async def sick(folder: Path, kept: Path) -> None:
    """More is written than there is room for."""
    options = ("--maxmemory", str(_LIMIT), "--maxmemory-policy", "allkeys-random", "--maxmemory-samples", "10")
    with Server(REDIS_7, *options) as server:
        fill(server)

        async def draw(window: MainWindow, theme: Theme) -> None:
            await take(window, theme, folder, "overview-sick")
            window.show_section("metrics")
            page = window.home.page("metrics")
            assert isinstance(page, MetricsPage)
            window.resize(1280, 1560)
            await asyncio.sleep(1.0)
            first, last = page.view.range
            page.view.point(page.charts[0]._nearest(first + 0.6 * (last - first)))
            await take(window, theme, folder, "metrics")
            window.resize(1280, 800)
            window.desk.alerts_sheet.open()
            await take(window, theme, folder, "alerts")

        await watched(server, "PRODUCTION", kept, WATCHED, draw, pressure=True)


async def take(window: MainWindow, theme: Theme, folder: Path, name: str) -> None:
    """One picture in each look."""
    for mode in ("light", "dark"):
        theme.mode = mode  # type: ignore[assignment]
        await asyncio.sleep(0.3)
        window.grab().save(str(folder / f"{name}-{mode}.png"))
