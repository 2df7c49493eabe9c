"""Folders of Hugging Face `datasets`.

Read: what `save_to_disk` leaves (Arrow), or Parquet files as the hub has them. Written: Parquet files as
`datasets.load_dataset` reads them, data/train-00000-of-00002.parquet, ...
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pumgpt.catalog.formats.base import CatalogReader, Format, FormatWriter, Record, RejectedRow
from pumgpt.catalog.formats.column_map import ColumnMap
from pumgpt.catalog.formats.filled import FilledColumns
from pumgpt.catalog.formats.parquet import ROWS_AT_ONCE, ParquetWriter, TypedReader, records_of, records_of_group
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.errors import CatalogError, first_line

ROWS_PER_FILE = 50_000


class DatasetFormat(Format[CatalogReader]):
    name = "a dataset's folder"
    endings = ("",)
    is_folder = True

    def recognise(self, path: Path, column_map: ColumnMap | None = None) -> bool:
        return path.is_dir()

    def read(self, path: Path, column_map: ColumnMap | None = None) -> CatalogReader:
        return DatasetReader(self, path, column_map)

    def fill(self, path: Path, columns: FilledColumns, source: CatalogReader) -> FormatWriter:
        return DatasetWriter(path, columns, source)

    def remove(self, path: Path) -> None:
        """Only what we write is taken away: the folder stays, with an error, where something else lies in it."""
        if not path.is_dir() or path.is_symlink():
            path.unlink(missing_ok=True)
            return
        for file in (path / "data").glob("train-*.parquet"):
            file.unlink()
        for folder in (path / "data", path):
            if folder.exists():
                folder.rmdir()


class DatasetReader(TypedReader):
    """All files of one folder, in order. Relative paths of photos start from the folder."""

    def __init__(self, format_: Format[Any], path: Path, column_map: ColumnMap | None = None) -> None:
        super().__init__(format_, path, column_map)
        self._arrow = _saved_files(path)
        self._parquet = () if self._arrow else tuple(sorted(path.rglob("*.parquet")))
        files = self._arrow or self._parquet
        if not files:
            raise CatalogError(f"{path}: is a folder without a dataset; name one with .parquet or saved .arrow files")
        self.schema = _common_schema(path, files)
        self.settle_columns(self.columns)

    def check_path(self, path: Path) -> None:
        if not path.is_dir():
            raise CatalogError(f"{path}: is no folder; name that of the dataset")

    @cached_property
    def base(self) -> Path:
        return self.path

    def count_records(self) -> int:
        in_parquet: int = sum(pq.read_metadata(file).num_rows for file in self._parquet)
        in_arrow: int = sum(batch.num_rows for file in self._arrow for batch in _batches(file))
        return in_parquet + in_arrow

    def records(self) -> Iterator[Record | RejectedRow]:
        for file in self._parquet:
            with pq.ParquetFile(file) as opened:
                for group in range(opened.num_row_groups):
                    yield from records_of_group(opened, group, file.name)
        for file in self._arrow:
            try:
                for batch in _batches(file):
                    for start in range(0, batch.num_rows, ROWS_AT_ONCE):
                        yield from records_of(batch.slice(start, ROWS_AT_ONCE))
            except (pa.ArrowException, OSError, ValueError) as error:
                yield RejectedRow(
                    0, None, f"the rest of {file.name} can't be read ({first_line(error)}); save it again"
                )


class DatasetWriter(FormatWriter):
    """One folder, file by file. How many files there are is in their names, which they therefore get at the end."""

    def __init__(self, path: Path, columns: FilledColumns, source: CatalogReader) -> None:
        self._folder, self._columns, self._source = path / "data", columns, source
        self._folder.mkdir(parents=True)
        self._files: list[Path] = []
        self._num_rows = 0
        self._table = self._next()

    def write(self, product: Product, understanding: Understanding) -> None:
        if self._num_rows == ROWS_PER_FILE:
            self._table.close()
            self._table, self._num_rows = self._next(), 0
        self._table.write(product, understanding)
        self._num_rows += 1

    def close(self) -> None:
        self._table.close()
        for number, file in enumerate(self._files):
            file.rename(self._folder / f"train-{number:05}-of-{len(self._files):05}.parquet")

    def _next(self) -> ParquetWriter:
        self._files.append(self._folder / f"train-{len(self._files):05}.parquet")
        return ParquetWriter(self._files[-1], self._columns, self._source)


def _batches(file: Path) -> Iterator[pa.RecordBatch]:
    """`datasets` writes Arrow's stream format; only the batch at hand is in memory."""
    with pa.memory_map(str(file)) as source:
        yield from pa.ipc.open_stream(source)


def _saved_files(folder: Path) -> tuple[Path, ...]:
    """The files that `save_to_disk` left, in order; none where it left nothing."""
    splits = _read_json(folder / "dataset_dict.json").get("splits")
    if splits:
        raise CatalogError(
            f"{folder}: holds several splits; name one of them: {', '.join(str(folder / s) for s in splits)}"
        )
    state = _read_json(folder / "state.json")
    # With picked rows the Arrow files still hold all of them; which ones count stands in another file.
    if state.get("_indices_files"):
        raise CatalogError(f"{folder}: was saved with rows picked out; call flatten_indices() before save_to_disk()")
    return tuple(folder / entry["filename"] for entry in state.get("_data_files") or ())


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes()) if path.exists() else {}
        return document if isinstance(document, dict) else {}
    except (OSError, ValueError) as error:
        raise CatalogError(f"{path}: can't be read ({first_line(error)}); save the dataset again") from error


def _common_schema(folder: Path, files: Sequence[Path]) -> pa.Schema:
    """The files' schema. Engines write a column that is empty in one file as type null there, or one with gaps as floats: such
    types have a common one. Raises `CatalogError` where files have other columns, or one can't be read.
    """
    found: pa.Schema | None = None
    for file in files:
        try:
            schema = pq.read_schema(file) if file.suffix == ".parquet" else _stream_schema(file)
        except (pa.ArrowException, OSError) as error:
            raise CatalogError(f"{file}: can't be read ({first_line(error)}); save the dataset again") from error
        try:
            found = schema if found is None else _unified(found, schema)
        except pa.ArrowException as error:
            raise CatalogError(
                f"{folder}: {file.name} has other columns than {files[0].name}; name a folder of one kind"
            ) from error
    return found


def _unified(first: pa.Schema, second: pa.Schema) -> pa.Schema:
    """One schema for both. Raises `pa.ArrowInvalid` where they name other columns, or the types have nothing in common."""
    if first.names != second.names:
        raise pa.ArrowInvalid("other columns")
    return first if first.equals(second) else pa.unify_schemas([first, second], promote_options="permissive")


def _stream_schema(file: Path) -> pa.Schema:
    with pa.memory_map(str(file)) as source:
        return pa.ipc.open_stream(source).schema
