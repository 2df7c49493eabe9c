"""Outdoor and indoor scenes: what everyday photographs show and no shop sells."""

from __future__ import annotations

import numpy as np

from pumgpt.samples.canvas import Canvas, FloatArray, Point, box, ellipse, plane, smooth_noise
from pumgpt.samples.colour import RGB, mix, shift

SKIES = (
    ((0.35, 0.58, 0.86), (0.85, 0.92, 0.97)),
    ((0.55, 0.62, 0.7), (0.86, 0.87, 0.88)),
    ((0.25, 0.25, 0.5), (0.97, 0.65, 0.4)),
    ((0.5, 0.7, 0.9), (0.95, 0.93, 0.85)),
)


def sky(canvas: Canvas, clouds: bool = True) -> None:
    """Fills the picture with a sky of any hour."""
    rng = canvas.rng
    top, low = SKIES[rng.integers(len(SKIES))]
    down = np.linspace(0, 1.3, canvas.height, dtype=np.float32)[:, None, None].clip(0, 1)
    canvas.pixels[:] = plane(top) * (1 - down) + plane(low) * down
    if clouds and rng.uniform() < 0.7:
        field = sum(smooth_noise(rng, canvas.height, canvas.width, 3 * k, 2 * k) / k for k in (1, 2, 4))
        cover = np.clip(np.asarray(field) * 0.9, 0, 0.8)
        canvas.pixels[:] = canvas.pixels * (1 - cover[..., None]) + cover[..., None] * 0.97


def ridge(canvas: Canvas, level: float, roughness: float) -> FloatArray:
    """A mask of everything below a wandering line at height `level`."""
    xs = np.linspace(-0.6, 0.6, 14)
    line: list[Point] = [(float(x), level + float(canvas.rng.normal(0, roughness))) for x in xs]
    return canvas.mask([*line, (0.6, 1.0, 1), (-0.6, 1.0, 1)])


def ground(canvas: Canvas, mask: FloatArray, paint: RGB, rough: float = 0.15) -> None:
    """Earth, grass or water: paint with uneven light."""
    rows = canvas.height // 10
    noise = smooth_noise(canvas.rng, canvas.height, canvas.width, rows, rows) + smooth_noise(
        canvas.rng, canvas.height, canvas.width, 6, 4
    )
    canvas.pixels += (plane(paint) * (1 + rough * noise[..., None]) - canvas.pixels) * mask[..., None]


def tree(canvas: Canvas, x: float, y: float, size: float) -> None:
    rng = canvas.rng
    canvas.paint(
        canvas.mask(box(x, y - size * 0.2, size * 0.1, size * 0.5, 0.002)), (0.3, 0.21, 0.14), volume=0.8, softness=0.02
    )
    leaf: RGB = (rng.uniform(0.12, 0.35), rng.uniform(0.32, 0.5), rng.uniform(0.1, 0.2))
    crowns = [
        ellipse(x + rng.normal(0, size * 0.16), y - size * 0.6 + rng.normal(0, size * 0.14), size * 0.45, size * 0.4)
        for _ in range(7)
    ]
    canvas.paint(canvas.mask(*crowns), leaf, volume=0.9, softness=size * 0.12, folds=canvas.folds(0.6, 50, 60))


def landscape(canvas: Canvas) -> None:
    """Hills under a sky, some with trees and a sun."""
    rng = canvas.rng
    sky(canvas)
    level, green = rng.uniform(-0.1, 0.1), (rng.uniform(0.25, 0.5), rng.uniform(0.4, 0.6), rng.uniform(0.2, 0.35))
    if rng.uniform() < 0.4:
        canvas.lay(canvas.mask(ellipse(rng.uniform(-0.3, 0.3), level - 0.25, 0.12, 0.12)), (1.0, 0.95, 0.75), 0.9)
    for layer in range(3):
        haze = mix(green, (0.6, 0.7, 0.8), 0.6 - 0.3 * layer)
        ground(canvas, ridge(canvas, level + 0.14 * layer, 0.045), shift(haze, -0.05 * layer))
    for _ in range(rng.integers(0, 6)):
        depth = rng.uniform(0.1, 0.4)
        tree(canvas, rng.uniform(-0.5, 0.5), level + depth, 0.12 + depth * 0.6)


