"""`pumgpt train`: one recipe, one run."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from pumgpt.cli.options import FILE, require_extra


@click.command("train")
@click.argument("recipe", type=FILE, metavar="RECIPE.yaml")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change one key of the recipe; repeatable."
)
@click.option("--restart", is_flag=True, help="Begin anew instead of going on where the last run was.")
def command(recipe: Path, overrides: tuple[str, ...], restart: bool) -> None:
    """Train a model as RECIPE.yaml says; run again, it goes on where it was."""
    require_extra("train", "train", "matplotlib", "sklearn")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    from pumgpt.training.run import train

    train(recipe, list(overrides), restart)
