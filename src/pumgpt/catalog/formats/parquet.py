"""Parquet: read row group by row group, written with the input's types.

A filled catalogue has the input's columns with the types that they had there, then the `pumgpt_*` columns. An input without
types gets text columns, but for `category` (a list) and, where it has them as more than text, `attributes` (name-value pairs).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pumgpt.catalog.formats.annotated import AnnotatedRow
from pumgpt.catalog.formats.base import CatalogReader, Format, FormatWriter, Record, RejectedRow
from pumgpt.catalog.formats.column_map import ColumnMap
from pumgpt.catalog.formats.csv import own_cell
from pumgpt.catalog.formats.filled import FilledColumns
from pumgpt.catalog.formats.stored_values import Decode, column_decoders
from pumgpt.catalog.product import AttributeValue, Product, written_attributes
from pumgpt.catalog.understanding import Understanding
from pumgpt.errors import CatalogError, first_line

ROWS_AT_ONCE = 256
ROWS_PER_GROUP = 1_000

_PAIRS = pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))
_PATH = pa.list_(pa.string())


class ParquetFormat(Format[CatalogReader]):
    name = "Parquet"
    endings = (".parquet",)

    def read(self, path: Path, column_map: ColumnMap | None = None) -> CatalogReader:
        return ParquetReader(self, path, column_map)

    def fill(self, path: Path, columns: FilledColumns, source: CatalogReader) -> FormatWriter:
        return ParquetWriter(path, columns, source)

    def annotate(self, path: Path, source: CatalogReader, names: Sequence[str], rows: Iterable[AnnotatedRow]) -> None:
        own = {field.name: field for field in source.schema or _text_fields(source)}
        columns = dict.fromkeys((*source.columns, *names))
        schema = pa.schema([own.get(name) or pa.field(name, pa.string()) for name in columns])
        annotated = _annotated_rows(rows, source, schema)
        with pq.ParquetWriter(path, schema, compression="zstd") as file:
            while group := list(islice(annotated, ROWS_PER_GROUP)):
                file.write_table(pa.Table.from_pylist(group, schema=schema))


class TypedReader(CatalogReader):
    """A catalogue whose columns have Arrow's types; a subclass sets `schema`."""

    schema: pa.Schema

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.schema.names)

    def decoded(self, record: Record) -> Record:
        if not self._decoders:
            return record
        return {name: self._decoders[name](cell) if name in self._decoders else cell for name, cell in record.items()}

    def product_of(self, record: Record) -> Product:
        cell = record.get("attributes")
        if self.column_map is not None or not isinstance(cell, str) or written_attributes(cell) is not None:
            return super().product_of(record)
        # A column of text that is no JSON is one of the shop's own, as it is in CSV.
        known = super().product_of({**record, "attributes": None})
        extra = {name: value for name, value in record.items() if name in known.extra or name == "attributes"}
        return replace(known, extra=extra, original=record)

    @cached_property
    def _decoders(self) -> dict[str, Decode]:
        return column_decoders(self.schema)


class ParquetReader(TypedReader):
    """Row group by row group, with typed columns."""

    def __init__(self, format_: Format[Any], path: Path, column_map: ColumnMap | None = None) -> None:
        super().__init__(format_, path, column_map)
        try:
            with pq.ParquetFile(path) as file:
                self.schema = file.schema_arrow
                self._num_rows: int = file.metadata.num_rows
        except (pa.ArrowException, OSError) as error:
            raise CatalogError(f"{path}: can't be read as Parquet ({first_line(error)}); export it again") from error
        self.settle_columns(self.columns)

    def records(self) -> Iterator[Record | RejectedRow]:
        with pq.ParquetFile(self.path) as file:
            for group in range(file.num_row_groups):
                yield from records_of_group(file, group, "the file")

    def count_records(self) -> int:
        return self._num_rows


def records_of_group(file: pq.ParquetFile, group: int, name: str) -> Iterator[Record | RejectedRow]:
    """One row group; where it is damaged, what can't be read of it comes as rejected rows."""
    left = file.metadata.row_group(group).num_rows
    try:
        for batch in file.iter_batches(ROWS_AT_ONCE, row_groups=[group]):
            for record in records_of(batch):
                left -= 1
                yield record
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = f"row group {group} of {name} can't be read ({first_line(error)}); export it again"
        yield from (RejectedRow(0, None, reason) for _ in range(left))


def records_of(batch: pa.RecordBatch) -> list[Record]:
    """The rows of a batch as Python has them."""
    # Python has no type for nanoseconds, and Arrow refuses to convert them: times are cut to microseconds.
    for place, field in enumerate(batch.schema):
        if pa.types.is_timestamp(field.type) and field.type.unit == "ns":
            column = batch.column(place).cast(pa.timestamp("us", field.type.tz), safe=False)
            batch = batch.set_column(place, field.name, column)
    records: list[Record] = batch.to_pylist(maps_as_pydicts="lossy")
    return records


