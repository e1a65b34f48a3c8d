"""A table as a file for other programs."""

from __future__ import annotations

import csv
import io
import json
import time
from array import array
from dataclasses import replace

import pytest

from fleetcache_gui import clock
from fleetcache_gui.domain.family import Column, Kind, Reading, Row
from fleetcache_gui.domain.store import TYPE_CODES, KeyStore
from fleetcache_gui.domain.values import FOREVER, UNKNOWN, Expiry, KeyFact, Progress, State
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.families.spec.installer_tokens import FAMILY as TOKENS
from fleetcache_gui.families.upstream import UPSTREAM
from fleetcache_gui.present.long_table import LongTable
from fleetcache_gui.present.table_files import CsvFile, JsonFile

NOW, WALL = 1000.0, 1_800_000_000.0
COLUMNS = (
    Column("name", "Name"),
    Column("size", "Size", Kind.SIZE),
    Column("held", "Held", Kind.AGE),
    Column("left", "Time left", Kind.CLOCK),
    Column("done", "Answered", Kind.PROGRESS),
    Column("trend", "Trend", Kind.TREND),
    Column("state", "State", Kind.STATE),
)
ROW = Row(
    b"1",
    "f",
    "One",
    ("one", 2048, 940.0, Expiry(1030.0, 60.0), Progress(5, 10), ((1.0, 2.0), (3.0, 4.5)), State("fine")),
    State("fine"),
    (),
    why="All is well.",
    at=999.0,
)


def _csv(*rows: Row) -> list[list[str]]:
    file = CsvFile(COLUMNS, NOW, WALL)
    return list(csv.reader(io.StringIO(file.begin() + file.some(rows) + file.end())))


def _json(*rows: Row) -> list[dict[str, object]]:
    file = JsonFile(COLUMNS, NOW, WALL)
    loaded: list[dict[str, object]] = json.loads(file.begin() + "".join(file.some([row]) for row in rows) + file.end())
    return loaded


def test_values_are_numbers_and_times_are_utc() -> None:
    titles, line = _csv(ROW)
    assert dict(zip(titles, line, strict=True)) == {
        "Name": "one",
        "Size (bytes)": "2048",
        "Held (s)": "60.0",
        "Time left (s)": "30.0",
        "Time left: until": "2027-01-15T08:00:30+00:00",
        "Answered": "5",
        "Answered: of": "10",
        "Trend (last)": "4.5",
        "State": "fine",
        "Why": "All is well.",
        "Read at": "2027-01-15T07:59:59+00:00",
    }


def test_json_has_the_same_fields_under_the_columns_ids() -> None:
    first, second = _json(ROW, replace(ROW, why="Ünïcode"))
    assert first["left"] == 30.0
    assert first["left_until"] == "2027-01-15T08:00:30+00:00"
    assert (first["done"], first["done_of"]) == (5, 10)
    assert second["why"] == "Ünïcode"
    assert len(first) == len(_csv(ROW)[0])
    assert _json() == []


@pytest.mark.parametrize(
    ("expiry", "left", "until"),
    [
        (FOREVER, None, "never"),
        (UNKNOWN, None, None),
        (Expiry(NOW - 5), 0.0, "2027-01-15T07:59:55+00:00"),
        (Expiry(1e15), 1e15 - NOW, "beyond the year 9999"),
        (None, None, None),
    ],
)
def test_what_is_known_of_an_expiry(expiry: Expiry | None, left: float | None, until: str | None) -> None:
    (row,) = _json(replace(ROW, cells=(*ROW.cells[:3], expiry, *ROW.cells[4:])))
    assert (row["left"], row["left_until"]) == (left, until)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_no_cell_is_one_that_a_spreadsheet_computes(text: str) -> None:
    hostile = replace(ROW, cells=(text, *ROW.cells[1:]), why=text)
    _, line = _csv(hostile)
    assert line[0] == f"'{text}"
    assert line[-2] == f"'{text}"
    (row,) = _json(hostile)
    assert row["name"] == text, "JSON is for programs, and is told as it is"


def test_quotes_and_line_ends_stay_in_their_cell() -> None:
    nasty = 'a",b\r\n"c'
    assert _csv(replace(ROW, cells=(nasty, *ROW.cells[1:])))[1][0] == nasty


SECRET = b"THE-SECRET-0123456789"


@pytest.mark.parametrize("layout", [SPEC, UPSTREAM])
def test_no_credential_is_in_a_file_of_a_family_that_masks_them(layout: object) -> None:
    families = [family for family in layout.families if family.mask is not None or family.secret]  # type: ignore[attr-defined]
    assert families
    for family in families:
        key = (family.prefixes[0] if family.prefixes else b"") + SECRET
        fact = KeyFact(key, "string", Expiry(1030.0, 60.0))
        row = family.decode(Reading(family.row_of(key), NOW, WALL, (fact,)), None)
        for kind in (CsvFile, JsonFile):
            file = kind(family.columns, NOW, WALL)
            assert SECRET.decode() not in file.begin() + file.some([row]) + file.end(), family.id


def test_rows_whose_value_was_not_read_say_so() -> None:
    store = KeyStore()
    deadline = int(1000 * (clock.now() + 600))
    for name in (b"sw:installer:token:aaaaaaaa", b"sw:installer:token:bbbbbbbb"):
        store.note(name, 0, TYPE_CODES[b"string"], deadline)
    table = LongTable(TOKENS, store, array("I", store.members(0)))
    rows = list(table.shown())
    assert len(rows) == 2
    file = JsonFile(TOKENS.columns, clock.now(), time.time())
    for made in json.loads(file.begin() + file.some(rows) + file.end()):
        assert made["read_at"] is None


def test_what_goes_while_it_is_written_is_left_out() -> None:
    store = KeyStore()
    names = [b"sw:installer:token:%08d" % number for number in range(5)]
    for name in names:
        store.note(name, 0, TYPE_CODES[b"string"], -1)
    table = LongTable(TOKENS, store, array("I", store.members(0)))
    for edit in table.set_sort("left", True):
        edit.apply()
    rows = table.shown()
    first = next(rows)
    for name in names:
        if name != first.id:
            store.remove(store.find(name))
    assert list(rows) == []
