"""JSON lines in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from itertools import islice
from pathlib import Path

from pumgpt.catalog.formats.base import CatalogReader, Record, RejectedRow
from pumgpt.catalog.formats.columns import ColumnMap
from pumgpt.catalog.formats.csv_records import MAX_CELL_CHARS
from pumgpt.catalog.formats.text_lines import read_lines
from pumgpt.errors import CatalogError

_ROWS_TO_GUESS_FROM = 20


class JsonlReader(CatalogReader):
    """One JSON object in each line."""

    kind = "JSON lines"

    def __init__(self, path: Path, column_map: ColumnMap | None = None) -> None:
        super().__init__(path, column_map)
        names = _names(islice(self._records(), _ROWS_TO_GUESS_FROM))
        if column_map is None and names and "id" not in names:
            self._settle_columns(names)

    @cached_property
    def _columns(self) -> tuple[str, ...]:
        return _names(self._records())

    @property
    def columns(self) -> tuple[str, ...]:
        """Every name that any row uses; the first call reads the whole file."""
        return self._columns

    def count(self) -> int:
        with self.path.open("rb") as file:
            return sum(1 for line in file if line.strip())

    def _settle_columns(self, names: tuple[str, ...]) -> None:  # type: ignore[override]
        with suppress(CatalogError):  # later rows may have an id, and those that lack one are named one by one
            super()._settle_columns(names)

    def _records(self) -> Iterator[Record]:
        warnings: list[str] = []
        for line in read_lines(self.path, warnings):
            self._warn_once(warnings)
            if line.strip():
                yield _parse_json(line)


def _names(records: Iterator[Record]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for record in records:
        if not isinstance(record, RejectedRow):
            names.update(dict.fromkeys(record))
    return tuple(names)


def _parse_json(line: str) -> Record:
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
