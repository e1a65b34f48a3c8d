"""The commands that show a window, or draw it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

from fleetcache_gui import app, settings
from fleetcache_gui.cli import Failure, say
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
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.redis_io.address import Address, parse_url
from fleetcache_gui.session import Session

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

FOLDER = Path("demo-pictures")
"""Where the demo draws to on a machine without a display."""

_WATCHED = 15.0
"""Seconds of the simulated time, at its usual speed or faster, before the demo is drawn."""
_WATCHED_LEAST = 3.0


def inspect(
    address: Address, expected: Expected, *, name: str, environment: str, interval: float | None, replicas: bool
) -> int:
    """Open the window on a server or a cluster."""
    _need_display()

    async def main() -> int:
        session = Session(
            address, SPEC, name=name, environment=environment.upper(), expected=expected, replicas=replicas
        )
        return await app.watch(session, settings.default_path(), interval)

    return app.run(main)


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

    async def show(session: Session) -> int:
        if pictures is None:
            return await app.watch(session, settings.default_path())
        return await _draw(session, pictures, seconds)

    fleet = _Fleet(hosts, seed, speed, cast("QueueForm", queue), server, cluster=cluster)
    return _run_demo(fleet, show, offscreen=pictures is not None)


def pictures(folder: Path, address: Address | None, seconds: float) -> int:
    """Draw every tab of a server, or of the demo."""
    _make(folder)
    if address is None:
        return _run_demo(_Fleet(), lambda session: _draw(session, folder, seconds), offscreen=True)
    inspected = address

    async def main() -> int:
        return await _draw(Session(inspected, SPEC), folder, seconds)

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

    async def run(self, show: Callable[[Session], Awaitable[int]]) -> int:
        """Server, fleet and window, each ended by the one around it."""
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
            async with asyncio.TaskGroup() as group:
                working = group.create_task(fleet.run(), name="demo fleet")
                code = await show(session)
                working.cancel()
            return code


def _run_demo(fleet: _Fleet, show: Callable[[Session], Awaitable[int]], *, offscreen: bool) -> int:
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


async def _draw(session: Session, folder: Path, seconds: float) -> int:
    files = await app.draw(session, folder, seconds)
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
