"""`python -m tests.bench.recording [SECONDS]`: eight hours of the flight recorder, and what they take.

The demo is watched for so long (60 s) at the default interval; its readings are then given to a recorder over and over,
until it has those of eight hours.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fleetcache_gui import aio, shell
from fleetcache_gui.demo import RATE_LIMITS, EmbeddedServer, SimulatedFleet
from fleetcache_gui.domain.family import Expected
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.present.recorder import Recorder, Tape
from fleetcache_gui.recording import FlightRecorder
from fleetcache_gui.redis_io.address import parse_url
from fleetcache_gui.session import Session

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from fleetcache_gui.present.frames import Frame
    from fleetcache_gui.present.timeline import Event

INTERVAL, HOURS = 2.0, 8
READINGS = int(HOURS * 3600 / INTERVAL)

Noted = list[tuple["Frame", tuple["Event", ...]]]


class Listener(Recorder):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__(SPEC)
        self.noted: Noted = []

    def note(self, frame: Frame, events: Iterable[Event]) -> Generator[None, None, tuple[bytes, bool]]:
        self.noted.append((frame, tuple(events)))
        yield
        return b"", False


async def watch(seconds: float, noted: Noted) -> int:
    """What a window's recorder is given."""
    async with EmbeddedServer() as server:
        session = Session(parse_url(server.url), SPEC, expected=Expected(5000, RATE_LIMITS), interval=INTERVAL)
        recorder = FlightRecorder(session, Path(os.devnull))
        recorder._recorder = listener = Listener()
        works = (SimulatedFleet(server.url, hosts=5000, seed=7).run(), session.run())
        tasks = [aio.spawn(work, name="work") for work in works]
        await asyncio.sleep(seconds)
        await aio.cancel_and_wait(tasks)
        await recorder.end()
        noted += listener.noted[2:]  # the first ones are of a cache that fills
    return 0


def resident() -> float:
    """MB of this process."""
    return int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]) / 1024


def main() -> None:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    noted: Noted = []
    shell.run(lambda: watch(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0, noted))
    rows = sum(len(snapshot.rows) for snapshot in noted[-1][0].snapshots.values())
    recorder, before, longest = Recorder(SPEC), resident(), 0.0
    began = time.process_time()
    for number in range(READINGS):
        frame, events = noted[number % len(noted)]
        at = time.perf_counter()
        for _ in recorder.note(replace(frame, wall=frame.wall + INTERVAL * number), events):
            longest, at = max(longest, time.perf_counter() - at), time.perf_counter()
        longest = max(longest, time.perf_counter() - at)
    spent = time.process_time() - began
    print(f"{READINGS:,} readings of {rows} rows, from {len(noted)} that were watched")
    print(f"{recorder.size / 2**20:.1f} MB recorded; the process grew by {resident() - before:.1f} MB")
    print(f"{1000 * spent / READINGS:.2f} ms a reading, {1000 * longest:.1f} ms at most in one turn of the loop")
    tape = Tape(SPEC, recorder.chunks())
    shown = []
    for number in range(0, READINGS, READINGS // 40):
        at = time.perf_counter()
        tape.frame(number)
        shown.append(time.perf_counter() - at)
    print(f"{1000 * max(shown):.0f} ms at most to show a moment")
    at = time.perf_counter()
    tape.history()
    print(f"{time.perf_counter() - at:.1f} s for all events and figures")


if __name__ == "__main__":
    main()
