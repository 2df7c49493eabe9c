"""Which listings are of one product: what a model learned from one of them, it knows of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from PIL.Image import Image

from pumgpt.catalog.duplicates import DuplicateFinder
from pumgpt.catalog.groups import DisjointSets
from pumgpt.catalog.product import Product

GROUP_COLUMNS = ("item_group_id", "group_id", "parent_id")
"""Columns that say which listings are variants of one product."""


class ProductGroups:
    """Add every product, then `close`: copies, listings with nearly the same photo or title, and variants are one group."""

    def __init__(self) -> None:
        self._finder = DuplicateFinder()
        self._stated: dict[str, list[str]] = {}

    def add(self, product: Product, photos: Iterable[Image]) -> None:
        """`photos` are the product's own, opened. The product's id is a name of its own."""
        self._finder.add(product, photos)
        for column in GROUP_COLUMNS:
            if stated := str(product.extra.get(column) or ""):
                self._stated.setdefault(stated, []).append(product.id)

    def close(self) -> dict[str, str]:
        """Id -> the name of its group, for the products that are in one. What hangs together is joined, by whatever kind of
        likeness.
        """
        alike = DisjointSets[str]()
        for group in [*(group.ids for group in self._finder.groups()), *self._stated.values()]:
            for key in group[1:]:
                alike.join(group[0], key)
        # It holds a hash of every photo, which nobody needs from here on.
        del self._finder
        return {key: alike.find(key) for key in alike}


def assign_folds(groups: Sequence[str], folds: int) -> list[int]:
    """A fold for each product, by the name of its group: groups stay whole, folds are of about one size."""
    sizes = [0] * folds
    fold_of: dict[str, int] = {}
    # The largest first: a small one can still even out what they leave.
    for group, count in Counter(groups).most_common():
        fold_of[group] = sizes.index(min(sizes))
        sizes[fold_of[group]] += count
    return [fold_of[group] for group in groups]
