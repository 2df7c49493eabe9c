"""Excel workbooks (.xlsx, .xlsm): read row by row; filled, they are the merchant's own file with cells put in.

A workbook is not loaded and saved by `openpyxl` (3.1.5): of what merchants have in theirs that drops the computed values of all
formulas (so that importers find empty cells), pictures placed in cells, text boxes, buttons, sparklines, bars of conditional
formats, check boxes and the fonts within a text, and it can't open "strict" workbooks at all. So one sheet's XML is read and
copied here, and every other part of the file comes back byte by byte; `openpyxl` says what is a date, and makes new files.

    FILE.xlsx#NAME      the sheet of that name; without it, the one whose header says most, visible sheets first
    pictures            lying on a product's row, or standing in one of its cells, are photos of the product
    pumgpt_*            are columns to the right of all that the sheet holds; its table or filter takes them in
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from openpyxl.utils.escape import unescape

from pumgpt.catalog.formats.annotated import AnnotatedRow, annotated_products
from pumgpt.catalog.formats.base import CatalogReader, Format, FormatWriter, Record, RejectedRow
from pumgpt.catalog.formats.column_map import ROW_NUMBER, ColumnMap, guess_columns
from pumgpt.catalog.formats.compression import ending_of
from pumgpt.catalog.formats.csv import fill_cells, own_cell
from pumgpt.catalog.formats.csv_records import are_codes, is_header
from pumgpt.catalog.formats.filled import FilledColumns
from pumgpt.catalog.formats.xlsx.copy import CellValue, NewWorkbook, SheetCopy
from pumgpt.catalog.formats.xlsx.package import WORKBOOKS, Package, SheetEntry, split_sheet
from pumgpt.catalog.formats.xlsx.pictures import Pictures
from pumgpt.catalog.formats.xlsx.shared_strings import SharedStrings
from pumgpt.catalog.formats.xlsx.sheet import MAX_TEXT, Sheet, SheetCell, SheetRow, cell_name
from pumgpt.catalog.formats.xlsx.styles import NumberText, iso_date, number_texts, plain_number
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.errors import CatalogError, first_line

_OTHER_ENDINGS = (".xls", ".xlsb", ".ods")
"""Of sheets that we can't read, and say so; what is called .xls is often something else."""
_ROWS_TO_HEADER = 12
# Google Sheets writes functions that Excel lacks as DUMMYFUNCTION("IMAGE(""https://..."")").
_IMAGE_FORMULA = re.compile(r'(?:^|[^A-Z])IMAGE\(\s*"{1,2}([^"]+)"', re.IGNORECASE)
_LINK_FORMULA = re.compile(r'HYPERLINK\(\s*"{1,2}([^"]+)"', re.IGNORECASE)


class XlsxFormat(Format[CatalogReader]):
    name = "an Excel workbook"
    endings = WORKBOOKS
    can_unpack = True

    def recognise(self, path: Path, column_map: ColumnMap | None = None) -> bool:
        file, _ = split_sheet(path)
        return not file.is_dir() and ending_of(file) in (*WORKBOOKS, *_OTHER_ENDINGS)

    def read(self, path: Path, column_map: ColumnMap | None = None) -> XlsxReader:
        return XlsxReader(self, path, column_map)

    def fill(self, path: Path, columns: FilledColumns, source: CatalogReader) -> FormatWriter:
        if isinstance(source, XlsxReader) and ending_of(source.path) == _ending(path):
            return XlsxWriter(path, columns, source)
        return NewXlsxWriter(path, columns, source)

    def annotate(self, path: Path, source: CatalogReader, names: Sequence[str], rows: Iterable[AnnotatedRow]) -> None:
        if isinstance(source, XlsxReader) and ending_of(source.path) == _ending(path):
            _annotate_workbook(path, source, names, rows)
            return
        columns = tuple(dict.fromkeys((*source.columns, *names)))
        with closing(NewWorkbook(path, has_macros(path))) as file:
            file.write(columns)
            for product in annotated_products(rows):
                file.write([own_cell(product, name) for name in columns])
        warn_of_long_texts(file.long_texts, source)


@dataclass(frozen=True)
class SheetRecord(Mapping[str, str]):
    """One row as a mapping from columns to texts; `row` knows where it stands in the sheet."""

    texts: Mapping[str, str]
    row: SheetRow = field(repr=False)

    def __getitem__(self, column: str) -> str:
        return self.texts[column]

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts)

    def __len__(self) -> int:
        return len(self.texts)


