"""Catalogue files in: CSV, TSV, JSONL and Parquet, streamed, one `Product` or one `RejectedRow` for every row.

Only a file that gives nothing at all raises; a broken row is named, set aside, and the next one is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pumgpt.catalog.csv_records import BrokenRecord, choose_delimiter, read_records
from pumgpt.catalog.product import Product
from pumgpt.catalog.text_lines import check_file, read_lines
from pumgpt.errors import CatalogError

_ROWS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that can't be read. `row` counts data rows from 1; `id` is there where it could be told."""

    row: int
    id: str | None
    error: str


Record = Mapping[str, Any] | RejectedRow
"""One row before it is a `Product`; a rejected one has its number filled in later."""


class CatalogReader:
    """One catalogue file. Iterating reads it from the start, as often as one likes.

    `warnings` collects what the user should know of the file as a whole, one line each; it grows while rows are read.
    """

    schema: pa.Schema | None = None
    """The columns' types, where the file has them."""

    def __init__(self, path: Path) -> None:
        check_file(path)
        self.path = path
        self.warnings: list[str] = []

    @property
    def columns(self) -> tuple[str, ...]:
        """The file's columns in order."""
        raise NotImplementedError

    def count(self) -> int:
        """About how many rows there are; cheap enough for a progress bar."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[Product | RejectedRow]:
        first_row: dict[str, int] = {}
        for row, record in enumerate(self._records(), start=1):
            product = record if isinstance(record, RejectedRow) else self._product(record)
            if isinstance(product, RejectedRow):
                yield replace(product, row=row)
            elif product.id in first_row:
                error = f"id '{product.id}' stands already in row {first_row[product.id]}; give every row its own id"
                yield RejectedRow(row, product.id, error)
            else:
                first_row[product.id] = row
                yield product

    def _records(self) -> Iterator[Record]:
        raise NotImplementedError

    def _product(self, record: Mapping[str, Any]) -> Product | RejectedRow:
        identifier = record.get("id")
        if identifier is None or not str(identifier).strip():
            return RejectedRow(0, None, "field 'id' is missing or empty; give every row an id")
        if not isinstance(identifier, str | int | float):
            return RejectedRow(0, None, f"field 'id' is {type(identifier).__name__}, not text; quote it")
        try:
            return self._read_fields(record)
        except CatalogError as error:
            return RejectedRow(0, str(identifier), str(error))

    def _read_fields(self, record: Mapping[str, Any]) -> Product:
        return Product.from_record(record, self.path.parent)

    def _warn_once(self, warnings: list[str]) -> None:
        self.warnings.extend(line for line in warnings if line not in self.warnings)


class CsvReader(CatalogReader):
    """Comma-separated, or separated by tabs or semicolons where that makes a column `id` of the header."""

    delimiter = ","

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.delimiter = choose_delimiter(next(read_lines(path, []), ""), self.delimiter)
        header = next(self._cut([]), None)
        if header is None or isinstance(header, BrokenRecord):
            reason = "has no header" if header is None else f"header: {header.error}"
            raise CatalogError(f"{path}: {reason}; its first line must name the columns, 'id' among them")
        if "id" not in header:
            raise CatalogError(_no_id(path, header))
        self._columns = tuple(self._distinct(header))

    @property
    def columns(self) -> tuple[str, ...]:
        return self._columns

    def count(self) -> int:
        return sum(1 for _ in self._cut([])) - 1

    def _cut(self, warnings: list[str]) -> Iterator[list[str] | BrokenRecord]:
        return read_records(read_lines(self.path, warnings), self.delimiter)

    def _records(self) -> Iterator[Record]:
        warnings: list[str] = []
        records = self._cut(warnings)
        next(records)
        for cells in records:
            self._warn_once(warnings)
            if isinstance(cells, BrokenRecord):
                yield RejectedRow(0, self._first_cell(cells.line), cells.error)
            elif len(cells) != len(self._columns):
                yield RejectedRow(0, self._id_of(cells), _wrong_cells(len(cells), len(self._columns)))
            else:
                yield dict(zip(self._columns, cells, strict=True))

    def _read_fields(self, record: Mapping[str, Any]) -> Product:
        if "attributes" not in record:
            return super()._read_fields(record)
        # In plain CSV `attributes` is a column like any other that we don't know (it has no agreed way to be written).
        known = super()._read_fields({name: cell for name, cell in record.items() if name != "attributes"})
        extra = {name: cell for name, cell in record.items() if name in known.extra or name == "attributes"}
        return replace(known, extra=extra, original=record)

    def _first_cell(self, line: str) -> str | None:
        """The id of a record that has lost a quote, where the id comes before it."""
        if self._columns[0] != "id":
            return None
        cell = line.split(self.delimiter, 1)[0].strip()
        return cell if cell and '"' not in cell and "\0" not in cell else None

    def _id_of(self, cells: list[str]) -> str | None:
        place = self._columns.index("id")
        return (cells[place] or None) if place < len(cells) else None

    def _distinct(self, header: list[str]) -> Iterator[str]:
        seen: set[str] = set()
        for name in header:
            new, number = name, 2
            while new in seen:
                new, number = f"{name}_{number}", number + 1
            if new != name:
                self._warn_once([f"{self.path}: column '{name}' stands there twice; the second is read as '{new}'"])
            seen.add(new)
            yield new


class TsvReader(CsvReader):
    """CSV with tabs."""

    delimiter = "\t"


class JsonlReader(CatalogReader):
    """One JSON object in each line."""

    @cached_property
    def _columns(self) -> tuple[str, ...]:
        names: dict[str, None] = {}
        for record in self._records():
            if not isinstance(record, RejectedRow):
                names.update(dict.fromkeys(record))
        return tuple(names)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every name that any row uses; the first call reads the whole file."""
        return self._columns

    def count(self) -> int:
        with self.path.open("rb") as file:
            return sum(1 for line in file if line.strip())

    def _records(self) -> Iterator[Record]:
        warnings: list[str] = []
        for line in read_lines(self.path, warnings):
            self._warn_once(warnings)
            if line.strip():
                yield _parse_json(line)


