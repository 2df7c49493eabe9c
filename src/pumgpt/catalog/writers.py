"""Filled catalogues out, as a table: CSV, TSV and Parquet, written whole and in one go.

A table is made from answers that are complete and on disk already, so nothing here is resumed. Output as JSON lines is
those answers themselves; whoever collects them writes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from pumgpt.catalog.csv_writer import CsvTable
from pumgpt.catalog.output_columns import OutputColumns
from pumgpt.catalog.parquet_writer import ParquetTable
from pumgpt.catalog.product import Product
from pumgpt.catalog.readers import CatalogReader
from pumgpt.catalog.understanding import Understanding
from pumgpt.errors import CatalogError


class Table(Protocol):
    """A format: a file that is begun, grows by rows and is closed."""

    def write(self, product: Product, understanding: Understanding) -> None: ...

    def close(self) -> None: ...


JSON_LINES = (".jsonl", ".ndjson")
_TABLES: dict[str, Callable[[Path, OutputColumns, CatalogReader], Table]] = {
    ".csv": lambda path, columns, source: CsvTable(path, columns, ","),
    ".tsv": lambda path, columns, source: CsvTable(path, columns, "\t"),
    ".parquet": ParquetTable,
}


def check_output(path: Path) -> None:
    """Raise `CatalogError` where `path` can't be an output: an unknown ending, a folder."""
    _check(path, (*JSON_LINES, *_TABLES))


@contextmanager
def open_writer(
    path: Path, source: CatalogReader, *, attribute_names: Sequence[str], overwrite_values: bool = False
) -> Iterator[CatalogWriter]:
    """Write a table, in the format of its ending, beside its place; the end of `with` puts it there, and after an error
    all is as it was.

    The columns of `source` come back, and `attribute_names` get `pumgpt_*` columns. A value of the shop is only
    replaced with `overwrite_values`. Raises `CatalogError` where the file can't be written.
    """
    _check(path, tuple(_TABLES))
    columns = OutputColumns(source.columns, tuple(attribute_names), overwrite_values)
    unfinished = path.with_name(f"{path.name}.new")
    with _naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _naming(path):
            table = _TABLES[path.suffix.lower()](unfinished, columns, source)
        with closing(CatalogWriter(path, table)) as writer:
            yield writer
        with _naming(path):
            unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


class CatalogWriter:
    """A table that grows row by row, whatever its format. Raises `CatalogError` where it can't."""

    def __init__(self, path: Path, table: Table) -> None:
        self._path, self._table = path, table

    def write(self, product: Product, understanding: Understanding) -> None:
        """Add one row. `product` is the one that was read, with its `original` cells."""
        with _naming(self._path):
            self._table.write(product, understanding)

    def close(self) -> None:
        with _naming(self._path):
            self._table.close()


def _check(path: Path, endings: Sequence[str]) -> None:
    if path.suffix.lower() not in endings:
        known = ", ".join(endings)
        raise CatalogError(f"{path}: its ending '{path.suffix}' is not known; the output is one of {known}")
    if path.is_dir():
        raise CatalogError(f"{path}: is a folder; name a file in it")


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """What the system or Arrow has against the file, told of `path`."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise CatalogError(
            f"{path}: can't be written ({reason}); mend the path, its permissions or the disk"
        ) from error
