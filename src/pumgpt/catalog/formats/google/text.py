"""Google Merchant feeds in, as text: columns between tabs (or commas), one item a row."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pumgpt.catalog.formats.base import without_parts
from pumgpt.catalog.formats.csv import CsvReader, read_header
from pumgpt.catalog.formats.google.terms import ATTRIBUTES, fold_column, read_product, without_values
from pumgpt.catalog.product import Product

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


class GoogleTextReader(CsvReader):
    """One product a row. `additional_image_link` may hold several between commas, or stand there several times."""

    kind = "a Google Merchant feed"
    is_export = True

    delimiter = "\t"

    @classmethod
    def recognises(cls, path: Path, delimiter: str) -> bool:
        """Whether a table's header has `id` and two or more of the names that only feeds have."""
        folded = {fold_column(name) for name in read_header(path, delimiter)}
        return "id" in folded and len(folded & _MARKS) > 1 and bool(folded & {"image_link", "google_product_category"})

    def _settle_columns(self, names: object) -> None:
        pass

    @cached_property
    def fields(self) -> Mapping[str, str]:
        """The specification's names -> the columns that have them here."""
        found: dict[str, str] = {}
        for name, column in zip(self.header, self.columns, strict=True):
            if fold_column(name) in _KNOWN:
                found.setdefault(fold_column(name), column)
        return found

    @property
    def _id_column(self) -> str:
        return self.fields["id"]

    def _read_fields(self, record: Mapping[str, Any]) -> Product:
        cells = {name: record[column] for name, column in self.fields.items()}
        images = [cells.get("image_link", "").strip()]
        for name, column in zip(self.header, self.columns, strict=True):
            if fold_column(name) == "additional_image_link":
                images.extend(part.strip() for part in record[column].split(","))
        product = read_product(cells, self.base, list(dict.fromkeys(image for image in images if image)))
        read = {self.fields[name] for name in _READ if name in self.fields}
        extra = {name: value for name, value in record.items() if name not in read}
        return replace(product, extra=extra, original=record)

    def without(self, original: Any, failed: Mapping[str, Collection[str]]) -> dict[str, str]:
        """The row without the values, in columns of the specification and in those that are called as an attribute."""
        kept = without_values({name: original[column] for name, column in self.fields.items()}, failed)
        record = {**original, **{self.fields[name]: cell for name, cell in kept.items()}}
        for name in failed.keys() & record.keys() - set(self.fields.values()):
            record[name] = without_parts(record[name], "|", failed[name])
        return record


_READ = frozenset(("id", "title", "description", "image_link", "google_product_category", *ATTRIBUTES))
_KNOWN = _READ | {"additional_image_link", "structured_title", "structured_description", "size"}
