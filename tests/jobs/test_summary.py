from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from pumgpt.jobs.summary import RunSummary


@dataclass
class Harvest(RunSummary):
    baskets: int = 0
    fruit: Counter[str] = field(default_factory=Counter)

    counted: ClassVar[tuple[str, ...]] = ("rows", "baskets", "rejected", "fruit")


def test_counts_survive_an_interruption_and_the_rest_is_of_one_run() -> None:
    stopped = Harvest(rows=3, rejected=1, seconds=9.0, stopped=True, warnings=["rain"], baskets=2)
    stopped.fruit.update({"plum.blue": 4, "apple": 1})
    counts = stopped.counts
    assert list(counts.items()) == [
        ("rows", 3),
        ("baskets", 2),
        ("rejected", 1),
        ("fruit.apple", 1),
        ("fruit.plum.blue", 4),
    ]
    resumed = Harvest.from_counts(counts)
    assert resumed == Harvest(rows=3, rejected=1, resumed=4, baskets=2, fruit=stopped.fruit)


def test_the_rate_leaves_out_what_was_resumed() -> None:
    summary = RunSummary.from_counts({"rows": 30, "rejected": 10})
    assert summary.products_per_second == 0
    summary.rows, summary.seconds = 50, 4.0
    assert summary.products_per_second == pytest.approx(5)
    assert summary.to_json()["products_per_second"] == 5
