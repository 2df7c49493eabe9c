"""A curated catalogue as a table: the shop's own columns, and the verdicts as JSON in `pumgpt_verdicts`; a system's export in
its own form, with every row that it had.

Written whole from the journal's verdicts, beside its place, and put there at the end.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.parquet as pq

from pumgpt.catalog.formats.csv import CsvReader
from pumgpt.catalog.formats.csv_writer import RecordWriter, dialect_of, padded
from pumgpt.catalog.formats.google.feed_copy import OUR_NAMESPACE, FeedCopy, our_element
from pumgpt.catalog.formats.google.xml import FeedRecord, GoogleXmlReader, column_of
from pumgpt.catalog.formats.output_columns import own_cell, plain_json
from pumgpt.catalog.formats.parquet_writer import attributes_as, text_fields
from pumgpt.catalog.formats.registry import CatalogReader
from pumgpt.catalog.formats.shopify import FoldedRows
from pumgpt.catalog.formats.writers import check_output
from pumgpt.catalog.product import Product
from pumgpt.curation.curator import Source
from pumgpt.curation.listing import SET_ASIDE, Failing, curated_export, curated_record
from pumgpt.errors import CatalogError, UsageError

COLUMN = "pumgpt_verdicts"
ROWS_PER_GROUP = 1_000
_FEEDS = (".xml", ".rss", ".atom")


@dataclass(frozen=True)
class _Row:
    """A judged product, its `original` curated, with the cells of our columns; or a row that wasn't judged, as it was."""

    product: Product | None
    original: Any
    ours: Mapping[str, str]


def check_table(path: Path, reader: CatalogReader | None) -> None:
    """Raise `CatalogError` where a curated catalogue can't be written to `path`."""
    if not (isinstance(reader, GoogleXmlReader) and path.suffix.lower() in _FEEDS and not path.is_dir()):
        check_output(path)


def write_table(path: Path, source: Source, lines: Iterable[bytes], failing: Failing) -> None:
    """Write the rows that `lines` (`{"id", "verdicts"}`) judged, of a system's export all rows. Raises `CatalogError` where the
    file can't be written.
    """
    unfinished = path.with_name(f"{path.name}.new")
    ours = [*([SET_ASIDE] if failing is Failing.MOVE else []), COLUMN]
    columns = tuple(dict.fromkeys((*source.reader.columns, *ours)))
    try:
        _writer(path, source.reader)(unfinished, source.reader, columns, _rows(source, lines, failing))
        unfinished.replace(path)
    except (OSError, pa.ArrowException) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise CatalogError(
            f"{path}: can't be written ({reason}); mend the path, its permissions or the disk"
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)


def _writer(path: Path, reader: CatalogReader) -> Callable[[Path, CatalogReader, Sequence[str], Iterator[_Row]], None]:
    if path.suffix.lower() == ".parquet":
        return _write_parquet
    if path.suffix.lower() in _FEEDS:
        return _write_feed
    return _write_export if reader.is_export and isinstance(reader, CsvReader) else _write_csv


def _rows(source: Source, lines: Iterable[bytes], failing: Failing) -> Iterator[_Row]:
    rows = (row for _, row in source.rows())
    for line in lines:
        answer = json.loads(line)
        for row in rows:
            if isinstance(row, Product) and row.id == answer["id"]:
                yield _curated(source, row, answer["verdicts"], failing)
                break
            yield _Row(None, row.original, {})
        else:
            raise UsageError(f"{source.path} has changed since its rows were judged; begin anew with --restart")
    yield from (_Row(None, row.original, {}) for row in rows)


def _curated(source: Source, product: Product, verdicts: list[dict[str, Any]], failing: Failing) -> _Row:
    ours = {COLUMN: json.dumps(verdicts, ensure_ascii=False)}
    if source.strike is not None:
        original, aside = curated_export(product, verdicts, failing, source.strike)
    else:
        original = curated_record(product, verdicts, failing, source.attribute_columns)
        aside = original.get(SET_ASIDE)
    if aside:
        ours[SET_ASIDE] = json.dumps(aside, ensure_ascii=False, default=plain_json)
    return _Row(product, original, ours)


