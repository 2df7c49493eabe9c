"""What a drawing function is given and what it says about its drawing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pumgpt.samples.canvas import Canvas, FloatArray
from pumgpt.samples.colour import RGB


@dataclass(frozen=True, slots=True)
class Look:
    """What can be seen, in the words of titles and captions."""

    style: str = ""
    """Before the noun: "striped polo", "ankle"; may be empty."""
    details: str = ""
    """After the noun: "with a round neck and short sleeves"; may be empty."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of product that we can draw."""

    category: tuple[str, ...]
    """A path of the training data, as it is spelled there."""
    noun: str
    draw: Callable[[Canvas, RGB], Look]
    """Draws a product whose main paint is given."""
    colours: tuple[str, ...] = ()
    """Names out of `COLOURS`; none where the data knows no colour (groceries)."""
    gender: str | None = None
    """Only where the kind implies it in the data."""
    usage: str | None = None
    square: bool = False
    """A square photo; else three to four."""
    plural: bool = False
    """A pair or a heap: no article before it."""

    @property
    def said(self) -> str:
        """The noun inside a sentence."""
        return self.noun if self.noun.startswith("T-") else self.noun[:1].lower() + self.noun[1:]


def backdrop(canvas: Canvas) -> None:
    """What a studio looks like before the product comes: mostly white paper, sometimes tinted, with light from above."""
    rng = canvas.rng
    draw = rng.uniform()
    # Two in three on pure white, as marketplaces ask for.
    tone = np.array([1.0, 1.0, 1.0]) if draw < 0.65 else rng.uniform(0.86, 0.96) + rng.uniform(-0.02, 0.02, 3)
    fall = 0.0 if draw < 0.4 else rng.uniform(0.02, 0.09)
    down = np.linspace(0, 1, canvas.height, dtype=np.float32)[:, None]
    across = np.linspace(-1, 1, canvas.width, dtype=np.float32)[None, :]
    light = 1 - fall * (down**2 + 0.5 * across**2)
    canvas.pixels[:] = np.clip(light[..., None] * tone.astype(np.float32), 0, 1)


def cast(canvas: Canvas, mask: FloatArray) -> None:
    """The shadow of something that lies on, or hangs before, the paper."""
    rng = canvas.rng
    canvas.shadow(mask, 0.012, 0.018, 0.022, rng.uniform(0.16, 0.3))
    canvas.shadow(mask, 0.0, 0.006, 0.006, 0.18)


def stand(canvas: Canvas, x: float, y: float, width: float) -> None:
    """The shadow at the foot of something that stands on the paper: dark and narrow at the contact, wide around it."""
    for spread, depth, softness, alpha in ((1.12, 0.1, 0.035, 0.28), (0.96, 0.035, 0.012, 0.4)):
        spot = canvas.mask([(x + a * width * spread / 2, y + b * width * depth) for a, b in _RING])
        canvas.shadow(spot, 0, 0, softness * max(width, 0.2), alpha)


_RING = [(float(np.cos(a)), float(np.sin(a))) for a in np.linspace(0, 2 * np.pi, 16, endpoint=False)]


def article(word: str) -> str:
    return "an" if word[:1].lower() in "aeiou" else "a"
