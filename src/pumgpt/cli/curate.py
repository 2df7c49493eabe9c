"""`pumgpt curate`: which listed values can be told from photo and text at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pumgpt.cli.options import FILE, MODEL_HELP, category_ids_option, check_engine, engine_options, url_option
from pumgpt.cli.outcome import conclude
from pumgpt.curation.experts.registry import EXPERTS

if TYPE_CHECKING:
    from pumgpt.curation.curator import CurationRecipe, Source
    from pumgpt.curation.executor import Executor
    from pumgpt.curation.summary import CurationSummary


@click.command("curate")
@click.argument("in_path", type=FILE, metavar="IN")
@click.argument("out_path", type=FILE, metavar="OUT")
@click.option("--experts", metavar="A,B", help=f"Who judges: {', '.join(EXPERTS)}. Default: whoever can.")
@category_ids_option
@click.option(
    "--schema", type=FILE, metavar="F", help="Attributes: their values and synonyms, and CSV columns that hold them."
)
@click.option(
    "--values",
    type=click.Choice(["drop", "move", "keep"]),
    default="drop",
    show_default=True,
    help="What becomes of values that fail; move: to attributes_set_aside.",
)
@click.option(
    "--model", default="nano", show_default=True, metavar="M", help=f"Whom the expert 'vlm' asks: {MODEL_HELP}"
)
@click.option(
    "--similarity",
    default="nano",
    show_default=True,
    metavar="M",
    help="The expert's model: nano, or a CLIP or SigLIP by name.",
)
@click.option(
    "--judge", metavar="openai:NAME@URL", help="Endpoint of a language model that judges what the others can't settle."
)
@url_option
@engine_options
@click.option("--limit", type=click.IntRange(min=0), metavar="K", help="The first K rows only.")
@click.option("--restart", is_flag=True, help="Begin anew instead of going on where the last run was.")
@click.option("--report", "report_path", type=FILE, metavar="R.html", help="Leave a page with counts and examples too.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON document.")
def command(
    in_path: Path,
    out_path: Path,
    experts: str | None,
    taxonomy: Path | None,
    schema: Path | None,
    values: str,
    model: str,
    similarity: str,
    judge: str | None,
    allow_private_urls: bool,
    engine: str,
    workers: int | None,
    limit: int | None,
    restart: bool,
    report_path: Path | None,
    as_json: bool,
) -> int:
    """Judge the category and every listed value of the catalogue IN (CSV, JSONL, Parquet, Shopify's export, a Google feed),
    write OUT without those that fail.

    Every row gets one verdict a value: supported, contradicted or not inferable. A category is removed only where it is
    contradicted. Rows that can't be read go to
    OUT.rejected.jsonl. Interrupted, the same command goes on.
    """
    check_engine(engine, workers)
    from pumgpt.catalog.formats.registry import open_catalog
    from pumgpt.catalog.vocabulary.schema import AttributeSchema
    from pumgpt.cli.console import quiet_stdout
    from pumgpt.curation.curator import CurationRecipe
    from pumgpt.curation.experts.base import ExpertOptions
    from pumgpt.curation.experts.registry import choose_experts
    from pumgpt.curation.records import FailedValues
    from pumgpt.jobs.journal import check_paths
    from pumgpt.model.card import category_ids

    known_ids = category_ids(taxonomy)
    reader = open_catalog(in_path, category_ids=known_ids)
    check_paths(reader, out_path, annotated=True)
    options = ExpertOptions(
        schema=None if schema is None else AttributeSchema.load(schema),
        similarity=similarity,
        model=model,
        judge=judge,
        # Named, it is asked about every value; by default about the category alone, since that is one question a product.
        vlm_categories_only=experts is None,
    )
    names = None if experts is None else [name.strip() for name in experts.split(",") if name.strip()]
    chosen = choose_experts(names, options)
    recipe = CurationRecipe(
        in_path,
        out_path,
        chosen,
        options,
        FailedValues(values),
        category_ids=known_ids,
        allow_private_urls=allow_private_urls,
    )
    source = recipe.open_source(reader)
    with quiet_stdout():
        summary = _run(recipe, source, _executor(engine, workers, recipe), limit, restart)
        if report_path is not None and not summary.stopped:
            from pumgpt.curation.report import write_report
            from pumgpt.jobs.journal import read_rejected

            write_report(report_path, source, recipe.answers_path, summary, recipe.fusion, read_rejected(out_path))
    from pumgpt.cli.curate_view import print_summary

    return conclude(summary, out_path, as_json, lambda: print_summary(summary, out_path, report_path))


def _executor(engine: str, workers: int | None, recipe: CurationRecipe) -> Executor:
    from pumgpt.curation.executor import RayCurationExecutor, judge_locally

    return RayCurationExecutor(recipe, workers) if engine == "ray" else judge_locally


def _run(
    recipe: CurationRecipe, source: Source, executor: Executor, limit: int | None, restart: bool
) -> CurationSummary:
    from pumgpt.cli.progress import RowsBar
    from pumgpt.curation.job import curate

    total = source.reader.count()
    with RowsBar("curate", total if limit is None or total is None else min(limit, total)) as rows_bar:
        return curate(
            recipe.make_curator(source),
            recipe.out_path,
            recipe.fingerprint,
            executor=executor,
            limit=limit,
            restart=restart,
            progress=lambda summary: rows_bar.update(summary.done, summary.resumed, summary.rejected),
        )
