"""Which values an attribute has in this catalogue: what a photo expert sets a listed value against."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.schema import AttributeSchema
from pumgpt.curation.experts.base import claims_of
from pumgpt.curation.verdict import Claim

MAX_ATTRIBUTES = 256
MAX_COUNTED = 2_000
"""Values counted for each attribute: later new ones are left out, so that memory stays bounded."""
MAX_RIVALS = 30


class Inventory:
    """The commonest values by attribute; those of the schema where it lists them."""

    def __init__(self, schema: AttributeSchema | None = None) -> None:
        self._schema = schema
        self._counts: dict[str, Counter[str]] = {}

    def count(self, catalog: Iterable[Product]) -> None:
        for product in catalog:
            for claim in claims_of(product):
                self._add(claim)

    def _add(self, claim: Claim) -> None:
        name = claim.name.casefold()
        if name not in self._counts and len(self._counts) >= MAX_ATTRIBUTES:
            return
        counts = self._counts.setdefault(name, Counter())
        if claim.value in counts or len(counts) < MAX_COUNTED:
            counts[claim.value] += 1

    def rivals(self, claim: Claim) -> tuple[str, ...]:
        """Other values that the product might have instead, the commonest first."""
        spec = self._schema.get(claim.name) if self._schema else None
        if spec is not None and spec.values is not None:
            known: Iterable[str] = spec.values
        else:
            counts = self._counts.get(claim.name.casefold(), Counter())
            known = sorted(counts, key=lambda value: (-counts[value], value))
        own = claim.value.casefold()
        return tuple(value for value in known if value.casefold() != own)[:MAX_RIVALS]
