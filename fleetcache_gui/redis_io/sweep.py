"""Discovery: SCAN with type and expiry of every key, in slices, into the key store.

One slice is one exchange: TYPE and PTTL of the keys that the slice before it found, and the SCAN that finds the next.
So each slice costs one round trip, and the server at most about 3 ms.
"""

from __future__ import annotations

import asyncio
from array import array
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from fleetcache_gui import clock
from fleetcache_gui.domain.store import NO_EXPIRY, TYPE_CODES, TYPES, UNKNOWN_EXPIRY, KeyStore
from fleetcache_gui.domain.values import Reply, ReplyError
from fleetcache_gui.redis_io import allow
from fleetcache_gui.redis_io.faults import from_reply, not_redis
from fleetcache_gui.redis_io.keyspace import AWAY, UNSERVED
from fleetcache_gui.redis_io.lane import encode, midpoint
from fleetcache_gui.redis_io.seats import gather

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from fleetcache_gui.domain.family import Rule
    from fleetcache_gui.domain.layout import Layout
    from fleetcache_gui.redis_io.keyspace import Keyspace

COUNT = 1000
"""SCAN's COUNT: 1.3 ms of server time a slice; ten times as much would hold up other clients."""

SERVER_COST = 2.4e-6
"""Seconds of server CPU for SCAN, TYPE and PTTL of one key (measured)."""

SUSPECTS_KEPT = 50
"""Of each family; the others are counted. Each of these is read, and judged, at every poll."""

_FACTS = b"*2\r\n$4\r\nPTTL\r\n$%d\r\n%b\r\n*2\r\n$4\r\nTYPE\r\n$%d\r\n%b\r\n"
_MISSED_SLICE = 20_000
_MISSING = -2
"""PTTL's answer for a key that does not exist."""
_LONGEST = 2**53
"""Milliseconds; a longer TTL is taken as this, so that deadlines fit their column."""

for _name in (b"SCAN", b"PTTL", b"TYPE"):
    allow.check((_name,))


def _no_rows() -> defaultdict[int, array[int]]:
    return defaultdict(partial(array, "I"))


@dataclass(slots=True)
class Harvest:
    """What came and went since the last `Sweeper.take`, by family: row numbers of the store."""

    came: defaultdict[int, array[int]] = field(default_factory=_no_rows)
    went: defaultdict[int, array[int]] = field(default_factory=_no_rows)


class _Answered(NamedTuple):
    """Keys, the replies to PTTL and TYPE of each, and the monotonic moment when these were made."""

    keys: list[bytes]
    replies: list[Reply]
    at: float


@dataclass(slots=True)
class _Suspects:
    """Keys that break their family's rule, for each family of the layout: how many, and the rows of the first."""

    counts: list[int]
    rows: list[list[int]]

    @classmethod
    def none(cls, families: int) -> _Suspects:
        return cls([0] * families, [[] for _ in range(families)])


@dataclass(slots=True)
class _Cursor:
    """How far one node has been swept: the next cursor (None: at its end), the keys that it found last, of which
    nothing has been asked, and those before them, with what was answered."""

    raw: Callable[[bytes, int], Awaitable[list[Reply] | None]]
    next: bytes | None = b"0"
    keys: list[bytes] = field(default_factory=list)
    answered: _Answered = field(default_factory=lambda: _Answered([], [], 0.0))

    @property
    def ended(self) -> bool:
        return self.next is None and not self.keys and not self.answered.keys


def _bounds(rule: Rule) -> list[tuple[float, float]]:
    """By type code, the least and the most milliseconds that the rule lets a key of that type live (`NO_EXPIRY` for
    ever): cheap enough to be checked for a million keys. Keys whose type is not known keep every rule."""
    shortest = 0 if rule.expiry == "required" else NO_EXPIRY
    fit, unfit, unknown = (shortest, rule.longest * 1000), (inf, -inf), (-inf, inf)
    return [unknown, *(fit if not rule.types or word in rule.types else unfit for word in TYPES[1:])]


