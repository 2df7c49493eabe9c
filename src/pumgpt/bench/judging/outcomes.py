"""The outcome of each case: what is true, what was answered, whether that is right; and which place a model prefers.

The options of a multiple choice are shuffled, so that a preference for a place shows against where the right ones stood.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from pumgpt.backends.protocol import Answer
from pumgpt.bench.asking.answer_cache import is_failure
from pumgpt.bench.asking.cases import BenchCase
from pumgpt.bench.stats.intervals import Measured, wilson
from pumgpt.bench.suites.items import Item
from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR
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
    """The outcomes of one case, one for each field of its truth."""
    task, failed = get_task(case.task), is_failure(answer)
    # What the model wrote itself, where the backend made it fit the choices: the benchmark judges the model.
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
    """The probability of the answer, calibrated where the backend has a calibration."""
    if answer.probability is None:
        return None
    # `probability` is that among the answers, given that there is one: refusing takes its share first.
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
    by_place: dict[tuple[str, str], dict[str, list[bool]]] = {}
    for outcome in outcomes:
        # A model that refuses everything would otherwise gain by the pictures of no product.
        if outcome.answerable and outcome.case.origin == "product":
            place = by_place.setdefault((outcome.case.condition, outcome.case.slot), {})
            place.setdefault(outcome.case.product, []).append(outcome.right)
    return {
        place: {product: sum(right) / len(right) for product, right in products.items()}
        for place, products in by_place.items()
    }


@dataclass(frozen=True, slots=True)
class ChosenPlace:
    """One answered multiple choice: places from 0, `chosen` None where no option was chosen."""

    num_options: int
    right: int
    chosen: int | None


@dataclass(frozen=True, slots=True)
class Place:
    """One place of the list: how often it was chosen, how often it was right, and the accuracy where it was right."""

    place: int
    chosen: int
    right: int
    accuracy: Measured


@dataclass(frozen=True, slots=True)
class PositionBias:
    """`bias`: half the sum of |share chosen - share right| over places: 0 chooses each place as often as it is right, and
    close to 1 means always the same place. `p_value`: how often as large a bias comes by chance alone (chi squared).
    """

    places: tuple[Place, ...]
    bias: float
    p_value: float


def chosen_place(outcome: CaseOutcome) -> ChosenPlace:
    """The place that the answer to a multiple choice names."""
    options = outcome.case.question.choices.values if outcome.case.question.choices else ()
    stated = SEPARATOR.join(outcome.stated) if outcome.stated else None
    chosen = options.index(stated) if stated in options else None
    return ChosenPlace(len(options), outcome.case.position or 0, chosen)


def measure_position_bias(choices: Iterable[ChosenPlace]) -> PositionBias | None:
    """Over the multiple choices with the number of options that is the most frequent; None without an answer."""
    answered = [choice for choice in choices if choice.chosen is not None]
    if not answered:
        return None
    sizes = Counter(choice.num_options for choice in answered)
    # Multiple choices of different lengths have different places; of two lengths as frequent, the longer tells more.
    size = max(sizes, key=lambda number: (sizes[number], number))
    kept = [choice for choice in answered if choice.num_options == size]
    chosen, right = Counter(choice.chosen for choice in kept), Counter(choice.right for choice in kept)
    hits = Counter(choice.right for choice in kept if choice.chosen == choice.right)
    places = tuple(Place(i, chosen[i], right[i], wilson(hits[i], right[i])) for i in range(size))
    # The total variation distance between the two distributions.
    bias = sum(abs(place.chosen - place.right) for place in places) / (2 * len(kept))
    return PositionBias(places, bias, _p_value([p.chosen for p in places], [p.right for p in places]))


def _p_value(chosen: Sequence[int], right: Sequence[int]) -> float:
    """Chi squared of the two counts as a table; 1 where there is nothing to compare."""
    from scipy.stats import chi2_contingency

    # A place that was never chosen and never right has an expected count of 0, which the test can't divide by.
    columns = [(c, r) for c, r in zip(chosen, right, strict=True) if c + r]
    if len(columns) < 2:
        return 1.0
    # Without Yates' correction, which scipy applies to two places only: p would not compare with that of more.
    return float(chi2_contingency(list(zip(*columns, strict=True)), correction=False).pvalue)
