"""`python -m tests.bench.polling PORT SECONDS`: what watching costs the server once all keys are known: nothing but
sweeps, then sweeps and a poll each second, each for so many seconds, compared with a server left alone as long."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING

from fleetcache_gui.domain.family import Expected
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.redis_io import info
from fleetcache_gui.redis_io.address import Address
from fleetcache_gui.redis_io.poll import Poller
from fleetcache_gui.redis_io.server import Server
from tests.bench.process import report
from tests.servers import HOST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetcache_gui.domain.family import Family
    from fleetcache_gui.domain.slow_log import SlowLog
    from fleetcache_gui.domain.snapshot import Inventory, Link, Snapshot, Vitals
    from fleetcache_gui.domain.store import KeyStore
    from fleetcache_gui.domain.weights import Weights

_ON_SCREEN = 30
_SETTLE = 6.0
"""Seconds after the first sweep in which the poller is more eager than later."""


class Viewer:
    """A sink that looks at the first rows of each long family, as a window would."""

    def __init__(self) -> None:
        self.swept = asyncio.Event()
        self.polls = 0
        self.poller = Poller(Address(HOST, int(sys.argv[1])), SPEC, self, Expected(), 1.0)

    def on_link(self, link: Link) -> None: ...
    def on_snapshot(self, snapshot: Snapshot) -> None: ...
    def on_slow_log(self, slow_log: SlowLog) -> None: ...
    def on_weights(self, weights: Weights) -> None: ...
    def on_harvest(self, family: Family, came: Sequence[int], went: Sequence[int]) -> None: ...

    def on_vitals(self, vitals: Vitals) -> None:
        self.polls += 1

    def on_inventory(self, inventory: Inventory) -> None:
        if inventory.finished_at is not None:
            self.swept.set()

    def on_long(self, family: Family, store: KeyStore, members: Sequence[int]) -> None:
        self.poller.watched[family.id] = tuple(store.name(row) for row in members[:_ON_SCREEN])


async def cpu_share(server: Server, seconds: float) -> float:
    """The part of one core that the server uses during so many seconds."""
    before, started = await _cpu(server), time.perf_counter()
    await asyncio.sleep(seconds)
    return (await _cpu(server) - before) / (time.perf_counter() - started)


async def _cpu(server: Server) -> float:
    figures = info.fields(await server.lane.ask(b"INFO", b"cpu"))
    return float(figures["used_cpu_user"]) + float(figures["used_cpu_sys"])


async def main(seconds: float) -> None:
    server = await Server.connect(Address(HOST, int(sys.argv[1])))
    idle = await cpu_share(server, seconds)
    viewer = Viewer()
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(viewer.poller.run())
        await viewer.swept.wait()
        await asyncio.sleep(_SETTLE)
        viewer.poller.interval = 60.0
        await asyncio.sleep(1.0)  # that was one more poll
        sweeping = await cpu_share(server, seconds)
        viewer.poller.interval = 1.0
        polls, cpu = viewer.polls, time.process_time()
        both = await cpu_share(server, seconds)
        cpu = time.process_time() - cpu
        polls = viewer.polls - polls
        watching.cancel()
    await server.lane.close()
    report(idle=idle, sweeping=sweeping, both=both, polls=polls / seconds, client=cpu / seconds)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[2])))
