"""Tables of text between delimiters: read record by record, written with the shop's own cells as they were.

What a format has in such a table (a plain one, an export of a shop system, a feed) is a reader and a writer below these.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any, Protocol

from pumgpt.catalog.formats.annotated import AnnotatedRow
from pumgpt.catalog.formats.base import CatalogReader, Format, FormatWriter, Record, RejectedRow
from pumgpt.catalog.formats.column_map import ColumnMap
from pumgpt.catalog.formats.compression import ending_of
from pumgpt.catalog.formats.csv_records import BrokenRecord, find_header, read_records
from pumgpt.catalog.formats.filled import FilledColumns, Fills
from pumgpt.catalog.formats.jsonl import plain_json
from pumgpt.catalog.formats.text_lines import check_file, encoding_of, has_mark, read_lines
from pumgpt.catalog.formats.xlsx.package import WORKBOOKS, split_sheet
from pumgpt.catalog.product import Product, is_missing, text_of
from pumgpt.catalog.understanding import Understanding
from pumgpt.errors import CatalogError

TABLES = (".csv", ".tsv", ".txt", *WORKBOOKS)
"""Endings of files that the tables of shop systems come in: text, or a sheet of a workbook with the same columns."""
_MOST_LINES_TO_HEADER = 12
_DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a table is written, so that it can be written so again."""

    delimiter: str = ","
    line_end: str = "\n"
    byte_order_mark: bool = False
    preamble: tuple[str, ...] = ()
    """The lines above the header, with their ends."""
    skip_blanks: bool = False
    """Whether a blank follows every delimiter, before a quote too."""


class Table(Protocol):
    """The records of an open file, wherever its cells stand: in a text, or in a sheet of a workbook."""

    dialect: Dialect
    warnings: list[str]
    """What the user should know of the file before its first record is read."""

    @property
    def layout(self) -> Mapping[str, str]:
        """See `CatalogReader.layout`."""

    def records(self, warnings: list[str]) -> Iterator[list[str] | BrokenRecord]:
        """The header, then what stands below it; `warnings` grows while they are read."""


class TextTable:
    """A CSV: comma-separated, or separated by tabs or semicolons where that makes a column `id_column`, or more columns, of
    the header.
    """

    def __init__(self, path: Path, id_column: str | None = None) -> None:
        self._path = path
        self.dialect = _read_dialect(path, id_column)
        num_above = len(self.dialect.preamble)
        above = f"{path}: its header is line {num_above + 1}; what stands above is not read as products"
        self.warnings = [above] if num_above else []

    @property
    def layout(self) -> Mapping[str, str]:
        num_above = len(self.dialect.preamble)
        return {
            "delimiter": _DELIMITER_NAMES.get(self.dialect.delimiter, self.dialect.delimiter),
            "encoding": encoding_of(self._path),
            **({"header": f"line {num_above + 1}"} if num_above else {}),
        }

    def records(self, warnings: list[str]) -> Iterator[list[str] | BrokenRecord]:
        lines = islice(read_lines(self._path, warnings), len(self.dialect.preamble), None)
        return read_records(lines, self.dialect.delimiter, skip_blanks=self.dialect.skip_blanks)


def open_table(path: Path, id_column: str | None = None) -> Table:
    """The records of a file. Raises `CatalogError` where it can't be read."""
    file, _ = split_sheet(path)
    if ending_of(file) not in WORKBOOKS:
        check_file(path)
        return TextTable(path, id_column)
    # Not at the top: what reads workbooks of no known layout fills their cells by the functions below.
    from pumgpt.catalog.formats.xlsx.sheet_table import SheetTable

    return SheetTable(path)


