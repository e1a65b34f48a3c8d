"""`python -m tests.bench.window PORT FAMILY`: the real window discovers all keys, with that family's tab open.

The window is up and at rest before it may read, so that its own coming up is not counted; that is `startup`'s.
"""

from __future__ import annotations

import asyncio
import sys
import time

from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer

from fleetcache_gui import aio, app
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.redis_io.address import Address
from fleetcache_gui.session import Session
from fleetcache_gui.settings import Settings
from fleetcache_gui.ui.theme import Theme
from tests.bench.process import peak_mb, report

TICK_MS = 5
_REST = 1.0
_AFTER = 3.0
"""Seconds watched after the sweep's end: the polls that follow it are part of it."""


class Ticker(QObject):
    """A timer of 5 ms; how late its ticks come is how long the window could do nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.gaps: list[float] = []
        """Milliseconds from tick to tick."""
        self.moments: list[float] = []
        self._clock = QElapsedTimer()
        self._timer = QTimer(self, interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        self._clock.start()
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def _tick(self) -> None:
        self.gaps.append(self._clock.nsecsElapsed() / 1e6)
        self.moments.append(time.monotonic())
        self._clock.restart()


async def watch(port: int, family: str) -> int:
    session = Session(Address("127.0.0.1", port), SPEC)
    session.pause()
    async with app.window(session, Theme("light"), Settings(tab=family)) as shown:
        await asyncio.sleep(_REST)
        ticker = Ticker()
        ticker.start()
        began, cpu = time.monotonic(), time.process_time()
        session.resume()
        while session.inventory.finished_at is None:
            await aio.emitted(session.inventory_changed)
        wall, cpu = session.inventory.finished_at - began, time.process_time() - cpu
        await asyncio.sleep(_AFTER)
        ticker.stop()
        if not session.table(family).total == shown.page.view.model().rowCount():
            raise RuntimeError("the table does not show every key of the family")
        for gap, at in sorted(zip(ticker.gaps, ticker.moments), reverse=True)[:12]: print(round(gap,1), round(at-began,3), file=sys.stderr)
        gaps = sorted(ticker.gaps)
        report(
            keys=session.inventory.scanned,
            rows=session.table(family).total,
            wall=wall,
            cpu=cpu,
            gap=gaps[-1],
            p99=gaps[len(gaps) * 99 // 100],
            peak_mb=peak_mb(),
        )
    return 0


if __name__ == "__main__":
    sys.exit(app.run(lambda: watch(int(sys.argv[1]), sys.argv[2])))
