"""The result of `enrich` in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from pumgpt.backends.calibration import PrecisionOf
from pumgpt.catalog.understanding import AnswerField, AttributeField, CategoryField, Understanding
from pumgpt.jobs.summary import RunSummary

StatedField = CategoryField | AttributeField | AnswerField
_UNITS = 10_000
"""The state file holds whole numbers, and a field's precision has four digits."""


def stated_fields(understanding: Understanding) -> Iterator[tuple[str, StatedField]]:
    """Every field that has a status, with the name that reports show."""
    if understanding.category is not None:
        yield "category", understanding.category
    for attribute in understanding.attributes or []:
        yield attribute.name, attribute
    for answer in understanding.answers or []:
        yield answer.question, answer


class FieldCount(NamedTuple):
    """One field over all answered rows. `precision`: of a hundred filled like these, how many were right on validation, as a
    share; None where that was not measured.
    """

    name: str
    asked: int
    filled: int
    precision: float | None

    @property
    def worth(self) -> str:
        """The precision in words."""
        return "" if self.precision is None else f"{100 * self.precision:.0f} of 100 such are right"


@dataclass
class Summary(RunSummary):
    """`filled`, `kept`, `conflicts` and `abstained` count the fields of all answered rows by their status.

    `precision` and `precision_of` are what the run was asked for.
    """

    filled: int = 0
    kept: int = 0
    conflicts: int = 0
    abstained: int = 0
    precision: float | None = None
    precision_of: PrecisionOf = "all"
    asked_of: Counter[str] = field(default_factory=Counter)
    filled_of: Counter[str] = field(default_factory=Counter)
    """Rows by the name of a field: that were asked for it, and where it was filled."""
    measured_of: Counter[str] = field(default_factory=Counter)
    right_of: Counter[str] = field(default_factory=Counter)
    """Filled fields whose precision was measured, and the sum of these precisions, in ten-thousandths."""

    counted: ClassVar[tuple[str, ...]] = (
        "rows",
        "filled",
        "kept",
        "conflicts",
        "abstained",
        "rejected",
        "asked_of",
        "filled_of",
        "measured_of",
        "right_of",
    )

    def add(self, understanding: Understanding) -> None:
        self.rows += 1
        for name, stated in stated_fields(understanding):
            self.asked_of[name] += 1
            if stated.status == "filled":
                self.filled += 1
                self.filled_of[name] += 1
                if stated.precision is not None:
                    self.measured_of[name] += 1
                    self.right_of[name] += round(_UNITS * stated.precision)
            elif stated.status == "kept":
                self.kept += 1
            elif stated.status == "conflict":
                self.conflicts += 1
            else:
                self.abstained += 1

    @property
    def fields(self) -> list[FieldCount]:
        """One count for each field, in the order of the records."""
        return [
            FieldCount(
                name,
                asked,
                self.filled_of[name],
                # Where half of the fields were never measured, the other half says nothing of them.
                self.right_of[name] / _UNITS / self.measured_of[name]
                if self.measured_of[name] and self.measured_of[name] == self.filled_of[name]
                else None,
            )
            for name, asked in self.asked_of.items()
        ]

    @property
    def target(self) -> str | None:
        """The asked precision in words."""
        if self.precision is None:
            return None
        if self.precision == 0:
            return "every field filled (--precision 0)"
        if self.precision_of == "each":
            return f"each filled value at a confidence of {self.precision:g} or more (--precision-of each)"
        return f"of the filled values of a field, {self.precision:.0%} right on validation (--precision {self.precision:g})"

    def to_json(self) -> dict[str, Any]:
        counts = {
            name: getattr(self, name) for name in ("rows", "filled", "kept", "conflicts", "abstained", "rejected")
        }
        fields = {
            count.name: {
                "asked": count.asked,
                "filled": count.filled,
                "precision": None if count.precision is None else round(count.precision, 4),
            }
            for count in self.fields
        }
        target = {"precision": self.precision, "precision_of": self.precision_of}
        return {**counts, **target, "fields": fields, **super().to_json()}
