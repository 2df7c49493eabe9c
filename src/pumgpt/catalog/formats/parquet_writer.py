"""Parquet out: the input's columns with the types that they had there, then the `pumgpt_*` columns.

An input without types gets text columns, but for `category` (a list) and, from JSON lines, `attributes` (name-value pairs).
Of Shopify's export all rows come back: the answer stands in the first row of its product.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pumgpt.catalog.formats.base import CatalogReader
from pumgpt.catalog.formats.csv import CsvReader
from pumgpt.catalog.formats.output_columns import OutputColumns, own_cell
from pumgpt.catalog.formats.shopify import FoldedRows
from pumgpt.catalog.product import AttributeValue, Product
from pumgpt.catalog.understanding import Understanding

ROWS_PER_GROUP = 1_000

_PAIRS = pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))
_PATH = pa.list_(pa.string())


class ParquetTable:
    """One file, row group by row group; no more than one group is in memory."""

    def __init__(self, path: Path, columns: OutputColumns, source: CatalogReader) -> None:
        self._columns = columns
        self._typed = source.schema is not None
        self._schema = _output_schema(columns, source)
        self._rows: list[dict[str, Any]] = []
        self._file = pq.ParquetWriter(path, self._schema, compression="zstd")

    def write(self, product: Product, understanding: Understanding) -> None:
        self._rows.append(self._row(product, understanding))
        if isinstance(product.original, FoldedRows):
            names = tuple(product.original)
            self._rows.extend(
                {n: cell or None for n, cell in zip(names, row, strict=False)} for row in product.original.rows[1:]
            )
        if len(self._rows) >= ROWS_PER_GROUP:
            self._flush()

    def carry(self, original: Any) -> None:
        """A plain table has the rows that were answered."""

    def close(self) -> None:
        try:
            if self._rows:
                self._flush()
        finally:
            self._file.close()

    def _flush(self) -> None:
        rows, self._rows = self._rows, []
        self._file.write_table(pa.Table.from_pylist(rows, schema=self._schema))

    def _row(self, product: Product, understanding: Understanding) -> dict[str, Any]:
        own = product.original if self._typed else self._as_text(product)
        row = {**own, **self._columns.answers(understanding)}
        category = self._columns.category(product, understanding)
        if category is not None and "category" in self._schema.names:
            is_list = pa.types.is_nested(self._schema.field("category").type)
            row["category"] = category if is_list else " > ".join(category)
        attributes = self._columns.attributes(product, understanding)
        if attributes is not None:
            row["attributes"] = attributes_as(self._schema.field("attributes").type, attributes, row.get("attributes"))
        return row

    def _as_text(self, product: Product) -> dict[str, Any]:
        """The shop's values where the columns have no types of their own."""
        row: dict[str, Any] = {name: own_cell(product, name) or None for name in self._columns.own}
        if "category" in row:
            row["category"] = list(product.category) if product.category else None
        kind = self._schema.field("attributes").type
        row["attributes"] = attributes_as(kind, product.attributes or {}, row.get("attributes"))
        return row


def _output_schema(columns: OutputColumns, source: CatalogReader) -> pa.Schema:
    fields = {field.name: field for field in source.schema or text_fields(source)}
    fields.setdefault("attributes", pa.field("attributes", _PAIRS))
    for name in columns.added:
        fields[name] = pa.field(name, pa.float64() if name in columns.confidences else pa.string())
    return pa.schema(list(fields.values()), source.schema.metadata if source.schema is not None else None)


def text_fields(source: CatalogReader) -> list[pa.Field]:
    """In CSV, `attributes` is a column like any other: text."""
    known = {"category": _PATH} if isinstance(source, CsvReader) else {"category": _PATH, "attributes": _PAIRS}
    return [pa.field(name, known.get(name, pa.string())) for name in source.columns]


def attributes_as(kind: pa.DataType, attributes: Mapping[str, AttributeValue], own: Any) -> Any:
    """Attributes in the form that the column has; where it has one that can't take new names, the shop's stay."""
    pairs = [
        (name, item) for name, value in attributes.items() for item in ([value] if isinstance(value, str) else value)
    ]
    if pa.types.is_map(kind) and _is_text(kind.item_type):
        return pairs
    if pa.types.is_list(kind) and _holds_pairs(kind.value_type):
        return [{"name": name, "value": value} for name, value in pairs] or None
    return own


def _holds_pairs(kind: pa.DataType) -> bool:
    return pa.types.is_struct(kind) and {field.name for field in kind if _is_text(field.type)} >= {"name", "value"}


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
