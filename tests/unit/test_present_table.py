"""The table of a family whose rows are all read: whatever happens, its edits lead to the order that is wanted."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetcache_gui.domain.family import Column, Family, Kind, Row, Rule
from fleetcache_gui.domain.snapshot import Snapshot
from fleetcache_gui.domain.values import FOREVER, Expiry, KeyFact, Progress, State, Tone
from fleetcache_gui.present.table import Table, haystack, holding, runs
from tests.tables import View, ids

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fleetcache_gui.domain.values import Cell

COLUMNS = (
    Column("name", "Name"),
    Column("size", "Size", Kind.NUMBER),
    Column("done", "Done", Kind.PROGRESS),
    Column("left", "Left", Kind.CLOCK),
    Column("state", "State", Kind.STATE),
)
FAMILY = Family(
    id="things",
    title="Things",
    tab="Things",
    noun=("thing", "things"),
    purpose="For tests.",
    patterns=("thing:<name>",),
    prefixes=(b"thing:",),
    columns=COLUMNS,
    rule=Rule(frozenset()),
    decode=lambda reading, before: pytest.fail("a table decodes nothing"),
    sort=("name", False),
)


def row(row_id: bytes, name: str = "x", *cells: Cell, state: str = "ok", reveal: str = "") -> Row:
    size, done, left = [*cells, None, None, None][:3]
    told = State(state, Tone.OK)
    keys = (KeyFact(b"thing:" + row_id, "string", FOREVER),)
    return Row(row_id, FAMILY.id, f"Thing {name}", (name, size, done, left, told), told, keys, reveal=reveal)


def snapshot(rows: Iterable[Row]) -> Snapshot:
    kept = tuple(rows)
    return Snapshot(FAMILY.id, kept, len(kept), 0.0, True)


def filled(*rows: Row) -> View[Table]:
    view = View(Table(FAMILY))
    view.follow(view.table.update(snapshot(rows)))
    return view


# ---- any sequence of changes ------------------------------------------------------------------------------

IDS = st.sampled_from([b"%c" % letter for letter in b"abcdefghijkl"])
NAMES = st.sampled_from(["alpha", "Beta", "beta 2", "7", "12", "straße", ""])
STATES = st.sampled_from(["ok", "odd", "gone?"])
SIZES = st.none() | st.integers(0, 5) | st.floats(0, 5)
DONE = st.none() | st.builds(Progress, st.integers(0, 3))
LEFT = st.none() | st.just(FOREVER) | st.builds(Expiry, st.sampled_from([1.0, 2.0, 3.0]))
ROWS = st.lists(
    st.builds(lambda i, name, state, *cells: row(i, name, *cells, state=state), IDS, NAMES, STATES, SIZES, DONE, LEFT),
    max_size=12,
    unique_by=lambda row: row.id,
)
UPDATE = ROWS.map(lambda rows: ("update", rows))
SORT = st.tuples(st.just("sort"), st.sampled_from([c.id for c in COLUMNS]), st.booleans())
FILTER = st.tuples(
    st.just("filter"), st.sampled_from(["", "a", "BETA", "beta 2", " thing  x ", "zz"]), st.just("") | STATES
)


def value(cell: Cell) -> Any:
    """What a cell is ordered by, said once more."""
    if isinstance(cell, str):
        return (0, int(cell), "") if cell.isdigit() else (1, 0, cell.casefold())
    if isinstance(cell, Progress):
        return cell.done
    if isinstance(cell, Expiry):
        return cell.deadline
    return cell.word if isinstance(cell, State) else cell


def assert_in_order(rows: list[Row], column: str, descending: bool) -> None:
    cells = [row.cells[FAMILY.column(column)] for row in rows]
    known = [cell for cell in cells if cell is not None]
    assert cells[: len(known)] == known  # what is unknown comes last, whatever the direction
    values = [value(cell) for cell in known]
    assert values == sorted(values, reverse=descending)
    if column != "state":
        ties = [(value(cell), row.id) for cell, row in zip(known, rows, strict=False)]
        for one, other in pairwise(ties):
            assert one[0] != other[0] or one[1] < other[1]


@settings(max_examples=150, deadline=None)
@given(st.lists(UPDATE | SORT | FILTER, max_size=10))
def test_edits_lead_to_the_wanted_order(steps: list[Any]) -> None:
    table = Table(FAMILY)
    view = View(table)
    rows: list[Row] = []
    sort, text, state = ("name", False), "", ""
    for kind, *what in steps:
        if kind == "update":
            rows = what[0]
            kinds = view.follow(table.update(snapshot(rows)))
        elif kind == "sort":
            sort = (what[0], what[1])
            kinds = view.follow(table.set_sort(*sort))
        else:
            text, state = what
            kinds = view.follow(table.set_filter(text, state))
        assert "reset" not in kinds
        words = text.casefold().split()
        wanted = {r.id for r in rows if state in ("", r.state.word) and all(word in haystack(r) for word in words)}
        assert set(view.shown) == wanted
        assert table.total == len(rows)
        assert_in_order([table.row(p) for p in range(len(table))], *sort)
        latest = {row.id: row for row in rows}
        for position, row_id in enumerate(view.shown):
            assert table.position(row_id) == position
            assert table.row(position) is latest[row_id]
        for row_id in (b"a", b"b", b"z"):
            assert table.get(row_id) is latest.get(row_id)
            assert row_id in wanted or table.position(row_id) == -1


# ---- one change at a time ---------------------------------------------------------------------------------


def test_what_stays_as_it_was_is_not_touched() -> None:
    view = filled(row(b"a", "a", 1), row(b"b", "b", 2))
    assert view.follow(view.table.update(snapshot([row(b"a", "a", 1), row(b"b", "b", 2)]))) == []


def test_clocks_are_repainted_and_never_compared() -> None:
    view = filled(row(b"a", "a", 1, None, Expiry(100.0, 60.0)))
    later = row(b"a", "a", 1, None, Expiry(200.0, 60.0))
    assert view.follow(view.table.update(snapshot([later]))) == []
    assert view.table.row(0) is later


def test_only_what_changed_is_repainted_in_runs() -> None:
    names = "abcde"
    view = filled(*(row(name.encode(), name, 1) for name in names))
    changed = {"b", "c", "e"}
    now = [row(name.encode(), name, 2 if name in changed else 1) for name in names]
    edits = []
    for edit in view.table.update(snapshot(now)):
        edits.append((edit.kind, edit.first, edit.last))
        edit.apply()
    assert edits == [("change", 1, 2), ("change", 4, 4)]


def test_a_row_moves_when_its_sort_value_changes() -> None:
    view = filled(row(b"a", "a"), row(b"b", "b"))
    assert view.follow(view.table.update(snapshot([row(b"a", "z"), row(b"b", "b")]))) == ["reorder", "change"]
    assert view.shown == [b"b", b"a"]


def test_rows_that_are_filtered_away_are_still_known() -> None:
    view = filled(row(b"a", "alpha"), row(b"b", "beta"))
    view.follow(view.table.set_filter("alpha"))
    assert view.shown == [b"a"]
    assert view.table.total == 2
    assert view.table.get(b"b") is not None
    view.follow(view.table.update(snapshot([row(b"a", "alpha")])))
    assert view.table.get(b"b") is None


def test_states_are_told_by_their_number() -> None:
    table = filled(row(b"a", state="odd"), row(b"b"), row(b"c"), row(b"d", state="bad")).table
    assert table.states() == ("ok", "bad", "odd")


def test_a_column_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="nope"):
        list(Table(FAMILY).set_sort("nope", False))
    assert ids(Table(FAMILY)) == []


def test_numbers_within_texts_are_ordered_as_numbers() -> None:
    view = filled(row(b"a", "10"), row(b"b", "9"), row(b"c", "x"))
    assert view.shown == [b"b", b"a", b"c"]


def test_infinity_comes_after_every_time() -> None:
    view = filled(row(b"a", "a", 1, None, FOREVER), row(b"b", "b", 1, None, Expiry(math.nextafter(math.inf, 0))))
    view.follow(view.table.set_sort("left", False))
    assert view.shown == [b"b", b"a"]


# ---- searching --------------------------------------------------------------------------------------------


def test_a_row_holds_its_cells_its_state_and_its_keys() -> None:
    one = row(b"a", "Straße", state="odd")
    for text in ("STRASSE", "odd", "thing:a", "thing strasse"):
        assert list(holding([one], text)) == [one]
    assert list(holding([one], "thing absent")) == []
    assert list(holding([one], "  ")) == [one]


def test_who_knows_a_credential_can_find_it() -> None:
    secret = row(b"secret-token", "secr…", reveal="secret-token")
    assert list(holding([secret], "secret-token")) == [secret]


@given(st.sets(st.integers(0, 60)))
def test_runs_cover_their_positions(positions: set[int]) -> None:
    found = list(runs(sorted(positions)))
    assert {p for first, last in found for p in range(first, last + 1)} == positions
    assert all(one[1] + 1 < other[0] for one, other in pairwise(found))
