"""What every long run over a catalogue counts, and how its counts survive an interruption."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

_SEPARATOR = "."


@dataclass
class RunSummary:
    """The result of a run in numbers. A kind of run adds fields of its own, and names in `counted` those that survive it.

    Counts are over all rows of the output, including those of interrupted runs that this one continued.
    """

    rows: int = 0
    """Rows with a result."""
    rejected: int = 0
    """Rows that could not be used."""
    resumed: int = 0
    """Rows of `rows` and `rejected` that an earlier run did."""
    seconds: float = 0.0
    """Of this run."""
    stopped: bool = False
    """Whether Ctrl-C ended it."""
    warnings: list[str] = field(default_factory=list)
    """About the input as a whole, one line each."""

    counted: ClassVar[tuple[str, ...]] = ("rows", "rejected")
    """The fields that the state file keeps, each a number or a `Counter`, in its order."""

    @classmethod
    def from_counts(cls, counts: Mapping[str, int]) -> Self:
        """Continue from the `counts` of an earlier run."""
        summary = cls()
        for key, count in counts.items():
            name, _, member = key.partition(_SEPARATOR)
            if member:
                getattr(summary, name)[member] = count
            else:
                setattr(summary, name, count)
        summary.resumed = summary.done
        return summary

    @property
    def counts(self) -> dict[str, int]:
        """What the state file keeps; a member of a `Counter` becomes 'field.member', as the file holds numbers only."""
        counts: dict[str, int] = {}
        for name in self.counted:
            value: int | Counter[str] = getattr(self, name)
            if isinstance(value, Counter):
                counts |= {f"{name}{_SEPARATOR}{member}": value[member] for member in sorted(value)}
            else:
                counts[name] = value
        return counts

    @property
    def done(self) -> int:
        """Rows of the input that are finished."""
        return self.rows + self.rejected

    @property
    def products_per_second(self) -> float:
        # Rows of an earlier run took none of this run's time.
        return (self.done - self.resumed) / self.seconds if self.seconds > 0 else 0.0

    def to_json(self) -> dict[str, Any]:
        """The document that `--json` prints."""
        return {
            "rows": self.rows,
            "rejected": self.rejected,
            "resumed": self.resumed,
            "seconds": self.seconds,
            "stopped": self.stopped,
            "warnings": self.warnings,
            "products_per_second": round(self.products_per_second, 2),
        }
