"""From a backend's answer to a prediction, with whether it is sure enough to be filled in, and to the field's value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pumgpt.backends.calibration import Calibration, PrecisionOf, listed_key
from pumgpt.backends.protocol import Answer
from pumgpt.catalog.product import AttributeValue
from pumgpt.catalog.question import Question
from pumgpt.catalog.understanding import Status
from pumgpt.tasks.answers import AnswerValue, Parsed, Verdict, normalise
from pumgpt.tasks.registry import get_task

LEAST_CONFIDENCE = 0.5
"""What is more likely wrong than right is not filled in, even where the field as a whole reaches the asked precision."""


class Candidate(NamedTuple):
    """One of the values that the model ranked, with its share among all choices."""

    value: AnswerValue
    share: float


@dataclass(frozen=True, slots=True)
class FieldPrediction:
    """What the model predicts for one field.

    `value` is its best value, also where it isn't sure of it; None where there is none. `confidence` is
    calibrated, None where the backend gives no probabilities. `sure`: whether the value may be filled in. `precision`:
    the share of the fields of this kind that were right on validation where they were filled as surely as asked; None
    where that was not measured.
    """

    value: AnswerValue | None
    confidence: float | None
    sure: bool
    others: tuple[Candidate, ...] = ()
    """The values after the best, most probable first, with confidences."""
    verdict: Verdict | None = None
    precision: float | None = None


NO_PREDICTION = FieldPrediction(None, None, sure=False)


class Judge:
    """Turns answers into predictions at one asked precision.

    The raw score of a closed field is the share of the best choice among all choices and *cannot be inferred*; of open
    text its probability. Calibrations hold for kinds of products that the model has learnt, so that a confidence is multiplied
    by how likely this is one of them. Where *cannot be inferred* is the largest share the model abstains, except at precision
    0, which fills every field. A backend without probabilities can't be held to a precision: its answers count as sure.
    """

    def __init__(
        self, calibration: Calibration, precision: float, listed: bool = False, precision_of: PrecisionOf = "all"
    ) -> None:
        """`listed`: whether the model read the product's title or description."""
        self.calibration = calibration
        self.precision, self.precision_of = precision, precision_of
        self.listed = listed

    def judge(self, key: str, question: Question, answer: Answer) -> FieldPrediction:
        """`key` names the field in the calibration."""
        if answer.error is not None:
            return NO_PREDICTION
        key = listed_key(key) if self.listed else key
        if question.choices is not None and answer.ranked:
            return self._closed(key, question, answer)
        return self._open(key, question, answer)

    def _closed(self, key: str, question: Question, answer: Answer) -> FieldPrediction:
        task = get_task(question.task)
        parsed = [(task.parse(text, question), share) for text, share in answer.ranked]
        best, share = parsed[0]
        if best.status != "value":
            return NO_PREDICTION
        confidence = self.calibration.confidence(key, share) * answer.known
        # Alternatives keep their ratio to the best choice, whose confidence is calibrated.
        scale = confidence / share if share > 0 else 0.0
        others = tuple(Candidate(p.value, round(s * scale, 4)) for p, s in parsed[1:] if p.value is not None)
        refused = answer.cannot_tell > share
        return self._prediction(key, best, confidence, refused, others)

    def _open(self, key: str, question: Question, answer: Answer) -> FieldPrediction:
        parsed = get_task(question.task).parse(answer.text, question)
        if parsed.status != "value":
            return NO_PREDICTION
        raw = None if answer.probability is None else answer.probability * (1 - answer.cannot_tell)
        confidence = None if raw is None else self.calibration.confidence(key, raw) * answer.known
        return self._prediction(key, parsed, confidence, refused=False)

    def _prediction(
        self, key: str, parsed: Parsed, confidence: float | None, refused: bool, others: tuple[Candidate, ...] = ()
    ) -> FieldPrediction:
        threshold = self.calibration.threshold(key, self.precision, self.precision_of)
        # Where a whole field is easy its threshold can fall below one half.
        least = max(threshold, LEAST_CONFIDENCE) if self.precision > 0 else 0.0
        sure = self.precision == 0 or (not refused and (confidence is None or confidence >= least))
        rounded = None if confidence is None else round(confidence, 4)
        measured = None if confidence is None else self.calibration.precision_from(key, least)
        precision = None if measured is None else round(measured, 4)
        return FieldPrediction(parsed.value, rounded, sure, others, parsed.verdict, precision)


class FieldDecision(NamedTuple):
    """Which value a field ends up with: the shop's own or the model's."""

    status: Status
    value: AnswerValue | AttributeValue | None
    confidence: float | None
    suggestion: AnswerValue | None = None
    precision: float | None = None
    """Of a filled field: `FieldPrediction.precision`."""


def reconcile(
    own: AttributeValue | tuple[str, ...] | None, prediction: FieldPrediction, overwrite: bool
) -> FieldDecision:
    """Decide between the shop's own value and the model's.

    The confidence of `filled`, `conflict` and `abstained` is that of the model's value; of `kept` that of the shop's,
    None where the model did not rank it.
    """
    if own is None or (overwrite and prediction.sure and prediction.value is not None):
        if prediction.sure and prediction.value is not None:
            return FieldDecision("filled", prediction.value, prediction.confidence, precision=prediction.precision)
        return FieldDecision("abstained", None, prediction.confidence)
    if prediction.value is None or _agree(own, prediction.value):
        return FieldDecision("kept", own, prediction.confidence)
    if prediction.sure:
        return FieldDecision("conflict", own, prediction.confidence, prediction.value)
    share = next((other.share for other in prediction.others if _agree(own, other.value)), None)
    return FieldDecision("kept", own, share)


def _agree(own: AttributeValue | tuple[str, ...], predicted: AnswerValue) -> bool:
    """A path agrees with what lies above and below it, one of several values with all of them."""
    if isinstance(own, tuple) and isinstance(predicted, tuple):
        return all(normalise(a) == normalise(b) for a, b in zip(own, predicted, strict=False))
    values = [own] if isinstance(own, str) else own
    return normalise(str(predicted)) in {normalise(value) for value in values}
