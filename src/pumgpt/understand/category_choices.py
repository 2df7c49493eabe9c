"""Which categories a model is asked for: those of its own, and those that it can tell by the classes of ImageNet."""

from __future__ import annotations

from collections.abc import Sequence

from pumgpt.backends.protocol import Capabilities
from pumgpt.catalog.question import Choices
from pumgpt.catalog.vocabulary.crosswalk import Crosswalk
from pumgpt.catalog.vocabulary.imagenet import (
    classes_called_alike,
    further_categories,
    imagenet_classes,
    place_classes,
)
from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR, CategoryPath, Taxonomy

_LEAST_SHARE = 0.5


def category_choices(asked: Taxonomy, own: Capabilities) -> Choices:
    """The choices of the question for the category."""
    if not own.knows_imagenet:
        return Choices(_written(asked.paths))
    if asked is not own.taxonomy or not adds_categories(own):
        return _with_places(asked.paths, None, place_classes(asked))
    listed = set(asked.paths)
    further = [path for path in further_categories().paths if path not in listed]
    # What the model has a category of its own for isn't to go by two names.
    places = [
        path or known.shopify for known, path in zip(imagenet_classes(), classes_called_alike(asked), strict=True)
    ]
    return _with_places([*asked.paths, *further], len(asked.paths), places)


def adds_categories(own: Capabilities) -> bool:
    """Whether the classes add to a model's categories. They don't to those of a shop, which has no others."""
    if own.taxonomy is None or not own.knows_imagenet:
        return False
    # A model that was trained on a shop's products may still bring the maps of the one that it began as.
    return any(Crosswalk.load(file).covers(own.taxonomy) >= _LEAST_SHARE for file in own.category_maps)


def _with_places(
    paths: Sequence[CategoryPath], num_learned: int | None, places: Sequence[CategoryPath | None]
) -> Choices:
    index = {path: number for number, path in enumerate(paths)}
    found = tuple(len(paths) if path is None else index[path] for path in places)
    return Choices(_written(paths), num_learned, found)


def _written(paths: Sequence[CategoryPath]) -> tuple[str, ...]:
    return tuple(SEPARATOR.join(path) for path in paths)
