"""The rows of a family that is too long to read every value of: row numbers of the key store, rows made on demand."""

from __future__ import annotations

import time
from array import array
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from fleetcache_gui.domain.family import Column, Family, Kind, Reading, Row
from fleetcache_gui.domain.store import GONE, NO_EXPIRY, TYPES, KeyStore
from fleetcache_gui.domain.values import FOREVER, Expiry, KeyFact
from fleetcache_gui.present.table import Edit, nothing, runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fleetcache_gui.domain.snapshot import Snapshot

_READY = 512
"""Thin rows kept ready; more than any screen shows."""

_RESORT = 50_000
"""Up to so many rows are put in order again when some come; longer tables take newcomers at the end (a sort holds the
loop for 0.4 us a row) until they are sorted again or a sweep has ended."""

_MOST_RUNS = 100
"""More separate gaps than these are no longer taken out one by one."""

_SLICE = 5000

DISCOVERY = "discovery"
"""Pseudo column: the order in which SCAN found the keys."""


def _needle(text: str) -> bytes:
    return text.strip().encode("utf-8", "surrogatepass")


class LongTable:
    """As `Table`, over row numbers. Can be sorted by key name and by what the inventory knows (columns with
    ``probed=False``), and filtered by text within the key's name."""

    long = True

    def __init__(self, family: Family, store: KeyStore, members: Sequence[int]) -> None:
        self.family = family
        self.columns: tuple[Column, ...] = family.columns
        self.sort: tuple[str, bool] = (DISCOVERY, False)
        self._store = store
        self._members = array("I", members)
        self._order = array("I", members)
        self._came = array("I")
        self._went: set[int] = set()
        self._read: dict[bytes, Row] = {}
        self._thin: dict[int, Row] = {}
        self._text = b""
        self._state = ""

    @property
    def total(self) -> int:
        """Rows before filtering."""
        return len(self._members)

    def __len__(self) -> int:
        return len(self._order)

    def collect(self, came: Sequence[int], went: Sequence[int]) -> None:
        """Keep what a sweep found and missed until the next `update`."""
        self._came.extend(came)
        self._went.update(went)

    def id_at(self, position: int) -> bytes:
        """The row id (the key) at a position."""
        return self._store.name(self._order[position])

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

    def states(self) -> tuple[str, ...]:
        """State words of the rows whose values were read."""
        return tuple(sorted({row.state.word for row in self._read.values()}))

    def update(self, snapshot: Snapshot) -> Iterator[Edit]:
        """Take in what was collected, and the values read for rows on screen."""
        self._read = {row.id: row for row in snapshot.rows}
        self._thin.clear()
        came, went, self._came, self._went = self._came, self._went, array("I"), set()
        if went:  # some of those that came may be among them, or may have come twice
            families = self._store.families
            came = array("I", [n for n in dict.fromkeys(came) if families[n] != GONE])
            self._members = array("I", (n for n in self._members if n not in went))
            yield from self._remove(went)
        if came:
            self._members.extend(came)
            yield from self._insert(self._kept(came))
        if self._state and self._wanted() != self._order:
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
        """Show only keys whose name holds `text`; a state only finds rows whose value was read."""
        self._text, self._state = _needle(text), state
        yield from self._rearrange()

    def search(self, text: str, limit: int) -> Iterator[list[Row]]:
        """Up to `limit` rows whose key holds `text`, in the order of discovery, whatever the filter.

        Each step looks at a slice of the keys, so that a search through a million of them does not hold up the loop.
        """
        needle, members = _needle(text), self._members + self._came
        found: dict[int, None] = {}  # a key that went and came back is among them twice
        for first in range(0, len(members), _SLICE):
            before = len(found)
            found.update(
                dict.fromkeys(filter(self._alive, self._store.search(needle, members[first : first + _SLICE])))
            )
            yield [self._row(n) for n in islice(found, before, limit)]
            if len(found) >= limit:
                return

    def _kept(self, numbers: array[int]) -> Sequence[int]:
        kept = self._store.search(self._text, numbers) if self._text else numbers
        if self._state:
            wanted = {self._store.find(row.id) for row in self._read.values() if row.state.word == self._state}
            kept = [n for n in kept if n in wanted]
        return kept

    def _alive(self, number: int) -> bool:
        return self._store.families[number] != GONE

    def _remove(self, went: set[int]) -> Iterator[Edit]:
        gaps = list(runs([p for p, n in enumerate(self._order) if n in went]))
        if len(gaps) > _MOST_RUNS:
            left = array("I", (n for n in self._order if n not in went))
            yield Edit("reset", 0, max(len(left) - 1, 0), partial(self._place, left))
            return
        for first, last in reversed(gaps):
            yield Edit("remove", first, last, partial(self._cut, first, last))

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
        yield Edit("reset", 0, max(len(order) - 1, 0), partial(self._place, order))

    def _wanted(self) -> array[int]:
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
            return lambda n: deadlines[n] if deadlines[n] != NO_EXPIRY else 1 << 62
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
        expiry = FOREVER if deadline == NO_EXPIRY else Expiry(deadline / 1000, longest if longest < 1e9 else 0.0)
        type_word = "none" if store.families[number] == GONE else TYPES[store.types[number]]
        return self.family.decode(Reading(name, time.monotonic(), 0.0, (KeyFact(name, type_word, expiry),)), None)
