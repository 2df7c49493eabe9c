"""Score what a model filled in, field by field: with every field filled, and at the default precision."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from pumgpt.bench.asking.product_fields import FILLED, FilledFields
from pumgpt.bench.baselines.predictions import Guess, Prediction, prediction_of
from pumgpt.bench.judging.scoring import Metrics, Scores
from pumgpt.bench.stats import metrics
from pumgpt.bench.stats.calibration import calibration_scores
from pumgpt.bench.stats.intervals import bootstrap_mean, proportion
from pumgpt.bench.suites.items import Item
from pumgpt.bench.suites.suite import Suite
from pumgpt.tasks.evaluation import CATEGORY, Values, plain

UNFILLED = Guess(None)
Verdicts = tuple[Sequence[float], Sequence[bool]]
"""Confidences and whether each answer was right."""


@dataclass(frozen=True, slots=True)
class JudgedField:
    """One field of one product: what is true, and what a model predicts."""

    field: str
    truth: Values
    guess: Guess

    @property
    def filled(self) -> bool:
        return self.guess.value is not None

    @property
    def right(self) -> bool:
        """Whether the whole path of a category, or every value of an attribute, is true; case and spaces aside."""
        stated = self.guess.value
        if stated is None:
            return False
        # The order of a path's levels counts, that of an attribute's values doesn't.
        if self.field == CATEGORY:
            return plain(stated) == plain(self.truth)
        return set(plain(stated)) <= set(plain(self.truth))

    @property
    def labels(self) -> tuple[str, str | None]:
        """Truth and guess as one label each, for macro-F1."""
        truth = " > ".join(plain(self.truth))
        # A right guess may state fewer values than the label has: it counts as the same class.
        stated = self.guess.value
        return truth, truth if self.right else None if stated is None else " > ".join(plain(stated))


@dataclass(frozen=True)
class FieldScores:
    """What one model's filling scores. `scores`: condition -> precision -> field -> metric."""

    scores: Mapping[str, Mapping[str, Scores]] = field(default_factory=dict)
    verdicts: Mapping[str, Verdicts] = field(default_factory=dict)
    """Field -> confidences and verdicts with every field filled, of the first condition."""


def score_filled(filled: FilledFields, suite: Suite, items: Sequence[Item]) -> FieldScores:
    """Score all fields under all conditions, and the model's confidence in a category where there is none."""
    scores: dict[str, dict[str, Scores]] = {}
    verdicts: dict[str, Verdicts] = {}
    products = [item for item in items if item.origin == "product" and not suite.no_products]
    # A picture of no product has no right category: how sure the model is of one is scored apart.
    pictures: dict[str, list[str]] = {}
    for item in items:
        if item.origin != "product" or suite.no_products:
            kind = "photos of no product" if item.origin == "product" else f"{item.origin} pictures"
            pictures.setdefault(f"category of {kind}", []).append(item.product.id)
    for condition, records in filled.items():
        predictions = {
            name: {product: prediction_of(record, suite.values) for product, record in of_all.items()}
            for name, of_all in records.items()
        }
        scores[condition] = {
            name: score_predictions(given, products, suite.uncounted) for name, given in predictions.items()
        }
        for kind, ids in pictures.items():
            for name, given in predictions.items():
                of_kind = [given[key] for key in ids if key in given]
                if of_kind:
                    scores[condition][name][kind] = _score_pictures(of_kind)
        # The plots show one condition; with every field filled they hold the unsure answers too.
        if condition == suite.product_fields[0]:
            judged = judge_fields(predictions[FILLED], products, suite.uncounted)
            verdicts = {name: pair for name, cases in judged.items() if (pair := confidences(cases))[0]}
    return FieldScores(scores, verdicts)


