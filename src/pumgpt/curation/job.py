"""A run of `pumgpt curate`: every row of a catalogue is judged, journalled, and written in the order of the input."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from pumgpt.catalog.formats.annotated import AnnotatedRow
from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.formats.jsonl import plain_json
from pumgpt.catalog.formats.output import write_annotated
from pumgpt.catalog.product import Product
from pumgpt.curation.curator import Curator, JudgedBatch, Source
from pumgpt.curation.executor import Executor, judge_locally
from pumgpt.curation.records import (
    SET_ASIDE,
    VERDICTS_COLUMN,
    FailedValues,
    Verdicts,
    category_fails,
    curated_export,
    curated_record,
)
from pumgpt.curation.summary import CurationSummary
from pumgpt.errors import UsageError
from pumgpt.jobs.journal import Fingerprint, RunJournal, check_paths

Progress = Callable[[CurationSummary], None]


class CurationJournal(RunJournal[CurationSummary]):
    """The journal of a curation. If the output is JSON lines, its answers are the curated records, else the verdicts."""

    summary_type = CurationSummary

    def add(self, batch: JudgedBatch) -> None:
        for row in batch.rows:
            if isinstance(row, RejectedRow):
                self.reject(row)
            else:
                self.write(row.id, row.document)
                self.summary.add(row.verdicts)
        self.summary.add_calls(batch.calls)
        self.summary.unusable_photos += batch.unusable_photos
        for line in batch.warnings:
            self.summary.warn(line)
        self.commit()


def curate(
    curator: Curator,
    out_path: Path,
    fingerprint: Fingerprint,
    *,
    executor: Executor = judge_locally,
    limit: int | None = None,
    restart: bool = False,
    progress: Progress | None = None,
) -> CurationSummary:
    """Judge every row of the curator's source and write `out_path`. An interrupted run of the same fingerprint is resumed.

    Rows that can't be read go to `OUT.rejected.jsonl`. On Ctrl-C, finished batches are kept and `stopped` is set.
    Raises `CatalogError` if nothing can be read or written, `UsageError` if `out_path` holds something else.
    """
    source = curator.source
    check_paths(source.reader, out_path, annotated=True)
    with CurationJournal.open(out_path, fingerprint, restart) as journal:
        began = time.monotonic()
        costs_s = {expert.name: expert.cost for expert in curator.cascade.experts}
        warnings: list[str] = []
        try:
            journal.remaining_rows(source.reader)  # raises where the rows done are of another catalogue
            for batch in executor(curator, journal.summary.done, limit):
                journal.add(batch)
                journal.summary.seconds = time.monotonic() - began
                if progress is not None:
                    progress(journal.summary)
        except KeyboardInterrupt:
            if curator.downloads is not None:
                curator.downloads.stop()
            # The rollback replaces the summary by that of the last commit, and warnings are not journalled.
            warnings = journal.summary.warnings
            journal.rollback()
            journal.summary.stopped = True
        summary = journal.summary
        summary.costs_s = costs_s
        summary.warnings = [*source.reader.warnings, *(warnings or summary.warnings), *_warnings(source, journal)]
        # JSON lines are their own journal; any other format is written from the journal, once, at the end.
        if not journal.in_place and not (journal.unchanged and out_path.exists()):
            moves = curator.failed_values is FailedValues.MOVE
            columns = [SET_ASIDE, VERDICTS_COLUMN] if moves else [VERDICTS_COLUMN]
            rows = _annotated_rows(source, journal.lines(), curator.failed_values)
            write_annotated(out_path, source.reader, columns, rows)
        journal.commit(finished=not summary.stopped)
        return summary


def _annotated_rows(source: Source, lines: Iterable[bytes], failed_values: FailedValues) -> Iterator[AnnotatedRow]:
    """All rows of the catalogue in order; those that `lines` (`{"id", "verdicts"}`) judged have notes."""
    rows = (row for _, row in source.rows())
    for line in lines:
        answer = json.loads(line)
        # Rows between two answers were rejected, or lie beyond `--limit`: the output keeps them as they are.
        for row in rows:
            if isinstance(row, Product) and row.id == answer["id"]:
                yield _annotated_row(source, row, answer["verdicts"], failed_values)
                break
            yield AnnotatedRow(None, row.original)
        else:
            raise UsageError(f"{source.path} has changed since its rows were judged; begin anew with --restart")
    yield from (AnnotatedRow(None, row.original) for row in rows)


def _annotated_row(source: Source, product: Product, verdicts: Verdicts, failed_values: FailedValues) -> AnnotatedRow:
    notes = {VERDICTS_COLUMN: json.dumps(verdicts, ensure_ascii=False)}
    if source.remove_values is not None:
        original, aside = curated_export(product, verdicts, failed_values, source.remove_values, source.remove_category)
    else:
        original = curated_record(
            product,
            verdicts,
            failed_values,
            source.attribute_columns,
            read_columns=source.read_columns,
            remove_category=source.remove_category,
        )
        aside = original.get(SET_ASIDE)
    if aside:
        notes[SET_ASIDE] = json.dumps(aside, ensure_ascii=False, default=plain_json)
    if failed_values is not FailedValues.KEEP and source.remove_category is not None and category_fails(verdicts):
        # A table of other types writes the category from the product.
        product = replace(product, category=None, category_id=None)
    return AnnotatedRow(product, original, notes)


def _warnings(source: Source, journal: CurationJournal) -> Iterator[str]:
    summary = journal.summary
    if summary.unusable_photos:
        yield f"{summary.unusable_photos:,} photos could not be used; their rows were judged without them"
    if summary.rows and not summary.values:
        yield (
            f"{source.path}: no row lists a value; give 'attributes' (JSON lines, Parquet), or a --schema that names "
            "the columns that hold them"
        )
    if journal.in_place and source.reader.schema is not None and "binary" in str(source.reader.schema):
        yield f"{journal.out}: JSON lines can't hold the photos' bytes; name a .parquet output to keep them"
