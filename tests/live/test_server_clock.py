"""A server whose clock is off by hours, or is set while it is watched (libfaketime)."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis

from fleetcache_gui import clock
from fleetcache_gui.domain.family import Kind
from fleetcache_gui.domain.plan import Outcome
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.ui.statusbar import clock_words
from tests.live.desk import desk
from tests.live.readers import TOKEN, address, watching
from tests.servers import VALKEY, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    Eventually = Callable[..., Coroutine[Any, Any, None]]

HOUR = 3600
LOCK = b"lock:cron:vuln"


class FalseClock(Server):
    """A server that believes it is `hours` later than it is; `set` changes that while it runs."""

    def __init__(self, file: Path, hours: int) -> None:
        (library,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
        self._file = file
        self.set(hours)
        env = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
        super().__init__(VALKEY, env=env)

    def set(self, hours: int) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(f"{hours:+d}h")
        new.rename(self._file)  # it is read at every look at the clock


@pytest.fixture
def ahead(tmp_path: Path) -> Iterator[FalseClock]:
    with FalseClock(tmp_path / "clock", 5) as server:
        yield server


@pytest.mark.parametrize("hours", [5, -5])
async def test_times_left_and_ages_are_right(tmp_path: Path, eventually: Eventually, hours: int) -> None:
    with FalseClock(tmp_path / "clock", hours) as server, redis.Redis(port=server.port) as client:
        assert abs(client.time()[0] - time.time() - hours * HOUR) < 60
        client.set(LOCK, TOKEN, px=60_000)
        client.xadd("async_host:detail", {"host": 1})
        client.xgroup_create("async_host:detail", "workers", "0")
        client.xreadgroup("workers", "worker-1", {"async_host:detail": ">"})
        async with watching(server) as (_, seen):
            await eventually(seen.complete)
            assert seen.link.skew is not None
            assert abs(seen.link.skew - hours * HOUR) < 60
            told = clock_words(seen.link, time.time())
            assert re.search(f"(5 h 00|4 h 59) min {'ahead' if hours > 0 else 'behind'}", told)
            left = seen.rows("locks")[LOCK].keys[0].expiry.left(clock.now())
            assert abs(left - client.pttl(LOCK) / 1000) < 1
            for family in SPEC.families:
                for row in seen.rows(family.id).values():
                    ages = [
                        clock.now() - cell
                        for column, cell in zip(family.columns, row.cells, strict=True)
                        if column.kind is Kind.AGE and isinstance(cell, float)
                    ]
                    assert all(0 <= age < 60 for age in ages), (row.title, ages)
            (queue,) = seen.rows("host_queue").values()
            oldest = SPEC.family("host_queue").column("oldest")
            assert isinstance(queue.cells[oldest], float)
            assert 0 <= queue.cells[oldest] < 60


async def test_a_clock_that_is_set_while_it_is_watched(ahead: FalseClock, eventually: Eventually) -> None:
    with redis.Redis(port=ahead.port) as client:
        client.set(LOCK, TOKEN, px=60_000)
        client.set("lock:long", TOKEN, px=9 * HOUR * 1000)
        async with watching(ahead) as (_, seen):
            await eventually(seen.complete)

            def left(key: bytes) -> float:
                row = seen.rows("locks").get(key)
                return row.keys[0].expiry.left(clock.now()) if row else 0.0

            ahead.set(2)  # what it has promised to keep until then lasts three hours longer by any other clock
            await eventually(lambda: abs(left(LOCK) - 3 * HOUR) < 61)
            await eventually(lambda: seen.link.skew is not None and abs(seen.link.skew - 2 * HOUR) < 60)
            ahead.set(12)
            await eventually(lambda: LOCK not in seen.rows("locks"))
            await eventually(lambda: abs(left(b"lock:long") - 2 * HOUR) < 61)
            assert seen.phases() == ["connecting", "live"]


async def test_undo_goes_by_the_servers_clock(ahead: FalseClock, tmp_path: Path) -> None:
    with redis.Redis(port=ahead.port) as client:
        client.set(LOCK, TOKEN, px=60_000)
        client.set("lock:long", TOKEN, px=2 * HOUR * 1000)
        async with desk(address(ahead), tmp_path) as at:
            plan = await at.plan("locks.release", await at.rows("locks", LOCK, b"lock:long"))
            assert set((await at.do(plan)).outcomes) == {Outcome.DONE}
            ahead.set(6)  # an hour later, as the server sees it
            assert (await at.undo(plan)).outcomes.count(Outcome.DONE) == 1
        assert not client.exists(LOCK)
        assert 1000 * (HOUR - 60) < client.pttl("lock:long") <= 1000 * HOUR
