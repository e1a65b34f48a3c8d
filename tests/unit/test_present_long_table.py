"""The table of a family too long to read every value of: it follows the inventory."""

from __future__ import annotations

import time
from array import array
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetcache_gui.domain.family import Family, Reading, Row
from fleetcache_gui.domain.snapshot import Snapshot
from fleetcache_gui.domain.store import NO_EXPIRY, TYPE_CODES, TYPES, UNKNOWN_EXPIRY, KeyStore
from fleetcache_gui.domain.values import UNKNOWN, Expiry, KeyFact
from fleetcache_gui.families.other import FAMILY as OTHER
from fleetcache_gui.families.spec.installer_tokens import FAMILY as TOKENS
from fleetcache_gui.families.spec.locks import FAMILY as LOCKS
from fleetcache_gui.present import long_table
from fleetcache_gui.present.long_table import DISCOVERY, LongTable
from tests.tables import View

STRING = TYPE_CODES[b"string"]


class Inventory:
    """What a sweep does to the store, and what it tells the table."""

    def __init__(self, family: Family = OTHER) -> None:
        self.family = family
        self.store = KeyStore()
        self.came: list[int] = []
        self.went: list[int] = []

    def add(self, name: bytes, type_code: int = STRING, deadline: int = NO_EXPIRY) -> None:
        number = self.store.note(name, 0, type_code, deadline)
        if number >= 0:
            self.came.append(number)

    def remove(self, name: bytes) -> None:
        number = self.store.find(name)
        if number >= 0:
            self.store.remove(number)
            self.went.append(number)

    def table(self) -> LongTable:
        self.came, self.went = [], []
        return LongTable(self.family, self.store, list(self.store.members(0)))

    def tell(self, table: LongTable) -> None:
        table.collect(array("I", self.came), array("I", self.went))
        self.came, self.went = [], []

    def alive(self) -> set[bytes]:
        return {self.store.name(number) for number in self.store.members(0)}

    def snapshot(self, *rows: Row) -> Snapshot:
        return Snapshot(self.family.id, rows, self.store.alive, 0.0, True, long=True)


def read(family: Family, name: bytes, *replies: Any, at: float = 1.0, expiry: Expiry | None = None) -> Row:
    keys = (KeyFact(name, "string", expiry or Expiry(at + 60, 60)),)
    return family.decode(Reading(name, at, 1e9, keys, replies), None)


NAMES = st.sampled_from([b"%c:%d" % (letter, n) for letter in b"abK" for n in range(4)])
ADD = st.tuples(st.just("add"), NAMES, st.sampled_from(list(TYPE_CODES.values())), st.sampled_from([NO_EXPIRY, 5, 9]))
REMOVE = st.tuples(st.just("remove"), NAMES)
SORT = st.tuples(st.just("sort"), st.sampled_from(["key", "type", "left"]), st.booleans())
FILTER = st.tuples(st.just("filter"), st.sampled_from(["", "a", "k:", ":3", " b ", "3 B", "zz"]))
OTHERS = st.sampled_from([("tell",), ("update",)])


def value(store: KeyStore, name: bytes, column: str) -> Any:
    number = store.find(name)
    if column == "left":
        left = store.deadlines[number]
        return left if left != NO_EXPIRY else 1 << 62
    return TYPES[store.types[number]] if column == "type" else name


@settings(max_examples=150, deadline=None)
@given(
    st.lists(NAMES, max_size=12),
    st.lists(ADD | REMOVE | SORT | FILTER | OTHERS, max_size=30),
    st.sampled_from([2, long_table._MOST_PENDING]),
)
def test_edits_lead_to_what_the_inventory_holds(first: list[bytes], steps: list[Any], most_pending: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_table, "_MOST_PENDING", most_pending)
        follow_the_inventory(first, steps)


def follow_the_inventory(first: list[bytes], steps: list[Any]) -> None:
    inventory = Inventory()
    for name in first:
        inventory.add(name)
    table = inventory.table()
    view = View(table)
    text = ""
    for kind, *what in (*steps, ("tell",), ("update",)):
        if kind == "sort":
            view.follow(table.set_sort(*what))
        elif kind == "filter":
            text = what[0]
            view.follow(table.set_filter(text))
        elif kind == "update":
            view.follow(table.update(inventory.snapshot()))
        elif kind == "tell":
            inventory.tell(table)
        else:
            getattr(inventory, kind)(*what)
    alive = inventory.alive()
    wanted = text.lower().encode().split()
    assert set(view.shown) == {name for name in alive if all(word in name.lower() for word in wanted)}
    assert table.total == len(alive)
    for position, name in enumerate(view.shown):
        assert table.position(name) == position
    column, descending = table.sort
    if column != DISCOVERY:
        view.follow(table.set_sort(column, descending))  # a key whose type or expiry changes moves at the next sort
        values = [value(inventory.store, name, column) for name in view.shown]
        assert values == sorted(values, reverse=descending)


def test_newcomers_stand_last_in_the_order_of_discovery() -> None:
    inventory = Inventory()
    for name in (b"c", b"a"):
        inventory.add(name)
    table = inventory.table()
    view = View(table)
    inventory.add(b"b")
    inventory.tell(table)
    assert view.follow(table.update(inventory.snapshot())) == ["insert", "change"]
    assert view.shown == [b"c", b"a", b"b"]


def test_newcomers_stand_in_their_place_once_sorted() -> None:
    inventory = Inventory()
    for name in (b"c", b"a"):
        inventory.add(name)
    table = inventory.table()
    view = View(table)
    view.follow(table.set_sort("key", True))
    inventory.add(b"b")
    inventory.tell(table)
    view.follow(table.update(inventory.snapshot()))
    assert view.shown == [b"c", b"b", b"a"]


def test_keys_without_expiry_come_after_all_others() -> None:
    inventory = Inventory()
    inventory.add(b"for ever")
    inventory.add(b"late", deadline=2000)
    inventory.add(b"soon", deadline=1000)
    view = View(inventory.table())
    view.follow(view.table.set_sort("left", False))
    assert view.shown == [b"soon", b"late", b"for ever"]


def test_a_key_that_came_and_went_between_two_updates_is_never_shown() -> None:
    inventory = Inventory()
    inventory.add(b"a")
    view = View(inventory.table())
    inventory.add(b"ghost")
    inventory.remove(b"ghost")
    inventory.tell(view.table)
    view.follow(view.table.update(inventory.snapshot()))
    assert view.shown == [b"a"]


def test_a_key_that_went_and_came_back_twice_is_shown_once() -> None:
    inventory = Inventory()
    inventory.add(b"a")
    view = View(inventory.table())
    for _ in range(2):
        inventory.remove(b"a")
        inventory.tell(view.table)
        inventory.add(b"a")
        inventory.tell(view.table)
    view.follow(view.table.update(inventory.snapshot()))
    assert view.shown == [b"a"]


def test_one_key_that_goes_does_not_have_all_others_looked_at() -> None:
    inventory = Inventory()
    for n in range(200_000):
        inventory.add(b"%d" % n)
    table = inventory.table()
    best = float("inf")
    started = time.perf_counter()
    assert len(inventory.table()) == 200_000
    all_of_them = time.perf_counter() - started
    for n in (100, 100_000, 190_000):
        inventory.remove(b"%d" % n)
        started = time.perf_counter()
        inventory.tell(table)
        for edit in table.update(inventory.snapshot()):
            edit.apply()
        best = min(best, time.perf_counter() - started)
    assert (len(table), table.total) == (199_997, 199_997)
    assert best < all_of_them / 2


def test_what_comes_and_goes_is_not_kept_where_no_page_asks() -> None:
    inventory = Inventory()
    inventory.add(b"stays")
    table = inventory.table()
    for _ in range(300):
        inventory.add(b"again")
        inventory.tell(table)
        inventory.remove(b"again")
        inventory.tell(table)
        inventory.add(b"ghost")
        inventory.remove(b"ghost")
        inventory.tell(table)
    assert (len(table._came), len(table._went), table.total) == (0, 0, 1)
    assert len(table._members) <= 2


def test_too_many_changes_are_taken_in_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_table, "_MOST_PENDING", 10)
    inventory = Inventory()
    inventory.add(b"first")
    view = View(inventory.table())
    for n in range(30):
        inventory.add(b"%d" % n)
        inventory.tell(view.table)
        assert len(view.table._came) <= 10
    assert view.follow(view.table.update(inventory.snapshot())) == ["reset", "change"]
    assert len(view.shown) == 31


def test_many_scattered_keys_go_in_one_edit() -> None:
    inventory = Inventory()
    for n in range(1000):
        inventory.add(b"%d" % n)
    view = View(inventory.table())
    for n in range(0, 1000, 2):
        inventory.remove(b"%d" % n)
    inventory.tell(view.table)
    assert view.follow(view.table.update(inventory.snapshot())) == ["reset", "change"]
    assert view.shown == [b"%d" % n for n in range(1, 1000, 2)]


def test_rows_are_thin_until_they_are_read() -> None:
    inventory = Inventory(LOCKS)
    inventory.add(b"lock:a", deadline=60_000)
    table = inventory.table()
    thin = table.row(0)
    assert thin.cells[LOCKS.column("name")] == "a"
    assert thin.cells[LOCKS.column("holder")] is None
    assert thin.cells[LOCKS.column("left")] == Expiry(60.0, LOCKS.rule.longest)
    whole = read(LOCKS, b"lock:a", b"api-1:0123456789abcdef")
    View(table).follow(table.update(inventory.snapshot(whole)))
    assert table.row(0) is whole
    assert table.get(b"lock:a") is whole
    View(table).follow(table.update(inventory.snapshot()))
    assert table.row(0).cells[LOCKS.column("holder")] is None


