"""What came of a curation, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pumgpt.curation.cascade import Calls
from pumgpt.curation.records import Verdicts
from pumgpt.curation.verdict import Verdict
from pumgpt.jobs.summary import RunSummary


@dataclass
class CurationSummary(RunSummary):
    """`verdicts` counts listed values; `asked`, `spared` and `failed` count claims for each expert."""

    unusable_photos: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    spared: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    costs_s: dict[str, float] = field(default_factory=dict)
    """Each expert's stated seconds for a claim."""

    counted: ClassVar[tuple[str, ...]] = (
        "rows",
        "rejected",
        "unusable_photos",
        "verdicts",
        "asked",
        "spared",
        "failed",
    )

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
    def values(self) -> int:
        """Listed values that were judged."""
        return self.verdicts.total()

    @property
    def failing(self) -> int:
        return self.values - self.verdicts[Verdict.SUPPORTED]

    @property
    def experts(self) -> Sequence[str]:
        """In the order in which they are asked."""
        return sorted(self.costs_s, key=lambda name: self.costs_s[name])

    def saved_s(self, expert: str) -> float:
        """Seconds of one processor core that the cascade spared, by the expert's stated cost."""
        return self.spared[expert] * self.costs_s.get(expert, 0.0)

    def to_json(self) -> dict[str, Any]:
        run = super().to_json()
        return {
            **{name: run[name] for name in ("rows", "rejected", "resumed")},
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
            **{name: run[name] for name in ("seconds", "products_per_second", "stopped", "warnings")},
        }
