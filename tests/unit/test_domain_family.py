"""Samples, rates and lifetimes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcache_gui.domain.family import SAMPLES, Row, Severity, extend, renew, slope
from fleetcache_gui.domain.values import FOREVER, Expiry, ReplyError, State


def row_with(samples: tuple[tuple[float, float], ...]) -> Row:
    return Row(b"x", "x", "x", (), State("x"), (), samples=samples)


def test_severities_have_ranks() -> None:
    assert Severity.CRITICAL.rank > Severity.WARNING.rank > Severity.INFO.rank


def test_samples_are_bounded_and_in_order() -> None:
    samples: tuple[tuple[float, float], ...] = ()
    for at in range(SAMPLES + 20):
        samples = extend(row_with(samples), float(at), at * 2.0)
    assert len(samples) == SAMPLES
    assert samples[-1] == (SAMPLES + 19, 2.0 * (SAMPLES + 19))
    assert extend(row_with(samples), samples[-1][0], 0.0) == samples
    assert extend(None, 1.0, 2.0) == ((1.0, 2.0),)


@given(st.floats(-100, 100), st.integers(2, 50), st.floats(0.5, 60))
def test_the_slope_of_a_line_is_its_slope(rise: float, count: int, step: float) -> None:
    samples = [(i * step, i * step * rise) for i in range(count)]
    assert slope(samples, 20.0) == pytest.approx(rise, abs=1e-6)


def test_a_slope_forgets_what_lies_before_its_window() -> None:
    samples = [(0.0, 0.0), (10.0, 1000.0), (40.0, 1000.0), (50.0, 1010.0)]
    assert slope(samples, 20.0) == 1.0
    assert slope(samples[:1], 20.0) is None
    assert slope([(1.0, 5.0), (1.0, 9.0)], 20.0) is None


def test_a_slope_is_known_though_polls_are_farther_apart_than_its_window() -> None:
    assert slope([(0.0, 0.0), (60.0, 60.0), (120.0, 180.0)], 20.0) == 2.0


def test_lifetimes_remember_the_longest() -> None:
    assert renew(Expiry(60.0, 60.0), Expiry(60.0, 12.0, 5)) == Expiry(60.0, 60.0, 5)
    assert renew(Expiry(60.0, 10.0), Expiry(90.0, 60.0)) == Expiry(90.0, 60.0)
    assert renew(None, Expiry(1.0, 1.0)) == Expiry(1.0, 1.0)
    assert renew(FOREVER, Expiry(1.0, 1.0)) == Expiry(1.0, 1.0)
    assert renew(Expiry(1.0, 1.0), FOREVER) == FOREVER


def test_an_expiry_counts_down() -> None:
    expiry = Expiry(100.0, 50.0)
    assert (expiry.left(75.0), expiry.left(200.0)) == (25.0, 0.0)
    assert (expiry.share(75.0), expiry.share(0.0), expiry.share(200.0)) == (0.5, 1.0, 0.0)
    assert FOREVER.never
    assert (FOREVER.left(5.0), FOREVER.share(5.0)) == (math.inf, 1.0)
    assert Expiry(5.0, 0.0).share(1.0) == 0.0


def test_errors_tell_their_code() -> None:
    assert ReplyError("NOPERM this user has no permissions").code == "NOPERM"
    assert ReplyError("").code == ""
