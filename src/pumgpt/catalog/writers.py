"""Filled catalogues out: JSONL, CSV, TSV and Parquet, appended row by row, resumable after any kind of end.

JSONL and CSV grow in place and each row is flushed; a last row that was cut off is taken away on resuming. Parquet can't
grow: see `parquet_writer`.
"""

from __future__ import annotations

import csv
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from pumgpt.catalog.output_columns import PLAIN_COLUMNS, OutputColumns, own_cell
from pumgpt.catalog.parquet_writer import ParquetParts, parquet_ids
from pumgpt.catalog.product import Product
from pumgpt.catalog.readers import CatalogReader, RejectedRow
from pumgpt.catalog.understanding import Understanding
from pumgpt.errors import CatalogError

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_LINES = (".jsonl", ".ndjson")
_ENDINGS = (*_LINES, *_DELIMITERS, ".parquet")


class CatalogWriter(ABC):
    """One output file. `close` (or the end of `with`, after an error too) leaves all that was written in it."""

    @abstractmethod
    def write(self, product: Product, understanding: Understanding) -> None:
        """Append one row. `product` is the one that was read, with its `original` cells."""

    @abstractmethod
    def close(self) -> None:
        """Complete the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def check_output(path: Path) -> None:
    """Raise `CatalogError` where `open_writer` can't write `path`: an unknown ending, a folder."""
    if path.suffix.lower() not in _ENDINGS:
        known = ", ".join(_ENDINGS)
        raise CatalogError(f"{path}: its ending '{path.suffix}' is not known; the output is one of {known}")
    if path.is_dir():
        raise CatalogError(f"{path}: is a folder; name a file in it")