class XlsxReader(CatalogReader):
    """One sheet of a workbook. `header` are the names as they stand there, `rows()` what stands below, as text.

    A number is read as a spreadsheet shows it (1001, 00123, 25%), a date as 2026-03-01, a formula as its last value.
    """

    text_only = True

    def __init__(self, format_: Format[Any], path: Path, column_map: ColumnMap | None = None) -> None:
        file, wanted = split_sheet(path)
        super().__init__(format_, file, column_map)
        self.package = Package(file)
        self._tellings: set[str] = set()
        self._has_header = self._is_measured = False
        self._last_column = 0
        self._total_rows: set[int] = set()
        self._photo_columns: frozenset[str] = frozenset()
        self._choose_sheet(wanted)
        self.settle_columns(self._columns)
        named = ("image", "images") if self.column_map is None else self.column_map.images
        self._photo_columns = frozenset(named) & {*self._columns}

    @property
    def columns(self) -> tuple[str, ...]:
        return self._columns

    @property
    def layout(self) -> Mapping[str, str]:
        return {"sheet": self.sheet.entry.name, "header": f"row {self.header_row.number}"}

    def rows(self) -> Iterator[list[str]]:
        """What stands below the header, cell by cell; rows of which nothing is left blank out."""
        for record in self.records():
            if not isinstance(record, RejectedRow):
                yield [*record.values()]

    def records(self) -> Iterator[SheetRecord | RejectedRow]:
        above: dict[int, tuple[int, str]] = {}
        for row in self.sheet_rows():
            texts = dict.fromkeys(self._columns, "")
            try:
                for cell, text in self._texts(row, above):
                    name = self._names.get(cell.column)
                    if name is not None:
                        texts[name] = self._photo_of(row, cell, text) if name in self._photo_columns else text
            except (LookupError, ValueError) as error:
                yield RejectedRow(
                    0, None, f"row {row.number} of the sheet can't be read ({first_line(error)}); mend it"
                )
                continue
            if any(map(str.strip, texts.values())) or self.pictures.has_floating(row.number):
                yield SheetRecord(texts, row)

    def count_records(self) -> int:
        return sum(1 for row in self.sheet_rows() if any(not cell.is_blank for cell in row.cells))

    def product_of(self, record: Record) -> Product:
        assert isinstance(record, SheetRecord)
        product = super().product_of(record)
        photos = self.pictures.floating(record.row.number)
        for cell in record.row.cells:
            photos += self.pictures.in_cell(cell)
        return replace(product, images=(*product.images, *photos)) if photos else product

    def sheet_rows(self) -> Iterator[SheetRow]:
        """The rows below the header, but for the totals of a table."""
        last = self._last_column
        for row in self.sheet.rows():
            last = max(last, max((cell.column for cell in row.cells if not cell.is_blank), default=0))
            if row.number > self.header_row.number and row.number not in self._total_rows:
                yield row
        self._last_column = last
        self._is_measured = True

    @property
    def last_column(self) -> int:
        """The last one in which anything stands; the first call may read the whole sheet."""
        if not self._is_measured:
            for _ in self.sheet_rows():
                pass
        return self._last_column

    def _choose_sheet(self, wanted: str | None) -> None:
        """Settle which sheet is read, and which of its rows is the header."""
        entries = self.package.sheets()
        if wanted is not None:
            names = ", ".join(f"'{entry.name}'" for entry in entries)
            entries = [entry for entry in entries if entry.name.casefold() == wanted.casefold()]
            if not entries:
                raise CatalogError(f"{self.path}: has no sheet '{wanted}'; its sheets are {names}")
        found = []
        for entry in entries:
            self._open_sheet(Sheet(self.package, entry))
            header = self._find_header()
            if header is not None:
                row, names_, score = header
                found.append((score > 0, not entry.is_hidden, score, self.sheet, row, names_))
        if not found:
            raise CatalogError(f"{self.path}: no sheet has a header; one must name its columns, 'id' among them")
        best = max(found, key=lambda candidate: candidate[:3])
        others = [sheet.entry for understood, *_, sheet, _, _ in found if understood and sheet is not best[3]]
        self._open_sheet(best[3])
        self._settle_header(best[4], best[5])
        self._remark_on_sheet(others, len(self.package.sheets()) > 1)

    def _open_sheet(self, sheet: Sheet) -> None:
        self.sheet, self.pictures = sheet, Pictures(sheet)
        # Of merged cells the first has the value: in a column all rows below share it.
        self._merged: dict[tuple[int, int], int] = {
            (area.top, area.left): area.bottom for area in sheet.merged if area.bottom > area.top
        }

    def _find_header(self) -> tuple[SheetRow, dict[int, str], int] | None:
        """The header of the sheet at hand with its names by column, and how many of them are understood."""
        wanted = None if self.column_map is None else self.column_map.id
        named = ((row, self._header_names(row)) for row in self.sheet.rows())
        rows = [*islice(((row, names) for row, names in named if names), _ROWS_TO_HEADER)]
        for place, (row, names) in enumerate(rows):
            if is_header([*names.values()], wanted, is_first=place == 0):
                below = rows[place + 1][1] if place + 1 < len(rows) else {}
                if wanted in (None, ROW_NUMBER) and below and are_codes([*below.values()]):
                    row, names = rows[place + 1]
                guessed = guess_columns([*names.values()], wanted)
                return row, names, 1 if guessed is None else len(guessed.used)
        return (*rows[0], 0) if rows else None

    def _header_names(self, row: SheetRow) -> dict[int, str]:
        try:
            names = {cell.column: text.strip() for cell, text in self._texts(row, {}) if text.strip()}
        except (LookupError, ValueError):  # a broken row of products; it is named when it is read
            return {}
        for area in self.sheet.merged:  # 'Images' over three columns names all three
            if area.top <= row.number <= area.bottom and area.left in names:
                names |= dict.fromkeys(range(area.left, min(area.right, area.left + 99) + 1), names[area.left])
        return dict(sorted(names.items()))

    def _settle_header(self, row: SheetRow, names: Mapping[int, str]) -> None:
        self.header_row = row
        places = range(min(names), max(names) + 1)
        self.header = tuple(names.get(place, "") for place in places)
        self._columns = self.distinct(self.header)
        self.places = dict(zip(self._columns, places, strict=True))
        self._names = dict(zip(places, self._columns, strict=True))
        self._total_rows = {
            area.bottom for _, area, has_totals in self.sheet.tables if has_totals and area.top == row.number
        }
        self._last_column = max([places[-1], *(area.right for _, area, _ in self.sheet.tables)])
        self._has_header = True

    def _remark_on_sheet(self, others: Sequence[SheetEntry], has_more: bool) -> None:
        if others:
            names = ", ".join(f"'{entry.name}'" for entry in others)
            self.warn(
                f"{self.path}: reads sheet '{self.sheet.entry.name}', not {names}; "
                f"name another as {self.path.name}#{others[0].name}"
            )
        elif has_more:
            self.warn(f"{self.path}: reads sheet '{self.sheet.entry.name}'")
        if any(number < self.header_row.number for number in self._rows_above()):
            self.warn(
                f"{self.path}: its header is row {self.header_row.number}; what stands above is not read as products"
            )

    def _rows_above(self) -> Iterator[int]:
        for row in self.sheet.rows():
            if row.number >= self.header_row.number:
                return
            if any(not cell.is_blank for cell in row.cells):
                yield row.number

    def _texts(self, row: SheetRow, above: dict[int, tuple[int, str]]) -> Iterator[tuple[SheetCell, str]]:
        """The cells of a row with what they say. Merged ones say what the first of them does: `above` has it, by column,
        with the last row that it holds for.
        """
        for cell in row.cells:
            text = self._text(row.number, cell)
            last = self._merged.get((row.number, cell.column))
            if last is not None:
                above[cell.column] = last, text
            elif cell.column not in above or row.number > above[cell.column][0]:
                yield cell, text
        for column, (last, text) in above.items():
            if row.number <= last:
                yield SheetCell(column, "str", 0, text, None, 0, -1), text

    def _text(self, row: int, cell: SheetCell) -> str:
        if self.pictures.is_picture(cell):
            return ""
        if cell.formula is not None:
            photo = _IMAGE_FORMULA.search(cell.formula)
            if photo is not None:
                return photo[1]
            if not cell.raw and cell.kind != "str":
                self._tell("formula", row, cell, "is a formula that was never computed, and others may be")
        match cell.kind:
            case "s":
                return self._strings[int(cell.raw)] if cell.raw else ""
            case "str" | "inlineStr":
                return unescape(cell.raw)
            case "b":
                return {"1": "TRUE", "0": "FALSE"}.get(cell.raw, cell.raw.upper())
            case "d":
                return iso_date(cell.raw)
            case "e":
                self._tell("error", row, cell, f"is {cell.raw}, and others may be errors")
                return ""
        if not cell.raw:
            return ""
        return (self._numbers[cell.style] if cell.style < len(self._numbers) else plain_number)(cell.raw)

    def _photo_of(self, row: SheetRow, cell: SheetCell, text: str) -> str:
        """What a column of photos names: where a cell leads to, rather than the 'Photo' that it shows."""
        link = _LINK_FORMULA.search(cell.formula) if cell.formula else None
        target = link[1] if link is not None else self.sheet.links.get((row.number, cell.column))
        return target if target and re.match(r"https?://", target, re.IGNORECASE) else text

    def _tell(self, kind: str, row: int, cell: SheetCell, what: str) -> None:
        """Warn of the first cell of its kind below the header."""
        if kind not in self._tellings and self._has_header:
            self._tellings.add(kind)
            place = f"'{self.sheet.entry.name}'!{cell_name(row, cell.column)}"
            self.warn(f"{self.path}: {place} {what}; such cells are read as empty; compute and save the workbook anew")

    @cached_property
    def _strings(self) -> SharedStrings:
        part = self.package.related(self.package.workbook, "sharedStrings")
        if part is None or not self.package.has(part):
            return SharedStrings(None)
        with self.package.reading(), self.package.open(part) as file:
            return SharedStrings(file)

    @cached_property
    def _numbers(self) -> Sequence[NumberText]:
        properties = self.package.xml(self.package.workbook).find("{*}workbookPr")
        is_1904 = properties is not None and properties.get("date1904") in ("1", "true")
        return number_texts(self.package.xml(self.package.related(self.package.workbook, "styles")), is_1904)


