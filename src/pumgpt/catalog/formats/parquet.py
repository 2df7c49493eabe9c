"""Parquet: read row group by row group, written with the input's types.

A filled catalogue has the input's columns with the types that they had there, then the `pumgpt_*` columns; `table_schema` says
which types the columns get that have none.
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
from pumgpt.catalog.formats.arrow_types import is_json, is_text, replace_types
from pumgpt.catalog.formats.base import CatalogReader, Format, FormatWriter, Record, RejectedRow
from pumgpt.catalog.formats.column_map import ColumnMap
from pumgpt.catalog.formats.compression import open_seekable
from pumgpt.catalog.formats.csv import own_cell
from pumgpt.catalog.formats.filled import FilledColumns
from pumgpt.catalog.formats.stored_values import Decode, column_decoders, dataset_features, label_names
from pumgpt.catalog.formats.table_schema import annotated_schema, filled_schema, has_plain_attributes, own_fills
from pumgpt.catalog.formats.typed_cells import attributes_cell, category_cell, values_cell
from pumgpt.catalog.product import Product, is_missing, read_attributes, written_attributes
from pumgpt.catalog.understanding import Understanding
from pumgpt.errors import CatalogError, first_line

ROWS_AT_ONCE = 256
ROWS_PER_GROUP = 1_000


class ParquetFormat(Format[CatalogReader]):
    name = "Parquet"
    endings = (".parquet",)
    can_unpack = True

    def read(self, path: Path, column_map: ColumnMap | None = None) -> CatalogReader:
        return ParquetReader(self, path, column_map)

    def fill(self, path: Path, columns: FilledColumns, source: CatalogReader) -> FormatWriter:
        return ParquetWriter(path, columns, source)

    def annotate(self, path: Path, source: CatalogReader, names: Sequence[str], rows: Iterable[AnnotatedRow]) -> None:
        schema = annotated_schema(source, names)
        annotated = _annotated_rows(rows, source, schema, path.parent.resolve() != source.base.resolve())
        with pq.ParquetWriter(path, schema, compression="zstd") as file:
            while group := list(islice(annotated, ROWS_PER_GROUP)):
                file.write_table(table_of(group, schema))


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
            with open_seekable(path) as source, pq.ParquetFile(source) as file:
                self.schema = file.schema_arrow
                self._num_rows: int = file.metadata.num_rows
        except (pa.ArrowException, OSError) as error:
            raise CatalogError(f"{path}: can't be read as Parquet ({first_line(error)}); export it again") from error
        self.settle_columns(self.columns)

    def records(self) -> Iterator[Record | RejectedRow]:
        with open_seekable(self.path) as source, pq.ParquetFile(source) as file:
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
        kind = replace_types(field.type, _in_microseconds)
        if kind != field.type:
            batch = batch.set_column(place, field.name, batch.column(place).cast(kind, safe=False))
    records: list[Record]
    try:
        records = batch.to_pylist(maps_as_pydicts="strict")
    except KeyError:  # a map has a key twice, and comes as a list of (key, value)
        records = batch.to_pylist()
    return records


def _in_microseconds(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return pa.timestamp("us", kind.tz)
    if pa.types.is_duration(kind) and kind.unit == "ns":
        return pa.duration("us")
    return pa.time64("us") if pa.types.is_time64(kind) else kind


class ParquetWriter(FormatWriter):
    """One file, row group by row group; no more than one group is in memory."""

    def __init__(self, path: Path, columns: FilledColumns, source: CatalogReader) -> None:
        self._columns, self._source, self._fills = columns, source, own_fills(source)
        self._schema = filled_schema(columns, source)
        # A column that gets a type of its own has no value in any row; the NaN that pandas has for that would not fit.
        self._retyped = [
            field.name
            for field in source.schema or ()
            if not is_text(field.type)
            and not pa.types.is_nested(field.type)
            and field.type != self._schema.field(field.name).type
        ]
        self._labels = label_names(dataset_features(self._schema).get(self._fills.category or ""))
        self._keeps_attributes = has_plain_attributes(source)
        self._is_moved = path.parent.resolve() != source.base.resolve()
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
        self._file.write_table(table_of(rows, self._schema))

    def _row(self, product: Product, understanding: Understanding) -> dict[str, Any]:
        own = typed_row(product, self._source, self._schema, is_moved=self._is_moved)
        if self._source.schema is None and not self._keeps_attributes:
            kind = self._schema.field("attributes").type
            own["attributes"] = attributes_cell(kind, product.attributes or {}, None)[0] or None
        row = {**own, **dict.fromkeys(self._retyped), **self._columns.answers(understanding)}
        self._fill_category(row, product, understanding)
        self._fill_attributes(row, product, understanding)
        return row

    def _fill_category(self, row: dict[str, Any], product: Product, understanding: Understanding) -> None:
        column, path = self._fills.category, self._columns.category(product, understanding)
        if path is None or column not in row or understanding.category is None:
            return
        cell = category_cell(self._schema.field(column).type, path, understanding.category.id, self._labels)
        if cell is None:
            self._warn_unfilled(column, "pumgpt_category")
        else:
            row[column] = cell

    def _fill_attributes(self, row: dict[str, Any], product: Product, understanding: Understanding) -> None:
        for name, values in self._columns.filled(understanding).items():
            column = self._fills.attributes.get(name)
            if column in row and (_is_blank(row[column]) or self._columns.overwrite_values):
                cell = values_cell(self._schema.field(column).type, values)
                if cell is None:
                    self._warn_unfilled(column, "the column pumgpt_*")
                else:
                    row[column] = cell
        attributes = self._columns.attributes(product, understanding)
        if attributes is None or self._keeps_attributes:
            return
        own = product.attributes or {}
        filled = {name: value for name, value in attributes.items() if own.get(name) != value}
        # What mapped columns hold stands beside it in a column `attributes` of ours.
        filled = filled if "attributes" in self._source.columns else attributes
        row["attributes"], left = attributes_cell(self._schema.field("attributes").type, filled, row.get("attributes"))
        if left:
            self._warn_unfilled("attributes", "the columns pumgpt_*")

    def _warn_unfilled(self, column: str, place: str) -> None:
        kind = self._schema.field(column).type
        self._source.warn(
            f"{self._source.path}: column '{column}' ({kind}) can't take what was filled; it is in {place} only"
        )


def _is_blank(cell: Any) -> bool:
    """Whether an attribute's own cell says nothing, blanks and an empty list included."""
    return is_missing(cell) or cell == [] or (isinstance(cell, str) and not cell.strip())


