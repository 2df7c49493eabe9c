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
    """A share of independent cases, with Wilson's score interval: honest at 0 and 1, where a bootstrap is blind."""
    if count == 0:
        return nothing_measured()
    share = num_right / count
    shrink = 1 + _Z**2 / count
    centre = (share + _Z**2 / (2 * count)) / shrink
    half = _Z * math.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2)) / shrink
    return Measured(share, min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half)), count)


def proportion(hits: Sequence[bool] | NDArray[np.bool_]) -> Measured:
    """The share of true among `hits`, one for each product."""
    return wilson(int(np.count_nonzero(hits)), len(hits))


@lru_cache(maxsize=32)
def resample_weights(num_products: int, num_resamples: int = NUM_RESAMPLES, seed: int = SEED) -> NDArray[np.float32]:
    """How often each product is drawn in each bootstrap resample: (R, P), every row adds up to P.

    Any statistic that is a function of sums over products is then one matrix product for all resamples.
    """
    generator = np.random.default_rng(seed)
    weights_RP = np.empty((num_resamples, num_products), dtype=np.float32)
    for row in weights_RP:
        row[:] = np.bincount(generator.integers(num_products, size=num_products), minlength=num_products)
    # It is cached and shared.
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

    Give one number of each for each product: a product with several cases then stays whole in every resample. `count`
    is the number of cases to report, by default the number of products.
    """
    tops_P, bottoms_P = np.asarray(numerators, dtype=np.float64), np.asarray(denominators, dtype=np.float64)
    count = len(tops_P) if count is None else count
    if not len(tops_P) or bottoms_P.sum() == 0:
        return nothing_measured(count)
    weights_RP = resample_weights(len(tops_P), seed=seed)
    tops_R, bottoms_R = weights_RP @ tops_P, weights_RP @ bottoms_P
    ratios_R = np.divide(tops_R, bottoms_R, out=np.full_like(tops_R, np.nan), where=bottoms_R != 0)
    return Measured(float(tops_P.sum() / bottoms_P.sum()), *percentile_interval(ratios_R), count)


def bootstrap_mean(values: ArrayLike, seed: int = SEED) -> Measured:
    """The mean of one number for each product, with its bootstrap interval."""
    numbers = np.asarray(values, dtype=np.float64)
    return bootstrap_ratio(numbers, np.ones_like(numbers), seed=seed)
