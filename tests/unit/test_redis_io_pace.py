"""How long to wait, and how much of the server was used."""

from __future__ import annotations

import pytest

from fleetcache_gui.redis_io.pace import Backoff, Meter, worth


def test_a_server_that_is_back_is_seen_soon() -> None:
    backoff = Backoff()
    waits = [backoff.next(final=False) for _ in range(50)]
    assert 0.4 <= waits[0] <= 0.6
    assert all(0.8 <= wait <= 1.2 for wait in waits[1:])
    assert len(set(waits)) > 40  # many inspectors do not march in step
    backoff.reset()
    assert backoff.next(final=False) <= 0.6


def test_what_only_a_person_can_mend_is_seldom_tried() -> None:
    assert 48 <= Backoff().next(final=True) <= 72


def test_a_share_of_one_core() -> None:
    meter = Meter()
    assert meter.share(100.0) == 0.0
    for second in range(10):
        meter.add(100.0 + second, 0.01)
    assert meter.share(110.0) == pytest.approx(0.01)


def test_what_is_past_no_longer_counts() -> None:
    meter = Meter()
    meter.add(100.0, 3.0)
    meter.add(200.0, 0.003)
    assert meter.share(200.0) == pytest.approx(0.0001)
    assert meter.share(1000.0) >= 0.0


def test_the_first_moments_are_not_taken_for_the_whole() -> None:
    meter = Meter()
    meter.add(100.0, 0.001)
    assert meter.share(100.0) == pytest.approx(0.001)


def test_what_goes_through_a_value_counts_as_many_reads() -> None:
    assert worth((b"TYPE", b"k")) == worth((b"BITCOUNT", b"k", b"0", b"25")) == 0
    assert worth((b"BITCOUNT", b"k", b"0", b"262143")) == 65
