"""Shopify's product CSV out: every row as it was; what was filled goes into the first row of its product.

Product Category            'A > B > C', where the category is one of Shopify's taxonomy
metafield columns           the shop's own where one has the attribute's name, else
                            'Colour (product.metafields.custom.colour)' and its like, made for it
pumgpt_*                    values, confidences, statuses
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pumgpt.catalog.formats.base import CatalogReader
from pumgpt.catalog.formats.csv_writer import CsvTable, padded
from pumgpt.catalog.formats.output_columns import OutputColumns
from pumgpt.catalog.formats.shopify import FoldedRows, ShopifyReader
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute

_CATEGORY_ID = re.compile(r"gid://.*/TaxonomyCategory/.*|[a-z]{2}(-\d+)*")


class ShopifyTable(CsvTable):
    """One file, product by product."""

    def __init__(self, path: Path, columns: OutputColumns, source: CatalogReader) -> None:
        assert isinstance(source, ShopifyReader)
        self._reader = source
        self._metafields = _metafield_columns(columns.attribute_names, source)
        self._all = tuple(dict.fromkeys((*columns.own, *self._metafields.values(), *columns.added)))
        self._places = {name: place for place, name in enumerate(self._all)}
        super().__init__(path, columns, source)

    @property
    def _names(self) -> Sequence[str]:
        return self._all

    def write(self, product: Product, understanding: Understanding) -> None:
        rows = product.original
        assert isinstance(rows, FoldedRows)
        values = self._columns.cells(understanding)
        self._fill(values, product, understanding)
        self._record.write(padded(rows.rows[0], self._places, values))
        self._carry_rows(rows.rows[1:])

    def carry(self, original: object) -> None:
        if isinstance(original, FoldedRows):
            self._carry_rows(original.rows)

    def _carry_rows(self, rows: Sequence[Sequence[str]]) -> None:
        for cells in rows:
            self._record.write(padded(cells, self._places, {}) if len(cells) == len(self._reader.columns) else cells)

    def _fill(self, row: dict[str, str], product: Product, understanding: Understanding) -> None:
        category = self._columns.category(product, understanding)
        column = self._reader.fields.get("category")
        if category is not None and column is not None:
            if _CATEGORY_ID.fullmatch((understanding.category and understanding.category.id) or ""):
                row[column] = " > ".join(category)
            else:
                self._warn_of_foreign_categories()
        overwrite = self._columns.overwrite_values
        known = {} if overwrite else {fold_attribute(name): value for name, value in (product.attributes or {}).items()}
        for name, value in self._columns.filled(understanding).items():
            column = self._metafields.get(name)
            if column is not None and not known.get(name):
                standard = ".shopify." in column
                row[column] = "; ".join(_handle(item) if standard else item for item in value)

    def _warn_of_foreign_categories(self) -> None:
        line = (
            f"{self._reader.path}: the categories are not Shopify's, so 'Product Category' stays as it is; "
            "give --taxonomy with the categories.txt of Shopify's product taxonomy"
        )
        if line not in self._reader.warnings:
            self._reader.warnings.append(line)


def _metafield_columns(names: Sequence[str], source: ShopifyReader) -> dict[str, str]:
    """Folded attribute name -> the metafield column that takes it."""
    columns: dict[str, str] = {}
    for name in names:
        folded = fold_attribute(name)
        key = re.sub(r"\W+", "_", name).strip("_").lower() or "attribute"
        label = (name[:1].upper() + name[1:]).replace("_", " ")
        made = f"{label} (product.metafields.custom.{key})"
        columns.setdefault(folded, source.fills.attributes.get(folded, made))
    return columns


def _handle(value: str) -> str:
    """A value as the handle of its entry: 'Navy Blue' -> 'navy-blue'."""
    return re.sub(r"[\W_]+", "-", value.casefold()).strip("-")
