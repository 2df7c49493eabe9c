"""`results.json`: the results of a benchmark, checked by a schema.

Everything that depends on clock or machine stands under `run`; the rest is the same on every run.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from pumgpt.bench.asking.product_fields import sample_products
from pumgpt.bench.benchmark import BenchResult, ModelResult
from pumgpt.bench.judging.failures import KINDS, Failure, confusions, count_kinds, slices_of, worst_slices
from pumgpt.bench.judging.label_noise import Ceiling
from pumgpt.bench.judging.scoring import Scores
from pumgpt.bench.judging.unlearned_kinds import UnlearnedScores
from pumgpt.bench.stats.comparison import Comparison
from pumgpt.errors import CatalogError

FORMAT_VERSION = 1
NUM_EXAMPLES = 24


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MeasuredJson(_Strict):
    """A value with its 95 % interval; null where nothing could be measured."""

    value: float | None
    low: float | None
    high: float | None
    count: int


class SuiteJson(_Strict):
    """What identifies a run's cases: the same values give the same cases."""

    name: str
    version: int
    seed: int
    data_hash: str
    products: int
    pictures: int
    conditions: list[str]
    tasks: list[str]
    set_aside: list[str]


class ModelJson(_Strict):
    name: str
    revision: str


class ComparisonJson(_Strict):
    condition: str
    slot: str
    first: str
    second: str
    difference: MeasuredJson
    p_value: float
    p_holm: float
    told_apart: bool


class PlaceJson(_Strict):
    place: int
    chosen: int
    right: int
    accuracy: MeasuredJson


class PositionBiasJson(_Strict):
    bias: float
    p_value: float
    places: list[PlaceJson]


class SliceJson(_Strict):
    by: str
    name: str
    right: MeasuredJson


class ConfusionJson(_Strict):
    field: str
    truth: str
    said: str
    count: int


class ExampleJson(_Strict):
    case: str
    kind: str
    field: str
    truth: list[str] | None
    said: list[str] | None
    text: str
    confidence: float | None


class FailuresJson(_Strict):
    """`kinds`: how often each kind; `by`: the same by task, attribute and category."""

    total: int
    kinds: dict[str, int]
    by: dict[str, dict[str, dict[str, int]]]
    worst: list[SliceJson]
    confusions: list[ConfusionJson]
    examples: list[ExampleJson]


class CeilingJson(_Strict):
    """The best accuracy that the photo alone allows, since identical photos carry several labels: on the products that are
    asked, and among all products that share a photo.
    """

    field: str
    asked: MeasuredJson
    same_photo: MeasuredJson
    groups: int


class LabelNoiseJson(_Strict):
    same_photo_groups: int
    conflicting_groups: int
    ceilings: list[CeilingJson]


class ClaimJson(_Strict):
    """A category that was filled of a photo whose kind was never learned, to be reviewed."""

    product: str
    value: list[str]
    confidence: float | None
    right: bool
    shows: list[str]


class UnlearnedJson(_Strict):
    """`scores`: group of photos -> field -> 'filled' and 'wrong'."""

    scores: dict[str, dict[str, dict[str, MeasuredJson]]]
    claims: list[ClaimJson]


class Results(_Strict):
    """The whole document."""

    format_version: int
    suite: SuiteJson
    cases: int
    models: list[ModelJson]
    scores: dict[str, dict[str, dict[str, dict[str, MeasuredJson]]]]
    """Condition -> slot -> metric -> model."""
    comparisons: list[ComparisonJson]
    position_bias: dict[str, PositionBiasJson | None]
    failures: dict[str, FailuresJson]
    label_noise: LabelNoiseJson
    errors: dict[str, dict[str, int]]
    """Model -> reason -> cases without an answer."""
    product_fields: dict[str, dict[str, dict[str, dict[str, dict[str, MeasuredJson]]]]] = {}
    """Condition -> precision -> field -> metric -> model. Absent where the suite doesn't ask for it."""
    photo_sample: list[str] = []
    """The products whose photos were also shown altered."""
    photo_conditions: dict[str, dict[str, dict[str, dict[str, MeasuredJson]]]] = {}
    """Photo condition -> field -> metric -> model. Absent where no photo was altered."""
    unlearned_kinds: dict[str, UnlearnedJson] = {}
    """By model, of those that never learned the suite's kinds. Absent without any."""
    run: dict[str, Any]


