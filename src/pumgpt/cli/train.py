"""`pumgpt train`: one recipe, one run."""

from __future__ import annotations

import logging

import click

from pumgpt.cli.options import require_extra


@click.command("train")
@click.argument("recipe", metavar="RECIPE")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change one key of the recipe; repeatable."
)
@click.option("--restart", is_flag=True, help="Begin anew instead of going on where the last run was.")
def command(recipe: str, overrides: tuple[str, ...], restart: bool) -> None:
    """Train a model as RECIPE says: a file, or one that ships (adapt, adapt-stream). Run again, it goes on where it was."""
    require_extra("train", "train", "matplotlib", "sklearn")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    from pumgpt.training.recipe import resolve_recipe
    from pumgpt.training.run import train

    train(resolve_recipe(recipe), list(overrides), restart)
