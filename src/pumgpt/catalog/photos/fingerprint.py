"""What two copies of a photo have in common, whatever their size, compression and margin: shapes and colours.

A perceptual hash says where it is light and dark, but not in which colour: a shirt in red and in green have the same one.
So each view of a photo also keeps its colours, and copies have both in common. The views are the whole photo and either
what its margin surrounds or, where nothing does, its middle: the margin or the crop of a copy then shows in one of them only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ImageChops, ImageCms
from PIL.Image import Image, Resampling, frombytes
from PIL.Image import new as new_image

Box = tuple[float, float, float, float]

MAX_DISTANCE = 4
"""Bits of 64 in which the hashes of two copies may differ."""
MAX_COLOUR_DIFFERENCE = 0.2
"""Between the colours of two copies, as a share of the contrast within either: thin things on white differ little."""
LEAST_CONTRAST = 16
"""Between the lightest and the darkest place, in a channel of 0..255. Below it a photo is of one plain colour, and its hash is
the noise of its compression.
"""
_GRID = 8
_SIDE_PX = 32
_COSINES = np.cos(np.pi / _SIDE_PX * np.outer(np.arange(8), np.arange(_SIDE_PX) + 0.5)).astype(np.float32)
_MIDDLE = 0.95
_ALMOST_WHOLE = 0.98
_CORNERS_AGREE = 24
# How much a pixel (its most different channel) counts as none of the margin.
_ABOVE_NOISE = [min(max(difference - 16, 0), 48) for difference in range(256)]
_TAIL = 0.005


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """`hash` is the perceptual hash (64 bits). `colours` are the mean RGB colours of 8 x 8 cells, 3 bytes each."""

    hash: int
    colours: bytes


def fingerprints(photo: Image) -> tuple[Fingerprint, ...]:
    """One for each view of an RGB photo; none for a picture of one plain colour, which says nothing about a product."""
    # Hamming's filter costs half of Lanczos', and shows every edge that is left at this size.
    views = [photo.resize((_SIDE_PX, _SIDE_PX), Resampling.HAMMING, box=box) for box in _views(photo)]
    if all(high - low < LEAST_CONTRAST for view in views for low, high in view.getextrema()):  # type: ignore[misc]
        return ()
    return tuple(Fingerprint(_perceptual_hash(view), view.reduce(_SIDE_PX // _GRID).tobytes()) for view in views)


def colour_difference(one: bytes, other: bytes) -> float:
    """Root mean square distance (CIE Lab) of the colours of two fingerprints, as a share of the contrast within them."""
    mine, theirs = _lab(one), _lab(other)
    contrast = (mine.std(axis=0) + theirs.std(axis=0)) / 2
    return float(np.sqrt(np.square(mine - theirs).sum(axis=1).mean()) / max(np.linalg.norm(contrast), 1e-6))


def _views(photo: Image) -> tuple[Box, Box]:
    width, height = photo.size
    inside = _inside_margin(photo)
    if inside is None or (
        inside[2] - inside[0] > _ALMOST_WHOLE * width and inside[3] - inside[1] > _ALMOST_WHOLE * height
    ):
        x, y = (1 - _MIDDLE) / 2 * width, (1 - _MIDDLE) / 2 * height
        inside = (x, y, width - x, height - y)
    return (0, 0, width, height), inside


def _inside_margin(photo: Image) -> Box | None:
    """The part of the photo that isn't margin, to a fraction of a pixel; None if its corners have several colours."""
    right_px, bottom_px = photo.width - 1, photo.height - 1
    corners = [photo.getpixel(place) for place in ((0, 0), (right_px, 0), (0, bottom_px), (right_px, bottom_px))]
    channels = list(zip(*corners, strict=True))  # type: ignore[arg-type]  # of RGB, pixels are tuples
    if any(max(channel) - min(channel) > _CORNERS_AGREE for channel in channels):
        return None
    margin = tuple(sum(channel) // 4 for channel in channels)
    red, green, blue = ImageChops.difference(photo, new_image("RGB", photo.size, margin)).split()
    difference = np.asarray(ImageChops.lighter(ImageChops.lighter(red, green), blue).point(_ABOVE_NOISE))
    # Where the first and last half per cent of the differences lie, not where the first and last differing pixel does: that
    # one jumps with every compression, and the hash with it.
    left, right = _edges(difference.sum(axis=0, dtype=np.uint32))
    top, bottom = _edges(difference.sum(axis=1, dtype=np.uint32))
    return (left, top, right, bottom) if min(right - left, bottom - top) >= 4 else None


def _edges(sums: NDArray[np.unsignedinteger]) -> tuple[float, float]:
    """Where sums by column, or by row, begin and end."""
    totals = np.cumsum(np.concatenate(([0], sums)))
    shares = np.array([_TAIL, 2 * _TAIL, 1 - 2 * _TAIL, 1 - _TAIL])
    first, second, last_but_one, last = np.interp(shares * totals[-1], totals, np.arange(len(totals)))
    # Beyond the outer quantile lies about as much as between it and the next one.
    return max(0.0, float(2 * first - second)), min(float(len(sums)), float(2 * last - last_but_one))


def _perceptual_hash(view: Image) -> int:
    """The signs of the 64 lowest frequencies around their median (Zauner, 2010, section 3.2.1). Own code, as it is asked twice
    for every photo of a shop, and that of imagehash, to the same bits, takes three times as long.
    """
    grey = np.asarray(view.convert("L"), dtype=np.float32)
    frequencies = (_COSINES @ grey @ _COSINES.T).ravel()
    above = frequencies > np.sort(frequencies)[31:33].mean()
    return int.from_bytes(np.packbits(above).tobytes(), "big")


@lru_cache(maxsize=4096)  # one photo is compared with several, and with each in up to five bands
def _lab(colours: bytes) -> NDArray[np.float32]:
    """(cells, 3): lightness in 0..100, then a and b."""
    cells = ImageCms.applyTransform(frombytes("RGB", (_GRID, _GRID), colours), _to_lab())
    assert cells is not None  # it is None only for changes in place
    lightness, a, b = np.frombuffer(cells.tobytes(), np.uint8).reshape(-1, 3).T
    # PIL stores a and b as signed bytes.
    return np.stack([lightness * np.float32(100 / 255), a.view(np.int8), b.view(np.int8)], axis=1, dtype=np.float32)


@lru_cache(maxsize=1)
def _to_lab() -> Any:
    return ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
