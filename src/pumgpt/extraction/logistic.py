"""Logistic regression over named features, kept as a small file of weights that people can read."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from pumgpt.errors import ModelError

MAX_LOGIT = 8.0


class _WeightsFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    intercept: float
    weights: dict[str, float]


@dataclass(frozen=True)
class LogisticScore:
    """`weights` in the order of `features`. A subclass says what is scored, by which features, and which file ships."""

    subject: ClassVar[str]
    fitted_by: ClassVar[str]
    features: ClassVar[tuple[str, ...]]
    shipped: ClassVar[Path]

    intercept: float
    weights: tuple[float, ...]

    def probability(self, features: Sequence[float], bonus: float = 0.0) -> float:
        """`bonus` is added to the log-odds."""
        weighted = sum(weight * feature for weight, feature in zip(self.weights, features, strict=True))
        logit = self.intercept + bonus + weighted
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))

    def save(self, path: Path) -> None:
        weights = {name: round(weight, 4) for name, weight in zip(self.features, self.weights, strict=True)}
        document = {"intercept": round(self.intercept, 4), "weights": weights}
        path.write_text(json.dumps(document, indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """From `path`, by default what ships. Raises `ModelError` that names the file."""
        path = path or cls.shipped
        try:
            content = _WeightsFile.model_validate_json(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ModelError(f"{path}: can't be read ({error.strerror}); mend the path") from error
        except (ValidationError, UnicodeDecodeError) as error:
            raise ModelError(f"{path}: isn't {cls.subject}; fit it again with {cls.fitted_by}") from error
        if tuple(content.weights) != cls.features:
            raise ModelError(f"{path}: {cls.subject} has other features; fit it again with {cls.fitted_by}")
        return cls(content.intercept, tuple(content.weights.values()))


def clipped(logit: float) -> float:
    """Log-odds of another classifier, as a feature: beyond `MAX_LOGIT` they say no more."""
    return max(-MAX_LOGIT, min(MAX_LOGIT, logit))
