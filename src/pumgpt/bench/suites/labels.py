"""The fields of labelled products: a category's path and attributes' values, written alike in all sources of a suite."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pumgpt.catalog.product import Product
from pumgpt.errors import CatalogError, first_line
from pumgpt.tasks.evaluation import CATEGORY, Values

ValueMap = Mapping[str, Mapping[str, str]]
"""Attribute -> a source's spelling of a value -> the spelling to use."""
Fields = dict[str, Values]


def fields_of(product: Product, values: ValueMap) -> Fields:
    """The closed fields that a product states: its category's path, and each attribute's values."""
    fields = {CATEGORY: product.category} if product.category else {}
    for name, given in (product.attributes or {}).items():
        fields[name] = write_alike(name, [given] if isinstance(given, str) else given, values)
    return fields


def write_alike(field: str, given: Iterable[str], values: ValueMap) -> Values:
    """An attribute's values, spelled the same for all sources."""
    known = values.get(field, {})
    return tuple(known.get(value, value) for value in given)


def read_labelled(files: Iterable[Path]) -> list[Product]:
    """The products of Parquet files without their photos. Raises `CatalogError`."""
    products: list[Product] = []
    for file in files:
        try:
            # Photos are most of a file, and features of them are read apart, where a baseline needs them.
            names = [name for name in pq.read_schema(file).names if name not in ("image", "images")]
            records = pq.read_table(file, columns=names).to_pylist()
        except (OSError, pa.ArrowException) as error:
            reason = " ".join(first_line(error).split())
            raise CatalogError(f"{file}: can't be read as Parquet: {reason}; give the file of true products") from error
        products.extend(Product.from_record(record, file.parent) for record in records)
    return products


def read_json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each object of a JSONL file, with its file and line for messages. Raises `CatalogError`."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError(f"{path}: can't be read: {first_line(error)}; mend the path") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            document = json.loads(line)
        except json.JSONDecodeError as error:
            raise CatalogError(f"{where}: not JSON: {error.msg}; write one object on each line") from error
        if not isinstance(document, dict):
            raise CatalogError(f"{where}: {type(document).__name__}, not an object; write one object on each line")
        yield where, document


def complete_path(path: Values, known: Iterable[Values]) -> Values:
    """The one known path that ends in `path`, else `path` itself: some sources leave out the upper levels."""
    # Two paths with the same end can't be told apart: better a short path than a wrong one.
    endings = {full for full in known if full[-len(path) :] == path}
    return endings.pop() if len(endings) == 1 else path


def find_files(data: Path, pattern: str) -> list[Path]:
    """The files below `data` that match a pattern, in the order of their names. Raises `CatalogError` for none."""
    # Sorted: file systems list in orders of their own, and ids of a later file are set aside as duplicates.
    files = sorted(data.glob(pattern))
    if not files:
        raise CatalogError(f"no file matches {data / pattern}; give the folder of the data with --data")
    return files
