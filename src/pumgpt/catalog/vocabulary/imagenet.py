"""What the classes of ImageNet-1k are called, and in which category shops sell such things.

A backbone that was trained on ImageNet tells a desk from a guitar without one product photo. `maps/imagenet_classes.tsv` says
what that is worth to a shop: for each class the category of Shopify's and of Google's taxonomy that is true of everything in
it, or why it has none.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Literal, NamedTuple, get_args

from pumgpt.catalog.vocabulary.crosswalk import Counterpart, Crosswalk
from pumgpt.catalog.vocabulary.matching.categories import MatchKind, match_categories
from pumgpt.catalog.vocabulary.taxonomy import CategoryPath, Taxonomy, split_path

NUM_CLASSES = 1000
NoCategory = Literal[
    "animal", "person", "landscape", "nature", "building", "machine", "vehicle", "arms", "ambiguous", "other"
]
"""Why a class has no category: it is no product, or (`ambiguous`) its products have no category in common."""
REASONS: tuple[str, ...] = get_args(NoCategory)

_FILE = files("pumgpt.catalog.vocabulary") / "maps" / "imagenet_classes.tsv"
_LEAST_SHARE = 0.5
"""A taxonomy that holds so many of the classes' categories is Shopify's or Google's, or is called alike."""
_CALLED_ALIKE: tuple[MatchKind, ...] = ("path", "name", "synonym", "release")


class ImageNetClass(NamedTuple):
    """One class. Either it has categories, or `reason` says why not."""

    name: str
    shopify: CategoryPath | None
    id: str | None
    """That of Shopify's category, as all releases write its end: 'fr-18-3'."""
    google: CategoryPath | None
    reason: str | None


@cache
def imagenet_classes() -> tuple[ImageNetClass, ...]:
    """All classes, in the order of the data set."""
    lines = (line for line in _FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return tuple(
        ImageNetClass(
            row["name"],
            split_path(row["shopify"]) if row["shopify"] else None,
            row["id"] or None,
            split_path(row["google"]) if row["google"] else None,
            row["none"] or None,
        )
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    )


@cache
def further_categories() -> Taxonomy:
    """What a model can tell by the classes alone: Shopify's categories of them, and what lies above these."""
    paths = {known.shopify for known in imagenet_classes() if known.shopify is not None}
    return Taxonomy.of(sorted({path[:depth] for path in paths for depth in range(1, len(path) + 1)}))


def place_classes(taxonomy: Taxonomy) -> tuple[CategoryPath | None, ...]:
    """For each class the category of a shop's that its things belong in; None where there is none, or it can't be told.

    Shopify's and Google's are known by their paths and ids, any other by what its categories are called.
    """
    placed = _placed_by_map(taxonomy) or {name: path for name, path, _ in _placed_by_name(taxonomy)}
    return tuple(placed.get(known.name) for known in imagenet_classes())


def classes_called_alike(taxonomy: Taxonomy) -> tuple[CategoryPath | None, ...]:
    """For each class the category that has its name or another word for it; what is merely broader doesn't count."""
    placed = {name: path for name, path, kind in _placed_by_name(taxonomy) if kind in _CALLED_ALIKE}
    return tuple(placed.get(known.name) for known in imagenet_classes())


def lead_classes_to(taxonomy: Taxonomy) -> Crosswalk:
    """From `further_categories` to a shop's: what all classes of a category have in common there."""
    targets: dict[CategoryPath, list[CategoryPath | None]] = {path: [] for path in further_categories().paths}
    for known, target in zip(imagenet_classes(), place_classes(taxonomy), strict=True):
        if known.shopify is not None:
            targets[known.shopify].append(target)
    ids = {known.shopify: known.id for known in imagenet_classes()}
    rows = {
        path: (Counterpart(_in_common(found, taxonomy), ids.get(path)),) for path, found in targets.items() if found
    }
    return Crosswalk("classes of ImageNet", rows)


def _placed_by_map(taxonomy: Taxonomy) -> Mapping[str, CategoryPath] | None:
    """By the reviewed categories; None where the taxonomy is neither Shopify's nor Google's."""
    best: dict[str, CategoryPath] = {}
    for walk in _reviewed_maps():
        found = walk.into(taxonomy).counterparts.items()
        placed = {source[0]: row.path for source, (row,) in found if row.path is not None}
        best = max(best, placed, key=len)
    return best if len(best) >= _LEAST_SHARE * len(_reviewed_maps()[0].counterparts) else None


def _placed_by_name(taxonomy: Taxonomy) -> Iterator[tuple[str, CategoryPath, MatchKind]]:
    to_shopify, _ = _reviewed_maps()
    for match in match_categories(Taxonomy.of(to_shopify.counterparts), taxonomy, [to_shopify]).matches:
        # A condition, such as whom a product is for, isn't known of a class.
        if match.target is not None and match.when is None:
            yield match.source[0], match.target, match.kind


@cache
def _reviewed_maps() -> tuple[Crosswalk, Crosswalk]:
    """From the names of the classes that have categories to Shopify's, and to Google's."""
    mapped = [known for known in imagenet_classes() if known.reason is None]
    return (
        Crosswalk("Shopify", {(known.name,): (Counterpart(known.shopify, known.id),) for known in mapped}),
        Crosswalk("Google", {(known.name,): (Counterpart(known.google),) for known in mapped}),
    )


def _in_common(paths: Iterable[CategoryPath | None], taxonomy: Taxonomy) -> CategoryPath | None:
    """The deepest category that all lie in or below; None where one has no place, or they have nothing in common."""
    first, *others = paths
    if first is None or None in others:
        return None
    depth = next(
        (depth for depth in range(len(first), 0, -1) if all(path and path[:depth] == first[:depth] for path in others)),
        0,
    )
    return taxonomy.find_path(first[:depth]) if depth else None
