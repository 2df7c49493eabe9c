"""Fit which kinds of products a checkpoint knows, and write its `kinds/kinds.safetensors`.

    python scripts/fit_kinds.py runs/nano/43-queries --data ../shared/data --cache runs/kinds.pt

Reference points come from training photos, a few of each category. Which distance tells unknown kinds best, and from which on a
kind counts as unknown, is decided by kinds that are left out of the reference points, one after the other, and by drawn pictures
of no product. Nothing is fitted on the evaluation sets: `--look FILES` only prints what becomes of some.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import torch
from PIL.Image import Image
from torch import Tensor

from pumgpt.backends.pumgpt.backend import PumGPTBackend
from pumgpt.backends.pumgpt.kinds import FeatureSpace, KnownKinds, condense
from pumgpt.bench.suites.labels import find_files
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.crosswalk import Crosswalk
from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR, CategoryPath
from pumgpt.errors import PumGPTError
from pumgpt.samples import draw_foreign, seeds

TRAINING = ("fashion/train-*.parquet", "grocery/train.parquet", "clothing/train.parquet")
VALIDATION = ("fashion/validation-*.parquet", "grocery/validation.parquet")
FOREIGN = "drawn pictures of no product"
PHOTOS_AT_ONCE = 32
COMPONENTS = 128
KEPT_FOR_CHOICE = 0.95
"""Candidates are compared by the unknown that they take for known where this share of the known is kept."""
LEAST_PHOTOS = 5
"""Of a kind that is left out: a share of fewer tells nothing."""
GROUP_DEPTH = 2
"""Kinds are left out by the upper levels of the public taxonomy that the checkpoint's first map leads to."""
WIDTH_SHARE = 0.1
"""Of the distance between the radius and the median of the known: so fast does `known` fall around the radius."""


@dataclass(frozen=True)
class Photos:
    """Features (N, T) of photos, and for each its category."""

    features_NT: Tensor
    categories: list[str]

    def part(self, keep: Callable[[str], bool]) -> Photos:
        rows = [row for row, category in enumerate(self.categories) if keep(category)]
        return Photos(self.features_NT[rows], [self.categories[row] for row in rows])

    @property
    def codes(self) -> Tensor:
        index = {category: code for code, category in enumerate(dict.fromkeys(self.categories))}
        return torch.tensor([index[category] for category in self.categories])


@dataclass(frozen=True)
class Candidate:
    """A way to measure how far a photo is from what was learnt: which columns are read, whether by cosine or by Mahalanobis'
    distance, and to how many reference points of each category.
    """

    columns: tuple[int, int]
    is_cosine: bool
    per_category: int

    def __str__(self) -> str:
        distance = f"cosine of {COMPONENTS} components" if self.is_cosine else "Mahalanobis"
        return f"columns {self.columns[0]} to {self.columns[1]}, {distance}, {self.per_category} points a category"

    def fit(self, references: Photos) -> KnownKinds:
        features_NV, codes = references.features_NT[:, slice(*self.columns)], references.codes
        space = (
            FeatureSpace.principal(features_NV, COMPONENTS)
            if self.is_cosine
            else FeatureSpace.within_categories(features_NV, codes)
        )
        points_ND = condense(space(features_NV), codes, self.per_category)
        return KnownKinds(replace(space, first_column=self.columns[0]), points_ND, 1.0, 1.0)


def candidates(map_widths: Sequence[int]) -> list[Candidate]:
    """Mahalanobis' distance needs a square of the columns, which only the first, narrow map of a transfer tower has room for."""
    first, whole = (0, map_widths[0]), (0, sum(map_widths))
    spaces = [(first, True), (first, False), *([(whole, True)] if whole != first else [])]
    return [Candidate(columns, is_cosine, count) for columns, is_cosine in spaces for count in (1, 4)]


def main() -> int:
    """Exit code 0, or 1 with one line that says why."""
    parser = argparse.ArgumentParser(description="Fit which kinds of products a checkpoint knows.")
    parser.add_argument("model", type=Path, help="the checkpoint's folder")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the development data")
    parser.add_argument("--per-category", type=int, default=24, help="training photos of each category")
    parser.add_argument("--known", type=int, default=800, help="validation photos")
    parser.add_argument("--foreign", type=int, default=300, help="drawn pictures of no product")
    parser.add_argument("--keep", type=float, default=0.985, help="share of known kinds that count as such")
    parser.add_argument("--cache", type=Path, help="where features are kept for the next run")
    parser.add_argument("--look", nargs="*", default=(), help="files of --data that are only looked at")
    options = parser.parse_args()
    try:
        _fit(options)
    except (PumGPTError, OSError) as error:
        print(f"fit_kinds: {error}", file=sys.stderr)
        return 1
    return 0


def _fit(options: argparse.Namespace) -> None:
    backend = PumGPTBackend.load(options.model)
    sets = _cached_features(options, backend)
    groups = kind_groups(backend, sets["training"].categories + sets["known"].categories)
    errors: dict[Candidate, float] = {}
    transfer, width = backend.model.transfer, sets["training"].features_NT.shape[1]
    for candidate in candidates([width] if transfer is None else transfer.model.channels):
        errors[candidate] = mean_error(candidate, sets, groups)
        print(f"{errors[candidate]:.3f} of the unknown pass: {candidate}", flush=True)
    chosen = min(errors, key=errors.__getitem__)
    kinds = calibrated(chosen.fit(sets["training"]), sets["known"].features_NT, options.keep)
    width_V = backend.photo_features([draw_foreign(0, 64)]).shape[1]
    print(f"chosen: {chosen}, {len(kinds.references_ND)} reference points")
    for name, photos in sets.items():
        known_N = kinds.known(photos.features_NT)
        print(f"{name}: {float((known_N >= 0.5).float().mean()):.3f} of {len(known_N)} count as known")
    # What the transfer tower saw stands behind what the tower of products did.
    space = replace(kinds.space, first_column=kinds.space.first_column + width_V - width)
    replace(kinds, space=space).save(options.model)


