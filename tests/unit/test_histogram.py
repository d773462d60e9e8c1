"""Distributions squeezed into 150 values: exact ends, exact sums, percentiles within the stated bound."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nephoscope.pipeline.histogram import FLOOR, SPREAD, SPREAD_MIXED, pack

PERCENTILES = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999)


def percentile(samples: list[tuple[float, float]], share: float) -> float:
    """The smallest value that at least `share` of the weight does not exceed: told apart from the code under test."""
    total = sum(weight for _, weight in samples)
    seen = 0.0
    for value, weight in sorted(samples):
        seen += weight
        if seen >= share * total - 1e-9 * total:
            return value
    raise AssertionError


def packed(samples: list[tuple[float, float]]) -> list[tuple[float, float]]:
    values, counts = pack(samples)
    return list(zip(values, counts, strict=True))


def test_up_to_150_distinct_values_go_as_they_are() -> None:
    values, counts = pack([(2.5, 1.0), (1.0, 1.0), (2.5, 1.0), (1.0, 5.0)])
    assert list(values) == [1.0, 2.5]
    assert list(counts) == [6.0, 2.0]
    exact = [(float(n), 1.0) for n in range(150)]
    assert packed(exact) == exact


def test_nothing_gives_nothing() -> None:
    assert [list(each) for each in pack([])] == [[], []]


def test_two_thousand_machines_between_1_and_100_percent_stay_within_4_percent() -> None:
    chance = random.Random(7)  # noqa: S311 - machines, no secrets
    samples = [(chance.uniform(1, 100), 1.0) for _ in range(2_000)]
    squeezed = packed(samples)
    assert len(squeezed) <= 150
    for share in PERCENTILES:
        true = percentile(samples, share)
        assert abs(percentile(squeezed, share) - true) <= 0.04 * true


def test_a_value_far_from_the_rest_stays_exact() -> None:
    samples = [(1 + n / 10_000, 1.0) for n in range(1_000)] + [(97.3, 1.0)]
    assert packed(samples)[-1] == (97.3, 1.0)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.floats(min_value=0, max_value=1e15), min_size=151, max_size=700, unique=True),
    st.integers(min_value=1, max_value=9),
)
def test_the_bound_holds_for_any_values_that_are_not_negative(values: list[float], weight: int) -> None:
    _check([(value, float(1 + place % weight)) for place, value in enumerate(values)], SPREAD)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(min_value=-1e9, max_value=1e9), min_size=151, max_size=700, unique=True))
def test_the_bound_holds_for_mixed_signs(values: list[float]) -> None:
    _check([(value, 1.0) for value in values], SPREAD_MIXED)


def test_the_bound_holds_for_the_worst_that_was_thought_of() -> None:
    """Values spread evenly over fifteen orders of magnitude, and over the floor: as many buckets as there can be."""
    _check([(10 ** (n / 200), 1.0) for n in range(-1_000, 2_000)], SPREAD)
    _check([(sign * 10 ** (n / 200), 1.0) for n in range(-1_000, 2_000) for sign in (-1, 1)], SPREAD_MIXED)


def _check(samples: list[tuple[float, float]], spread: float) -> None:
    squeezed = packed(samples)
    values = [value for value, _ in samples]
    assert len(squeezed) <= 150
    assert [value for value, _ in squeezed] == sorted(value for value, _ in squeezed)
    assert squeezed[0][0] == min(values)
    assert squeezed[-1][0] == max(values)
    assert sum(count for _, count in squeezed) == pytest.approx(sum(weight for _, weight in samples))
    scale = sum(abs(value) * weight for value, weight in samples)
    true_sum = math.fsum(value * weight for value, weight in samples)
    assert sum(value * count for value, count in squeezed) == pytest.approx(true_sum, abs=1e-9 * scale, rel=1e-9)
    floor = FLOOR * max(map(abs, values))
    for share in PERCENTILES:
        true = percentile(samples, share)
        assert abs(percentile(squeezed, share) - true) <= spread * max(abs(true), floor) * (1 + 1e-9)
