"""What the values of typed columns stand for, where a column stores something else than what it means.

Hugging Face `datasets` stores a class label as its number, with the names in the file's metadata, and a column of mixed types
as JSON, a text as `"Blue"`; DuckDB stores JSON too. https://huggingface.co/docs/datasets/about_dataset_features
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from pumgpt.catalog.formats.arrow_types import is_json, is_list

Decode = Callable[[Any], Any]
_METADATA = b"huggingface"
_LISTS = ("List", "LargeList", "Sequence")


def column_decoders(schema: pa.Schema) -> dict[str, Decode]:
    """How to decode the columns that need it."""
    features = dataset_features(schema)
    decoders = {field.name: _decoder(field.type, features.get(field.name)) for field in schema}
    return {name: decode for name, decode in decoders.items() if decode is not None}


def dataset_features(schema: pa.Schema) -> Mapping[str, Any]:
    """The columns' features as `datasets` writes them into a file's metadata; empty for other files."""
    try:
        features = json.loads((schema.metadata or {})[_METADATA])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return {}
    return features if isinstance(features, dict) else {}


def label_names(feature: Any) -> Sequence[str] | None:
    """The names of a `ClassLabel`, by number; None for any other feature."""
    names = feature.get("names") if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" else None
    return names if isinstance(names, list) and names else None


def _decoder(kind: pa.DataType, feature: Any) -> Decode | None:
    """How to decode a value of this type; None where it is what it stands for."""
    names = label_names(feature)
    if names is not None:
        return lambda number: _label(names, number)
    type_name = feature.get("_type") if isinstance(feature, dict) else None
    if is_json(kind) or type_name == "Json":
        return _parsed
    if is_list(kind) or pa.types.is_map(kind):
        of_item = feature[0] if isinstance(feature, list) and feature else None
        of_item = feature.get("feature") if type_name in _LISTS else of_item
        decode = _decoder(kind.item_type if pa.types.is_map(kind) else kind.value_type, of_item)
        return None if decode is None else lambda values: _decoded_items(decode, values)
    if pa.types.is_struct(kind):
        of_fields = feature if isinstance(feature, dict) else {}
        if type_name == "Sequence" and isinstance(feature.get("feature"), dict):
            # A sequence of objects is stored as an object of sequences.
            of_fields = {name: {"_type": "List", "feature": inner} for name, inner in feature["feature"].items()}
        inner = {field.name: _decoder(field.type, of_fields.get(field.name)) for field in kind}
        return (lambda value: _decoded_fields(inner, value)) if any(inner.values()) else None
    return None


def _decoded_items(decode: Decode, values: Any) -> Any:
    if isinstance(values, Mapping):
        return {name: decode(value) for name, value in values.items()}
    return None if values is None else [decode(value) for value in values]


def _decoded_fields(decoders: Mapping[str, Decode | None], value: Any) -> Any:
    if value is None:
        return None
    return {name: item if (decode := decoders.get(name)) is None else decode(item) for name, item in value.items()}


def _label(names: Sequence[str], number: Any) -> Any:
    """A missing label is null or -1."""
    return names[number] if isinstance(number, int) and 0 <= number < len(names) else None


def _parsed(cell: Any) -> Any:
    """A cell of JSON. Numbers stay as they are written: '007' and '1.50' may be a shop's texts."""
    if not isinstance(cell, str) or not cell.startswith(('"', "{", "[")):
        return None if cell == "null" else cell
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell
