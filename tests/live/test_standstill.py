"""Time that goes on without us: the machine sleeps, or the program is stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import redis

from fleetcache_gui import aio, clock
from fleetcache_gui.deeds import Deeds, Mode
from fleetcache_gui.domain.snapshot import Phase
from fleetcache_gui.domain.telling import Happening
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.redis_io.address import Address
from fleetcache_gui.session import Session
from tests.live.readers import fill, watching

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from tests.servers import Server

    Eventually = Callable[..., Coroutine[Any, Any, None]]

NIGHT = 8 * 3600.0

WATCHER = """
import asyncio, sys
from fleetcache_gui.domain.family import Expected
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.redis_io.address import Address
from fleetcache_gui.redis_io.poll import Poller
from tests.live.readers import Recorder

class Sink(Recorder):
    def on_link(self, link):
        if link.phase is not self.link.phase:
            print(link.phase.value, link.text, flush=True)
        super().on_link(link)

asyncio.run(Poller(Address("127.0.0.1", int(sys.argv[1])), SPEC, Sink(), Expected(), 0.5).run())
"""


@pytest.fixture
def sleep(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let the clock that counts sleep go on by itself, as in suspend."""
    real, slept = time.clock_gettime, 0.0
    monkeypatch.setattr(time, "clock_gettime", lambda which: real(which) + slept)

    def sleep(seconds: float) -> None:
        nonlocal slept
        slept += seconds

    return sleep


async def test_after_a_night_everything_is_read_anew(
    valkey: Server, eventually: Eventually, sleep: Callable[[float], None]
) -> None:
    fill(valkey)
    with redis.Redis(port=valkey.port) as client:
        client.set("lock:long", "fleet-1:aa", px=round(1000 * (NIGHT - 3600)))
        async with watching(valkey) as (_, seen):
            await eventually(seen.complete)
            connections = client.info("clients")["connected_clients"]
            before = seen.rows("locks")[b"lock:long"].keys[0].expiry
            sleep(NIGHT)
            assert before.left(clock.now()) == 0
            client.pexpire("lock:long", round(1000 * NIGHT))
            await eventually(lambda: seen.phases() == ["connecting", "live", "connecting", "live"])
            told = [link.text for link in seen.links if link.phase is Phase.CONNECTING]
            assert told[-1] == "This machine or program stood still for 8 h 00 min. Everything is read anew."
            await eventually(seen.complete)
            left = seen.rows("locks")[b"lock:long"].keys[0].expiry.left(clock.now())
            assert NIGHT - 60 < left <= NIGHT
            await eventually(lambda: client.info("clients")["connected_clients"] == connections)


async def test_a_pause_by_a_person_outlasts_the_night(
    valkey: Server, eventually: Eventually, sleep: Callable[[float], None]
) -> None:
    fill(valkey)
    async with watching(valkey) as (poller, seen):
        await eventually(seen.complete)
        poller.hold("paused")
        sleep(NIGHT)
        poller.release("paused")
        polls = len(seen.vitals)
        await eventually(lambda: len(seen.vitals) > polls and seen.link.phase is Phase.LIVE)
        assert "down" not in seen.phases()


async def test_a_program_that_was_stopped_tells_of_no_trouble(valkey: Server) -> None:
    """Its replies are there when it goes on, and its time-outs are over as well."""
    fill(valkey)
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", WATCHER, str(valkey.port)), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    try:
        async with asyncio.timeout(60):
            assert await child.stdout.readline() == b"live \n"
            os.kill(child.pid, signal.SIGSTOP)
            await asyncio.sleep(5)  # the fault itself: longer than any of its time-outs
            os.kill(child.pid, signal.SIGCONT)
            told = [(await child.stdout.readline()).decode() for _ in range(2)]
        assert told[0].startswith("connecting This machine or program stood still for ")
        assert told[1] == "live \n"
    finally:
        child.kill()
        await child.wait()


async def test_what_was_unlocked_is_locked_in_the_morning(
    valkey: Server,
    qtbot: QtBot,
    tmp_path: Path,
    eventually: Eventually,
    sleep: Callable[[float], None],
) -> None:
    fill(valkey)
    address = Address("127.0.0.1", valkey.port)
    session = Session(address, SPEC)
    deeds = Deeds(session, address, tmp_path)
    reading = aio.spawn(session.run(), name="session")
    try:
        await eventually(lambda: (read := session.snapshot("locks")) is not None and read.complete)
        assert await deeds.unlock(deeds.unlock_word) == ""
        assert deeds.mode is Mode.UNLOCKED
        sleep(NIGHT)
        assert deeds.left(clock.now()) == 0
        await eventually(lambda: deeds.mode is Mode.LOCKED)
        await eventually(lambda: any(event.what is Happening.STOOD_STILL for event in session.events))
    finally:
        await aio.cancel_and_wait([reading])
        await deeds.end()
