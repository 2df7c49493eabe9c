"""The values that each attribute has in this catalogue: what a photo expert compares a listed value with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.schema import AttributeSchema
from pumgpt.curation.experts.base import claims_of
from pumgpt.curation.verdict import Claim

MAX_ATTRIBUTES = 256
MAX_COUNTED = 2_000
"""Values counted for each attribute; later ones are left out, which bounds memory."""
MAX_ALTERNATIVES = 30


class Inventory:
    """The most frequent values by attribute, or those that the schema lists."""

    def __init__(self, schema: AttributeSchema | None = None) -> None:
        self._schema = schema
        self._counts: dict[str, Counter[str]] = {}

    def count(self, catalog: Iterable[Product]) -> None:
        for product in catalog:
            for claim in claims_of(product):
                name = claim.name.casefold()
                if name not in self._counts and len(self._counts) >= MAX_ATTRIBUTES:
                    continue
                counts = self._counts.setdefault(name, Counter())
                if claim.value in counts or len(counts) < MAX_COUNTED:
                    counts[claim.value] += 1

    def alternatives(self, claim: Claim) -> tuple[str, ...]:
        """Other values that the product might have instead, the most frequent first."""
        spec = self._schema.get(claim.name) if self._schema else None
        if spec is not None and spec.values is not None:
            known: Iterable[str] = spec.values
        else:
            counts = self._counts.get(claim.name.casefold(), Counter())
            known = sorted(counts, key=lambda value: (-counts[value], value))
        own = claim.value.casefold()
        return tuple(value for value in known if value.casefold() != own)[:MAX_ALTERNATIVES]
