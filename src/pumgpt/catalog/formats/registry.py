"""Catalogues in: CSV, TSV, JSONL, Parquet, folders of Hugging Face `datasets`, Shopify's product CSV and Google Merchant
feeds, streamed, one `Product` or one `RejectedRow` for every row.

Only a file that gives nothing at all raises; a broken row is named, set aside, and the next one is read.
"""

from __future__ import annotations

from pathlib import Path

from pumgpt.catalog.formats.base import CatalogReader, RejectedRow
from pumgpt.catalog.formats.columns import ColumnMap
from pumgpt.catalog.formats.csv import CsvReader, TsvReader
from pumgpt.catalog.formats.datasets import DatasetReader
from pumgpt.catalog.formats.google.text import GoogleTextReader
from pumgpt.catalog.formats.google.xml import GoogleXmlReader
from pumgpt.catalog.formats.jsonl import JsonlReader
from pumgpt.catalog.formats.parquet import ParquetReader
from pumgpt.catalog.formats.shopify import ShopifyReader
from pumgpt.errors import CatalogError

__all__ = ["CatalogReader", "RejectedRow", "count_rows", "read_catalog"]

_READERS: dict[str, type[CatalogReader]] = {
    ".csv": CsvReader,
    ".tsv": TsvReader,
    ".txt": TsvReader,
    ".jsonl": JsonlReader,
    ".ndjson": JsonlReader,
    ".parquet": ParquetReader,
    ".xml": GoogleXmlReader,
    ".rss": GoogleXmlReader,
    ".atom": GoogleXmlReader,
}
_BY_HEADER: tuple[type[ShopifyReader | GoogleTextReader], ...] = (ShopifyReader, GoogleTextReader)
"""Tables that systems export: told from a plain one by the names of their columns."""


def read_catalog(path: Path, column_map: ColumnMap | None = None) -> CatalogReader:
    """Open a catalogue by its ending and, where it is a table, its header; iterate over its rows.

    With `column_map` it is a plain table whose columns are read as that says. Raises `CatalogError` for a file that
    gives nothing: missing, empty, of an unknown ending, without a column that can be the id.
    """
    if path.is_dir():
        return DatasetReader(path, column_map)
    kind = _READERS.get(path.suffix.lower())
    if kind is None:
        known = ", ".join(_READERS)
        raise CatalogError(
            f"{path}: its ending '{path.suffix}' is not known; a catalogue is one of {known}, or the folder of a dataset"
        )
    if column_map is None and issubclass(kind, CsvReader):
        kind = next((known for known in _BY_HEADER if known.recognises(path, kind.delimiter)), kind)
    return kind(path, column_map)


def count_rows(path: Path, column_map: ColumnMap | None = None) -> int | None:
    """About how many rows a catalogue has, for progress bars; None where it can't be told."""
    try:
        return read_catalog(path, column_map).count()
    except (CatalogError, OSError):
        return None
