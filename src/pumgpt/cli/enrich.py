"""`pumgpt enrich`: a whole catalogue, filled in."""

from __future__ import annotations

from collections.abc import Sequence
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
    from pumgpt.backends.protocol import Backend
    from pumgpt.catalog.formats.base import CatalogReader
    from pumgpt.catalog.photos.download import PhotoDownloads
    from pumgpt.enrich.executor import Engine
    from pumgpt.enrich.job import Preview
    from pumgpt.enrich.summary import Summary
    from pumgpt.understand.plan import Plan


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
    allow_private_urls: bool,
    taxonomy: Path | None,
    schema: Path | None,
    category_map: Path | None,
    category_attributes: bool,
    tasks: str | None,
    precision: float,
    model: str,
    device: str | None,
    batch_size: int | None,
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
    from pumgpt.catalog.formats.column_map import ColumnMap
    from pumgpt.catalog.formats.registry import read_catalog
    from pumgpt.catalog.photos.download import PhotoDownloads
    from pumgpt.cli.console import quiet_stdout, say
    from pumgpt.enrich.job import check_paths, preview
    from pumgpt.tasks.registry import get_task
    from pumgpt.understand.plan import (
        category_remarks,
        load_category_schemas,
        load_crosswalk,
        load_vocabulary,
        make_plan,
    )

    column_map = None if columns is None else ColumnMap.load(columns)
    reader = read_catalog(in_path, column_map)
    check_paths(reader, out_path)
    remarks = list(reader.warnings)
    names = None if tasks is None else [get_task(name.strip()).name for name in tasks.split(",") if name.strip()]
    own_taxonomy, own_schema = load_vocabulary(taxonomy, schema)
    crosswalk = load_crosswalk(category_map, taxonomy)
    by_category = load_category_schemas(taxonomy) if category_attributes else None
    with quiet_stdout(), PhotoDownloads(allow_private=allow_private_urls) as downloads:
        from pumgpt.backends.load import load_backend

        backend = load_backend(model, device, batch_size)
        plan = make_plan(
            backend,
            tasks=names,
            taxonomy=own_taxonomy,
            schema=own_schema,
            crosswalk=crosswalk,
            precision=precision,
            overwrite_values=overwrite_values,
            evidence=report_path is not None,
            category_schemas=by_category,
        )
        remarks += category_remarks(backend, plan)
        for remark in remarks:
            say(remark)
        if dry_run:
            found = preview(reader, plan, limit, downloads=downloads)
        else:
            elsewhere = None
            if engine == "ray":
                from pumgpt.enrich.ray import RayEngine

                load = partial(load_backend, model, device, batch_size)
                elsewhere = RayEngine(in_path, load, plan, column_map, allow_private_urls, workers)
            summary = _run(reader, out_path, backend, plan, elsewhere, restart, report_path, limit, downloads)
    if dry_run:
        return _conclude_preview(found, plan, remarks)
    from pumgpt.cli.enrich_view import print_summary

    return conclude(summary, out_path, as_json, lambda: print_summary(summary, out_path, report_path), remarks)


def _run(
    reader: CatalogReader,
    out_path: Path,
    backend: Backend,
    plan: Plan,
    engine: Engine | None,
    restart: bool,
    report_path: Path | None,
    limit: int | None,
    downloads: PhotoDownloads,
) -> Summary:
    from pumgpt.cli.progress import RowsBar
    from pumgpt.enrich.job import enrich

    total = reader.count()
    with RowsBar("enrich", total if limit is None or total is None else min(limit, total)) as rows_bar:
        return enrich(
            reader,
            out_path,
            backend,
            plan,
            engine=engine,
            limit=limit,
            downloads=downloads,
            restart=restart,
            report_path=report_path,
            report_title=f"What {backend.name} read in {reader.path.name}",
            progress=lambda summary: rows_bar.update(summary.done, summary.resumed, summary.rejected),
        )


def _conclude_preview(found: Preview, plan: Plan, said: Sequence[str]) -> int:
    from pumgpt.cli.console import say
    from pumgpt.cli.enrich_view import print_preview

    for warning in found.warnings:
        if warning not in said:
            say(warning)
    print_preview(found, plan)
    return 0
