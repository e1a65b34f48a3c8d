"""Counts, sizes and durations as people say them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcache_gui.domain import words
from fleetcache_gui.domain.snapshot import Missing


@pytest.mark.parametrize(
    ("number", "told"), [(0, "0 keys"), (1, "1 key"), (2, "2 keys"), (1_041_233, "1,041,233 keys")]
)
def test_counts(number: int, told: str) -> None:
    assert words.count(number, "key") == told


def test_plurals_that_need_more_than_an_s() -> None:
    assert words.count(1, "entry", "entries") == "1 entry"
    assert words.count(3, "entry", "entries") == "3 entries"
    assert words.count(3) == "3"


@pytest.mark.parametrize(
    ("number", "told"),
    [(0, "0"), (999, "999"), (1000, "1.0k"), (48_210, "48.2k"), (812_000, "812k"), (3e6, "3.0M")],
)
def test_brief_numbers(number: float, told: str) -> None:
    assert words.brief(number) == told


@pytest.mark.parametrize(
    ("number", "told"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KB"), (42_991_616, "41.0 MB"), (2**31, "2.0 GB")],
)
def test_sizes(number: float, told: str) -> None:
    assert words.size(number) == told


@pytest.mark.parametrize(
    ("per_second", "told"),
    [
        (0, "0/s"),
        (0.001, "0/s"),
        (0.05, "3/min"),
        (0.7, "0.7/s"),
        (4.2, "4.2/s"),
        (312.4, "312/s"),
        (-4.2, "-4.2/s"),
    ],
)
def test_rates(per_second: float, told: str) -> None:
    assert words.rate(per_second) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-1, "0.0 s"),
        (0.84, "0.8 s"),
        (58.9, "58 s"),
        (124, "2 min 04 s"),
        (11_520, "3 h 12 min"),
        (532_800, "6 d 4 h"),
    ],
)
def test_durations(seconds: float, told: str) -> None:
    assert words.duration(seconds) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0:00"),
        (0.01, "0:01"),
        (59.2, "1:00"),
        (3581, "59:41"),
        (25_181, "6:59:41"),
        (533_520, "6d 04:12"),
    ],
)
def test_countdowns(seconds: float, told: str) -> None:
    assert words.clock(seconds) == told


@given(st.floats(0, 1e7))
def test_a_countdown_reads_zero_only_when_nothing_is_left(seconds: float) -> None:
    assert (words.clock(seconds) == "0:00") == (seconds == 0)


def test_spans_are_told_in_whole_units() -> None:
    told = {86400: "24 hours", 3600: "1 hour", 5400: "90 minutes", 60: "1 minute", 61: "61 seconds", 1: "1 second"}
    assert {seconds: words.span(seconds) for seconds in told} == told


def test_slots_and_what_is_missing_of_them() -> None:
    assert words.slots(((7, 7),)) == "slot 7"
    assert words.slots(((0, 5460),)) == "slots 0–5460"
    assert words.slots(((0, 1), (3, 3), (5, 6), (8, 9))) == "slots 0–1, 3, 5–6 and 1 more range"
    lost = (Missing(((0, 9),), "10.0.0.1:7000", "It is away."), Missing(((12, 12),), "", "No node serves it."))
    assert words.missing_words(lost) == "slots 0–9 of 10.0.0.1:7000, slot 12 cannot be read"
    assert words.missing_words(()) == ""