class XlsxWriter(FormatWriter):
    """The source's workbook again. Rows that were not answered stay as they are."""

    def __init__(self, path: Path, columns: FilledColumns, source: XlsxReader) -> None:
        self._columns, self._source = columns, source
        self._copy, self._places = begin_copy(path, source, columns.names)

    def write(self, product: Product, understanding: Understanding) -> None:
        record = product.original
        assert isinstance(record, SheetRecord)
        own = dict(record.texts)
        fill_cells(own, self._columns, self._source.fills, product, understanding)
        values: dict[str, CellValue] = {name: text for name, text in own.items() if text != record.texts[name]}
        for name, value in self._columns.answers(understanding).items():
            text = "" if value is None else str(value)
            if text != record.texts.get(name, ""):  # an earlier answer of ours stands in its cell
                values[name] = value
        self._copy.write(record.row, {self._places[name]: value for name, value in values.items()})

    def close(self) -> None:
        self._copy.close()
        warn_of_long_texts(self._copy.long_texts, self._source)


class NewXlsxWriter(FormatWriter):
    """A plain workbook of one sheet, for a catalogue that came in another form."""

    def __init__(self, path: Path, columns: FilledColumns, source: CatalogReader) -> None:
        self._columns, self._source = columns, source
        self._file = NewWorkbook(path, has_macros(path))
        self._file.write(columns.names)

    def write(self, product: Product, understanding: Understanding) -> None:
        row = {name: own_cell(product, name) for name in self._columns.own}
        fill_cells(row, self._columns, self._source.fills, product, understanding)
        values: dict[str, CellValue] = {**row, **self._columns.answers(understanding)}
        self._file.write([values[name] for name in self._columns.names])

    def close(self) -> None:
        self._file.close()
        warn_of_long_texts(self._file.long_texts, self._source)


