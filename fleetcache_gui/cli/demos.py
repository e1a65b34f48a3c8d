"""The demo's commands; apart from the other windows, which need not load what it is made of."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, cast

from fleetcache_gui import aio, app, settings, shell
from fleetcache_gui.cli.told import Failure, say
from fleetcache_gui.cli.windows import draw, go_offscreen, make
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
from fleetcache_gui.demo.drills import DRILLS, Stage
from fleetcache_gui.domain.family import Expected
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.redis_io.address import parse_url
from fleetcache_gui.session import Session
from fleetcache_gui.ui.theme import Theme

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fleetcache_gui.ui.drill_play import DrillPlay

    Show = Callable[[Session, Deeds, Stage | None], Awaitable[int]]

FOLDER = Path("demo-pictures")
"""Where the demo draws to on a machine without a display."""

_WATCHED = 15.0
"""Seconds of the simulated time, at its usual speed or faster, before the demo is drawn."""
_WATCHED_LEAST = 3.0
_GLANCE = 0.5
"""Seconds between two readings during a drill."""


def demo(
    *, cluster: bool, hosts: int, seed: int, speed: float, queue: str, server: str | None, pictures: Path | None
) -> int:
    """The simulated Fleet in a window; in pictures on a machine without a display, or when asked."""
    seconds = max(_WATCHED / max(speed, 1.0), _WATCHED_LEAST)
    if pictures is None and not app.has_display():
        say(f"There is no display here, so the demo runs for {seconds:.0f} s and is drawn to {FOLDER}/.")
        pictures = FOLDER

    if pictures is not None:
        make(pictures)

    async def show(session: Session, deeds: Deeds, teacher: Stage | None) -> int:
        if pictures is None:
            await app.watch(session, deeds, settings.default_path(), teacher=teacher)
            return 0
        return await draw(session, deeds, pictures, seconds)

    fleet = _Fleet(hosts, seed, speed, cast("QueueForm", queue), server, cluster=cluster)
    return _run_demo(fleet, show, offscreen=pictures is not None)


def pictures(folder: Path, seconds: float) -> int:
    """Draw every tab of the demo."""
    make(folder)
    return _run_demo(_Fleet(), lambda session, deeds, _: draw(session, deeds, folder, seconds), offscreen=True)


def drill(name: str, *, seed: int, speed: float, pictures: Path | None) -> int:
    """One drill without hands: captions and measurements are printed, a picture is drawn of each step when asked. The
    exit code is 1 when a claim did not hold."""
    if pictures is not None:
        make(pictures)
    lesson, offscreen = DRILLS[name].lesson, pictures is not None or not app.has_display()

    async def show(session: Session, deeds: Deeds, teacher: Stage | None) -> int:
        session.set_interval(_GLANCE)
        theme = Theme("light")
        async with shell.window(session, deeds, theme, settings.Settings()) as shown:
            shown.resize(*shell.PICTURE_SIZE)
            offered = await app.offer_drills(shown, session, theme, teacher) if teacher else None
            if offered is None:
                raise Failure("The drill's server is not the one that was started for it.")
            play, presenter = offered
            play.seed, play.speed, play.pictures = seed, speed, pictures
            play.choose(next(known for known in play.lessons if known.name == name))
            presenter.show()
            shown.show_family(lesson.watch)
            return await _run_drill(play)

    say(lesson.title)
    fleet = _Fleet(hosts=500, seed=seed, speed=max(speed, 1.0), cluster=lesson.cluster)
    return _run_demo(fleet, show, offscreen=offscreen)


async def _run_drill(play: DrillPlay) -> int:
    """Each step, told as it is done; 1 when something did not hold."""
    held = True
    for number, caption in enumerate(play.lesson.captions, 1):
        say(f"{number}. {caption}")
        play.go()
        while play.busy:
            await aio.emitted(play.changed)
        if play.problem:
            raise Failure(play.problem)
        for measured in play.results[-1]:
            held = held and measured.holds
            say(f"   {'holds' if measured.holds else 'DOES NOT HOLD'}: {measured.text}")
    return 0 if held else 1


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
            session = Session(
                parse_url(source.url),
                SPEC,
                name="Demo fleet",
                environment="DEMO",
                expected=Expected(hosts=self.hosts, limits=RATE_LIMITS),
            )
            deeds = Deeds(session, parse_url(source.url), folder)
            if not isinstance(source, ExternalServer):
                async with Stage(source, lambda: self._fleet(source.url), DRILLS) as stage:
                    return await show(session, deeds, stage)
            async with asyncio.TaskGroup() as group:
                working = group.create_task(self._fleet(source.url).run(), name="demo fleet")
                code = await show(session, deeds, None)
                working.cancel()
            return code

    def _fleet(self, url: str) -> SimulatedFleet:
        return SimulatedFleet(
            url, hosts=self.hosts, seed=self.seed, speed=self.speed, queue=self.queue, cluster=self.cluster
        )


def _run_demo(fleet: _Fleet, show: Show, *, offscreen: bool) -> int:
    if offscreen:
        go_offscreen()
    try:
        return shell.run(lambda: fleet.run(show))
    except* (NoEmbeddedServer, ServerRefused) as refusals:
        text = str(refusals.exceptions[0])
    raise Failure(text)
