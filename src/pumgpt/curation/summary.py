"""What came of a curation, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from pumgpt.curation.cascade import Calls
from pumgpt.curation.records import Verdicts
from pumgpt.curation.verdict import Verdict

_SEPARATOR = "."


@dataclass(slots=True)
class CurationSummary:
    """Counts over all rows of a run, and over those before it that it went on from.

    `verdicts` counts listed values; `asked`, `spared` and `failed` count claims for each expert.
    """

    rows: int = 0
    rejected: int = 0
    unusable_photos: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    spared: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    costs_s: dict[str, float] = field(default_factory=dict)
    """Each expert's stated seconds for a claim."""
    resumed: int = 0
    """Rows of `rows` and `rejected` that an earlier run did."""
    seconds: float = 0.0
    """Of this run."""
    stopped: bool = False
    """Whether Ctrl-C ended it."""
    warnings: list[str] = field(default_factory=list)
    """What is odd about the catalogue or the experts as a whole, one line each."""

    @classmethod
    def from_counts(cls, counts: Mapping[str, int]) -> Self:
        """Go on from the `counts` of an earlier run."""
        summary = cls()
        for name, count in counts.items():
            kind, _, key = name.partition(_SEPARATOR)
            if key:
                getattr(summary, kind)[key] = count
            else:
                setattr(summary, kind, count)
        summary.resumed = summary.done
        return summary

    @property
    def counts(self) -> dict[str, int]:
        """What outlives a run."""
        single = {name: getattr(self, name) for name in ("rows", "rejected", "unusable_photos")}
        several = {
            f"{kind}{_SEPARATOR}{key}": count
            for kind in ("verdicts", "asked", "spared", "failed")
            for key, count in sorted(getattr(self, kind).items())
        }
        return {**single, **several}

    def add(self, verdicts: Verdicts) -> None:
        self.rows += 1
        self.verdicts.update(verdict["verdict"] for verdict in verdicts)

    def add_calls(self, calls: Calls) -> None:
        self.asked.update(calls.asked)
        self.spared.update(calls.spared)
        self.failed.update(calls.failed)
        for expert, error in calls.errors.items():
            self.warn(f"expert '{expert}' did not answer, the others decided without it: {error}", expert)

    def warn(self, line: str, key: str | None = None) -> None:
        """Add a warning, once; with `key`, only the first that holds it."""
        if not any(line == known or (key is not None and f"'{key}'" in known) for known in self.warnings):
            self.warnings.append(line)

    @property
    def done(self) -> int:
        """Rows of the input that are through."""
        return self.rows + self.rejected

    @property
    def values(self) -> int:
        """Listed values that were judged."""
        return self.verdicts.total()

    @property
    def failing(self) -> int:
        return self.values - self.verdicts[Verdict.SUPPORTED]

    @property
    def products_per_second(self) -> float:
        return (self.done - self.resumed) / self.seconds if self.seconds > 0 else 0.0

    @property
    def experts(self) -> Sequence[str]:
        """In the order in which they are asked."""
        return sorted(self.costs_s, key=lambda name: self.costs_s[name])

    def saved_s(self, expert: str) -> float:
        """Seconds of one processor core that the cascade spared, by the expert's stated cost."""
        return self.spared[expert] * self.costs_s.get(expert, 0.0)

    def to_json(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "rejected": self.rejected,
            "resumed": self.resumed,
            "unusable_photos": self.unusable_photos,
            "values": self.values,
            **{str(verdict): self.verdicts[verdict] for verdict in Verdict},
            "experts": {
                name: {
                    "asked": self.asked[name],
                    "spared": self.spared[name],
                    "failed": self.failed[name],
                    "cost_s": self.costs_s[name],
                    "saved_s": round(self.saved_s(name), 1),
                }
                for name in self.experts
            },
            "seconds": self.seconds,
            "products_per_second": round(self.products_per_second, 2),
            "stopped": self.stopped,
            "warnings": self.warnings,
        }
