"""`pumgpt remember`: a model that knows a shop's labelled products, without training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pumgpt.cli.options import FILE, catalog_options, category_ids_option, json_option, require_extra

if TYPE_CHECKING:
    from pumgpt.training.remember import Remembered


@click.command("remember")
@click.argument("in_path", type=FILE, metavar="IN")
@click.argument("out_path", type=FILE, metavar="OUT")
@click.option(
    "--model", default="nano", show_default=True, metavar="M", help="nano (shipped), or a checkpoint's folder."
)
@click.option("--device", help="cpu, cuda, cuda:1, mps. By default the best there is.")
@click.option(
    "--sample",
    type=click.IntRange(min=0),
    default=500,
    show_default=True,
    metavar="K",
    help="So many of the products are asked, to fit how much the others count.",
)
@catalog_options
@category_ids_option
@click.option("--overwrite", is_flag=True, help="Replace OUT where it is there already.")
@json_option
def command(
    in_path: Path,
    out_path: Path,
    model: str,
    device: str | None,
    sample: int,
    columns: Path | None,
    ids: str | None,
    allow_private_urls: bool,
    taxonomy: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write to the folder OUT a model that remembers the labelled products of the catalogue IN.

    It asks for the categories and attribute values of IN, and products of IN that look like the one asked about have a say in
    its answers. Nothing is trained; give OUT as --model to any command. What the model says of a product that it remembers is
    little more than that product's own label.
    """
    from contextlib import ExitStack

    from pumgpt.catalog.formats.base import RejectedRow
    from pumgpt.catalog.formats.column_map import load_column_map
    from pumgpt.catalog.formats.registry import open_catalog
    from pumgpt.catalog.photos.download import PhotoDownloads
    from pumgpt.cli.console import print_json, quiet_stdout, say
    from pumgpt.cli.progress import RowsBar
    from pumgpt.errors import UsageError
    from pumgpt.model.card import CARD_FILE, category_ids, resolve_checkpoint

    require_extra("remember", "train", "sklearn")
    if out_path.exists() and not overwrite:
        raise UsageError(f"{out_path} is there already; name another, or --overwrite")
    if out_path.exists() and not (out_path / CARD_FILE).is_file():
        raise UsageError(f"{out_path} is not the folder of a model, so it is not replaced; name another")
    folder, column_map = resolve_checkpoint(model), load_column_map(columns, ids)
    reader = open_catalog(in_path, column_map, category_ids(taxonomy))
    # PyTorch is imported only after everything that can be refused without it.
    from pumgpt.training.labelled import PRODUCTS_AT_ONCE
    from pumgpt.training.remember import remember
    from pumgpt.understand.intake import Intake, open_batches, open_product

    rejected = 0
    with quiet_stdout(), PhotoDownloads(allow_private=allow_private_urls) as downloads, ExitStack() as bars:

        def intakes() -> Iterator[Intake]:
            nonlocal rejected
            rows = 0
            with RowsBar("remember", reader.count()) as bar:
                for batch in open_batches(enumerate(reader, start=1), PRODUCTS_AT_ONCE, downloads=downloads):
                    for row in batch:
                        rows += 1
                        if isinstance(row, RejectedRow):
                            rejected += 1
                            say(f"row {row.row} (id {row.id}): {row.error}")
                        else:
                            yield row
                    bar.update(rows, 0, rejected)

        asked_bar = RowsBar("ask", None)

        def show_asked(count: int) -> None:
            # Entered late: a terminal shows one bar at a time, and the first one is closed by now.
            if count == 0:
                bars.enter_context(asked_bar)
            asked_bar.update(count, 0, 0)

        result = remember(
            folder,
            intakes(),
            out_path,
            sample=sample,
            device=device,
            open_again=lambda product: open_product(product, downloads).photos,
            asked=show_asked,
        )
    for warning in reader.warnings:
        say(warning)
    if as_json:
        print_json(_as_json(result, rejected, out_path))
    else:
        _print_table(result, rejected, out_path)


def _as_json(result: Remembered, rejected: int, out_path: Path) -> dict[str, object]:
    fields = {
        report.name: {
            "values": report.values,
            "asked": report.asked,
            "accuracy_alone": report.alone,
            "held_out": report.score and asdict(report.score),
            "curve": [point._asdict() for point in report.curve],
        }
        for report in result.fields
    }
    return {
        "products": result.products,
        "known_before": result.known_before,
        "skipped": result.skipped,
        "rejected": rejected,
        "fields": fields,
        "out": str(out_path),
    }


def _print_table(result: Remembered, rejected: int, out_path: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from pumgpt.cli.console import say
    from pumgpt.training.data.labels import CATEGORY
    from pumgpt.training.field_fit import describe, describe_curve

    table = Table(box=None, pad_edge=False)
    for title in ("field", "values", "asked", "right alone", "right remembering", "filled", "of these right"):
        table.add_column(title, justify="left" if title == "field" else "right")
    for report in result.fields:
        figures = ["too few", "", "", ""]
        if report.alone is not None and (score := report.score) is not None:
            shares = [f"{report.alone:.3f}", f"{score.right / score.asked:.3f}"]
            figures = [*shares, f"{score.filled:,}", f"{score.filled_right:,}"]
        table.add_row(report.name, f"{report.values:,}", f"{report.asked:,}", *figures)
    Console(stderr=True, highlight=False).print(table)
    for report in result.fields:
        if report.score is None or not report.score.filled:
            say(describe(report))
    for report in result.fields:
        if report.name == CATEGORY and len(report.curve) > 1:
            say(describe_curve(report))
    before = f", beside {result.known_before:,} that it knew before" if result.known_before else ""
    left_out = result.skipped + rejected
    say(f"{out_path} remembers {result.products:,} products{before}; {left_out:,} rows had no photo or no label")
