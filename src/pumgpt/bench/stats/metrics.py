"""Metrics of closed answers: right or wrong, by value, by level of the taxonomy, and refused or not.

A prediction of None is an answer withheld: it is never right.
Legend: R resamples, P products, V values.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pumgpt.bench.stats.intervals import (
    Measured,
    bootstrap_ratio,
    nothing_measured,
    percentile_interval,
    proportion,
    resample_weights,
    wilson,
)

Path = tuple[str, ...]


def accuracy(truths: Sequence[object], predictions: Sequence[object]) -> Measured:
    """Share of the products whose prediction is the truth."""
    return proportion([truth == prediction for truth, prediction in zip(truths, predictions, strict=True)])


def macro_f1(truths: Sequence[str], predictions: Sequence[str | None]) -> Measured:
    """F1 of each value, averaged with equal weight over the values that occur in the truth.

    Values that only a model names are no class of their own, so that models are averaged over the same classes; naming
    one is still a miss of the true value. The interval is a bootstrap over products.
    """
    if not truths:
        return nothing_measured()
    from sklearn.metrics import f1_score

    # Sorted, since a set's order changes between runs, and with it the last digits of the sums.
    values = sorted(set(truths))
    # All values that never occur in the truth share one code, which no class has.
    code = {value: number for number, value in enumerate(values)}
    true_P = np.array([code[truth] for truth in truths])
    predicted_P = np.array(
        [code.get(predicted, len(values)) if predicted is not None else len(values) for predicted in predictions]
    )
    value = f1_score(true_P, predicted_P, labels=range(len(values)), average="macro", zero_division=0)
    macro_R = _weighted_macro_f1(true_P, predicted_P, len(values), resample_weights(len(true_P)))
    return Measured(float(value), *percentile_interval(macro_R), len(true_P))


def _weighted_macro_f1(
    true_P: NDArray[np.int64], predicted_P: NDArray[np.int64], num_values: int, weights_RP: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Macro-F1 of every resample at once; a value that a resample lacks is left out of its average."""
    values_V = np.arange(num_values)
    true_PV = (true_P[:, None] == values_V).astype(np.float32)
    predicted_PV = (predicted_P[:, None] == values_V).astype(np.float32)
    hits_RV = weights_RP @ (true_PV * predicted_PV)
    support_RV = weights_RP @ true_PV
    # F1 = 2 TP / (true + predicted). Where that sum is 0 there are no hits either, so any denominator will do.
    f1_RV = 2 * hits_RV / np.maximum(support_RV + weights_RP @ predicted_PV, 1)
    present_RV = support_RV > 0
    macro_R: NDArray[np.float64] = (f1_RV * present_RV).sum(axis=1) / present_RV.sum(axis=1)
    return macro_R


def level_accuracy(truths: Sequence[Path], predictions: Sequence[Path | None], level: int) -> Measured:
    """Share of the products whose first `level` steps from the root are right, of those whose truth is that deep.

    A prediction that stops above `level` is wrong there.
    """
    return proportion(
        [
            predicted is not None and predicted[:level] == truth[:level]
            for truth, predicted in zip(truths, predictions, strict=True)
            if len(truth) >= level
        ]
    )


def hierarchical_f1(truths: Sequence[Path], predictions: Sequence[Path | None]) -> Measured:
    """F1 over the nodes on the way from the root, summed over products (Kiritchenko et al. 2006; the root not counted).

    A near miss in the right branch earns what it shares with the truth.
    """
    shared = [_num_shared(truth, predicted or ()) for truth, predicted in zip(truths, predictions, strict=True)]
    nodes = [len(truth) + len(predicted or ()) for truth, predicted in zip(truths, predictions, strict=True)]
    # Sums over products, not the mean of each product's F1: deep paths count more, as in the paper.
    return bootstrap_ratio(2 * np.asarray(shared), nodes)


def _num_shared(one: Path, other: Path) -> int:
    for depth, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return depth
    return min(len(one), len(other))


def coverage_and_precision(right: Sequence[bool], filled: Sequence[bool]) -> tuple[Measured, Measured]:
    """Share of the fields that are filled, and share of the filled that are right."""
    num_right = sum(r and f for r, f in zip(right, filled, strict=True))
    return proportion(filled), wilson(num_right, sum(filled))


def refusal_scores(
    unanswerable: Sequence[bool], refused: Sequence[bool], products: Sequence[str]
) -> dict[str, Measured]:
    """How well a model refuses.

    Precision: of the refusals, how many were due. Recall: of those due, how many were made. Over-refusal: of what could
    be answered, how much was refused. One entry for each question; `products` names its product, and the bootstrap keeps
    a product's questions together.
    """
    due, made = np.asarray(unanswerable, dtype=bool), np.asarray(refused, dtype=bool)
    if not len(due):
        return {name: nothing_measured() for name in ("precision", "recall", "over-refusal")}
    # The product of each question as a number from 0, to sum questions by product.
    _, owner = np.unique(np.asarray(products), return_inverse=True)

    def ratio(top: NDArray[np.bool_], bottom: NDArray[np.bool_]) -> Measured:
        tops_P, bottoms_P = np.bincount(owner, top), np.bincount(owner, bottom)
        return bootstrap_ratio(tops_P, bottoms_P, count=int(bottom.sum()))

    return {
        "precision": ratio(due & made, made),
        "recall": ratio(due & made, due),
        "over-refusal": ratio(~due & made, ~due),
    }
