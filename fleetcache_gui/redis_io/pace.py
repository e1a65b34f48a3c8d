"""How much of the server this program may use, and how much it does."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fleetcache_gui import clock

if TYPE_CHECKING:
    from fleetcache_gui.domain.values import Command

SHARE = 0.005
"""Half a percent of one core of the server, for polling and for discovery after the first sweep, each, unless a profile
says otherwise."""

COMMAND_COST = 1e-6
"""Seconds of server CPU of one cheap read (PTTL, TYPE, SCARD …), measured."""

_SCANNED = 4e9
"""Bytes a second that BITCOUNT goes through at the least (Redis 7.0, measured; later servers are ten times as fast)."""

SLOW = 0.050
"""An exchange that took longer (seconds) means that the server is busy: discovery then waits as long again."""

BRIEF = 1.0
"""A connection that was lost after less than these seconds is not made again at once."""

_WINDOW = 30.0

_BEAT = 1.0
_STILL = 3.0
"""Seconds of standstill that are told apart from a busy loop."""


def worth(command: Command) -> int:
    """How many cheap reads a read costs beyond the first: those that go through a value by bytes."""
    if command[0] != b"BITCOUNT":
        return 0
    return int((int(command[3]) - int(command[2]) + 1) / _SCANNED / COMMAND_COST)


@dataclass(slots=True)
class Lookups:
    """Our own look-ups of keys, which the server counts among its keyspace hits and misses; `sent`: our commands by
    name, which it counts among its calls."""

    found: int = 0
    missed: int = 0
    sent: Counter[bytes] = field(default_factory=Counter)

    def count(self, *, found: int = 0, missed: int = 0) -> None:
        """So many commands met a key, and so many met none."""
        self.found += found
        self.missed += missed


class Meter:
    """Our estimated share of one core of the server over the last half minute."""

    def __init__(self) -> None:
        self._spent: deque[tuple[float, float]] = deque()
        self._sum = 0.0
        self._since: float | None = None

    def add(self, at: float, cost: float) -> None:
        """`cost` seconds of server CPU were spent around monotonic time `at`."""
        self._since = at if self._since is None else self._since
        self._spent.append((at, cost))
        self._sum += cost
        while self._spent and self._spent[0][0] < at - _WINDOW:
            self._sum -= self._spent.popleft()[1]

    def share(self, now: float) -> float:
        """0..1 of one core."""
        if self._since is None:
            return 0.0
        return max(self._sum, 0.0) / max(min(now - self._since, _WINDOW), 1.0)


async def pause(event: asyncio.Event, seconds: float | None) -> bool:
    """Wait for `seconds` (None: for ever), or until the event is set, which it then is no more; True if it was."""
    try:
        async with asyncio.timeout(None if seconds is None else max(seconds, 0)):
            await event.wait()
    except TimeoutError:
        pass
    was_set = event.is_set()
    event.clear()
    return was_set


class Pulse:
    """Tells whether time went on without us: the machine slept, or the program was stopped. What was awaited then has
    timed out by no fault of the server's."""

    def __init__(self) -> None:
        self._beaten = clock.now()

    @property
    def missed(self) -> float:
        """Seconds of standstill up to now; 0 when it was none to speak of."""
        still = clock.now() - self._beaten - _BEAT
        return still if still > _STILL else 0.0

    async def stop(self) -> float:
        """Return the seconds of a standstill once there has been one."""
        while not (still := self.missed):
            self._beaten = clock.now()
            await asyncio.sleep(_BEAT)
        return still


class Backoff:
    """Waits between attempts to connect: 0.5 s, then 1 s, each ±20 %, so that many inspectors do not march in step.

    No longer waits: a server that is back should be seen within 1.5 s, and an attempt costs nobody anything.
    """

    def __init__(self) -> None:
        self._first = True

    def reset(self) -> None:
        self._first = True

    def next(self, *, final: bool) -> float:
        """Seconds to wait now; `final` troubles are tried seldom, as nothing but a person will mend them."""
        wait = 60.0 if final else 0.5 if self._first else 1.0
        self._first = False
        return wait * random.uniform(0.8, 1.2)
