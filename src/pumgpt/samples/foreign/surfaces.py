"""Blanks, noise and surfaces: pictures with nothing in them."""

from __future__ import annotations

import numpy as np

from pumgpt.samples.canvas import Canvas, FloatArray, blur, plane, smooth_noise
from pumgpt.samples.colour import RGB


def any_paint(canvas: Canvas) -> RGB:
    return tuple(float(part) for part in canvas.rng.uniform(0, 1, 3))  # type: ignore[return-value]


def layered(canvas: Canvas, rows: int, columns: int, octaves: int = 5) -> FloatArray:
    """Noise (H, W) of several sizes at once, about -1 to 1: the statistics of natural things."""
    sheets = [
        smooth_noise(canvas.rng, canvas.height, canvas.width, rows * 2**k, columns * 2**k) / 2**k
        for k in range(octaves)
    ]
    return np.sum(sheets, axis=0) / 1.4  # type: ignore[no-any-return]


def tint(canvas: Canvas, share: FloatArray, first: RGB, second: RGB) -> None:
    """Fill the picture from `first` to `second`."""
    canvas.pixels[:] = plane(first) + (plane(second) - plane(first)) * np.clip(share, 0, 1)[..., None]


def blank(canvas: Canvas) -> None:
    """One paint, or white, grey or black paper."""
    paper = float(canvas.rng.choice([0.0, 0.5, 0.93, 1.0]))
    canvas.pixels[:] = plane(any_paint(canvas) if canvas.rng.uniform() < 0.5 else (paper,) * 3)


def gradient(canvas: Canvas) -> None:
    """From one paint to another, in any direction."""
    turn = canvas.rng.uniform(0, 2 * np.pi)
    tint(
        canvas,
        (canvas.x * np.float32(np.cos(turn)) + canvas.y * np.float32(np.sin(turn))) + 0.5,
        any_paint(canvas),
        any_paint(canvas),
    )


def static(canvas: Canvas) -> None:
    """Sensor noise, coloured or grey, fine or coarse."""
    grey = canvas.rng.uniform() < 0.5
    noise = canvas.rng.uniform(0, 1, (canvas.height, canvas.width, 1 if grey else 3)).astype(np.float32)
    sigma = canvas.rng.uniform(0, 6)
    planes = [blur(noise[..., k], sigma) for k in range(noise.shape[2])]
    canvas.pixels[:] = np.clip((np.stack(planes, axis=-1) - 0.5) * (1 + sigma * 2) + 0.5, 0, 1)


def bokeh(canvas: Canvas) -> None:
    """Something far out of focus."""
    planes = [layered(canvas, 3, 3, 3) * 0.4 + canvas.rng.uniform(0.2, 0.8) for _ in range(3)]
    canvas.pixels[:] = np.clip(np.stack(planes, axis=-1), 0, 1)


def wood(canvas: Canvas) -> None:
    """Boards with grain."""
    bend = layered(canvas, 2, 3, 3)
    board = np.floor(canvas.x * 5)
    rings = np.sin((canvas.x * 60 + bend * 6 + board * 9) * 2) * 0.5 + 0.5
    red, green, blue = (float(part) for part in canvas.rng.uniform((0.35, 0.2, 0.1), (0.75, 0.55, 0.38)))
    tint(
        canvas,
        rings * 0.6 + layered(canvas, 4, 90, 2) * 0.2 + 0.2,
        (red, green, blue),
        (red * 0.65, green * 0.65, blue * 0.65),
    )
    canvas.pixels *= 1 - 0.6 * (np.abs(canvas.x * 5 - np.round(canvas.x * 5)) < 0.02)[..., None]


def marble(canvas: Canvas) -> None:
    """Veined stone."""
    vein = np.abs(np.sin(canvas.x * 5 + canvas.y * 7 + layered(canvas, 3, 3) * 3)) ** 0.35
    tone = canvas.rng.uniform(0.75, 0.97)
    tint(canvas, vein, (tone * 0.55, tone * 0.55, tone * 0.6), (tone, tone, tone * 0.98))


def bricks(canvas: Canvas) -> None:
    """A wall of bricks."""
    high = canvas.rng.uniform(0.05, 0.11)
    row = np.floor(canvas.y / high)
    across = canvas.x / (high * 2.4) + 0.5 * (row % 2)
    column = np.floor(across)
    joint = (np.abs(across - np.round(across)) < 0.03) | (np.abs(canvas.y / high - np.round(canvas.y / high)) < 0.07)
    tone = 0.8 + 0.2 * np.sin(row * 12.9 + column * 78.2) + 0.15 * layered(canvas, 30, 30, 2)
    clay = plane(canvas.rng.uniform((0.5, 0.22, 0.15), (0.8, 0.5, 0.4)))
    canvas.pixels[:] = clay * tone[..., None]
    canvas.pixels[joint] = canvas.rng.uniform(0.55, 0.8)


def grass(canvas: Canvas) -> None:
    """A lawn, leaves or moss from above."""
    green = plane(canvas.rng.uniform((0.15, 0.35, 0.08), (0.45, 0.6, 0.25)))
    canvas.pixels[:] = np.clip(green * (1 + 0.7 * layered(canvas, 25, 60, 3)[..., None]), 0, 1)


def sand(canvas: Canvas) -> None:
    """Sand, earth, gravel or snow."""
    tone = plane(canvas.rng.uniform((0.4, 0.32, 0.22), (0.95, 0.93, 0.9)))
    ripple = np.sin(canvas.y * 40 + layered(canvas, 3, 3, 3) * 5) * canvas.rng.uniform(0, 0.08)
    canvas.pixels[:] = np.clip(tone * (1 + (ripple + 0.25 * layered(canvas, 40, 40, 3))[..., None]), 0, 1)


def tiles(canvas: Canvas) -> None:
    """A tiled floor or wall."""
    side = canvas.rng.uniform(0.08, 0.25)
    column, row = np.floor(canvas.x / side), np.floor(canvas.y / side)
    tint(canvas, (column + row) % 2 * 0.8 + 0.1 * layered(canvas, 8, 8, 3), any_paint(canvas), any_paint(canvas))


SURFACES = {
    "blank": blank,
    "gradient": gradient,
    "static": static,
    "bokeh": bokeh,
    "wood": wood,
    "marble": marble,
    "bricks": bricks,
    "grass": grass,
    "sand": sand,
    "tiles": tiles,
}
