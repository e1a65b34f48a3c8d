"""Counting the bits of a long bitmap in parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcache_gui.domain.bitmaps import SLICE, BitCount


def test_a_short_bitmap_is_counted_at_once() -> None:
    count = BitCount.unknown(26)
    assert (count.total, count.command(b"k")) == (None, (b"BITCOUNT", b"k", b"0", b"25"))
    count = count.counted(100)
    assert (count.total, count.following) == (100, 0)
    assert count.counted(99).total == 99


def test_a_long_bitmap_is_known_when_every_slice_was_counted() -> None:
    count = BitCount.unknown(2 * SLICE + 1)
    assert count.command(b"k")[2:] == (b"0", b"%d" % (SLICE - 1))
    count = count.counted(5)
    assert count.total is None
    assert count.command(b"k")[2:] == (b"%d" % SLICE, b"%d" % (2 * SLICE - 1))
    count = count.counted(7)
    assert count.command(b"k")[2:] == (b"%d" % (2 * SLICE), b"%d" % (2 * SLICE))
    count = count.counted(1)
    assert (count.total, count.following) == (13, 0)
    assert count.counted(2).total == 10  # the first slice anew


def test_what_was_not_answered_is_asked_again() -> None:
    count = BitCount.unknown(8)
    assert count.counted(None) == count
    assert BitCount.unknown(0).total == 0
    assert BitCount.unknown(0).counted(3).total == 0


@given(st.integers(1, 5 * SLICE), st.integers(0, 12))
def test_no_slice_is_larger_than_it_may_be_and_none_is_left_out(length: int, rounds: int) -> None:
    count, seen = BitCount.unknown(length), 0
    for _ in range(-(-length // SLICE)):
        _, _, first, last = count.command(b"k")
        assert int(first) == seen
        assert 0 < int(last) + 1 - int(first) <= SLICE
        seen = int(last) + 1
        count = count.counted(rounds)
    assert seen == length
    assert count.following == 0


@pytest.mark.parametrize("bits", [-1, -(2**63)])
def test_a_count_below_nothing_is_nothing(bits: int) -> None:
    assert BitCount.unknown(8).counted(bits).total == 0
