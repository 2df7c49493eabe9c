"""How surely a span of a listing states a value of an attribute: logistic regression over a few plain features.

The weights are in `extraction_score.json`; `scripts/fit_extraction.py` fits them on titles that the span classifier has not seen.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from pumgpt.errors import ModelError
from pumgpt.extraction.span_classifier import SpanOwner

SHIPPED = Path(__file__).with_name("extraction_score.json")
_MAX_LOGIT = 8.0

FEATURES = (
    "common word", "common: own over other", "common: num words", "common: description", "own", "own over other",
    "other over own", "other where unknown", "known", "listed", "listed and unknown", "named", "measure", "num words",
    "description",
)  # fmt: skip


def candidate_features(
    owner: SpanOwner,
    *,
    num_words: int,
    is_listed: bool,
    is_common: bool,
    is_named: bool,
    is_measure: bool,
    is_described: bool,
) -> tuple[float, ...]:
    """The features, in the order of `FEATURES`, of one span as a value of one attribute.

    How closely the span follows the listed value is none of them: shops list "Mesh" and write "mesh".
    """
    # An attribute that the classifier hardly knows has log-odds of little meaning, so they count by `known`.
    margin = _clipped(owner.own - owner.other) * owner.known
    own_over_other, other_over_own = max(margin, 0.0), max(-margin, 0.0)
    length = min(num_words, 6) / 6
    # "cotton" says by itself what it is. The classifier, which knows few materials and English alone, speaks against none.
    common = (1.0, own_over_other, length, float(is_described))
    other = (
        _clipped(owner.own) * owner.known,
        own_over_other,
        other_over_own,
        _clipped(owner.other) * (1 - owner.known),
        owner.known,
        float(is_listed),
        float(is_listed) * (1 - owner.known),
        float(is_named),
        float(is_measure),
        length,
        float(is_described),
    )
    return (*common, *(0.0,) * len(other)) if is_common else (*(0.0,) * len(common), *other)


class _ScoreFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    intercept: float
    weights: dict[str, float]


@dataclass(frozen=True)
class ExtractionScore:
    """`weights` in the order of `FEATURES`."""

    intercept: float
    weights: tuple[float, ...]

    def probability(self, features: Sequence[float]) -> float:
        logit = self.intercept + sum(weight * feature for weight, feature in zip(self.weights, features, strict=True))
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))

    def save(self, path: Path) -> None:
        weights = {name: round(weight, 4) for name, weight in zip(FEATURES, self.weights, strict=True)}
        document = {"intercept": round(self.intercept, 4), "weights": weights}
        path.write_text(json.dumps(document, indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, path: Path = SHIPPED) -> ExtractionScore:
        """Raises `ModelError` that names the file."""
        try:
            content = _ScoreFile.model_validate_json(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ModelError(f"{path}: can't be read ({error.strerror}); mend the path") from error
        except (ValidationError, UnicodeDecodeError) as error:
            raise ModelError(
                f"{path}: isn't the score of extraction; fit it again with scripts/fit_extraction.py"
            ) from error
        if tuple(content.weights) != FEATURES:
            raise ModelError(f"{path}: the score of extraction has other features; fit it again")
        return cls(content.intercept, tuple(content.weights.values()))


def _clipped(logit: float) -> float:
    return max(-_MAX_LOGIT, min(_MAX_LOGIT, logit))
