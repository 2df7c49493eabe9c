"""Akeneo's product CSV: columns are attribute codes, with locale and channel behind them ('description-en_US-ecommerce').

Of several languages English counts first, which models know best, then the order of the file. Values of selects, and categories,
are codes: a schema whose values are the options' codes fills columns that the import reads, and so does a taxonomy whose ids are
categories' codes.

    <attribute>         where the column's code is the attribute's name; several values stand between commas
    categories          the id of the category; without ids it stands in `pumgpt_category` alone
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import ClassVar

from pumgpt.catalog.formats.shops.attribute_cells import AttributeCells, OwnColumns
from pumgpt.catalog.formats.shops.table import ShopTable, ShopTableReader
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute

_CODE = re.compile(r"[A-Za-z\d_]+")
_SCOPE = re.compile(r"(-[a-z]{2,3}_[A-Za-z_]{2,9})?(-[a-z\d_]+)?$", re.ASCII)
_STRUCTURE = frozenset(
    (
        *("sku", "identifier", "uuid", "categories", "enabled", "family", "family_variant", "parent", "groups"),
        *("created", "updated", "associations", "quality_score"),
    )
)
_TEXTS = ("name", "title", "label", "description", "short_description", "long_description")


class AkeneoFormat(ShopTable):
    name = "Akeneo's product CSV"
    named: ClassVar = {
        "id": ("sku", "identifier", "uuid"),
        "title": ("name", "title", "label", "product_name", "erp_name"),
        "description": ("description", "long_description", "short_description"),
        "category": ("categories",),
    }
    photos = re.compile(r"(main_|product_|packshot_)?(pictures?|images?|photos?)(_?\d+)?|media|packshot")

    def claims(self, names: Collection[str]) -> bool:
        return {"family", "categories"} <= {*names} and not {*self.named["id"]}.isdisjoint(names)

    def fold(self, name: str) -> str:
        return _SCOPE.sub("", name.strip()).casefold()

    def preferred(self, columns: Sequence[str]) -> Sequence[str]:
        return sorted(columns, key=lambda column: "-en_" not in column)

    def attribute_cells(self, source: ShopTableReader) -> Sequence[AttributeCells]:
        """Every column that isn't Akeneo's own structure, a text, a photo or the unit of a measurement."""
        kinds = (*_STRUCTURE, *(name for names in self.named.values() for name in names), *_TEXTS)
        columns = {
            fold_attribute(code): column
            for code, column in source.named.items()
            if _CODE.fullmatch(code)
            and code not in kinds
            and not self.photos.fullmatch(code)
            and not code.endswith("_unit")
        }
        return (OwnColumns(columns, ","),)

    def category(self, cell: str) -> Sequence[str]:
        return [cell.split(",")[0]]

    def category_cell(self, source: ShopTableReader, path: Sequence[str], id_: str | None) -> str | None:
        return id_ if id_ and _CODE.fullmatch(id_) else None
