"""Which catalogue formats there are, and which of them a path is of.

Only a file that gives nothing at all raises; a broken row is named, set aside, and the next one is read.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from pumgpt.catalog.formats.base import CatalogReader, Format
from pumgpt.catalog.formats.column_map import ColumnMap
from pumgpt.catalog.formats.compression import ending_of
from pumgpt.catalog.formats.datasets import DatasetFormat
from pumgpt.catalog.formats.google.text import GoogleTextFormat
from pumgpt.catalog.formats.google.xml import GoogleXmlFormat
from pumgpt.catalog.formats.json.catalog import JsonFormat, ShopJsonFormat
from pumgpt.catalog.formats.json.schema_org import SchemaOrgFormat, WebPageFormat
from pumgpt.catalog.formats.jsonl import JsonLinesFormat
from pumgpt.catalog.formats.meta import MetaFormat
from pumgpt.catalog.formats.open_food_facts import FoodFactsCsvFormat, FoodFactsParquetFormat
from pumgpt.catalog.formats.parquet import ParquetFormat
from pumgpt.catalog.formats.photo_folder import PhotoFolderFormat, PhotoZipFormat
from pumgpt.catalog.formats.plain_table import CsvFormat
from pumgpt.catalog.formats.shops.akeneo import AkeneoFormat
from pumgpt.catalog.formats.shops.amazon import AmazonFormat
from pumgpt.catalog.formats.shops.etsy import EtsyFormat
from pumgpt.catalog.formats.shops.magento import MagentoFormat
from pumgpt.catalog.formats.shops.prestashop import PrestaShopFormat
from pumgpt.catalog.formats.shops.shopify import ShopifyFormat
from pumgpt.catalog.formats.shops.squarespace import SquarespaceFormat
from pumgpt.catalog.formats.shops.wix import WixFormat
from pumgpt.catalog.formats.shops.woocommerce import WooCommerceFormat
from pumgpt.catalog.formats.xlsx.workbook import XlsxFormat
from pumgpt.catalog.vocabulary.category_ids import CategoryIds
from pumgpt.errors import CatalogError, UsageError, first_line

PLUGINS = "pumgpt.formats"
"""The group of entry points through which other packages bring formats: a `Format`, or a class of one."""

# Asked in this order. What is told by its header comes before the plain tables with the same endings.
_FORMATS: list[Format[Any]] = [
    ShopifyFormat(),
    WooCommerceFormat(),
    MagentoFormat(),
    PrestaShopFormat(),
    WixFormat(),
    SquarespaceFormat(),
    EtsyFormat(),
    AmazonFormat(),
    AkeneoFormat(),
    MetaFormat(),
    GoogleTextFormat(),
    FoodFactsCsvFormat(),
    CsvFormat("CSV", (".csv",)),
    CsvFormat("TSV", (".tsv", ".txt")),
    JsonLinesFormat(),
    SchemaOrgFormat(),
    WebPageFormat(),
    ShopJsonFormat(),
    JsonFormat(),
    FoodFactsParquetFormat(),
    ParquetFormat(),
    XlsxFormat(),
    GoogleXmlFormat(),
    PhotoFolderFormat(),
    PhotoZipFormat(),
    DatasetFormat(),
]


def register(new: Format[Any]) -> None:
    """Add a format. It is asked before all that are there, so that it may claim files that others would read."""
    _FORMATS.insert(0, new)


def formats() -> tuple[Format[Any], ...]:
    """All formats, in the order in which they are asked. Raises `UsageError` where a plug-in can't be loaded."""
    _load_plugins()
    return tuple(_FORMATS)


def read_catalog(path: Path, column_map: ColumnMap | None = None) -> CatalogReader:
    """Open a catalogue; iterate over its rows.

    With `column_map` it is a plain table whose columns are read as that says. Raises `CatalogError` for a file that
    gives nothing: missing, empty, of an unknown ending, without a column that can be the id.
    """
    for known in formats():
        if known.recognise(path, column_map):
            return known.read(path, column_map)
    if ending_of(path) == ".gz" and path.is_file():
        raise CatalogError(f"{path}: its name doesn't tell what is packed in it; call it like 'shop.csv.gz'")
    endings = dict.fromkeys(ending for known in formats() for ending in known.endings if ending)
    raise CatalogError(
        f"{path}: its ending '{path.suffix}' is not known; a catalogue is one of {', '.join(endings)}, "
        "or the folder of a dataset or of photos"
    )


def open_catalog(
    path: Path, column_map: ColumnMap | None = None, category_ids: CategoryIds | None = None
) -> CatalogReader:
    """Open a catalogue to work on its products. With `category_ids`, categories that the shop gives as ids have their path.

    Raises `CatalogError` as `read_catalog` does, and where no row has a photo or a text: most likely its columns weren't
    understood, and no work on it would come to anything.
    """
    reader = read_catalog(path, column_map)
    reader.category_ids = category_ids
    reader.check_contents()
    return reader


def count_rows(path: Path, column_map: ColumnMap | None = None) -> int | None:
    """About how many rows a catalogue has that nobody opened yet; None where it can't be told."""
    try:
        return read_catalog(path, column_map).count()
    except (CatalogError, OSError):
        return None


@cache
def _load_plugins() -> None:
    # Not at import: a command that reads no catalogue neither waits for a plug-in nor fails with it.
    for entry in entry_points(group=PLUGINS):
        try:
            loaded = entry.load()
            new = loaded() if isinstance(loaded, type) else loaded
        except Exception as error:  # a plug-in may raise anything
            raise UsageError(
                f"plug-in '{entry.name}' ({PLUGINS}) can't be loaded: {first_line(error)}; mend or uninstall it"
            ) from error
        if not isinstance(new, Format):
            raise UsageError(f"plug-in '{entry.name}' ({PLUGINS}) is no Format but {new!r}; mend or uninstall it")
        register(new)
