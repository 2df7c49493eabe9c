"""A folder of Parquet files out, as `datasets.load_dataset` reads it: data/train-00000-of-00002.parquet, ..."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pumgpt.catalog.formats.base import CatalogReader
from pumgpt.catalog.formats.output_columns import OutputColumns
from pumgpt.catalog.formats.parquet_writer import ParquetTable
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding

ROWS_PER_FILE = 50_000


class DatasetTable:
    """One folder, file by file."""

    def __init__(self, path: Path, columns: OutputColumns, source: CatalogReader) -> None:
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

    def carry(self, original: Any) -> None:
        """A dataset has the rows that were answered."""

    def close(self) -> None:
        self._table.close()
        for number, file in enumerate(self._files):
            file.rename(self._folder / f"train-{number:05}-of-{len(self._files):05}.parquet")

    def _next(self) -> ParquetTable:
        self._files.append(self._folder / f"train-{len(self._files):05}.parquet")
        return ParquetTable(self._files[-1], self._columns, self._source)
