"""Intervals: known values, and that more products make them narrower."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pumgpt.bench.stats.intervals import Measured, bootstrap_mean, bootstrap_ratio, proportion, resample_weights, wilson


def test_wilson_matches_the_published_formula() -> None:
    eight_of_ten = wilson(8, 10)
    assert (eight_of_ten.low, eight_of_ten.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    none_of_ten = wilson(0, 10)
    assert none_of_ten.low == 0.0
    assert none_of_ten.high == pytest.approx(0.2775, abs=1e-4)


def test_measured_reads_as_one_would_quote_it() -> None:
    assert str(Measured(0.8712, 0.8571, 0.8839, 2507)) == "0.871 [0.857, 0.884] n=2507"
    assert str(wilson(0, 0)) == "n/a n=0"


def test_nothing_measured_is_null_in_json() -> None:
    assert bootstrap_mean([]).to_json() == {"value": None, "low": None, "high": None, "count": 0}


def test_resamples_draw_as_many_products_as_there_are() -> None:
    weights_RP = resample_weights(37)
    assert weights_RP.shape == (1000, 37)
    assert (weights_RP.sum(axis=1) == 37).all()
    assert (weights_RP != weights_RP[0]).any()


def test_bootstrap_is_the_same_every_time() -> None:
    values = np.random.default_rng(1).normal(size=50)
    first = bootstrap_mean(values)
    resample_weights.cache_clear()
    assert bootstrap_mean(values) == first


@pytest.mark.parametrize("measure", [bootstrap_mean, lambda hits: proportion(np.asarray(hits, dtype=bool))])
def test_intervals_shrink_with_the_square_root_of_the_count(measure) -> None:
    few, many = [1, 0, 1, 1] * 25, [1, 0, 1, 1] * 225
    narrow, wide = measure(many), measure(few)
    assert narrow.value == wide.value == 0.75
    assert (wide.high - wide.low) / (narrow.high - narrow.low) == pytest.approx(3, rel=0.12)
    assert wide.low < 0.75 < wide.high


def test_bootstrap_agrees_with_the_normal_approximation() -> None:
    values = np.random.default_rng(2).normal(size=900)
    measured = bootstrap_mean(values)
    half = 1.96 * values.std() / math.sqrt(len(values))
    assert (measured.low, measured.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.1 * half)


def test_ratio_keeps_a_products_cases_together() -> None:
    """Ten questions on each of 20 products, all right or all wrong: no surer than 20 questions."""
    right = np.array([1.0, 0.0] * 10)
    clustered = bootstrap_ratio(10 * right, np.full(20, 10.0), count=200)
    assert clustered.value == 0.5
    assert clustered.count == 200
    assert clustered.high - clustered.low > 0.35


def test_ratio_without_cases_is_not_a_number() -> None:
    assert math.isnan(bootstrap_ratio([0, 0], [0, 0]).value)
