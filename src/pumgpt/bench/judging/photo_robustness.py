"""What becomes of a product's fields when the same photo is shown otherwise: accuracy, what is filled, and what changes.

Every field is held against the plain photo's, product by product. Legend: P products.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pumgpt.bench.asking.product_fields import DEFAULT, FILLED, FilledFields
from pumgpt.bench.baselines.predictions import Guess, Prediction, prediction_of
from pumgpt.bench.judging.fields import JudgedField
from pumgpt.bench.judging.scoring import Metrics, Scores
from pumgpt.bench.stats.intervals import bootstrap_mean, bootstrap_ratio, bootstrap_ratio_difference, proportion
from pumgpt.bench.suites.items import Item
from pumgpt.bench.suites.photo_conditions import PLAIN
from pumgpt.bench.suites.suite import Suite
from pumgpt.tasks.evaluation import CATEGORY, plain

SURE = 0.9
"""A confidence above this counts as sure."""
CHANGE = ", change"
"""Ends the name of a metric that is the difference from the plain photo."""

ConditionScores = Mapping[str, Scores]
"""Photo condition -> field -> metric."""
ByPrecision = Mapping[str, Mapping[str, Prediction]]
"""Precision -> product id -> what was predicted."""


def score_altered(filled: FilledFields, suite: Suite, items: Sequence[Item]) -> ConditionScores:
    """Score each condition of `fill_altered`, the plain photo first.

    A product that some condition got no answer for is left out of all: it can't be compared.
    """
    predictions: dict[str, ByPrecision] = {
        condition: {
            precision: {product: prediction_of(record, suite.values) for product, record in records.items()}
            for precision, records in by_precision.items()
        }
        for condition, by_precision in filled.items()
    }
    answered = [set(by_product) for by_precision in predictions.values() for by_product in by_precision.values()]
    compared = [item for item in items if answered and all(item.product.id in ids for ids in answered)]
    if not compared:
        return {}
    asked = dict.fromkeys(name for one in predictions[PLAIN][FILLED].values() for name in one.fields)
    fields = sorted((name for name in asked if name not in suite.uncounted), key=lambda name: name != CATEGORY)
    return {
        condition: {name: _score_field(name, compared, own, predictions[PLAIN]) for name in fields}
        for condition, own in predictions.items()
    }


def _score_field(name: str, items: Sequence[Item], own: ByPrecision, base: ByPrecision) -> Metrics:
    ids = [item.product.id for item in items]
    guesses, base_guesses = _guesses(name, ids, own[FILLED]), _guesses(name, ids, base[FILLED])
    careful, base_careful = _guesses(name, ids, own[DEFAULT]), _guesses(name, ids, base[DEFAULT])
    same_P = [_same(name, guess, other) for guess, other in zip(guesses, base_guesses, strict=True)]
    scores = _compare("filled", _filled(careful), _filled(base_careful)) | {"same answer": proportion(same_P)}
    # Only of a backend with probabilities; without them nothing is more or less sure.
    if any(guess.confidence is not None for guess in [*guesses, *base_guesses]):
        scores |= _compare(f"above {SURE:g}", _sure(guesses), _sure(base_guesses))
    truths = [item.fields.get(name) for item in items]
    labelled_P = np.array([truth is not None for truth in truths])
    if not labelled_P.any():
        return scores

    def right(given: Sequence[Guess]) -> NDArray[np.bool_]:
        pairs = zip(truths, given, strict=True)
        return np.array([truth is not None and JudgedField(name, truth, guess).right for truth, guess in pairs])

    scores |= _compare("accuracy", right(guesses)[labelled_P], right(base_guesses)[labelled_P])
    # Of what is filled, only where a label can confirm or deny it.
    ratio = (right(careful), _filled(careful) & labelled_P)
    base_ratio = (right(base_careful), _filled(base_careful) & labelled_P)
    return scores | {
        "right of filled": bootstrap_ratio(*ratio, count=int(ratio[1].sum())),
        f"right of filled{CHANGE}": bootstrap_ratio_difference(ratio, base_ratio),
    }


def _guesses(name: str, ids: Sequence[str], predictions: Mapping[str, Prediction]) -> list[Guess]:
    # A field may be absent from a record, such as the gender of a desk: it counts as left empty.
    return [predictions[key].fields.get(name, Guess(None)) for key in ids]


def _filled(guesses: Sequence[Guess]) -> NDArray[np.bool_]:
    return np.array([guess.value is not None for guess in guesses])


def _sure(guesses: Sequence[Guess]) -> NDArray[np.bool_]:
    return np.array([guess.value is not None and (guess.confidence or 0.0) > SURE for guess in guesses])


def _same(name: str, guess: Guess, other: Guess) -> bool:
    if guess.value is None or other.value is None:
        return guess.value is other.value
    one, two = plain(guess.value), plain(other.value)
    # The order of a path's levels counts, that of an attribute's values doesn't.
    return one == two if name == CATEGORY else set(one) == set(two)


def _compare(name: str, own_P: NDArray[np.bool_], base_P: NDArray[np.bool_]) -> Metrics:
    """A share, and by how much it differs from the plain photo's."""
    return {name: proportion(own_P), f"{name}{CHANGE}": bootstrap_mean(own_P.astype(float) - base_P.astype(float))}
