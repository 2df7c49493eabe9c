"""What came of a run, in numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from pumgpt.catalog.understanding import AnswerField, AttributeField, CategoryField, Understanding

COUNTS = ("rows", "filled", "kept", "conflicts", "abstained", "rejected")

StatedField = CategoryField | AttributeField | AnswerField


def stated_fields(understanding: Understanding) -> Iterator[tuple[str, StatedField]]:
    """Every field that has a status, with the name that people know it by."""
    if understanding.category is not None:
        yield "category", understanding.category
    for attribute in understanding.attributes or []:
        yield attribute.name, attribute
    for answer in understanding.answers or []:
        yield answer.question, answer


@dataclass(slots=True)
class Summary:
    """Counts over all rows of a run, and over those before it that it went on from.

    `rows` were answered, `rejected` set aside; `filled`, `kept`, `conflicts` and `abstained` count fields of the former.
    """

    rows: int = 0
    filled: int = 0
    kept: int = 0
    conflicts: int = 0
    abstained: int = 0
    rejected: int = 0
    resumed: int = 0
    """Rows of `rows` and `rejected` that an earlier run did."""
    seconds: float = 0.0
    """Of this run."""
    stopped: bool = False
    """Whether Ctrl-C ended it."""
    warnings: list[str] = field(default_factory=list)
    """What is odd about the catalogue as a whole, one line each."""

    @classmethod
    def from_counts(cls, counts: Mapping[str, int]) -> Self:
        """Go on from the `counts` of an earlier run."""
        summary = cls()
        for name in COUNTS:
            setattr(summary, name, counts.get(name, 0))
        summary.resumed = summary.done
        return summary

    @property
    def counts(self) -> dict[str, int]:
        """What outlives a run."""
        return {name: getattr(self, name) for name in COUNTS}

    def add(self, understanding: Understanding) -> None:
        self.rows += 1
        for _, stated in stated_fields(understanding):
            self.filled += stated.status == "filled"
            self.kept += stated.status == "kept"
            self.conflicts += stated.status == "conflict"
            self.abstained += stated.status == "abstained"

    @property
    def done(self) -> int:
        """Rows of the input that are through."""
        return self.rows + self.rejected

    @property
    def products_per_second(self) -> float:
        return (self.done - self.resumed) / self.seconds if self.seconds > 0 else 0.0

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "products_per_second": round(self.products_per_second, 2)}
