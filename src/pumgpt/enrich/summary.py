"""The result of `enrich` in numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from pumgpt.catalog.understanding import AnswerField, AttributeField, CategoryField, Understanding
from pumgpt.jobs.summary import RunSummary

StatedField = CategoryField | AttributeField | AnswerField


def stated_fields(understanding: Understanding) -> Iterator[tuple[str, StatedField]]:
    """Every field that has a status, with the name that reports show."""
    if understanding.category is not None:
        yield "category", understanding.category
    for attribute in understanding.attributes or []:
        yield attribute.name, attribute
    for answer in understanding.answers or []:
        yield answer.question, answer


@dataclass
class Summary(RunSummary):
    """`filled`, `kept`, `conflicts` and `abstained` count the fields of all answered rows by their status."""

    filled: int = 0
    kept: int = 0
    conflicts: int = 0
    abstained: int = 0

    counted: ClassVar[tuple[str, ...]] = ("rows", "filled", "kept", "conflicts", "abstained", "rejected")

    def add(self, understanding: Understanding) -> None:
        self.rows += 1
        statuses = [stated.status for _, stated in stated_fields(understanding)]
        self.filled += statuses.count("filled")
        self.kept += statuses.count("kept")
        self.conflicts += statuses.count("conflict")
        self.abstained += statuses.count("abstained")

    def to_json(self) -> dict[str, Any]:
        return {**self.counts, **super().to_json()}
