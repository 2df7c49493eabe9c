"""What a linear model sees of a product: the words of its title, and plain features of its first photo.

Without weights or a download: a small thumbnail, a histogram of colours, and one of edges.

Legend: P features of the photo.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Resampling

from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.words import unescaped, words
from pumgpt.errors import PhotoError

Floats = NDArray[np.float32]

_SIDE = 32
_GRID = 8
_LEVELS = 4
_ANGLES = 6
NUM_PHOTO_FEATURES = 3 * _GRID**2 + _LEVELS**3 + _ANGLES * 16
_DECODED_PX = 64


@dataclass(frozen=True)
class ProductFeatures:
    """`forms` are the title's words; `photo_P` is None if no photo can be opened."""

    forms: frozenset[str]
    photo_P: Floats | None

    @classmethod
    def of(cls, product: Product) -> ProductFeatures:
        return cls(frozenset(word.form for word in words(unescaped(product.title or ""))), photo_features(product))


def photo_features(product: Product) -> Floats | None:
    """Features (P,) of the first photo that can be opened; None if none can."""
    for ref in product.images:
        try:
            photo = open_photo(ref, at_least_px=_DECODED_PX)
        except PhotoError:
            continue
        small = np.array(photo.convert("RGB").resize((_SIDE, _SIDE), Resampling.BOX), dtype=np.float32) / 255
        grid = _cells(small, _GRID).mean(axis=(2, 3)) - np.float32(0.5)
        # Without the margin, which is background in most product photos.
        levels = np.minimum((small[4:-4, 4:-4] * _LEVELS).astype(np.int32), _LEVELS - 1).reshape(-1, 3)
        colours = np.bincount(levels @ (_LEVELS**2, _LEVELS, 1), minlength=_LEVELS**3) / len(levels)
        edges = _edge_histogram(small.mean(axis=2, dtype=np.float32))
        # Square roots keep one dominant bin from drowning the others.
        return np.concatenate([grid.reshape(-1), 2 * np.sqrt(colours), edges]).astype(np.float32)
    return None


def _edge_histogram(grey: Floats) -> Floats:
    """The strength of edges by direction, in each of 4 x 4 cells."""
    down, across = (np.asarray(slope, dtype=np.float32) for slope in np.gradient(grey))
    strength = np.hypot(down, across).astype(np.float32)
    angle = ((np.arctan2(down, across) % np.pi) / np.pi * _ANGLES).astype(np.int32) % _ANGLES
    sums = [
        _cells(np.where(angle == each, strength, 0).astype(np.float32), 4).sum(axis=(2, 3)).reshape(-1)
        for each in range(_ANGLES)
    ]
    found = np.concatenate(sums)
    return np.asarray(np.sqrt(found / (found.sum() + 1e-6)) * 2, dtype=np.float32)


def _cells(pixels: NDArray[np.floating], count: int) -> Floats:
    """Pixels in `count` x `count` cells: (count, count, side, side, ...)."""
    side = _SIDE // count
    return np.swapaxes(pixels.astype(np.float32).reshape(count, side, count, side, *pixels.shape[2:]), 1, 2)
