"""A curated catalogue as a table: the shop's own columns, and the verdicts as JSON in `pumgpt_verdicts`.

Written whole from the journal's verdicts, beside its place, and put there at the end.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pumgpt.catalog.output_columns import own_cell, plain_json
from pumgpt.catalog.parquet_writer import attributes_as, text_fields
from pumgpt.catalog.product import Product
from pumgpt.curation.curator import Source
from pumgpt.curation.listing import SET_ASIDE, Failing, curated_record
from pumgpt.errors import CatalogError, UsageError

COLUMN = "pumgpt_verdicts"
ROWS_PER_GROUP = 1_000


def write_table(path: Path, source: Source, lines: Iterable[bytes], failing: Failing) -> None:
    """Write the rows that `lines` (`{"id", "verdicts"}`) judged. Raises `CatalogError` where the file can't be written."""
    unfinished = path.with_name(f"{path.name}.new")
    columns = dict.fromkeys((*source.reader.columns, *([SET_ASIDE] if failing is Failing.MOVE else []), COLUMN))
    write = _write_parquet if path.suffix.lower() == ".parquet" else _write_csv
    try:
        write(unfinished, source, tuple(columns), _products(source, lines, failing))
        unfinished.replace(path)
    except (OSError, pa.ArrowException) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise CatalogError(
            f"{path}: can't be written ({reason}); mend the path, its permissions or the disk"
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)


def _products(source: Source, lines: Iterable[bytes], failing: Failing) -> Iterator[Product]:
    """The judged products, their `original` curated."""
    products = iter(source)
    for line in lines:
        answer = json.loads(line)
        product = next((product for product in products if product.id == answer["id"]), None)
        if product is None:
            raise UsageError(f"{source.path} has changed since its rows were judged; begin anew with --restart")
        record = curated_record(product, answer["verdicts"], failing, source.attribute_columns)
        record[COLUMN] = json.dumps(answer["verdicts"], ensure_ascii=False)
        if record.get(SET_ASIDE):
            record[SET_ASIDE] = json.dumps(record[SET_ASIDE], ensure_ascii=False, default=plain_json)
        yield replace(product, original=record)


def _write_csv(path: Path, source: Source, columns: Sequence[str], products: Iterable[Product]) -> None:
    delimiter = "\t" if path.name.lower().endswith(".tsv.new") else ","
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        quoting = csv.writer(file, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow(columns)
        for product in products:
            cells = [own_cell(product, name) for name in columns]
            # Python 3.11's writer leaves a lone \r unquoted, and readers take that for the end of the row.
            (quoting if any("\r" in cell for cell in cells) else writer).writerow(cells)


def _write_parquet(path: Path, source: Source, columns: Sequence[str], products: Iterable[Product]) -> None:
    """With the types of the input; without any, as `enrich` writes them."""
    own = {field.name: field for field in source.reader.schema or text_fields(source.reader)}
    schema = pa.schema([own.get(name) or pa.field(name, pa.string()) for name in columns])
    row = _row_as_text if source.reader.schema is None else _row
    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        while rows := [row(product, schema) for product in islice(products, ROWS_PER_GROUP)]:
            file.write_table(pa.Table.from_pylist(rows, schema=schema))


def _row(product: Product, schema: pa.Schema) -> dict[str, Any]:
    maps = {field.name for field in schema if pa.types.is_map(field.type)}
    return {
        name: list(value.items()) if name in maps and isinstance(value, Mapping) else value
        for name, value in ((name, product.original.get(name)) for name in schema.names)
    }


def _row_as_text(product: Product, schema: pa.Schema) -> dict[str, Any]:
    row: dict[str, Any] = {name: own_cell(product, name) or None for name in schema.names}
    if "category" in row:
        row["category"] = list(product.category) if product.category else None
    if "attributes" in row and pa.types.is_nested(schema.field("attributes").type):
        curated = Product.from_record(product.original).attributes or {}
        row["attributes"] = attributes_as(schema.field("attributes").type, curated, None)
    return row