class CsvReader(CatalogReader):
    """A table of text cells; shop systems' tables may stand in a workbook instead of a text.

    `header` are the names as the file writes them, `columns` the same made distinct.
    """

    text_only = True

    def __init__(self, format_: Format[Any], path: Path, column_map: ColumnMap | None = None) -> None:
        file, _ = split_sheet(path)
        super().__init__(format_, file, column_map)
        self.table = open_table(path, None if column_map is None else column_map.id)
        self.warn(*self.table.warnings)
        header = next(self.table.records([]), None)
        if header is None or isinstance(header, BrokenRecord):
            reason = "has no header" if header is None else f"header: {header.error}"
            raise CatalogError(f"{path}: {reason}; its first line must name the columns, 'id' among them")
        self.header = tuple(header)
        self._columns = self.distinct([name.strip() for name in header])
        self.settle_columns(self._columns)

    @property
    def columns(self) -> tuple[str, ...]:
        return self._columns

    @property
    def layout(self) -> Mapping[str, str]:
        return self.table.layout

    def records(self) -> Iterator[Record | RejectedRow]:
        columns = self._columns
        for cells in self.rows():
            if isinstance(cells, BrokenRecord):
                yield RejectedRow(0, self.first_cell(cells), cells.error)
            elif len(cells) != len(columns):
                id_ = dict(zip(columns, cells, strict=False)).get(self.id_column) or None
                yield RejectedRow(0, id_, wrong_cells(len(cells), len(columns)), cells)
            else:
                yield dict(zip(columns, cells, strict=True))

    def count_records(self) -> int:
        return sum(1 for _ in self.table.records([])) - 1

    def rows(self) -> Iterator[list[str] | BrokenRecord]:
        """What stands below the header, cell by cell."""
        warnings: list[str] = []
        records = self.table.records(warnings)
        next(records)
        for cells in records:
            if warnings:
                self.warn(*warnings)
            yield cells
        self.warn(*warnings)

    def filled_columns(self, names: Sequence[str]) -> Iterator[set[str]]:
        places = {name: self._columns.index(name) for name in names}
        for cells in self.rows():
            if not isinstance(cells, BrokenRecord):
                yield {name for name, place in places.items() if place < len(cells) and cells[place].strip()}

    def first_cell(self, record: BrokenRecord) -> str | None:
        """The id of a record that has lost a quote, where the id comes before it."""
        if self._columns[0] != self.id_column:
            return None
        cell = record.line.split(self.table.dialect.delimiter, 1)[0].strip()
        return cell if cell and len(cell) < 1000 and '"' not in cell and "\0" not in cell else None


class CsvWriter(FormatWriter):
    """One table, row by row, in the dialect of the source where both have the same ending. UTF-8.

    `names` are all columns, the source's own first.
    """

    def __init__(
        self, path: Path, columns: FilledColumns, source: CatalogReader, names: Sequence[str] | None = None
    ) -> None:
        self.columns, self.names = columns, columns.names if names is None else names
        self._source, self._fills = source, source.fills
        self.file = open_records(path, source)
        self._blank_row = dict.fromkeys(self.names, "")
        # Where the source has answers of an earlier run, those that aren't given again are taken away.
        self._answers = columns.given_cells if set(columns.own).isdisjoint(columns.added) else columns.cells
        self._in_order = itemgetter(*self.names)
        header = source.header if isinstance(source, CsvReader) else columns.own
        self.file.write([*header, *self.names[len(header) :]])

    def write(self, product: Product, understanding: Understanding) -> None:
        row = self._blank_row.copy()
        if isinstance(self._source, CsvReader):  # its record is the cells of its columns
            row.update(product.original)
        else:
            own = with_decoded(product, self._source)
            row.update((name, own_cell(own, name)) for name in self.columns.own)
        row.update(self._answers(understanding))
        self.fill(row, product, understanding)
        self.file.write(self._in_order(row))

    def close(self) -> None:
        self.file.close()

    def fill(self, row: dict[str, str], product: Product, understanding: Understanding) -> None:
        """Put what was filled into the shop's own cells."""
        fill_cells(row, self.columns, self._fills, product, understanding)


class RecordFile(Protocol):
    """A file that takes records: the header first, then every row that the source had, in its order."""

    def write(self, cells: Sequence[str]) -> None: ...

    def close(self) -> None: ...


def open_records(path: Path, source: CatalogReader) -> RecordFile:
    """Begin the file `path`, written as `source` was where both have the same ending."""
    if _ending(path) not in WORKBOOKS:
        return RecordWriter(path, dialect_of(path, source))
    from pumgpt.catalog.formats.xlsx.sheet_table import open_sheet

    return open_sheet(path, source)


class RecordWriter:
    """Writes records so that any reader reads the same cells again."""

    def __init__(self, path: Path, dialect: Dialect) -> None:
        self._file = path.open("w", encoding="utf-8-sig" if dialect.byte_order_mark else "utf-8", newline="")
        self._delimiter, self._end = dialect.delimiter, dialect.line_end
        self._file.writelines(dialect.preamble)

    def write(self, cells: Sequence[str]) -> None:
        # The bytes of `csv.writer`, which looks up every character of a cell in the line end and takes three times as long.
        delimiter = self._delimiter
        text = delimiter.join(cells)
        if '"' in text or "\n" in text or "\r" in text:
            cells = [
                f'"{_doubled_quotes(cell)}"'
                if delimiter in cell or '"' in cell or "\n" in cell or "\r" in cell
                else cell
                for cell in cells
            ]
            text = delimiter.join(cells)
        elif text.count(delimiter) >= len(cells):  # some cell has one in it
            text = delimiter.join([f'"{cell}"' if delimiter in cell else cell for cell in cells])
        # A lone empty cell would be a blank line, which readers pass over.
        self._file.write((text or '""') + self._end)

    def close(self) -> None:
        self._file.close()


def _doubled_quotes(cell: str) -> str:
    return cell.replace('"', '""')


