"""What came of each case: what is true, what was said, and whether that is right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from pumgpt.backends.protocol import Answer
from pumgpt.bench.asking.case import Case, Values
from pumgpt.bench.judging.answers import Reading, Status, is_refusal, read_answer
from pumgpt.bench.judging.facts import caption_is_true
from pumgpt.bench.suites.items import Item
from pumgpt.bench.suites.truth import CATEGORY
from pumgpt.tasks.base import normalise


class Calibrate(Protocol):
    """Turns a model's raw score into a confidence: by field ('category', 'attribute:colour', ...), and by whether the model
    read the product's listing.
    """

    def __call__(self, field: str, raw: float, listed: bool) -> float: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """One field of one case. A record of attributes has one for each name that was asked."""

    case: Case
    field: str
    truth: Values | None
    """None: it cannot be told."""
    said: Values | None
    status: Status
    strict: bool
    right: bool
    confidence: float | None
    text: str
    """The whole answer, or why there is none."""

    @property
    def right_strictly(self) -> bool:
        return self.right and self.strict

    @property
    def answerable(self) -> bool:
        return self.truth is not None


def judge(
    case: Case, answer: Answer, item: Item, listing: str | None = None, calibrate: Calibrate | None = None
) -> Iterator[Outcome]:
    """The outcomes of one case."""
    reading = read_answer(case, answer, listing)
    confidence = _confidence(case, answer, listing, calibrate) if reading.status == "value" else None
    for field, truth in case.truth.fields.items():
        said, status = _said(case, reading, field)
        right = _is_right(case, item, reading, truth, said, status)
        text = answer.error or answer.text
        yield Outcome(case, field, truth, said, status, reading.strict, right, confidence, text)


def _said(case: Case, reading: Reading, field: str) -> tuple[Values | None, Status]:
    value = reading.parsed.value
    if reading.status != "value":
        return None, reading.status
    if isinstance(value, Mapping):
        if field not in value:
            return None, "left out"
        stated = value[field]
        return (None, "cannot tell") if stated is None or is_refusal(stated) else ((stated,), "value")
    if case.task == "attribute_correction":
        told = [word for word in (reading.parsed.verdict, value) if isinstance(word, str)]
        return tuple(told), "value"
    return ((value,) if isinstance(value, str) else value or ()), "value"


def _is_right(
    case: Case, item: Item, reading: Reading, truth: Values | None, said: Values | None, status: Status
) -> bool:
    if truth is None:
        return status in ("cannot tell", "left out")
    if said is None:
        return False
    if case.task == CATEGORY:
        return plain(said) == plain(truth)
    if case.task == "caption":
        return caption_is_true(said[0], item.product)
    if case.task == "attribute_correction":
        return _is_right_verdict(case, said, truth)
    return values_are_true(said, truth)


def _is_right_verdict(case: Case, said: Values, truth: Values) -> bool:
    """The verdict, and for a wrong value also what is right."""
    if case.truth.verdict == "right":
        return said == ("right",)
    return said[0] == "wrong" and values_are_true(said[1:], truth)


def values_are_true(said: Values, truth: Values) -> bool:
    """Whether all values said are among the true ones, case, spaces and punctuation around aside.

    Several values may be written as one, with commas between them.
    """
    true = set(plain(truth))
    for value in plain(said):
        parts = {normalise(part) for part in value.split(",")}
        if value not in true and not parts <= true:
            return False
    return bool(said)


def plain(values: Iterable[str]) -> Values:
    return tuple(normalise(value) for value in values)


def _confidence(case: Case, answer: Answer, listing: str | None, calibrate: Calibrate | None) -> float | None:
    """The share of what was said among everything that could have been, calibrated where the backend brings that."""
    if answer.probability is None:
        return None
    raw = answer.probability * (1 - answer.cannot_tell)
    if calibrate is None or case.form != "plain":
        return raw
    field = case.question.field
    key = f"attribute:{field}" if case.task == "attribute_qa" else case.task
    return calibrate(key, raw, listing is not None and case.sees_listing)
