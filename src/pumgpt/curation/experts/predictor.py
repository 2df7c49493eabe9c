"""How well can an attribute be predicted from photo and title? Measured on products that the model has not seen.

A sample is divided into a few folds, and for each a linear model is fitted on the others (least squares on one-hot values
estimates probabilities, in one solve). It sees the photo's plain features, and those words of the title that the attribute's
values consist of. Other words are left out: that all shoes of a brand were made in 2012 is a habit of this catalogue, and no
evidence of a year. The out-of-fold accuracy, beside that of always giving the most frequent value, is the model's skill.

Single values are checked by confident learning (arXiv 1911.00068): one counts as an error if another value's probability
reaches what that one has on average for products that list it.

Legend: R rows (a product and one of its values), C values, F features.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pumgpt.catalog.vocabulary.words import unescaped, words
from pumgpt.curation.experts.product_features import NUM_PHOTO_FEATURES, Floats, ProductFeatures

FOLDS = 3
MAX_VALUES = 60
"""Classes of an attribute: its most frequent values. The others are not judged."""
MAX_WORDS = 300
MIN_COUNT = 5
"""Products that a value needs to become a class."""
MIN_ROWS = 60
"""Rows that an attribute needs to be predicted at all."""
_RIDGE = 1.0
_MIN_PROBABILITY = 1e-3
"""Least squares may give less, or even negative ones."""


@dataclass(frozen=True)
class SampleRow:
    """A product and one of its listed values."""

    id: str
    value: str
    features: ProductFeatures


@dataclass(frozen=True)
class ValueProbabilities:
    """Out-of-fold probabilities of a product, `of` each value. A value's threshold is its mean over the products that list it."""

    of: Mapping[str, float]
    thresholds: Mapping[str, float]

    def correction_of(self, value: str) -> str | None:
        """The value that confident learning puts in the place of the listed one; None if that may stay."""
        confident = [other for other, probability in self.of.items() if probability >= self.thresholds[other]]
        best = max(confident, key=lambda other: self.of[other], default=None)
        return best if best is not None and self.of[best] > self.of.get(value, 0.0) else None


@dataclass(frozen=True)
class LinearModel:
    """Probabilities of `values`, linear in the features: weights (F + 1, C), the last row for the constant."""

    values: tuple[str, ...]
    weights_FC: Floats

    @classmethod
    def fit(cls, features_RF: Floats, truths_R: NDArray[np.str_]) -> LinearModel:
        values, places_R = np.unique(truths_R, return_inverse=True)
        inputs_RF = _with_constant(features_RF)
        # The constant is hardly shrunk: it carries how frequent each value is.
        ridge_F = np.full(inputs_RF.shape[1], _RIDGE)
        ridge_F[-1] = 1e-3
        gram_FF = inputs_RF.T @ inputs_RF + np.diag(ridge_F)
        weights_FC = np.linalg.solve(gram_FF, inputs_RF.T @ np.eye(len(values))[places_R])
        return cls(tuple(values.tolist()), weights_FC.astype(np.float32))

    def probabilities(self, features_RF: Floats) -> Floats:
        """(R, C), rows add up to 1."""
        raw_RC = np.maximum(_with_constant(features_RF) @ self.weights_FC, _MIN_PROBABILITY)
        return np.asarray(raw_RC / raw_RC.sum(axis=1, keepdims=True), dtype=np.float32)


def _with_constant(features_RF: Floats) -> Floats:
    return np.concatenate([features_RF, np.ones((len(features_RF), 1), dtype=np.float32)], axis=1)


@dataclass(frozen=True)
class Predictor:
    """The models of one attribute, one for each fold. `accuracy` is out of fold, `majority` that of the most frequent value."""

    models: Sequence[LinearModel]
    vocabulary: Mapping[str, int]
    thresholds: Mapping[str, float]
    accuracy: float
    majority: float
    count: int

    @property
    def skill(self) -> float:
        """The share of the majority's errors that the model avoids; 0 if it is no better."""
        return max((self.accuracy - self.majority) / max(1 - self.majority, 1e-9), 0.0)

    def probabilities(self, product_id: str, features: ProductFeatures) -> ValueProbabilities:
        """By the model that has not seen this product."""
        model = self.models[fold_of(product_id)]
        (probabilities_C,) = model.probabilities(design([features], self.vocabulary))
        return ValueProbabilities(dict(zip(model.values, probabilities_C.tolist(), strict=True)), self.thresholds)


def fold_of(product_id: str) -> int:
    return zlib.crc32(product_id.encode("utf-8", "replace")) % FOLDS


def design(rows: Sequence[ProductFeatures], vocabulary: Mapping[str, int]) -> Floats:
    """(R, F): which words of the vocabulary the title has, and the photo's features; zeros if there is no photo."""
    features_RF = np.zeros((len(rows), len(vocabulary) + NUM_PHOTO_FEATURES), dtype=np.float32)
    for row, features_F in zip(rows, features_RF, strict=True):
        features_F[[vocabulary[form] for form in row.forms if form in vocabulary]] = 1
        if row.photo_P is not None:
            features_F[len(vocabulary) :] = row.photo_P
    return features_RF


def fit_predictor(rows: Sequence[SampleRow]) -> Predictor | None:
    """None if there are too few rows, or only one value, to measure anything."""
    counts = Counter(row.value for row in rows)
    common = {value for value, count in counts.most_common(MAX_VALUES) if count >= MIN_COUNT}
    known = [row for row in rows if row.value in common]
    folds_R = np.array([fold_of(row.id) for row in known], dtype=np.int32)
    truths_R = np.array([row.value for row in known], dtype=str)
    if len(known) < MIN_ROWS or any(len(set(truths_R[folds_R != fold])) < 2 for fold in range(FOLDS)):
        return None
    # Sorted, because the order of a set of strings changes from one process to the next, and with it that of ties here.
    forms = Counter(word.form for value in sorted(common) for word in words(unescaped(value)))
    vocabulary = {form: place for place, (form, _) in enumerate(forms.most_common(MAX_WORDS))}
    features_RF = design([row.features for row in known], vocabulary)
    models = [LinearModel.fit(features_RF[folds_R != fold], truths_R[folds_R != fold]) for fold in range(FOLDS)]
    predicted_R, own_R = _out_of_fold(models, features_RF, truths_R, folds_R)
    thresholds = {value: float(own_R[truths_R == value].mean()) for value in common}
    majority = max(Counter(truths_R.tolist()).values()) / len(known)
    return Predictor(models, vocabulary, thresholds, float((predicted_R == truths_R).mean()), majority, len(known))


def _out_of_fold(
    models: Sequence[LinearModel], features_RF: Floats, truths_R: NDArray[np.str_], folds_R: NDArray[np.int32]
) -> tuple[NDArray[np.str_], NDArray[np.float64]]:
    """For each row, by the model that hasn't seen it: the predicted value, and the probability of the listed one."""
    predicted_R, own_R = np.empty_like(truths_R), np.zeros(len(truths_R))
    for fold, model in enumerate(models):
        (held,) = np.nonzero(folds_R == fold)
        if len(held):
            probabilities_RC, values_C = model.probabilities(features_RF[held]), np.array(model.values)
            predicted_R[held] = values_C[probabilities_RC.argmax(axis=1)]
            own_R[held] = (probabilities_RC * (values_C == truths_R[held][:, None])).sum(axis=1)
    return predicted_R, own_R
