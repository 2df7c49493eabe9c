"""`pumgpt duplicates`: listings of a catalogue that look like the same product."""

from __future__ import annotations

from pathlib import Path

import click

from pumgpt.cli.options import FILE, catalog_options, json_option


@click.command("duplicates")
@click.argument("in_path", type=FILE, metavar="IN")
@catalog_options
@click.option("--without-photos", is_flag=True, help="Go by the text alone: open and fetch no photo.")
@json_option
def command(
    in_path: Path,
    columns: Path | None,
    ids: str | None,
    allow_private_urls: bool,
    without_photos: bool,
    as_json: bool,
) -> None:
    """List the groups of listings in the catalogue IN that look like one product: alike to the byte ('exact'), with copies of
    one photo in another size, compression or margin ('photo'), or with nearly the same title ('title').

    One group a line, the ids in the order of the catalogue, separated by tabs.
    """
    from collections import Counter

    from pumgpt.catalog.duplicates import DuplicateFinder, opened_photos
    from pumgpt.catalog.formats.column_map import load_column_map
    from pumgpt.catalog.formats.registry import open_catalog
    from pumgpt.catalog.photos.download import PhotoDownloads
    from pumgpt.cli.console import print_json, quiet_stdout, say
    from pumgpt.cli.progress import ReadableProducts

    column_map = load_column_map(columns, ids)
    reader = open_catalog(in_path, column_map)
    finder, products = DuplicateFinder(), ReadableProducts(reader, "duplicates")
    with quiet_stdout(), PhotoDownloads(allow_private=allow_private_urls) as downloads:
        for product in products:
            finder.add(product, () if without_photos else opened_photos(product, downloads))
        groups = list(finder.groups())
    if as_json:
        documents = [{"kind": group.kind, "ids": list(group.ids)} for group in groups]
        print_json(
            {
                "rows": products.rows,
                "rejected": products.rejected,
                "plain_photos": finder.num_plain_photos,
                "groups": documents,
            }
        )
        return
    for group in groups:
        click.echo("\t".join((group.kind, *group.ids)))
    counts = Counter(group.kind for group in groups)
    by_kind = ", ".join(f"{counts[kind]} by {kind}" for kind in ("exact", "photo", "title"))
    if finder.num_plain_photos:
        say(f"{finder.num_plain_photos:,} photos of one plain colour: can't be told apart, so they weren't compared")
    say(f"{products.rows:,} listings, {len(groups):,} groups that look like one: {by_kind}")