def mean_error(candidate: Candidate, sets: dict[str, Photos], groups: dict[str, str]) -> float:
    """The share of unknown photos that pass for known where `KEPT_FOR_CHOICE` of the known do, the mean over kinds left out."""
    found = []
    for left_out in (*sorted(set(groups.values())), FOREIGN):
        references = sets["training"].part(lambda category, own=left_out: groups[category] != own)  # type: ignore[misc]
        known = sets["known"].part(lambda category, own=left_out: groups[category] != own)  # type: ignore[misc]
        unknown = (
            sets[FOREIGN]
            if left_out == FOREIGN
            else sets["known"].part(lambda category, own=left_out: groups[category] == own)  # type: ignore[misc]
        )
        if len(unknown.categories) < LEAST_PHOTOS or not known.categories:
            continue
        kinds = candidate.fit(references)
        limit = kinds.distances(known.features_NT).quantile(KEPT_FOR_CHOICE)
        found.append(float((kinds.distances(unknown.features_NT) <= limit).float().mean()))
    return sum(found) / len(found)


def calibrated(kinds: KnownKinds, known_NT: Tensor, keep: float) -> KnownKinds:
    """With a radius that `keep` of the known lie within."""
    distances_N = kinds.distances(known_NT)
    radius = float(distances_N.quantile(keep))
    return replace(kinds, radius=radius, width=WIDTH_SHARE * (radius - float(distances_N.median())))


def kind_groups(backend: PumGPTBackend, categories: Sequence[str]) -> dict[str, str]:
    """For each category the kind that it is left out with."""
    maps = [Crosswalk.load(path) for path in backend.capabilities.category_maps[-1:]]
    return {category: _group(tuple(category.split(SEPARATOR)), maps) for category in dict.fromkeys(categories)}


def _group(category: CategoryPath, maps: Sequence[Crosswalk]) -> str:
    rows = (row for walk in maps for row in walk.counterparts.get(category, ()) if row.path is not None)
    path = next((row.path for row in rows), None) or category
    return SEPARATOR.join(path[:GROUP_DEPTH])


def _cached_features(options: argparse.Namespace, backend: PumGPTBackend) -> dict[str, Photos]:
    if options.cache and options.cache.is_file():
        stored = torch.load(options.cache, weights_only=True)
        return {name: Photos(*pair) for name, pair in stored.items()}
    sources: dict[str, Iterator[tuple[str, Image]]] = {
        "training": _spread(options.data, TRAINING, options.per_category),
        "known": islice(_shuffled(options.data, VALIDATION), options.known),
        FOREIGN: ((FOREIGN, draw_foreign(seed, 160)) for seed in seeds.CALIBRATION_FOREIGN[: options.foreign]),
        **{name: islice(_shuffled(options.data, (name,)), options.known) for name in options.look},
    }
    sets = {name: _features(backend, photos) for name, photos in sources.items()}
    if options.cache:
        torch.save({name: (photos.features_NT, photos.categories) for name, photos in sets.items()}, options.cache)
    return sets


def _features(backend: PumGPTBackend, photos: Iterator[tuple[str, Image]]) -> Photos:
    """What the transfer tower sees where there is one: a tuned tower has learnt the very kinds that are left out here."""
    features, categories = list[Tensor](), list[str]()
    while batch := list(islice(photos, PHOTOS_AT_ONCE)):
        pictures = [photo for _, photo in batch]
        tower = backend.model.transfer
        with torch.inference_mode():
            pixels = backend.processor.image_processor(pictures, return_tensors="pt")["pixel_values"]
            features.append(backend.photo_features(pictures) if tower is None else tower(pixels).features_BT)
        categories += [category for category, _ in batch]
        print(f"\r{len(categories)} photos", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return Photos(torch.cat(features).cpu(), categories)


def _shuffled(data: Path, patterns: Sequence[str]) -> Iterator[tuple[str, Image]]:
    rows = [row for pattern in patterns for file in find_files(data, pattern) for row in read_catalog(file)]
    products = [row for row in rows if isinstance(row, Product) and row.images]
    random.Random(0).shuffle(products)
    return ((SEPARATOR.join(product.category or ()), open_photo(product.images[0])) for product in products)


def _spread(data: Path, patterns: Sequence[str], per_category: int) -> Iterator[tuple[str, Image]]:
    """At most so many photos of each category."""
    counts: dict[CategoryPath | None, int] = {}
    rows = (row for pattern in patterns for file in find_files(data, pattern) for row in read_catalog(file))
    for product in rows:
        if isinstance(product, Product) and product.category and product.images:
            counts[product.category] = counts.get(product.category, 0) + 1
            if counts[product.category] <= per_category:
                yield SEPARATOR.join(product.category), open_photo(product.images[0])


if __name__ == "__main__":
    sys.exit(main())
