"""A run of `pumgpt enrich`: every row of a catalogue is answered, journalled, and written in the order of the input."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from hashlib import blake2b
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from pumgpt.backends.calibration import PrecisionOf
from pumgpt.backends.protocol import Backend
from pumgpt.catalog.formats.base import CatalogReader, RejectedRow
from pumgpt.catalog.formats.column_map import load_column_map
from pumgpt.catalog.formats.compression import ending_of
from pumgpt.catalog.formats.jsonl import JSON_LINES
from pumgpt.catalog.formats.output import open_writer, write_packed_lines
from pumgpt.catalog.formats.registry import open_catalog
from pumgpt.catalog.photos.download import PhotoDownloads
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.enrich.executor import AnsweredRow, Executor, answer_locally
from pumgpt.enrich.report import ReportWriter
from pumgpt.enrich.summary import Summary
from pumgpt.jobs.journal import RunJournal, check_paths, read_rejected
from pumgpt.tasks.registry import get_task
from pumgpt.understand.intake import open_product
from pumgpt.understand.plan import (
    DEFAULT_PRECISION,
    Plan,
    category_ids,
    fingerprint,
    load_category_schemas,
    load_crosswalk,
    load_vocabulary,
    make_plan,
)

BATCH_PRODUCTS = 16

Progress = Callable[[Summary], None]


class EnrichInputs(NamedTuple):
    """An open catalogue, the model, and what the model is asked."""

    reader: CatalogReader
    backend: Backend
    plan: Plan


class EnrichJournal(RunJournal[Summary]):
    """The journal of `enrich`. Its answers are `Understanding`s."""

    summary_type = Summary

    def add(self, result: Understanding | RejectedRow) -> None:
        if isinstance(result, RejectedRow):
            self.reject(result)
            return
        # The file holds no maps of evidence: they are many times larger than the rest, and the report shows them.
        self.write(result.id, result.to_json(evidence=False))
        self.summary.add(result)

    def answers(self) -> Iterator[Understanding]:
        """The answers so far, in order."""
        return map(Understanding.model_validate_json, self.lines())


def open_inputs(
    in_path: Path,
    out_path: Path,
    load_backend: Callable[[], Backend],
    *,
    columns: Path | None = None,
    ids: str | None = None,
    tasks: Sequence[str] | None = None,
    taxonomy: Path | None = None,
    schema: Path | None = None,
    category_map: Path | None = None,
    value_map: Path | None = None,
    category_attributes: bool = False,
    precision: float = DEFAULT_PRECISION,
    precision_of: PrecisionOf = "all",
    overwrite_values: bool = False,
    evidence: bool = False,
) -> EnrichInputs:
    """Open everything that a run needs from the paths and names that a user gives.

    Raises `CatalogError`, `SchemaError`, `ModelError` or `UsageError` for what can't be used.
    """
    # The model comes last: it takes seconds to load, and a mistyped option should not wait for it.
    reader = open_catalog(in_path, load_column_map(columns, ids))
    check_paths(reader, out_path)
    task_names = None if tasks is None else [get_task(name).name for name in tasks]
    own_taxonomy, own_schema = load_vocabulary(taxonomy, schema)
    crosswalk = load_crosswalk(category_map, taxonomy)
    category_schemas = load_category_schemas(taxonomy) if category_attributes else None
    backend = load_backend()
    plan = make_plan(
        backend,
        tasks=task_names,
        taxonomy=own_taxonomy,
        schema=own_schema,
        crosswalk=crosswalk,
        value_map=value_map,
        precision=precision,
        precision_of=precision_of,
        overwrite_values=overwrite_values,
        evidence=evidence,
        category_schemas=category_schemas,
        columns=reader.attribute_columns,
    )
    reader.category_ids = category_ids(backend, plan)
    reader.name_attributes(plan.attribute_names)
    return EnrichInputs(reader, backend, plan)


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
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Answer every row of an open catalogue and write `out_path`. An interrupted run of the same fingerprint is resumed.

    Rows that can't be used go to `OUT.rejected.jsonl`. On Ctrl-C, finished batches are kept and `stopped` is set.
    Without `downloads`, photos by URL are not fetched. Without an `executor`, `backend` answers in this process.
    Raises `CatalogError` if nothing can be read or written, `UsageError` if `out_path` holds something else.
    """
    check_paths(reader, out_path)
    reader.check_contents()
    asked = {**fingerprint(backend, plan), "setting of --columns": repr(reader.given_columns)}
    if reader.numbers_rows:
        # Elsewhere the id of the last row shows whether a run goes on with its own catalogue; row 7 is in every one.
        first_row = repr(next(iter(reader.records()), None))
        asked["first row, and rows are known by their numbers"] = blake2b(first_row.encode(), digest_size=8).hexdigest()
    with EnrichJournal.open(out_path, asked, restart) as journal, ExitStack() as open_files:
        began = time.monotonic()
        has_report = journal.was_finished and report_path is not None and report_path.exists()
        report = None
        try:
            rows, done = journal.remaining_rows(reader), journal.summary.done
            if limit is not None:
                rows = islice(rows, max(limit - done, 0))
            answer = executor or partial(answer_locally, backend, plan, downloads)
            batches = iter(answer(rows, done, batch_products))
            # A finished run that is given again must leave its report alone, so the first batch decides.
            first = next(batches, None)
            if report_path is not None and (first or not has_report):
                ids = {record.id for record in journal.answers()}
                report = ReportWriter(report_path, report_title or reader.path.name, keep=ids)
                open_files.enter_context(report)
            for batch in chain([first] if first else [], batches):
                _record_batch(batch, journal, report, downloads if executor is not None else None)
                journal.summary.seconds = time.monotonic() - began
                if progress is not None:
                    progress(journal.summary)
        except KeyboardInterrupt:
            journal.rollback()
            journal.summary.stopped = True
        journal.summary.warnings = reader.warnings
        journal.summary.precision, journal.summary.precision_of = plan.precision, plan.precision_of
        _write_table(journal, reader, plan)
        journal.commit(finished=not journal.summary.stopped)
        if report is not None and not journal.summary.stopped:
            report.finish(journal.summary, read_rejected(out_path))
        return journal.summary


