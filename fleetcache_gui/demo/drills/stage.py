"""Who gives the drills: sends the simulated Fleet away, plays one step after the other, and has it back."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Self

from redis.exceptions import RedisError

from fleetcache_gui import aio
from fleetcache_gui.cache import CacheUnavailable, close, connect
from fleetcache_gui.demo.cluster import EmbeddedCluster
from fleetcache_gui.demo.drills.scene import Drill, Scene
from fleetcache_gui.domain.lessons import Lesson, Measured, StepFailed

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping, Sequence

    from fleetcache_gui.demo.drills.scene import Story
    from fleetcache_gui.demo.fleet import SimulatedFleet
    from fleetcache_gui.demo.server import EmbeddedServer


class Stage:
    """A `Teacher` on servers that were started here. `async with` runs the fleet, whenever there is no drill."""

    def __init__(
        self,
        source: EmbeddedServer | EmbeddedCluster,
        fleet: Callable[[], SimulatedFleet],
        drills: Mapping[str, Drill],
    ) -> None:
        self._source, self._fleet = source, fleet
        cluster = isinstance(source, EmbeddedCluster)
        self._drills = {name: drill for name, drill in drills.items() if drill.lesson.cluster == cluster}
        self._working: asyncio.Task[None] | None = None
        self._scene: Scene | None = None
        self._story: Story | None = None

    @property
    def lessons(self) -> Sequence[Lesson]:
        return [drill.lesson for drill in self._drills.values()]

    async def __aenter__(self) -> Self:
        self._working = aio.spawn(self._fleet().run(), name="demo fleet")
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._end_story()
        await self._send_away()

    async def is_own(self, run_id: str) -> bool:
        return run_id in await self._run_ids()

    async def _run_ids(self) -> set[str]:
        """Of the servers that answer; StepFailed when one of them is not the process that was started for it."""
        found: set[str] = set()
        for node in self._nodes:
            client = connect(node.url)
            try:
                info = await client.info("server")
            except (CacheUnavailable, RedisError, OSError):
                continue
            finally:
                await close(client)
            if info["process_id"] != node.pid:
                raise StepFailed("Another server answers in the place of the demo's own: nothing was done.")
            found.add(info["run_id"])
        return found

    @property
    def _nodes(self) -> Sequence[EmbeddedServer]:
        return self._source.nodes if isinstance(self._source, EmbeddedCluster) else [self._source]

    async def begin(self, name: str, *, seed: int, speed: float) -> None:
        await self._end_story()
        await self._send_away()
        await self._empty()
        self._scene = Scene(self._source, seed=seed, speed=speed)
        self._story = self._drills[name].play(self._scene)

    async def step(self) -> Sequence[Measured] | None:
        if self._story is None:
            return None
        try:
            return await anext(self._story)
        except StopAsyncIteration:
            return None
        except (CacheUnavailable, RedisError, OSError, TimeoutError) as error:
            raise StepFailed(f"The step could not be done ({type(error).__name__}). Reset, and try again.") from error

    async def reset(self) -> None:
        await self._end_story()
        await self._empty()
        if self._working is None:
            self._working = aio.spawn(self._fleet().run(), name="demo fleet")

    async def _send_away(self) -> None:
        working, self._working = self._working, None
        if working is not None:
            await aio.cancel_and_wait([working])

    async def _end_story(self) -> None:
        """The story's own `finally` clauses thaw what it froze."""
        story, self._story = self._story, None
        scene, self._scene = self._scene, None
        if story is not None:
            with contextlib.suppress(CacheUnavailable, RedisError, OSError, TimeoutError):
                await story.aclose()  # type: ignore[attr-defined]
        if scene is not None:
            await scene.close()
        for node in self._nodes:
            if not node.runs:
                await node.restart()

    async def _empty(self) -> None:
        """Flush our own servers, of which each is made sure to be the one that was started here."""
        await self._run_ids()
        for node in self._nodes:
            client = connect(node.url)
            with contextlib.suppress(RedisError, OSError):  # a replica; its primary is among the others
                await client.flushall()
            await close(client)
