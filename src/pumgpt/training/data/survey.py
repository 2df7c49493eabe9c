"""What is to be known of a whole catalogue before it becomes training data: groups of listings, categories, values."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from pumgpt.catalog.duplicates import opened_photos
from pumgpt.catalog.photos.decode import Fetch
from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Choices
from pumgpt.catalog.vocabulary.schema import AttributeSchema
from pumgpt.tasks.context import AskedAttribute, TaskContext
from pumgpt.training.data.groups import ProductGroups

MOST_CLOSED = 200
"""Without a schema, an attribute with more values than this is open."""
MOST_COPIES = 4


class Survey:
    """Add every product under a name of its own, then `close`; `group_of` names the group of those that have one."""

    def __init__(self, schema: AttributeSchema | None) -> None:
        self.group_of: dict[str, str] = {}
        self.categories: Counter[tuple[str, ...]] = Counter()
        self._schema = schema
        self._values: dict[str, set[str] | None] = {}
        self._groups = ProductGroups()

    def add(self, key: str, product: Product, fetch: Fetch | None) -> None:
        self._groups.add(replace(product, id=key), opened_photos(product, fetch))
        if product.category:
            self.categories[product.category] += 1
        for name, value in (product.attributes or {}).items():
            known = self._values.setdefault(name, set())
            # None: found to be open, and no longer worth its memory.
            if known is not None and isinstance(value, str):
                known.add(value)
                if len(known) > MOST_CLOSED:
                    self._values[name] = None

    def close(self) -> None:
        """Find the groups; the second pass needs these alone."""
        self.group_of = self._groups.close()

    @property
    def context(self) -> TaskContext:
        if self._schema is not None:
            attributes = [
                AskedAttribute(spec.name, Choices(spec.values) if spec.values else None, spec.question)
                for spec in self._schema.attributes
            ]
        else:
            attributes = [
                AskedAttribute(name, Choices(tuple(sorted(values))) if values else None)
                for name, values in self._values.items()
            ]
        paths = tuple(sorted(" > ".join(path) for path in self.categories))
        return TaskContext(Choices(paths) if paths else None, tuple(attributes))

    def copies(self, category: tuple[str, ...] | None, evenness: float) -> float:
        """How often a product of this category should come, on average over all products once."""
        if not category:
            return 1.0
        mean = sum(self.categories.values()) / len(self.categories)
        return min((mean / self.categories[category]) ** evenness, float(MOST_COPIES))
