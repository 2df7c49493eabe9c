"""The products of a suite, with their true fields and those that have no answer; and the values that answers may have."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pumgpt.bench.suites.labels import Fields, ValueMap, fields_of
from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Choices
from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR
from pumgpt.tasks.evaluation import CATEGORY

Origin = Literal["product", "foreign", "blank"]
"""A product, a picture of no product, or one of nothing at all."""


@dataclass(frozen=True, slots=True)
class Item:
    """One product of a suite."""

    product: Product
    photo_hash: str = ""
    """Of the photos' bytes: products with equal hashes show the same."""
    origin: Origin = "product"
    untold: tuple[str, ...] = ()
    """Attributes that can't be inferred from what is shown."""
    references: tuple[str, ...] = ()
    """Captions that people wrote, where there are any."""
    values: ValueMap = field(default_factory=dict)
    """How the suite writes attributes' values."""

    @property
    def fields(self) -> Fields:
        """What is true: the category's path, and each attribute's values."""
        return fields_of(self.product, self.values)


def hash_photos(photos: Iterable[bytes]) -> str:
    """Sixteen hex digits of the photos' bytes; empty without a photo."""
    contents = list(photos)
    digest = hashlib.sha256()
    for data in contents:
        digest.update(data)
    # Empty, since products without a photo must not count as showing the same one.
    return digest.hexdigest()[:16] if contents else ""


@dataclass(frozen=True)
class Vocabulary:
    """The valid answers of closed questions. An attribute that is not in `attributes` is open."""

    categories: Choices | None = None
    attributes: Mapping[str, Choices] = field(default_factory=dict)

    @classmethod
    def of(cls, stated: Iterable[Mapping[str, tuple[str, ...]]]) -> Vocabulary:
        """All values that products state, in the order of the alphabet."""
        by_field: dict[str, set[str]] = {}
        for fields in stated:
            for name, values in fields.items():
                written = (SEPARATOR.join(values),) if name == CATEGORY else values
                by_field.setdefault(name, set()).update(written)
        # Equal sets of values are one object: backends prepare a `Choices` once and know it by identity.
        shared: dict[tuple[str, ...], Choices] = {}
        # Sorted, since a set's order changes between runs, and the prompt lists options in theirs.
        choices = {name: shared.setdefault(key := tuple(sorted(set_)), Choices(key)) for name, set_ in by_field.items()}
        return cls(choices.pop(CATEGORY, None), choices)


@dataclass(frozen=True)
class FitData:
    """Labelled products that are not asked about, loaded when they are first needed."""

    load: Callable[[], Sequence[Product]]
    """Without photos."""
    thumbnails: Callable[[], NDArray[np.float32]]
    """One row of features for each of them; see `pixels`."""
    photo_hashes: Callable[[], Iterable[str]]
    """Of each of them, as `Item.photo_hash`."""
    values: ValueMap = field(default_factory=dict)

    @cached_property
    def products(self) -> Sequence[Product]:
        return self.load()

    @cached_property
    def fields(self) -> list[Fields]:
        """What is true of each of them."""
        return [fields_of(product, self.values) for product in self.products]

    @cached_property
    def items(self) -> list[Item]:
        """Their labels and what photo they show."""
        pairs = zip(self.products, self.photo_hashes(), strict=True)
        return [Item(product, photo_hash, values=self.values) for product, photo_hash in pairs]


@dataclass(frozen=True)
class SuiteData:
    """A suite's products, and what its files say about valid answers."""

    items: tuple[Item, ...]
    vocabulary: Vocabulary
    fit: FitData | None
    values: ValueMap = field(default_factory=dict)
    set_aside: tuple[str, ...] = ()
    """One line for each row that could not be used."""

    @cached_property
    def data_hash(self) -> str:
        """Sixteen hex digits that change with any product, label or photo."""
        digest = hashlib.sha256()
        for item in self.items:
            # The photos' hash, not their address: a suite moved to another folder is the same data.
            contents = (
                item.product.id,
                item.product.title,
                item.product.description,
                item.fields,
                item.photo_hash,
                item.untold,
                item.references,
            )
            digest.update((json.dumps(contents, ensure_ascii=False) + "\n").encode())
        # Fitted products add valid values, which changes the cases as well.
        for choices in (self.vocabulary.categories, *self.vocabulary.attributes.values()):
            digest.update(repr(choices.values if choices else ()).encode())
        return digest.hexdigest()[:16]
