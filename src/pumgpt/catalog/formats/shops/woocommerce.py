r"""WooCommerce's product CSV, as its exporter writes it and its importer reads it.

A variable product's variations are folded into it where they stand below it; a variation that stands elsewhere is a
product of its own. The columns are described at github.com/woocommerce/woocommerce/wiki/Product-CSV-Import-Schema.

    Categories              'A > B, C': several between commas; a comma inside of a name is '\,'
    Attribute N name        the product's first pair without a name, or one that is made; several values stand between
                            commas. A pair is made visible and global, so that the shop can filter by it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import ClassVar

from pumgpt.catalog.formats.shops.attribute_cells import AttributeCells, NumberedPairs, OwnColumns
from pumgpt.catalog.formats.shops.table import ShopTable, ShopTableReader, deepest_path

_BETWEEN_PATHS = re.compile(r"(?<!\\),")
_NO_CATEGORY = "uncategorized"
"""What WooCommerce gives a product that has no category."""
_SHIELDED = re.compile(r"'(?=[=+\-@])")
"""The exporter puts an apostrophe before what a spreadsheet would take for a formula."""


class WooCommerceFormat(ShopTable):
    name = "WooCommerce's product CSV"
    marks = ("type", "sku", "name")
    named: ClassVar = {
        "id": ("id", "sku", "gtin, upc, ean, or isbn"),
        "title": ("name",),
        "description": ("description", "short description"),
        "category": ("categories",),
    }
    photos = re.compile("images")

    def claims(self, names: Collection[str]) -> bool:
        own = {"images", "categories", "attribute 1 name", "published", "visibility in catalog"}
        return super().claims(names) and bool(own & {*names})

    def continues(self, source: ShopTableReader, cells: Sequence[str], first: Sequence[str]) -> bool:
        """A variation names its parent by SKU, or as 'id:12'."""
        if source.cell(cells, source.named["type"]).casefold() != "variation":
            return False
        parent = source.cell(cells, source.named.get("parent"))
        names = [source.cell(first, source.named["sku"]), "id:" + source.cell(first, source.named.get("id"))]
        return parent != "" and parent in names

    def attribute_cells(self, source: ShopTableReader) -> Sequence[AttributeCells]:
        brands = {"brand": source.named["brands"]} if "brands" in source.named else {}
        pairs = NumberedPairs(
            source.named,
            "Attribute {} name",
            "Attribute {} value(s)",
            {"Attribute {} visible": "1", "Attribute {} global": "1"},
        )
        return OwnColumns(brands, ","), pairs

    def text(self, cell: str) -> str:
        # Line ends are exported as the two characters \n.
        return _SHIELDED.sub("", cell, count=1).replace("\\n", "\n")

    def category(self, cell: str) -> Sequence[str]:
        paths = (path.split(">") for path in _BETWEEN_PATHS.split(cell))
        found = deepest_path([level.replace("\\,", ",") for level in path] for path in paths)
        return [] if [level.casefold() for level in found] == [_NO_CATEGORY] else found

    def category_cell(self, source: ShopTableReader, path: Sequence[str], id_: str | None) -> str | None:
        return " > ".join(level.replace(",", "\\,") for level in path)
