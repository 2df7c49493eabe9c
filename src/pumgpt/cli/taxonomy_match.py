"""`pumgpt taxonomy match` and `match-values`: how a shop's words become the model's, written down for review."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pumgpt.cli.options import FILE, MODEL_HELP, Decorator, json_option
from pumgpt.errors import ModelError, UsageError

if TYPE_CHECKING:
    from pumgpt.backends.protocol import Capabilities
    from pumgpt.catalog.vocabulary.matching.attributes import AttributeMatches
    from pumgpt.catalog.vocabulary.matching.categories import CategoryMatch, CategoryMatches
    from pumgpt.catalog.vocabulary.schema import AttributeSchema
    from pumgpt.catalog.vocabulary.taxonomy import CategoryPath
    from pumgpt.model.card import CheckpointCard

_MOST_NAMED = 3
"""Categories of the model that are named behind one of the shop's."""

_model_option: Decorator = click.option(
    "--model", "model", default="nano", show_default=True, metavar="M", help=MODEL_HELP
)
_overwrite_option: Decorator = click.option("--overwrite", is_flag=True, help="Replace OUT where it is there already.")


@click.command("match")
@click.argument("taxonomy_path", type=FILE, metavar="TAXONOMY")
@click.argument("out_path", type=FILE, metavar="OUT")
@_model_option
@_overwrite_option
@json_option
def match_command(taxonomy_path: Path, out_path: Path, model: str, overwrite: bool, as_json: bool) -> None:
    """Match a model's categories with those of TAXONOMY by what they are called, and write the map to OUT (CSV) for review.

    Change its column 'to' where you know better, and give the file as --category-map. On the terminal: each of your categories,
    how it was found, and the model's categories that go there.
    """
    from pumgpt.catalog.vocabulary.matching.categories import load_maps, match_categories
    from pumgpt.catalog.vocabulary.taxonomies import load_taxonomy
    from pumgpt.cli.console import print_json, say

    _check_out(out_path, overwrite)
    shop = load_taxonomy(taxonomy_path)
    for warning in shop.warnings:
        say(warning)
    card, own = _read_card(model), own_vocabulary(model)
    if own.taxonomy is None:
        raise UsageError(f"--model {model}: lists no categories of its own, so that it is asked for yours as they are")
    found = match_categories(own.taxonomy, shop, load_maps(own.category_maps), own.schema)
    _write_category_map(out_path, found, card.name)
    told = found.told
    summary = f"{len(told):,} of {len(shop.paths):,} categories can be told by {card.name}; the map is in {out_path}"
    if as_json:
        print_json(
            {
                "categories": len(shop.paths),
                "told": len(told),
                "matches": [_document(match) for match in found.matches],
                "untold": [list(path) for path in shop.paths if path not in told],
                "out": str(out_path),
            }
        )
        return
    for path in shop.paths:
        kinds = ", ".join(sorted({match.kind for match in told.get(path, ())})) or "not found"
        sources = list(dict.fromkeys(_joined(match.source) for match in told.get(path, ())))
        more = f" and {len(sources) - _MOST_NAMED} more" if len(sources) > _MOST_NAMED else ""
        click.echo(f"{_joined(path)}\t{kinds}\t{'; '.join(sources[:_MOST_NAMED])}{more}")
    say(summary)


