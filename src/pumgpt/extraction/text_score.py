"""The probability that a text supports a value, given a mention of it: logistic regression over a dozen plain features.

The weights are in `text_score.json`; `scripts/fit_curation.py` fits them on titles that the span classifier has not seen
(cross-fitting), so that its log-odds mean the same there as on a new title.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from pumgpt.errors import ModelError
from pumgpt.extraction.mentions import MatchKind, Mention
from pumgpt.extraction.span_classifier import SpanOwner

SHIPPED = Path(__file__).with_name("text_score.json")
_MAX_LOGIT = 8.0

FEATURES = (
    "mentioned", "other capitals", "another form", "another unit", "own", "own over other", "other where unknown",
    "known", "overlap", "all words apart", "num words",
)  # fmt: skip


def mention_features(
    mention: Mention | None, owner: SpanOwner | None, overlap: float, num_words: int
) -> tuple[float, ...]:
    """The features, in the order of `FEATURES`, of a claim and one mention of its value; or of none, if that is None."""
    length = min(num_words, 6) / 6
    if mention is None or owner is None:
        return (0.0,) * 8 + (overlap, float(overlap == 1), length)
    known = owner.known
    return (
        1.0,
        float(mention.kind is MatchKind.CAPITALS),
        float(mention.kind in (MatchKind.FORM, MatchKind.SYNONYM)),
        float(mention.kind is MatchKind.UNIT),
        # An attribute that the classifier hardly knows has log-odds of little meaning, so they count by `known`.
        _clipped(owner.own) * known,
        _clipped(owner.own - owner.other) * known,
        _clipped(owner.other) * (1 - known),
        known,
        0.0,
        0.0,
        length,
    )


class _ScoreFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    intercept: float
    weights: dict[str, float]


@dataclass(frozen=True)
class TextScore:
    """`weights` in the order of `FEATURES`."""

    intercept: float
    weights: tuple[float, ...]

    def probability(self, features: Sequence[float], bonus: float = 0.0) -> float:
        """`bonus` is added to the log-odds."""
        weighted = sum(weight * feature for weight, feature in zip(self.weights, features, strict=True))
        logit = self.intercept + bonus + weighted
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))

    def save(self, path: Path) -> None:
        weights = {name: round(weight, 4) for name, weight in zip(FEATURES, self.weights, strict=True)}
        path.write_text(
            json.dumps({"intercept": round(self.intercept, 4), "weights": weights}, indent=1) + "\n", "utf-8"
        )

    @classmethod
    def load(cls, path: Path = SHIPPED) -> TextScore:
        """Raises `ModelError` that names the file."""
        try:
            content = _ScoreFile.model_validate_json(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ModelError(f"{path}: can't be read ({error.strerror}); mend the path") from error
        except (ValidationError, UnicodeDecodeError) as error:
            raise ModelError(
                f"{path}: isn't the text expert's score; fit it again with scripts/fit_curation.py"
            ) from error
        if tuple(content.weights) != FEATURES:
            raise ModelError(f"{path}: the text expert's score has other features; fit it again")
        return cls(content.intercept, tuple(content.weights.values()))


def _clipped(logit: float) -> float:
    return max(-_MAX_LOGIT, min(_MAX_LOGIT, logit))
