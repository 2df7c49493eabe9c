"""`pumgpt convert`: a catalogue's labels as a training file for other programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pumgpt.cli.options import FILE, catalog_options, category_ids_option, json_option

if TYPE_CHECKING:
    from pumgpt.catalog.photos.download import PhotoDownloads
    from pumgpt.catalog.product import Product


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
@category_ids_option
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
    ids: str | None,
    allow_private_urls: bool,
    taxonomy: Path | None,
    questions: int,
    seed: int,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write questions and answers about the products of the catalogue IN, from its own labels, to OUT: a .jsonl file with one
    conversation a line, or a .json file with a list of them.

    Photos that IN holds as bytes or names by URL go to a folder beside OUT; rows without a photo that can be used are named and
    left out. `pumgpt shards` makes training data for ourselves: split, balanced, with photos in it.
    """
    from pumgpt.catalog.conversations import write_training_file
    from pumgpt.catalog.formats.column_map import load_column_map
    from pumgpt.catalog.formats.registry import open_catalog
    from pumgpt.catalog.photos.download import PhotoDownloads
    from pumgpt.cli.console import print_json, say
    from pumgpt.cli.progress import ReadableProducts
    from pumgpt.errors import UsageError
    from pumgpt.model.card import category_ids
    from pumgpt.tasks.conversations import draw_conversations

    if out_path.exists() and not overwrite:
        raise UsageError(f"{out_path} is there already; name another, or --overwrite")
    column_map = load_column_map(columns, ids)
    reader = open_catalog(in_path, column_map, category_ids(taxonomy))
    products = ReadableProducts(reader, "convert")
    with PhotoDownloads(allow_private=allow_private_urls) as downloads:
        conversations = draw_conversations(_fetched_ahead(products, downloads), max_turns=questions, seed=seed)
        count = write_training_file(
            out_path, conversations, form, fetch=downloads, report=lambda id_, reason: say(f"id {id_}: {reason}")
        )
    left_out = products.rows - count
    if as_json:
        document = {"rows": products.rows, "rejected": products.rejected, "left_out": left_out, "conversations": count}
        print_json({**document, "out": str(out_path)})
        return
    say(
        f"{count:,} conversations about {products.rows:,} products in {out_path}; "
        f"{products.rejected + left_out:,} rows were left out"
    )


def _fetched_ahead(products: Iterable[Product], downloads: PhotoDownloads) -> Iterator[Product]:
    """The products, their photos being fetched by the batch: hosts are waited for together, not in turn."""
    source = iter(products)
    while batch := list(islice(source, 64)):
        downloads.prefetch_photos(batch)
        yield from batch