def table_of(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """Rows as a table."""
    # Arrow builds no extension types inside others, and unsigned indices only as far as signed ones count, but casts to both.
    plain = pa.schema([_plain(field) for field in schema], schema.metadata)
    table = pa.Table.from_pylist([_map_items(row, schema) for row in rows], schema=plain)
    return table if plain.equals(schema) else table.cast(schema)


def _own_levels(product: Product) -> list[str] | None:
    """The shop's category as a list; an id stays what it is, though its path is known."""
    if product.category_id is not None:
        return [own_cell(product, "category") or product.category_id]
    return list(product.category) if product.category else None


def typed_row(product: Product, source: CatalogReader, schema: pa.Schema, *, is_moved: bool) -> dict[str, Any]:
    """The shop's own cells in the types of `schema`. With `is_moved` lists of paths don't start from the source's folder."""
    original = product.original
    if source.schema is not None:
        return {name: original.get(name) for name in schema.names}
    row: dict[str, Any] = {}
    for name in schema.names:
        kind = schema.field(name).type
        if is_text(kind):
            row[name] = own_cell(product, name) or None
        elif name == "category":
            row[name] = _own_levels(product)
        elif name == "attributes":
            row[name] = attributes_cell(kind, read_attributes(original.get(name)) or {}, None)[0] or None
        elif name in ("image", "images") and is_moved and original.get(name):
            row[name] = [str(Path(ref.path).absolute()) if ref.path else ref.url for ref in product.images]
        else:
            row[name] = original.get(name)
    return row


def _plain(field: pa.Field) -> pa.Field:
    """The column with types that Arrow builds from Python's values."""
    is_nested = pa.types.is_nested(field.type)

    def buildable(part: pa.DataType) -> pa.DataType:
        if pa.types.is_dictionary(part):
            return part.value_type
        return part.storage_type if is_nested and is_json(part) else part

    return field.with_type(replace_types(field.type, buildable))


def _map_items(row: Mapping[str, Any], schema: pa.Schema) -> Mapping[str, Any]:
    """A map is read as a dict, and Arrow takes it as pairs only."""
    maps = {
        name: list(value.items())
        for name, value in row.items()
        if isinstance(value, Mapping) and pa.types.is_map(schema.field(name).type)
    }
    return {**row, **maps} if maps else row


def _annotated_rows(
    rows: Iterable[AnnotatedRow], source: CatalogReader, schema: pa.Schema, is_moved: bool
) -> Iterator[dict[str, Any]]:
    for row in rows:
        if row.product is not None:
            annotated = replace(row.product, original={**row.original, **row.notes})
            yield typed_row(annotated, source, schema, is_moved=is_moved)
        folded = source.folded_rows(row.original)
        yield from map(_without_blanks, folded[1 if row.product is not None else 0 :])


def _without_blanks(row: Record) -> dict[str, Any]:
    return {name: cell or None for name, cell in row.items()}
