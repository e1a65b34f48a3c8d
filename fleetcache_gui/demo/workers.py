"""Workers of the host detail queue, in both of its forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui.demo.host_details import TAKEN_EACH

if TYPE_CHECKING:
    from fleetcache_gui.cache import ListQueue, StreamQueue
    from fleetcache_gui.demo.world import World

_TRIM_EACH = 50  # reports or batches between two trims of the queue to its limit
_BATCH = 20
_HANGS_EACH = 60  # batches between two of the times when the slow worker hangs
_HANGS_FOR = 45.0  # simulated seconds
_STALLED_AFTER = 30.0  # simulated seconds without acknowledgement until another worker takes over


class ListWorker:
    """Takes one report after the other; what it took is gone from the queue, whether or not it gets done."""

    def __init__(self, queue: ListQueue) -> None:
        self._queue = queue
        self._count = 0

    async def step(self) -> float:
        """Wait for a report and work on it."""
        if await self._queue.pop(timeout=1.0) is None:
            return 0.0
        self._count += 1
        if self._count % _TRIM_EACH == 0:
            await self._queue.trim()
        return TAKEN_EACH


class StreamWorker:
    """Reads batches and acknowledges them when done. One that `hangs` now and then does not: its entries stay
    pending until `Rescuer` claims them."""

    def __init__(self, world: World, name: str, queue: StreamQueue, *, hangs: bool) -> None:
        self._world = world
        self._name = name
        self._queue = queue
        self._hangs = hangs
        self._count = 0

    async def step(self) -> float:
        """Wait for a batch, work on it, acknowledge it."""
        entries = await self._queue.read(self._name, count=_BATCH, block=1.0)
        if not entries:
            return 0.0
        self._count += 1
        if self._hangs and self._count % _HANGS_EACH == 1:
            self._world.tell(self._name, f"hangs for {_HANGS_FOR:g} s")
            return _HANGS_FOR
        await self._world.sleep(TAKEN_EACH * len(entries))
        await self._queue.ack([entry.id for entry in entries])
        if self._count % _TRIM_EACH == 0:
            await self._queue.trim()
        return 0.0


class Rescuer:
    """Claims what another consumer has read and not acknowledged; at times it replays the stream."""

    def __init__(self, world: World, name: str, queue: StreamQueue) -> None:
        self._world = world
        self._name = name
        self._queue = queue

    async def claim(self) -> float:
        """Take over stalled entries."""
        entries = await self._queue.claim(self._name, min_idle=self._world.real(_STALLED_AFTER), count=100)
        if entries:
            await self._world.sleep(TAKEN_EACH * len(entries))
            await self._queue.ack([entry.id for entry in entries])
            self._world.tell(self._name, "claimed stalled entries")
        return 5.0

    async def replay(self) -> float:
        """Read all that is kept once more, as after a mistake in what workers do with it."""
        async for _ in self._queue.replay():
            pass
        self._world.tell(self._name, "replayed the stream")
        return 60.0
