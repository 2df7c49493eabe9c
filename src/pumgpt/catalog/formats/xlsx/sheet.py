"""The rows of one sheet with the bytes that they take up in its XML, and what stands around them.

Knowing the bytes, a copy of the sheet changes a cell and leaves all else as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import IO, NamedTuple
from xml.etree import ElementTree
from xml.parsers import expat

from openpyxl.utils.cell import column_index_from_string, get_column_letter, range_boundaries

from pumgpt.catalog.formats.text_lines import MAX_CELL_CHARS
from pumgpt.catalog.formats.xlsx.package import Package, SheetEntry, parse_xml, reference, refuse_document_type
from pumgpt.catalog.formats.xlsx.shared_strings import CHUNK_BYTES

MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384
MAX_TEXT = 32_767
"""Characters of UTF-16 that a cell may hold; Excel calls a file with more damaged."""
_DATA_START = re.compile(rb"<((?:[\w.-]+:)?)sheetData\s*(/?)>")
_ROOT_TAG = re.compile(rb"<(?:[\w.-]+:)?worksheet\b[^>]*>")
_MAX_AROUND_BYTES = 64 << 20


class SheetCell(NamedTuple):
    """One cell. `column` counts from 1, `kind` is its type ('s', 'n', 'str', ...), `raw` its value as it stands there, `picture`
    a number of the workbook's metadata (0: none), `start` the byte at which it begins.
    """

    column: int
    kind: str
    style: int
    raw: str
    formula: str | None
    picture: int
    start: int

    @property
    def is_blank(self) -> bool:
        return not self.raw and self.formula is None


@dataclass(slots=True)
class SheetRow:
    """One row; `number` is the one that people see. Its tag begins at byte `start`, its end tag at `close`."""

    number: int
    start: int
    cells: list[SheetCell] = field(default_factory=list)
    close: int = -1


class CellRange(NamedTuple):
    """First and last column and row, from 1."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def parse(cls, text: str) -> CellRange:
        left, top, right, bottom = range_boundaries(text.replace("$", ""))
        return cls(left or 1, top or 1, right or MAX_COLUMNS, bottom or MAX_ROWS)

    def __str__(self) -> str:
        return f"{get_column_letter(self.left)}{self.top}:{get_column_letter(self.right)}{self.bottom}"


class Sheet:
    """One sheet of a workbook. `head` is its XML up to the rows, `tail` the XML after them, with the end tag of the rows.

    `prefix` is what its tags begin with, nearly always nothing.
    """

    def __init__(self, package: Package, entry: SheetEntry) -> None:
        self.package, self.entry = package, entry
        with package.reading(), package.open(entry.part) as file:
            self.head, self.tail, self.prefix = _around_rows(file)
        self.tail_start = package.size(entry.part) - len(self.tail)

    def rows(self) -> Iterator[SheetRow]:
        with self.package.reading(), self.package.open(self.entry.part) as file:
            yield from _RowParser(self.prefix).parse(file)

    @cached_property
    def merged(self) -> list[CellRange]:
        """Cells that are shown as one; the first of each holds the value."""
        return [CellRange.parse(item.get("ref", "")) for item in self._end.iterfind("{*}mergeCells/{*}mergeCell")]

    @cached_property
    def links(self) -> dict[tuple[int, int], str]:
        """The addresses that cells lead to, by row and column."""
        relations = self.package.relations(self.entry.part)
        found: dict[tuple[int, int], str] = {}
        for element in self._end.iterfind("{*}hyperlinks/{*}hyperlink"):
            relation = relations.get(reference(element, "id") or "")
            if relation is not None and relation.is_external:
                place = CellRange.parse(element.get("ref", "A1"))
                found[place.top, place.left] = relation.target
        return found

    @cached_property
    def tables(self) -> list[tuple[str, CellRange, bool]]:
        """The sheet's tables: part, range, and whether their last row holds totals."""
        found = []
        for relation in self.package.relations(self.entry.part).values():
            if relation.kind == "table" and self.package.has(relation.target):
                table = self.package.xml(relation.target)
                has_totals = table.get("totalsRowCount", "0") != "0"
                found.append((relation.target, CellRange.parse(table.get("ref", "A1")), has_totals))
        return found

    @property
    def _end(self) -> ElementTree.Element:
        """What stands after the rows, as a sheet without any; not kept, since a sheet may have 65,000 links."""
        root = _ROOT_TAG.search(self.head)
        with self.package.reading():
            rows = f"<{self.prefix}sheetData>".encode()
            return parse_xml((root[0] if root else b"<worksheet>") + rows + self.tail)


