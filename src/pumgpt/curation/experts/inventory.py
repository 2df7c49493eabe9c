"""The values of each attribute, and the categories, in this catalogue: what an expert compares a listed one with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.schema import AttributeSchema
from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR
from pumgpt.curation.experts.base import claims_of
from pumgpt.curation.verdict import Claim

MAX_ATTRIBUTES = 256
MAX_COUNTED = 2_000
"""Values counted for each attribute; later ones are left out, which bounds memory."""
MAX_ALTERNATIVES = 30
MAX_CATEGORIES = 200
"""Of these a shop has more than values of an attribute, and they differ less."""


class Inventory:
    """The most frequent values by attribute, or those that the schema lists."""

    def __init__(self, schema: AttributeSchema | None = None) -> None:
        self._schema = schema
        self._counts: dict[tuple[bool, str], Counter[str]] = {}
        self._paths: dict[str, tuple[str, ...]] = {}

    def count(self, catalog: Iterable[Product]) -> None:
        for product in catalog:
            for claim in claims_of(product):
                if claim.kind not in self._counts and len(self._counts) >= MAX_ATTRIBUTES:
                    continue
                counts = self._counts.setdefault(claim.kind, Counter())
                if claim.value in counts or len(counts) < MAX_COUNTED:
                    counts[claim.value] += 1
                    if claim.path is not None:
                        self._paths[claim.value] = claim.path

    def alternatives(self, claim: Claim) -> tuple[str, ...]:
        """Other values that the product might have instead, the most frequent first."""
        if claim.path is not None:
            return tuple(SEPARATOR.join(path) for path in self.other_paths(claim.path))
        spec = self._schema.get(claim.name) if self._schema else None
        if spec is not None and spec.values is not None:
            known: Iterable[str] = spec.values
        else:
            counts = self._counts.get(claim.kind, Counter())
            known = sorted(counts, key=lambda value: (-counts[value], value))
        own = claim.value.casefold()
        return tuple(value for value in known if value.casefold() != own)[:MAX_ALTERNATIVES]

    def other_paths(self, own: tuple[str, ...]) -> list[tuple[str, ...]]:
        """The categories that this one excludes: none of its levels above, and nothing below it."""
        counts = next((counts for (is_category, _), counts in self._counts.items() if is_category), Counter[str]())
        folded = [level.casefold() for level in own]
        others = []
        for value in sorted(counts, key=lambda value: (-counts[value], value)):
            levels = [level.casefold() for level in self._paths[value]]
            shared = min(len(levels), len(folded))
            if levels[:shared] != folded[:shared]:
                others.append(self._paths[value])
        return others[:MAX_CATEGORIES]
