"""Is a confidence of 0.9 right nine times in ten? ECE, Brier score, and the curves behind them.

Not to be confused with `pumgpt.backends.calibration`, which makes confidences; this measures them.
Legend: R resamples, P products, B bins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pumgpt.bench.stats.intervals import (
    Measured,
    bootstrap_mean,
    nothing_measured,
    percentile_interval,
    resample_weights,
)

# As in Guo et al. 2017. ECE depends on it: figures with other numbers of bins don't compare.
NUM_BINS = 15


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The answers whose confidence lies in one bin: their mean confidence, the share right, and how many they are."""

    low: float
    high: float
    confidence: float
    right: float
    count: int


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """Answering at `threshold` or above covers `coverage` of the questions; `risk` of those answers is wrong."""

    threshold: float
    coverage: float
    risk: float


def calibration_scores(confidences: ArrayLike, right: ArrayLike) -> dict[str, Measured]:
    """ECE, Brier score and AURC; nothing where no answer carries a confidence."""
    count = len(np.asarray(confidences))
    if not count:
        return {}
    area = area_under_risk_coverage(risk_coverage(confidences, right))
    return {
        "ECE": expected_calibration_error(confidences, right),
        "Brier": brier_score(confidences, right),
        # Without an interval: each resample would need its own sorted curve.
        "AURC": Measured(area, float("nan"), float("nan"), count),
    }


def expected_calibration_error(confidences: ArrayLike, right: ArrayLike, num_bins: int = NUM_BINS) -> Measured:
    """ECE with bins of equal width (Guo et al. 2017): the gap between confidence and share right, weighted by count."""
    confidence_P, right_P = _numbers(confidences, right)
    if not len(confidence_P):
        return nothing_measured()
    # A bin's count cancels: count / P * |mean gap| is |sum of gaps| / P. So one matrix product serves all resamples.
    gap_PB = np.zeros((len(confidence_P), num_bins), dtype=np.float32)
    gap_PB[np.arange(len(confidence_P)), _bins(confidence_P, num_bins)] = right_P - confidence_P
    weights_RP = resample_weights(len(confidence_P))
    ece_R = np.abs(weights_RP @ gap_PB).sum(axis=1) / len(confidence_P)
    # float32 is enough for an interval; the value itself is summed in double precision.
    value = float(np.abs(gap_PB.sum(axis=0, dtype=np.float64)).sum() / len(confidence_P))
    return Measured(value, *percentile_interval(ece_R), len(confidence_P))


def brier_score(confidences: ArrayLike, right: ArrayLike) -> Measured:
    """Mean squared distance (Brier 1950) of the confidence from the outcome, 1 for right and 0 for wrong."""
    confidence_P, right_P = _numbers(confidences, right)
    return bootstrap_mean((confidence_P - right_P) ** 2)


def reliability_bins(confidences: ArrayLike, right: ArrayLike, num_bins: int = NUM_BINS) -> list[ReliabilityBin]:
    """The reliability diagram as numbers; empty bins are left out."""
    confidence_P, right_P = _numbers(confidences, right)
    bins_P = _bins(confidence_P, num_bins)
    return [
        ReliabilityBin(
            number / num_bins,
            (number + 1) / num_bins,
            float(confidence_P[bins_P == number].mean()),
            float(right_P[bins_P == number].mean()),
            int((bins_P == number).sum()),
        )
        for number in np.unique(bins_P).tolist()
    ]


def risk_coverage(confidences: ArrayLike, right: ArrayLike, num_points: int = 200) -> list[RiskPoint]:
    """Risk against coverage as the threshold falls.

    Answers of equal confidence enter together. At most `num_points` points are kept, always with the last (everything
    answered).
    """
    confidence_P, right_P = _numbers(confidences, right)
    if not len(confidence_P):
        return []
    # Stable, so that the same answers give the same points on every platform.
    order = np.argsort(-confidence_P, kind="stable")
    confidence_P, wrong_P = confidence_P[order], np.cumsum(1 - right_P[order])
    # The last answer of each confidence: a threshold can't separate equal ones.
    ends = np.flatnonzero(np.append(confidence_P[1:] != confidence_P[:-1], True))
    # Evenly thinned: a page with a point for each of a hundred thousand answers is too large to open.
    kept = ends[np.unique(np.linspace(0, len(ends) - 1, min(num_points, len(ends))).round().astype(int))]
    total = len(confidence_P)
    return [RiskPoint(float(confidence_P[i]), (i + 1) / total, float(wrong_P[i] / (i + 1))) for i in kept.tolist()]


def area_under_risk_coverage(points: Sequence[RiskPoint]) -> float:
    """AURC by trapezoids."""
    if not points:
        return float("nan")
    # Nothing is known left of the first point, where fewer answers are surer still: its risk is carried to 0.
    coverage = np.array([0.0, *(point.coverage for point in points)])
    risk = np.array([points[0].risk, *(point.risk for point in points)])
    return float(np.trapezoid(risk, coverage))


def _numbers(confidences: ArrayLike, right: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    confidence_P, right_P = np.asarray(confidences, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if confidence_P.shape != right_P.shape:
        raise ValueError(f"{len(confidence_P)} confidences for {len(right_P)} answers")
    return confidence_P, right_P


def _bins(confidence_P: NDArray[np.float64], num_bins: int) -> NDArray[np.int64]:
    """Bin of each confidence."""
    # Bins are closed below and open above, so that 1.0 would be alone in one of its own.
    return np.clip((confidence_P * num_bins).astype(np.int64), 0, num_bins - 1)
