"""A small studio: outlines become masks, masks are painted with cloth and lit, and the picture is scaled down.

Everything is drawn larger than asked and averaged down, which is what makes edges soft. Coordinates are the product's own:
x from -0.5 to 0.5 across the picture, y downwards with the same unit, (0, 0) in the middle; `pose` turns and moves them.
H x W are the pixels of the large picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pumgpt.samples.colour import RGB

FloatArray = NDArray[Any]
"""Floating-point numbers: fp32 in pixels and masks, fp64 where numpy makes them on the way."""
Point = tuple[float, ...]
Fabric = Callable[[FloatArray, FloatArray], FloatArray]
"""Paints (H, W, 3) for the product's own coordinates x and y, each (H, W)."""

LIGHT = (-0.55, -0.83)
"""Where the light comes from, in picture coordinates: above and a little left, as in most shop photos."""


def plane(paint: RGB | FloatArray) -> FloatArray:
    """A paint (3,) that can be calculated with."""
    return np.array(paint, dtype=np.float32)


def curve(points: Sequence[Point], closed: bool = True, steps: int = 10) -> FloatArray:
    """A smooth line (Catmull-Rom) through `points`; a point with a third number is a corner. Returns (K, 2)."""
    doubled = [point[:2] for point in points for _ in range(2 if len(point) > 2 else 1)]
    knots = np.array(doubled, dtype=np.float32)
    ends = (knots[-1:], knots[:2]) if closed else (knots[:1], knots[-1:])
    padded = np.concatenate([ends[0], knots, ends[1]])
    p0, p1, p2, p3 = (padded[i : len(padded) - 3 + i, None] for i in range(4))
    t = np.linspace(0, 1, steps, endpoint=False, dtype=np.float32)[None, :, None]
    spline = 0.5 * (
        2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )
    # A corner stands twice among the knots; the empty piece between its two halves is left out.
    line = spline[np.any(p1[:, 0] != p2[:, 0], axis=1)].reshape(-1, 2)
    return line if closed else np.concatenate([line, knots[-1:]])


def mirror(half: Sequence[Point]) -> list[Point]:
    """A closed outline from its right half, which runs from the top of the middle line to its bottom."""
    left = [(-point[0], *point[1:]) for point in reversed(half) if abs(point[0]) > 1e-6]
    return [*half, *left]


def ellipse(x: float, y: float, width: float, height: float, angle: float = 0.0) -> list[Point]:
    """An ellipse around (x, y); `angle` in degrees."""
    turn = np.deg2rad(angle)
    around = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    across, down = np.cos(around) * width / 2, np.sin(around) * height / 2
    return [
        (float(x + a * np.cos(turn) - d * np.sin(turn)), float(y + a * np.sin(turn) + d * np.cos(turn)))
        for a, d in zip(across, down, strict=True)
    ]


def box(x: float, y: float, width: float, height: float, radius: float = 0.01) -> list[Point]:
    """A rectangle around (x, y) with rounded corners."""
    w, h, r = width / 2, height / 2, min(radius, width / 2, height / 2)
    corners = [(1, -1), (1, 1), (-1, 1), (-1, -1)]
    outline: list[Point] = []
    for i, (sx, sy) in enumerate(corners):
        a = (x + sx * (w - r), y + sy * h, 1)
        b = (x + sx * (w - r * 0.29), y + sy * (h - r * 0.29))
        c = (x + sx * w, y + sy * (h - r), 1)
        outline += [a, b, c] if i % 2 == 0 else [c, b, a]
    return outline


def resize(
    array: FloatArray, height: int, width: int, sampling: Image.Resampling = Image.Resampling.BICUBIC
) -> FloatArray:
    return np.asarray(Image.fromarray(array).resize((width, height), sampling), dtype=np.float32)


