"""ECE, Brier, reliability and risk-coverage, on examples worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pumgpt.bench.stats.calibration import (
    RiskPoint,
    area_under_risk_coverage,
    brier_score,
    expected_calibration_error,
    reliability_bins,
    risk_coverage,
)

CONFIDENCES, RIGHT = [0.95, 0.95, 0.55, 0.55], [True, True, True, False]


def test_ece_worked_by_hand() -> None:
    """Bin 0.9-1.0: |1 - 0.95| on two; bin 0.5-0.6: |0.5 - 0.55| on two."""
    assert expected_calibration_error(CONFIDENCES, RIGHT, num_bins=10).value == pytest.approx(0.05)


def test_ece_of_a_braggart_is_its_share_wrong() -> None:
    measured = expected_calibration_error([1.0] * 10, [True] * 7 + [False] * 3)
    assert measured.value == pytest.approx(0.3)
    assert measured.low < 0.3 < measured.high


def test_brier_worked_by_hand() -> None:
    assert brier_score(CONFIDENCES, RIGHT).value == pytest.approx((2 * 0.05**2 + 0.45**2 + 0.55**2) / 4)


def test_reliability_bins_hold_every_answer_once() -> None:
    generator = np.random.default_rng(0)
    confidences = generator.uniform(size=500)
    bins = reliability_bins([*confidences, 0.0, 1.0], [*(generator.uniform(size=500) < confidences), False, True])
    assert sum(bin_.count for bin_ in bins) == 502
    assert all(bin_.low <= bin_.confidence <= bin_.high for bin_ in bins)
    assert all(abs(bin_.right - bin_.confidence) < 0.3 for bin_ in bins)


def test_risk_coverage_lets_equals_enter_together() -> None:
    points = risk_coverage([0.8, 0.9, 0.1, 0.8], [False, True, False, True])
    assert points == [RiskPoint(0.9, 0.25, 0.0), RiskPoint(0.8, 0.75, pytest.approx(1 / 3)), RiskPoint(0.1, 1.0, 0.5)]


def test_risk_coverage_thins_but_keeps_the_end() -> None:
    points = risk_coverage(np.linspace(0, 1, 1000), np.arange(1000) % 3 > 0, num_points=50)
    assert len(points) == 50
    assert points[-1].coverage == 1.0
    assert points[-1].risk == pytest.approx(334 / 1000)


def test_area_under_a_flat_curve_is_its_height() -> None:
    points = [RiskPoint(0.9, 0.5, 0.2), RiskPoint(0.1, 1.0, 0.2)]
    assert area_under_risk_coverage(points) == pytest.approx(0.2)
