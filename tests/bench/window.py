"""`python -m tests.bench.window PORT FAMILY`: the real window finds every key, with that family's tab open.

The window is up and at rest before it may read: how long its coming up takes is measured by `startup`.
"""

from __future__ import annotations

import asyncio
import sys
import time

from PySide6.QtCore import QObject, Qt, QTimer

from fleetcache_gui import aio, clock, settings, shell
from fleetcache_gui.deeds import Deeds
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.redis_io.address import Address
from fleetcache_gui.session import Session
from fleetcache_gui.settings import Settings
from fleetcache_gui.ui.theme import Theme
from tests.bench.process import peak_mb, report
from tests.servers import HOST

TICK_MS = 5
_REST = 1.0
_AFTER = 3.0
"""Seconds watched after the sweep's end: the poll that follows it, and the next one, are part of it."""


class Ticker(QObject):
    """A timer of 5 ms: how late its ticks come is how long the window could do nothing else.

    `gaps` are the milliseconds from tick to tick, `work` those of them in which this thread had the processor: on a
    busy machine the first tell of the machine, the second of the program.
    """

    def __init__(self) -> None:
        super().__init__()
        self.gaps: list[float] = []
        self.work: list[float] = []
        self._last = self._now()
        self._timer = QTimer(self, interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        self._last = self._now()
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def _now(self) -> tuple[float, float]:
        return time.perf_counter(), time.thread_time()

    def _tick(self) -> None:
        now = self._now()
        self.gaps.append(1000 * (now[0] - self._last[0]))
        self.work.append(1000 * (now[1] - self._last[1]))
        self._last = now


async def watch(port: int, family: str) -> int:
    session = Session(Address(HOST, port), SPEC)
    session.pause()
    deeds = Deeds(session, Address(HOST, port), settings.data_folder(), never=True)
    async with shell.window(session, deeds, Theme("light"), Settings(tab=family)):
        await asyncio.sleep(_REST)
        ticker = Ticker()
        ticker.start()
        started, cpu = clock.now(), time.process_time()
        session.resume()
        while session.inventory.finished_at is None:
            await aio.emitted(session.inventory_changed)
        keys = session.inventory.scanned
        wall, cpu = session.inventory.finished_at - started, time.process_time() - cpu
        await asyncio.sleep(_AFTER)
        ticker.stop()
        gaps = sorted(ticker.gaps)
        report(
            keys=keys,
            rows=len(session.table(family)),
            wall=wall,
            cpu=cpu,
            gap_ms=gaps[-1],
            p99_ms=gaps[len(gaps) * 99 // 100],
            work_ms=max(ticker.work),
            peak_mb=peak_mb(),
        )
    return 0


if __name__ == "__main__":
    sys.exit(shell.run(lambda: watch(int(sys.argv[1]), sys.argv[2])))
