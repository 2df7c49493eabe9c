"""What one gets without a model: each is fitted on the fields of labelled products and predicts those of others.

Legend: N products to answer for, T products fitted on, F features.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from pumgpt.bench.baselines.predictions import Guess, Prediction
from pumgpt.bench.suites.labels import Fields
from pumgpt.tasks.evaluation import Values


class NearestNeighbour:
    """Each field from the most similar fitted product that states it. Exact; similar is what has a high cosine."""

    def __init__(self, labels: Sequence[Fields], features_TF: NDArray[np.float32]) -> None:
        if len(labels) != len(features_TF):
            raise ValueError(f"{len(features_TF)} rows of features for {len(labels)} products")
        self._features_TF = _unit_rows(features_TF)
        self._labels = labels
        stated = {field: [field in known for known in labels] for field in _count_values(labels)}
        self._stated = {field: np.flatnonzero(mask) for field, mask in stated.items()}

    def predict(self, features_NF: NDArray[np.float32], batch_size: int = 256) -> list[Prediction]:
        """One for each row of features. Batches bound the memory that the similarities take."""
        features_NF = _unit_rows(features_NF)
        predictions = []
        for start in range(0, len(features_NF), batch_size):
            similarity_NT = features_NF[start : start + batch_size] @ self._features_TF.T
            nearest = {field: rows[similarity_NT[:, rows].argmax(axis=1)] for field, rows in self._stated.items()}
            for place in range(len(similarity_NT)):
                fields = {field: Guess(self._labels[rows[place]][field]) for field, rows in nearest.items()}
                predictions.append(Prediction(fields))
        return predictions


class TitleMatching:
    """The value whose words stand in the title (for a category its leaf), the longest first; else nothing is said."""

    def __init__(self, labels: Sequence[Fields]) -> None:
        self._values = {
            field: [(_words(value[-1]), value) for value in sorted(counts, key=lambda v: (-len(v[-1]), -counts[v], v))]
            for field, counts in _count_values(labels).items()
        }

    def predict(self, titles: Iterable[str]) -> list[Prediction]:
        return [Prediction(self._match(_words(title))) for title in titles]

    def _match(self, title: str) -> dict[str, Guess]:
        return {
            field: Guess(next((value for words, value in values if words and f" {words} " in f" {title} "), None))
            for field, values in self._values.items()
        }


def _unit_rows(features: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    unit: NDArray[np.float32] = (features / np.maximum(norms, 1e-12)).astype(np.float32)
    return unit


def _count_values(labels: Iterable[Fields]) -> dict[str, Counter[Values]]:
    counts: dict[str, Counter[Values]] = {}
    for fields in labels:
        for field, value in fields.items():
            counts.setdefault(field, Counter())[value] += 1
    return counts


def _words(text: str) -> str:
    """Lower-cased words between single spaces, the plural's s struck off, so that 'Tshirts' finds 'tshirt'."""
    return " ".join(re.sub(r"(?<=[^\Ws]{3})s$", "", word) for word in re.findall(r"\w+", text.lower()))
