"""A measured number never stands alone: its value, the 95 % interval around it, and how many cases it counts.

Legend: R resamples, P products.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

NUM_RESAMPLES = 1000
# Fixed, so that a benchmark run again gives the same intervals to the last digit.
SEED = 20230809
LEVEL = 0.95
_Z = 1.959963984540054
"""Two-sided normal quantile of `LEVEL`."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric's value with its 95 % interval and the number of cases behind it; all NaN where there was no case."""

    value: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        if self.count == 0 or math.isnan(self.value):
            return f"n/a n={self.count}"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}] n={self.count}"

    def to_json(self) -> dict[str, float | int | None]:
        """JSON has no NaN: what could not be measured is null."""
        numbers = {"value": self.value, "low": self.low, "high": self.high}
        rounded = {name: None if math.isnan(number) else round(number, 6) for name, number in numbers.items()}
        return {**rounded, "count": self.count}


def nothing_measured(count: int = 0) -> Measured:
    """The result of a metric without cases."""
    return Measured(math.nan, math.nan, math.nan, count)


def wilson(num_right: int, count: int) -> Measured:
    """A share of independent cases, with Wilson's score interval (1927)."""
    # Not a bootstrap, whose interval has no width where all cases are right, or all are wrong.
    if count == 0:
        return nothing_measured()
    share = num_right / count
    shrink = 1 + _Z**2 / count
    centre = (share + _Z**2 / (2 * count)) / shrink
    half = _Z * math.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2)) / shrink
    # Rounding may put an end on the wrong side of a share of 0 or 1.
    return Measured(share, min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half)), count)


def proportion(hits: Sequence[bool] | NDArray[np.bool_]) -> Measured:
    """The share of true among `hits`, one for each product."""
    return wilson(int(np.count_nonzero(hits)), len(hits))


# Most metrics of a suite are over the same number of products, and drawing takes longer than the metric itself.
@lru_cache(maxsize=32)
def resample_weights(num_products: int, num_resamples: int = NUM_RESAMPLES, seed: int = SEED) -> NDArray[np.float32]:
    """How often each product is drawn in each bootstrap resample: (R, P), every row adds up to P.

    Any statistic that is a function of sums over products is then one matrix product for all resamples.
    """
    generator = np.random.default_rng(seed)
    # Counts are exact in float32, which is half the memory and time of float64.
    weights_RP = np.empty((num_resamples, num_products), dtype=np.float32)
    for row in weights_RP:
        row[:] = np.bincount(generator.integers(num_products, size=num_products), minlength=num_products)
    # All callers share the cached array.
    weights_RP.setflags(write=False)
    return weights_RP


def percentile_interval(statistics_R: NDArray[np.floating]) -> tuple[float, float]:
    """The middle 95 % of a statistic over resamples; resamples where it is undefined (NaN) don't vote."""
    defined = statistics_R[~np.isnan(statistics_R)]
    if not len(defined):
        return math.nan, math.nan
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def bootstrap_ratio(
    numerators: ArrayLike, denominators: ArrayLike, count: int | None = None, seed: int = SEED
) -> Measured:
    """Sum of `numerators` over sum of `denominators`, with a percentile interval by bootstrap over products.

    Give one number of each for each product, summed over its cases. `count` is the number of cases to report, by default
    the number of products.
    """
    # Products are resampled and not cases: answers about one product are alike, and cases alone would narrow the interval.
    tops_P, bottoms_P = np.asarray(numerators, dtype=np.float64), np.asarray(denominators, dtype=np.float64)
    count = len(tops_P) if count is None else count
    if not len(tops_P) or bottoms_P.sum() == 0:
        return nothing_measured(count)
    weights_RP = resample_weights(len(tops_P), seed=seed)
    tops_R, bottoms_R = weights_RP @ tops_P, weights_RP @ bottoms_P
    # A resample may miss every product that counts in the denominator: it has no ratio, not a ratio of 0.
    ratios_R = np.divide(tops_R, bottoms_R, out=np.full_like(tops_R, np.nan), where=bottoms_R != 0)
    return Measured(float(tops_P.sum() / bottoms_P.sum()), *percentile_interval(ratios_R), count)


def bootstrap_ratio_difference(
    ratio: tuple[ArrayLike, ArrayLike], base: tuple[ArrayLike, ArrayLike], seed: int = SEED
) -> Measured:
    """One ratio minus another over the same products: each a pair of numerators and denominators, one of each a product.

    Paired: both ratios are of the same resamples, so that what makes a product hard cancels out.
    """
    sums_P = [np.asarray(numbers, dtype=np.float64) for numbers in (*ratio, *base)]
    tops_P, bottoms_P, base_tops_P, base_bottoms_P = sums_P
    if not len(tops_P) or bottoms_P.sum() == 0 or base_bottoms_P.sum() == 0:
        return nothing_measured(len(tops_P))
    weights_RP = resample_weights(len(tops_P), seed=seed)
    tops_R, bottoms_R, base_tops_R, base_bottoms_R = (weights_RP @ numbers for numbers in sums_P)
    with np.errstate(divide="ignore", invalid="ignore"):
        # 0 / 0 is NaN, which has no vote in the interval: such a resample has no ratio to compare.
        differences_R = tops_R / bottoms_R - base_tops_R / base_bottoms_R
    value = tops_P.sum() / bottoms_P.sum() - base_tops_P.sum() / base_bottoms_P.sum()
    return Measured(float(value), *percentile_interval(differences_R), len(tops_P))


def bootstrap_mean(values: ArrayLike, seed: int = SEED) -> Measured:
    """The mean of one number for each product, with its bootstrap interval."""
    numbers = np.asarray(values, dtype=np.float64)
    return bootstrap_ratio(numbers, np.ones_like(numbers), seed=seed)
