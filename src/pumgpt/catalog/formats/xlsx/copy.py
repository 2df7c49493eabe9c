"""Workbooks out: a sheet's XML is copied byte by byte with cells put into its rows, all other parts as they are.

Cells are written as inline texts, so that the workbook's list of shared texts stays as it is too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import copy
from io import BytesIO
from pathlib import Path
from typing import IO
from xml.sax.saxutils import escape, quoteattr
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl import Workbook
from openpyxl.utils.cell import get_column_letter

from pumgpt.catalog.formats.xlsx.package import Package, SheetEntry
from pumgpt.catalog.formats.xlsx.sheet import (
    MAX_COLUMNS,
    MAX_ROWS,
    MAX_TEXT,
    CellRange,
    Sheet,
    SheetRow,
    cell_name,
)
from pumgpt.errors import CatalogError

CellValue = str | float | None
_FLUSH_BYTES = 1 << 18
_ZIP64_BYTES = 1 << 30
_DIMENSION = re.compile(rb'(<(?:[\w.-]+:)?dimension\b[^>]*?\bref=")([^"]+)(")')
_AUTO_FILTER = re.compile(rb'(<(?:[\w.-]+:)?autoFilter\b[^>]*?\bref=")([^"]+)(")')
_COLUMN = re.compile(rb"<(?:[\w.-]+:)?col\b[^>]*/>")
_HIDDEN = re.compile(rb'\shidden="(?:1|true)"')
_SPANS = re.compile(rb'(\sspans="\d+:)(\d+)(")')
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\r]|_(?=x[0-9A-Fa-f]{4}_)|[\ud800-\udfff]")
_MACROS = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
_NO_MACROS = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"


class SheetCopy:
    """A workbook with new cells in one sheet. `widened_to` is its last column where columns were added, else 0.

    The table and the filter around `header` reach that far too: sorted, a sheet moves only what its filter covers.
    """

    def __init__(self, path: Path, sheet: Sheet, header: SheetRow, added: Sequence[str], first_added: int) -> None:
        self._sheet, self._package = sheet, sheet.package
        self.widened_to = first_added + len(added) - 1 if added else 0
        if self.widened_to > MAX_COLUMNS:
            raise CatalogError(f"{path}: would have {self.widened_to:,} columns, Excel has {MAX_COLUMNS:,}")
        self._first_added = first_added
        self.long_texts = 0
        edited: dict[str, bytes] = {}
        tail = sheet.tail
        if added:
            edited = self._widened_tables(added, header.number)
            tail = self._widened_filter(tail, header.number, edited)
        self._tail = tail
        self._parts = _PartCopy(path, self._package, sheet.entry, edited)
        self._source = self._package.open(sheet.entry.part)
        self._position = len(sheet.head)
        self._source.seek(0)
        self._source.read(self._position)
        self._parts.write(self._widened_head(sheet.head))

    def write(self, row: SheetRow, cells: Mapping[int, CellValue], style: int = 0) -> None:
        """Put cells into a row, by column. A cell that is there keeps its style and, where it is computed, its formula; a
        new one has `style`. None empties a cell. Rows come in the order of the sheet.
        """
        self.long_texts += sum(map(_is_long, cells.values()))
        self._parts.write(self._read_to(row.start))
        self._parts.write(self._edited(self._read_to(row.close), row, cells, style))

    def close(self) -> None:
        try:
            self._parts.write(self._read_to(self._sheet.tail_start))
            self._parts.write(self._tail)
        finally:
            self._source.close()
            self._parts.close()

    def _read_to(self, end: int) -> bytes:
        data = self._source.read(end - self._position)
        self._position = end
        return data

    def _edited(self, data: bytes, row: SheetRow, cells: Mapping[int, CellValue], style: int) -> bytes:
        """A row's XML up to its end tag, with cells replaced and put in."""
        prefix = self._sheet.prefix
        starts = [cell.start - row.start for cell in row.cells] + [len(data)]
        pieces = [self._widened_row(data[: starts[0]])]
        waiting = sorted(cells, reverse=True)
        for cell, start, end in zip(row.cells, starts, starts[1:], strict=False):
            while waiting and waiting[-1] < cell.column:
                column = waiting.pop()
                pieces.append(_cell(prefix, row.number, column, cells[column], style))
            if waiting and waiting[-1] == cell.column:
                column = waiting.pop()
                if cell.formula is None:
                    pieces.append(_cell(prefix, row.number, column, cells[column], cell.style, keep=True))
                    continue
            pieces.append(data[start:end])
        pieces += [_cell(prefix, row.number, column, cells[column], style) for column in reversed(waiting)]
        return b"".join(pieces)

    def _widened_row(self, tag: bytes) -> bytes:
        """A row's tag; the range of its columns, where it states one, takes in the new ones."""
        return _SPANS.sub(lambda found: found[1] + str(max(int(found[2]), self.widened_to)).encode() + found[3], tag)

    def _widened_head(self, head: bytes) -> bytes:
        """The XML above the rows: the sheet's range takes in the new columns, and none of these is hidden."""
        if not self.widened_to:
            return head

        def widen(found: re.Match[bytes]) -> bytes:
            area = CellRange.parse(found[2].decode())
            return found[1] + str(area._replace(right=max(area.right, self.widened_to))).encode() + found[3]

        return _COLUMN.sub(self._shown_column, _DIMENSION.sub(widen, head, count=1))

    def _shown_column(self, found: re.Match[bytes]) -> bytes:
        """What the sheet says of columns in one go; where it hides new ones (all to the right, as templates do), in three."""
        tag = found[0]
        bounds = re.search(rb'\smin="(\d+)"', tag), re.search(rb'\smax="(\d+)"', tag)
        if bounds[0] is None or bounds[1] is None or not _HIDDEN.search(tag):
            return tag
        left, right = int(bounds[0][1]), int(bounds[1][1])
        pieces = []
        for first, last, is_new in (
            (left, min(right, self._first_added - 1), False),
            (max(left, self._first_added), min(right, self.widened_to), True),
            (max(left, self.widened_to + 1), right, False),
        ):
            if first <= last:
                part = re.sub(rb'\smin="\d+"', b' min="%d"' % first, re.sub(rb'\smax="\d+"', b' max="%d"' % last, tag))
                pieces.append(_HIDDEN.sub(b"", part) if is_new else part)
        return b"".join(pieces)

    def _widened_filter(self, tail: bytes, top: int, edited: dict[str, bytes]) -> bytes:
        """The XML below the rows, its filter widened, and with it the hidden name by which Excel knows the filter."""
        found = _AUTO_FILTER.search(tail)
        area = CellRange.parse(found[2].decode()) if found is not None else None
        if found is None or area is None or area.top != top or area.right >= self.widened_to:
            return tail
        names = re.compile(
            rb"(<(?:[\w.-]+:)?definedName\b(?=[^>]*_xlnm\._FilterDatabase)(?=[^>]*localSheetId=\"%d\")[^>]*>[^<]*![^<:]*:\$)"
            rb"[A-Z]+(\$\d+<)" % self._sheet.entry.position
        )
        last = get_column_letter(self.widened_to).encode()
        workbook = self._package.read(self._package.workbook)
        renamed = names.sub(lambda match: match[1] + last + match[2], workbook)
        if renamed != workbook:
            edited[self._package.workbook] = renamed
        wider = str(area._replace(right=self.widened_to)).encode()
        return tail[: found.start(2)] + wider + tail[found.end(2) :]

    def _widened_tables(self, added: Sequence[str], top: int) -> dict[str, bytes]:
        """The table that has this header, with columns of these names more."""
        edited = {}
        for part, area, _ in self._sheet.tables:
            if (area.right + 1, area.top) != (self._first_added, top):  # a gap would be columns without names
                continue
            data = self._package.read(part)
            data = re.sub(
                rb'\bref="([A-Z]+\d+:)%s(\d+")' % get_column_letter(area.right).encode(),
                lambda found: b'ref="' + found[1] + get_column_letter(self.widened_to).encode() + found[2],
                data,
            )
            ids = [int(number) for number in re.findall(rb'<(?:[\w.-]+:)?tableColumn\b[^>]*?\sid="(\d+)"', data)]
            end = re.search(rb"</((?:[\w.-]+:)?)tableColumns>", data)
            if end is None:
                continue
            columns = b"".join(
                f'<{end[1].decode()}tableColumn id="{number}" name={quoteattr(name)}/>'.encode()
                for number, name in enumerate(added, start=max(ids, default=0) + 1)
            )
            data = data[: end.start()] + columns + data[end.start() :]
            count = str(len(ids) + len(added)).encode()
            edited[part] = re.sub(rb'(tableColumns\b[^>]*?\bcount=")\d+', rb"\g<1>" + count, data, count=1)
        return edited


