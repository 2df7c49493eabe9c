"""Hold what a model said of products against the truth, field by field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pumgpt.bench.baselines.predictions import Guess, Prediction, read_understandings
from pumgpt.bench.stats import metrics, text_metrics
from pumgpt.bench.stats.calibration import brier_score, expected_calibration_error
from pumgpt.bench.stats.intervals import Measured, proportion
from pumgpt.bench.suites.truth import CATEGORY, fields_of, read_truth
from pumgpt.catalog.product import Product

Scores = dict[str, dict[str, Measured]]
"""Field -> metric -> value. 'category', each attribute, 'caption', and 'products' for the share that got an answer."""

_UNFILLED = Guess(None)


@dataclass(frozen=True, slots=True)
class Judged:
    """One field of one product: what is true, and what was said."""

    field: str
    truth: tuple[str, ...]
    guess: Guess

    @property
    def filled(self) -> bool:
        return self.guess.value is not None

    @property
    def right(self) -> bool:
        """A category needs the whole path; an attribute's values must all be true, case and spaces aside."""
        said = self.guess.value
        if said is None:
            return False
        if self.field == CATEGORY:
            return _plain(said) == _plain(self.truth)
        return set(_plain(said)) <= set(_plain(self.truth))

    @property
    def labels(self) -> tuple[str, str | None]:
        """Truth and guess as one label each, for macro-F1; alike where the guess is right."""
        truth = " > ".join(_plain(self.truth))
        said = self.guess.value
        return truth, truth if self.right else None if said is None else " > ".join(_plain(said))


def _plain(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(" ".join(value.casefold().split()) for value in values)


def evaluate(results: Path, truth: Path) -> Scores:
    """Evaluate the JSONL that `pumgpt enrich` wrote against a Parquet file of true products."""
    return evaluate_predictions(read_understandings(results), read_truth(truth))


def evaluate_predictions(predictions: Mapping[str, Prediction], products: Sequence[Product]) -> Scores:
    """All metrics of all fields that the truth states and the model was asked about.

    A product without a prediction counts as one where every field was left empty.
    """
    scores: Scores = {"products": {"answered": proportion([product.id in predictions for product in products])}}
    for field in _asked_fields(predictions):
        cases = judge_field(predictions, products, field)
        if cases:
            scores[field] = _category_scores(cases) if field == CATEGORY else _attribute_scores(cases)
    titled = [product for product in products if product.title]
    if titled and any(prediction.caption_asked for prediction in predictions.values()):
        scores["caption"] = _caption_scores(predictions, titled)
    return scores


def judge_field(predictions: Mapping[str, Prediction], products: Sequence[Product], field: str) -> list[Judged]:
    """One case for each product that states `field`."""
    nothing = Prediction()
    return [
        Judged(field, truth, predictions.get(product.id, nothing).fields.get(field, _UNFILLED))
        for product in products
        if (truth := fields_of(product).get(field))
    ]


def confidences(cases: Sequence[Judged]) -> tuple[list[float], list[bool]]:
    """Confidence and verdict of the filled fields that carry a confidence: what calibration is measured on."""
    sure = [(case.guess.confidence, case.right) for case in cases if case.filled]
    pairs = [(confidence, right) for confidence, right in sure if confidence is not None]
    return [confidence for confidence, _ in pairs], [right for _, right in pairs]


def _asked_fields(predictions: Mapping[str, Prediction]) -> list[str]:
    """The category first, then the attributes in the order in which they were first asked."""
    names = dict.fromkeys(name for prediction in predictions.values() for name in prediction.fields)
    return sorted(names, key=lambda name: name != CATEGORY)


def _category_scores(cases: Sequence[Judged]) -> dict[str, Measured]:
    truths = [_plain(case.truth) for case in cases]
    said = [None if case.guess.value is None else _plain(case.guess.value) for case in cases]
    depth = max(map(len, truths))
    levels = {f"level {level}": metrics.level_accuracy(truths, said, level) for level in range(1, depth + 1)}
    leaf = proportion([path is not None and path[-1] == truth[-1] for truth, path in zip(truths, said, strict=True)])
    whole = {"whole path": proportion([case.right for case in cases]), "leaf": leaf}
    return {**levels, **whole, "hierarchical F1": metrics.hierarchical_f1(truths, said), **_shared_scores(cases)}


def _attribute_scores(cases: Sequence[Judged]) -> dict[str, Measured]:
    return {"accuracy": proportion([case.right for case in cases]), **_shared_scores(cases)}


def _shared_scores(cases: Sequence[Judged]) -> dict[str, Measured]:
    """Macro-F1, what abstention gave and cost, and calibration where there are confidences."""
    truths, said = zip(*(case.labels for case in cases), strict=True)
    coverage, precision = metrics.coverage_and_precision([c.right for c in cases], [c.filled for c in cases])
    scores = {"macro-F1": metrics.macro_f1(truths, said), "coverage": coverage, "precision": precision}
    sure, right = confidences(cases)
    if sure:
        scores |= {"ECE": expected_calibration_error(sure, right), "Brier": brier_score(sure, right)}
    return scores


def _caption_scores(predictions: Mapping[str, Prediction], titled: Sequence[Product]) -> dict[str, Measured]:
    """Captions against titles; a withheld caption scores nothing."""
    nothing = Prediction()
    said = [predictions.get(product.id, nothing).caption for product in titled]
    references = [[product.title or ""] for product in titled]
    return {
        "CIDEr": text_metrics.cider(said, references),
        "ROUGE-L": text_metrics.rouge_l(said, references),
        "coverage": proportion([bool(text) for text in said]),
    }
