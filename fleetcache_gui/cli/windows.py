"""The commands that show a window, or draw it."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, cast

import msgspec

from fleetcache_gui import app, settings
from fleetcache_gui.cli.layouts import AUTO, find
from fleetcache_gui.cli.told import Failure, say
from fleetcache_gui.deeds import Deeds
from fleetcache_gui.demo import (
    RATE_LIMITS,
    EmbeddedCluster,
    EmbeddedServer,
    ExternalServer,
    NoEmbeddedServer,
    QueueForm,
    ServerRefused,
    SimulatedFleet,
)
from fleetcache_gui.domain.family import Expected
from fleetcache_gui.domain.words import count
from fleetcache_gui.families.layouts import PINNED, elsewhere
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.profiles import store
from fleetcache_gui.redis_io.address import Address, parse_url
from fleetcache_gui.redis_io.faults import Trouble
from fleetcache_gui.session import Session

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fleetcache_gui.cli.login import Chosen
    from fleetcache_gui.domain.layout import Layout
    from fleetcache_gui.profiles.profile import Profile

    Show = Callable[[Session, Deeds], Awaitable[int]]

FOLDER = Path("demo-pictures")
"""Where the demo draws to on a machine without a display."""

_WATCHED = 15.0
"""Seconds of the simulated time, at its usual speed or faster, before the demo is drawn."""
_WATCHED_LEAST = 3.0


def inspect(
    chosen: Chosen,
    expected: Expected,
    *,
    name: str,
    environment: str,
    layout: str,
    interval: float | None,
    never_unlock: bool,
    replicas: bool,
) -> int:
    """Open the window on a server; what the arguments say goes before what the profile says."""
    _need_display()
    profile = chosen.profile
    told = msgspec.structs.replace(
        profile,
        name=name or profile.name,
        environment=environment or profile.environment,
        layout=profile.layout if layout == AUTO else layout,
        interval=interval or profile.interval,
        never_unlock=never_unlock or profile.never_unlock,
    )
    if told.layout not in ("", AUTO, *PINNED):
        raise Failure(f"There is no layout {told.layout!r}. There are {', '.join((AUTO, *PINNED))}.")
    return app.run(lambda: _watch(told, chosen.address, expected, replicas=replicas))


def connect() -> int:
    """The window of connections, and then that of the server that was chosen there."""
    _need_display()

    async def main() -> int:
        chosen = await app.choose_connection(store.default_path(), settings.default_path(), SPEC.samples)
        return 0 if chosen is None else await _watch(*chosen, Expected())

    return app.run(main)


async def _watch(profile: Profile, address: Address, expected: Expected, *, replicas: bool = False) -> int:
    name = profile.name
    if name and address.tls and not address.tls.verify:  # an address by itself says it too
        name += " (certificate NOT VERIFIED)"
    try:
        layout = await find(address, profile.layout or AUTO)
    except Trouble:  # the window tells of it, and tries again
        layout = SPEC
    session = Session(
        address,
        layout,
        name=name,
        environment=profile.environment.upper(),
        expected=expected,
        elsewhere=elsewhere(layout),
        replicas=replicas,
    )
    deeds = Deeds(session, address, settings.data_folder(), never=profile.never_unlock)
    return await app.watch(session, deeds, settings.default_path(), profile.interval)


def demo(
    *, cluster: bool, hosts: int, seed: int, speed: float, queue: str, server: str | None, pictures: Path | None
) -> int:
    """The simulated Fleet in a window; in pictures on a machine without a display, or when asked."""
    seconds = max(_WATCHED / max(speed, 1.0), _WATCHED_LEAST)
    if pictures is None and not app.has_display():
        say(f"There is no display here, so the demo runs for {seconds:.0f} s and is drawn to {FOLDER}/.")
        pictures = FOLDER

    if pictures is not None:
        _make(pictures)

    async def show(session: Session, deeds: Deeds) -> int:
        if pictures is None:
            return await app.watch(session, deeds, settings.default_path())
        return await _draw(session, deeds, pictures, seconds)

    fleet = _Fleet(hosts, seed, speed, cast("QueueForm", queue), server, cluster=cluster)
    return _run_demo(fleet, show, offscreen=pictures is not None)


def demo_pictures(folder: Path, seconds: float) -> int:
    """Draw every tab of the demo."""
    _make(folder)
    return _run_demo(_Fleet(), lambda session, deeds: _draw(session, deeds, folder, seconds), offscreen=True)


def pictures(folder: Path, address: Address, layout: Layout, seconds: float) -> int:
    """Draw every tab of a server."""
    _make(folder)

    async def main() -> int:
        session = Session(address, layout, elsewhere=elsewhere(layout))
        return await _draw(session, Deeds(session, address, settings.data_folder(), never=True), folder, seconds)

    _go_offscreen()
    return app.run(main)


class _Fleet:
    """What a demo is made of."""

    def __init__(
        self,
        hosts: int = 5000,
        seed: int = 7,
        speed: float = 1.0,
        queue: QueueForm = "list",
        server: str | None = None,
        *,
        cluster: bool = False,
    ) -> None:
        self.hosts, self.seed, self.speed, self.queue, self.server = hosts, seed, speed, queue, server
        self.cluster = cluster

    def _source(self) -> EmbeddedServer | EmbeddedCluster | ExternalServer:
        if self.cluster:
            say("Six servers are finding together as a cluster; that takes some seconds.")
            return EmbeddedCluster()
        return ExternalServer(self.server) if self.server else EmbeddedServer()

    async def run(self, show: Show) -> int:
        """Server, fleet and window, each ended by the one around it; what is kept of deeds ends with them."""
        with tempfile.TemporaryDirectory(prefix="fleetcache-demo-") as folder:
            return await self._run(show, Path(folder))

    async def _run(self, show: Show, folder: Path) -> int:
        async with self._source() as source:
            fleet = SimulatedFleet(
                source.url,
                hosts=self.hosts,
                seed=self.seed,
                speed=self.speed,
                queue=self.queue,
                cluster=self.cluster,
            )
            session = Session(
                parse_url(source.url),
                SPEC,
                name="Demo fleet",
                environment="DEMO",
                expected=Expected(hosts=self.hosts, limits=RATE_LIMITS),
            )
            deeds = Deeds(session, parse_url(source.url), folder)
            async with asyncio.TaskGroup() as group:
                working = group.create_task(fleet.run(), name="demo fleet")
                code = await show(session, deeds)
                working.cancel()
            return code


def _run_demo(fleet: _Fleet, show: Show, *, offscreen: bool) -> int:
    if offscreen:
        _go_offscreen()
    try:
        return app.run(lambda: fleet.run(show))
    except* (NoEmbeddedServer, ServerRefused) as refusals:
        text = str(refusals.exceptions[0])
    raise Failure(text)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(f"{folder} cannot be made: {error.strerror}.") from None


async def _draw(session: Session, deeds: Deeds, folder: Path, seconds: float) -> int:
    files = await app.draw(session, deeds, folder, seconds)
    for family in session.layout.families:
        snapshot = session.snapshot(family.id)
        if snapshot is not None:
            say(f"{family.title}: {count(snapshot.count, *family.noun)}")
    for finding in session.findings:
        say(f"  {finding.severity.value}: {finding.judgement.text}")
    say(f"{count(len(files), 'picture')} in {folder}/")
    return 0


def _go_offscreen() -> None:
    os.environ["QT_QPA_PLATFORM"] = os.environ.get("QT_QPA_PLATFORM") or "offscreen"


def _need_display() -> None:
    if not app.has_display():
        raise Failure("There is no display here. `snapshot URL` and `pictures DIR URL` work without one.")