class ParquetReader(CatalogReader):
    """Row group by row group, with typed columns."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            with pq.ParquetFile(path) as file:
                self.schema = file.schema_arrow
                self._num_rows: int = file.metadata.num_rows
        except (pa.ArrowException, OSError) as error:
            raise CatalogError(f"{path}: can't be read as Parquet ({_first_line(error)}); export it again") from error
        if "id" not in self.columns:
            raise CatalogError(_no_id(path, self.columns))

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.schema.names) if self.schema is not None else ()

    def count(self) -> int:
        return self._num_rows

    def _records(self) -> Iterator[Record]:
        with pq.ParquetFile(self.path) as file:
            for group in range(file.num_row_groups):
                yield from self._group(file, group)

    def _group(self, file: pq.ParquetFile, group: int) -> Iterator[Record]:
        """One row group; where it is damaged, what can't be read of it comes as rejected rows."""
        left = file.metadata.row_group(group).num_rows
        try:
            for batch in file.iter_batches(_ROWS_AT_ONCE, row_groups=[group]):
                records = _microseconds(batch).to_pylist(maps_as_pydicts="lossy")
                left -= len(records)
                yield from records
        except (pa.ArrowException, OSError, ValueError) as error:
            reason = f"row group {group} of the file can't be read ({_first_line(error)}); export it again"
            yield from (RejectedRow(0, None, reason) for _ in range(left))


_READERS: dict[str, type[CatalogReader]] = {
    ".csv": CsvReader,
    ".tsv": TsvReader,
    ".jsonl": JsonlReader,
    ".ndjson": JsonlReader,
    ".parquet": ParquetReader,
}


def read_catalog(path: Path) -> CatalogReader:
    """Open a catalogue by its ending and iterate over its rows.

    Raises `CatalogError` for a file that gives nothing: missing, empty, of an unknown ending, without a column `id`.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(_READERS)
        raise CatalogError(f"{path}: its ending '{path.suffix}' is not known; a catalogue is one of {known}")
    return reader(path)


def count_rows(path: Path) -> int | None:
    """About how many rows a catalogue has, for progress bars; None where it can't be told."""
    try:
        return read_catalog(path).count()
    except (CatalogError, OSError):
        return None


def _parse_json(line: str) -> Record:
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


def _no_id(path: Path, columns: Iterable[str]) -> str:
    names = list(columns)
    near = next((name for name in names if name.strip().lower() == "id"), None)
    mend = f"rename '{near}' to 'id'" if near is not None else "add one, or rename the one that holds the ids"
    return f"{path}: has no column 'id' (it has: {', '.join(names)}); {mend}"


def _wrong_cells(found: int, expected: int) -> str:
    return f"has {found} cells where the header has {expected}; put cells that hold a delimiter or a quote in quotes"


def _microseconds(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Times in nanoseconds, which Python has no type for, cut to microseconds."""
    for place, field in enumerate(batch.schema):
        if pa.types.is_timestamp(field.type) and field.type.unit == "ns":
            column = batch.column(place).cast(pa.timestamp("us", field.type.tz), safe=False)
            batch = batch.set_column(place, field.name, column)
    return batch


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
