"""From a backend's raw score to a confidence that means something, and from an asked precision to a threshold.

A checkpoint's `calibration.json` holds one `FieldCalibration` per field, fitted on validation products. Of the fields
at confidence 0.9, nine in ten shall be right; the precision curve says from which confidence on a field is filled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from pumgpt.errors import ModelError

DEFAULT = "default"
PrecisionOf = Literal["all", "each"]
"""What an asked precision is asked of: `all` filled fields of a kind together, or `each` filled value by itself."""
LEVEL = 0.85
"""The level of each lower bound. As a threshold is searched among many, the asked precision is kept in four of five
shops; `tests/backends/test_calibration_map.py` counts it."""
NEVER_FILLED = [(0.0, 0.0)]
"""The `proven` of a field with too few answers to prove anything: it is filled at a precision of 0 alone."""
_LISTED = " | listing"
_BY_CLASS = " | imagenet"


def attribute_key(name: str) -> str:
    """The name under which an attribute is calibrated."""
    return f"attribute:{name}"


def listed_key(key: str) -> str:
    """The name under which a field is calibrated for products whose title or description the model read.

    A title names what a photo leaves open, so that one score means more with it than without.
    """
    return f"{key}{_LISTED}"


def by_class_key(key: str) -> str:
    """The name under which answers of a field are calibrated that rest on the classes of ImageNet."""
    return f"{key}{_BY_CLASS}"


class FieldCalibration(BaseModel):
    """One field: how raw scores map to confidences, and what precision each threshold gave on validation."""

    model_config = ConfigDict(extra="forbid")

    confidence: list[tuple[float, float]] = []
    """Corners (raw, confidence) of a rising piecewise-linear map, flat outside of them. Empty: confidence = raw."""
    precision: list[tuple[float, float, float]] = []
    """(threshold, precision, coverage): of the fields at or above the threshold that share was right, and that share
    of all fields was that sure."""
    proven: list[tuple[float, float]] = []
    """(threshold, lower bound of the precision): where the answers are few, these decide in place of `precision`, whose
    shares are then right by luck."""
    count: int = 0
    """Validation answers that this was fitted on."""

    @field_validator("confidence")
    @classmethod
    def _rising(cls, corners: list[tuple[float, float]]) -> list[tuple[float, float]]:
        for before, after in pairwise(corners):
            if after[0] < before[0] or after[1] < before[1]:
                raise ValueError(f"the corners fall from {list(before)} to {list(after)}; they must rise")
        return corners

    def map(self, raw: float) -> float:
        """The confidence of a raw score."""
        if not self.confidence:
            return min(max(raw, 0.0), 1.0)
        # np.interp is flat outside of the corners, as the map is meant to be.
        raws, confidences = zip(*self.confidence, strict=True)
        return float(np.interp(raw, raws, confidences))

    def threshold(self, precision: float, of: PrecisionOf = "all") -> float:
        """The confidence from which on a field is filled.

        Of `all`: the smallest from which on a share `precision` of the filled fields was right, or is proven to be where
        there are lower bounds; infinity where none reached it. Of `each`, and without a curve: `precision` itself, since
        a confidence is a probability; but never less than what few answers prove.
        """
        if precision <= 0:
            return 0.0
        steps: Sequence[tuple[float, ...]] = self.proven or self.precision
        if not steps or (of == "each" and not self.proven):
            return precision
        reached = min((step[0] for step in steps if step[1] >= precision), default=math.inf)
        return max(reached, precision) if of == "each" else reached

    def precision_from(self, least: float) -> float | None:
        """The share of right fields among those with at least this confidence, or its lower bound where the answers are few;
        None where there were none.

        By the rule of succession: of forty answers that were all right, the share is 41 of 42, not 1.
        """
        if self.proven:
            bound = next((bound for threshold, bound in self.proven if threshold >= least), 0.0)
            return bound or None
        for threshold, right, coverage in self.precision:
            if threshold >= least:
                count = coverage * self.count
                return (right * count + 1) / (count + 2)
        return None


class Calibration(BaseModel):
    """All fields of one checkpoint: 'category', 'attribute:<name>', 'caption', 'question', and 'default' for the rest.

    Each holds for photos alone; '<field> | listing' where the model read the listing too.
    """

    model_config = ConfigDict(extra="forbid")

    fields: dict[str, FieldCalibration] = {}
    class_temperature: float = Field(default=1.0, gt=0)
    """Divides the logits of ImageNet's classes, so that their probabilities mean what they say of products."""

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read `calibration.json`. Raises `ModelError` naming the file and the field."""
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(f"{path}: can't be read: {error}") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the document"
            raise ModelError(f"{path}: {where}: {first['msg']}; fit the calibration again") from error

    def save(self, path: Path) -> None:
        path.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")

    def of(self, field: str) -> FieldCalibration:
        """The calibration of a field, else its calibration for photos alone, else the default one, else the one that
        changes nothing.
        """
        # Probabilities of the classes are meant as they are; what other fields of the model are worth says nothing of them.
        names = (field, field.removesuffix(_LISTED), *(() if _BY_CLASS in field else (DEFAULT,)))
        return next((self.fields[name] for name in names if name in self.fields), FieldCalibration())

    def is_measured(self, field: str) -> bool:
        """Whether the field has a calibration of its own."""
        return not {field, listed_key(field), field.removesuffix(_LISTED)}.isdisjoint(self.fields)

    def confidence(self, field: str, raw: float) -> float:
        return self.of(field).map(raw)

    def threshold(self, field: str, precision: float, of: PrecisionOf = "all") -> float:
        return self.of(field).threshold(precision, of)

    def precision_from(self, field: str, least: float) -> float | None:
        """How often such a field is right if it is filled from this confidence on; None where that was not measured.

        The default calibration is of other fields, so it tells nothing here.
        """
        names = (field, field.removesuffix(_LISTED))
        measured = next((self.fields[name] for name in names if name in self.fields), None)
        return None if measured is None else measured.precision_from(least)


def lower_bound(num_right: ArrayLike, count: ArrayLike, level: float = LEVEL) -> NDArray[np.float64]:
    """The share of right answers that `num_right` of `count` prove, one-sided (Clopper and Pearson 1934).

    At a level of 0.85 it takes 19 answers that are all right to prove 0.9. Needs SciPy, as fitting does.
    """
    from scipy.stats import beta

    right, wrong = np.asarray(num_right, dtype=float), np.asarray(count, dtype=float) - num_right
    # Without a right answer the distribution is not defined, and nothing is proven.
    bound: NDArray[np.float64] = np.where(right > 0, beta.ppf(1 - level, np.maximum(right, 1), wrong + 1), 0.0)
    return bound


def prove_precision(confidences: ArrayLike, right: ArrayLike) -> list[tuple[float, float]]:
    """(threshold, lower bound of the precision) for each confidence, from the lowest on; for `FieldCalibration.proven`.

    The lowest threshold that reaches a precision is then searched among all of them. That spends little of the level, as
    neighbouring thresholds share nearly all answers.
    """
    scores, hits = np.asarray(confidences, dtype=float), np.asarray(right, dtype=float)
    order = np.argsort(scores)
    thresholds, first = np.unique(scores[order], return_index=True)
    count = len(scores) - first
    if not len(scores):
        return []
    bounds = lower_bound(hits[order][::-1].cumsum()[::-1][first], count)
    # Rounded down: six digits must not promise more than the bound.
    return [(float(place), math.floor(bound * 1e6) / 1e6) for place, bound in zip(thresholds, bounds, strict=True)]


def fit_calibration(raw: Sequence[float], right: Sequence[bool]) -> FieldCalibration:
    """Fit one field on validation answers: isotonic regression (pool adjacent violators), then the precision curve.

    One imagined miss above the highest score and one imagined hit below the lowest keep the confidence of few answers
    off 1 and 0, as the rule of succession does. They enter the map, not the curve. Needs scikit-learn, which only
    those who fit need, so it is imported here.
    """
    if len(raw) != len(right):
        raise ValueError(f"{len(raw)} scores and {len(right)} verdicts: give one verdict for each score")
    if not raw:
        return FieldCalibration()
    from sklearn.isotonic import IsotonicRegression

    isotonic = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
    # The imagined answers lie just outside of the observed scores, so that no true one is moved.
    isotonic.fit([min(raw) - 1e-6, *raw, max(raw) + 1e-6], [1.0, *map(float, right), 0.0])
    corners = zip(isotonic.X_thresholds_, isotonic.y_thresholds_, strict=True)
    fitted = FieldCalibration(confidence=[(round(float(x), 6), round(float(y), 6)) for x, y in corners], count=len(raw))
    confidences = np.array([fitted.map(score) for score in raw])
    return fitted.model_copy(update={"precision": _precision_curve(confidences, np.array(right, dtype=bool))})


def _precision_curve(confidences: np.ndarray, right: np.ndarray) -> list[tuple[float, float, float]]:
    curve = []
    for threshold in np.unique(confidences):
        sure = confidences >= threshold
        curve.append((float(threshold), round(float(right[sure].mean()), 6), round(float(sure.mean()), 6)))
    return curve
