"""Which attributes the products of a category have: a shirt has a gender, an apple or a desk has none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from pumgpt.catalog.vocabulary.attribute_names import fold_attribute
from pumgpt.catalog.vocabulary.taxonomy import CategoryPath, split_path


@dataclass(frozen=True)
class Applicability:
    """`by_category` has the folded names of attributes. A category that isn't listed has those of the nearest one above."""

    by_category: Mapping[CategoryPath, frozenset[str]]

    @classmethod
    def of(cls, listed: Mapping[str, Iterable[str]]) -> Self:
        """From 'A > B' -> names of attributes."""
        return cls({split_path(path): frozenset(map(fold_attribute, names)) for path, names in listed.items()})

    def attributes(self, category: CategoryPath) -> frozenset[str] | None:
        """The attributes of a category, None where nothing is known of it."""
        above = (category[:depth] for depth in range(len(category), 0, -1))
        return next((self.by_category[path] for path in above if path in self.by_category), None)

    def attributes_of_any(self, categories: Iterable[CategoryPath]) -> frozenset[str] | None:
        """The attributes that at least one of several categories has, None where nothing is known of any."""
        known = [found for path in categories if (found := self.attributes(path)) is not None]
        return frozenset[str]().union(*known) if known else None
