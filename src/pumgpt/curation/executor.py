"""The two ways to run a curation: in this process, and in workers of Ray. Both judge the same batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice

from pumgpt.catalog.formats.base import NumberedRow
from pumgpt.curation.curator import CurationRecipe, Curator, JudgedBatch
from pumgpt.jobs.ray import Numbered, run_on_ray

Executor = Callable[[Curator, int, int | None], Iterator[JudgedBatch]]
"""Judges the rows of the curator's source from number `done` on, up to `limit`, in order."""


def judge_locally(curator: Curator, done: int, limit: int | None) -> Iterator[JudgedBatch]:
    """Judge in this process."""
    batches = curator.source.batches(curator.batch_rows, done, limit)
    # Preparing reads the whole catalogue, so it waits until there is a row to judge.
    first = next(batches, None)
    if first is not None:
        curator.prepare()
        yield from map(curator.judge, chain([first], batches))


@dataclass(frozen=True)
class RayCurationExecutor:
    """Judges in workers of Ray, each with its own curator; the output is that of `judge_locally`."""

    recipe: CurationRecipe
    workers: int | None = None

    def __call__(self, curator: Curator, done: int, limit: int | None) -> Iterator[JudgedBatch]:
        size = curator.batch_rows
        rows = sum(1 for _ in islice(curator.source.rows(), limit))
        batches = range(done // size, -(-rows // size)) if rows > done else range(0)
        return run_on_ray(partial(_CurationWorker, self.recipe, done, limit), batches, self.workers)


class _CurationWorker:
    """One worker: its experts have seen the whole catalogue, so no vote depends on how batches are dealt out."""

    def __init__(self, recipe: CurationRecipe, done: int, limit: int | None) -> None:
        self._curator = curator = recipe.make_curator()
        curator.prepare()

        def numbered_batches() -> Iterator[tuple[int, list[NumberedRow]]]:
            for batch in curator.source.batches(curator.batch_rows, done, limit):
                yield (batch[0][0] - 1) // curator.batch_rows, batch

        self._batches: Numbered[list[NumberedRow]] = Numbered(numbered_batches)

    def __call__(self, number: int) -> JudgedBatch:
        return self._curator.judge(self._batches[number])
