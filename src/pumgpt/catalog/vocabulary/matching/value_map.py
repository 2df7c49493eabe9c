"""From a model's values to a shop's, as a table that a user reviews.

CSV, one value a row; lines that start with '#' are comments:

    attribute,value,to,to_value
    colour,Navy Blue,Farbe,Blau
    gender,Unisex,Geschlecht,

The first two are the model's, the others the shop's. An empty `to_value` says that the shop has none for it. An attribute of the
shop that is open has one row without values: the model's words are taken as they are. An attribute that isn't in the table
isn't asked of the model.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from pumgpt.catalog.vocabulary.matching.attributes import AttributeMatch, AttributeMatches
from pumgpt.catalog.vocabulary.schema import AttributeSchema
from pumgpt.catalog.vocabulary.text_files import read_text
from pumgpt.errors import SchemaError

COLUMNS = ("attribute", "value", "to", "to_value")


def value_map_rows(found: AttributeMatches, own: AttributeSchema) -> Iterator[tuple[str, str, str, str]]:
    """The table of what was matched."""
    for match in found.matches:
        if not match.values:
            yield match.own, "", match.shop, ""
        for value, shop_value in match.values.items():
            yield match.own, value, match.shop, shop_value or ""


def load_value_map(path: Path, own: AttributeSchema, shop: AttributeSchema) -> AttributeMatches:
    """Read such a table. Raises `SchemaError` that names the file, the row, and what neither the model nor the shop has."""
    lines = [line for line in read_text(path).splitlines(keepends=True) if not line.startswith("#")]
    reader = csv.DictReader(lines, strict=True)
    if not set(COLUMNS) <= {*(reader.fieldnames or ())}:
        names = ", ".join(reader.fieldnames or ()) or "none"
        raise SchemaError(
            f"{path}: has no columns {', '.join(COLUMNS)} (it has: {names}); pumgpt taxonomy match-values writes one"
        )
    values: dict[tuple[str, str], dict[str, str | None]] = {}
    try:
        for row in reader:
            name, value, target, to_value = ((row[column] or "").strip() for column in COLUMNS)
            _check(path, own, name, value, "the model's attribute")
            _check(path, shop, target, to_value, "the attribute of --schema")
            mapped = values.setdefault((target, name), {})
            if value in mapped:
                raise SchemaError(f"{path}: '{name}' '{value}' is mapped twice; keep one row")
            if value:
                mapped[value] = to_value or None
    except csv.Error as error:
        raise SchemaError(f"{path}: can't be read as CSV ({error}); mend it") from error
    matches = tuple(AttributeMatch(target, name, mapped) for (target, name), mapped in values.items())
    mapped_names = {match.shop.casefold() for match in matches}
    return AttributeMatches(
        matches, tuple(spec for spec in shop.attributes if spec.name.casefold() not in mapped_names)
    )


def _check(path: Path, schema: AttributeSchema, name: str, value: str, whose: str) -> None:
    spec = schema.get(name)
    if spec is None:
        raise SchemaError(
            f"{path}: there is no attribute '{name}' ({whose}s are {', '.join(schema.names)}); mend the row"
        )
    if value and spec.values is not None and value not in spec.values:
        raise SchemaError(f"{path}: {whose} '{name}' has no value '{value}'; write it as it stands there")
