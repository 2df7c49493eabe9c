"""Which shapes there are, and which of them the records of a catalogue have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pumgpt.catalog.formats.json.food_facts import FoodFactsShape
from pumgpt.catalog.formats.json.shape import RecordShape
from pumgpt.catalog.formats.json.shops import BigCommerceShape, MagentoShape, ShopifyShape, WooCommerceShape
from pumgpt.catalog.product import Product

_SHAPES: tuple[RecordShape, ...] = (
    FoodFactsShape(),
    ShopifyShape(),
    WooCommerceShape(),
    MagentoShape(),
    BigCommerceShape(),
)


def find_shape(records: Iterable[Mapping[str, Any]]) -> RecordShape | None:
    """The shape that most of these records have; None where most have none."""
    found = [next((shape for shape in _SHAPES if shape.matches(record)), None) for record in records]
    return max(found, key=found.count, default=None)


def shaped_product(shape: RecordShape, record: Mapping[str, Any], base: Path) -> Product:
    """The product of a record of this shape. Raises `CatalogError` where a field has a type that can't be read."""
    extra = {name: value for name, value in record.items() if name not in shape.read_fields}
    return replace(Product.from_record(shape.read(record), base), extra=extra, original=record)
