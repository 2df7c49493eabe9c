"""The curation's other engine: the same batches, judged in workers of Ray."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

from pumgpt.catalog.formats.base import NumberedRow
from pumgpt.curation.curator import Curator, JudgedBatch
from pumgpt.curation.recipe import CurationRecipe
from pumgpt.jobs.ray import Numbered, run_on_ray


@dataclass(frozen=True)
class RayEngine:
    """Judges what `pipeline.judge_locally` would, in the same batches, so that the output is the same."""

    recipe: CurationRecipe
    workers: int | None = None

    def __call__(self, curator: Curator, done: int, limit: int | None) -> Iterator[JudgedBatch]:
        size = curator.batch_rows
        rows = sum(1 for _ in islice(curator.source.rows(), limit))
        batches = range(done // size, -(-rows // size)) if rows > done else range(0)
        return run_on_ray(partial(_Judge, self.recipe, done, limit), batches, self.workers)


class _Judge:
    """In each worker: the experts, and the catalogue that they have seen whole."""

    def __init__(self, recipe: CurationRecipe, done: int, limit: int | None) -> None:
        self._curator = curator = recipe.make()
        curator.prepare()
        self._batches: Numbered[list[NumberedRow]] = Numbered(
            lambda: (
                ((batch[0][0] - 1) // curator.batch_rows, batch)
                for batch in curator.source.batches(curator.batch_rows, done, limit)
            )
        )

    def __call__(self, number: int) -> JudgedBatch:
        return self._curator.judge(self._batches[number])
