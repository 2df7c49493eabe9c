"""From a mention to a probability that the text supports the value: a logistic regression over a dozen plain features.

The weights lie in `text_score.json`; `scripts/fit_curation.py` fits them on titles that the model of title words has not
seen (cross-fitting), so that its log-odds are worth here what they are worth on a new title.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from pumgpt.curation.experts.mentions import How, Mention
from pumgpt.curation.experts.word_owner import Ownership
from pumgpt.errors import ModelError

SHIPPED = Path(__file__).with_name("text_score.json")
_MAX_LOGIT = 8.0

FEATURES = (
    "mentioned", "other capitals", "another form", "another unit", "own", "own over other", "other where unknown",
    "known", "overlap", "all words apart", "num words",
)  # fmt: skip


def features(mention: Mention | None, ownership: Ownership | None, overlap: float, num_words: int) -> tuple[float, ...]:
    """What is known of one claim and one mention, or of none: the numbers of `FEATURES`."""
    if mention is None or ownership is None:
        return (0.0,) * 8 + (overlap, float(overlap == 1), min(num_words, 6) / 6)
    known = ownership.known
    over = _clipped(ownership.own - ownership.other) * known
    return (
        1.0,
        float(mention.how is How.CAPITALS),
        float(mention.how in (How.FORM, How.SYNONYM)),
        float(mention.how is How.UNIT),
        _clipped(ownership.own) * known,
        over,
        _clipped(ownership.other) * (1 - known),
        known,
        0.0,
        0.0,
        min(num_words, 6) / 6,
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

    def probability(self, numbers: Sequence[float], bonus: float = 0.0) -> float:
        """`bonus` is added to the log-odds."""
        logit = (
            self.intercept + bonus + sum(weight * number for weight, number in zip(self.weights, numbers, strict=True))
        )
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
