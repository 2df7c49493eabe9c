"""What came of each case: what is true, what was answered, and whether that is right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from pumgpt.backends.protocol import Answer
from pumgpt.bench.asking.answer_cache import is_failure
from pumgpt.bench.asking.cases import BenchCase
from pumgpt.bench.suites.items import Item
from pumgpt.tasks.answers import INVALID
from pumgpt.tasks.base import Task
from pumgpt.tasks.evaluation import AnswerStatus, Values
from pumgpt.tasks.registry import get_task


class Calibrate(Protocol):
    """Turns a model's raw score into a confidence: by field ('category', 'attribute:colour', ...), and by whether the model
    saw the product's listing.
    """

    def __call__(self, field: str, raw: float, listed: bool) -> float: ...


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """One field of one case. A record of attributes has one for each name that was asked."""

    case: BenchCase
    field: str
    truth: Values | None
    """None: it cannot be inferred."""
    stated: Values | None
    status: AnswerStatus
    strict: bool
    right: bool
    confidence: float | None
    text: str
    """The whole answer, or why there is none."""
    judged: bool = True
    """False where no rule can call the answer wrong."""

    @property
    def task(self) -> Task:
        return get_task(self.case.task)

    @property
    def right_strictly(self) -> bool:
        return self.right and self.strict

    @property
    def answerable(self) -> bool:
        return self.truth is not None


def judge(
    case: BenchCase, answer: Answer, item: Item, listing: str | None = None, calibrate: Calibrate | None = None
) -> Iterator[CaseOutcome]:
    """The outcomes of one case."""
    task, failed = get_task(case.task), is_failure(answer)
    written = answer.text if answer.written is None else answer.written
    parsed = INVALID if failed else task.parse_reply(written, case.question, listing)
    confidence = _confidence(case, answer, listing, calibrate) if parsed.status == "value" else None
    for grade in task.grade(parsed, case.truth, item.product):
        yield CaseOutcome(
            case=case,
            field=grade.field,
            truth=case.truth.fields[grade.field],
            stated=grade.values,
            status="error" if failed else grade.status,
            strict=parsed.strict,
            right=grade.right,
            confidence=confidence,
            text=answer.error or answer.text,
            judged=grade.judged,
        )


def _confidence(case: BenchCase, answer: Answer, listing: str | None, calibrate: Calibrate | None) -> float | None:
    """The share of the answer among everything that could have been, calibrated where the backend brings that."""
    if answer.probability is None:
        return None
    raw = answer.probability * (1 - answer.cannot_tell)
    # Calibrations are fitted on questions as enrichment asks them.
    if calibrate is None or case.form != "plain":
        return raw
    key = get_task(case.task).calibration_key(case.question)
    return calibrate(key, raw, listing is not None and case.sees_listing)


def under(outcomes: Iterable[CaseOutcome], condition: str) -> list[CaseOutcome]:
    return [outcome for outcome in outcomes if outcome.case.condition == condition]


def right_shares(outcomes: Sequence[CaseOutcome]) -> dict[tuple[str, str], dict[str, float]]:
    """Condition and slot -> product -> share of its answerable questions that were answered rightly."""
    found: dict[tuple[str, str], dict[str, list[bool]]] = {}
    for outcome in outcomes:
        if outcome.answerable and outcome.case.origin == "product":
            place = found.setdefault((outcome.case.condition, outcome.case.slot), {})
            place.setdefault(outcome.case.product, []).append(outcome.right)
    return {
        place: {product: sum(right) / len(right) for product, right in products.items()}
        for place, products in found.items()
    }