def sea(canvas: Canvas) -> None:
    """Water to the horizon, a beach or a boat before it."""
    rng = canvas.rng
    sky(canvas)
    level = rng.uniform(-0.15, 0.1)
    water = canvas.mask([(-0.7, level, 1), (0.7, level, 1), (0.7, 1, 1), (-0.7, 1, 1)])
    ground(canvas, water, (rng.uniform(0.05, 0.25), rng.uniform(0.3, 0.5), rng.uniform(0.45, 0.65)), 0.1)
    for _ in range(60):
        y = level + rng.uniform(0.01, 1) ** 2 * 0.7
        x, width = rng.uniform(-0.6, 0.6), 0.02 + (y - level) * 0.25
        canvas.line(
            [(x, y), (x + width / 2, y - 0.004), (x + width, y)], (0.9, 0.95, 1.0), 0.003 + 0.006 * (y - level), 0.35
        )
    if rng.uniform() < 0.5:
        ground(canvas, ridge(canvas, level + rng.uniform(0.3, 0.5), 0.02), (0.85, 0.76, 0.58), 0.06)
    if rng.uniform() < 0.6:
        boat(canvas, rng.uniform(-0.25, 0.25), level + rng.uniform(0.05, 0.2), rng.uniform(0.12, 0.3))


def boat(canvas: Canvas, x: float, y: float, size: float) -> None:
    hull: RGB = tuple(canvas.rng.uniform(0.1, 0.8, 3))  # type: ignore[assignment]
    canvas.lay(
        canvas.mask(
            [
                (x + 0.02 * size, y - size, 1),
                (x + 0.02 * size, y - 0.12 * size, 1),
                (x + 0.5 * size, y - 0.15 * size, 1),
            ]
        ),
        (0.96, 0.95, 0.9),
    )
    canvas.line([(x, y), (x, y - size)], (0.3, 0.25, 0.2), 0.012 * size + 0.002)
    canvas.paint(
        canvas.mask(
            [
                (x - 0.5 * size, y - 0.1 * size, 1),
                (x + 0.6 * size, y - 0.1 * size, 1),
                (x + 0.4 * size, y + 0.08 * size, 1),
                (x - 0.35 * size, y + 0.08 * size, 1),
            ]
        ),
        hull,
    )


def city(canvas: Canvas) -> None:
    """A skyline by day or by night."""
    rng = canvas.rng
    night = rng.uniform() < 0.4
    sky(canvas)
    if night:
        canvas.pixels *= plane((0.15, 0.17, 0.28))
    x: float = -0.55
    while x < 0.55:
        width, top = rng.uniform(0.06, 0.18), rng.uniform(-0.45, 0.1)
        wall = float(rng.uniform(0.08, 0.2) if night else rng.uniform(0.35, 0.75))
        canvas.paint(
            canvas.mask(box(x + width / 2, (top + 0.8) / 2, width, 0.8 - top, 0.001)),
            (wall, wall * rng.uniform(0.85, 1), wall * rng.uniform(0.85, 1.1)),
            volume=0.2,
            softness=0.02,
        )
        _windows(canvas, x, top, width, night)
        x += width * rng.uniform(0.8, 1.1)
    ground(canvas, canvas.mask(box(0, 0.62, 1.4, 0.2, 0.001)), (0.3, 0.3, 0.32), 0.08)


def _windows(canvas: Canvas, x: float, top: float, width: float, night: bool) -> None:
    panes = [
        box(px, py, 0.012, 0.018, 0.001)
        for px in np.arange(x + 0.018, x + width - 0.01, 0.026)
        for py in np.arange(top + 0.03, 0.5, 0.04)
        if canvas.rng.uniform() < (0.5 if night else 0.9)
    ]
    if panes:
        canvas.lay(canvas.mask(*panes), (1.0, 0.85, 0.5) if night else (0.25, 0.33, 0.42), 0.85)


def street(canvas: Canvas) -> None:
    """A road that runs to the horizon, with houses, trees and now and then a car."""
    rng = canvas.rng
    sky(canvas)
    level = rng.uniform(-0.1, 0.05)
    ground(canvas, canvas.mask([(-0.7, level, 1), (0.7, level, 1), (0.7, 1, 1), (-0.7, 1, 1)]), (0.35, 0.47, 0.25))
    for x in rng.uniform(-0.5, 0.5, 5):
        if rng.uniform() < 0.5:
            tree(canvas, float(x), level + 0.03, rng.uniform(0.2, 0.4))
        else:
            house(canvas, float(x), level + 0.04, rng.uniform(0.18, 0.32))
    ground(
        canvas,
        canvas.mask([(-0.02, level, 1), (0.02, level, 1), (0.45, 0.8, 1), (-0.45, 0.8, 1)]),
        (0.36, 0.36, 0.38),
        0.05,
    )
    for i in range(6):
        y = level + 0.03 + 0.6 * (i / 6) ** 1.6
        canvas.line([(0, y), (0, y + 0.02 + 0.02 * i)], (0.95, 0.95, 0.9), 0.003 + 0.004 * i)
    if rng.uniform() < 0.6:
        car(canvas, rng.uniform(-0.2, 0.2), level + rng.uniform(0.2, 0.45), rng.uniform(0.3, 0.6))


