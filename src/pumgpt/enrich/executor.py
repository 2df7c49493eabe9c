"""The two ways to run `enrich`: in this process, and in workers of Ray. Both answer the same batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from pumgpt.backends.protocol import Backend
from pumgpt.catalog.formats.base import NumberedRow, RejectedRow
from pumgpt.catalog.formats.column_map import ColumnMap
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.photos.download import PhotoDownloads
from pumgpt.catalog.understanding import Understanding
from pumgpt.errors import BackendError
from pumgpt.jobs.ray import Numbered, run_on_ray
from pumgpt.understand.ask import understand
from pumgpt.understand.intake import Intake, open_batches, open_rows
from pumgpt.understand.plan import Plan, category_ids


class AnsweredRow(NamedTuple):
    """A row and its record. A rejected row has none; a `BackendError` says why the model gave no answer."""

    row: Intake | RejectedRow
    result: Understanding | BackendError | None


Executor = Callable[[Iterable[NumberedRow], int, int], Iterator[Sequence[AnsweredRow]]]
"""`executor(rows, done, batch_size)` answers `rows`, the rows of the catalogue after the first `done`, in order."""


def answer_locally(
    backend: Backend,
    plan: Plan,
    downloads: PhotoDownloads | None,
    rows: Iterable[NumberedRow],
    done: int,
    batch_size: int,
) -> Iterator[list[AnsweredRow]]:
    """Answer in this process. With the first three arguments bound it is an `Executor`."""
    for batch in open_batches(rows, batch_size, downloads=downloads):
        yield _answer_batch(batch, backend, plan)


@dataclass(frozen=True)
class RayExecutor:
    """Answers in workers of Ray, each with its own model; the output is that of `answer_locally`.

    `load_backend` runs in each worker and must be picklable.
    """

    in_path: Path
    load_backend: Callable[[], Backend]
    plan: Plan
    column_map: ColumnMap | None = None
    allow_private_urls: bool = False
    workers: int | None = None

    def __call__(self, rows: Iterable[NumberedRow], done: int, batch_size: int) -> Iterator[list[AnsweredRow]]:
        # Only the number of rows is needed here: a worker gets batch numbers, and reads the rows itself.
        remaining = sum(1 for _ in rows)
        batches = range(-(-remaining // batch_size))
        return run_on_ray(partial(_EnrichWorker, self, done, remaining, batch_size), batches, self.workers)


class _EnrichWorker:
    """One worker of a `RayExecutor`: a model, and its own reader of the catalogue."""

    def __init__(self, executor: RayExecutor, done: int, remaining: int, batch_size: int) -> None:
        self._plan, self._backend = executor.plan, executor.load_backend()
        self._downloads = PhotoDownloads(allow_private=executor.allow_private_urls)

        def batches() -> Iterator[list[NumberedRow]]:
            reader = read_catalog(executor.in_path, executor.column_map)
            reader.category_ids = category_ids(self._backend, self._plan)
            reader.name_attributes(self._plan.attribute_names)
            rows = islice(enumerate(reader, start=1), done, done + remaining)
            while batch := list(islice(rows, batch_size)):
                yield batch

        self._batches: Numbered[list[NumberedRow]] = Numbered(lambda: enumerate(batches()))

    def __call__(self, number: int) -> list[AnsweredRow]:
        rows = open_rows(self._batches[number], self._downloads)
        answered = _answer_batch(rows, self._backend, self._plan)
        # Decoded photos are large and stay here; a report opens its own.
        return [AnsweredRow(_without_photos(row), result) for row, result in answered]


def _answer_batch(batch: Sequence[Intake | RejectedRow], backend: Backend, plan: Plan) -> list[AnsweredRow]:
    """Ask about all usable rows in one call of the backend."""
    results = iter(understand(backend, plan, [row for row in batch if isinstance(row, Intake)]))
    return [AnsweredRow(row, next(results) if isinstance(row, Intake) else None) for row in batch]


def _without_photos(row: Intake | RejectedRow) -> Intake | RejectedRow:
    return replace(row, opened=(None,) * len(row.opened)) if isinstance(row, Intake) else row
