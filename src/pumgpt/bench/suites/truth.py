"""The true products that a measurement is held against, read from Parquet without their photos."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pumgpt.catalog.product import Product
from pumgpt.errors import CatalogError

CATEGORY = "category"
"""The field whose value is a path from root to leaf; every other field is an attribute."""
AGE_GROUP = "age group"


def read_truth(*files: Path) -> list[Product]:
    """All products of Parquet files. Ids must be unique: answers are found by them."""
    products = [product for file in files for product in _read(file)]
    seen: set[str] = set()
    for product in products:
        if product.id in seen:
            raise CatalogError(f"{files[0]}: id '{product.id}' occurs twice; give every product its own id")
        seen.add(product.id)
    return products


def read_labelled(files: Iterable[Path]) -> list[Product]:
    """As `read_truth`, where ids may repeat: to fit baselines on."""
    return [product for file in files for product in _read(file)]


def _read(file: Path) -> list[Product]:
    try:
        names = [name for name in pq.read_schema(file).names if name not in ("image", "images")]
        records = pq.read_table(file, columns=names).to_pylist()
    except (OSError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())
        raise CatalogError(f"{file}: can't be read as Parquet: {reason}; give the file of true products") from error
    return [Product.from_record(record, file.parent) for record in records]


def write_alike(field: str, value: str) -> str:
    """The value as all sources shall write it: 'Adults-Men' -> 'adult', 'Kids-Girls' -> 'kids'.

    The gender that such an age group also tells has a field of its own.
    """
    if field != AGE_GROUP:
        return value
    start = value.casefold()
    return "adult" if start.startswith("adult") else "kids" if start.startswith("kid") else value


def complete_path(path: tuple[str, ...], known: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """The one known path that ends in `path`, else `path` itself: some sets leave out the upper levels."""
    endings = {full for full in known if full[-len(path) :] == path}
    return endings.pop() if len(endings) == 1 else path


def fields_of(product: Product) -> dict[str, tuple[str, ...]]:
    """The closed fields that a product states, written alike: its category's path, and each attribute's values."""
    fields = {CATEGORY: product.category} if product.category else {}
    for name, given in (product.attributes or {}).items():
        values = [given] if isinstance(given, str) else given
        fields[name] = tuple(write_alike(name, value) for value in values)
    return fields
