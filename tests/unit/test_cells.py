from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from fleetcache_gui.domain.family import Column, Judgement, Kind, Row, Severity
from fleetcache_gui.domain.values import FOREVER, Expiry, KeyFact, Progress, State
from fleetcache_gui.present.cells import (
    LONGEST,
    as_table,
    cell_text,
    expiry_text,
    key_text,
    key_title,
    lacks_expiry,
)

ROW = Row(b"1", "f", "One", (), State("fine"), (), at=5.0)

cells = (
    st.none()
    | st.text(max_size=20)
    | st.integers(-(10**12), 10**12)
    | st.floats(-1e9, 1e9)
    | st.builds(Expiry, st.floats(0, 1e6), st.floats(0, 1e6))
    | st.just(FOREVER)
    | st.builds(Progress, st.integers(0, 10**9), st.none() | st.integers(0, 10**9))
    | st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e9))).map(tuple)
)


@given(st.sampled_from(Kind), cells)
def test_every_cell_of_every_kind_has_a_text(kind: Kind, cell: object) -> None:
    text = cell_text(kind, cell, 100.0)  # type: ignore[arg-type]
    assert isinstance(text, str)
    assert text or cell == ""


def test_cells_as_people_say_them() -> None:
    assert cell_text(Kind.NUMBER, 41_203, 0) == "41,203"
    assert cell_text(Kind.SIZE, 2048, 0) == "2.0 KB"
    assert cell_text(Kind.RATE, 312.4, 0) == "312/s"
    assert cell_text(Kind.RATE, 0.0, 0) == "–"
    assert cell_text(Kind.SECONDS, 124, 0) == "2 min 04 s"
    assert cell_text(Kind.AGE, 40.0, 100.0) == "1 min 00 s"
    assert cell_text(Kind.PROGRESS, Progress(5, 50_000), 0) == "5 of 50,000"
    assert cell_text(Kind.TREND, ((1.0, 2.0), (3.0, 4.6)), 0) == "5"
    assert cell_text(Kind.NUMBER, None, 0) == "–"
    assert cell_text(Kind.NUMBER, None, 0, read=False) == "…"
    assert len(cell_text(Kind.TEXT, "x" * 10_000_000, 0)) == LONGEST


def test_expiry_counts_down_to_expired() -> None:
    expiry = Expiry(100.0, 60.0)
    assert [expiry_text(expiry, now) for now in (40.0, 99.5, 100.0, 500.0)] == [
        "1:00",
        "0:01",
        "expired",
        "expired",
    ]
    assert expiry_text(FOREVER, 0) == "no expiry"


def test_a_missing_expiry_is_held_against_a_row_only_by_its_family() -> None:
    judged = replace(ROW, judgements=(Judgement("lock.no-ttl", b"1", Severity.WARNING, "", "", ""),))
    assert lacks_expiry(judged)
    assert not lacks_expiry(ROW)


def test_keys_in_words() -> None:
    assert key_text(KeyFact(b"k", "set", Expiry(100.0, 60.0)), 40.0) == "set · 1:00 left"
    assert key_text(KeyFact(b"k", "set", FOREVER), 40.0) == "set · no expiry"
    assert key_text(KeyFact(b"k", "none", FOREVER), 40.0) == "not there"
    assert [key_title(("SQL", "Hosts"), i) for i in range(3)] == ["SQL", "Hosts", "Hosts"]
    assert key_title((), 0) == "Value"


def test_rows_are_copied_as_a_table_that_no_spreadsheet_runs() -> None:
    columns = (Column("a", "A"), Column("b", "B", Kind.NUMBER), Column("c", "C", Kind.CLOCK))
    row = replace(ROW, cells=("=HYPERLINK(1)", -5, FOREVER))
    assert as_table(columns, [row, row], 0) == "A\tB\tC" + "\n'=HYPERLINK(1)\t'-5\tno expiry" * 2
