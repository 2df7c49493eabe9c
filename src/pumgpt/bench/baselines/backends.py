"""Baselines as backends: the scores that are possible without a model.

`majority` always gives the most frequent true value, with hindsight: no constant answer can be right more often. The others
are fitted on labelled products: `nearest` copies the product with the most similar photo, `title` gives the value that the
title names.

Legend: N products to answer for, T products fitted on, F features.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pumgpt.backends.protocol import CANNOT_TELL, Answer, Backend, Capabilities, Question, Request
from pumgpt.bench.asking.cases import BenchCase
from pumgpt.bench.baselines.predictions import Guess, Prediction, read_plain
from pumgpt.bench.suites.items import FitData, SuiteData
from pumgpt.bench.suites.labels import Fields
from pumgpt.bench.suites.pixels import features_of
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR
from pumgpt.errors import CatalogError, UsageError
from pumgpt.tasks.evaluation import CATEGORY, Values
from pumgpt.tasks.registry import get_task
from pumgpt.tasks.template import list_options

Slot = tuple[str, str, bool]
"""Task, field, and whether the prompt lists the options."""


class Majority(Backend):
    """The most frequent true value of each kind of question; of several choices the most frequent among them.

    It refuses only what never has an answer, such as hidden attributes.
    """

    name = "majority"
    capabilities = Capabilities(gives_probabilities=False)

    def __init__(self, cases: Iterable[BenchCase]) -> None:
        self._counts: dict[Slot, Counter[str]] = {}
        for case in cases:
            task = get_task(case.task)
            for name, field in zip(task.fields(case.question), case.truth.fields, strict=True):
                slot = (case.task, name, _lists_options(case.question))
                for text in task.true_answers(case.truth, field):
                    self._counts.setdefault(slot, Counter())[text] += 1
        # Answers are cached by revision: other cases make it another model.
        self.revision = revision_of(sorted((slot, sorted(counts.items())) for slot, counts in self._counts.items()))

    def answer(self, requests: Sequence[Request], *, evidence: bool = False) -> list[list[Answer]]:
        return [[Answer(self._text(question)) for question in request.questions] for request in requests]

    def _text(self, question: Question) -> str:
        task, listed = get_task(question.task), _lists_options(question)
        allowed = None if question.choices is None else set(question.choices.values)
        answers = {}
        for name in task.fields(question):
            counts = self._counts.get((question.task, name, listed), Counter())
            texts = [text for text in counts if allowed is None or text in allowed]
            # Ties go by the alphabet, so that the order of the cases changes nothing.
            answers[name] = min(texts, key=lambda text: (-counts[text], text), default=CANNOT_TELL)
        return task.write(answers)


def _lists_options(question: Question) -> bool:
    # A multiple choice has other frequent answers than the open question, and both have `choices`.
    return question.choices is not None and list_options(question.choices.values) in question.text


def revision_of(fitted: object) -> str:
    """Twelve hex digits that change with what a baseline was fitted on."""
    return hashlib.sha256(repr(fitted).encode()).hexdigest()[:12]


class FieldsModel(Backend):
    """Answers every question out of the fields that a baseline predicts; it refuses what it has no field for."""

    capabilities = Capabilities(gives_probabilities=False)

    def __init__(self, name: str, revision: str, predict: Callable[[Sequence[Request]], Sequence[Prediction]]) -> None:
        self.name = name
        self.revision = revision
        self._predict = predict

    def answer(self, requests: Sequence[Request], *, evidence: bool = False) -> list[list[Answer]]:
        predictions = self._predict(requests)
        return [
            [Answer(_answer_from(prediction, question)) for question in request.questions]
            for request, prediction in zip(requests, predictions, strict=True)
        ]


def _answer_from(prediction: Prediction, question: Question) -> str:
    def label(field: str) -> str | None:
        guess = prediction.fields.get(field)
        # A category's values are the levels of one path; those of an attribute stand side by side.
        joined = SEPARATOR if field == CATEGORY else ", "
        return joined.join(guess.value) if guess is not None and guess.value else None

    return get_task(question.task).answer_from_labels(question, label)


class NearestNeighbour:
    """Each field from the most similar fitted product that states it. Exact; similar is what has a high cosine."""

    def __init__(self, labels: Sequence[Fields], features_TF: NDArray[np.float32]) -> None:
        if len(labels) != len(features_TF):
            raise ValueError(f"{len(features_TF)} rows of features for {len(labels)} products")
        self._features_TF = _unit_rows(features_TF)
        self._labels = labels
        # By field: a neighbour that does not state the field has nothing to give.
        stated = {field: [field in known for known in labels] for field in _count_values(labels)}
        self._stated = {field: np.flatnonzero(mask) for field, mask in stated.items()}

    def predict(self, features_NF: NDArray[np.float32], batch_size: int = 256) -> list[Prediction]:
        """One for each row of features."""
        features_NF = _unit_rows(features_NF)
        predictions = []
        # In batches, since the similarities to all T fitted products are N x T numbers.
        for start in range(0, len(features_NF), batch_size):
            similarity_NT = features_NF[start : start + batch_size] @ self._features_TF.T
            nearest = {field: rows[similarity_NT[:, rows].argmax(axis=1)] for field, rows in self._stated.items()}
            for place in range(len(similarity_NT)):
                fields = {field: Guess(self._labels[rows[place]][field]) for field, rows in nearest.items()}
                predictions.append(Prediction(fields))
        return predictions


class TitleMatching:
    """The value whose words stand in the title (for a category its leaf), the longest first; else nothing."""

    def __init__(self, labels: Sequence[Fields]) -> None:
        # The longest first: of 'navy blue' and 'blue', a title with both words means the former.
        self._values = {
            field: [(_words(value[-1]), value) for value in sorted(counts, key=lambda v: (-len(v[-1]), -counts[v], v))]
            for field, counts in _count_values(labels).items()
        }

    def predict(self, titles: Iterable[str]) -> list[Prediction]:
        predictions = []
        for title in titles:
            # Spaces around both keep 'red' from matching within 'tired'.
            padded = f" {_words(title)} "
            fields = {
                field: Guess(next((value for words, value in values if words and f" {words} " in padded), None))
                for field, values in self._values.items()
            }
            predictions.append(Prediction(fields))
        return predictions


def _unit_rows(features: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    # A photo of one colour has zero features; dividing by 0 would make it NaN, which `argmax` prefers.
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


def nearest_neighbour(fit: FitData) -> FieldsModel:
    """A backend that compares the pixels of the first photo."""
    nearest = NearestNeighbour(fit.fields, fit.thumbnails())

    def predict(requests: Sequence[Request]) -> list[Prediction]:
        shown = [request.photos[0] if request.photos else None for request in requests]
        neighbours = nearest.predict(features_of(shown)) if requests else []
        pairs = zip(neighbours, shown, strict=True)
        # Without a photo every product is equally far, and the first would always win.
        return [prediction if photo is not None else Prediction() for prediction, photo in pairs]

    return FieldsModel("nearest", _revision_of_fit(fit), predict)


def title_matching(fit: FitData) -> FieldsModel:
    """A backend that compares the words of the listing."""
    matching = TitleMatching(fit.fields)

    def predict(requests: Sequence[Request]) -> list[Prediction]:
        return matching.predict(request.listing or "" for request in requests)

    return FieldsModel("title", _revision_of_fit(fit), predict)


def _revision_of_fit(fit: FitData) -> str:
    labelled = zip(fit.products, fit.fields, strict=True)
    return revision_of([(product.id, product.title, fields) for product, fields in labelled])


def stored_predictions(path: Path, data: SuiteData) -> FieldsModel:
    """What another program predicts of the suite's products, from lines {"id", "category", "<attribute>", ...}.

    Raises `CatalogError` where the file can't be read, or names none of the products.
    """
    stored = read_plain(path, data.values)
    known = [item.product for item in data.items if item.product.id in stored and item.product.images]
    if not known:
        raise CatalogError(
            f"{path}: names none of this suite's products that have a photo; its ids must be those of the suite"
        )
    # Requests carry photos and no ids, so the pixels are the key.
    by_photo = {open_photo(product.images[0]).tobytes(): stored[product.id] for product in known}

    def predict(requests: Sequence[Request]) -> list[Prediction]:
        shown = [request.photos[0].tobytes() if request.photos else b"" for request in requests]
        return [by_photo.get(pixels, Prediction()) for pixels in shown]

    return FieldsModel(f"{PREDICTIONS}{path}", hashlib.sha256(path.read_bytes()).hexdigest()[:12], predict)


PREDICTIONS = "predictions:"
"""`--model predictions:FILE`."""

BASELINES: Mapping[str, Callable[[FitData], FieldsModel]] = {"nearest": nearest_neighbour, "title": title_matching}
"""Those that need examples."""


def make_baseline(name: str, fit: FitData | None) -> FieldsModel:
    """One of `BASELINES`. Raises `UsageError` where the suite has nothing to fit it on."""
    if fit is None:
        raise UsageError(f"--model {name}: this suite names no labelled products to fit it on (its key 'fit')")
    return BASELINES[name](fit)


def is_baseline(model: str) -> bool:
    """Whether a `--model` is one of this file, and no model that sees."""
    return model == Majority.name or model in BASELINES or model.startswith(PREDICTIONS)
