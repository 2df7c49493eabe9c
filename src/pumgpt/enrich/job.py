"""The main job: a catalogue in, one `Understanding` for every row that can be read, in the order of the input."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

from pumgpt.backends.protocol import Backend, Request
from pumgpt.catalog.formats.base import CatalogReader, RejectedRow
from pumgpt.catalog.formats.output import check_output, open_writer
from pumgpt.catalog.photos.download import PhotoDownloads
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.enrich.executor import Answered, Engine, answer_batch
from pumgpt.enrich.journal import Journal
from pumgpt.enrich.report import ReportWriter
from pumgpt.enrich.summary import Summary, stated_fields
from pumgpt.errors import UsageError
from pumgpt.understand.intake import Row, open_batches, open_product
from pumgpt.understand.plan import Plan, fingerprint

BATCH_PRODUCTS = 16

Progress = Callable[[Summary], None]


def enrich(
    reader: CatalogReader,
    out_path: Path,
    backend: Backend,
    plan: Plan,
    *,
    batch_products: int = BATCH_PRODUCTS,
    limit: int | None = None,
    restart: bool = False,
    report_path: Path | None = None,
    report_title: str | None = None,
    downloads: PhotoDownloads | None = None,
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Answer every row of an open catalogue and write `out_path`; go on where an interrupted run of the same question was.

    Rows that can't be used go to `OUT.rejected.jsonl`. Ctrl-C keeps what was done and returns with `stopped` set.
    Without `downloads` photos by URL are not fetched. Without an `engine` the rows are answered here, by `backend`.
    Raises `CatalogError` where nothing can be read or written, `UsageError` where `out_path` holds something else.
    """
    check_paths(reader, out_path)
    asked = {**fingerprint(backend, plan), "setting of --columns": repr(reader.given_columns)}
    with Journal.open(out_path, asked, restart) as journal, ExitStack() as open_files:
        began = time.monotonic()
        reported = journal.was_finished and report_path is not None and report_path.exists()
        report = None
        try:
            rows = _rows_left(reader, journal, limit)
            answer = engine or partial(_answer_locally, backend, plan, downloads)
            batches = iter(answer(rows, journal.summary.done, batch_products))
            first = next(batches, [])
            if report_path is not None and (first or not reported):
                report = open_files.enter_context(_open_report(report_path, report_title or reader.path.name, journal))
            for batch in chain([first] if first else [], batches):
                _keep(batch, journal, report, downloads if engine is not None else None)
                journal.summary.seconds = time.monotonic() - began
                if progress is not None:
                    progress(journal.summary)
        except KeyboardInterrupt:
            journal.rollback()
            journal.summary.stopped = True
        journal.summary.warnings = reader.warnings
        _write_out(journal, reader, plan)
        journal.commit(finished=not journal.summary.stopped)
        if report is not None and not journal.summary.stopped:
            report.finish(journal.summary)
        return journal.summary


def check_paths(reader: CatalogReader, out_path: Path) -> None:
    """Fail before a model is loaded where the files can't be what the caller means."""
    check_output(out_path, reader)
    if out_path.exists() and out_path.samefile(reader.path):
        raise UsageError(f"{out_path} is the input too; name another output")


def _rows_left(
    reader: CatalogReader, journal: Journal, limit: int | None
) -> Iterator[tuple[int, Product | RejectedRow]]:
    """The rows that no run did yet, numbered from 1. Raises `UsageError` where the done ones are not those of the input."""
    done = journal.summary.done
    rows = enumerate(reader, start=1)
    last = None
    for _, last in islice(rows, done):  # noqa: B007
        pass
    if done and (last is None or last.id != journal.last_id):
        raise _another_catalogue(reader, journal)
    return rows if limit is None else islice(rows, max(limit - done, 0))


def _answer_locally(
    backend: Backend, plan: Plan, downloads: PhotoDownloads | None, rows: Iterable[Row], done: int, batch_products: int
) -> Iterator[list[Answered]]:
    """The engine in this process."""
    for batch in open_batches(rows, batch_products, downloads=downloads):
        yield answer_batch(batch, backend, plan)


