"""Pictures that show no product: a model must answer "cannot be inferred" to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageFilter

from pumgpt.errors import UsageError
from pumgpt.samples.canvas import Canvas
from pumgpt.samples.foreign.creatures import CREATURES
from pumgpt.samples.foreign.papers import PAPERS
from pumgpt.samples.foreign.scenes import SCENES
from pumgpt.samples.foreign.surfaces import SURFACES

FOREIGN: Mapping[str, Callable[[Canvas], None]] = {**SCENES, **CREATURES, **PAPERS, **SURFACES}
"""Family -> how it is drawn."""

SHAPES = ((1.0, 1.0), (0.75, 1.0), (1.0, 0.75), (1.0, 0.66))
BUSY = {**SCENES, **CREATURES}


def draw_foreign(seed: int, size_px: int = 384, family: str | None = None) -> Image.Image:
    """A picture of no product, the same for the same arguments; `size_px` is its longer side, `family` a key of `FOREIGN`.

    Half of them are scenes and creatures, of which some are cut to a close-up, blurred or badly exposed as snapshots are.
    """
    rng = np.random.default_rng([seed, 2])
    # Everyday scenes are what a shop's wrong photos mostly are; sorted, so that an import order can't change a picture.
    pool = sorted(BUSY if rng.uniform() < 0.55 else FOREIGN)
    name = family if family is not None else str(rng.choice(pool))
    if name not in FOREIGN:
        raise UsageError(f"family '{name}' can't be drawn; choose one of {', '.join(sorted(FOREIGN))}")
    across, down = SHAPES[rng.integers(len(SHAPES))]
    canvas = Canvas(rng, max(8, round(size_px * across)), max(8, round(size_px * down)))
    FOREIGN[name](canvas)
    return _snapshot(canvas.finish(float(rng.uniform(0.003, 0.03))), rng, close=name in BUSY)


def _snapshot(photo: Image.Image, rng: np.random.Generator, close: bool) -> Image.Image:
    """What an everyday camera adds: a crop, a turn to the side, a blur, wrong light."""
    width, height = photo.size
    if close and rng.uniform() < 0.35:
        share = rng.uniform(0.3, 0.8)
        x, y = rng.uniform(0, 1 - share, 2) * (width, height)
        photo = photo.crop((int(x), int(y), int(x + share * width), int(y + share * height))).resize(
            (width, height), Image.Resampling.BICUBIC
        )
    if rng.uniform() < 0.3:
        photo = photo.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 0.02 * max(width, height))))
    if rng.uniform() < 0.6:
        # White balance and exposure, each off by as much as a telephone's may be.
        gain, gamma = rng.uniform(0.8, 1.15, 3), rng.uniform(0.7, 1.4)
        shares = (np.asarray(photo, dtype=np.float32) / 255) ** gamma * gain
        photo = Image.fromarray((np.clip(shares, 0, 1) * 255).astype(np.uint8))
    return photo
