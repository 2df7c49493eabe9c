"""One question of a benchmark, and what is true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pumgpt.bench.suites.items import Origin
from pumgpt.bench.suites.sets import Condition
from pumgpt.catalog.question import Question
from pumgpt.tasks.base import Verdict

Values = tuple[str, ...]
Form = Literal["plain", "multiple choice", "hidden"]
"""`hidden`: asked for something that nothing shown tells, whatever the product is."""

TEXT_TASKS = ("caption", "question", "caption_completion")


@dataclass(frozen=True, slots=True)
class Truth:
    """What is right. `fields` has one entry, but for the task `attributes`; None where it cannot be told.

    Of a category it is the path, of an attribute all values that are right, of a text the references.
    """

    fields: Mapping[str, Values | None]
    listed: str | None = None
    """For a correction: the value that the question lists."""
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One question about one product under one condition."""

    id: str
    product: str
    origin: Origin
    condition: Condition
    form: Form
    question: Question
    truth: Truth
    sees_listing: bool = True
    position: int | None = None
    """Of a multiple choice: at which place, from 0, the right option stands."""

    @property
    def task(self) -> str:
        return self.question.task

    @property
    def slot(self) -> str:
        """Under which heading the case is scored."""
        return f"{self.task}, multiple choice" if self.form == "multiple choice" else self.task