class Sweeper:
    """Sweeps all keys into one store, again and again; the nodes of a cluster side by side."""

    def __init__(self, keyspace: Keyspace, layout: Layout, store: KeyStore) -> None:
        self.store = store
        self.scanned = 0
        self.refused = 0
        """Keys of this sweep whose type or TTL the account may not read."""
        self.spent = 0.0
        """Seconds of server CPU, estimated, of all sweeps."""
        self.whole = False
        """The last sweep has seen every part of a cluster."""
        self.steady = False
        """No slot is known to have moved meanwhile: its keys may have slipped past the sweep."""
        self._keyspace = keyspace
        self._strays: list[bytes] = []
        """Keys that are no longer where they were found."""
        self._route = layout.router
        self._bounds = [_bounds(family.rule) for family in layout.families]
        self._endless = frozenset(name for family in layout.families for name in family.rule.endless)
        self._harvest = Harvest()
        self._found = self._finding = _Suspects.none(len(layout.families))

    @property
    def suspects(self) -> list[list[int]]:
        """The first keys by family that break its rule, as the last whole sweep found them (or the first, so far)."""
        return self._found.rows

    @property
    def suspected(self) -> list[int]:
        """How many keys of each family break its rule."""
        return self._found.counts

    def take(self) -> Harvest:
        """What came and went since last asked."""
        harvest, self._harvest = self._harvest, Harvest()
        return harvest

    def gone(self, row: int) -> None:
        """A key that something else found missing."""
        family = self.store.families[row]
        self.store.remove(row)
        self._harvest.went[family].append(row)

    async def sweep(self) -> AsyncIterator[float]:
        """One whole sweep; yields after each slice the seconds its exchange took. Raises `Trouble`.

        Every key that exists throughout is found. Keys that the sweep does not find are taken as gone at its end; of a
        cluster only after they have been asked for by name, since they may have moved past it.
        """
        self.store.begin_sweep()
        known = len(self.store)
        self.scanned = self.refused = 0
        self.whole = self.steady = True
        self._finding = _Suspects.none(len(self._bounds))
        if not any(self._found.counts):
            self._found = self._finding
        served = self._served()
        cursors = [_Cursor(raw) for raw in self._keyspace.scanners()]
        while cursors:
            asked = clock.now()
            if len(cursors) == 1:
                await self._slice(cursors[0])
            else:
                await gather(self._slice(cursor) for cursor in cursors)
            if self._strays:
                self.steady = False
                strays, self._strays = self._strays, []
                await self._chase(strays)
            cursors = [cursor for cursor in cursors if not cursor.ended]
            yield clock.now() - asked
        self._found = self._finding
        self.whole = self.whole and not self._keyspace.missing
        self.steady = self.steady and self._served() == served
        for first in range(0, known, _MISSED_SLICE):
            rows = range(first, min(first + _MISSED_SLICE, known))
            missed = self.store.missed(rows)
            for start in range(0, len(missed) if self._keyspace.topology else 0, COUNT):
                asked = clock.now()
                await self._chase([self.store.name(row) for row in missed[start : start + COUNT]])
                yield clock.now() - asked
            for row in self.store.missed(rows):
                self.gone(row)
            await asyncio.sleep(0)

    def _served(self) -> Sequence[object]:
        """Who serves what."""
        cluster = self._keyspace.topology
        return [(node.id, node.slots) for node in cluster.primaries] if cluster else ()

    async def _slice(self, cursor: _Cursor) -> None:
        asked = clock.now()
        payload = [_FACTS % (len(key), key, len(key), key) for key in cursor.keys]
        if cursor.next is not None:
            payload.append(encode((b"SCAN", cursor.next, b"COUNT", b"%d" % COUNT)))
        # What was answered is noted while the server works on what is asked.
        replies, _ = await asyncio.gather(
            cursor.raw(b"".join(payload), 2 * len(cursor.keys) + (cursor.next is not None)),
            self._note(cursor.answered),
        )
        self.scanned += len(cursor.answered.keys)
        if replies is None:
            self.whole = False
            cursor.next, cursor.keys, cursor.answered = None, [], _Answered([], [], 0.0)
            return
        found: list[bytes] = []
        if cursor.next is not None:
            cursor.next, found = self._scanned(replies.pop())
        cursor.answered = _Answered(cursor.keys, replies, midpoint(asked))
        ours = self._keyspace.lookups
        ours.count(found=2 * len(cursor.keys))
        ours.sent.update({b"PTTL": len(cursor.keys), b"TYPE": len(cursor.keys), b"SCAN": 1})
        cursor.keys = found

    async def _chase(self, keys: list[bytes]) -> None:
        """Ask for keys by name, wherever they are now."""
        asked = clock.now()
        commands = [command for key in keys for command in ((b"PTTL", key), (b"TYPE", key))]
        replies = await self._keyspace.exchange(commands)
        left = sum(reply == _MISSING for reply in replies[::2])
        self._keyspace.lookups.count(found=2 * (len(keys) - left), missed=2 * left)
        await self._note(_Answered(keys, replies, midpoint(asked)))

    def _scanned(self, reply: Reply) -> tuple[bytes | None, list[bytes]]:
        """The next cursor (None at the end) and the keys of one SCAN reply."""
        if isinstance(reply, ReplyError):
            raise from_reply(reply, self._keyspace.address)
        if not isinstance(reply, list) or len(reply) != 2:
            raise not_redis(self._keyspace.address)
        cursor, keys = reply
        if not isinstance(cursor, bytes) or not isinstance(keys, list):
            raise not_redis(self._keyspace.address)
        names = [key for key in keys if isinstance(key, bytes)]
        self.refused += len(keys) - len(names)
        return (None if cursor == b"0" else cursor), names

    async def _note(self, answered: _Answered) -> None:
        """The hot loops: about 1.3 us a key."""
        route, code_of = self._route, TYPE_CODES.get
        names: list[bytes] = []
        families: list[int] = []
        codes: list[int] = []
        lefts: list[int] = []
        for key, left, type_word in zip(answered.keys, answered.replies[::2], answered.replies[1::2], strict=True):
            if left == _MISSING or type_word == b"none":
                continue
            if type(left) is not int or left < NO_EXPIRY:
                if isinstance(left, ReplyError) and self._elsewhere(key, left):
                    continue
                self.refused += left is not AWAY
                left = UNKNOWN_EXPIRY
                if type(type_word) is not bytes:
                    type_word = b"?"
            elif type(type_word) is not bytes:
                self.refused += 1
                type_word = b"?"
            elif left > _LONGEST:
                left = _LONGEST
            names.append(key)
            families.append(route(key))
            codes.append(code_of(type_word, 0))
            lefts.append(left)
        now = int(answered.at * 1000)
        deadlines = [now + left if left >= 0 else left for left in lefts]
        rows = self.store.note_all(names, families, codes, deadlines)
        came, bounds, suspects, endless = self._harvest.came, self._bounds, self._finding, self._endless
        for name, row, family, code, left in zip(names, rows, families, codes, lefts, strict=True):
            if row >= 0:
                came[family].append(row)
            least, most = bounds[family][code]
            if not least <= left <= most and (left != UNKNOWN_EXPIRY or least > most):  # a wrong type, whatever its TTL
                if left == NO_EXPIRY and name in endless and least <= most:
                    continue
                suspects.counts[family] += 1
                if len(suspects.rows[family]) < SUSPECTS_KEPT:
                    suspects.rows[family].append(row if row >= 0 else ~row)
        self.spent += len(answered.keys) * SERVER_COST

    def _elsewhere(self, key: bytes, error: ReplyError) -> bool:
        """True where the error tells nothing of the key: it has left the node, or is known and out of reach."""
        if error.code in UNSERVED and self._keyspace.topology is not None:
            self._strays.append(key)
            return True
        row = self.store.find(key) if error is AWAY else -1
        if row >= 0:
            self.store.keep(row)
        return row >= 0
