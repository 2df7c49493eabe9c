"""What a listing states about an attribute, beside what the model says of it: one prediction of both, with its source.

A model that sees photos has mostly read the title too, so that the two are no independent witnesses. What their agreement and
their disagreement are worth is measured (`scripts/fit_extraction.py`, `scripts/fit_agreement.py`): `text_calibration.json` has
a field for each kind of statement, and those below.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from pumgpt.backends.calibration import Calibration
from pumgpt.catalog.understanding import Source
from pumgpt.catalog.vocabulary.schema import AttributeSpec
from pumgpt.catalog.vocabulary.values import same_value
from pumgpt.extraction.extractor import Listing, Quote, StatedValue, ValueExtractor
from pumgpt.tasks.answers import AnswerValue
from pumgpt.understand.judge import LEAST_CONFIDENCE, FieldPrediction
from pumgpt.understand.listing_check import is_compatible

CALIBRATION = Path(__file__).with_name("text_calibration.json")
AGREEMENT, TEXT_AGAINST_MODEL, MODEL_AGAINST_TEXT = "agreement", "text against model", "model against text"
_MOST_SURE = 0.999


@dataclass(frozen=True)
class Reading:
    """A prediction, what it rests on, the words that state it, and what a person should know of it."""

    prediction: FieldPrediction
    source: Source | None
    quote: Quote | None = None
    remark: str | None = None


@cache
def extractor() -> ValueExtractor:
    """The one that ships with the package."""
    return ValueExtractor()


@cache
def text_calibration() -> Calibration:
    """The one that ships with the package."""
    return Calibration.load(CALIBRATION)


def calibration_key(stated: StatedValue, calibration: Calibration) -> str:
    """Common values by their attribute, where that was measured: "men" is surer than "cotton"."""
    name = f"{stated.kind}: {stated.common_name}"
    return name if name in calibration.fields else stated.kind


class StatementReader:
    """Reads one product's listing, at one asked precision."""

    def __init__(self, listing: Listing, precision: float) -> None:
        self.listing = listing
        self.precision = precision
        self.calibration = text_calibration()

    def read(self, spec: AttributeSpec) -> Reading | None:
        """What the listing alone says; None where it states no value."""
        stated = extractor().extract(spec, self.listing) if self.listing.parts else None
        if stated is None:
            return None
        key = calibration_key(stated, self.calibration)
        prediction = self._prediction(key, stated.quote.value, self.calibration.confidence(key, stated.score))
        return Reading(prediction, "text", stated.quote, _contradiction(spec.name, stated))

    def combine(self, spec: AttributeSpec, model: Reading, is_measured: bool, has_refused: bool = False) -> Reading:
        """What model and listing say together.

        `is_measured`: whether the model's confidence in this attribute was. Where it wasn't, the listing decides.
        `has_refused`: whether the model says that it can't tell.
        """
        text = self.read(spec)
        if text is None:
            return model
        if text.remark is not None and self.precision > 0:  # title and description contradict each other
            return replace(model, prediction=replace(model.prediction, sure=False), source=None, remark=text.remark)
        seen, stated = model.prediction, text.prediction
        if seen.value is None or stated.value is None or has_refused:
            return text if stated.sure else model
        if same_value(str(seen.value), str(stated.value), spec):
            return self._agreed(model, text, is_measured)
        return self._disputed(spec.name, model, text, is_measured)

    def hold_against(self, name: str, reading: Reading, alone: FieldPrediction) -> Reading:
        """The reading of a listing that tells of another product than the photos: not sure where these show another value."""
        told, seen = reading.prediction.value, alone.value
        if told is None or seen is None or is_compatible(str(told), str(seen)):
            return reading
        says = f"with the text it would be {told}"
        if reading.quote is not None:
            says = f"the {reading.quote.part} says '{reading.quote.words}'"
        sure = reading.prediction.sure and self.precision == 0
        remark = reading.remark or f"{name}: the photo says {seen}, {says}"
        return replace(reading, prediction=replace(reading.prediction, sure=sure), remark=remark)

    def _agreed(self, model: Reading, text: Reading, is_measured: bool) -> Reading:
        seen, stated = model.prediction, text.prediction
        if not is_measured or seen.confidence is None or stated.confidence is None:
            return replace(text, prediction=replace(stated, value=seen.value), source="photo and text")
        raw = agreement_score(seen.confidence, stated.confidence)
        confidence = self.calibration.confidence(AGREEMENT, raw)
        # Each alone was measured over products where the other says something else, too.
        together = self._prediction(AGREEMENT, seen.value, max(confidence, seen.confidence, stated.confidence))
        precision = together.precision if together.sure else seen.precision
        both = replace(together, sure=together.sure or seen.sure, others=seen.others, precision=precision)
        return Reading(both, "photo and text", text.quote)

    def _disputed(self, name: str, model: Reading, text: Reading, is_measured: bool) -> Reading:
        """The surer of the two where it is sure enough in spite of the other, else neither."""
        seen, stated = model.prediction, text.prediction
        assert text.quote is not None
        loud = (stated.confidence or 0) >= LEAST_CONFIDENCE <= (1.0 if seen.confidence is None else seen.confidence)
        remark = None
        if loud and not is_compatible(str(seen.value), text.quote.value):
            remark = f"{name}: the photo says {seen.value}, the {text.quote.part} says '{text.quote.words}'"
        if not is_measured or seen.confidence is None or stated.confidence is None:
            # Nothing says which of the two is surer; the words are what a person can check.
            if not loud or self.precision == 0:
                return replace(text, remark=remark)
            return replace(model, prediction=replace(stated, sure=False), remark=remark)
        raw = dispute_score(seen.confidence, stated.confidence)
        for_text = self.calibration.confidence(TEXT_AGAINST_MODEL, raw)
        for_model = self.calibration.confidence(MODEL_AGAINST_TEXT, 1 - raw)
        if for_text > for_model:
            return Reading(self._prediction(TEXT_AGAINST_MODEL, text.quote.value, for_text), "text", text.quote, remark)
        kept = self._prediction(MODEL_AGAINST_TEXT, seen.value, for_model)
        return replace(model, prediction=replace(kept, others=seen.others), remark=remark)

    def _prediction(self, key: str, value: AnswerValue | None, confidence: float) -> FieldPrediction:
        # Each value is held to the precision by itself, also where all are asked together: a catalogue has other shares of
        # sure and unsure statements than the titles of the fit, so that a threshold for all of those would not hold.
        least = max(self.precision, LEAST_CONFIDENCE) if self.precision > 0 else 0.0
        measured = self.calibration.precision_from(key, least)
        precision = None if measured is None else round(measured, 4)
        return FieldPrediction(value, round(confidence, 4), confidence >= least, precision=precision)


def agreement_score(model: float, text: float) -> float:
    """Of two that say the same, as if they were independent; the calibration takes back what they share."""
    return _logistic(_logit(model) + _logit(text))


def dispute_score(model: float, text: float) -> float:
    """How much surer the text is than the model, where they say different things; 0.5 where both are equally sure."""
    return _logistic(_logit(text) - _logit(model))


def _contradiction(name: str, stated: StatedValue) -> str | None:
    """Title and description name different values."""
    quote = stated.quote
    other = next(
        (one for one in stated.rivals if one.part != quote.part and not is_compatible(one.value, quote.value)), None
    )
    if other is None:
        return None
    return f"{name}: the {quote.part} says '{quote.words}', the {other.part} says '{other.words}'"


def _logit(probability: float) -> float:
    bounded = min(max(probability, 1 - _MOST_SURE), _MOST_SURE)
    return math.log(bounded / (1 - bounded))


def _logistic(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))
