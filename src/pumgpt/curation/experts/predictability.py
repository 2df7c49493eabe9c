"""How well can an attribute be told from photo and title at all? Measured on products that the model has not seen.

For each of a few folds of a sample a linear model is fitted on the others (least squares on one-hot values estimates
probabilities, in one solve). It sees the photo's plain features, and those words of the title that the attribute's values are
made of. Other words are left out: that a brand's shoes were all made in 2012 is a habit of this catalogue, no evidence of
a year. The out-of-fold accuracy, set against always saying the commonest value, is what the attribute is worth.

Single values are held against the model by confident learning (arXiv 1911.00068): one counts as an error where another
value's probability reaches what that one usually has for products that are labelled so.

Legend: R rows (a product and one of its values), C values, F features.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pumgpt.catalog.vocabulary.words import unescaped, words
from pumgpt.curation.experts.traits import NUM_PHOTO_FEATURES, Floats, Traits

FOLDS = 3
MAX_VALUES = 60
"""The commonest values of an attribute are told apart; the rest is not judged."""
MAX_WORDS = 300
MIN_COUNT = 5
"""Products that a value needs to be told apart."""
MIN_ROWS = 60
_RIDGE = 1.0
_LEAST_CHANCE = 1e-3


@dataclass(frozen=True)
class Row:
    """A product and one of its listed values."""

    id: str
    value: str
    traits: Traits


@dataclass(frozen=True)
class Chances:
    """Out-of-fold probabilities of a product: `of` each value, and what each value usually has where it is listed."""

    of: Mapping[str, float]
    usual: Mapping[str, float]

    def likelier_than(self, value: str) -> str | None:
        """The value that the product's own is an error for, by confident learning; None where there is none."""
        confident = [other for other, chance in self.of.items() if chance >= self.usual[other]]
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
        ridge_F = np.full(inputs_RF.shape[1], _RIDGE)
        ridge_F[-1] = 1e-3
        gram_FF = inputs_RF.T @ inputs_RF + np.diag(ridge_F)
        weights_FC = np.linalg.solve(gram_FF, inputs_RF.T @ np.eye(len(values))[places_R])
        return cls(tuple(values.tolist()), weights_FC.astype(np.float32))

    def probabilities(self, features_RF: Floats) -> Floats:
        """(R, C), rows add up to 1."""
        raw_RC = np.maximum(_with_constant(features_RF) @ self.weights_FC, _LEAST_CHANCE)
        return np.asarray(raw_RC / raw_RC.sum(axis=1, keepdims=True), dtype=np.float32)


def _with_constant(features_RF: Floats) -> Floats:
    return np.concatenate([features_RF, np.ones((len(features_RF), 1), dtype=np.float32)], axis=1)


@dataclass(frozen=True)
class Predictor:
    """The models of one attribute, one a fold. `accuracy` is out of fold, `majority` what the commonest value gets."""

    models: Sequence[LinearModel]
    vocabulary: Mapping[str, int]
    usual: Mapping[str, float]
    accuracy: float
    majority: float
    count: int

    @property
    def skill(self) -> float:
        """The share of the majority's errors that the model mends; 0 where it is no better."""
        return max((self.accuracy - self.majority) / max(1 - self.majority, 1e-9), 0.0)

    def chances(self, product_id: str, traits: Traits) -> Chances:
        """By the model that has not seen this product."""
        model = self.models[fold_of(product_id)]
        (chances_C,) = model.probabilities(design([traits], self.vocabulary))
        return Chances(dict(zip(model.values, chances_C.tolist(), strict=True)), self.usual)


def fold_of(product_id: str) -> int:
    return zlib.crc32(product_id.encode("utf-8", "replace")) % FOLDS


def design(rows: Sequence[Traits], vocabulary: Mapping[str, int]) -> Floats:
    """(R, F): which words of the vocabulary the title has, and the photo's features; zeros where there is none."""
    features_RF = np.zeros((len(rows), len(vocabulary) + NUM_PHOTO_FEATURES), dtype=np.float32)
    for row, features_F in zip(rows, features_RF, strict=True):
        features_F[[vocabulary[form] for form in row.forms if form in vocabulary]] = 1
        if row.photo_P is not None:
            features_F[len(vocabulary) :] = row.photo_P
    return features_RF


def fit_predictor(rows: Sequence[Row]) -> Predictor | None:
    """None where there are too few rows, or but one value, to say anything."""
    counts = Counter(row.value for row in rows)
    common = {value for value, count in counts.most_common(MAX_VALUES) if count >= MIN_COUNT}
    known = [row for row in rows if row.value in common]
    folds_R = np.array([fold_of(row.id) for row in known], dtype=np.int32)
    truths_R = np.array([row.value for row in known], dtype=str)
    if len(known) < MIN_ROWS or any(len(set(truths_R[folds_R != fold])) < 2 for fold in range(FOLDS)):
        return None
    vocabulary = _vocabulary(common)
    features_RF = design([row.traits for row in known], vocabulary)
    models = [LinearModel.fit(features_RF[folds_R != fold], truths_R[folds_R != fold]) for fold in range(FOLDS)]
    said_R, own_R = _out_of_fold(models, features_RF, truths_R, folds_R)
    usual = {value: float(own_R[truths_R == value].mean()) for value in common}
    majority = max(Counter(truths_R.tolist()).values()) / len(known)
    return Predictor(models, vocabulary, usual, float((said_R == truths_R).mean()), majority, len(known))


def _vocabulary(values: Iterable[str]) -> dict[str, int]:
    forms = Counter(word.form for value in sorted(values) for word in words(unescaped(value)))
    return {form: place for place, (form, _) in enumerate(forms.most_common(MAX_WORDS))}


def _out_of_fold(
    models: Sequence[LinearModel], features_RF: Floats, truths_R: NDArray[np.str_], folds_R: NDArray[np.int32]
) -> tuple[NDArray[np.str_], NDArray[np.float64]]:
    """For each row what the model that hasn't seen it says, and the probability that it gives the listed value."""
    said_R, own_R = np.empty_like(truths_R), np.zeros(len(truths_R))
    for fold, model in enumerate(models):
        (held,) = np.nonzero(folds_R == fold)
        if len(held):
            chances_RC, values_C = model.probabilities(features_RF[held]), np.array(model.values)
            said_R[held] = values_C[chances_RC.argmax(axis=1)]
            own_R[held] = (chances_RC * (values_C == truths_R[held][:, None])).sum(axis=1)
    return said_R, own_R
