"""The colour names of the training data, each with the range of paints that we call so."""

from __future__ import annotations

import colorsys

import numpy as np

RGB = tuple[float, float, float]

COLOURS: dict[str, tuple[str, ...]] = {
    "Black": ("#121214", "#1f1f22", "#191717"),
    "White": ("#f4f4f2", "#fbfbfb", "#efeff1"),
    "Grey": ("#8a8b8e", "#a2a3a5", "#76777b"),
    "Charcoal": ("#3b3d42", "#474a4f"),
    "Blue": ("#2a5fb8", "#3d7ccc", "#5b95d6", "#2450a0"),
    "Navy Blue": ("#16213f", "#1d2a52", "#1a2547"),
    "Red": ("#c4161f", "#d8262c", "#b3121d"),
    "Maroon": ("#5e1320", "#6d1a28", "#541019"),
    "Green": ("#2c8a45", "#3fa34f", "#1f6f3a", "#62a845"),
    "Olive": ("#5b5a2e", "#6a6838"),
    "Brown": ("#5a3a24", "#6f4a2e", "#4a2f1f", "#7b5535"),
    "Tan": ("#b5844f", "#c2915c"),
    "Beige": ("#d9c7a6", "#e2d3b7", "#cfbb98"),
    "Cream": ("#f3e9cf", "#f6eeda"),
    "Pink": ("#e87ba0", "#f09bb7", "#dc5c8c", "#f4b3c6"),
    "Magenta": ("#b5157a", "#c4228a"),
    "Purple": ("#6a3a92", "#7d4aa6", "#593082"),
    "Lavender": ("#b7a3d8", "#c4b3e0"),
    "Yellow": ("#f2c81e", "#f7d63c", "#eabf12"),
    "Mustard": ("#c9951f", "#d19f2e"),
    "Orange": ("#e8751a", "#f0862b", "#dd6512"),
    "Peach": ("#f5b493", "#f7c3a8"),
    "Teal": ("#13707a", "#1a7f86"),
    "Turquoise Blue": ("#2bb5c0", "#3fc4cc"),
    "Silver": ("#c3c6ca", "#d2d4d8"),
    "Gold": ("#d0a24a", "#dcb35c"),
}
"""Name as the data writes it -> paints; a drawn one lies between two of them."""

EVERYDAY = (
    "Black",
    "White",
    "Blue",
    "Navy Blue",
    "Red",
    "Green",
    "Grey",
    "Pink",
    "Purple",
    "Yellow",
    "Orange",
    "Maroon",
)
"""What garments mostly are."""

LEATHER = ("Black", "Brown", "Tan", "Maroon", "Red", "Beige", "Navy Blue", "White", "Grey")


def rgb(code: str) -> RGB:
    """`#rrggbb` as three shares of one."""
    return (int(code[1:3], 16) / 255, int(code[3:5], 16) / 255, int(code[5:7], 16) / 255)


def paint_of(name: str, rng: np.random.Generator) -> RGB:
    """A paint that a person would call `name`."""
    paints = COLOURS[name]
    # Between two examples of the name, and a little off: a label must hold for a range, not for a list.
    first, second = (np.array(rgb(paints[rng.integers(len(paints))])) for _ in range(2))
    return shift(mix(tuple(first), tuple(second), rng.uniform()), float(rng.normal(0, 0.008)))


def mix(first: RGB, second: RGB, share: float) -> RGB:
    """`share` of `second` in `first`."""
    return tuple(float(a + (b - a) * share) for a, b in zip(first, second, strict=True))  # type: ignore[return-value]


def shift(paint: RGB, amount: float) -> RGB:
    """Lighter (positive) or darker by `amount` of full white."""
    return tuple(float(min(max(part + amount, 0.0), 1.0)) for part in paint)  # type: ignore[return-value]


def luma(paint: RGB) -> float:
    return 0.3 * paint[0] + 0.59 * paint[1] + 0.11 * paint[2]


def contrast(paint: RGB, rng: np.random.Generator) -> RGB:
    """A second paint that can be seen beside `paint`: mostly white, black or a muted relative."""
    # By brightness: hue alone can't be told apart on small photos.
    if rng.uniform() < 0.65:
        return (
            (0.95, 0.95, 0.94)
            if luma(paint) < 0.6
            else rgb(str(rng.choice(["#22252c", "#2c3a60", "#6b7078", "#7a2430"])))
        )
    hue, saturation, value = colorsys.rgb_to_hsv(*paint)
    value = value * 0.5 if value > 0.55 else value * 0.5 + 0.5
    return colorsys.hsv_to_rgb((hue + rng.uniform(-0.08, 0.08)) % 1.0, saturation * 0.8, value)
