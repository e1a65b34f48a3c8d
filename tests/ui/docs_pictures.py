"""`python -m tests.ui.docs_pictures DIR`: the pictures of the documents that the demo on one server does not show.

A cluster, an outage, an upstream server and the window of connections, each real, light and dark.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import redis
from PySide6.QtWidgets import QApplication

from fleetcache_gui import app, shell
from fleetcache_gui.deeds import Deeds
from fleetcache_gui.demo import RATE_LIMITS, EmbeddedCluster, SimulatedFleet
from fleetcache_gui.domain.family import Expected
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.families.upstream import UPSTREAM
from fleetcache_gui.profiles import store
from fleetcache_gui.profiles.profile import Profile, TlsPart, TunnelPart
from fleetcache_gui.redis_io.address import Address, parse_url
from fleetcache_gui.session import Session
from fleetcache_gui.settings import Settings
from fleetcache_gui.ui.connection_editor import ConnectionEditor
from fleetcache_gui.ui.theme import Theme
from tests.live.readers import fill
from tests.servers import VALKEY, Server
from tests.ui.docs_metrics import healthy, sick
from tests.ui.docs_sections import sections
from tests.upstream_fleet import disorder, populate

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

WATCHED = 12.0
"""Seconds before a picture is taken."""

PROFILES = (
    Profile(
        name="prod-eu",
        environment="production",
        addresses=["cache.eu.example.com:6379"],
        user="inspector",
        tls=TlsPart(ca_file="/etc/ssl/example-ca.pem"),
        tunnel=TunnelPart(address="bastion.example.com", user="admin"),
        never_unlock=True,
    ),
    Profile(name="staging", environment="staging", addresses=["10.0.4.12:6379"]),
    Profile(name="laptop", environment="development", addresses=["localhost:6379"]),
)


async def take(widget: QWidget, theme: Theme, folder: Path, name: str) -> None:
    """One picture in each look."""
    for mode in ("light", "dark"):
        theme.mode = mode
        await asyncio.sleep(0.3)
        widget.grab().save(str(folder / f"{name}-{mode}.png"))


async def cluster(folder: Path, kept: Path) -> None:
    """The simulated Fleet on six servers."""
    async with EmbeddedCluster() as source:
        fleet = SimulatedFleet(source.url, hosts=5000, cluster=True)
        address = parse_url(source.url)
        session = Session(address, SPEC, name="Demo fleet", environment="DEMO", expected=Expected(5000, RATE_LIMITS))
        async with asyncio.TaskGroup() as group:
            working = group.create_task(fleet.run())
            theme = Theme("dark")
            async with shell.window(session, Deeds(session, address, kept), theme, Settings(theme="dark")) as window:
                window.resize(1280, 1080)
                await asyncio.sleep(WATCHED)
                await take(window, theme, folder, "cluster")
            working.cancel()


async def outage(folder: Path, kept: Path) -> None:
    """A server that is killed while it is watched."""
    with Server(VALKEY) as server:
        fill(server)
        address = Address(server.host, server.port)
        session = Session(address, SPEC, name="prod-eu", environment="PRODUCTION", interval=0.5)
        theme = Theme("dark")
        async with shell.window(session, Deeds(session, address, kept), theme, Settings(theme="dark")) as window:
            window.resize(1280, 800)
            await asyncio.sleep(WATCHED / 3)
            server.kill()
            await asyncio.sleep(WATCHED / 3)
            await take(window, theme, folder, "outage")


async def upstream(folder: Path, kept: Path) -> None:
    """What today's Fleet keeps, with the orphans of a real incident."""
    with Server(VALKEY) as server:
        with redis.Redis(port=server.port) as client:
            disorder(populate(client))
        address = Address(server.host, server.port)
        session = Session(address, UPSTREAM, name="fleet-staging", environment="STAGING")
        theme, deeds = Theme("dark"), Deeds(session, address, kept)
        async with shell.window(session, deeds, theme, Settings(theme="dark")) as window:
            window.resize(1280, 800)
            await asyncio.sleep(WATCHED / 2)
            family = session.layout.families[0]
            await app._compose(session, window, family.id)
            await take(window, theme, folder, "upstream")
            assert await deeds.unlock(deeds.unlock_word) == ""
            window.desk.do_in_bulk(family, next(v for v in family.verbs if v.id.endswith(".cleanup-all")))
            plan = window.desk.plan_sheet.plan
            async with asyncio.timeout(10):
                while not plan.isVisible():
                    await asyncio.sleep(0.05)
            await take(window, theme, folder, "upstream-plan")
            window.desk.plan_sheet.close_up()


async def connections(folder: Path, kept: Path) -> None:
    """The window of connections."""
    profiles = kept / "profiles.json"
    store.save(PROFILES, profiles)
    theme = Theme("dark")
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    theme.apply(application)
    editor = ConnectionEditor(theme, profiles, SPEC.samples)
    editor.show()
    await asyncio.sleep(1.0)
    await take(editor, theme, folder, "connections")
    await editor.end()
    editor.deleteLater()


async def main() -> int:
    folder = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as kept:
        for draw in (cluster, outage, upstream, connections, healthy, sick, sections):
            await draw(folder, Path(kept))
    return 0


if __name__ == "__main__":
    sys.exit(shell.run(main))
