"""Does a model know what it can't know? Fields that a photo answers beside fields that it doesn't."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pumgpt.backends.protocol import Backend, Request
from pumgpt.bench.baselines.predictions import Guess, Prediction
from pumgpt.bench.stats.intervals import Measured, bootstrap_mean, proportion
from pumgpt.bench.stats.metrics import refusal_scores
from pumgpt.bench.suites.truth import CATEGORY
from pumgpt.catalog.product import Product
from pumgpt.tasks.base import AskedAttribute, TaskContext
from pumgpt.tasks.registry import get_task

ANSWERABLE = (CATEGORY, "colour", "gender")
"""What a photo of a product of `fashion` shows."""
NEVER_SHOWN = ("year",)
"""What it doesn't, although the shop knows it."""
HIDDEN = ("price", "weight", "warranty", "country of origin", "fabric composition", "washing instructions")
"""What no photo shows, whatever the product is."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One question about one product: whether it can't be answered, and whether the model declined to."""

    product: str
    kind: str
    """Where the question comes from, to report it apart."""
    unanswerable: bool
    refused: bool


def from_predictions(
    predictions: Mapping[str, Prediction], kind: str, fields: Sequence[str], unanswerable: bool
) -> list[Refusal]:
    """Which of `fields` were left empty."""
    return [
        Refusal(f"{kind} {product}", kind, unanswerable, prediction.fields[field].value is None)
        for product, prediction in predictions.items()
        for field in fields
        if field in prediction.fields
    ]


def ask_hidden(
    backend: Backend, requests: Iterable[tuple[str, Request]], names: Sequence[str] = HIDDEN, kind: str = "hidden"
) -> list[Refusal]:
    """Ask for attributes that no photo shows, as the task `attribute_qa` words it. `requests`: id and photos.

    An answer that failed is no refusal.
    """
    task = get_task("attribute_qa")
    context = TaskContext(attributes=tuple(AskedAttribute(name) for name in names))
    questions = tuple(task.questions(Product(""), context))
    named = [(product, Request(request.photos, questions, request.listing)) for product, request in requests]
    answers = backend.answer([request for _, request in named])
    return [
        Refusal(f"{kind} {product}", kind, True, task.parse(answer.text, question).status == "cannot tell")
        for (product, _), told in zip(named, answers, strict=True)
        for question, answer in zip(questions, told, strict=True)
    ]


def score_refusals(refusals: Sequence[Refusal]) -> dict[str, dict[str, Measured]]:
    """Precision, recall and over-refusal over all, and the share refused of each kind."""

    def scores(chosen: Sequence[Refusal]) -> dict[str, Measured]:
        return refusal_scores(
            [r.unanswerable for r in chosen], [r.refused for r in chosen], [r.product for r in chosen]
        )

    kinds = dict.fromkeys(refusal.kind for refusal in refusals)
    by_kind = {kind: [refusal for refusal in refusals if refusal.kind == kind] for kind in kinds}
    shares = {
        kind: {"refused": scores(chosen)["recall" if chosen[0].unanswerable else "over-refusal"]}
        for kind, chosen in by_kind.items()
    }
    return {"refusals": scores(refusals), **shares}


def foreign_scores(
    filled: Mapping[str, Prediction], default: Mapping[str, Prediction], field: str = CATEGORY
) -> dict[str, Measured]:
    """How sure a model is of a field that has no right value.

    `filled` comes from a run that fills every field, for its confidences; `default` from one that may abstain.
    """
    nothing = Guess(None)
    guesses = [prediction.fields.get(field, nothing) for prediction in filled.values()]
    sure = np.array([guess.confidence for guess in guesses if guess.confidence is not None], dtype=np.float64)
    kept = [prediction.fields.get(field, nothing).value is not None for prediction in default.values()]
    return {
        "filled by default": proportion(kept),
        "mean confidence": bootstrap_mean(sure),
        "confidence above 0.5": proportion(sure > 0.5),
        "confidence above 0.9": proportion(sure > 0.9),
    }