class NewWorkbook:
    """A workbook of one sheet, row by row. Texts are texts: '00123' keeps its zeros, '=1+1' computes nothing.

    `long_texts` counts the texts that were cut to what a cell can hold.
    """

    def __init__(self, path: Path, with_macros: bool) -> None:
        empty = BytesIO()
        Workbook().save(empty)
        package = Package(path, empty)
        self._path, self._sheet = path, Sheet(package, package.sheets()[0])
        types = package.read("[Content_Types].xml")
        if with_macros:  # else Excel refuses the ending, though a file of it need not have any
            types = types.replace(_NO_MACROS.encode(), _MACROS.encode())
        self._parts = _PartCopy(path, package, self._sheet.entry, {"[Content_Types].xml": types})
        # The range of an empty sheet is one cell, and some readers take no more than that.
        self._parts.write(re.sub(rb"<dimension[^>]*/>", b"", self._sheet.head) + b"<sheetData>")
        self._num_rows = 0
        self.long_texts = 0

    def write(self, cells: Sequence[CellValue]) -> None:
        self._num_rows += 1
        number = self._num_rows
        if number > MAX_ROWS or len(cells) > MAX_COLUMNS:
            raise CatalogError(
                f"{self._path}: a sheet holds no more than {MAX_ROWS:,} rows and {MAX_COLUMNS:,} columns; write .csv"
            )
        self.long_texts += sum(map(_is_long, cells))
        row = b"".join(_cell("", number, column, value, 0) for column, value in enumerate(cells, start=1))
        self._parts.write(b'<row r="%d">%s</row>' % (number, row))

    def close(self) -> None:
        self._parts.write(self._sheet.tail)
        self._parts.close()


