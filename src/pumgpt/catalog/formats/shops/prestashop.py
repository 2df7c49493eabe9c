"""PrestaShop's product CSV, in the columns of its import (semicolons between cells, commas between several values).

Categories (x,y,z...)               'A/B/C'
Feature(Name:Value:Position)        'Material:Cotton:1' behind the product's other features; made where the table lacks it
Manufacturer                        the brand
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pumgpt.catalog.formats.folded import FoldedRows
from pumgpt.catalog.formats.shops.attribute_cells import AttributeCells, OwnColumns, Row, SingleCell
from pumgpt.catalog.formats.shops.table import ShopTable, ShopTableReader, deepest_path
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute

_ROOTS = frozenset(("Home", "Root", "Accueil", "Startseite", "Inicio", "Início", "Strona główna"))
"""What PrestaShop calls the category that all others are below, in the languages that shops are set up in."""
_FEATURES = "Feature(Name:Value:Position)"


class PrestaShopFormat(ShopTable):
    name = "PrestaShop's product CSV"
    named: ClassVar = {
        "id": ("product id", "id", "reference #", "reference", "ean13"),
        "title": ("name *", "name"),
        "description": ("description", "summary", "short description"),
        "category": ("categories (x,y,z...)", "categories"),
    }
    photos = re.compile(r"image urls? ?\(x,y,z\.\.\.\)")

    keeps_root = True

    def claims(self, names: Collection[str]) -> bool:
        several = {"categories (x,y,z...)", "image urls (x,y,z...)", "tags (x,y,z...)"}
        ids, titles = {*self.named["id"]}, {*self.named["title"]}
        return bool(several & {*names} and ids & {*names} and titles & {*names})

    def attribute_cells(self, source: ShopTableReader) -> Sequence[AttributeCells]:
        brand = {"brand": source.named["manufacturer"]} if "manufacturer" in source.named else {}
        own = (column for name, column in source.named.items() if re.match(r"features? ?\(name:value", name))
        return OwnColumns(brand), _Features(next(own, _FEATURES))

    def category(self, cell: str) -> Sequence[str]:
        # Of categories that are equally deep the first is the product's main one.
        paths = (path.split("/") for path in cell.split(","))
        return deepest_path(path[1:] if path[0].strip() in _ROOTS else path for path in paths)

    def category_cell(self, source: ShopTableReader, path: Sequence[str], id_: str | None) -> str | None:
        return None if any(sign in level for level in path for sign in ",/") else "/".join(path)


@dataclass(frozen=True)
class _Features(SingleCell):
    """'Name:Value:Position:Customized', several between commas. A feature with several values is written several times."""

    def read(self, rows: FoldedRows) -> Iterator[tuple[str, list[str]]]:
        for feature in rows.get(self.column, "").split(","):
            name, value = (*feature.split(":"), "", "")[:2]
            yield name, [value]

    def put(self, row: Row, name: str, values: Sequence[str], spelling: str | None = None) -> bool:
        label = spelling or name[:1].upper() + name[1:]
        if any(sign in text for text in (label, *values) for sign in ",:"):
            return False
        features = [feature for feature in row[self.column].split(",") if feature.strip()]
        others = [feature for feature in features if fold_attribute(feature.split(":")[0]) != name]
        places = range(len(others) + 1, len(others) + 1 + len(values))
        added = (f"{label}:{value}:{place}" for value, place in zip(values, places, strict=True))
        row[self.column] = ",".join([*others, *added])
        return True

    def strike(self, row: Row, failed: Mapping[str, Collection[str]]) -> None:
        features = row.get(self.column, "").split(",")
        kept = [feature for feature in features if not self._is_wrong(feature, failed)]
        if len(kept) < len(features):
            row[self.column] = ",".join(kept)

    def _is_wrong(self, feature: str, failed: Mapping[str, Collection[str]]) -> bool:
        name, value = (*feature.split(":"), "", "")[:2]
        return value.strip() in failed.get(fold_attribute(name), ())
