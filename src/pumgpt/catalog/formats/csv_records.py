"""CSV cut into records, one broken record at a time.

`csv.reader` alone has no way back: after one lost quote it swallows rows until the next quote turns up. Here a record
that can't be read costs its first line; reading goes on at the line after it.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from pumgpt.catalog.formats.column_map import ROW_NUMBER, guess_columns
from pumgpt.catalog.formats.text_lines import MAX_CELL_CHARS

MAX_RECORD_LINES = 5_000
"""A quoted cell may run over lines; one that runs over more has lost its closing quote."""
_CODE = re.compile(r"([a-z][a-z\d]*([_.#][a-z\d]+)*(\[[^\[\]]*\])?(#\d+)?([.][a-z_]+)?)?")
_SEPARATOR_HINT = re.compile(r'"?sep=([,;|\t])"?\s*', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class BrokenRecord:
    """A record that can't be cut into cells, and why."""

    error: str
    line: str


def read_records(
    lines: Iterable[str], delimiter: str, *, skip_blanks: bool = False
) -> Iterator[list[str] | BrokenRecord]:
    """The records of a CSV text, blank lines left out; `skip_blanks` leaves out those after a delimiter too."""
    csv.field_size_limit(max(csv.field_size_limit(), MAX_CELL_CHARS))
    source = _Lines(lines)
    reader = csv.reader(source, delimiter=delimiter, skipinitialspace=skip_blanks, strict=True)
    width = 0
    while True:
        source.begin_record()
        try:
            # `strict` makes a lost quote an error; without it the reader would take the rest of the file as one cell.
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            taken = [*source.taken]
            has_escapes = any('\\"' in line for line in taken)
            escaped = _read_escaped(source, delimiter, skip_blanks) if has_escapes else []
            if escaped and len(escaped) == width:
                yield escaped
            else:
                yield BrokenRecord(_explain(str(error), len(taken)), taken[0])
                source.put_back_all_but_first()
            reader = csv.reader(source, delimiter=delimiter, skipinitialspace=skip_blanks, strict=True)
            continue
        if source.has_nul:  # newer versions of the module let them pass
            yield BrokenRecord("holds a NUL character; export the file again as text", source.taken[0])
        elif cells:
            width = width or len(cells)
            yield cells


def _read_escaped(source: _Lines, delimiter: str, skip_blanks: bool) -> list[str]:
    """The record at hand with \\" for a quote inside of a cell, as databases and scripts write it; empty where it isn't one."""
    source.put_back()
    # Not the module's `escapechar`, which takes every other backslash away too.
    lines = (line.replace('\\"', '""') for line in source)
    try:
        return next(csv.reader(lines, delimiter=delimiter, skipinitialspace=skip_blanks, strict=True), [])
    except csv.Error:
        return []


def find_header(lines: Sequence[str], preferred: str, wanted: str | None = None) -> tuple[int, str]:
    """How many of a file's first lines stand above its header, and its delimiter.

    Spreadsheets write 'sep=;' there, shops' templates comments and names for people. The header is the first record with
    a column `wanted`, or one that can be the id; where none has it, the first record at all. Below a header for people one
    for programs may follow, which counts: 'Seller SKU, Product Name' above 'item_sku, item_name'.
    """
    hint = _SEPARATOR_HINT.fullmatch(lines[0]) if lines else None
    first = 1 if hint else 0
    for place in range(first, len(lines)):
        delimiter = hint[1] if hint else choose_delimiter(lines[place], preferred)
        record = next(read_records(lines[place:], delimiter), [])
        if isinstance(record, BrokenRecord):
            continue
        names = [name.strip() for name in record]
        if is_header(names, wanted, is_first=place == first):
            below = next(islice(read_records(lines[place:], delimiter), 1, None), [])
            has_codes = wanted in (None, ROW_NUMBER) and not isinstance(below, BrokenRecord) and are_codes(below)
            return place + has_codes, delimiter
    return first, hint[1] if hint else choose_delimiter(lines[0] if lines else "", preferred)


def is_header(names: Sequence[str], wanted: str | None, *, is_first: bool) -> bool:
    """Whether a record names columns: the one `wanted`, or one that can be the id. `is_first`: no record stands above it."""
    if wanted not in (None, ROW_NUMBER):
        return wanted in names
    guessed = guess_columns(names, wanted)
    # A row below a header that we don't know may have a cell 'code'; a header has more than that.
    return guessed is not None and ((is_first and wanted is None) or len(guessed.used) > 1)


def are_codes(below: Sequence[str]) -> bool:
    """Whether the record below names for people has those for machines: 'item_sku' below 'Seller SKU'."""
    if not all(_CODE.fullmatch(cell.strip()) for cell in below):
        return False
    guessed = guess_columns(below)
    return guessed is not None and len(guessed.used) > 1 and any("_" in cell for cell in below)


def choose_delimiter(header: str, preferred: str) -> str:
    """The delimiter that makes a column `id` of the header line, else the one that makes the most columns; `preferred`
    where none is better.
    """
    delimiters = tuple(dict.fromkeys((preferred, ",", "\t", ";")))
    names = {delimiter: next(csv.reader([header], delimiter=delimiter), []) for delimiter in delimiters}
    return max(
        delimiters,
        key=lambda delimiter: ("id" in names[delimiter] and len(names[delimiter]) > 1, len(names[delimiter])),
    )


class _Lines:
    """Lines that remember what the record at hand has taken, so that it can be given back."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._waiting: deque[str] = deque()
        self.taken: list[str] = []
        self.has_nul = False

    def __iter__(self) -> Iterator[str]:
        while True:
            line = self._waiting.popleft() if self._waiting else next(self._lines, None)
            if line is None:
                return
            self.taken.append(line)
            if "\0" in line:
                self.has_nul = True
            yield line
            if len(self.taken) >= MAX_RECORD_LINES:  # and the reader wants more
                raise csv.Error("unexpected end of data")

    def begin_record(self) -> None:
        self.taken.clear()
        self.has_nul = False

    def put_back(self) -> None:
        self._waiting.extendleft(reversed(self.taken))
        self.begin_record()

    def put_back_all_but_first(self) -> None:
        self._waiting.extendleft(reversed(self.taken[1:]))


def _explain(error: str, num_lines: int) -> str:
    if "field larger" in error:
        return f"a cell has more than {MAX_CELL_CHARS:,} characters; shorten it"
    if "expected after" in error and num_lines == 1:
        return 'text stands after a closing quote; write a quote inside a cell as ""'
    return 'a quote is opened and never closed; close it, or write a quote inside a cell as ""'
