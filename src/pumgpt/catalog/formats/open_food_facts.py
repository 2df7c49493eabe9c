"""Open Food Facts as tables: its CSV, which is separated by tabs and has no quotes, and its Parquet.

Its JSON lines are read by `JsonLinesReader`, the answers of its interface by `JsonReader`, all by the same shape.

    filled      categories (from the root, between commas), brands, quantity, packaging, labels
    ours        pumgpt_* columns
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pumgpt.catalog.formats.annotated import AnnotatedRow
from pumgpt.catalog.formats.base import CatalogReader, Format, FormatWriter, Record
from pumgpt.catalog.formats.column_map import ColumnMap
from pumgpt.catalog.formats.compression import open_seekable
from pumgpt.catalog.formats.csv import CsvReader, own_cell, read_header
from pumgpt.catalog.formats.csv_records import BrokenRecord
from pumgpt.catalog.formats.filled import FilledColumns
from pumgpt.catalog.formats.json.food_facts import FoodFactsShape
from pumgpt.catalog.formats.json.shape import filled_attributes
from pumgpt.catalog.formats.json.shapes import shaped_product
from pumgpt.catalog.formats.parquet import ParquetReader
from pumgpt.catalog.formats.text_lines import read_lines
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.errors import CatalogError

_SHAPE = FoodFactsShape()


class FoodFactsCsvFormat(Format["FoodFactsCsvReader"]):
    name = "Open Food Facts' CSV"
    endings = (".csv", ".tsv")
    can_unpack = True
    is_export = True

    def recognise(self, path: Path, column_map: ColumnMap | None = None) -> bool:
        return column_map is None and super().recognise(path) and _SHAPE.matches(dict.fromkeys(read_header(path)))

    def read(self, path: Path, column_map: ColumnMap | None = None) -> CatalogReader:
        return FoodFactsCsvReader(self, path, column_map)

    def fill(self, path: Path, columns: FilledColumns, source: FoodFactsCsvReader) -> FormatWriter:
        return FoodFactsCsvWriter(path, columns, source)

    def strike(self, source: FoodFactsCsvReader, original: Record, failed: Mapping[str, Collection[str]]) -> Any:
        return _SHAPE.without(original, failed)

    def annotate(
        self, path: Path, source: FoodFactsCsvReader, names: Sequence[str], rows: Iterable[AnnotatedRow]
    ) -> None:
        with closing(_TabFile(path, tuple(dict.fromkeys((*source.columns, *names))))) as file:
            for row in rows:
                file.write({**row.original, **row.notes} if isinstance(row.original, Mapping) else row.original)


class FoodFactsCsvReader(CsvReader):
    """One product a line. A quote is a character like any other, so that no lost one can swallow lines."""

    def settle_columns(self, names: Sequence[str]) -> None:
        """The header says it all."""

    @property
    def id_column(self) -> str:
        return _SHAPE.id_field

    def rows(self) -> Iterator[list[str] | BrokenRecord]:
        warnings: list[str] = []
        for line in islice(read_lines(self.path, warnings), 1, None):
            self.warn(*warnings)
            if line.strip("\r\n"):
                yield line.rstrip("\r\n").split("\t")

    def count_records(self) -> int:
        return sum(1 for _ in self.rows())

    def product_of(self, record: Record) -> Product:
        return shaped_product(_SHAPE, record, self.base)


class FoodFactsCsvWriter(FormatWriter):
    """The source's lines as they were, with filled cells and `pumgpt_*` columns."""

    def __init__(self, path: Path, columns: FilledColumns, source: FoodFactsCsvReader) -> None:
        self._columns = columns
        self._file = _TabFile(path, columns.names)

    def write(self, product: Product, understanding: Understanding) -> None:
        row = {name: own_cell(product, name) for name in self._columns.own}
        filled = filled_attributes(self._columns, product, understanding)
        if self._columns.overwrite_values:
            row.update(dict.fromkeys(set(_SHAPE.with_attributes({}, filled)), ""))
        # A column is not made here: the importer knows its own, and `pumgpt_*` have the rest.
        new = _SHAPE.with_attributes(row, filled)
        category = self._columns.category(product, understanding)
        if category is not None:
            new = _SHAPE.with_category(new, category, None)
        cells = {name: value for name, value in new.items() if name in row}
        self._file.write({**cells, **self._columns.cells(understanding)})

    def carry(self, original: Any) -> None:
        self._file.write(original)

    def close(self) -> None:
        self._file.close()


class _TabFile:
    """Lines of cells between tabs, without quotes. A tab or a line break inside of a cell of ours becomes a blank."""

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        self._names = names
        self._file = path.open("w", encoding="utf-8", newline="")
        self._line(names)

    def write(self, row: Mapping[str, str] | Sequence[str] | None) -> None:
        """A row by column; one with another number of cells than the header, as a list, stays as it is."""
        if isinstance(row, Mapping):
            self._line([" ".join(row.get(name, "").splitlines()).replace("\t", " ") for name in self._names])
        elif row is not None:
            self._line(row)

    def _line(self, cells: Sequence[str]) -> None:
        self._file.write("\t".join(cells) + "\n")

    def close(self) -> None:
        self._file.close()


class FoodFactsParquetFormat(Format[CatalogReader]):
    name = "Open Food Facts' Parquet"
    endings = (".parquet",)
    can_unpack = True

    def recognise(self, path: Path, column_map: ColumnMap | None = None) -> bool:
        if column_map is not None or not super().recognise(path) or not path.is_file():
            return False
        try:
            with open_seekable(path) as source:
                return _SHAPE.matches(dict.fromkeys(pq.read_schema(source).names))
        except (CatalogError, pa.ArrowException, OSError):
            return False

    def read(self, path: Path, column_map: ColumnMap | None = None) -> CatalogReader:
        return FoodFactsParquetReader(self, path, column_map)


class FoodFactsParquetReader(ParquetReader):
    """Texts are lists of {lang, text} here, photos a list of {key, rev, ...}."""

    def settle_columns(self, names: Sequence[str]) -> None:
        """The schema says it all."""

    @property
    def id_column(self) -> str:
        return _SHAPE.id_field

    def product_of(self, record: Record) -> Product:
        return replace(shaped_product(_SHAPE, record, self.base), original=record)