def blur(array: FloatArray, sigma: float) -> FloatArray:
    """Gaussian blur (H, W) in floats; a wide one is taken on a smaller copy."""
    if sigma < 0.4:
        return array
    height, width = array.shape
    # On a copy on which the kernel is a few pixels wide, so that a wide blur costs no more than a narrow one.
    factor = max(1, int(sigma / 2.5))
    small = array
    if factor > 1:
        small = resize(array, max(4, height // factor), max(4, width // factor), Image.Resampling.BOX)
    kernel = np.exp(-0.5 * (np.arange(-8, 9) / (sigma / factor)) ** 2).astype(np.float32)
    kernel = kernel[np.abs(np.arange(-8, 9)) <= max(1, int(3 * sigma / factor))]
    kernel /= kernel.sum()
    reach = len(kernel) // 2
    for axis in (0, 1):
        padded = np.pad(small, [(reach, reach) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, len(kernel), axis=axis)
        small = windows @ kernel
    return resize(np.ascontiguousarray(small), height, width) if factor > 1 else small


def smooth_noise(rng: np.random.Generator, height: int, width: int, rows: int, columns: int) -> FloatArray:
    """Soft noise of about -1 to 1 with `rows` x `columns` hills."""
    return resize(rng.uniform(-1, 1, (max(rows, 2), max(columns, 2))).astype(np.float32), height, width)


class Canvas:
    """The large picture under way. `pixels` (H, W, 3) are shares of full white."""

    def __init__(self, rng: np.random.Generator, width: int, height: int) -> None:
        """`width` x `height` is the size of the finished photo."""
        self.rng = rng
        self.size = (width, height)
        # Small pictures need fewer pixels to average: training data is drawn by the ten thousand.
        self.scale = 3 if max(width, height) >= 200 else 2
        self.width, self.height = width * self.scale, height * self.scale
        self.unit = float(self.width)
        self.pixels = np.ones((self.height, self.width, 3), dtype=np.float32)
        self.pose()

    def pose(self, zoom: float = 1.0, angle: float = 0.0, x: float = 0.0, y: float = 0.0, flip: bool = False) -> None:
        """How the product's coordinates lie in the picture; `angle` in degrees."""
        turn = np.deg2rad(angle)
        matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) * zoom * self.unit
        if flip:
            matrix = matrix @ np.diag([-1.0, 1.0])
        self.matrix = matrix.astype(np.float32)
        self.origin = np.array([self.width / 2 + x * self.unit, self.height / 2 + y * self.unit], dtype=np.float32)
        self.zoom = zoom
        # Where in the product's own coordinates each pixel lies: fabrics are painted by these, so that stripes turn with it.
        inverse = np.linalg.inv(matrix)
        columns = np.arange(self.width, dtype=np.float32)[None, :] - self.origin[0]
        rows = np.arange(self.height, dtype=np.float32)[:, None] - self.origin[1]
        self.x = (inverse[0, 0] * columns + inverse[0, 1] * rows).astype(np.float32)
        self.y = (inverse[1, 0] * columns + inverse[1, 1] * rows).astype(np.float32)

    def pixel(self, points: FloatArray) -> list[tuple[float, float]]:
        return [(float(x), float(y)) for x, y in points @ self.matrix.T + self.origin]

    def mask(self, *outlines: Sequence[Point]) -> FloatArray:
        """(H, W), one inside any of the closed outlines."""
        sheet = Image.new("L", (self.width, self.height))
        pen = ImageDraw.Draw(sheet)
        for outline in outlines:
            pen.polygon(self.pixel(curve(outline)), fill=255)
        return np.asarray(sheet, dtype=np.float32) / np.float32(255)

    def stroke(self, points: Sequence[Point], width: float, closed: bool = False, dash: float = 0.0) -> FloatArray:
        """(H, W), one on a line of `width`; `dash` is the length of a stitch, 0 for a whole line."""
        sheet = Image.new("L", (self.width, self.height))
        pen = ImageDraw.Draw(sheet)
        thick = max(1, round(width * self.zoom * self.unit))
        line = self.pixel(curve(points, closed))
        line = [*line, line[0]] if closed else line
        if dash:
            # In pixels, so that stitches are as long on a turned product as on an upright one.
            for start, end in _dashes(np.array(line), dash * self.zoom * self.unit):
                pen.line([tuple(start), tuple(end)], fill=255, width=thick)
        else:
            pen.line(line, fill=255, width=thick, joint="curve")
            radius = thick / 2
            if thick > 3:
                for px, py in (line[0], line[-1]):
                    pen.ellipse([px - radius, py - radius, px + radius, py + radius], fill=255)
        return np.asarray(sheet, dtype=np.float32) / np.float32(255)

    def lay(self, mask: FloatArray, paint: RGB, alpha: float = 1.0) -> None:
        """A flat, unlit layer."""
        where = _bounds(mask, 0)
        if where is not None:
            cover = (mask[where] * alpha)[..., None]
            self.pixels[where] += (plane(paint) - self.pixels[where]) * cover

    def glow(
        self, mask: FloatArray, softness: float, paint: RGB = (1.0, 1.0, 1.0), alpha: float = 0.6, *, within: FloatArray
    ) -> None:
        """A soft light (or a dark) on a polished thing: `mask` blurred, kept `within` the thing."""
        reach = softness * self.zoom * self.unit
        where = _bounds(mask, 1 + int(3 * reach))
        if where is not None:
            cover = (blur(mask[where], reach) * within[where] * alpha)[..., None]
            self.pixels[where] += (plane(paint) - self.pixels[where]) * cover

    def line(
        self,
        points: Sequence[Point],
        paint: RGB,
        width: float,
        alpha: float = 1.0,
        *,
        within: FloatArray | None = None,
        dash: float = 0.0,
        closed: bool = False,
    ) -> None:
        """A seam, a stitch or a print: an unlit line, kept `within` a mask."""
        mask = self.stroke(points, width, closed, dash)
        self.lay(mask if within is None else mask * within, paint, alpha)

    def shadow(self, mask: FloatArray, x: float, y: float, softness: float, alpha: float) -> None:
        """The soft shadow that `mask` throws on what lies behind it, moved by (x, y)."""
        moved = np.roll(mask, (round(y * self.unit), round(x * self.unit)), axis=(0, 1))
        reach = softness * self.unit
        where = _bounds(moved, 1 + int(3 * reach))
        if where is not None:
            self.pixels[where] *= 1 - alpha * blur(moved[where], reach)[..., None]

    def paint(
        self,
        mask: FloatArray,
        fabric: Fabric | RGB,
        *,
        volume: float = 0.5,
        softness: float = 0.05,
        rim: float = 0.25,
        folds: FloatArray | None = None,
        gloss: float = 0.0,
        sharpness: float = 10.0,
        alpha: float = 1.0,
    ) -> None:
        """Cover `mask` with a fabric, lit as a body that rises from its outline.

        `volume` is how strongly the light tells front from side, `softness` how far the rise reaches (product units), `rim` how
        much darker the outline is, `folds` (H, W) a relief of its own, `gloss` a highlight of width 1 / `sharpness`.
        """
        # Only where the mask is: most layers cover a small part of the picture.
        where = _bounds(mask, 2)
        if where is None:
            return
        cover = mask[where]
        reach = softness * self.zoom * self.unit
        height = blur(cover, reach)
        # Broad and narrow together: a body that is round as a whole and steep at its edge.
        height = 0.6 * height + 0.4 * blur(cover, reach * 0.35)
        relief = height * reach * 1.7 * volume
        if folds is not None:
            relief = relief + folds[where] * self.zoom * self.unit
        # Lit by its slope alone, which is enough for a light from the side.
        down, across = np.gradient(relief)
        facing = -(across * LIGHT[0] + down * LIGHT[1])
        light = np.clip(1 + facing, 0.35, 1.5) - rim * (1 - np.clip(height * 1.35 - 0.35, 0, 1)) ** 1.5
        x, y = self.x[where], self.y[where]
        base = fabric(x, y) if callable(fabric) else np.broadcast_to(np.array(fabric, np.float32), (*cover.shape, 3))
        lit = base * light[..., None] + 0.05 * (light[..., None] - 1)
        if gloss:
            lit = lit + gloss * np.exp(-sharpness * (facing - 0.45) ** 2 * 4)[..., None]
        self.pixels[where] += (np.clip(lit, 0, 1) - self.pixels[where]) * (cover * alpha)[..., None]

    def folds(self, strength: float, across: int = 7, down: int = 3) -> FloatArray:
        """A relief (H, W) of soft cloth folds; more hills `across` than `down` make them hang."""
        noise = smooth_noise(self.rng, self.height, self.width, down, across)
        fine = smooth_noise(self.rng, self.height, self.width, down * 3, across * 2)
        return np.float32(strength * 0.012) * (noise + np.float32(0.35) * fine)

    def finish(self, grain: float = 0.006) -> Image.Image:
        """The photo, scaled down, with the grain of a sensor."""
        large = Image.fromarray((np.clip(self.pixels, 0, 1) * 255 + 0.5).astype(np.uint8))
        small = np.asarray(large.resize(self.size, Image.Resampling.BOX), dtype=np.float32)
        # One for all channels: coloured grain would shift the colour, which is a label.
        noise = self.rng.normal(0, grain * 255, (*small.shape[:2], 1)).astype(np.float32)
        return Image.fromarray(np.clip(small + noise, 0, 255).astype(np.uint8))


def _bounds(mask: FloatArray, margin: int) -> tuple[slice, slice] | None:
    """The part of the picture that `mask` touches."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    top, left = max(rows[0] - margin, 0), max(columns[0] - margin, 0)
    return slice(int(top), int(rows[-1]) + margin + 1), slice(int(left), int(columns[-1]) + margin + 1)


def _dashes(line: NDArray[np.float64], length: float) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Stitches of `length` pixels along `line` (K, 2), with gaps of two thirds."""
    steps = np.hypot(*np.diff(line, axis=0).T)
    along = np.concatenate([[0], np.cumsum(steps)])
    starts = np.arange(0, along[-1], max(length, 1.5) * 1.66)
    ends = np.minimum(starts + max(length, 1.5), along[-1])
    at = [np.stack([np.interp(place, along, line[:, i]) for i in (0, 1)], axis=1) for place in (starts, ends)]
    return list(zip(at[0], at[1], strict=True))
