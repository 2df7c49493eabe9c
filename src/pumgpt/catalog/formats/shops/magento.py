r"""Magento 2's (Adobe Commerce's) product CSV; Magento 1's rows without a SKU are read as a part of the product above.

Rows of one SKU are the product in several store views: the first is read and filled. Every variant of a configurable
product is a product of its own, as it has a SKU, a category and attributes of its own.

    categories              'Default Category/A/B' below the root that the file's other products have
    additional_attributes   'color=Blue,material=Cotton|Silk', where the table has no column that is called so
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import ClassVar

from pumgpt.catalog.formats.shops.attribute_cells import AttributeCells, OwnColumns, PackedCell
from pumgpt.catalog.formats.shops.table import ShopTable, ShopTableReader, deepest_path, plain_attributes

_ROOT = "Default Category"
_SWITCHES = ("has_options", "required_options")
_SLASH = re.compile(r"(?<!\\)/")
_COMMA = re.compile(r"(?<!\\),(?!\s)")
"""Between paths there is no blank behind a comma; in a name ('Food, Drinks') there is."""
_MARKS = frozenset(
    (
        *("attribute_set_code", "product_type", "additional_attributes", "product_websites", "store_view_code"),
        *("base_image", "additional_images", "configurable_variations"),
    )
)
"""Of these a table of Magento 2 has several."""
_FIRST_MARKS = frozenset(("_category", "_attribute_set", "_type", "_store"))
"""Of these a table of Magento 1 has one or more."""


class MagentoFormat(ShopTable):
    name = "Magento's product CSV"
    marks = ("sku", "name")
    named: ClassVar = {
        "id": ("sku",),
        "title": ("name",),
        "description": ("description", "short_description"),
        "category": ("categories", "_category"),
    }
    photos = re.compile("base_image|image|small_image|thumbnail(_image)?|additional_images|_media_image")
    keeps_root = True
    photo_folders = ("pub/media/catalog/product", "media/catalog/product", "catalog/product", "pub/media/import")

    def claims(self, names: Collection[str]) -> bool:
        return super().claims(names) and (len(_MARKS & {*names}) > 1 or not _FIRST_MARKS.isdisjoint(names))

    def attribute_cells(self, source: ShopTableReader) -> Sequence[AttributeCells]:
        packed = PackedCell(
            source.named.get("additional_attributes", "additional_attributes"), {"colour": "color"}, _SWITCHES
        )
        return OwnColumns(plain_attributes(source), "|"), packed

    def category(self, cell: str) -> Sequence[str]:
        paths = [[level.replace("\\/", "/") for level in _SLASH.split(path)] for path in _COMMA.split(cell)]
        return deepest_path(path[1:] if path[0].strip() == _ROOT else path for path in paths)

    def category_cell(self, source: ShopTableReader, path: Sequence[str], id_: str | None) -> str | None:
        if any(_COMMA.search(level) for level in path):
            return None
        # A path that begins with another root than the store's makes a second catalogue.
        known = _COMMA.split(source.sample_cell(source.fields.get("category")))[0]
        root = _SLASH.split(known)[0].strip()
        return "/".join([root or _ROOT, *(level.replace("/", "\\/") for level in path)])