def has_macros(path: Path) -> bool:
    return _ending(path) == ".xlsm"


def begin_copy(path: Path, source: XlsxReader, names: Sequence[str]) -> tuple[SheetCopy, dict[str, int]]:
    """A copy of the source with a header of `names`, and the columns of all names."""
    added = [name for name in names if name not in source.places]
    first = source.last_column + 1
    places = {**source.places, **{name: place for place, name in enumerate(added, start=first)}}
    copy = SheetCopy(path, source.sheet, source.header_row, added, first)
    copy.write(source.header_row, {places[name]: name for name in added}, style=source.header_row.cells[-1].style)
    return copy, places


def _annotate_workbook(path: Path, source: XlsxReader, names: Sequence[str], rows: Iterable[AnnotatedRow]) -> None:
    copy, places = begin_copy(path, source, [*source.columns, *names])
    with closing(copy):
        for row in rows:
            if row.product is None:
                continue
            before = row.product.original
            assert isinstance(before, SheetRecord)
            after = {**row.original, **row.notes}
            changed = {places[name]: text for name, text in after.items() if text != before.texts.get(name, "")}
            copy.write(before.row, changed)
    warn_of_long_texts(copy.long_texts, source)


def warn_of_long_texts(count: int, source: CatalogReader) -> None:
    if count:
        source.warn(
            f"{source.path}: {count} texts were cut to the {MAX_TEXT:,} characters that a cell of Excel can hold; "
            "write .csv to keep them whole"
        )


def _ending(path: Path) -> str:
    # Outputs are written as OUT.new beside their place.
    return Path(path.name.removesuffix(".new")).suffix.lower()
