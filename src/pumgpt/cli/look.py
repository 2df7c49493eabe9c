"""`pumgpt look`: how a catalogue is understood, before a model is asked anything."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pumgpt.cli.options import FILE, column_options, json_option

if TYPE_CHECKING:
    from pumgpt.catalog.vocabulary.taxonomy import Taxonomy


@click.command("look")
@click.argument("in_path", type=FILE, metavar="IN")
@column_options
@click.option("--taxonomy", type=FILE, metavar="F", help="Say which of the shop's categories are in this one.")
@click.option(
    "--rows",
    "max_rows",
    type=click.IntRange(min=1),
    default=1_000,
    show_default=True,
    metavar="N",
    help="Look at the first N rows.",
)
@json_option
def command(
    in_path: Path, columns: Path | None, ids: str | None, taxonomy: Path | None, max_rows: int, as_json: bool
) -> None:
    """Say how the catalogue IN is read: its format, which column is what, its first rows, what is missing, and where answers
    will be filled.

    Only the first rows are read, photos aren't opened, and nothing is written. The exit code is 1 if `enrich` would end at
    once.
    """
    from pumgpt.catalog.formats.column_map import load_column_map
    from pumgpt.catalog.formats.registry import read_catalog
    from pumgpt.catalog.profile import profile_catalog
    from pumgpt.cli.console import print_json
    from pumgpt.errors import CatalogError

    own_taxonomy = None
    if taxonomy is not None:
        from pumgpt.catalog.vocabulary.taxonomies import load_taxonomy

        own_taxonomy = load_taxonomy(taxonomy)
    reader = read_catalog(in_path, load_column_map(columns, ids))
    profile = profile_catalog(reader, max_rows, own_taxonomy)
    told = None if own_taxonomy is None else _told_categories(own_taxonomy)
    if as_json:
        print_json(profile.to_json() | ({"told": told} if told else {}))
    else:
        from rich.console import Console

        from pumgpt.cli.look_view import view

        Console(highlight=False).print(view(profile, told))
    if profile.error is not None:
        raise CatalogError(profile.error)


def _told_categories(taxonomy: Taxonomy) -> str | None:
    """How many of the shop's categories the model that ships can tell; None where all are its own."""
    from pumgpt.cli.taxonomy_match import own_vocabulary
    from pumgpt.understand.own_words import lead_to
    from pumgpt.understand.remarks import category_remark

    crosswalk = lead_to(taxonomy, own_vocabulary("nano"))
    return None if crosswalk is None else category_remark("nano", taxonomy, crosswalk)
