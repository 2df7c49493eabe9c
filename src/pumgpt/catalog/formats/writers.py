"""Filled catalogues out, as a table: CSV, TSV, Parquet, a dataset's folder, Shopify's CSV, Google's feeds, written whole and
in one go.

A table is made from answers that are complete and on disk already, so nothing here is resumed. Output as JSON lines is
those answers themselves; whoever collects them writes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from pumgpt.catalog.formats.base import CatalogReader, RejectedRow
from pumgpt.catalog.formats.csv_writer import CsvTable
from pumgpt.catalog.formats.dataset_writer import DatasetTable
from pumgpt.catalog.formats.google.text import GoogleTextReader
from pumgpt.catalog.formats.google.writer import GoogleTextTable, GoogleXmlTable
from pumgpt.catalog.formats.google.xml import GoogleXmlReader
from pumgpt.catalog.formats.output_columns import OutputColumns
from pumgpt.catalog.formats.parquet_writer import ParquetTable
from pumgpt.catalog.formats.shopify import ShopifyReader
from pumgpt.catalog.formats.shopify_writer import ShopifyTable
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.errors import CatalogError


class Table(Protocol):
    """A format: a file that is begun, grows by rows and is closed."""

    def write(self, product: Product, understanding: Understanding) -> None: ...

    def carry(self, original: Any) -> None: ...

    def close(self) -> None: ...


TableKind = Callable[[Path, OutputColumns, CatalogReader], Table]

JSON_LINES = (".jsonl", ".ndjson")
_FOLDER = ""
"""The ending of a dataset's folder: it has none."""
_FILES: dict[str, TableKind] = {".csv": CsvTable, ".tsv": CsvTable, ".txt": CsvTable, ".parquet": ParquetTable}
_OF_SYSTEMS: dict[type[CatalogReader], dict[str, TableKind]] = {
    ShopifyReader: dict.fromkeys((".csv", ".tsv", ".txt"), ShopifyTable),
    GoogleTextReader: dict.fromkeys((".csv", ".tsv", ".txt"), GoogleTextTable),
    GoogleXmlReader: dict.fromkeys((".xml", ".rss", ".atom"), GoogleXmlTable),
}
"""What a system exported goes back in its own form."""


def check_output(path: Path, source: CatalogReader | None = None) -> None:
    """Raise `CatalogError` where `path` can't be an output: an ending that is unknown, or not for this source; a folder in
    the place of a file. Without a source only files that any catalogue can become are good.
    """
    _check(path, (*JSON_LINES, *_tables(source)))


def _tables(source: CatalogReader | None) -> dict[str, TableKind]:
    return _FILES if source is None else {**_FILES, _FOLDER: DatasetTable, **_OF_SYSTEMS.get(type(source), {})}


@contextmanager
def open_writer(
    path: Path,
    source: CatalogReader,
    *,
    attribute_names: Sequence[str],
    overwrite_values: bool = False,
    precision: float = 0.0,
) -> Iterator[CatalogWriter]:
    """Write a table, in the format of its ending, beside its place; the end of `with` puts it there, and after an error
    all is as it was.

    The columns of `source` come back, and `attribute_names` get `pumgpt_*` columns. A value of the shop is only
    replaced with `overwrite_values`; a generated title is only written at the confidence `precision`. Raises
    `CatalogError` where the file can't be written.
    """
    tables = _tables(source)
    _check(path, tuple(tables))
    columns = OutputColumns(source.columns, tuple(attribute_names), overwrite_values, precision)
    unfinished = path.with_name(f"{path.name}.new")
    with _naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if unfinished.is_dir():
            _remove(unfinished)
    try:
        with _naming(path):
            table = tables[path.suffix.lower()](unfinished, columns, source)
        with closing(CatalogWriter(path, table)) as writer:
            yield writer
        with _naming(path):
            if path.is_dir():  # a file is replaced at once, a folder can't be
                _remove(path)
            unfinished.replace(path)
    finally:
        _remove(unfinished)


class CatalogWriter:
    """A table that grows row by row, whatever its format. Raises `CatalogError` where it can't."""

    def __init__(self, path: Path, table: Table) -> None:
        self._path, self._table = path, table

    def write(self, product: Product, understanding: Understanding) -> None:
        """Add one row. `product` is the one that was read, with its `original` cells."""
        with _naming(self._path):
            self._table.write(product, understanding)

    def carry(self, item: Product | RejectedRow) -> None:
        """Pass by a row that has no answer; a form that gives every row back writes it as it was."""
        with _naming(self._path):
            self._table.carry(item.original)

    def close(self) -> None:
        with _naming(self._path):
            self._table.close()


def _check(path: Path, endings: Sequence[str]) -> None:
    if path.suffix.lower() not in endings:
        known = ", ".join(filter(None, endings)) + (", or a folder without an ending" if _FOLDER in endings else "")
        raise CatalogError(f"{path}: its ending '{path.suffix}' is not known; the output is one of {known}")
    if path.is_dir() != (path.suffix == _FOLDER) and path.exists():
        what = "a file; name a folder" if path.suffix == _FOLDER else "a folder; name a file in it"
        raise CatalogError(f"{path}: is {what}")


def _remove(path: Path) -> None:
    """Take away a file, or a dataset's folder and nothing else that may lie in it."""
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
        return
    for file in (path / "data").glob("train-*.parquet"):
        file.unlink()
    for folder in (path / "data", path):
        if folder.exists():
            folder.rmdir()


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
