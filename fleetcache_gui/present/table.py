"""The rows of one family as a person sees them: filtered, in order, with changes as edits.

Qt never sorts or filters (a proxy model over 100,000 rows needs 33 s for what takes 0.04 s here). The table works out
what a change means for positions; the one adapter in the window wraps each edit into Qt's begin/end calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from fleetcache_gui.domain.family import TICKING, Column, Family, Kind, Row
from fleetcache_gui.domain.text import show
from fleetcache_gui.domain.values import Cell, Expiry, Progress, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from fleetcache_gui.domain.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of positions `first`..`last` (inclusive); it takes effect when `apply` is called."""

    kind: Literal["remove", "insert", "change", "reorder", "reset"]
    first: int
    last: int
    apply: Callable[[], None]


def nothing() -> None:
    return None


def sort_key(cell: Cell) -> tuple[int, Any]:
    """Orders cells of one column."""
    if isinstance(cell, Expiry):
        return (0, cell.deadline)
    if isinstance(cell, Progress):
        return (0, cell.done)
    if isinstance(cell, State):
        return (0, cell.word)
    if isinstance(cell, tuple):
        return (0, cell[-1][1] if cell else 0.0)
    if isinstance(cell, str):
        return (0, int(cell)) if cell.isascii() and cell.isdigit() else (1, cell.casefold())
    return (2, "") if cell is None else (0, cell)


def holding(rows: Iterable[Row], text: str) -> Iterator[Row]:
    """Those rows that hold every word of `text`, whatever its case."""
    words = text.casefold().split()
    return (row for row in rows if all(word in haystack(row) for word in words)) if words else iter(rows)


def haystack(row: Row) -> str:
    """Everything of a row that a filter or a search may find, in one lower-case text."""
    words = [row.title, row.state.word, *(cell for cell in row.cells if isinstance(cell, str))]
    words += [value for _, value in row.facts]
    words += [show(key.name, 200) for key in row.keys]  # a credential too: whoever searches for it has it
    return "\n".join(words).casefold()


def runs(positions: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Ascending positions as inclusive runs."""
    start = previous = None
    for position in positions:
        if start is None or previous is None:
            start = previous = position
        elif position == previous + 1:
            previous = position
        else:
            yield start, previous
            start = previous = position
    if start is not None and previous is not None:
        yield start, previous


class Table:
    """Rows of a family whose every row is read at each poll."""

    long = False

    def __init__(self, family: Family) -> None:
        self.family = family
        self.columns: tuple[Column, ...] = family.columns
        self.sort: tuple[str, bool] = family.sort if family.sort[0] else (family.columns[0].id, False)
        self._rows: dict[bytes, Row] = {}
        self._order: list[bytes] = []
        self._positions: dict[bytes, int] = {}
        self._text = ""
        self._state = ""
        self._compared = [i for i, c in enumerate(self.columns) if c.kind not in TICKING]

    @property
    def total(self) -> int:
        """Rows before filtering."""
        return len(self._rows)

    def __len__(self) -> int:
        return len(self._order)

    def id_at(self, position: int) -> bytes:
        """The row id at a position."""
        return self._order[position]

    def row(self, position: int) -> Row:
        """The row at a position."""
        return self._rows[self._order[position]]

    def get(self, row_id: bytes) -> Row | None:
        """The row of that id, shown or filtered away."""
        return self._rows.get(row_id)

    def position(self, row_id: bytes) -> int:
        """Where a row stands, or -1 when it is gone or filtered away."""
        return self._positions.get(row_id, -1)

    def shown(self) -> Iterator[Row]:
        """The rows as they are filtered and ordered when this is called."""
        return iter([self._rows[row_id] for row_id in self._order])

    def states(self) -> tuple[str, ...]:
        """The state words present, most frequent first."""
        counts: dict[str, int] = {}
        for row in self._rows.values():
            counts[row.state.word] = counts.get(row.state.word, 0) + 1
        return tuple(sorted(counts, key=lambda word: (-counts[word], word)))

    def update(self, snapshot: Snapshot) -> Iterator[Edit]:
        """Take the rows of a newer snapshot."""
        old, self._rows = self._rows, {row.id: row for row in snapshot.rows}
        changed = {i for i, row in self._rows.items() if i in old and self._differs(old[i], row)}
        # Rows that leave must still answer `row` until their removal has been applied.
        leaving = {i: row for i, row in old.items() if i not in self._rows}
        self._rows.update(leaving)
        yield from self._arrange(changed, leaving)

    def set_sort(self, column_id: str, descending: bool) -> Iterator[Edit]:
        """Order by another column. ValueError for a column that does not exist."""
        self.family.column(column_id)
        self.sort = (column_id, descending)
        yield from self._arrange(set(), {})

    def set_filter(self, text: str, state: str = "") -> Iterator[Edit]:
        """Show only rows that hold every word of `text` and, when given, are in `state`."""
        self._text, self._state = text, state
        yield from self._arrange(set(), {})

    def _differs(self, old: Row, new: Row) -> bool:
        if old.state != new.state or old.title != new.title:
            return True
        return any(old.cells[i] != new.cells[i] for i in self._compared)

    def _wanted(self, leaving: dict[bytes, Row]) -> list[bytes]:
        rows: Iterable[Row] = (row for row in self._rows.values() if row.id not in leaving)
        if self._state:
            rows = (row for row in rows if row.state.word == self._state)
        at = self.family.column(self.sort[0])
        kept = list(holding(rows, self._text))
        if self.columns[at].kind is not Kind.STATE:
            kept.sort(key=lambda row: row.id)  # ties keep one order for ever
        else:
            kept.sort(key=lambda row: (row.title, row.id))
        kept.sort(key=lambda row: sort_key(row.cells[at]), reverse=self.sort[1])
        kept.sort(key=lambda row: row.cells[at] is None)  # what is unknown comes last, whatever the direction
        return [row.id for row in kept]

    def _arrange(self, changed: set[bytes], leaving: dict[bytes, Row]) -> Iterator[Edit]:
        wanted = self._wanted(leaving)
        keep = set(wanted)
        gone = [p for p, row_id in enumerate(self._order) if row_id not in keep]
        for first, last in reversed(list(runs(gone))):
            yield Edit("remove", first, last, partial(self._cut, first, last))
        for row_id in leaving:
            self._rows.pop(row_id, None)
        survivors = [row_id for row_id in wanted if row_id in self._positions]
        if survivors != self._order:
            yield Edit("reorder", 0, len(survivors) - 1, partial(self._place, survivors))
        new = [p for p, row_id in enumerate(wanted) if row_id not in self._positions]
        for first, last in runs(new):
            yield Edit("insert", first, last, partial(self._splice, first, wanted[first : last + 1]))
        touched = sorted(p for row_id in changed if (p := self.position(row_id)) >= 0)
        for first, last in runs(touched):
            yield Edit("change", first, last, nothing)

    def _place(self, order: list[bytes]) -> None:
        self._order = order
        self._positions = {row_id: p for p, row_id in enumerate(order)}

    def _cut(self, first: int, last: int) -> None:
        self._place(self._order[:first] + self._order[last + 1 :])

    def _splice(self, first: int, ids: list[bytes]) -> None:
        self._place(self._order[:first] + ids + self._order[first:])
