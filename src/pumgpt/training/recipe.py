"""A training run, as one YAML file: what is trained, on what, how long. Copied beside the weights; unknown keys refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from pumgpt.errors import RecipeError, first_line
from pumgpt.training.stages.base import StageRecipe
from pumgpt.training.stages.registry import get_stage

SHIPPED = Path(__file__).resolve().parents[1] / "recipes"
"""Recipes that come with the package, by name."""


def resolve_recipe(recipe: str) -> Path:
    """The file of a recipe: a shipped one by name, else a path. Raises `RecipeError` where there is none."""
    shipped = SHIPPED / f"{recipe}.yaml"
    if "/" not in recipe and shipped.is_file():
        return shipped
    path = Path(recipe)
    if path.is_file():
        return path
    names = ", ".join(sorted(path.stem for path in SHIPPED.glob("*.yaml")))
    raise RecipeError(f"{recipe}: no such recipe or file; shipped are: {names}")


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> StageRecipe:
    """Read a recipe and apply `key.sub=value` overrides, whose values are YAML.

    The key `stage` decides which keys there are. Raises `RecipeError` naming the file and the key.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: can't be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise RecipeError(f"{path}: a recipe is a mapping of keys; {SHIPPED / 'adapt.yaml'} is one")
    for override in overrides:
        _override(document, override)
    try:
        stage = get_stage(str(document.get("stage")))
    except RecipeError as error:
        raise RecipeError(f"{path}: stage: {error}") from error
    try:
        return stage.recipe_class.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RecipeError(f"{path}: {where}: {first['msg'].removeprefix('Value error, ')}") from error


def _override(document: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    if not separator:
        raise RecipeError(f"--set {override}: write it as key=value, for example --set trainer.num_train_epochs=1")
    # A group that isn't there is made: its keys are checked with all others.
    *parents, leaf = key.split(".")
    place = document
    for parent in parents:
        place = place.setdefault(parent, {})
        if not isinstance(place, dict):
            raise RecipeError(f"--set {override}: '{parent}' is not a group of keys")
    try:
        place[leaf] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RecipeError(f"--set {override}: '{text}' is no YAML: {first_line(error)}") from error