@click.command("match-values")
@click.argument("schema_path", type=FILE, metavar="SCHEMA")
@click.argument("out_path", type=FILE, metavar="OUT")
@_model_option
@_overwrite_option
@json_option
def match_values_command(schema_path: Path, out_path: Path, model: str, overwrite: bool, as_json: bool) -> None:
    """Match a model's attributes and values with those of SCHEMA, and write the map to OUT (CSV) for review.

    Change its columns where you know better, and give the file as --value-map.
    """
    from pumgpt.catalog.vocabulary.matching.attributes import match_attributes
    from pumgpt.catalog.vocabulary.matching.value_map import value_map_rows
    from pumgpt.catalog.vocabulary.schema import AttributeSchema
    from pumgpt.cli.console import print_json, say

    _check_out(out_path, overwrite)
    shop = AttributeSchema.load(schema_path)
    card = _read_card(model)
    own = _own_schema(card)
    if own is None:
        raise UsageError(f"--model {model}: lists no attributes of its own, so that it is asked for yours as they are")
    found = match_attributes(own, shop)
    with out_path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("attribute", "value", "to", "to_value"))
        writer.writerows(value_map_rows(found, own))
    if as_json:
        matches = [{"attribute": match.shop, "model": match.own, "values": match.values} for match in found.matches]
        print_json({"matches": matches, "unknown": [spec.name for spec in found.unmatched], "out": str(out_path)})
        return
    for line in _value_lines(found, own):
        click.echo(line)
    say(f"{len(found.matches)} of {len(shop.attributes)} attributes are known to {card.name}; the map is in {out_path}")


def _check_out(path: Path, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise UsageError(f"{path} is there already; name another, or --overwrite")


def own_vocabulary(model: str) -> Capabilities:
    """What a checkpoint lists of its own, read without loading it."""
    from pumgpt.backends.protocol import Capabilities
    from pumgpt.catalog.vocabulary.imagenet import NUM_CLASSES
    from pumgpt.catalog.vocabulary.taxonomy import Taxonomy
    from pumgpt.model.card import category_maps, read_config, resolve_checkpoint

    card, folder = _read_card(model), resolve_checkpoint(model)
    return Capabilities(
        taxonomy=Taxonomy.of(card.category_paths) if card.categories else None,
        category_maps=category_maps(folder),
        schema=_own_schema(card),
        knows_imagenet=read_config(folder).get("transfer_classes") == NUM_CLASSES,
    )


def _read_card(model: str) -> CheckpointCard:
    from pumgpt.model.card import read_card, resolve_checkpoint

    try:
        return read_card(resolve_checkpoint(model))
    except ModelError as error:
        raise ModelError(
            f"{error} (names are matched with a checkpoint's own; a scheme such as openai: has none)"
        ) from error


def _own_schema(card: CheckpointCard) -> AttributeSchema | None:
    from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec

    specs = tuple(AttributeSpec(name, tuple(values) or None) for name, values in card.attributes.items())
    return AttributeSchema(specs) if specs else None


def _write_category_map(path: Path, found: CategoryMatches, model: str) -> None:
    """As `Crosswalk` reads it; the columns behind are for people."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(f"# From the categories of {model} to those of the shop. An empty 'to' has no counterpart.\n")
        file.write(
            "# 'found' says how: by path, name, synonym, release (of a public taxonomy), or something broader.\n"
        )
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("from", "when", "to", "id", "found", "candidates"))
        for match in found.matches:
            when = f"{match.when.field}={match.when.value}" if match.when else ""
            target = _joined(match.target) if match.target else ""
            id_ = (found.shop.id_of(match.target) if match.target else None) or ""
            candidates = "; ".join(map(_joined, match.candidates))
            writer.writerow((_joined(match.source), when, target, id_, match.kind, candidates))


def _document(match: CategoryMatch) -> dict[str, object]:
    return {
        "from": list(match.source),
        "when": f"{match.when.field}={match.when.value}" if match.when else None,
        "to": list(match.target) if match.target else None,
        "found": match.kind,
        "candidates": [list(path) for path in match.candidates],
    }


def _value_lines(found: AttributeMatches, own: AttributeSchema) -> list[str]:
    lines = []
    for match in found.matches:
        missing = [value for value, shop in match.values.items() if shop is None]
        lost = f"no counterpart: {', '.join(missing)}" if missing else ""
        lines.append(f"{match.shop}\t{match.own}\t{lost}")
    return [
        *lines,
        *(f"{spec.name}\tnot known\tonly where a title or description states it" for spec in found.unmatched),
    ]


def _joined(path: CategoryPath) -> str:
    return " > ".join(path)
