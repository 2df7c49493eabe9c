"""The other engine of `enrich`: the same batches, answered in workers of Ray, each with a model of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

from pumgpt.backends.protocol import Backend
from pumgpt.catalog.formats.column_map import ColumnMap
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.photos.download import PhotoDownloads
from pumgpt.enrich.executor import Answered, answer_batch
from pumgpt.jobs.ray import Numbered, run_on_ray
from pumgpt.understand.intake import Intake, Row, open_rows
from pumgpt.understand.plan import Plan


@dataclass(frozen=True)
class RayEngine:
    """Answers what the local engine would. `load` makes the backend in each worker, and must be picklable."""

    in_path: Path
    load: Callable[[], Backend]
    plan: Plan
    column_map: ColumnMap | None = None
    allow_private_urls: bool = False
    workers: int | None = None

    def __call__(self, rows: Iterable[Row], done: int, batch_products: int) -> Iterator[list[Answered]]:
        """The answers to `rows`, which stand behind the first `done` of the catalogue; photos stay with the workers."""
        left = sum(1 for _ in rows)
        batches = range(-(-left // batch_products))
        return run_on_ray(partial(_Answer, self, done, left, batch_products), batches, self.workers)


class _Answer:
    """In each worker: the model, and the catalogue."""

    def __init__(self, engine: RayEngine, done: int, left: int, batch_products: int) -> None:
        self._engine, self._backend = engine, engine.load()
        self._downloads = PhotoDownloads(allow_private=engine.allow_private_urls)
        self._batches: Numbered[list[Row]] = Numbered(lambda: enumerate(self._read(done, left, batch_products)))

    def _read(self, done: int, left: int, size: int) -> Iterator[list[Row]]:
        reader = read_catalog(self._engine.in_path, self._engine.column_map)
        rows = islice(enumerate(reader, start=1), done, done + left)
        while batch := list(islice(rows, size)):
            yield batch

    def __call__(self, number: int) -> list[Answered]:
        items = open_rows(self._batches[number], self._downloads)
        answered = answer_batch(items, self._backend, self._engine.plan)
        return [
            Answered(replace(item, opened=(None,) * len(item.opened)) if isinstance(item, Intake) else item, result)
            for item, result in answered
        ]
