"""A shop's products with a photo and a label, as a model sees them.

Shapes: B and N products, V vision width.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import torch
from PIL.Image import Image
from torch import Tensor

from pumgpt.backends.pumgpt.backend import PumGPTBackend
from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute
from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR
from pumgpt.errors import CatalogError
from pumgpt.training.data.groups import ProductGroups
from pumgpt.training.data.labels import CATEGORY
from pumgpt.understand.intake import Intake

PRODUCTS_AT_ONCE = 32

Labels = dict[str, str]
"""Field -> value: the path of the category ('A > B > C'), and each attribute that has one value."""


@dataclass
class LabelledProducts:
    """A shop's products with a photo and a label, as one model sees them."""

    products: list[Product]
    labels: list[Labels]
    features_NV: Tensor
    groups: list[int]
    """The number of the group that each is in: listings of one product share it."""
    skipped: int = 0

    @classmethod
    def look_at(cls, backend: PumGPTBackend, intakes: Iterable[Intake]) -> LabelledProducts:
        """Raises `CatalogError` where no product has a photo and a label."""
        products, features, labels, skipped = list[Product](), list[Tensor](), list[Labels](), 0
        finder = ProductGroups()

        def shown() -> Iterator[tuple[Labels, Sequence[Image]]]:
            nonlocal skipped
            for intake in intakes:
                told = labels_of(intake.product)
                if told and intake.photos:
                    finder.add(replace(intake.product, id=str(len(products))), intake.photos)
                    products.append(intake.product)
                    yield told, intake.photos
                else:
                    skipped += 1

        for features_BV, told_B in look_at(backend, shown()):
            features.append(features_BV)
            labels.extend(told_B)
        if not labels:
            raise CatalogError(f"none of {skipped} products has both a photo and a label, so nothing was remembered")
        group_of = finder.close()
        groups = [int(group_of.get(str(place), place)) for place in range(len(products))]
        return cls(products, worth_asking(labels), torch.cat(features), groups, skipped)


def labels_of(product: Product) -> Labels:
    """What a product states that a closed question could ask for."""
    told = {CATEGORY: SEPARATOR.join(product.category)} if product.category else {}
    named = {fold_attribute(name): value for name, value in (product.attributes or {}).items()}
    return told | {name: value for name, value in named.items() if isinstance(value, str) and name != CATEGORY}


def look_at(
    backend: PumGPTBackend, shown: Iterable[tuple[Labels, Sequence[Image]]]
) -> Iterator[tuple[Tensor, list[Labels]]]:
    """Products with a label and a photo, batch by batch: features (B, V) and labels."""
    rows = ((labels, photos) for labels, photos in shown if labels and photos)
    while batch := list(islice(rows, PRODUCTS_AT_ONCE)):
        yield features_of(backend, [photos for _, photos in batch]), [labels for labels, _ in batch]


def features_of(backend: PumGPTBackend, shown: Sequence[Sequence[Image]]) -> Tensor:
    """The features (B, V) of products, each the mean over its photos."""
    features_PV = backend.photo_features([photo for photos in shown for photo in photos])
    return torch.stack([part_PV.mean(0) for part_PV in features_PV.split([len(photos) for photos in shown])])


def worth_asking(labels: Sequence[Labels]) -> list[Labels]:
    """Labels without those values of attributes that a single product has, and without attributes that have but one value:
    numbers of articles, the shop's own name.
    """
    counts = Counter(item for told in labels for item in told.items())
    several = Counter(name for (name, _), count in counts.items() if count > 1)
    return [
        {
            name: value
            for name, value in told.items()
            if name == CATEGORY or (several[name] > 1 and counts[name, value] > 1)
        }
        for told in labels
    ]


def with_worthy_labels(products: Sequence[Product]) -> list[Product]:
    """The products with those attributes alone that are worth asking about, named as we name them."""
    labels = worth_asking([labels_of(product) for product in products])
    return [
        replace(product, attributes={name: value for name, value in told.items() if name != CATEGORY})
        for product, told in zip(products, labels, strict=True)
    ]


def attributes_of(products: Sequence[Product], stated: Sequence[str] | None) -> list[str]:
    """The `stated` attributes, else all that the products have, as they first come."""
    if stated is not None:
        return [*stated]
    return list(dict.fromkeys(name for product in products for name in product.attributes or {}))
