"""CSV and TSV in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from pumgpt.catalog.formats.base import CatalogReader, Record, RejectedRow
from pumgpt.catalog.formats.columns import ColumnMap
from pumgpt.catalog.formats.csv_records import BrokenRecord, choose_delimiter, read_records
from pumgpt.catalog.formats.text_lines import check_file, has_mark, read_lines
from pumgpt.catalog.product import Product
from pumgpt.errors import CatalogError


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a table is written, so that it can be written so again."""

    delimiter: str = ","
    line_end: str = "\n"
    byte_order_mark: bool = False


class CsvReader(CatalogReader):
    """Comma-separated, or separated by tabs or semicolons where that makes a column `id`, or more columns, of the header.

    `header` are the names as the file writes them, `columns` the same made distinct.
    """

    kind = "CSV"

    delimiter = ","

    def __init__(self, path: Path, column_map: ColumnMap | None = None) -> None:
        super().__init__(path, column_map)
        first_line = next(read_lines(path, []), "")
        self.dialect = Dialect(choose_delimiter(first_line, self.delimiter), _line_end(first_line), has_mark(path))
        header = next(self._cut([]), None)
        if header is None or isinstance(header, BrokenRecord):
            reason = "has no header" if header is None else f"header: {header.error}"
            raise CatalogError(f"{path}: {reason}; its first line must name the columns, 'id' among them")
        self.header = tuple(header)
        self._columns = tuple(self._distinct(header))
        self._settle_columns(self._columns)

    @property
    def columns(self) -> tuple[str, ...]:
        return self._columns

    def count(self) -> int:
        return sum(1 for _ in self._cut([])) - 1

    def _cut(self, warnings: list[str]) -> Iterator[list[str] | BrokenRecord]:
        return read_records(read_lines(self.path, warnings), self.dialect.delimiter)

    def _rows(self) -> Iterator[list[str] | BrokenRecord]:
        """What stands below the header."""
        warnings: list[str] = []
        records = self._cut(warnings)
        next(records)
        for cells in records:
            self._warn_once(warnings)
            yield cells

    def _records(self) -> Iterator[Record]:
        for cells in self._rows():
            if isinstance(cells, BrokenRecord):
                yield RejectedRow(0, self._first_cell(cells.line), cells.error)
            elif len(cells) != len(self._columns):
                yield RejectedRow(0, self._id_of(cells), wrong_cells(len(cells), len(self._columns)), cells)
            else:
                yield dict(zip(self._columns, cells, strict=True))

    def _read_fields(self, record: Mapping[str, Any]) -> Product:
        if self.column_map is not None or "attributes" not in record:
            return super()._read_fields(record)
        # In plain CSV `attributes` is a column like any other that we don't know (it has no agreed way to be written).
        known = super()._read_fields({name: cell for name, cell in record.items() if name != "attributes"})
        extra = {name: cell for name, cell in record.items() if name in known.extra or name == "attributes"}
        return replace(known, extra=extra, original=record)

    def _first_cell(self, line: str) -> str | None:
        """The id of a record that has lost a quote, where the id comes before it."""
        if self._columns[0] != self._id_column:
            return None
        cell = line.split(self.dialect.delimiter, 1)[0].strip()
        return cell if cell and len(cell) < 1000 and '"' not in cell and "\0" not in cell else None

    def _id_of(self, cells: list[str]) -> str | None:
        place = self._columns.index(self._id_column)
        return (cells[place] or None) if place < len(cells) else None

    def _distinct(self, header: list[str]) -> Iterator[str]:
        seen: set[str] = set()
        for name in header:
            new, number = name, 2
            while new in seen:
                new, number = f"{name}_{number}", number + 1
            if new != name and name:
                self._warn_once([f"{self.path}: column '{name}' stands there twice; the second is read as '{new}'"])
            seen.add(new)
            yield new


class TsvReader(CsvReader):
    """CSV with tabs."""

    kind = "TSV"

    delimiter = "\t"


def read_header(path: Path, preferred: str) -> list[str]:
    """The names in the first record; none where it can't be read."""
    check_file(path)
    lines = read_lines(path, [])
    first = next(lines, "")
    header = next(read_records(chain([first], lines), choose_delimiter(first, preferred)), [])
    return [] if isinstance(header, BrokenRecord) else header


def _line_end(line: str) -> str:
    return next((end for end in ("\r\n", "\r") if line.endswith(end)), "\n")


def wrong_cells(found: int, expected: int) -> str:
    return f"has {found} cells where the header has {expected}; put cells that hold a delimiter or a quote in quotes"
