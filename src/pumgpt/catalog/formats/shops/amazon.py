"""Amazon's flat file (inventory file) as it is downloaded: text between tabs, with rows for Amazon and for people above the one
that has the names. Newer files write 'color[marketplace_id=...]#1.value' where older ones have 'color_name'.

There is no path of a category in it: the product type stays, and categories stand in `pumgpt_category` alone. Filled are
attributes that are free text (color_name, material_type, pattern_name, style_name, ...); others have lists of words that differ
from product type to product type, and are only read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import ClassVar

from pumgpt.catalog.formats.shops.attribute_cells import AttributeCells, OwnColumns
from pumgpt.catalog.formats.shops.table import ShopTable, ShopTableReader

_ATTRIBUTES = {
    "colour": ("color_name", "color"),
    "material": ("material_type", "material_type1", "material", "material_composition", "outer_material_type"),
    "fabric": ("fabric_type", "fabric_type1"),
    "pattern": ("pattern_name", "pattern_type", "pattern"),
    "style": ("style_name", "style"),
    "size": ("size_name", "size", "apparel_size"),
    "gender": ("target_gender", "department_name", "department"),
    "age group": ("age_range_description",),
    "brand": ("brand_name", "brand"),
    "season": ("seasons", "season"),
}
_LISTED = ("size", "gender", "age group", "brand", "season")
_PLACE = re.compile(r"(\[[^\]]*\])?(#\d+)?(\.(value|media_location))?$")


class AmazonFormat(ShopTable):
    name = "Amazon's flat file"
    named: ClassVar = {
        "id": ("item_sku", "contribution_sku", "vendor_sku"),
        "title": ("item_name",),
        "description": ("product_description", "bullet_point1", "bullet_point"),
    }
    photos = re.compile(r"(main|other)(_offer)?(_product)?_image(_url|_locator)[_\d]*")

    def claims(self, names: Collection[str]) -> bool:
        return "item_name" in names and not {*self.named["id"]}.isdisjoint(names)

    def fold(self, name: str) -> str:
        return _PLACE.sub("", super().fold(name))

    def attribute_cells(self, source: ShopTableReader) -> Sequence[AttributeCells]:
        columns = {
            attribute: next((source.named[name] for name in names if name in source.named), None)
            for attribute, names in _ATTRIBUTES.items()
        }
        found = {attribute: column for attribute, column in columns.items() if column is not None}
        return (OwnColumns(found, read_only=_LISTED),)
