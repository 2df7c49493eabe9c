"""Pictures of where the model looked: an attention map laid over its photo."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pumgpt.catalog.photos.thumbnails import thumbnail

HEAT_RGB = (214, 69, 28)
PAPER_RGB = (250, 249, 246)


def relative_heat(grid: Sequence[Sequence[float]] | NDArray[np.float32]) -> NDArray[np.float32]:
    """A map (rows, columns) as heat in 0..1: 0 where the model looked no more than everywhere else.

    Measured against the even share of a patch rather than against the map's own least value, so that a map that tells
    nothing shows nothing.
    """
    share = np.asarray(grid, dtype=np.float32)
    excess = share * share.size / max(float(share.sum()), 1e-12) - 1
    heat: NDArray[np.float32] = np.clip(excess / max(float(excess.max()), 1.0), 0, 1).astype(np.float32)
    return heat


def overlay(photo: Image.Image, grid: Sequence[Sequence[float]], side_px: int) -> Image.Image:
    """The photo, faded where the model did not look and glowing where it did."""
    base = np.asarray(thumbnail(photo, side_px), dtype=np.float32)
    height, width = base.shape[:2]
    small = Image.fromarray(relative_heat(grid))
    heat = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float32).clip(0, 1)[..., None]
    grey = base.mean(-1, keepdims=True)
    faded = 0.45 * grey + 0.55 * np.array(PAPER_RGB, dtype=np.float32)
    lit = base + 0.42 * heat * (np.array(HEAT_RGB, dtype=np.float32) - base)
    mixed = faded + np.sqrt(heat) * (lit - faded)
    return Image.fromarray(mixed.clip(0, 255).astype(np.uint8))
