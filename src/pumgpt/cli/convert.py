"""`pumgpt convert`: what a catalogue's labels teach, as a file for other training programs."""

from __future__ import annotations

from pathlib import Path

import click

from pumgpt.cli.options import FILE, catalog_options, json_option


@click.command("convert")
@click.argument("in_path", type=FILE, metavar="IN")
@click.argument("out_path", type=FILE, metavar="OUT")
@click.option(
    "--to",
    "form",
    type=click.Choice(["messages", "llava", "sharegpt"]),
    required=True,
    help="messages: TRL and chat templates; llava and sharegpt: as those projects have them.",
)
@catalog_options
@click.option(
    "--questions", type=click.IntRange(min=1), default=4, show_default=True, help="The most about one product."
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--overwrite", is_flag=True, help="Replace OUT where it is there already.")
@json_option
def command(
    in_path: Path,
    out_path: Path,
    form: str,
    columns: Path | None,
    allow_private_urls: bool,
    questions: int,
    seed: int,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write questions and answers about the products of the catalogue IN, from its own labels, to OUT: a .jsonl file with one
    conversation a line, or a .json file with a list of them.

    Photos that IN holds as bytes go to a folder beside OUT. `pumgpt shards` makes training data for ourselves: split,
    balanced, with photos in it.
    """
    from collections.abc import Iterator

    from pumgpt.catalog.conversations import write_training_file
    from pumgpt.catalog.formats.column_map import ColumnMap
    from pumgpt.catalog.formats.registry import read_catalog
    from pumgpt.catalog.product import Product
    from pumgpt.cli.console import print_json, say
    from pumgpt.cli.progress import RowsBar
    from pumgpt.errors import CatalogError, UsageError
    from pumgpt.tasks.conversations import draw_conversations

    if out_path.exists() and not overwrite:
        raise UsageError(f"{out_path} is there already; name another, or --overwrite")
    column_map = None if columns is None else ColumnMap.load(columns)
    reader = read_catalog(in_path, column_map)
    rows = rejected = 0
    with RowsBar("convert", reader.count()) as bar:

        def products() -> Iterator[Product]:
            nonlocal rows, rejected
            for row in reader:
                if isinstance(row, Product):
                    rows += 1
                    yield row
                else:
                    rejected += 1
                    say(f"row {row.row} (id {row.id}): {row.error}")
                bar.update(rows + rejected, 0, rejected)
            if not rows:
                raise CatalogError(f"{in_path}: none of its {rejected:,} rows can be read, so nothing was written")

        drawn = draw_conversations(products(), max_turns=questions, seed=seed)
        count = write_training_file(out_path, drawn, form)
    for warning in reader.warnings:
        say(warning)
    if as_json:
        print_json({"rows": rows, "rejected": rejected, "conversations": count, "out": str(out_path)})
        return
    say(f"{count:,} conversations about {rows:,} products in {out_path}; {rejected:,} rows were left out")