def score_predictions(
    predictions: Mapping[str, Prediction], items: Sequence[Item], uncounted: Collection[str] = ()
) -> Scores:
    """All metrics of all fields but `uncounted` that the truth states and the model was asked about, by product id.

    A product without a prediction counts as one where every field was left empty.
    """
    if not items:
        return {}
    scores: Scores = {"products": {"answered": proportion([item.product.id in predictions for item in items])}}
    for name, cases in judge_fields(predictions, items, uncounted).items():
        if name == CATEGORY:
            scores[name] = _score_category(cases)
        else:
            scores[name] = {"accuracy": proportion([case.right for case in cases]), **_score_shared(cases)}
    titled = [item for item in items if item.product.title]
    if titled and any(prediction.caption_asked for prediction in predictions.values()):
        scores["caption"] = _score_captions(predictions, titled)
    return scores


def judge_fields(
    predictions: Mapping[str, Prediction], items: Sequence[Item], uncounted: Collection[str] = ()
) -> dict[str, list[JudgedField]]:
    """Field -> one for each product that states it; the category first, then the attributes as they were asked."""
    nothing = Prediction()
    # Of all predictions, since a model may leave a field out for some products: it then counts as left empty.
    names = dict.fromkeys(name for prediction in predictions.values() for name in prediction.fields)
    judged = {}
    for name in sorted(names, key=lambda name: name != CATEGORY):
        judged[name] = [
            JudgedField(name, truth, predictions.get(item.product.id, nothing).fields.get(name, UNFILLED))
            for item in items
            if (truth := item.fields.get(name)) and name not in uncounted
        ]
    return {name: cases for name, cases in judged.items() if cases}


def confidences(cases: Sequence[JudgedField]) -> Verdicts:
    """Confidences and verdicts of the filled fields: what calibration is measured on."""
    # An empty field may have a confidence too, but no answer that it could be right about.
    filled = [(case.guess.confidence, case.right) for case in cases if case.filled]
    pairs = [(confidence, right) for confidence, right in filled if confidence is not None]
    return [confidence for confidence, _ in pairs], [right for _, right in pairs]


def _score_category(cases: Sequence[JudgedField]) -> Metrics:
    truths = [plain(case.truth) for case in cases]
    stated = [None if case.guess.value is None else plain(case.guess.value) for case in cases]
    depth = max(map(len, truths))
    levels = {f"level {level}": metrics.level_accuracy(truths, stated, level) for level in range(1, depth + 1)}
    leaf = proportion([path is not None and path[-1] == truth[-1] for truth, path in zip(truths, stated, strict=True)])
    whole = {"whole path": proportion([case.right for case in cases]), "leaf": leaf}
    return {**levels, **whole, "hierarchical F1": metrics.hierarchical_f1(truths, stated), **_score_shared(cases)}


def _score_shared(cases: Sequence[JudgedField]) -> Metrics:
    """Macro-F1, what abstention gave and cost, and calibration where there are confidences."""
    truths, stated = zip(*(case.labels for case in cases), strict=True)
    coverage, precision = metrics.coverage_and_precision([c.right for c in cases], [c.filled for c in cases])
    shared = {"macro-F1": metrics.macro_f1(truths, stated), "coverage": coverage, "precision": precision}
    return shared | calibration_scores(*confidences(cases))


def _score_captions(predictions: Mapping[str, Prediction], titled: Sequence[Item]) -> Metrics:
    """Captions against titles; a withheld caption scores nothing."""
    nothing = Prediction()
    captions = [predictions.get(item.product.id, nothing).caption for item in titled]
    references = [[item.product.title or ""] for item in titled]
    return {
        "CIDEr": metrics.cider(captions, references),
        "ROUGE-L": metrics.rouge_l(captions, references),
        "coverage": proportion([bool(caption) for caption in captions]),
    }


def _score_pictures(predictions: Sequence[Prediction]) -> Metrics:
    """A model's confidence in the category of pictures that have none."""
    guesses = [prediction.fields.get(CATEGORY, UNFILLED) for prediction in predictions]
    confidence = np.array([guess.confidence for guess in guesses if guess.confidence is not None], dtype=np.float64)
    scores = {"coverage": proportion([guess.value is not None for guess in guesses])}
    if not len(confidence):
        return scores
    return scores | {
        "mean confidence": bootstrap_mean(confidence),
        "confidence above 0.5": proportion(confidence > 0.5),
        "confidence above 0.9": proportion(confidence > 0.9),
    }
