"""Wix Stores' product CSV, in both its forms: with `handleId` and several photos in a cell, and the newer one with `handle`
and a row for each photo.

    collection              the last level of the category: collections have no levels
    brand
    additionalInfoTitleN    the first free one of the six, with the value in additionalInfoDescriptionN
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import ClassVar

from pumgpt.catalog.formats.shops.attribute_cells import AttributeCells, NumberedPairs, Options, OwnColumns
from pumgpt.catalog.formats.shops.table import ShopTable, ShopTableReader, deepest_path, option_columns


class WixFormat(ShopTable):
    name = "Wix's product CSV"
    marks = ("fieldtype", "name")
    named: ClassVar = {
        "id": ("handleid", "handle"),
        "title": ("name",),
        "description": ("description", "plaindescription"),
        "category": ("collection", "collections"),
    }
    photos = re.compile("productimageurl|media|mainmedia|mediaurl")

    def claims(self, names: Collection[str]) -> bool:
        return super().claims(names) and bool({"handleid", "handle"} & {*names})

    def attribute_cells(self, source: ShopTableReader) -> Sequence[AttributeCells]:
        brand = {"brand": source.named["brand"]} if "brand" in source.named else {}
        values = ("productoptiondescription{}", "productoptionchoices{}")
        options = Options(option_columns(source, "productoptionname{}", *values), ";")
        texts = NumberedPairs(source.named, "additionalInfoTitle{}", "additionalInfoDescription{}", limit=6)
        return OwnColumns(brand), options, texts

    def category(self, cell: str) -> Sequence[str]:
        return deepest_path([name] for name in cell.split(";"))

    def category_cell(self, source: ShopTableReader, path: Sequence[str], id_: str | None) -> str | None:
        return None if ";" in path[-1] else path[-1]