def to_document(result: BenchResult, run: Mapping[str, Any]) -> dict[str, Any]:
    """The document as plain values. Raises pydantic's `ValidationError` where it breaks its own schema."""
    suite, data = result.suite, result.data
    products = sum(item.origin == "product" for item in data.items)
    document = {
        "format_version": FORMAT_VERSION,
        "suite": {
            "name": suite.name,
            "version": suite.version,
            "seed": suite.seed,
            "data_hash": data.data_hash,
            "products": products,
            "pictures": len(data.items) - products,
            "conditions": list(suite.conditions),
            "tasks": list(suite.tasks),
            "set_aside": list(data.set_aside),
        },
        "cases": len(result.cases),
        "models": [{"name": model.name, "revision": model.revision} for model in result.models],
        "scores": {condition: _by_slot(columns) for condition, columns in result.scores.items()},
        "comparisons": [_comparison(comparison) for comparison in result.comparisons],
        "position_bias": {model.name: _position_bias(model) for model in result.models},
        "failures": {model.name: _failures(result, model) for model in result.models},
        "label_noise": {
            "same_photo_groups": len(result.noise.groups),
            "conflicting_groups": len(result.noise.conflicts),
            "ceilings": [_ceiling(ceiling) for ceiling in result.ceilings],
        },
        "errors": {model.name: model.errors for model in result.models},
        "run": dict(run),
    }
    # Left out, not empty: documents of suites without product fields stay the same as before there were any.
    if result.field_scores:
        document["product_fields"] = {
            condition: {precision: _by_slot(models) for precision, models in by_precision.items()}
            for condition, by_precision in result.field_scores.items()
        }
    conditions = dict.fromkeys(name for model in result.models for name in model.altered)
    if conditions:
        document["photo_sample"] = [item.product.id for item in sample_products(suite, data.items)]
        document["photo_conditions"] = {
            name: _by_slot({model.name: model.altered[name] for model in result.models if name in model.altered})
            for name in conditions
        }
    unlearned = {model.name: _unlearned(model.unlearned) for model in result.models if model.unlearned is not None}
    if unlearned:
        document["unlearned_kinds"] = unlearned
    return Results.model_validate(document).model_dump(mode="json", exclude_unset=True)


def write_results(document: Mapping[str, Any], path: Path) -> None:
    """Write the document as one file."""
    # Under another name first: a run that is killed leaves the last document as it was.
    unfinished = path.with_name(path.name + ".new")
    unfinished.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    unfinished.replace(path)


def read_results(path: Path) -> Results:
    """Raises `CatalogError` naming the file and the key."""
    try:
        return Results.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CatalogError(f"{path}: is no results of `pumgpt bench`: {reason}") from error


def scores_to_json(scores: Scores) -> dict[str, Any]:
    return {field: {metric: value.to_json() for metric, value in given.items()} for field, given in scores.items()}


def _by_slot(columns: Mapping[str, Any]) -> dict[str, Any]:
    table: dict[str, dict[str, dict[str, Any]]] = {}
    for model, scores in columns.items():
        for slot, given in scores_to_json(scores).items():
            for metric, measured in given.items():
                table.setdefault(slot, {}).setdefault(metric, {})[model] = measured
    return table


