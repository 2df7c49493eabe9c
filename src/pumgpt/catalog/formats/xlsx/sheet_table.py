"""A shop system's table in a workbook: the records of one sheet, read and written as those of the system's CSV are.

People open an export in a spreadsheet program and save it as a workbook. Its columns mean what they meant in the CSV, and
what is filled stands in the same cells; every other cell, and every other part of the workbook, comes back as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pumgpt.catalog.formats.base import CatalogReader, RejectedRow
from pumgpt.catalog.formats.compression import ending_of
from pumgpt.catalog.formats.csv import CsvReader, Dialect, RecordFile
from pumgpt.catalog.formats.csv_records import BrokenRecord
from pumgpt.catalog.formats.xlsx.copy import CellValue, NewWorkbook, SheetCopy
from pumgpt.catalog.formats.xlsx.workbook import (
    SheetRecord,
    XlsxFormat,
    XlsxReader,
    begin_copy,
    has_macros,
    warn_of_long_texts,
)


class SheetTable:
    """The records of a sheet. `path` may name it, as 'shop.xlsx#Products'."""

    dialect = Dialect()

    def __init__(self, path: Path) -> None:
        self.sheet = _UnsettledSheet(XlsxFormat(), path)
        self.warnings = self.sheet.warnings

    @property
    def layout(self) -> Mapping[str, str]:
        return self.sheet.layout

    def records(self, warnings: list[str]) -> Iterator[list[str] | BrokenRecord]:
        yield [*self.sheet.header]
        for record in self.sheet.records():
            if isinstance(record, RejectedRow):
                yield BrokenRecord(record.error, "")
            else:
                yield [*record.texts.values()]
        warnings.extend(line for line in self.sheet.warnings if line not in warnings)

    def readable_records(self) -> Iterator[SheetRecord]:
        return (record for record in self.sheet.records() if isinstance(record, SheetRecord))


class _UnsettledSheet(XlsxReader):
    def settle_columns(self, names: Sequence[str]) -> None:
        """The system's format knows what they hold."""


class SheetWriter:
    """The source's workbook again, with what differs in its records. A row that can't be read stays as it is."""

    def __init__(self, path: Path, table: SheetTable, source: CatalogReader) -> None:
        self._path, self._table, self._source = path, table, source
        self._records = table.readable_records()
        self._copy: SheetCopy | None = None
        self._names: list[str] = []
        self._places: list[int] = []

    def write(self, cells: Sequence[str]) -> None:
        if self._copy is None:
            self._begin(cells)
            return
        record = next(self._records)
        before = [*record.texts.values(), *[""] * (len(self._places) - len(record))]
        rows = zip(self._names, self._places, before, cells, strict=False)
        self._copy.write(record.row, {place: _typed(name, cell) for name, place, old, cell in rows if cell != old})

    def close(self) -> None:
        if self._copy is not None:
            self._copy.close()
            warn_of_long_texts(self._copy.long_texts, self._source)

    def _begin(self, header: Sequence[str]) -> None:
        sheet = self._table.sheet
        self._names = [*sheet.columns, *header[len(sheet.columns) :]]
        self._copy, places = begin_copy(self._path, sheet, self._names)
        self._places = [places[name] for name in self._names]


def open_sheet(path: Path, source: CatalogReader) -> RecordFile:
    """Begin the workbook `path`: the source's own where it is one of the same ending, else a new one."""
    table = source.table if isinstance(source, CsvReader) else None
    if isinstance(table, SheetTable) and ending_of(source.path) == ending_of(Path(path.name.removesuffix(".new"))):
        return SheetWriter(path, table, source)
    return NewWorkbook(path, has_macros(path))


def _typed(name: str, cell: str) -> CellValue:
    """A confidence of ours as a number, by which people sort and filter."""
    is_number = name.startswith("pumgpt_") and name.endswith("_confidence") and cell
    return float(cell) if is_number else cell
