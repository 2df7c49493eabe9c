"""Differences between models, against what can be counted out or worked by hand."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from pumgpt.bench.stats.comparison import Comparison, holm, sign_flip_test
from pumgpt.bench.stats.intervals import Measured


def exact(differences: list[float]) -> float:
    """The share of all 2^n choices of signs that give as large a sum."""
    observed = abs(sum(differences)) - 1e-9
    sums = [abs(np.dot(signs, differences)) for signs in product((-1, 1), repeat=len(differences))]
    return float(np.mean([total >= observed for total in sums]))


@pytest.mark.parametrize(
    "differences", [[1, 1, 1, -1, 1, 0, 0], [0.5, -0.5, 1, 1, -1, 1, 1, 0.5], [1] * 6, [1, -1, 1, -1]]
)
def test_the_sign_flip_test_is_the_exact_one(differences: list[float]) -> None:
    assert sign_flip_test(differences) == pytest.approx(exact(differences), abs=0.015)


def test_no_difference_has_a_p_of_one() -> None:
    assert sign_flip_test([0.0, 0.0]) == 1.0


def test_a_large_difference_is_not_held_up_by_the_number_of_draws() -> None:
    """300 products all better: the exact p is 2 / 2^300; Hoeffding's bound is larger than it, and far below 1 / 10,000."""
    p_value = sign_flip_test([1.0] * 300)
    assert 2 / 2**300 <= p_value < 1e-30


def test_the_p_value_of_pure_noise_is_evenly_spread() -> None:
    generator = np.random.default_rng(0)
    p_values = [sign_flip_test(generator.normal(size=40), num_flips=400) for _ in range(200)]
    assert np.mean(np.array(p_values) < 0.05) < 0.1
    assert 0.4 < np.mean(p_values) < 0.6


def test_holm_worked_by_hand() -> None:
    """0.01 * 4, 0.02 * 3, 0.03 * 2 (not below the one before), 0.5 * 1."""
    assert holm([0.02, 0.5, 0.01, 0.03]) == pytest.approx([0.06, 0.5, 0.04, 0.06])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


def test_a_difference_inside_the_noise_is_told_as_one() -> None:
    noise = Comparison("image only", "category", "a", "b", Measured(0.01, -0.02, 0.04, 50), 0.4, 0.8)
    found = Comparison("image only", "category", "a", "b", Measured(-0.2, -0.3, -0.1, 50), 0.0001, 0.0004)
    assert "not told apart" in str(noise)
    assert str(found) == "category, image only: b is better than a by 0.200 (p < 0.001)"
