"""The rows of a family that is too long to read every value of: row numbers of the key store, rows made on demand."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import replace
from functools import partial
from itertools import compress, count, filterfalse, islice
from typing import TYPE_CHECKING

from fleetcache_gui import clock
from fleetcache_gui.domain.family import Column, Family, Kind, Reading, Row
from fleetcache_gui.domain.store import GONE, NO_EXPIRY, TYPES, UNKNOWN_EXPIRY, KeyStore
from fleetcache_gui.domain.values import FOREVER, UNKNOWN, Expiry, KeyFact
from fleetcache_gui.present.table import Edit, nothing, runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fleetcache_gui.domain.snapshot import Snapshot

_READY = 256
"""Thin rows kept ready; more than any screen shows."""

_RESORT = 50_000
"""Up to so many rows are put in order again when some come; longer tables take newcomers at the end (a sort holds the
loop for 0.4 us a row) until they are sorted again or a sweep has ended."""

_MOST_RUNS = 100
"""More separate gaps than these are no longer taken out one by one."""

_MOST_PENDING = 100_000
"""More changes than these between two updates are no longer followed one by one."""

_ABSENT, _LIVING, _DEAD = range(3)

_SLICE = 5000

DISCOVERY = "discovery"
"""Pseudo column: the order in which SCAN found the keys."""


def _needles(text: str) -> list[bytes]:
    return [word.encode("utf-8", "surrogatepass") for word in text.split()]


class LongTable:
    """As `Table`, over row numbers. Can be sorted by key name and by what the inventory knows (columns with
    ``probed=False``), and filtered by words within the key's name.

    A member that has gone stays in the list of members, marked, until they are next gone through for another reason:
    to look for each at once would hold up the loop (0.1 s in a million).
    """

    long = True

    def __init__(self, family: Family, store: KeyStore, members: Sequence[int]) -> None:
        self.family = family
        self.columns: tuple[Column, ...] = family.columns
        self.sort: tuple[str, bool] = (DISCOVERY, False)
        self._store = store
        self._members = array("I", members)
        self._order = array("I", members)
        self._standing = bytearray(len(store))
        """By row number: whether it is among the members, and whether it lives."""
        for number in members:
            self._standing[number] = _LIVING
        self._dead = 0
        self.total = len(members)
        """Rows before filtering, as of the last edits."""
        self._came: dict[int, None] = {}
        self._went: set[int] = set()
        """What `_order` does not know yet; `_anew` when that was too much to keep."""
        self._anew = False
        self._rows: tuple[Row, ...] = ()
        self._read: dict[bytes, Row] = {}
        """`_rows`, the rows whose values were read last, by id."""
        self._thin: dict[int, Row] = {}
        self._words: list[bytes] = []
        self._state = ""

    def __len__(self) -> int:
        return len(self._order)

    def collect(self, came: Sequence[int], went: Sequence[int]) -> None:
        """Keep what a sweep found and missed until the next `update`."""
        families, standing = self._store.families, self._standing
        standing.extend(bytes(len(families) - len(standing)))
        # Which came first is not told of a key in both, nor is it asked: the store knows how it ended.
        for number in went:
            if standing[number] == _LIVING and families[number] == GONE:
                standing[number] = _DEAD
                self._dead += 1
                if number in self._came:
                    del self._came[number]
                else:
                    self._went.add(number)
        for number in came:
            if standing[number] == _LIVING or families[number] == GONE:
                continue
            if standing[number] == _ABSENT:
                self._members.append(number)
            else:
                self._dead -= 1
            standing[number] = _LIVING
            if number in self._went:
                self._went.remove(number)
            else:
                self._came[number] = None
        if len(self._came) + len(self._went) > _MOST_PENDING:
            self._anew = True
        if self._anew:
            self._came, self._went = {}, set()
        if self._dead * 2 > len(self._members):
            self._bury()

    def id_at(self, position: int) -> bytes:
        """The row id (the key) at a position."""
        return self._store.name(self._order[position])

    def every(self) -> Iterator[bytes]:
        """The ids of all rows, filtered away or not."""
        return (self._store.name(number) for number in self._members if self._standing[number] == _LIVING)

    def position(self, row_id: bytes) -> int:
        """Where a key stands, or -1 when it is gone or filtered away."""
        number = self._store.find(row_id)
        try:
            return self._order.index(number) if number >= 0 else -1
        except ValueError:
            return -1

    def row(self, position: int) -> Row:
        """The row at a position: as read, or thin (probed cells None) where its value was not read."""
        return self._row(self._order[position])

    def get(self, row_id: bytes) -> Row | None:
        """The row of that key, or None when it is gone."""
        number = self._store.find(row_id)
        return self._row(number) if number >= 0 else None

    def shown(self) -> Iterator[Row]:
        """The rows as they are filtered and ordered when this is called; what goes meanwhile is left out."""
        order, store, read = self._order[:], self._store, self._read
        named = ((number, store.name(number)) for number in order if store.families[number] != GONE)
        return (read.get(name) or self._decode(number, name) for number, name in named)

    def states(self) -> tuple[str, ...]:
        """State words of the rows whose values were read."""
        return tuple(sorted({row.state.word for row in self._read.values()}))

    def update(self, snapshot: Snapshot) -> Iterator[Edit]:
        """Take in what was collected, and the values read for rows on screen."""
        if snapshot.rows is not self._rows:  # else only a sweep has gone on
            self._rows, self._read = snapshot.rows, {row.id: row for row in snapshot.rows}
            self._thin.clear()
        self.total = len(self._members) - self._dead
        came, went, self._came, self._went = self._came, self._went, {}, set()
        if went:
            yield from self._remove(went)
        if came:
            yield from self._insert(self._kept(array("I", came)))
        if self._anew or (self._state and self._wanted() != self._order):
            yield from self._rearrange()
        if self._order:  # all of it: to look for each row that was read would take longer than to repaint the screen
            yield Edit("change", 0, len(self._order) - 1, nothing)

    def set_sort(self, column_id: str, descending: bool) -> Iterator[Edit]:
        """Order by a column that the inventory knows. ValueError for one that needs values."""
        if self.columns[self.family.column(column_id)].probed:
            raise ValueError(f"{self.family.title}: too many rows to be sorted by {column_id}")
        self.sort = (column_id, descending)
        yield from self._rearrange()

    def set_filter(self, text: str, state: str = "") -> Iterator[Edit]:
        """Show only keys whose name holds every word of `text`; a state only finds rows whose value was read."""
        self._words, self._state = _needles(text), state
        yield from self._rearrange()

    def search(self, text: str, limit: int) -> Iterator[list[Row]]:
        """Up to `limit` rows whose key holds every word of `text`, in the order of discovery, whatever the filter.

        Each step looks at a slice of the keys, so that a search through a million of them does not hold up the loop.
        """
        wanted, members, left = _needles(text), self._members[:], limit
        for first in range(0, len(members), _SLICE):
            found = filter(self._alive, self._holding(wanted, members[first : first + _SLICE]))
            rows = [self._row(number) for number in islice(found, left)]
            yield rows
            left -= len(rows)
            if left <= 0:
                return

    def _kept(self, numbers: array[int]) -> Sequence[int]:
        kept = self._holding(self._words, numbers)
        if self._state:
            wanted = {self._store.find(row.id) for row in self._read.values() if row.state.word == self._state}
            kept = [n for n in kept if n in wanted]
        return kept

    def _holding(self, wanted: list[bytes], numbers: Sequence[int]) -> Sequence[int]:
        for word in wanted:
            numbers = self._store.search(word, numbers)
        return numbers

    def _bury(self) -> None:
        """Take those that have gone out of the members."""
        if self._dead:
            standing = self._standing
            living = array("I", (n for n in self._members if standing[n] == _LIVING))
            self._standing = standing.replace(bytes([_DEAD]), bytes([_ABSENT]))
            self._members, self._dead = living, 0

    def _alive(self, number: int) -> bool:
        return self._store.families[number] != GONE

    def _remove(self, went: set[int]) -> Iterator[Edit]:
        gaps = list(runs(self._positions(went)))
        if len(gaps) > _MOST_RUNS:
            left = array("I", filterfalse(went.__contains__, self._order))
            yield Edit("reset", 0, max(len(left) - 1, 0), partial(self._place, left))
            return
        for first, last in reversed(gaps):
            yield Edit("remove", first, last, partial(self._cut, first, last))

    def _positions(self, numbers: set[int]) -> list[int]:
        """Where these stand, ascending. In the order of discovery numbers mostly rise, so most are found at once."""
        order = self._order
        found: list[int] = []
        sought: set[int] = set()
        for number in numbers:
            at = bisect_left(order, number)
            if at < len(order) and order[at] == number:
                found.append(at)
            else:
                sought.add(number)
        if sought:
            found += compress(count(), map(sought.__contains__, order))
        return sorted(found)

    def _insert(self, numbers: Sequence[int]) -> Iterator[Edit]:
        if not numbers:
            return
        if self.sort[0] != DISCOVERY and len(self._order) <= _RESORT:
            yield from self._rearrange()
            return
        first = len(self._order)
        yield Edit("insert", first, first + len(numbers) - 1, partial(self._order.extend, numbers))

    def _rearrange(self) -> Iterator[Edit]:
        order = self._wanted()
        self.total = len(self._members)
        self._came, self._went, self._anew = {}, set(), False
        yield Edit("reset", 0, max(len(order) - 1, 0), partial(self._place, order))

    def _wanted(self) -> array[int]:
        self._bury()
        kept = self._kept(self._members)
        column, descending = self.sort
        if column == DISCOVERY:
            return array("I", kept)
        return array("I", sorted(kept, key=self._key(column), reverse=descending))

    def _key(self, column: str) -> Callable[[int], int | str | bytes]:
        deadlines, types, name = self._store.deadlines, self._store.types, self._store.name
        if column == "type":
            return lambda n: TYPES[types[n]]
        if self.columns[self.family.column(column)].kind is Kind.CLOCK:
            return lambda n: deadlines[n] if deadlines[n] >= 0 else 1 << 62
        return name

    def _place(self, order: array[int]) -> None:
        self._order = order

    def _cut(self, first: int, last: int) -> None:
        del self._order[first : last + 1]

    def _row(self, number: int) -> Row:
        name = self._store.name(number)
        read = self._read.get(name)
        if read is not None:
            return read
        row = self._thin.get(number)
        if row is None:
            if len(self._thin) >= _READY:
                self._thin.clear()
            row = self._thin[number] = self._decode(number, name)
        return row

    def _decode(self, number: int, name: bytes) -> Row:
        store = self._store
        deadline = store.deadlines[number]
        longest = self.family.rule.longest
        if deadline in (NO_EXPIRY, UNKNOWN_EXPIRY):
            expiry = FOREVER if deadline == NO_EXPIRY else UNKNOWN
        else:
            expiry = Expiry(deadline / 1000, longest if longest < 1e9 else 0.0)
        type_word = "none" if store.families[number] == GONE else TYPES[store.types[number]]
        thin = self.family.decode(Reading(name, clock.now(), 0.0, (KeyFact(name, type_word, expiry),)), None)
        return replace(thin, at=0.0)  # its value was not read
