"""Options that several commands share, so that they are called and explained alike everywhere."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from pumgpt.errors import UsageError

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class _FilePath(click.Path):
    """A path that isn't opened, and never `-`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        # Catalogues are read more than once and outputs are resumed, neither of which a pipe allows. Taken as a name,
        # `-` would become a folder of that name.
        if value == "-":
            raise UsageError("-: standard input and output are not supported; name a file (./- for one of that name)")
        return super().convert(value, param, ctx)


FILE = _FilePath(path_type=Path)
"""A path that click doesn't open: the reader of the file knows what should be in it and reports better errors."""

MODEL_HELP = "nano (shipped), a checkpoint's folder, a hub name, or openai:NAME@BASE_URL."


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Which model, and where it runs."""
    command = click.option(
        "--memory",
        type=click.Choice(["all", "none"]),
        default="all",
        show_default=True,
        help="none: answer without labelled products that were remembered, and without the classes of ImageNet.",
    )(command)
    command = click.option("--batch-size", type=click.IntRange(min=1), help="Photos in one pass of the model.")(command)
    command = click.option("--device", help="cpu, cuda, cuda:1, mps. By default the best there is.")(command)
    return click.option("--model", "model", default="nano", show_default=True, metavar="M", help=MODEL_HELP)(command)


def vocabulary_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The shop's own categories and attributes."""
    command = click.option(
        "--category-map", type=FILE, metavar="F", help="From the model's categories to those of --taxonomy."
    )(command)
    command = click.option(
        "--value-map", type=FILE, metavar="F", help="From the model's attributes and values to those of --schema."
    )(command)
    command = click.option("--schema", type=FILE, metavar="F", help="Attributes to fill. Default: the model's.")(
        command
    )
    return click.option("--taxonomy", type=FILE, metavar="F", help="Valid categories. Default: the model's.")(command)


category_ids_option: Decorator = click.option(
    "--taxonomy",
    type=FILE,
    metavar="F",
    help="What the ids mean that IN has as categories. Shopify's are known without.",
)
"""For commands that take the categories as they are, and only look up those that are given as ids."""

url_option: Decorator = click.option(
    "--allow-private-urls", is_flag=True, help="Fetch photos from this machine's own network too."
)


def catalog_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """How a catalogue is read."""
    command = url_option(command)
    return column_options(command)


def column_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Which column of a catalogue is read as what."""
    command = click.option(
        "--ids", metavar="COLUMN", help="The column that holds the ids; row-number numbers the rows instead."
    )(command)
    return click.option(
        "--columns", "columns", type=FILE, metavar="F", help="Which column is read as what (YAML). Default: a guess."
    )(command)


def precision_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """How sure the model must be of what it fills in."""
    command = click.option(
        "--precision-of",
        type=click.Choice(["all", "each"]),
        default="all",
        show_default=True,
        help="What P is asked of: all filled values of a field together, or each value by its own confidence.",
    )(command)
    return click.option(
        "--precision",
        type=click.FloatRange(0, 1),
        default=0.9,
        show_default=True,
        metavar="P",
        help="Abstain so that a share P of the filled fields is right (on validation data); 0 fills every field.",
    )(command)


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Which executor runs the job; see `check_engine`."""
    command = click.option(
        "--workers", type=click.IntRange(min=1), metavar="N", help="With --engine ray: how many. By default one a core."
    )(command)
    return click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True)(command)


def check_engine(engine: str, workers: int | None) -> None:
    """Raise `UsageError` if Ray isn't installed, or workers are asked of the local executor."""
    # `find_spec` instead of an import: importing Ray is slow.
    if engine == "ray" and find_spec("ray") is None:
        raise UsageError("--engine ray needs Ray; pip install 'pumgpt[ray]'")
    if engine != "ray" and workers is not None:
        raise UsageError("--workers belongs to --engine ray; leave it out")


def require_extra(command: str, extra: str, *modules: str) -> None:
    """Raise `UsageError` where a package of an extra is missing, before the work that needs it is begun."""
    absent = [module for module in modules if find_spec(module) is None]
    if absent:
        raise UsageError(f"{command} needs {' and '.join(absent)}; pip install 'pumgpt[{extra}]'")


json_option: Decorator = click.option("--json", "as_json", is_flag=True, help="Print exactly one JSON document.")
