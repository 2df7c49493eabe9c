"""Google Merchant feeds as text: columns between tabs (or commas), one item a row.

Written, the feed has its rows as they were; what was filled goes into its own columns (made where it lacks them) where they
had nothing, and into `pumgpt_*` columns.

    google_product_category     'A > B > C', where the category is one of Google's taxonomy
    color, material, pattern, gender, age_group
    structured_title            where an item has no title: one made from the photo, marked as such
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from pumgpt.catalog.formats.annotated import AnnotatedRow
from pumgpt.catalog.formats.attribute_values import without_parts
from pumgpt.catalog.formats.base import Format, FormatWriter, Record
from pumgpt.catalog.formats.column_map import ColumnMap
from pumgpt.catalog.formats.csv import TABLES, CsvReader, CsvWriter, annotate_export, is_table, read_header
from pumgpt.catalog.formats.filled import FilledColumns, Fills
from pumgpt.catalog.formats.google.terms import (
    ATTRIBUTES,
    category_field,
    filled_fields,
    filled_values,
    fills_of,
    fold_column,
    read_product,
    structured_cell,
    without_values,
)
from pumgpt.catalog.photo_list import split_photos
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute

_MARKS = frozenset(
    (
        "image_link",
        "google_product_category",
        "additional_image_link",
        "availability",
        "link",
        "product_type",
        "condition",
    )
)
"""Columns of which a table has two or more, if it is a feed."""
_READ = frozenset(("id", "title", "description", "image_link", "google_product_category", *ATTRIBUTES))
_KNOWN = _READ | {"additional_image_link", "structured_title", "structured_description", "size"}
_FILLED = ("google_product_category", *ATTRIBUTES, "structured_title")


class GoogleTextFormat(Format["GoogleTextReader"]):
    name = "a Google Merchant feed"
    endings = TABLES
    can_unpack = True
    is_export = True

    def recognise(self, path: Path, column_map: ColumnMap | None = None) -> bool:
        """Whether a table's header has `id` and two or more of the names that only feeds have."""
        if column_map is not None or not is_table(path):
            return False
        folded = {fold_column(name) for name in read_header(path)}
        return "id" in folded and len(folded & _MARKS) > 1 and bool(folded & {"image_link", "google_product_category"})

    def read(self, path: Path, column_map: ColumnMap | None = None) -> GoogleTextReader:
        return GoogleTextReader(self, path, column_map)

    def fill(self, path: Path, columns: FilledColumns, source: GoogleTextReader) -> FormatWriter:
        return GoogleTextWriter(path, columns, source)

    def strike(self, source: GoogleTextReader, original: Record, failed: Mapping[str, Collection[str]]) -> Record:
        """The row without the values, in columns of the specification and in those that are called as an attribute."""
        kept = without_values({name: original[column] for name, column in source.fields.items()}, failed)
        record = {**original, **{source.fields[name]: cell for name, cell in kept.items()}}
        for name in failed.keys() & record.keys() - set(source.fields.values()):
            record[name] = without_parts(record[name], "|", failed[name])
        return record

    def annotate(
        self, path: Path, source: GoogleTextReader, names: Sequence[str], rows: Iterable[AnnotatedRow]
    ) -> None:
        annotate_export(path, source, names, rows, _rows_of)


class GoogleTextReader(CsvReader):
    """One product a row. `additional_image_link` may hold several between commas, or stand there several times."""

    known: ClassVar[Collection[str]] = _KNOWN
    """The specification's names that are looked for."""

    def settle_columns(self, names: Sequence[str]) -> None:
        """The header says it all."""

    @cached_property
    def fields(self) -> Mapping[str, str]:
        """The specification's names -> the columns that have them here."""
        found: dict[str, str] = {}
        for name, column in zip(self.header, self.columns, strict=True):
            if fold_column(name) in self.known:
                found.setdefault(fold_column(name), column)
        return found

    @property
    def fills(self) -> Fills:
        return fills_of(self.fields)

    @property
    def id_column(self) -> str:
        return self.fields["id"]

    def cells(self, record: Record) -> dict[str, str]:
        """An item's cells by the specification's names."""
        return {name: record[column] for name, column in self.fields.items()}

    def photos(self, record: Record) -> list[str]:
        """An item's photos, the main one first."""
        images = [record[self.fields["image_link"]].strip()] if "image_link" in self.fields else []
        for name, column in zip(self.header, self.columns, strict=True):
            if fold_column(name) == "additional_image_link":
                images.extend(split_photos(record[column], self.base))
        return images

    def product_of(self, record: Record) -> Product:
        images = list(dict.fromkeys(image for image in self.photos(record) if image))
        product = read_product(self.cells(record), self.base, images)
        read = {self.fields[name] for name in _READ if name in self.fields}
        extra = {name: value for name, value in record.items() if name not in read}
        return replace(product, extra=extra, original=record)


class GoogleTextWriter(CsvWriter):
    """One feed, row by row."""

    filled: ClassVar[Sequence[str]] = _FILLED
    """The specification's names of what may be filled."""
    category_field = staticmethod(category_field)

    def __init__(self, path: Path, columns: FilledColumns, source: GoogleTextReader) -> None:
        self._reader = source
        # A column is made for what may be filled at all: any value shows which one an attribute goes to.
        asked = filled_values({fold_attribute(name): ["adult male"] for name in columns.attribute_names})
        made = [name for name in self.filled if name not in ATTRIBUTES or name in asked]
        self._places = {name: source.fields.get(name, name) for name in made}
        names = tuple(dict.fromkeys((*columns.own, *self._places.values(), *columns.added)))
        super().__init__(path, columns, source, names)

    def carry(self, original: Any) -> None:
        for cells in _rows_of(original):
            whole = isinstance(original, Mapping)
            self.file.write([*cells, *[""] * (len(self.names) - len(cells))] if whole else cells)

    def fill(self, row: dict[str, str], product: Product, understanding: Understanding) -> None:
        fields = filled_fields(self.columns, self._reader, product, understanding, self.category_field)
        for name, value in fields.items():
            column = self._places.get(name)
            if column is not None and (not row.get(column, "").strip() or self.columns.overwrite_values):
                row[column] = structured_cell(value) if name == "structured_title" else value


def _rows_of(original: Any) -> list[list[str]]:
    """The row that a record was read from; one with another number of cells than the header is a list already."""
    if original is None:
        return []
    return [[str(cell) for cell in (original.values() if isinstance(original, Mapping) else original)]]
