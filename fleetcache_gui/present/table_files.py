"""A table as a file for other programs: numbers as numbers, times in UTC. It carries what stands on screen, so that
credentials are masked in it."""

from __future__ import annotations

import csv
import io
import json
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

from fleetcache_gui.domain.family import Column, Kind, Row
from fleetcache_gui.domain.values import Cell, Expiry, Progress, State
from fleetcache_gui.present.cells import spreadsheet_safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Field: TypeAlias = "str | int | float | None"
"""None where it is not known; of a row whose value was not read, all that would need it."""

_UNITS = {
    Kind.SIZE: " (bytes)",
    Kind.RATE: " (per second)",
    Kind.SECONDS: " (s)",
    Kind.AGE: " (s)",
    Kind.CLOCK: " (s)",
    Kind.TREND: " (last)",
}


class CsvFile:
    """One line a row under a line of titles; no cell is one that a spreadsheet computes. `now` and `wall` are the same
    moment, in monotonic and in Unix seconds."""

    def __init__(self, columns: Sequence[Column], now: float, wall: float) -> None:
        self._columns, self._now, self._wall = columns, now, wall

    def begin(self) -> str:
        """The line of titles."""
        titles: list[Field] = []
        for column in self._columns:
            titles.append(column.title + _UNITS.get(column.kind, ""))
            if column.kind is Kind.CLOCK:
                titles.append(f"{column.title}: until")
            elif column.kind is Kind.PROGRESS:
                titles.append(f"{column.title}: of")
        return _lines([[*titles, "Why", "Read at"]])

    def some(self, rows: Iterable[Row]) -> str:
        """The lines of some rows."""
        return _lines([field for _, field in _fields(self._columns, row, self._now, self._wall)] for row in rows)

    def end(self) -> str:
        """Nothing more."""
        return ""


class JsonFile:
    """An array of objects, named by the columns' ids; the same fields as in `CsvFile`."""

    def __init__(self, columns: Sequence[Column], now: float, wall: float) -> None:
        self._columns, self._now, self._wall = columns, now, wall
        self._first = True

    def begin(self) -> str:
        """The array's opening."""
        return "["

    def some(self, rows: Iterable[Row]) -> str:
        """Some of its objects."""
        parts = []
        for row in rows:
            parts.append("\n" if self._first else ",\n")
            parts.append(json.dumps(dict(_fields(self._columns, row, self._now, self._wall))))
            self._first = False
        return "".join(parts)

    def end(self) -> str:
        """The array's closing."""
        return "\n]\n"


def _lines(records: Iterable[Sequence[Field]]) -> str:
    out = io.StringIO()
    write = csv.writer(out)
    for record in records:
        write.writerow(spreadsheet_safe(field) if isinstance(field, str) else field for field in record)
    return out.getvalue()


def _fields(columns: Sequence[Column], row: Row, now: float, wall: float) -> Iterator[tuple[str, Field]]:
    for column, cell in zip(columns, row.cells, strict=True):
        yield column.id, _field(column.kind, cell, now)
        if column.kind is Kind.CLOCK:
            yield f"{column.id}_until", _until(cell, now, wall)
        elif column.kind is Kind.PROGRESS:
            yield f"{column.id}_of", cell.total if isinstance(cell, Progress) else None
    yield "why", row.why
    yield "read_at", _utc(wall + row.at - now) if row.at > 0 else None


def _field(kind: Kind, cell: Cell, now: float) -> Field:
    if isinstance(cell, Expiry):
        return round(cell.left(now), 1) if cell.ends else None
    if isinstance(cell, State):
        return cell.word
    if isinstance(cell, Progress):
        return cell.done
    if isinstance(cell, tuple):
        return cell[-1][1] if cell else None
    if kind is Kind.AGE and isinstance(cell, int | float):
        return round(now - cell, 1)
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


def _until(cell: Cell, now: float, wall: float) -> str | None:
    if not isinstance(cell, Expiry) or not cell.known:
        return None
    return _utc(wall + cell.deadline - now) if cell.ends else "never"


def _utc(wall: float) -> str:
    try:
        return datetime.fromtimestamp(wall, UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):  # a deadline may lie beyond the year 9999
        return "beyond the year 9999"
