"""The host detail queue: hosts report in waves, workers take from it at their own pace."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fleetcache_gui.cache import HostUpdates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetcache_gui.cache import HostQueue
    from fleetcache_gui.demo.world import World

LIMIT = 10_000  # reports kept; the oldest beyond are dropped
TAKEN_EACH = 1 / 12  # simulated seconds that a worker spends on one report
_TICK = 0.1  # simulated seconds between two batches of reports

_WAVE = 600  # ticks from one surge to the next
_SURGE = 220  # of which reports arrive faster than they are taken
_SURGE_RATE, _CALM_RATE = 70.0, 12.0  # reports in a simulated second

_DETAIL_QUERIES = (
    "os_version",
    "network_interface_unix",
    "disk_space_unix",
    "system_info",
    "uptime",
    "software_macos",
    "users",
    "battery",
    "munki_info",
)
_PLATFORMS = ("darwin", "windows", "ubuntu", "rhel", "ipados", "chrome")


class Reports:
    """Host details reach the API nodes, which queue them or, without the cache, write to the database."""

    ACTOR = "host details"

    def __init__(self, world: World, hosts: int, queues: Sequence[HostQueue]) -> None:
        self._world = world
        self._hosts = hosts
        self._rng = world.rng(self.ACTOR)
        self._nodes = [HostUpdates(queue, _write_to_database) for queue in queues]
        self._ticks = 0
        self._height = 1.0
        self._owed = 0.0
        self._count = 0
        self._way = "queued"

    async def step(self) -> float:
        """The reports of one tick."""
        position = self._ticks % _WAVE
        if position == 0:
            self._height = self._rng.uniform(0.75, 1.25)
            self._world.tell(self.ACTOR, f"wave of {self._height:.2f}")
        self._ticks += 1
        self._owed += _TICK * (_SURGE_RATE * self._height if position < _SURGE else _CALM_RATE)
        while self._owed >= 1:
            self._owed -= 1
            self._count += 1
            way = await self._nodes[self._count % len(self._nodes)].submit(self._payload())
            if way != self._way:
                self._way = way
                self._world.tell(self.ACTOR, f"now {way}")
        return _TICK

    def _payload(self) -> bytes:
        """About 0.5 KB: not the details themselves, but where they lie."""
        rng = self._rng
        host, parts = rng.randrange(1, self._hosts + 1), rng.randrange(5, len(_DETAIL_QUERIES) + 1)
        report = {
            "host_id": host,
            "uuid": f"{rng.getrandbits(128):032X}",
            "platform": rng.choice(_PLATFORMS),
            "osquery_version": f"5.{rng.randrange(9, 19)}.{rng.randrange(3)}",
            "sequence": self._count,
            "detail": f"s3://fleet-host-details/{host % 64:02x}/{host}/{rng.getrandbits(64):016x}.json.zst",
            "queries": [f"fleet_detail_query_{name}" for name in _DETAIL_QUERIES[:parts]],
            "bytes": rng.randrange(4_000, 90_000),
        }
        return json.dumps(report, separators=(",", ":")).encode()


async def _write_to_database(_: bytes) -> None:
    """Stands for the synchronous way of a deployment that has it enabled: slower, but nothing is lost."""
