"""The texts that cells of a workbook name by number: each stands there once, however many cells have it.

They are kept in a temporary file, since the texts of 200,000 products are more than a run may hold in memory.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from tempfile import TemporaryFile
from threading import Lock
from typing import IO
from xml.parsers import expat

from openpyxl.utils.escape import unescape

from pumgpt.catalog.formats.text_lines import MAX_CELL_CHARS
from pumgpt.catalog.formats.xlsx.package import refuse_document_type

CHUNK_BYTES = 1 << 16


class SharedStrings:
    """The texts of one `sharedStrings.xml`, by their number; memory grows by eight bytes for each."""

    def __init__(self, part: IO[bytes] | None) -> None:
        self._file = TemporaryFile()  # noqa: SIM115  # open as long as the workbook is
        self._ends = array("Q", [0])
        self._lock = Lock()  # photos are fetched by threads of their own while rows are read
        if part is not None:
            _StringParser(self._add).parse(part)

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, number: int) -> str:
        if not 0 <= number < len(self):
            raise IndexError(f"the workbook has no shared text {number}")
        start, end = self._ends[number], self._ends[number + 1]
        with self._lock:
            self._file.seek(start)
            return self._file.read(end - start).decode("utf-8", "surrogatepass")

    def _add(self, text: str) -> None:
        data = text.encode("utf-8", "surrogatepass")
        self._file.write(data)
        self._ends.append(self._ends[-1] + len(data))


class _StringParser:
    """Gives every `<si>` as its text: its runs joined, without the readings that Japanese texts have beside them."""

    def __init__(self, add: Callable[[str], None]) -> None:
        self._add = add
        self._chars: list[str] = []
        self._text: list[str] = []
        self._is_reading = False

    def parse(self, part: IO[bytes]) -> None:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._chars.append
        parser.StartDoctypeDeclHandler = refuse_document_type
        while chunk := part.read(CHUNK_BYTES):
            parser.Parse(chunk, False)
            if sum(map(len, self._chars)) > MAX_CELL_CHARS:
                raise LookupError(f"a text has more than {MAX_CELL_CHARS:,} characters")
        parser.Parse(b"", True)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._chars.clear()
        if name.endswith("rPh"):
            self._is_reading = True

    def _end(self, name: str) -> None:
        local = name.rpartition(":")[2]
        if local == "t" and not self._is_reading:
            self._text.append("".join(self._chars))
        elif local == "rPh":
            self._is_reading = False
        elif local == "si":
            self._add(unescape("".join(self._text)))
            self._text.clear()
        self._chars.clear()
