"""`pumgpt shards`: from a curated catalogue to training data."""

from __future__ import annotations

from pathlib import Path

import click

from pumgpt.cli.options import FILE, catalog_options, category_ids_option, json_option

SHARE = click.FloatRange(0, 1)


@click.command("shards")
@click.argument("catalogs", type=FILE, metavar="IN...", nargs=-1, required=True)
@click.argument("out_path", type=FILE, metavar="FOLDER")
@catalog_options
@category_ids_option
@click.option(
    "--schema", type=FILE, metavar="F", help="Attributes, their values and translations. Default: what IN has."
)
@click.option("--held-out", type=SHARE, default=0.05, show_default=True, metavar="P", help="Share kept for validation.")
@click.option("--open-domain", type=FILE, metavar="F", help="Photos of anything, with captions, to mix in.")
@click.option("--open-domain-share", type=SHARE, default=0.2, show_default=True, metavar="P", help="Their share.")
@click.option(
    "--questions", type=click.IntRange(min=1), default=4, show_default=True, help="The most about one product."
)
@click.option(
    "--evenness",
    type=SHARE,
    default=0.5,
    show_default=True,
    metavar="P",
    help="1: all categories alike; 0: as they are.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@json_option
def command(
    catalogs: tuple[Path, ...],
    out_path: Path,
    columns: Path | None,
    ids: str | None,
    allow_private_urls: bool,
    taxonomy: Path | None,
    schema: Path | None,
    held_out: float,
    open_domain: Path | None,
    open_domain_share: float,
    questions: int,
    evenness: float,
    seed: int,
    as_json: bool,
) -> None:
    """Turn the catalogues IN, best curated, into questions and answers: Parquet shards in FOLDER.

    `datasets.load_dataset` streams them, and a recipe of `pumgpt train` names them as its data. Listings that look like one
    product are never torn apart between train and validation.
    """
    from pumgpt.catalog.formats.column_map import load_column_map
    from pumgpt.catalog.photos.download import PhotoDownloads
    from pumgpt.catalog.vocabulary.schema import AttributeSchema
    from pumgpt.cli.console import print_json, quiet_stdout, say
    from pumgpt.cli.progress import RowsBar
    from pumgpt.model.card import category_ids
    from pumgpt.training.data.shards import ShardRecipe, write_shards

    recipe = ShardRecipe(held_out, open_domain, open_domain_share, questions, evenness, seed=seed)
    own_schema = None if schema is None else AttributeSchema.load(schema)
    column_map = load_column_map(columns, ids)
    with quiet_stdout(), PhotoDownloads(allow_private=allow_private_urls) as downloads, RowsBar("shards", None) as bar:
        summary = write_shards(
            catalogs,
            out_path,
            recipe,
            own_schema,
            downloads,
            column_map,
            category_ids(taxonomy),
            lambda done: bar.update(done.rows.total(), 0, done.left_out),
        )
    for warning in summary.warnings:
        say(warning)
    document = {
        "rows": dict(summary.rows),
        "open_domain": summary.open_domain,
        "questions": dict(summary.tasks),
        "groups": summary.groups,
        "left_out": summary.left_out,
        "files": [str(file) for file in summary.files],
    }
    if as_json:
        print_json(document)
        return
    click.echo(f"train       {summary.rows['train']} conversations, {summary.open_domain} of them open-domain")
    click.echo(f"validation  {summary.rows['validation']} conversations")
    click.echo("questions   " + ", ".join(f"{name} {count}" for name, count in summary.tasks.most_common()))
    click.echo(f"groups      {summary.groups} of listings that look like one; each is on one side only")
    click.echo(f"left out    {summary.left_out} products without a photo that opens, or with nothing to teach")
    click.echo(f"files       {len(summary.files)} in {out_path}")
