"""Categories and attributes in the form that a typed column has. None where a column's type can't hold them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from pyarrow import types

from pumgpt.catalog.formats.arrow_types import is_json, is_list, is_text
from pumgpt.catalog.product import AttributeValue, is_missing, written_attributes
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute


def category_cell(kind: pa.DataType, path: Sequence[str], id_: str | None, labels: Sequence[str] | None) -> Any:
    """A category as a list, as 'A > B', as the number of its label, or as its id in a column of numbers."""
    written = " > ".join(path)
    if labels is not None:
        return next((labels.index(name) for name in (written, path[-1]) if name in labels), None)
    if is_json(kind):
        return json.dumps(list(path), ensure_ascii=False)
    if is_text(kind):
        return written
    if is_list(kind):
        return values_cell(kind, path)
    return None if id_ is None else values_cell(kind, [id_])


def values_cell(kind: pa.DataType, values: Sequence[str]) -> Any:
    """The values of one attribute, several in a text separated by '|'."""
    if is_json(kind):
        return json.dumps(values[0] if len(values) == 1 else list(values), ensure_ascii=False)
    if is_text(kind):
        return "|".join(values)
    if is_list(kind):
        items = [values_cell(kind.value_type, [value]) for value in values]
        fits = not types.is_fixed_size_list(kind) or kind.list_size == len(items)
        return items if fits and None not in items else None
    try:
        return pa.scalar(values[0]).cast(kind).as_py() if len(values) == 1 else None
    except pa.ArrowException:
        return None


def attributes_cell(kind: pa.DataType, filled: Mapping[str, AttributeValue], own: Any) -> tuple[Any, list[str]]:
    """The shop's cell of attributes with those that were filled, and the names of those that it can't take."""
    values = {name: [value] if isinstance(value, str) else list(value) for name, value in filled.items()}
    folded = {fold_attribute(name) for name in values}
    if is_json(kind) or is_text(kind):
        written = written_attributes(own) if isinstance(own, str) and own else {}
        if written is None:
            return own, list(values)
        if isinstance(written, list):
            written = [pair for pair in written if fold_attribute(str(pair.get("name"))) not in folded]
            written += [{"name": name, "value": value} for name, value in filled.items()]
        else:
            written = {name: value for name, value in written.items() if fold_attribute(name) not in folded}
            written |= filled
        return json.dumps(written, ensure_ascii=False), []
    if types.is_struct(kind):
        return _with_fields(kind, {} if is_missing(own) else own, values)
    if types.is_map(kind):
        pairs = own.items() if isinstance(own, Mapping) else own or ()
        kept = [(name, value) for name, value in pairs if fold_attribute(str(name)) not in folded]
        new, left = _named_cells(kind.item_type, values)
        return [*kept, *new], left
    if is_list(kind) and types.is_struct(kind.value_type) and {"name", "value"} <= {f.name for f in kind.value_type}:
        pairs = [pair for pair in own or () if pair is None or fold_attribute(str(pair["name"])) not in folded]
        new, left = _named_cells(kind.value_type.field("value").type, values)
        return [*pairs, *({"name": name, "value": cell} for name, cell in new)], left
    return own, list(values)


def _named_cells(kind: pa.DataType, values: Mapping[str, Sequence[str]]) -> tuple[list[tuple[str, Any]], list[str]]:
    """(name, cell) for each attribute, or for each of its values where a cell holds one; and the names that don't fit."""
    cells: list[tuple[str, Any]] = []
    left: list[str] = []
    for name, listed in values.items():
        of_name = [values_cell(kind, group) for group in ([listed] if is_list(kind) else [[value] for value in listed])]
        if None in of_name:
            left.append(name)
        else:
            cells.extend((name, cell) for cell in of_name)
    return cells, left


def _with_fields(
    kind: pa.StructType, own: Mapping[str, Any], values: Mapping[str, Sequence[str]]
) -> tuple[dict[str, Any], list[str]]:
    fields = {fold_attribute(field.name): field for field in reversed(list(kind))}
    row, left = dict(own), []
    for name, listed in values.items():
        field = fields.get(fold_attribute(name))
        cell = None if field is None else values_cell(field.type, listed)
        if field is None or cell is None:
            left.append(name)
        else:
            row[field.name] = cell
    return row, left
