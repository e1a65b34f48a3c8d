"""The key store against a dictionary, over any sequence of sweeps and removals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from fleetcache_gui.domain.store import GONE, NO_EXPIRY, TYPE_CODES, TYPES, KeyStore

if TYPE_CHECKING:
    from collections.abc import Iterable

NAMES = st.binary(max_size=12) | st.integers(0, 40).map(lambda n: b"lock:%d" % n)
FAMILIES = st.integers(0, 7)
CODES = st.integers(0, len(TYPES) - 1)
DEADLINES = st.just(NO_EXPIRY) | st.integers(0, 2**50)


class AgainstADictionary(RuleBasedStateMachine):
    """`alive` is the model: name to (family, type, deadline)."""

    def __init__(self) -> None:
        super().__init__()
        self.alive: dict[bytes, tuple[int, int, int]] = {}
        self.ever: set[bytes] = set()
        self.seen: set[bytes] = set()

    @initialize(expected=st.integers(0, 2000))
    def empty(self, expected: int) -> None:
        self.store = KeyStore(expected)

    @rule(name=NAMES, family=FAMILIES, code=CODES, deadline=DEADLINES)
    def note(self, name: bytes, family: int, code: int, deadline: int) -> None:
        row = self.store.note(name, family, code, deadline)
        assert (row >= 0) == (name not in self.alive)
        assert row < 0 or self.store.name(row) == name
        self.alive[name] = (family, code, deadline)
        self.ever.add(name)
        self.seen.add(name)

    @rule(first=st.integers(0, 10**6), count=st.integers(1, 900), family=FAMILIES)
    def note_many(self, first: int, count: int, family: int) -> None:
        for number in range(first, first + count):
            self.note(b"k%d" % number, family, 1, number)

    @rule(keys=st.integers(0, 5000))
    def reserve(self, keys: int) -> None:
        self.store.reserve(keys)

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.alive)))
        row = self.store.find(name)
        self.store.remove(row)
        self.store.remove(row)  # twice is once
        del self.alive[name]

    @rule()
    def sweep(self) -> None:
        self.store.begin_sweep()
        self.seen.clear()

    @rule()
    def end_sweep(self) -> None:
        """What a sweep has not seen is gone; the next one begins."""
        missed = self.store.missed(range(len(self.store)))
        assert {self.store.name(row) for row in missed} <= self.alive.keys()
        if self.seen or missed:
            for row in missed:
                self.store.remove(row)
                del self.alive[self.store.name(row)]
        self.sweep()

    @invariant()
    def the_same_is_known(self) -> None:
        store = self.store
        assert store.alive == len(self.alive)
        assert len(store) == len(self.ever)
        for name, (family, code, deadline) in self.alive.items():
            row = store.find(name)
            assert row >= 0
            assert (store.families[row], store.types[row], store.deadlines[row]) == (family, code, deadline)
        for name in self.ever - self.alive.keys():
            assert store.find(name) == -1

    @invariant()
    def members_are_complete(self) -> None:
        for family in range(8):
            expected = {name for name, facts in self.alive.items() if facts[0] == family}
            assert self.named(self.store.members(family)) == expected
        assert self.named(self.store.members(GONE)) == self.ever - self.alive.keys()

    def named(self, rows: Iterable[int]) -> set[bytes]:
        return {self.store.name(row) for row in rows}


TestAgainstADictionary = AgainstADictionary.TestCase
TestAgainstADictionary.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)


def test_a_sweep_names_exactly_what_it_did_not_see() -> None:
    store = KeyStore()
    for name in (b"a", b"b", b"c"):
        store.note(name, 0, 1, NO_EXPIRY)
    store.begin_sweep()
    store.note(b"b", 0, 1, NO_EXPIRY)
    store.note(b"d", 0, 1, NO_EXPIRY)
    assert [store.name(row) for row in store.missed(range(len(store)))] == [b"a", b"c"]


def test_it_grows_far_beyond_what_was_expected() -> None:
    store = KeyStore(10)
    for number in range(20_000):
        store.note(b"key:%d" % number, number % 3, 1, number)
    assert store.alive == 20_000
    assert all(store.name(store.find(b"key:%d" % number)) == b"key:%d" % number for number in range(0, 20_000, 37))
    assert store.find(b"key:20000") == -1


def test_a_key_that_comes_back_is_new_and_keeps_its_row() -> None:
    store = KeyStore()
    row = store.note(b"lock:a", 1, 1, 5)
    store.remove(row)
    assert store.find(b"lock:a") == -1
    assert store.note(b"lock:a", 2, 3, 9) == row
    assert store.note(b"lock:a", 2, 3, 9) == -1
    assert (store.families[row], store.dead) == (2, 0)


def test_names_are_searched_without_regard_to_case() -> None:
    store = KeyStore()
    rows = [store.note(name, 0, 1, NO_EXPIRY) for name in (b"lock:Cron", b"LOCK:b", b"\xff\x00cRoN")]
    assert store.search(b"CRON", rows) == [rows[0], rows[2]]


def test_every_type_word_has_its_code() -> None:
    assert [TYPE_CODES[word.encode()] for word in TYPES] == list(range(len(TYPES)))


def test_a_store_is_worn_when_most_of_it_is_dead() -> None:
    store, keys = KeyStore(), 150_000
    store.note_all([b"%d" % n for n in range(keys)], [0] * keys, [1] * keys, [NO_EXPIRY] * keys)
    assert not store.worn
    for row in range(keys // 2):
        store.remove(row)
    assert not store.worn
    for row in range(keys - 10):
        store.remove(row)
    assert store.worn
