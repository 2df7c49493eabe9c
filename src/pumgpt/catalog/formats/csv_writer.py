"""CSV and TSV out: the shop's own cells, as they were, with what was filled and the `pumgpt_*` columns. UTF-8."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from pumgpt.catalog.formats.base import CatalogReader
from pumgpt.catalog.formats.csv import CsvReader, Dialect
from pumgpt.catalog.formats.output_columns import OutputColumns, own_cell
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding

_DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": "\t"}


class CsvTable:
    """One file, row by row, written as the source was where both have the same ending."""

    def __init__(self, path: Path, columns: OutputColumns, source: CatalogReader) -> None:
        self._columns = columns
        self._source = source
        self._record = RecordWriter(path, dialect_of(path, source))
        header = source.header if isinstance(source, CsvReader) else columns.own
        self._record.write([*header, *self._names[len(header) :]])

    @property
    def _names(self) -> Sequence[str]:
        """All columns, the source's own first."""
        return self._columns.names

    def write(self, product: Product, understanding: Understanding) -> None:
        row = {name: own_cell(product, name) for name in self._columns.own}
        row.update(self._columns.cells(understanding))
        self._fill(row, product, understanding)
        self._record.write([row.get(name, "") for name in self._names])

    def carry(self, original: Any) -> None:
        """A plain table has the rows that were answered."""

    def close(self) -> None:
        self._record.close()

    def _fill(self, row: dict[str, str], product: Product, understanding: Understanding) -> None:
        """Put what was filled into the shop's own cells."""
        fills = self._source.fills
        category = self._columns.category(product, understanding)
        if category is not None and fills.category in row:
            row[fills.category] = " > ".join(category)
        for name, value in self._columns.filled(understanding).items():
            column = fills.attributes.get(name)
            if column in row and (not row[column].strip() or self._columns.overwrite_values):
                row[column] = "|".join(value)


class RecordWriter:
    """Writes records so that any reader reads the same cells again."""

    def __init__(self, path: Path, dialect: Dialect) -> None:
        self._file = path.open("w", encoding="utf-8-sig" if dialect.byte_order_mark else "utf-8", newline="")
        # With this end the module quotes every cell that has \r or \n in it, whatever the file's own end is.
        self._writer = csv.writer(
            _LineEnd(self._file, dialect.line_end), delimiter=dialect.delimiter, lineterminator="\r\n"
        )

    def write(self, cells: Iterable[str]) -> None:
        self._writer.writerow(cells)

    def close(self) -> None:
        self._file.close()


class _LineEnd:
    """Puts a file's own end in the place of the writer's \\r\\n."""

    def __init__(self, file: TextIO, end: str) -> None:
        self._file, self._end = file, end

    def write(self, record: str) -> None:
        self._file.write(record[:-2] + self._end)


def dialect_of(path: Path, source: CatalogReader) -> Dialect:
    """How a table is written: as the source was, where both have the same ending."""
    ending = path.name.removesuffix(".new").rpartition(".")[2]
    delimiter = _DELIMITERS[f".{ending.lower()}"]
    if not isinstance(source, CsvReader):
        return Dialect(delimiter)
    same = source.path.suffix.lower() == f".{ending.lower()}"
    return source.dialect if same else Dialect(delimiter, source.dialect.line_end, source.dialect.byte_order_mark)


def padded(cells: Sequence[str], places: Mapping[str, int], values: Mapping[str, str]) -> list[str]:
    """A record made long enough for `values`, with these in their places."""
    row = [*cells, *[""] * (len(places) - len(cells))]
    for name, value in values.items():
        row[places[name]] = value
    return row