def _keep(
    batch: Sequence[Answered], journal: Journal, report: ReportWriter | None, downloads: PhotoDownloads | None
) -> None:
    """Write down a batch; what is reported, and was answered elsewhere, has its photos opened here (`downloads`)."""
    row = journal.summary.done
    for item, result in batch:
        row += 1
        if isinstance(item, RejectedRow):
            journal.add(item)
        elif isinstance(result, Understanding):
            if report is not None:
                opened = item.opened if downloads is None else open_product(item.product, downloads).opened
                report.add(item.product, opened, result)
            journal.add(_without_evidence(result))
        else:
            journal.add(RejectedRow(row, item.product.id, str(result)))
    if report is not None:
        report.flush()
    journal.commit()


def _without_evidence(understanding: Understanding) -> Understanding:
    """The record as the file holds it: the maps are many times the rest, and the report shows them."""
    lean = understanding.model_copy(deep=True)
    for _, stated in stated_fields(lean):
        stated.evidence = None
    return lean


def _open_report(path: Path, title: str, journal: Journal) -> ReportWriter:
    done = {understanding.id for understanding in journal.answers()}
    return ReportWriter(path, title, keep=done)


def _write_out(journal: Journal, reader: CatalogReader, plan: Plan) -> None:
    """Make the output from the answers in full, where it isn't these and isn't there already."""
    if journal.in_place or (journal.unchanged and journal.out.exists()):
        return
    names = [asked.name for asked in plan.context.attributes] if "attribute_qa" in plan.asked else []
    if plan.category_schemas is not None:  # which attributes the categories brought, only the answers know
        brought = (field.name for answer in journal.answers() for field in answer.attributes or ())
        names = list(dict.fromkeys((*names, *brought)))
    settings: Any = {"overwrite_values": plan.overwrite_values, "precision": plan.precision}
    with open_writer(journal.out, reader, attribute_names=names, **settings) as writer:
        rows = iter(reader)
        for answer in journal.answers():
            for row in rows:
                if isinstance(row, Product) and row.id == answer.id:
                    writer.write(row, answer)
                    break
                writer.carry(row)
            else:
                raise _another_catalogue(reader, journal)
        for row in rows:
            writer.carry(row)


def _another_catalogue(reader: CatalogReader, journal: Journal) -> UsageError:
    return UsageError(
        f"{reader.path} is not the catalogue that {journal.out} was begun with; begin anew with --restart"
    )


@dataclass
class Preview:
    """What `enrich` would do."""

    kind: str
    """What people call such a file."""
    fields: Mapping[str, str]
    """What is read as what, where the file has other names than ours: our name -> the file's column."""
    rows: int = 0
    rejected: list[RejectedRow] = field(default_factory=list)
    photos: int = 0
    photos_missing: int = 0
    without_photo: int = 0
    questions: int = 0
    first: Request | None = None
    warnings: list[str] = field(default_factory=list)


def preview(
    reader: CatalogReader,
    plan: Plan,
    limit: int | None = None,
    *,
    downloads: PhotoDownloads | None = None,
) -> Preview:
    """Read everything and open every photo, ask nothing, write nothing."""
    found = Preview(reader.format.name, reader.fields, warnings=reader.warnings)
    rows: Iterable[Row] = islice(enumerate(reader, start=1), limit)
    for batch in open_batches(rows, BATCH_PRODUCTS, downloads=downloads):
        for item in batch:
            if isinstance(item, RejectedRow):
                found.rejected.append(item)
                continue
            requests = plan.requests(item.product, item.photos)
            found.rows += 1
            found.photos += len(item.photos)
            found.photos_missing += len(item.opened) - len(item.photos)
            found.without_photo += not item.opened
            found.questions += sum(len(request.questions) for request in requests)
            found.first = found.first or next(iter(requests), None)
    return found
