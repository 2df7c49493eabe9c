"""JSON lines: one object in each line.

They are read here and written by the journal of a run: its answers, line by line, are the output.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from pumgpt.catalog.formats.base import CatalogReader, Format, Record, RejectedRow
from pumgpt.catalog.formats.column_map import ColumnMap
from pumgpt.catalog.formats.compression import ending_of, open_bytes
from pumgpt.catalog.formats.json.items import is_json_lines
from pumgpt.catalog.formats.json.shape import RecordShape
from pumgpt.catalog.formats.json.shapes import find_shape, shaped_product
from pumgpt.catalog.formats.text_lines import MAX_CELL_CHARS, read_lines
from pumgpt.catalog.product import Product
from pumgpt.errors import CatalogError

JSON_LINES = (".jsonl", ".ndjson")
_ROWS_TO_GUESS_FROM = 20


class JsonLinesFormat(Format[CatalogReader]):
    name = "JSON lines"
    endings = JSON_LINES
    can_unpack = True

    def recognise(self, path: Path, column_map: ColumnMap | None = None) -> bool:
        """Many data sets have one object a line in a file called `.json`."""
        return super().recognise(path) or (ending_of(path) == ".json" and path.is_file() and is_json_lines(path))

    def read(self, path: Path, column_map: ColumnMap | None = None) -> CatalogReader:
        return JsonLinesReader(self, path, column_map)


class JsonLinesReader(CatalogReader):
    """One product a line, in our names or as a shop system's interface or Open Food Facts writes it.

    The columns are those of all rows, so `columns` reads the whole file once.
    """

    def __init__(self, format_: Format[Any], path: Path, column_map: ColumnMap | None = None) -> None:
        super().__init__(format_, path, column_map)
        self._shape: RecordShape | None = None
        first = [row for row in islice(self.records(), _ROWS_TO_GUESS_FROM) if not isinstance(row, RejectedRow)]
        names = _names(iter(first))
        if column_map is None:
            self._shape = find_shape(first)
        if self._shape is None and names and (column_map is None or column_map.names_only_id):
            self.settle_columns(names)

    @property
    def id_column(self) -> str:
        return super().id_column if self._shape is None else self._shape.id_field

    def product_of(self, record: Record) -> Product:
        if self._shape is not None:
            return shaped_product(self._shape, record, self.base)
        return super().product_of(record)

    @cached_property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]
        """Every name that any row uses."""
        return _names(self.records())

    def records(self) -> Iterator[Record | RejectedRow]:
        warnings: list[str] = []
        for line in read_lines(self.path, warnings):
            if warnings:
                self.warn(*warnings)
            if line and not line.isspace():
                yield _parse_json(line)
        self.warn(*warnings)

    def count_records(self) -> int:
        with open_bytes(self.path) as file:
            return sum(1 for line in file if line.strip())

    def settle_columns(self, names: Sequence[str]) -> None:
        with suppress(CatalogError):  # later rows may have an id, and those that lack one are named one by one
            super().settle_columns(names)


def plain_json(value: Any) -> Any:
    """What JSON has no type for (a mapping, a date, a decimal, bytes), as something that it has."""
    if isinstance(value, Mapping):
        return dict(value)
    return None if isinstance(value, bytes) else str(value)


def _names(records: Iterator[Record | RejectedRow]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for record in records:
        if not isinstance(record, RejectedRow):
            names.update(dict.fromkeys(record))
    return tuple(names)


def _parse_json(line: str) -> Record | RejectedRow:
    if len(line) > MAX_CELL_CHARS:
        return RejectedRow(0, None, f"the line has more than {MAX_CELL_CHARS:,} characters; shorten its texts")
    try:
        record = json.loads(line)
        if "\\u" in line:  # an escape may write what no encoding can
            json.dumps(record, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return RejectedRow(0, None, "holds half a character (a lone surrogate, \\ud800 to \\udfff); write it whole")
    except (ValueError, RecursionError) as error:
        return RejectedRow(0, None, f"is not JSON ({error}); write one whole object in each line")
    if not isinstance(record, dict):
        return RejectedRow(0, None, "is not a JSON object; write {...} with an 'id' in each line")
    return record