def _judged(rows: Iterable[_Row]) -> Iterator[Product]:
    """The judged products, with our cells in their `original`."""
    for row in rows:
        if row.product is not None:
            yield replace(row.product, original={**row.original, **row.ours})


def _write_csv(path: Path, reader: CatalogReader, columns: Sequence[str], rows: Iterator[_Row]) -> None:
    delimiter = "\t" if path.name.lower().endswith(".tsv.new") else ","
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        quoting = csv.writer(file, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow(columns)
        for product in _judged(rows):
            cells = [own_cell(product, name) for name in columns]
            # Python 3.11's writer leaves a lone \r unquoted, and readers take that for the end of the row.
            (quoting if any("\r" in cell for cell in cells) else writer).writerow(cells)


def _write_export(path: Path, reader: CatalogReader, columns: Sequence[str], rows: Iterator[_Row]) -> None:
    """A system's table: of each product our cells in its first row, all other rows as they were."""
    assert isinstance(reader, CsvReader)
    own = len(reader.header)
    places = {name: place for place, name in enumerate(columns)}
    writer = RecordWriter(path, dialect_of(path, reader))
    try:
        writer.write([*reader.header, *columns[own:]])
        for row in rows:
            for place, cells in enumerate(_records(row.original)):
                ours = row.ours if place == 0 else {}
                writer.write(padded(cells, places, ours) if len(cells) == own else cells)
    finally:
        writer.close()


def _records(original: Any) -> Sequence[Sequence[str]]:
    """The rows of a table that a record was read from."""
    if isinstance(original, FoldedRows):
        return original.rows
    if original is None:
        return []
    return [list(original.values() if isinstance(original, Mapping) else original)]


def _write_feed(path: Path, reader: CatalogReader, columns: Sequence[str], rows: Iterator[_Row]) -> None:
    """A feed in XML: failing values taken out of its elements, the verdicts as one of ours."""
    assert isinstance(reader, GoogleXmlReader)
    copy = FeedCopy(path, reader)
    try:
        for row in rows:
            if row.product is None:
                continue
            before = row.product.original
            assert isinstance(before, FeedRecord)
            edits: dict[int, str] = {}
            for place, field in enumerate(before.item.fields):
                name = column_of(field)
                if name in before and row.original[name] != before[name]:
                    first = name not in {column_of(earlier) for earlier in before.item.fields[:place]}
                    edits[place] = copy.element(field, row.original[name]) if first else ""
                elif field.name in {f"{OUR_NAMESPACE} {element}" for element in row.ours}:
                    edits[place] = ""
            added = [our_element(name, escape(text)) for name, text in row.ours.items()]
            copy.item(before.item, edits, added)
    finally:
        copy.close()


def _write_parquet(path: Path, reader: CatalogReader, columns: Sequence[str], rows: Iterator[_Row]) -> None:
    """With the types of the input; without any, as `enrich` writes them."""
    own = {field.name: field for field in reader.schema or text_fields(reader)}
    schema = pa.schema([own.get(name) or pa.field(name, pa.string()) for name in columns])
    made = _table_rows(rows, schema, as_text=reader.schema is None)
    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        while group := list(islice(made, ROWS_PER_GROUP)):
            file.write_table(pa.Table.from_pylist(group, schema=schema))


def _table_rows(rows: Iterator[_Row], schema: pa.Schema, as_text: bool) -> Iterator[dict[str, Any]]:
    for row in rows:
        if row.product is not None:
            product = replace(row.product, original={**row.original, **row.ours})
            yield _row_as_text(product, schema) if as_text else _row(product, schema)
        if isinstance(row.original, FoldedRows):
            further = row.original.rows[1 if row.product is not None else 0 :]
            yield from ({n: cell or None for n, cell in zip(row.original, cells, strict=False)} for cells in further)


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