def _around_rows(file: IO[bytes]) -> tuple[bytes, bytes, str]:
    """A sheet's XML before its rows and after them, and the prefix of its tags."""
    head = b""
    while (start := _DATA_START.search(head)) is None:
        chunk = file.read(CHUNK_BYTES)
        if not chunk or len(head) > _MAX_AROUND_BYTES:
            raise LookupError("a sheet has no rows in UTF-8")
        head += chunk
    prefix = start[1].decode()
    end_tag = f"</{prefix}sheetData".encode()
    if start[2]:
        rest = head[start.end() :]
        return head[: start.start()], end_tag + b">" + rest + _rest_of(file), prefix
    window = head[start.end() :]
    while (place := window.find(end_tag)) < 0:
        chunk = file.read(CHUNK_BYTES)
        if not chunk:
            raise EOFError("a sheet ends within its rows")
        window = window[-len(end_tag) :] + chunk
    return head[: start.start()], window[place:] + _rest_of(file), prefix


def _rest_of(file: IO[bytes]) -> bytes:
    rest = file.read(_MAX_AROUND_BYTES + 1)
    if len(rest) > _MAX_AROUND_BYTES:
        raise LookupError(f"a sheet has more than {_MAX_AROUND_BYTES:,} bytes after its rows")
    return rest


class _RowParser:
    """One pass over a sheet. A row is given when its end tag was read; no more than a chunk of them is held."""

    def __init__(self, prefix: str) -> None:
        names = ("row", "c", "v", "t", "f", "rPh", "sheetData")
        self._row_tag, self._c, self._v, self._t, self._f, self._reading, self._data = (prefix + name for name in names)
        self._done: list[SheetRow] = []
        self._row = SheetRow(0, 0)
        self._chars: list[str] = []
        self._columns: dict[str, int] = {}
        # What is known of the cell that is open.
        self._attributes: dict[str, str] = {}
        self._column = self._byte = 0
        self._raw = ""
        self._formula: str | None = None
        self._has_ended = self._is_reading = False
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._chars.append
        parser.StartDoctypeDeclHandler = refuse_document_type

    def parse(self, file: IO[bytes]) -> Iterator[SheetRow]:
        while not self._has_ended and (chunk := file.read(CHUNK_BYTES)):
            self._parser.Parse(chunk, False)
            rows, self._done = self._done, []
            yield from rows
            if sum(map(len, self._chars)) > MAX_CELL_CHARS or len(self._row.cells) > MAX_COLUMNS:
                raise LookupError(f"row {self._row.number} is longer than a row can be")
        if not self._has_ended:
            raise EOFError("a sheet ends within its rows")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._chars.clear()
        if name == self._c:
            place = attributes.get("r")
            if place is None:  # then it is the one after the last
                self._column = self._row.cells[-1].column + 1 if self._row.cells else 1
            else:
                letters = place.rstrip("0123456789")
                column = self._columns.get(letters)
                if column is None:
                    column = self._columns[letters] = column_index_from_string(letters)
                self._column = column
            self._attributes = attributes
            self._byte = self._parser.CurrentByteIndex
            self._raw, self._formula = "", None
        elif name == self._row_tag:
            number = int(attributes.get("r") or self._row.number + 1)
            self._row = SheetRow(number, self._parser.CurrentByteIndex)
        elif name == self._reading:
            self._is_reading = True

    def _end(self, name: str) -> None:
        if name == self._v:
            self._raw = "".join(self._chars)
        elif name == self._c:
            get = self._attributes.get
            style, picture = int(get("s", 0)), int(get("vm", 0))
            cell = SheetCell(self._column, get("t", "n"), style, self._raw, self._formula, picture, self._byte)
            self._row.cells.append(cell)
        elif name == self._t:
            if not self._is_reading:
                self._raw += "".join(self._chars)
        elif name == self._f:
            self._formula = "".join(self._chars)
        elif name == self._row_tag:
            self._row.close = self._parser.CurrentByteIndex
            self._done.append(self._row)
        elif name == self._reading:
            self._is_reading = False
        elif name == self._data:
            self._has_ended = True
        self._chars.clear()


def cell_name(row: int, column: int) -> str:
    return f"{get_column_letter(column)}{row}"
