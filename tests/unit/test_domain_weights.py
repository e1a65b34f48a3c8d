"""Memory by a sample, and how honestly that is told."""

from __future__ import annotations

import random

import pytest

from fleetcache_gui.domain.weights import Weight, estimate


def test_what_was_measured_whole_is_exact() -> None:
    weight = estimate([1000], [10, 20, 30], 3)
    assert weight == Weight(1060.0, 4, 4)
    assert (weight.brief, weight.words) == ("1.0 KB", "1.0 KB")
    assert "each measured" in weight.explained


def test_a_sample_is_said_to_be_one() -> None:
    weight = estimate([], [3000, 3400] * 32, 12_031)
    assert weight.words == "≈ 36.7 MB, from 64 of 12,031 keys"
    assert weight.brief == "≈ 36.7 MB"
    assert "most likely between" in weight.explained
    assert 0 < weight.error < 0.05 * weight.size


def test_keys_known_by_name_are_not_extrapolated() -> None:
    weight = estimate([50 * 2**20], [100] * 64, 10_000)
    assert weight.size == 50 * 2**20 + 100 * 10_000
    assert weight.error == 0.0


def test_nothing_measured() -> None:
    assert estimate([], [], 0) == Weight(0.0, 0, 0)
    assert not estimate([], [], 7).exact
    assert estimate([], [5], 10).error > 0, "of one key nothing is known about the spread"


@pytest.mark.parametrize("seed", range(5))
def test_the_truth_is_within_the_error_mostly(seed: int) -> None:
    chance = random.Random(seed)
    sizes = [int(chance.expovariate(1 / 500)) + 50 for _ in range(5000)]
    within = 0
    for _ in range(200):
        weight = estimate([], chance.sample(sizes, 64), 5000)
        within += abs(weight.size - sum(sizes)) <= weight.error
    assert within > 170
