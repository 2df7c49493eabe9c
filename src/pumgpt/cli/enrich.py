"""`pumgpt enrich`: a whole catalogue, filled in."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pumgpt.cli.options import (
    FILE,
    catalog_options,
    check_engine,
    engine_options,
    model_options,
    precision_option,
    vocabulary_options,
)
from pumgpt.cli.outcome import conclude

if TYPE_CHECKING:
    from pumgpt.backends.calibration import PrecisionOf
    from pumgpt.backends.registry import MemoryUse
    from pumgpt.catalog.photos.download import PhotoDownloads
    from pumgpt.enrich.executor import Executor
    from pumgpt.enrich.job import EnrichInputs
    from pumgpt.enrich.summary import Summary


@click.command("enrich")
@click.argument("in_path", type=FILE, metavar="IN")
@click.argument("out_path", type=FILE, metavar="OUT")
@catalog_options
@vocabulary_options
@click.option(
    "--category-attributes",
    is_flag=True,
    help="Ask for the attributes that a product's category brings in --taxonomy too.",
)
@click.option("--tasks", metavar="A,B", help="What to ask: caption, category, attributes, ... By default these three.")
@precision_option
@model_options
@engine_options
@click.option("--limit", type=click.IntRange(min=0), metavar="K", help="The first K rows only.")
@click.option("--dry-run", is_flag=True, help="Read everything, say what would be asked, write nothing.")
@click.option("--overwrite-values", is_flag=True, help="Put the model's values, where it is sure, over the shop's own.")
@click.option("--restart", is_flag=True, help="Begin anew instead of going on where the last run was.")
@click.option(
    "--report", "report_path", type=FILE, metavar="R.html", help="Leave a page with photos and all fields too."
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON document.")
def command(
    in_path: Path,
    out_path: Path,
    columns: Path | None,
    ids: str | None,
    allow_private_urls: bool,
    taxonomy: Path | None,
    schema: Path | None,
    category_map: Path | None,
    value_map: Path | None,
    category_attributes: bool,
    tasks: str | None,
    precision: float,
    precision_of: PrecisionOf,
    model: str,
    device: str | None,
    batch_size: int | None,
    memory: MemoryUse,
    engine: str,
    workers: int | None,
    limit: int | None,
    dry_run: bool,
    overwrite_values: bool,
    restart: bool,
    report_path: Path | None,
    as_json: bool,
) -> int:
    """Read the catalogue IN, answer every row, write OUT.

    Catalogues are CSV, TSV, JSON lines, Parquet, Shopify's product CSV and Google Merchant feeds (text or XML); what comes
    from a system goes back in its own form.

    Rows that can't be read go to OUT.rejected.jsonl. Interrupted, the same command goes on where it was.
    """
    check_engine(engine, workers)
    from pumgpt.backends.load import load_backend
    from pumgpt.catalog.photos.download import PhotoDownloads
    from pumgpt.cli.console import quiet_stdout, say
    from pumgpt.cli.enrich_view import print_preview, print_summary
    from pumgpt.enrich.executor import RayExecutor
    from pumgpt.enrich.job import open_inputs
    from pumgpt.enrich.preview import preview
    from pumgpt.understand.remarks import calibration_remarks, vocabulary_remarks

    # A partial, not a closure: workers of Ray load the model with it, and it has to be pickled on its way there.
    load = partial(load_backend, model, device, batch_size, memory)
    with quiet_stdout(), PhotoDownloads(allow_private=allow_private_urls) as downloads:
        inputs = open_inputs(
            in_path,
            out_path,
            load,
            columns=columns,
            ids=ids,
            tasks=None if tasks is None else [name.strip() for name in tasks.split(",") if name.strip()],
            taxonomy=taxonomy,
            schema=schema,
            category_map=category_map,
            value_map=value_map,
            category_attributes=category_attributes,
            precision=precision,
            precision_of=precision_of,
            overwrite_values=overwrite_values,
            evidence=report_path is not None,
        )
        reader, backend, plan = inputs
        # Known before the first row, so they are printed before the progress bar and not repeated at the end.
        warnings = [*reader.warnings, *vocabulary_remarks(backend, plan), *calibration_remarks(backend)]
        for warning in warnings:
            say(warning)
        if dry_run:
            result = preview(reader, plan, limit, downloads=downloads)
        else:
            executor = None
            if engine == "ray":
                executor = RayExecutor(in_path, load, plan, reader.given_columns, allow_private_urls, workers)
            summary = _run(inputs, out_path, executor, restart, report_path, limit, downloads)
    if dry_run:
        for warning in result.warnings:
            if warning not in warnings:
                say(warning)
        print_preview(result, plan)
        return 0
    return conclude(summary, out_path, as_json, lambda: print_summary(summary, out_path, report_path), warnings)


def _run(
    inputs: EnrichInputs,
    out_path: Path,
    executor: Executor | None,
    restart: bool,
    report_path: Path | None,
    limit: int | None,
    downloads: PhotoDownloads,
) -> Summary:
    from pumgpt.cli.progress import RowsBar
    from pumgpt.enrich.job import enrich

    reader, backend, plan = inputs
    total = reader.count()
    with RowsBar("enrich", total if limit is None or total is None else min(limit, total)) as rows_bar:
        return enrich(
            reader,
            out_path,
            backend,
            plan,
            executor=executor,
            limit=limit,
            downloads=downloads,
            restart=restart,
            report_path=report_path,
            report_title=f"What {backend.name} read in {reader.path.name}",
            progress=lambda summary: rows_bar.update(summary.done, summary.resumed, summary.rejected),
        )
