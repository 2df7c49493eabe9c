"""CSV and TSV of no known system: one product a row, and rows without an id that belong to the product above."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

from pumgpt.catalog.formats.annotated import AnnotatedRow, annotated_products
from pumgpt.catalog.formats.base import CatalogReader, Format, FormatWriter
from pumgpt.catalog.formats.column_map import ColumnMap
from pumgpt.catalog.formats.csv import CsvReader, CsvWriter, RecordWriter, dialect_of, own_cell, with_decoded
from pumgpt.catalog.formats.csv_records import BrokenRecord
from pumgpt.catalog.formats.filled import FilledColumns
from pumgpt.catalog.formats.folded import FoldedReader, FoldedWriter

_ROWS_TO_FIND_VARIANTS = 1000
_LISTING = ("title", "description", "category")


class CsvFormat(Format[CatalogReader]):
    """A plain table. CSV and TSV differ in what they are called and in the delimiter, which follows from the ending."""

    can_unpack = True

    def __init__(self, name: str, endings: tuple[str, ...]) -> None:
        self.name, self.endings = name, endings

    def read(self, path: Path, column_map: ColumnMap | None = None) -> CatalogReader:
        reader = CsvReader(self, path, column_map)
        return VariantRowsReader(self, path, column_map) if _has_variant_rows(reader) else reader

    def fill(self, path: Path, columns: FilledColumns, source: CatalogReader) -> FormatWriter:
        if isinstance(source, VariantRowsReader):
            return VariantRowsWriter(path, columns, source)
        return CsvWriter(path, columns, source)

    def annotate(self, path: Path, source: CatalogReader, names: Sequence[str], rows: Iterable[AnnotatedRow]) -> None:
        columns = tuple(dict.fromkeys((*source.columns, *names)))
        header = source.header if isinstance(source, CsvReader) else source.columns
        with closing(RecordWriter(path, dialect_of(path, source))) as writer:
            writer.write([*header, *columns[len(header) :]])
            for row in rows:
                for product in annotated_products([row]):
                    own = with_decoded(product, source)
                    writer.write([own_cell(own, name) for name in columns])
                if row.product is not None:
                    for variant in source.folded_rows(row.product.original)[1:]:
                        writer.write([variant.get(name, "") for name in columns])


class VariantRowsReader(FoldedReader):
    """A table in which further rows of a product, its variants, have neither its id nor its texts."""

    def settle_columns(self, names: Sequence[str]) -> None:
        CsvReader.settle_columns(self, names)

    def continues(self, cells: Sequence[str], first: Sequence[str]) -> bool:
        return _is_variant(self, cells)


class VariantRowsWriter(FoldedWriter):
    """One table, product by product."""

    def carry(self, original: Any) -> None:
        """A plain table has the products that were answered, with all of their rows."""


def _has_variant_rows(reader: CsvReader) -> bool:
    if reader.numbers_rows:
        return False
    rows = islice(reader.rows(), _ROWS_TO_FIND_VARIANTS)
    return any(not isinstance(cells, BrokenRecord) and _is_variant(reader, cells) for cells in rows)


def _is_variant(reader: CsvReader, cells: Sequence[str]) -> bool:
    """Whether a row has no id and no text, but something else."""
    if len(cells) != len(reader.columns) or cells[reader.columns.index(reader.id_column)].strip():
        return False
    texts = {reader.fields.get(field, field) for field in _LISTING}
    told = {name for name, cell in zip(reader.columns, cells, strict=True) if cell.strip()}
    return bool(told) and told.isdisjoint(texts)