def annotate_export(
    path: Path,
    source: CsvReader,
    names: Sequence[str],
    rows: Iterable[AnnotatedRow],
    rows_of: Callable[[Any], Sequence[Sequence[str]]],
) -> None:
    """Write a system's table with every row that it had; the notes of a product stand in its first row.

    `rows_of` gives the rows, cell by cell, that a record was read from.
    """
    columns = tuple(dict.fromkeys((*source.columns, *names)))
    own = len(source.header)
    places = {name: place for place, name in enumerate(columns)}
    with closing(open_records(path, source)) as writer:
        writer.write([*source.header, *columns[own:]])
        for row in rows:
            for place, cells in enumerate(rows_of(row.original)):
                notes = row.notes if place == 0 else {}
                # A row with another number of cells was rejected; it goes back as it is.
                writer.write(padded(cells, places, notes) if len(cells) == own else cells)


def own_cell(product: Product, column: str) -> str:
    """The shop's value of one column as text: the cell itself where there was one, else the value written out."""
    value = product.original.get(column)
    if isinstance(value, str):
        return value
    if is_missing(value):
        return ""
    if column in ("image", "images"):
        return "|".join(ref.path or ref.url or "" for ref in product.images)
    if column == "category" and isinstance(value, list | tuple) and product.category_id is None:
        return " > ".join(product.category or ())
    if isinstance(value, bytes):
        return ""
    if isinstance(value, bool | list | tuple | Mapping):
        return json.dumps(value, ensure_ascii=False, default=plain_json)
    return text_of(value)


def with_decoded(product: Product, source: CatalogReader) -> Product:
    """A product whose original cells are as they are meant: a table of text can't say which number is which label."""
    return product if source.schema is None else replace(product, original=source.decoded(product.original))


def fill_cells(
    row: dict[str, str], columns: FilledColumns, fills: Fills, product: Product, understanding: Understanding
) -> None:
    """Put what was filled into the shop's own cells of a row, by column, where they are empty or may be overwritten."""
    category = columns.category(product, understanding)
    if category is not None and fills.category in row:
        row[fills.category] = " > ".join(category)
    if not fills.attributes:
        return
    for name, value in columns.filled(understanding).items():
        column = fills.attributes.get(name)
        if column in row and (not row[column].strip() or columns.overwrite_values):
            row[column] = "|".join(value)


def read_header(path: Path) -> list[str]:
    """The names in the first record; none where it can't be read."""
    file, _ = split_sheet(path)
    changed_ns = file.stat().st_mtime_ns if file.is_file() else 0
    return [*_header_of(path, changed_ns)]


@lru_cache(maxsize=16)
def _header_of(path: Path, changed_ns: int) -> list[str]:
    """Kept, as every shop system's format asks, and a workbook is slow to open. `changed_ns`: when the file was changed."""
    header = next(open_table(path).records([]), [])
    return [] if isinstance(header, BrokenRecord) else header


def is_table(path: Path) -> bool:
    """Whether a path is that of a file in which a shop system's table may be."""
    file, _ = split_sheet(path)
    return not file.is_dir() and ending_of(file) in TABLES


def dialect_of(path: Path, source: CatalogReader) -> Dialect:
    """How a table is written: as the source was, where both have the same ending."""
    if not isinstance(source, CsvReader):
        return Dialect(_delimiter(path))
    dialect = source.table.dialect
    if ending_of(source.path) == _ending(path):
        return dialect
    return Dialect(_delimiter(path), dialect.line_end, dialect.byte_order_mark)


def padded(cells: Sequence[str], places: Mapping[str, int], values: Mapping[str, str]) -> list[str]:
    """A record made long enough for `values`, with these in their places."""
    row = [*cells, *[""] * (len(places) - len(cells))]
    for name, value in values.items():
        row[places[name]] = value
    return row


def wrong_cells(found: int, expected: int) -> str:
    """The error of a row with more or fewer cells than the header."""
    return f"has {found} cells where the header has {expected}; put cells that hold a delimiter or a quote in quotes"


def _read_dialect(path: Path, id_column: str | None = None) -> Dialect:
    lines = list(islice(read_lines(path, []), _MOST_LINES_TO_HEADER))
    place, delimiter = find_header(lines, _delimiter(path), id_column)
    header = lines[place] if place < len(lines) else ""
    line_end = next((end for end in ("\r\n", "\r") if header.endswith(end)), "\n")
    # Of 'id, title' the blanks belong to nothing; kept, they would make '"Green, long"' two cells.
    blanks = delimiter in header and all(part.startswith(" ") for part in header.split(delimiter)[1:])
    return Dialect(delimiter, line_end, has_mark(path), tuple(lines[:place]), blanks)


def _delimiter(path: Path) -> str:
    return "\t" if _ending(path) in (".tsv", ".txt") else ","


def _ending(path: Path) -> str:
    # Outputs are written as OUT.new beside their place.
    return ending_of(path.with_name(path.name.removesuffix(".new")))
