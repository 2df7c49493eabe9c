"""Squarespace's product CSV. Further rows of a product are its variants.

Categories      the last level of the category, or '/a/b' where the file's other products have paths
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from pumgpt.catalog.formats.shops.attribute_cells import AttributeCells, Options
from pumgpt.catalog.formats.shops.table import ShopTable, ShopTableReader, deepest_path, option_columns

_ID = "product id [non editable]"


class SquarespaceFormat(ShopTable):
    name = "Squarespace's product CSV"
    marks = (_ID, "title")
    named: ClassVar = {
        "id": (_ID, "product url", "sku"),
        "title": ("title",),
        "description": ("description",),
        "category": ("categories",),
    }
    photos = re.compile("hosted image urls")

    def continues(self, source: ShopTableReader, cells: Sequence[str], first: Sequence[str]) -> bool:
        # Products that are made for the import have no id yet, so an empty one only means a variant where a title lacks too.
        id_ = source.cell(cells, source.id_column)
        return id_ == source.cell(first, source.id_column) or (
            not id_ and not source.cell(cells, source.named["title"])
        )

    def attribute_cells(self, source: ShopTableReader) -> Sequence[AttributeCells]:
        return (Options(option_columns(source, "option name {}", "option value {}")),)

    def category(self, cell: str) -> Sequence[str]:
        return deepest_path(path.split("/") for path in cell.split(","))

    def category_cell(self, source: ShopTableReader, path: Sequence[str], id_: str | None) -> str | None:
        if any(sign in level for level in path for sign in ",/"):
            return None
        has_paths = source.sample_cell(source.fields.get("category")).startswith("/")
        return "/" + "/".join(path) if has_paths else path[-1]
