"""A view as the window has one: it knows the table by its edits alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from fleetcache_gui.present.long_table import LongTable
from fleetcache_gui.present.table import Edit, Table

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T", Table, LongTable)


def ids(table: Table | LongTable) -> list[bytes]:
    """All row ids as the table has them."""
    return [table.id_at(position) for position in range(len(table))]


class View(Generic[T]):
    """Row ids in order, changed by what each edit says; every step is held against the table."""

    def __init__(self, table: T) -> None:
        self.table: T = table
        self.shown = ids(table)

    def follow(self, edits: Iterable[Edit]) -> list[str]:
        """Apply edits as the window does; their kinds."""
        kinds: list[str] = []
        for edit in edits:
            kinds.append(edit.kind)
            self._check()  # until an edit is applied, the table is as it was
            self._within(edit)
            edit.apply()
            self._take(edit)
            self._check()
        self._check()
        return kinds

    def _within(self, edit: Edit) -> None:
        assert 0 <= edit.first <= edit.last
        if edit.kind == "insert":
            assert edit.first <= len(self.shown)
        elif edit.kind != "reset":
            assert edit.last < len(self.shown)

    def _take(self, edit: Edit) -> None:
        now = ids(self.table)
        if edit.kind == "remove":
            del self.shown[edit.first : edit.last + 1]
        elif edit.kind == "insert":
            self.shown[edit.first : edit.first] = now[edit.first : edit.last + 1]
        elif edit.kind == "reorder":
            assert sorted(now) == sorted(self.shown)
            self.shown = now
        elif edit.kind == "reset":
            self.shown = now

    def _check(self) -> None:
        assert len(self.table) == len(self.shown)
        assert ids(self.table) == self.shown
        assert len(set(self.shown)) == len(self.shown)
        for position in range(len(self.shown)):
            assert self.table.row(position).id == self.shown[position]
