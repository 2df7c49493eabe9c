"""Fit what the probabilities of ImageNet's classes are worth, and add it to a checkpoint's `calibration.json`.

    python scripts/fit_imagenet_classes.py src/pumgpt/checkpoints/nano --data ../shared/data

The classes of the frozen backbone are held against the categories of validation products, both in Shopify's taxonomy. Many of
these products are of a kind that no class is of (shirts, kurtas, yoghurt), as a shop's are; of drawn pictures that show no
product every answer is wrong. First the temperature is fitted, then the confidence of an answer at each level, from the
deepest up. It takes a checkpoint with a transfer tower.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import torch
from PIL.Image import Image
from torch import Tensor

from pumgpt.backends.calibration import Calibration, by_class_key, fit_calibration
from pumgpt.backends.pumgpt.backend import PumGPTBackend
from pumgpt.backends.pumgpt.general_knowledge import GeneralKnowledge
from pumgpt.bench.suites.labels import find_files
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Choices
from pumgpt.catalog.vocabulary.crosswalk import Crosswalk
from pumgpt.catalog.vocabulary.imagenet import further_categories, imagenet_classes
from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR, CategoryPath
from pumgpt.errors import PumGPTError
from pumgpt.model.card import CALIBRATION_FILE, category_maps, resolve_checkpoint
from pumgpt.samples import draw_foreign, seeds

FILES = ("fashion/validation-*.parquet", "grocery/validation.parquet", "clothing/train.parquet")
TEMPERATURES = tuple(1 + step / 10 for step in range(21))
LEAST_SHARE = 1e-4
"""What a share counts as, at least: one answer of which nobody thought decides nothing."""
BATCH_PHOTOS = 32
PHOTO_PX = 160
"""Side of the drawn pictures."""

PATHS = further_categories().paths
CHOICES = Choices(
    tuple(SEPARATOR.join(path) for path in PATHS),
    None,
    tuple(len(PATHS) if known.shopify is None else PATHS.index(known.shopify) for known in imagenet_classes()),
)
Truth = CategoryPath | None
"""Shopify's category of a product; None of a picture that shows none."""


def main() -> int:
    """Exit code 0, or 1 with one line that says why."""
    parser = argparse.ArgumentParser(description="Add the calibration of answers by ImageNet's classes.")
    parser.add_argument("model", help="the checkpoint's folder")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the development data")
    parser.add_argument("--limit", type=int, default=600, help="products of each data set, and drawn pictures")
    options = parser.parse_args()
    try:
        folder = resolve_checkpoint(options.model)
        calibration = Calibration.load(folder / CALIBRATION_FILE)
        backend = PumGPTBackend.load(folder)
        walk = Crosswalk.load(category_maps(folder)[0])
        logits_PK, truths = read_classes(backend, labelled_photos(options.data, walk, options.limit))
        temperature = fit_temperature(logits_PK, truths)
        levels = [
            level for row in zip(shares_of(logits_PK, temperature), truths, strict=True) for level in judged(*row)
        ]
        right = [is_right for _, is_right in levels]
        fitted = fit_calibration([share for share, _ in levels], right)
        fields = {**calibration.fields, by_class_key("category"): fitted}
        changes = {"fields": fields, "class_temperature": temperature}
        calibration.model_copy(update=changes).save(folder / CALIBRATION_FILE)
    except (PumGPTError, OSError) as error:
        print(f"fit_imagenet_classes: {error}", file=sys.stderr)
        return 1
    print(f"temperature {temperature}, fitted on {len(truths)} photos")
    print(
        f"{fitted.count} levels, {sum(right) / fitted.count:.3f} right, at 0.9 filled from {fitted.threshold(0.9):.3f} on"
    )
    return 0


def labelled_photos(data: Path, walk: Crosswalk, limit: int) -> Iterator[tuple[Image, Truth]]:
    """Photos of products whose category leads to one of Shopify's, then drawn pictures of no product."""
    for pattern in FILES:
        rows = (row for file in find_files(data, pattern) for row in read_catalog(file))
        products = (row for row in rows if isinstance(row, Product) and row.images and row.category)
        mapped = ((row, walk.find(row.category or (), row.title, row.attributes)) for row in products)
        for product, truth in islice(((row, truth) for row, truth in mapped if truth), limit):
            yield open_photo(product.images[0]), truth
    for seed in seeds.CALIBRATION_FOREIGN[:limit]:
        yield draw_foreign(seed, PHOTO_PX), None


def read_classes(backend: PumGPTBackend, labelled: Iterator[tuple[Image, Truth]]) -> tuple[Tensor, list[Truth]]:
    """The logits of the classes, and what is right."""
    logits: list[Tensor] = []
    truths: list[Truth] = []
    while batch := list(islice(labelled, BATCH_PHOTOS)):
        logits.append(backend.class_logits([photo for photo, _ in batch]))
        truths.extend(truth for _, truth in batch)
    return torch.cat(logits), truths


def shares_of(logits_PK: Tensor, temperature: float) -> Tensor:
    """The share of each of `further_categories` and, last, of what has none."""
    knowledge = GeneralKnowledge(temperature)
    return knowledge.shares(knowledge.probabilities(logits_PK), CHOICES)


def fit_temperature(logits_PK: Tensor, truths: Sequence[Truth]) -> float:
    """That under which what is right is likeliest: the category, what lies above it, and what is finer than the label.

    A department alone is right of too many products. Where no class is near the product's kind, nothing can be told.
    """
    told = {known.shopify for known in imagenet_classes() if known.shopify is not None}
    fits = torch.zeros(len(truths), len(PATHS) + 1)
    for row, truth in enumerate(truths):
        near = truth is not None and any(len(path) >= len(truth) - 1 and not differ(path, truth) for path in told)
        right = [truth is not None and len(path) > 1 and not differ(path, truth) for path in PATHS]
        fits[row] = torch.tensor([*right, not near])

    def loss(temperature: float) -> float:
        return float(-(shares_of(logits_PK, temperature) * fits).sum(1).clamp_min(LEAST_SHARE).log().mean())

    return min(TEMPERATURES, key=loss)


def judged(shares_C: Tensor, truth: Truth) -> Iterator[tuple[float, bool]]:
    """The share of the best category at each level below the departments, the deepest first, and whether it is right. One that
    is finer than the label is left out, as nobody knows.
    """
    shares = {PATHS[index]: float(shares_C[index]) for index in shares_C[:-1].nonzero()[:, 0].tolist()}
    for depth in range(max(map(len, shares), default=0), 1, -1):
        level: dict[CategoryPath, float] = {}
        for path, share in shares.items():
            level[path[:depth]] = level.get(path[:depth], 0.0) + share
        best = max(level, key=level.__getitem__)
        if truth is None or len(best) <= len(truth) or differ(best, truth):
            yield level[best], truth is not None and best == truth[: len(best)]


def differ(one: CategoryPath, other: CategoryPath) -> bool:
    """Whether neither of two categories lies above the other."""
    depth = min(len(one), len(other))
    return one[:depth] != other[:depth]


if __name__ == "__main__":
    raise SystemExit(main())