def _record_batch(
    batch: Sequence[AnsweredRow],
    journal: EnrichJournal,
    report: ReportWriter | None,
    downloads: PhotoDownloads | None,
) -> None:
    """Add a batch to the journal and the report. With `downloads`, the report opens photos itself: workers send none."""
    for number, (row, result) in enumerate(batch, start=journal.summary.done + 1):
        if isinstance(row, RejectedRow):
            journal.add(row)
        elif isinstance(result, Understanding):
            if report is not None:
                photos = row.opened if downloads is None else open_product(row.product, downloads).opened
                report.add(row.product, photos, result)
            journal.add(result)
        else:
            journal.add(RejectedRow(number, row.product.id, str(result)))
    # The report first: a card too many is dropped by the next run, a missing one can't be made again.
    if report is not None:
        report.flush()
    journal.commit()


def _write_table(journal: EnrichJournal, reader: CatalogReader, plan: Plan) -> None:
    """Write the output from the journal, unless it is JSON lines (the journal itself) or there already."""
    if journal.in_place or (journal.unchanged and journal.out.exists()):
        return
    if ending_of(journal.out) in JSON_LINES:  # packed: the journal itself is written on, which a packed file can't be
        write_packed_lines(journal.out, journal.flushed_answers())
        return
    names = list(plan.attribute_names) if "attribute_qa" in plan.asked else []
    if plan.category_schemas is not None:
        # Which attributes the categories brought is only known from the answers, and a table needs its columns first.
        brought = (field.name for answer in journal.answers() for field in answer.attributes or ())
        names = list(dict.fromkeys((*names, *brought)))
    with open_writer(
        journal.out,
        reader,
        attribute_names=names,
        overwrite_values=plan.overwrite_values,
        precision=plan.precision,
        category_id=plan.category_id,
        has_caption="caption" in plan.asked,
        has_category="category" in plan.asked,
    ) as writer:
        # Both are in the catalogue's order. Rows between two answers were rejected, or lie beyond `limit`.
        rows = iter(reader)
        for answer in journal.answers():
            for row in rows:
                if isinstance(row, Product) and row.id == answer.id:
                    writer.write(row, answer)
                    break
                writer.carry(row)
            else:
                raise journal.other_catalog(reader)
        for row in rows:
            writer.carry(row)