def house(canvas: Canvas, x: float, y: float, size: float) -> None:
    rng = canvas.rng
    wall: RGB = tuple(rng.uniform(0.55, 0.95, 3))  # type: ignore[assignment]
    canvas.paint(canvas.mask(box(x, y - size * 0.3, size, size * 0.6, 0.001)), wall, volume=0.3)
    canvas.paint(
        canvas.mask([(x - size * 0.6, y - size * 0.58, 1), (x, y - size, 1), (x + size * 0.6, y - size * 0.58, 1)]),
        (0.55, 0.25, 0.2),
        volume=0.4,
    )
    canvas.lay(canvas.mask(box(x, y - size * 0.14, size * 0.16, size * 0.3, 0.001)), (0.3, 0.2, 0.15))
    canvas.lay(
        canvas.mask(
            box(x - size * 0.3, y - size * 0.35, size * 0.18, size * 0.18, 0.001),
            box(x + size * 0.3, y - size * 0.35, size * 0.18, size * 0.18, 0.001),
        ),
        (0.3, 0.4, 0.5),
    )


def car(canvas: Canvas, x: float, y: float, size: float) -> None:
    body: RGB = tuple(canvas.rng.uniform(0.08, 0.85, 3))  # type: ignore[assignment]

    def at(across: float, down: float) -> Point:
        return x + across * size, y + down * size

    canvas.lay(canvas.mask(ellipse(x, y + 0.02 * size, size, 0.07 * size)), (0.05, 0.05, 0.06), 0.5)
    canvas.paint(
        canvas.mask([at(-0.3, -0.2), at(-0.2, -0.36), at(0.12, -0.36), at(0.28, -0.2)]),
        shift(body, -0.05),
        softness=0.02,
    )
    canvas.lay(canvas.mask([at(-0.24, -0.21), at(-0.17, -0.33), at(0.1, -0.33), at(0.21, -0.21)]), (0.2, 0.27, 0.33))
    canvas.paint(
        canvas.mask(
            [at(-0.5, -0.05), at(-0.47, -0.18), at(-0.28, -0.22), at(0.28, -0.22), at(0.48, -0.16), at(0.5, -0.04)]
        ),
        body,
        volume=0.8,
        softness=0.03,
        gloss=0.2,
    )
    for dx in (-0.28, 0.29):
        canvas.lay(canvas.mask(ellipse(x + dx * size, y - 0.03 * size, 0.18 * size, 0.18 * size)), (0.06, 0.06, 0.07))
        canvas.lay(canvas.mask(ellipse(x + dx * size, y - 0.03 * size, 0.09 * size, 0.09 * size)), (0.7, 0.7, 0.72))


def night(canvas: Canvas) -> None:
    """Stars and a moon over dark hills."""
    rng = canvas.rng
    down = np.linspace(0, 1, canvas.height, dtype=np.float32)[:, None, None]
    canvas.pixels[:] = plane((0.02, 0.03, 0.1)) * (1 - down) + plane((0.12, 0.12, 0.28)) * down
    stars = [ellipse(rng.uniform(-0.5, 0.5), rng.uniform(-0.7, 0.3), s, s) for s in rng.uniform(0.003, 0.009, 70)]
    canvas.lay(canvas.mask(*stars), (1.0, 1.0, 0.92), 0.9)
    canvas.lay(canvas.mask(ellipse(rng.uniform(-0.3, 0.3), rng.uniform(-0.4, -0.1), 0.13, 0.13)), (0.95, 0.94, 0.85))
    ground(canvas, ridge(canvas, rng.uniform(0.2, 0.4), 0.06), (0.03, 0.05, 0.07))


def room(canvas: Canvas) -> None:
    """A wall, a floor, a window and a table."""
    rng = canvas.rng
    wall: RGB = tuple(rng.uniform(0.55, 0.92, 3))  # type: ignore[assignment]
    canvas.pixels[:] = plane(wall)
    ground(canvas, canvas.mask(box(0, 0.55, 1.4, 0.5, 0.001)), (0.5, 0.36, 0.24), 0.08)
    x = rng.uniform(-0.2, 0.2)
    canvas.paint(canvas.mask(box(x, -0.25, 0.36, 0.4, 0.004)), (0.95, 0.95, 0.93), volume=0.5, softness=0.01)
    canvas.lay(
        canvas.mask(box(x - 0.085, -0.25, 0.15, 0.36, 0.002), box(x + 0.085, -0.25, 0.15, 0.36, 0.002)),
        (0.7, 0.85, 0.95),
    )
    canvas.paint(
        canvas.mask(
            box(-x, 0.25, 0.6, 0.04, 0.005),
            box(-x - 0.25, 0.42, 0.03, 0.32, 0.003),
            box(-x + 0.25, 0.42, 0.03, 0.32, 0.003),
        ),
        (0.4, 0.26, 0.16),
        volume=0.5,
        softness=0.02,
    )


SCENES = {"landscape": landscape, "sea": sea, "city": city, "street": street, "night": night, "room": room}
