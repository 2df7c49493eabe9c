"""The schema of a typed table that is written: the source's columns with their types, some of them made ready to be filled.

Engines write a column without a value as type null, pandas sometimes as numbers, all of them NaN. The columns that are filled
(category, attributes) get a type that can hold a value then; every other column keeps the one that it has. A source of JSON has
its types in its rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from pyarrow import types

from pumgpt.catalog.formats.arrow_types import is_json, is_list, is_text, replace_types
from pumgpt.catalog.formats.base import CatalogReader, RejectedRow
from pumgpt.catalog.formats.filled import FilledColumns, Fills
from pumgpt.catalog.formats.stored_values import dataset_features, label_names
from pumgpt.catalog.product import is_missing, written_attributes
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute

PAIRS = pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))
PATH = pa.list_(pa.string())

_LARGEST_EXACT_INT = 2**53
"""Beyond this a column of numbers of both kinds would lose digits."""
_WIDEST_INDEX = pa.int32()


def filled_schema(columns: FilledColumns, source: CatalogReader) -> pa.Schema:
    """The schema of the filled catalogue of `source`."""
    fields, fills = {field.name: field for field in _own_fields(source)}, own_fills(source)
    if fills.category in fields:
        fields[fills.category] = _ready(source, fields[fills.category], PATH)
    asked = {fold_attribute(name) for name in columns.attribute_names}
    for name, column in fills.attributes.items():
        if column in fields and name in asked:  # any other keeps its type
            fields[column] = _ready(source, fields[column], pa.string())
    if "attributes" not in fields:
        fields["attributes"] = pa.field("attributes", PAIRS)
    elif not source.text_only:
        field = _ready(source, fields["attributes"], PAIRS)
        fields["attributes"] = field.with_type(_with_names(field.type, columns.attribute_names))
    for name in columns.added:
        fields[name] = pa.field(name, pa.float64() if name in columns.confidences else pa.string())
    return pa.schema(list(fields.values()), _metadata(source))


def annotated_schema(source: CatalogReader, names: Sequence[str]) -> pa.Schema:
    """The schema of `source` with columns of text more."""
    # What is struck out of a column leaves nulls, whether or not the shop had any.
    fields = {field.name: field.with_nullable(True) for field in _own_fields(source)}
    columns = dict.fromkeys((*source.columns, *names))
    return pa.schema([fields.get(name) or pa.field(name, pa.string()) for name in columns], _metadata(source))


def own_fills(source: CatalogReader) -> Fills:
    """The columns of a plain table that are filled. What a system exported is only filled in the form that it imports."""
    return Fills(category=None) if source.format.is_export else source.fills


def has_plain_attributes(source: CatalogReader) -> bool:
    """Whether a column `attributes` holds text of the shop's own, and not what we read as attributes."""
    if "attributes" not in source.columns or source.text_only:
        return "attributes" in source.columns
    if source.schema is None or not is_text(source.schema.field("attributes").type):
        return False
    value = _first_value(source, "attributes")
    return value is not None and written_attributes(value) is None


def _own_fields(source: CatalogReader) -> list[pa.Field]:
    if source.schema is not None:
        return [_writable(field) for field in source.schema]
    known = {} if source.text_only else {**_json_types(source), "attributes": PAIRS}
    if source.fills.category == "category":
        known["category"] = PATH
    return [pa.field(name, known.get(name, pa.string())) for name in source.columns]


def _writable(field: pa.Field) -> pa.Field:
    """A column as Arrow can write it: views of text inside of lists can't be, and are text all the same."""
    return field.with_type(replace_types(field.type, _without_view)) if types.is_nested(field.type) else field


def _without_view(kind: pa.DataType) -> pa.DataType:
    if types.is_string_view(kind):
        return pa.large_string()
    return pa.large_binary() if types.is_binary_view(kind) else kind


def _metadata(source: CatalogReader) -> Mapping[bytes, bytes] | None:
    return None if source.schema is None else source.schema.metadata


def _ready(source: CatalogReader, field: pa.Field, empty: pa.DataType) -> pa.Field:
    """A column that is filled, with a type that can take it; `empty` is that of a column without any value."""
    kind = field.type
    if types.is_null(kind) or (is_list(kind) and types.is_null(kind.value_type)):
        return pa.field(field.name, empty)
    features = {} if source.schema is None else dataset_features(source.schema)
    holds_values = is_text(kind) or is_json(kind) or types.is_nested(kind) or label_names(features.get(field.name))
    if not holds_values and _first_value(source, field.name) is None:
        return pa.field(field.name, empty)
    if types.is_dictionary(kind):
        # A category that is new to the shop needs a place, and polars must not take the old ones for all there are.
        return pa.field(field.name, pa.dictionary(_WIDEST_INDEX, kind.value_type))
    return field.with_nullable(True).with_type(
        replace_types(kind, lambda part: pa.string() if types.is_null(part) else part)
    )


def _first_value(source: CatalogReader, name: str) -> Any:
    """The first value of a column, whatever its type; None where there is none in the whole file."""
    for record in source.records():
        if not isinstance(record, RejectedRow) and not is_missing(record.get(name)):
            return record[name]
    return None


def _with_names(kind: pa.DataType, names: Sequence[str]) -> pa.DataType:
    """The type of an object of attributes with a place for each of `names`."""
    if not types.is_struct(kind):
        return kind
    own = {fold_attribute(field.name) for field in kind}
    new = [pa.field(name, pa.string()) for name in names if fold_attribute(name) not in own]
    return pa.struct([*kind, *new])


def _json_types(source: CatalogReader) -> dict[str, pa.DataType]:
    """The types of columns of JSON that hold one kind of value in all rows, scalars or lists of them."""
    found: dict[str, set[str]] = {}
    for record in source.records():
        if not isinstance(record, RejectedRow):
            for name, value in record.items():
                if value is not None:
                    found.setdefault(name, set()).add(_json_kind(value))
    return {name: kind for name, kinds in found.items() if (kind := _common_type(kinds)) is not None}


def _json_kind(value: Any) -> str:
    if isinstance(value, list):
        kinds = {_json_kind(item) for item in value if item is not None}
        return f"list {next(iter(kinds))}" if len(kinds) == 1 else "mixed" if kinds else "list"
    if isinstance(value, int) and not isinstance(value, bool):
        small, exact = abs(value) <= _LARGEST_EXACT_INT, -(2**63) <= value < 2**63
        return "small int" if small else "int" if exact else "mixed"
    return {bool: "bool", float: "float", str: "text"}.get(type(value), "mixed")


def _common_type(kinds: set[str]) -> pa.DataType | None:
    """The type that holds all of these without loss; None where only text does."""
    if all(kind.startswith("list") for kind in kinds):
        items = {kind.removeprefix("list ") for kind in kinds if kind != "list"}
        item = _common_type(items) if items else pa.string()
        return None if item is None or types.is_nested(item) else pa.list_(item)
    scalars = {
        frozenset({"bool"}): pa.bool_(),
        frozenset({"text"}): pa.string(),
        frozenset({"float"}): pa.float64(),
        frozenset({"float", "small int"}): pa.float64(),
        frozenset({"small int"}): pa.int64(),
        frozenset({"int"}): pa.int64(),
        frozenset({"int", "small int"}): pa.int64(),
    }
    return scalars.get(frozenset(kinds))