class _PartCopy:
    """The parts of a workbook in a new file, in their order, with that of one sheet written piece by piece.

    `edited` has the contents of parts that are not copied.
    """

    def __init__(self, path: Path, package: Package, entry: SheetEntry, edited: Mapping[str, bytes]) -> None:
        self._package, self._edited = package, edited
        self._zip = ZipFile(path, "w", ZIP_DEFLATED)
        infos = package.zip.infolist()
        wanted = package.info(entry.part)
        place = infos.index(wanted)
        for info in infos[:place]:
            self._copy(info.filename)
        self._rest = [info.filename for info in infos[place + 1 :]]
        new = copy(wanted)
        new.compress_type = ZIP_DEFLATED
        self._sheet: IO[bytes] = self._zip.open(new, "w", force_zip64=wanted.file_size > _ZIP64_BYTES)
        self._buffer = bytearray()

    def write(self, data: bytes) -> None:
        """Add to the sheet's XML."""
        self._buffer += data
        if len(self._buffer) >= _FLUSH_BYTES:
            self._sheet.write(self._buffer)
            self._buffer.clear()

    def close(self) -> None:
        try:
            self._sheet.write(self._buffer)
            self._sheet.close()
            for name in self._rest:
                self._copy(name)
        finally:
            self._zip.close()

    def _copy(self, name: str) -> None:
        info = copy(self._package.zip.getinfo(name))
        if name in self._edited:
            self._zip.writestr(info, self._edited[name])
            return
        # Streamed, so that it may be of any size: only what is read must be bounded.
        with self._package.zip.open(name) as source, self._zip.open(info, "w") as target:
            while chunk := source.read(_FLUSH_BYTES):
                target.write(chunk)


def _is_long(value: CellValue) -> bool:
    return isinstance(value, str) and len(value) > MAX_TEXT


def _cell(prefix: str, row: int, column: int, value: CellValue, style: int, keep: bool = False) -> bytes:
    """A cell's XML. Without a value there is none, unless it is to `keep` the place of one that was there."""
    styled = f' s="{style}"' if style else ""
    start = f'<{prefix}c r="{cell_name(row, column)}"{styled}'
    if value is None or value == "":
        return f"{start}/>".encode() if keep else b""
    if not isinstance(value, str):
        return f"{start}><{prefix}v>{value}</{prefix}v></{prefix}c>".encode()
    text = escape(_ILLEGAL.sub(_escaped, value[:MAX_TEXT]))
    return (
        f'{start} t="inlineStr"><{prefix}is><{prefix}t xml:space="preserve">{text}</{prefix}t></{prefix}is></{prefix}c>'
    ).encode()


def _escaped(found: re.Match[str]) -> str:
    """A character that XML can't hold, or that would begin such an escape itself, as Excel writes it."""
    return f"_x{ord(found[0]):04X}_"
