"""The path that a category's id means: in the taxonomy at hand, else by the names in the maps that a model brings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.crosswalk import Crosswalk, codes_in_all_releases
from pumgpt.catalog.vocabulary.taxonomy import CategoryPath, Taxonomy, code_of


@dataclass(frozen=True)
class CategoryIds:
    """Finds the categories of ids, those of earlier and later releases of Shopify's taxonomy too.

    A number is only looked up in `taxonomy`: 212 is one category of Google's and another one of Meta's.
    """

    taxonomy: Taxonomy | None = None
    maps: tuple[Path, ...] = ()
    """Maps to the categories of public taxonomies (`Crosswalk`), which have ids and names."""

    def find(self, id_: str) -> CategoryPath | None:
        """The path of an id, however it is written; None where nobody knows it."""
        found = self.taxonomy.find_id(id_) if self.taxonomy is not None else None
        if found is not None or id_.isdecimal():
            return found
        for code in codes_in_all_releases(code_of(id_)):
            found = self.taxonomy.find_id(code) if self.taxonomy is not None else None
            if found is None:
                found = self._names.get(code)
            if found is not None:
                return found
        return None

    def find_word(self, text: str) -> CategoryPath | None:
        """The path of a text that is an id in `taxonomy`, and not the name of a category there."""
        if self.taxonomy is None or self.taxonomy.find_path((text,)) is not None:
            return None
        return self.taxonomy.find_id(text)

    def resolved(self, product: Product) -> Product | None:
        """The product with the path that the id of its category means; None where it has an id alone, which nobody knows."""
        if product.category is None:
            return product
        if product.category_id is None:
            # An id of the shop's own taxonomy looks like any word.
            path = self.find_word(product.category[0]) if len(product.category) == 1 else None
            return product if path is None else replace(product, category=path, category_id=product.category[0])
        path = self.find(product.category_id)
        if path is None:
            return None if len(product.category) == 1 else product
        return replace(product, category=path)

    @cached_property
    def _names(self) -> dict[str, CategoryPath]:
        targets = (
            row for walk in map(Crosswalk.load, self.maps) for rows in walk.counterparts.values() for row in rows
        )
        return {code_of(row.id): row.path for row in targets if row.id and row.path}