def open_writer(
    path: Path,
    source: CatalogReader | Sequence[str] | None,
    *,
    attribute_names: Sequence[str],
    overwrite_values: bool = False,
    resume: bool = False,
) -> CatalogWriter:
    """Open an output by its ending.

    `source` is the catalogue whose columns come back (the reader, or their names; None: plain columns), and
    `attribute_names` those that get `pumgpt_*` columns; JSONL needs neither. With `resume` rows are appended to what is
    there (`written_ids` tells which), else the file begins anew. A value of the shop is only replaced with `overwrite_values`.

    Raises `CatalogError`: the file can't be written, or holds something else than such an output.
    """
    check_output(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix.lower() in _LINES:
            return JsonlWriter(path, resume)
        own = source.columns if isinstance(source, CatalogReader) else source or PLAIN_COLUMNS
        columns = OutputColumns(tuple(own), tuple(attribute_names), overwrite_values)
        if path.suffix.lower() in _DELIMITERS:
            return CsvWriter(path, columns, resume)
        return ParquetWriter(path, columns, source.schema if isinstance(source, CatalogReader) else None, resume)
    except OSError as error:
        raise CatalogError(f"{path}: can't be written ({error.strerror}); mend the path or its permissions") from error


def written_ids(path: Path) -> set[str]:
    """The ids of the rows that `path` holds; none where it isn't there. Raises `CatalogError` for a foreign file."""
    check_output(path)
    if path.suffix.lower() == ".parquet":
        return parquet_ids(path)
    if not path.exists():
        return set()
    return set(_jsonl_ids(path) if path.suffix.lower() in _LINES else _csv_ids(path))


class JsonlWriter(CatalogWriter):
    """One `Understanding` in each line."""

    def __init__(self, path: Path, resume: bool = False) -> None:
        if resume and path.exists():
            set(_jsonl_ids(path))  # a file that isn't ours must not grow
        self._file = _open_text(path, _whole_lines(path, quotes=False) if resume else 0)

    def write(self, product: Product, understanding: Understanding) -> None:
        self._file.write(json.dumps(understanding.to_json(), ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()


class CsvWriter(CatalogWriter):
    """The shop's own cells, as they were, with what was filled and the `pumgpt_*` columns. UTF-8."""

    def __init__(self, path: Path, columns: OutputColumns, resume: bool = False) -> None:
        self._columns = columns
        delimiter = _DELIMITERS[path.suffix.lower()]
        size = _whole_lines(path, quotes=True) if resume else 0
        if size:
            _check_header(path, delimiter, columns.names)
        self._file = _open_text(path, size)
        self._writer = csv.writer(self._file, delimiter=delimiter, lineterminator="\n")
        self._quoting_writer = csv.writer(self._file, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
        if not size:
            self._write_row(columns.names)

    def write(self, product: Product, understanding: Understanding) -> None:
        answers = self._columns.answers(understanding)
        row = {name: own_cell(product, name) for name in self._columns.own}
        row.update({name: "" if value is None else str(value) for name, value in answers.items()})
        category = self._columns.category(product, understanding)
        if category is not None and "category" in row:
            row["category"] = " > ".join(category)
        self._write_row([row[name] for name in self._columns.names])

    def close(self) -> None:
        self._file.close()

    def _write_row(self, cells: Sequence[str]) -> None:
        # Python 3.11's writer leaves a lone \r unquoted, and readers take that for the end of the row.
        writer = self._quoting_writer if any("\r" in cell for cell in cells) else self._writer
        writer.writerow(cells)
        self._file.flush()


class ParquetWriter(ParquetParts, CatalogWriter):
    """Typed columns; the work is done in `parquet_writer`."""


class RejectedWriter:
    """Rows that were set aside, to `OUT.rejected.jsonl`. Each run begins it anew, for each run meets every such row
    again; where there is none, no file is left.
    """

    def __init__(self, out: Path) -> None:
        self.path = out.with_name(f"{out.stem}.rejected.jsonl")
        self.path.unlink(missing_ok=True)
        self._file: IO[str] | None = None

    def write(self, rejected: RejectedRow) -> None:
        """Append one row."""
        if self._file is None:
            self._file = _open_text(self.path, 0)
        record = {"row": rejected.row, "id": rejected.id, "error": rejected.error}
        self._file.write(json.dumps(record, ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _open_text(path: Path, keep_bytes: int) -> IO[str]:
    """Open for appending behind the first `keep_bytes`; what stands behind them goes."""
    if keep_bytes:
        with path.open("r+b") as file:
            file.truncate(keep_bytes)
    # Half a character can't be written; a model that says one must not end the run.
    return path.open("a" if keep_bytes else "w", encoding="utf-8", errors="replace", newline="")


def _whole_lines(path: Path, quotes: bool) -> int:
    """The bytes of `path` up to the end of the last whole row. With `quotes`, a line's end inside of them is none."""
    whole = read = num_quotes = 0
    if path.exists():
        with path.open("rb") as file:
            for line in file:
                read += len(line)
                num_quotes += line.count(b'"') if quotes else 0
                if line.endswith(b"\n") and num_quotes % 2 == 0:
                    whole = read
    return whole


def _jsonl_ids(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):  # cut off
                return
            try:
                yield str(json.loads(line)["id"])
            except (ValueError, TypeError, KeyError) as error:
                raise CatalogError(
                    f"{path}, line {number}: is no result of ours; name another output, or begin anew"
                ) from error


def _csv_ids(path: Path) -> Iterator[str]:
    size = _whole_lines(path, quotes=True)
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(_first_bytes(file, size), delimiter=_DELIMITERS[path.suffix.lower()])
        header = next(rows, [])
        if header and "id" not in header:
            raise CatalogError(f"{path}: has no column 'id', so it is no result of ours; name another output")
        yield from (row[header.index("id")] for row in rows if row)


def _first_bytes(lines: IO[str], size: int) -> Iterator[str]:
    for line in lines:
        size -= len(line.encode())
        if size < 0:
            return
        yield line


def _check_header(path: Path, delimiter: str, names: Sequence[str]) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        header = next(csv.reader(file, delimiter=delimiter), [])
    if tuple(header) != tuple(names):
        raise CatalogError(f"{path}: was begun with other columns; name another output, or begin anew")
