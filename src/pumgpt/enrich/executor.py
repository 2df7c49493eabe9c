"""One batch of a catalogue's rows, answered: what every engine of `enrich` does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from pumgpt.backends.protocol import Backend
from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.understanding import Understanding
from pumgpt.errors import BackendError
from pumgpt.understand.ask import understand
from pumgpt.understand.intake import Intake, Row
from pumgpt.understand.plan import Plan


class Answered(NamedTuple):
    """A row, and what was found out about it: None where it couldn't be used."""

    item: Intake | RejectedRow
    result: Understanding | BackendError | None


Engine = Callable[[Iterable[Row], int, int], Iterator[Sequence[Answered]]]
"""Answers rows, in batches of so many products. The second argument is how many rows of the catalogue stand before them."""


def answer_batch(batch: Sequence[Intake | RejectedRow], backend: Backend, plan: Plan) -> list[Answered]:
    """Ask about all rows that can be used, in one call of the backend."""
    results = iter(understand(backend, plan, [item for item in batch if isinstance(item, Intake)]))
    return [Answered(item, next(results) if isinstance(item, Intake) else None) for item in batch]
