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
def command(in_path: Path, columns: Path | None, allow_private_urls: bool, without_photos: bool, as_json: bool) -> None:
    """List the groups of listings in the catalogue IN that look like one product: alike to the byte ('exact'), with nearly the
    same photo ('photo'), or with nearly the same title ('title').

    One group a line, the ids in the order of the catalogue, separated by tabs.
    """
    from collections import Counter

    from pumgpt.catalog.duplicates import DuplicateFinder, opened_photos
    from pumgpt.catalog.formats.column_map import ColumnMap
    from pumgpt.catalog.formats.registry import read_catalog
    from pumgpt.catalog.photos.download import PhotoDownloads
    from pumgpt.catalog.product import Product
    from pumgpt.cli.console import print_json, quiet_stdout, say
    from pumgpt.cli.progress import RowsBar
    from pumgpt.errors import CatalogError

    column_map = None if columns is None else ColumnMap.load(columns)
    reader = read_catalog(in_path, column_map)
    finder, rows, rejected = DuplicateFinder(), 0, 0
    with (
        quiet_stdout(),
        PhotoDownloads(allow_private=allow_private_urls) as downloads,
        RowsBar("duplicates", reader.count()) as bar,
    ):
        for row in reader:
            if isinstance(row, Product):
                finder.add(row, () if without_photos else opened_photos(row, downloads))
                rows += 1
            else:
                rejected += 1
                say(f"row {row.row} (id {row.id}): {row.error}")
            bar.update(rows + rejected, 0, rejected)
        groups = list(finder.groups())
    for warning in reader.warnings:
        say(warning)
    if not rows:
        raise CatalogError(f"{in_path}: none of its {rejected} rows can be read; the lines above say why")
    if as_json:
        found = [{"kind": group.kind, "ids": list(group.ids)} for group in groups]
        print_json({"rows": rows, "rejected": rejected, "groups": found})
        return
    for group in groups:
        click.echo("\t".join((group.kind, *group.ids)))
    counts = Counter(group.kind for group in groups)
    told = ", ".join(f"{counts[kind]} by {kind}" for kind in ("exact", "photo", "title"))
    say(f"{rows:,} listings, {len(groups):,} groups that look like one: {told}")
