"""Etsy's listings as they are downloaded for a shop, with headers in the language of whoever downloads them.

The table has no number of a listing: where the SKU isn't filled throughout, products are called by the numbers of their
rows. It has no column for a category either, so categories stand in `pumgpt_category` alone.

    MATERIALS       several between commas
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import ClassVar

from pumgpt.catalog.formats.column_names import field_aliases, fold_name, photo_pattern
from pumgpt.catalog.formats.shops.attribute_cells import AttributeCells, Options, OwnColumns
from pumgpt.catalog.formats.shops.table import ShopTable, ShopTableReader, option_columns

_MATERIALS = tuple(
    map(
        fold_name,
        ["materials", "Materialien", "matériaux", "materiali", "materiales", "materialen", "materiały", "materiais"],
    )
)
_TAGS = tuple(map(fold_name, ["tags", "tag", "etiquetas", "tagi", "Schlagwörter"]))


class EtsyFormat(ShopTable):
    name = "Etsy's listings"
    named: ClassVar = {
        "id": ("sku",),
        "title": field_aliases("title"),
        "description": field_aliases("description"),
    }
    photos = re.compile(photo_pattern().pattern)
    numbers_rows = True

    def claims(self, names: Collection[str]) -> bool:
        """Etsy has columns for ten photos, and of all systems it alone asks for materials and tags."""
        marks = (self.named["title"], _MATERIALS, _TAGS)
        photos = [name for name in names if self.photos.fullmatch(name) and name.endswith("1")]
        return all(not {*aliases}.isdisjoint(names) for aliases in marks) and bool(photos)

    def fold(self, name: str) -> str:
        return fold_name(name)

    def continues(self, source: ShopTableReader, cells: Sequence[str], first: Sequence[str]) -> bool:
        return False

    def attribute_cells(self, source: ShopTableReader) -> Sequence[AttributeCells]:
        column = next((source.named[name] for name in _MATERIALS if name in source.named), None)
        materials = {} if column is None else {"material": column}
        options = option_columns(source, "variation{}name", "variation{}values", most=2)
        return OwnColumns(materials, ","), Options(options, ",")
