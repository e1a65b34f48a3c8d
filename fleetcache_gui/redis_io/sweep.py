"""Discovery: SCAN with type and expiry of every key, in slices, into the key store.

One slice is one exchange: TYPE and PTTL of the keys that the slice before it found, and the SCAN that finds the next.
So each slice costs one round trip, and the server at most about 3 ms.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from dataclasses import dataclass, field
from typing import cast, TYPE_CHECKING

from fleetcache_gui.domain.store import NO_EXPIRY, TYPE_CODES, TYPES, KeyStore
from fleetcache_gui.domain.values import Reply, ReplyError
from fleetcache_gui.redis_io import allow
from fleetcache_gui.redis_io.faults import from_reply, not_redis
from fleetcache_gui.redis_io.lane import Lane, encode, midpoint

if TYPE_CHECKING:
    from fleetcache_gui.domain.layout import Layout
    from collections.abc import AsyncIterator

COUNT = 1000
"""SCAN's COUNT: 1.3 ms of server time a slice; ten times as much would hold up other clients."""

SERVER_COST = 2.4e-6
"""Seconds of server CPU for SCAN, TYPE and PTTL of one key (measured)."""

SUSPECTS_KEPT = 200

_FACTS = b"*2\r\n$4\r\nPTTL\r\n$%d\r\n%b\r\n*2\r\n$4\r\nTYPE\r\n$%d\r\n%b\r\n"
_MISSED_SLICE = 20_000

for _name in (b"SCAN", b"PTTL", b"TYPE"):
    allow.check((_name,))


@dataclass(slots=True)
class Harvest:
    """What came and went since the last `Sweeper.take`, by family: row numbers of the store."""

    came: dict[int, array[int]] = field(default_factory=dict)
    went: dict[int, array[int]] = field(default_factory=dict)


@dataclass(slots=True)
class _Rule:
    """A family's rule over type codes and milliseconds, cheap enough for a million keys."""

    types: tuple[bool, ...]
    shortest: int
    longest: float


class Sweeper:
    """Sweeps one server's keys into one store, again and again."""

    def __init__(self, lane: Lane, layout: Layout, store: KeyStore) -> None:
        self.store = store
        self.scanned = 0
        self.refused = 0
        """Keys of this sweep whose type or TTL the account may not read."""
        self.suspects: list[list[int]] = [[] for _ in layout.families]
        """The first keys by family that break its rule, as the last whole sweep found them (or the first, so far)."""
        self.suspected = [0] * len(layout.families)
        self._lane = lane
        self._route = layout.router
        self._harvest = Harvest()
        self._rules = [
            _Rule(
                tuple(not family.rule.types or word in family.rule.types for word in TYPES),
                0 if family.rule.expiry == "required" else NO_EXPIRY,
                family.rule.longest * 1000,
            )
            for family in layout.families
        ]

    def take(self) -> Harvest:
        """What came and went since last asked."""
        harvest, self._harvest = self._harvest, Harvest()
        return harvest

    def gone(self, row: int) -> None:
        """A key that something else found missing."""
        family = self.store.families[row]
        self.store.remove(row)
        self._harvest.went.setdefault(family, array("I")).append(row)

    async def sweep(self) -> AsyncIterator[float]:
        """One whole sweep; yields after each slice the seconds its exchange took. Raises `Trouble`.

        Every key that exists throughout is found. Keys that the sweep does not find are taken as gone at its end.
        """
        self.store.begin_sweep()
        known = len(self.store)
        self.scanned = self.refused = 0
        suspects: list[list[int]] = [[] for _ in self._rules]
        suspected = [0] * len(self._rules)
        if not any(self.suspected):
            self.suspects, self.suspected = suspects, suspected
        cursor: bytes | None = b"0"
        keys: list[bytes] = []
        while cursor is not None or keys:
            asked = time.monotonic()
            payload = [_FACTS % (len(key), key, len(key), key) for key in keys]
            if cursor is not None:
                payload.append(encode((b"SCAN", cursor, b"COUNT", b"%d" % COUNT)))
            replies = await self._lane.raw(b"".join(payload), 2 * len(keys) + (cursor is not None))
            found: list[bytes] = []
            if cursor is not None:
                cursor, found = self._scanned(replies.pop())
            if keys:
                self._note(keys, replies, midpoint(asked), suspects, suspected)
            keys = found
            yield time.monotonic() - asked
        self.suspects, self.suspected = suspects, suspected
        for first in range(0, known, _MISSED_SLICE):
            for row in self.store.missed(range(first, min(first + _MISSED_SLICE, known))):
                self.gone(row)
            await asyncio.sleep(0)

    def _scanned(self, reply: Reply) -> tuple[bytes | None, list[bytes]]:
        """The next cursor (None at the end) and the keys of one SCAN reply."""
        if isinstance(reply, ReplyError):
            raise from_reply(reply, self._lane.address)
        if not isinstance(reply, list) or len(reply) != 2:
            raise not_redis(self._lane.address)
        cursor, keys = cast("tuple[bytes, list[bytes]]", reply)
        return (None if cursor == b"0" else cursor), keys

    def _note(
        self,
        keys: list[bytes],
        replies: list[Reply],
        at: float,
        suspects: list[list[int]],
        suspected: list[int],
    ) -> None:
        """The hot loop: about 1.5 us a key."""
        now = int(at * 1000)
        route, note, codes, rules = self._route, self.store.note, TYPE_CODES, self._rules
        came = self._harvest.came
        for key, left, type_word in zip(keys, replies[::2], replies[1::2], strict=True):
            if type(left) is not int or type(type_word) is not bytes:
                self.refused += 1
                left, type_word = NO_EXPIRY, b"?"
            elif left == -2:
                continue
            family = route(key)
            code = codes.get(type_word, 0)
            row = note(key, family, code, now + left if left >= 0 else NO_EXPIRY)
            if row >= 0:
                rows = came.get(family)
                if rows is None:
                    rows = came[family] = array("I")
                rows.append(row)
            rule = rules[family]
            if code and not (rule.types[code] and rule.shortest <= left <= rule.longest):
                suspected[family] += 1
                if len(suspects[family]) < SUSPECTS_KEPT:
                    suspects[family].append(row if row >= 0 else self.store.find(key))
        self.scanned += len(keys)