def test_thin_rows_are_made_anew_with_each_reading_and_not_with_each_step_of_a_sweep() -> None:
    inventory = Inventory(LOCKS)
    inventory.add(b"lock:a", deadline=60_000)
    inventory.add(b"lock:b", deadline=60_000)
    table = inventory.table()
    first = inventory.snapshot(read(LOCKS, b"lock:b", b"api-1:0123456789abcdef"))
    View(table).follow(table.update(first))
    thin = table.row(0)
    inventory.add(b"lock:a", deadline=90_000)
    inventory.tell(table)
    View(table).follow(table.update(first))
    assert table.row(0) is thin
    View(table).follow(table.update(inventory.snapshot(read(LOCKS, b"lock:b", b"api-1:0123456789abcdef"))))
    assert table.row(0).cells[LOCKS.column("left")] == Expiry(90.0, LOCKS.rule.longest)


def test_the_total_is_that_of_the_last_edits() -> None:
    inventory = Inventory()
    inventory.add(b"a")
    table = inventory.table()
    view = View(table)
    inventory.add(b"b")
    inventory.tell(table)
    assert (table.total, len(table)) == (1, 1)
    view.follow(table.set_filter("b"))
    assert (table.total, len(table)) == (2, 1)
    inventory.remove(b"a")
    inventory.tell(table)
    view.follow(table.update(inventory.snapshot()))
    assert (table.total, len(table)) == (1, 1)


def test_what_the_server_does_not_tell_is_not_said_to_be_without_expiry() -> None:
    inventory = Inventory(LOCKS)
    inventory.add(b"lock:unknown", deadline=UNKNOWN_EXPIRY)
    inventory.add(b"lock:soon", deadline=1000)
    view = View(inventory.table())
    row = view.table.row(0)
    assert row.keys[0].expiry == UNKNOWN
    assert row.judgements == ()
    view.follow(view.table.set_sort("left", False))
    assert view.shown == [b"lock:soon", b"lock:unknown"]


def test_a_state_finds_the_rows_that_were_read() -> None:
    inventory = Inventory(LOCKS)
    for n in range(5):
        inventory.add(b"lock:%d" % n, deadline=60_000)
    view = View(inventory.table())
    expiring = read(LOCKS, b"lock:3", b"api-1:0123456789abcdef", expiry=Expiry(2.0, 60.0))
    held = read(LOCKS, b"lock:1", b"api-1:0123456789abcdef")
    view.follow(view.table.update(inventory.snapshot(expiring, held)))
    assert view.table.states() == ("expiring", "held")
    view.follow(view.table.set_filter("", "expiring"))
    assert view.shown == [b"lock:3"]
    view.follow(view.table.update(inventory.snapshot(read(LOCKS, b"lock:3", b"api-1:0123456789abcdef"), held)))
    assert view.shown == []


def test_columns_that_need_values_cannot_be_sorted_by() -> None:
    table = Inventory().table()
    with pytest.raises(ValueError, match="too many rows"):
        list(table.set_sort("length", False))
    with pytest.raises(ValueError, match="nope"):
        list(table.set_sort("nope", False))


# ---- searching --------------------------------------------------------------------------------------------


def found(table: LongTable, text: str, limit: int = 10) -> list[bytes]:
    return [row.id for rows in table.search(text, limit) for row in rows]


def test_a_search_sees_keys_that_no_update_has_shown_yet() -> None:
    inventory = Inventory()
    for name in (b"one", b"gone", b"back"):
        inventory.add(name)
    table = inventory.table()
    inventory.remove(b"gone")
    inventory.remove(b"back")
    inventory.tell(table)
    inventory.add(b"stone")
    inventory.add(b"back")
    inventory.tell(table)
    assert found(table, "ONE") == [b"one", b"stone"]
    assert found(table, "back") == [b"back"]


def test_a_search_looks_at_slices_and_stops_at_its_limit() -> None:
    inventory = Inventory()
    for n in range(20_000):
        inventory.add(b"key:%05d" % n)
    table = inventory.table()
    assert len(list(table.search("key:19999", 10))) == 4
    assert found(table, "key:19999") == [b"key:19999"]
    assert len(list(table.search("key", 3))) == 1
    assert found(table, "key", 3) == [b"key:00000", b"key:00001", b"key:00002"]


def test_every_word_must_be_found() -> None:
    inventory = Inventory()
    for name in (b"lock:cron:7", b"lock:7", b"cron"):
        inventory.add(name)
    view = View(inventory.table())
    assert found(view.table, " 7  CRON ") == [b"lock:cron:7"]
    view.follow(view.table.set_filter("7 cron"))
    assert view.shown == [b"lock:cron:7"]


def test_a_search_ignores_the_filter() -> None:
    inventory = Inventory(TOKENS)
    inventory.add(b"sw:installer:token:a")
    table = inventory.table()
    View(table).follow(table.set_filter("nothing"))
    assert found(table, "token:a") == [b"sw:installer:token:a"]


@given(st.text(max_size=5) | st.just("\ud800"))
def test_any_text_may_be_looked_for(text: str) -> None:
    inventory = Inventory()
    inventory.add(b"a")
    table = inventory.table()
    View(table).follow(table.set_filter(text))
    found(table, text)
