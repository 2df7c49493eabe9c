"""Occlusion maps as pictures to lay over their photo."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

HEAT_RGB = (229, 72, 24)
VEIL_RGB = (250, 249, 246)
VEIL_ALPHA, HEAT_ALPHA = 0.68, 0.34
FULL_HEAT = 0.4
"""The drop of an answer's share that glows fully. A map whose drops are smaller glows less, so that weak evidence looks weak."""


def relative_heat(grid: Sequence[Sequence[float]] | NDArray[np.float32]) -> NDArray[np.float32]:
    """A map of drops (rows, columns) as heat in 0..1."""
    drops = np.asarray(grid, dtype=np.float32).clip(0)
    heat: NDArray[np.float32] = (drops / max(float(drops.max()), FULL_HEAT)).astype(np.float32)
    return heat


def heat_layer(grid: Sequence[Sequence[float]] | NDArray[np.float32]) -> Image.Image:
    """A pixel for each cell: a pale veil where covering the photo changes nothing, a clear view and a glow where it does.

    The browser enlarges it over the photo, which a page then holds once for all of its maps.
    """
    heat = np.sqrt(relative_heat(grid))[..., None]
    colour = (1 - heat) * np.array(VEIL_RGB) + heat * np.array(HEAT_RGB)
    alpha = 255 * ((1 - heat) * VEIL_ALPHA + heat * HEAT_ALPHA)
    return Image.fromarray(np.concatenate([colour, alpha], -1).round().astype(np.uint8), "RGBA")


def heat_uri(grid: Sequence[Sequence[float]] | NDArray[np.float32]) -> str:
    """The layer as PNG inside a URI."""
    buffer = io.BytesIO()
    heat_layer(grid).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
