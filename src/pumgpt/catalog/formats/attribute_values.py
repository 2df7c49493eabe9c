"""The values of attributes that stand in columns of their own: how a cell is read, and what is left of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from pumgpt.catalog.product import AttributeValue, Product, is_missing, text_of
from pumgpt.catalog.vocabulary.attribute_names import find_attribute

_VALUE_TYPES = (str, int, float, Decimal)


def attribute_values(record: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, AttributeValue]:
    """What stands in the columns of attributes; `columns` maps an attribute to its column."""
    found = {}
    for name, column in columns.items():
        value = cell_values(record.get(column))
        if value:
            found[name] = value
    return found


def with_attribute_values(product: Product, record: Mapping[str, Any], columns: Mapping[str, str]) -> Product:
    """The product with the attributes that have columns of their own; what `attributes` says comes first."""
    own, further = product.attributes, attribute_values(record, columns)
    added = {name: value for name, value in further.items() if find_attribute(own, name) is None}
    return replace(product, attributes={**added, **(own or {})}) if added else product


def cell_values(cell: Any) -> AttributeValue | None:
    """The values of an attribute's own cell, of any type; None where there is none, or the type can't be one."""
    if isinstance(cell, str) and "|" not in cell:  # nearly all cells
        return cell.strip() or None
    items = cell.split("|") if isinstance(cell, str) else cell if isinstance(cell, list | tuple) else [cell]
    # A column that happens to be called so may hold objects or bytes; these stay the shop's, and the row is read.
    scalars = (item for item in items if isinstance(item, _VALUE_TYPES) and not is_missing(item))
    values = [text for item in scalars if (text := text_of(item).strip())]
    return values[0] if len(values) == 1 else values or None


def without_parts(cell: str, separator: str, failed: Collection[str]) -> str:
    """A cell of several values without those that failed; as it stands where none did."""
    parts = cell.split(separator)
    kept = [part for part in parts if part.strip() not in failed]
    return cell if len(kept) == len(parts) else separator.join(kept).strip()
