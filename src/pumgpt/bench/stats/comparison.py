"""Is one model better than another, or is the difference inside the noise? Paired over products, many at once.

Legend: R resamples, P products.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pumgpt.bench.stats.intervals import SEED, Measured, bootstrap_mean

# With the observed signs 10,000 draws: p comes in steps of 0.0001, small enough to survive Holm over dozens of pairs.
NUM_FLIPS = 9_999
SIGNIFICANT = 0.05
# Bounds the memory: draws x products signs at a time.
_FLIPS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same products. `difference` is the mean of first minus second, in shares of right answers."""

    condition: str
    slot: str
    first: str
    second: str
    difference: Measured
    p_value: float
    p_holm: float = float("nan")
    """Corrected for all comparisons of the run (Holm 1979)."""

    @property
    def told_apart(self) -> bool:
        return self.p_holm < SIGNIFICANT

    def __str__(self) -> str:
        where = f"{self.slot}, {self.condition}"
        if not self.told_apart:
            gap = f"{self.difference.value:+.3f} [{self.difference.low:+.3f}, {self.difference.high:+.3f}]"
            return f"{where}: {self.first} and {self.second} are not told apart ({gap}, p = {self.p_holm:.3f})"
        better, worse = (self.first, self.second) if self.difference.value > 0 else (self.second, self.first)
        p = f"p = {self.p_holm:.3f}" if self.p_holm >= 0.001 else "p < 0.001"
        return f"{where}: {better} is better than {worse} by {abs(self.difference.value):.3f} ({p})"


Shares = Mapping[tuple[str, str], Mapping[str, float]]
"""Condition and slot -> product -> share of its questions that were answered rightly."""


def compare(models: Mapping[str, Shares]) -> list[Comparison]:
    """Every pair of models in every condition and slot, with Holm's correction over all of them."""
    comparisons = []
    for first, second in combinations(models, 2):
        for (condition, slot), one in models[first].items():
            other = models[second].get((condition, slot), {})
            products = [product for product in one if product in other]
            # The difference on one product says nothing about others.
            if len(products) > 1:
                # Paired: how hard a product is cancels out, which makes small differences visible.
                differences = [one[product] - other[product] for product in products]
                p_value = sign_flip_test(differences)
                difference = bootstrap_mean(differences)
                comparisons.append(Comparison(condition, slot, first, second, difference, p_value))
    corrected = holm([comparison.p_value for comparison in comparisons])
    return [replace(comparison, p_holm=p) for comparison, p in zip(comparisons, corrected, strict=True)]


def summarise(comparisons: Sequence[Comparison]) -> list[str]:
    """One line for each pair of models: where one is better, and where the difference may be chance."""
    lines = []
    for first, second in dict.fromkeys((comparison.first, comparison.second) for comparison in comparisons):
        own = [c for c in comparisons if (c.first, c.second) == (first, second)]
        clear = [comparison for comparison in own if comparison.told_apart]
        sides = (
            (first, [c for c in clear if c.difference.value > 0]),
            (second, [c for c in clear if c.difference.value <= 0]),
        )
        words = [f"{name} is better on {_places(better)}" for name, better in sides if better]
        noise = len(own) - len(clear)
        if noise:
            words.append(f"{noise} of {len(own)} differences are inside the noise")
        lines.append(f"{first} and {second}: {'; '.join(words)}")
    return lines


def _places(comparisons: Sequence[Comparison]) -> str:
    """'category (image only, with title), question (image only)'."""
    conditions: dict[str, list[str]] = {}
    for comparison in comparisons:
        conditions.setdefault(comparison.slot, []).append(comparison.condition)
    return ", ".join(f"{slot} ({', '.join(where)})" for slot, where in conditions.items())


def sign_flip_test(differences: ArrayLike, num_flips: int = NUM_FLIPS, seed: int = SEED) -> float:
    """Two-sided p-value that paired differences have mean 0: how often random signs give as large a mean.

    Assumes nothing but that without a difference between the models each sign is as likely as the other.
    """
    values_P: NDArray[np.float64] = np.asarray(differences, dtype=np.float64)
    # A difference of 0 has no sign to flip.
    values_P = values_P[values_P != 0]
    if not len(values_P):
        return 1.0
    # Hoeffding's bound on sums of random signs. It holds for any number of products, and is the sharper one where p is
    # below what `num_flips` draws can show.
    bound = 2.0 * math.exp(-(values_P.sum() ** 2) / (2.0 * (values_P**2).sum()))
    if bound < 1 / num_flips:
        return bound
    # Sums of floats in another order differ by rounding, and a draw as large as the observed one has to count.
    observed = abs(values_P.sum()) - 1e-9
    generator = np.random.default_rng(seed)
    extreme = 0
    for start in range(0, num_flips, _FLIPS_AT_ONCE):
        count = min(_FLIPS_AT_ONCE, num_flips - start)
        signs_RP = generator.integers(0, 2, size=(count, len(values_P)), dtype=np.int8) * 2 - 1
        extreme += int((np.abs(signs_RP @ values_P) >= observed).sum())
    # The observed signs are one of the draws, so that p is never 0.
    return min(bound, (extreme + 1) / (num_flips + 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (1979): each p times the number of hypotheses left, at most 1."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    corrected = [1.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(order):
        # Never falling: a hypothesis must not be rejected where one with a smaller p is not.
        largest = max(largest, min(1.0, p_values[place] * (len(p_values) - rank)))
        corrected[place] = largest
    return corrected
