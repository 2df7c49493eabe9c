"""How answers bear an altered photo and a kind that was never learned, as rows of tables: for the page and for Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from pumgpt.bench.benchmark import ModelResult
from pumgpt.bench.judging.photo_robustness import CHANGE, SURE
from pumgpt.bench.judging.scoring import Metrics
from pumgpt.bench.judging.unlearned_kinds import Claim
from pumgpt.bench.stats.intervals import Measured
from pumgpt.bench.suites.photo_conditions import PLAIN

ALTERED_TITLE = "The same photo, otherwise"
ALTERED_NOTE = (
    "The same products, from the photo alone, with their photos altered: what is in them stays the same. In brackets the "
    "difference from the plain photo with its 95 % interval, paired over products. Right: with every field filled. Filled, and "
    "right of filled: at the default precision."
)
ALTERED_COLUMNS = {
    "right": "accuracy",
    "filled": "filled",
    "right of filled": "right of filled",
    "same answer": "same answer",
    f"above {SURE:g}": f"above {SURE:g}",
}
"""Heading -> metric."""
UNLEARNED_TITLE = "Kinds that it never learned"
UNLEARNED_NOTE = (
    "Photos of things that the model's training data doesn't name, filled at the default precision. A category is right if its "
    "words name what is shown; an attribute is wrong where it can't be true. The rules are in bench/judging/unlearned_kinds.py."
)
NUM_CLAIMS = 24
"""Categories that the page shows with their photos; report.md lists all."""


@dataclass(frozen=True, slots=True)
class AlteredField:
    """One field of one model: a row for each condition, the plain photo first."""

    model: str
    field: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    """Condition, and a cell for each of `heads`."""


def altered_fields(model: ModelResult) -> Iterator[AlteredField]:
    fields = dict.fromkeys(name for scores in model.altered.values() for name in scores)
    for name in fields:
        by_condition = {condition: scores[name] for condition, scores in model.altered.items() if name in scores}
        # A set without labels of a field has no share right, and a backend without probabilities none above 0.9.
        heads = {
            head: metric
            for head, metric in ALTERED_COLUMNS.items()
            if any(metric in metrics for metrics in by_condition.values())
        }
        rows = tuple(
            (condition, tuple(_cell(metrics, metric, condition == PLAIN) for metric in heads.values()))
            for condition, metrics in by_condition.items()
        )
        yield AlteredField(model.name, name, tuple(heads), rows)


def unlearned_rows(model: ModelResult) -> list[tuple[str, str, str, str]]:
    """Group of photos, field, share filled, share wrong."""
    groups = model.unlearned.scores if model.unlearned is not None else {}
    return [
        (group, name, str(metrics["filled"]), str(metrics["wrong"]))
        for group, scores in groups.items()
        for name, metrics in scores.items()
    ]


def claim_row(claim: Claim) -> tuple[str, str, str, str, str]:
    """Product, category, confidence, verdict, and what the photo is said to show."""
    sure = "" if claim.confidence is None else f"{claim.confidence:.2f}"
    return (
        claim.product,
        " > ".join(claim.value),
        sure,
        "right" if claim.right else "wrong",
        " / ".join(claim.shows),
    )


def _cell(metrics: Metrics, metric: str, is_plain: bool) -> str:
    if metric not in metrics:
        return ""
    value = _percent(metrics[metric])
    change = metrics.get(f"{metric}{CHANGE}")
    if is_plain or change is None or math.isnan(change.value):
        return value
    return f"{value} ({_points(change)})"


def _percent(measured: Measured) -> str:
    return "n/a" if math.isnan(measured.value) else f"{100 * measured.value:.1f} %"


def _points(change: Measured) -> str:
    # Without the minus sign of -0.0, which a difference of nothing may have.
    value, low, high = (round(100 * number, 1) + 0.0 for number in (change.value, change.low, change.high))
    return f"{value:+.1f}, {low:+.1f} to {high:+.1f}"
