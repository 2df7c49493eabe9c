"""`pumgpt info`: what a model is, without loading it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pumgpt.cli.options import json_option

if TYPE_CHECKING:
    from rich.console import RenderableType


@click.command("info")
@click.argument("model", default="nano")
@json_option
def command(model: str, as_json: bool) -> None:
    """Say where MODEL is (nano by default), how large, what it was trained on and how good it is."""
    facts = collect_facts(model)
    if as_json:
        from pumgpt.cli.console import print_json

        print_json(facts)
        return
    from rich.console import Console

    Console(highlight=False).print(_view(facts))


def collect_facts(model: str) -> dict[str, Any]:
    """Everything that `--json` prints. Reads `config.json`, `pumgpt.json` and the headers of the weights only."""
    from pumgpt.model.card import count_parameters, count_remembered, read_card, read_config, resolve_checkpoint

    folder = resolve_checkpoint(model)
    card, config = read_card(folder), read_config(folder)
    parts = count_parameters(folder)
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = {path.relative_to(folder).as_posix(): path.stat().st_size for path in paths}
    return {
        "name": card.name,
        "revision": card.revision,
        "path": str(folder.resolve()),
        "model_type": config.get("model_type"),
        "dtype": config.get("dtype") or config.get("torch_dtype"),
        "parameters": {"total": sum(parts.values()), **parts},
        "remembered_products": count_remembered(folder),
        "files": files,
        "bytes": sum(files.values()),
        "tasks": card.tasks,
        "categories": [" > ".join(path) for path in card.category_paths],
        "attributes": card.attributes,
        "quality": card.quality,
        "training_data": card.training_data,
    }


def _view(facts: dict[str, Any]) -> RenderableType:
    from rich.table import Table

    table = Table.grid(padding=(0, 3))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    parts = {name: count for name, count in facts["parameters"].items() if name != "total"}
    table.add_row("model", f"[bold]{facts['name']}[/bold] ({facts['revision']})")
    table.add_row("path", facts["path"])
    table.add_row("size", f"{facts['bytes'] / 1e6:.1f} MB in {len(facts['files'])} files")
    table.add_row("parameters", f"{facts['parameters']['total']:,}")
    for name, count in parts.items():
        table.add_row("", f"{count:>12,}  {name}")
    if facts["remembered_products"]:
        table.add_row("remembers", f"{facts['remembered_products']:,} products")
    table.add_row("tasks", ", ".join(facts["tasks"]) or "not stated")
    table.add_row("categories", f"{len(facts['categories'])} paths" if facts["categories"] else "none of its own")
    for place, (name, values) in enumerate(facts["attributes"].items()):
        table.add_row("" if place else "attributes", f"{name}: {_shorten(values)}")
    for place, (name, value) in enumerate(_flatten(facts["quality"])):
        table.add_row("" if place else "quality", f"{name}: {value}")
    for place, source in enumerate(facts["training_data"]):
        table.add_row("" if place else "trained on", str(source))
    return table


def _shorten(values: list[str], most: int = 8) -> str:
    rest = len(values) - most
    return ", ".join(values[:most]) + (f", and {rest} more" if rest > 0 else "")


def _flatten(tree: Any, name: str = "") -> list[tuple[str, str]]:
    """Nested measures as 'category.leaf: 0.87'."""
    if not isinstance(tree, dict):
        return [(name, _measured(tree))]
    return [leaf for key, value in tree.items() for leaf in _flatten(value, f"{name}.{key}" if name else str(key))]


def _measured(value: Any) -> str:
    """A measure: a share, its interval and the number of cases, and perhaps a remark; or one number."""
    if isinstance(value, list) and len(value) >= 4:
        share, low, high, count, *remarks = value
        shown = f"{share:.3f} [{low:.3f}, {high:.3f}] n={count}" if share is not None else f"n/a n={count}"
        return ", ".join([shown, *map(str, remarks)])
    return f"{value:.3f}" if isinstance(value, float) else str(value)