def _unlearned(found: UnlearnedScores) -> dict[str, Any]:
    return {
        "scores": {group: scores_to_json(scores) for group, scores in found.scores.items()},
        "claims": [
            {
                "product": claim.product,
                "value": list(claim.value),
                "confidence": None if claim.confidence is None else round(claim.confidence, 4),
                "right": claim.right,
                "shows": list(claim.shows),
            }
            for claim in found.claims
        ],
    }


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "condition": comparison.condition,
        "slot": comparison.slot,
        "first": comparison.first,
        "second": comparison.second,
        "difference": comparison.difference.to_json(),
        "p_value": round(comparison.p_value, 6),
        "p_holm": round(comparison.p_holm, 6),
        "told_apart": comparison.told_apart,
    }


def _position_bias(model: ModelResult) -> dict[str, Any] | None:
    bias = model.position_bias()
    if bias is None:
        return None
    places = [
        {"place": p.place, "chosen": p.chosen, "right": p.right, "accuracy": p.accuracy.to_json()} for p in bias.places
    ]
    return {"bias": round(bias.bias, 6), "p_value": round(bias.p_value, 6), "places": places}


def _failures(result: BenchResult, model: ModelResult) -> dict[str, Any]:
    failures = result.failures[model.name]
    return {
        "total": len(failures),
        "kinds": count_kinds(failures),
        "by": _by_slice(result, failures),
        "worst": [
            {"by": part.by, "name": part.name, "right": part.right.to_json()}
            for part in worst_slices(model.outcomes, result.items)
        ],
        "confusions": [
            {"field": field, "truth": truth, "said": stated, "count": count}
            for field, truth, stated, count in confusions(failures)
        ],
        "examples": [_example(failure) for failure in choose_examples(failures)],
    }


def _by_slice(result: BenchResult, failures: Sequence[Failure]) -> dict[str, dict[str, dict[str, int]]]:
    # Without 'value', which has thousands of names in a large catalogue; the worst of them are under `worst`.
    by_slice: dict[str, dict[str, Counter[str]]] = {"task": {}, "attribute": {}, "category": {}}
    for failure in failures:
        for by, name in slices_of(failure.outcome, result.items[failure.outcome.case.product]):
            if by in by_slice:
                by_slice[by].setdefault(name, Counter())[failure.kind] += 1
    return {
        by: {name: {kind: counts[kind] for kind in KINDS if counts[kind]} for name, counts in sorted(parts.items())}
        for by, parts in by_slice.items()
    }


def choose_examples(failures: Sequence[Failure], most: int = NUM_EXAMPLES) -> list[Failure]:
    """Of each kind the surest mistakes, kind by kind in turns, no product twice."""
    # The surest mistakes tell the most: the model had no reason to doubt.
    ranked = sorted(failures, key=lambda failure: -(failure.outcome.confidence or 0.0))
    # Kinds take turns: otherwise the most frequent one would fill the list.
    queues = {kind: [failure for failure in ranked if failure.kind == kind] for kind in KINDS}
    chosen: list[Failure] = []
    seen: set[str] = set()
    while len(chosen) < most and any(queues.values()):
        for queue in queues.values():
            # One hard product fails in many ways and would fill the list with its own.
            while queue and queue[0].outcome.case.product in seen:
                queue.pop(0)
            if queue and len(chosen) < most:
                chosen.append(queue.pop(0))
                seen.add(chosen[-1].outcome.case.product)
    return chosen


def _example(failure: Failure) -> dict[str, Any]:
    outcome = failure.outcome
    return {
        "case": outcome.case.id,
        "kind": failure.kind,
        "field": outcome.field,
        "truth": None if outcome.truth is None else list(outcome.truth),
        "said": None if outcome.stated is None else list(outcome.stated),
        "text": outcome.text,
        "confidence": None if outcome.confidence is None else round(outcome.confidence, 4),
    }


def _ceiling(ceiling: Ceiling) -> dict[str, Any]:
    return {
        "field": ceiling.field,
        "asked": ceiling.asked.to_json(),
        "same_photo": ceiling.same_photo.to_json(),
        "groups": ceiling.groups,
    }