class ParquetWriter(FormatWriter):
    """One file, row group by row group; no more than one group is in memory."""

    def __init__(self, path: Path, columns: FilledColumns, source: CatalogReader) -> None:
        self._columns, self._source = columns, source
        self._schema = _filled_schema(columns, source)
        self._rows: list[dict[str, Any]] = []
        self._file = pq.ParquetWriter(path, self._schema, compression="zstd")

    def write(self, product: Product, understanding: Understanding) -> None:
        self._rows.append(self._row(product, understanding))
        self._rows.extend(map(_without_blanks, self._source.folded_rows(product.original)[1:]))
        if len(self._rows) >= ROWS_PER_GROUP:
            self._flush()

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
        own = product.original if self._source.schema is not None else self._as_text(product)
        row = {**own, **self._columns.answers(understanding)}
        category = self._columns.category(product, understanding)
        if category is not None and "category" in self._schema.names:
            is_list = pa.types.is_nested(self._schema.field("category").type)
            row["category"] = category if is_list else " > ".join(category)
        attributes = self._columns.attributes(product, understanding)
        if attributes is not None:
            row["attributes"] = _attributes_as(self._schema.field("attributes").type, attributes, row.get("attributes"))
        return row

    def _as_text(self, product: Product) -> dict[str, Any]:
        """The shop's values where the columns have no types of their own."""
        row: dict[str, Any] = {name: own_cell(product, name) or None for name in self._columns.own}
        if "category" in row:
            row["category"] = list(product.category) if product.category else None
        kind = self._schema.field("attributes").type
        row["attributes"] = _attributes_as(kind, product.attributes or {}, row.get("attributes"))
        return row


def _filled_schema(columns: FilledColumns, source: CatalogReader) -> pa.Schema:
    fields = {field.name: field for field in source.schema or _text_fields(source)}
    fields.setdefault("attributes", pa.field("attributes", _PAIRS))
    for name in columns.added:
        fields[name] = pa.field(name, pa.float64() if name in columns.confidences else pa.string())
    return pa.schema(list(fields.values()), source.schema.metadata if source.schema is not None else None)


def _text_fields(source: CatalogReader) -> list[pa.Field]:
    """The columns of a source without types."""
    known = {"category": _PATH} if source.text_only else {"category": _PATH, "attributes": _PAIRS}
    return [pa.field(name, known.get(name, pa.string())) for name in source.columns]


def _annotated_rows(rows: Iterable[AnnotatedRow], source: CatalogReader, schema: pa.Schema) -> Iterator[dict[str, Any]]:
    for row in rows:
        if row.product is not None:
            product = replace(row.product, original={**row.original, **row.notes})
            yield _annotated_text(product, schema) if source.schema is None else _annotated_record(product, schema)
        folded = source.folded_rows(row.original)
        yield from map(_without_blanks, folded[1 if row.product is not None else 0 :])


def _annotated_record(product: Product, schema: pa.Schema) -> dict[str, Any]:
    # A map was read as a dict, and Arrow takes it as pairs only.
    maps = {field.name for field in schema if pa.types.is_map(field.type)}
    values = ((name, product.original.get(name)) for name in schema.names)
    return {
        name: list(value.items()) if name in maps and isinstance(value, Mapping) else value for name, value in values
    }


def _annotated_text(product: Product, schema: pa.Schema) -> dict[str, Any]:
    row: dict[str, Any] = {name: own_cell(product, name) or None for name in schema.names}
    if "category" in row:
        row["category"] = list(product.category) if product.category else None
    if "attributes" in row and pa.types.is_nested(schema.field("attributes").type):
        curated = Product.from_record(product.original).attributes or {}
        row["attributes"] = _attributes_as(schema.field("attributes").type, curated, None)
    return row


def _without_blanks(row: Record) -> dict[str, Any]:
    return {name: cell or None for name, cell in row.items()}


def _attributes_as(kind: pa.DataType, attributes: Mapping[str, AttributeValue], own: Any) -> Any:
    """Attributes in the form that the column has; where it has one that can't take new names, the shop's stay."""
    pairs = [
        (name, item) for name, value in attributes.items() for item in ([value] if isinstance(value, str) else value)
    ]
    if pa.types.is_map(kind) and _is_text(kind.item_type):
        return pairs
    if pa.types.is_list(kind) and pa.types.is_struct(kind.value_type):
        texts = {field.name for field in kind.value_type if _is_text(field.type)}
        if texts >= {"name", "value"}:
            return [{"name": name, "value": value} for name, value in pairs] or None
    return own


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
