"""Which attributes categories have that no model has learnt, by their names in Shopify's taxonomy (`released_attributes.csv`).

A shop's "Schreibtische" are "Furniture > Desks" there, which have a colour and no gender.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pumgpt.catalog.vocabulary.applicability import Applicability
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute
from pumgpt.catalog.vocabulary.matching.thesaurus import Parts, Thesaurus, thesaurus
from pumgpt.catalog.vocabulary.taxonomy import CategoryPath, split_path

_FILE = files("pumgpt.catalog.vocabulary.matching").joinpath("released_attributes.csv")
_SEPARATOR = "|"


@dataclass(frozen=True)
class ReleasedAttributes:
    """`anywhere` are the attributes that products have whose category isn't known."""

    applicability: Applicability
    anywhere: frozenset[str]
    _paths: Mapping[Parts, tuple[CategoryPath, ...]]
    """What a name says -> the categories that are called so, in any language."""

    def attributes(self, category: CategoryPath) -> frozenset[str] | None:
        """Those of the deepest level that a category of the release is called as; None where none of its levels is."""
        for level in reversed(category):
            named = self._paths.get(thesaurus().read(level).parts)
            if named:
                return self.applicability.attributes_of_any(named)
        return None


@cache
def released_attributes() -> ReleasedAttributes:
    """Those that ship with the package."""
    rows = (line for line in _FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    listed = {
        split_path(row["path"]): frozenset(map(fold_attribute, filter(None, row["attributes"].split(_SEPARATOR))))
        for row in csv.DictReader(rows)
    }
    anywhere = listed.pop(split_path(""), frozenset())
    paths: dict[Parts, dict[CategoryPath, None]] = {}
    for path in listed:
        # 'Baby & Toddler Furniture' says furniture, too, but isn't what a shop means by it.
        if thesaurus().read(path[-1]).people:
            continue
        for parts in _names(path, thesaurus()):
            paths.setdefault(parts, {})[path] = None
    return ReleasedAttributes(Applicability(listed), anywhere, {parts: tuple(found) for parts, found in paths.items()})


def _names(path: CategoryPath, words: Thesaurus) -> Iterator[Parts]:
    own = words.read(path[-1]).parts
    yield from (own, *words.release_names(path), *words.category_names(own))
