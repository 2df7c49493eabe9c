"""Fruit, and the table that it lies on. The data gives them no colour, so each kind knows its own paints."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pumgpt.samples.canvas import Canvas, Fabric, FloatArray, Point, ellipse, plane, smooth_noise
from pumgpt.samples.colour import RGB, mix, shift
from pumgpt.samples.kind import Kind, Look, cast, stand

TABLES: tuple[RGB, ...] = (
    (1.0, 1.0, 1.0),
    (0.97, 0.96, 0.94),
    (0.72, 0.57, 0.42),
    (0.6, 0.68, 0.56),
    (0.72, 0.73, 0.75),
    (0.25, 0.25, 0.27),
)
STALK: RGB = (0.36, 0.26, 0.14)
LEAF: RGB = (0.25, 0.5, 0.18)
COUNT = {1: "one of them", 2: "two of them", 3: "three of them", 4: "four of them", 5: "five of them"}


def table(canvas: Canvas) -> None:
    """White paper like a shop picture's, or a table, crate or shelf."""
    rng = canvas.rng
    tone = plane(TABLES[rng.integers(len(TABLES))] if rng.uniform() < 0.6 else (1.0, 1.0, 1.0))
    down = np.linspace(0, 1, canvas.height, dtype=np.float32)[:, None]
    rough = 0.0 if tone.min() > 0.9 else 0.035
    noise = smooth_noise(rng, canvas.height, canvas.width, 50, 8)
    canvas.pixels[:] = np.clip(tone * (1.02 - 0.07 * down**2 + rough * noise)[..., None], 0, 1)


def speckled(ground: RGB, other: RGB, canvas: Canvas, share: float, hills: int = 60) -> Fabric:
    """A skin with a blush and fine dots of `other`."""
    blush = smooth_noise(canvas.rng, 256, 256, 4, 4)
    dots = smooth_noise(canvas.rng, 256, 256, hills, hills)

    def fabric(x: FloatArray, y: FloatArray) -> FloatArray:
        at = (((y + 0.8) * 200).astype(int) % 256, ((x + 0.8) * 200).astype(int) % 256)
        amount = np.clip(share + 0.35 * blush[at] + 0.12 * dots[at], 0, 1)[..., None]
        skin: FloatArray = plane(ground) * (1 - amount) + plane(other) * amount
        return skin

    return fabric


def ball(
    canvas: Canvas, x: float, y: float, width: float, height: float, skin: Fabric | RGB, gloss: float = 0.5
) -> FloatArray:
    """A round fruit that lies on the table."""
    stand(canvas, x + width * 0.05, y + height * 0.46, width * 0.85)
    body = canvas.mask(ellipse(x, y, width, height))
    canvas.paint(body, skin, volume=1.1, softness=width * 0.22, rim=0.3)
    canvas.glow(
        canvas.mask(ellipse(x + width * 0.12, y + height * 0.3, width * 0.8, height * 0.5)),
        width * 0.14,
        (0, 0, 0),
        0.28,
        within=body,
    )
    canvas.glow(
        canvas.mask(ellipse(x - width * 0.2, y - height * 0.25, width * 0.2, height * 0.14, -30)),
        width * 0.05,
        alpha=gloss,
        within=body,
    )
    return body


def places(canvas: Canvas, size: float) -> list[tuple[float, float, float]]:
    """One to five places on the table, back to front: x, y and a share of `size`."""
    rng = canvas.rng
    count = int(rng.choice([1, 1, 2, 3, 4, 5]))
    if count == 1:
        return [(0.0, 0.02, size * 1.55)]
    spread = {
        2: [(-0.2, 0), (0.18, 0.03)],
        3: [(0.02, -0.18), (-0.21, 0.08), (0.2, 0.1)],
        4: [(-0.17, -0.16), (0.19, -0.14), (-0.22, 0.16), (0.16, 0.18)],
        5: [(-0.25, -0.14), (0.22, -0.16), (-0.02, -0.04), (-0.24, 0.2), (0.2, 0.2)],
    }[count]
    scale = {2: 1.0, 3: 1.0, 4: 0.95, 5: 0.88}[count]
    return [
        (x + rng.normal(0, 0.012), y + rng.normal(0, 0.012), size * scale * rng.uniform(0.94, 1.04)) for x, y in spread
    ]


def setting(canvas: Canvas) -> None:
    table(canvas)
    canvas.pose(canvas.rng.uniform(0.88, 1.08), canvas.rng.normal(0, 6))


def citrus(paints: tuple[RGB, RGB], shape: float, pulp: RGB) -> Callable[[Canvas, RGB], Look]:
    """Oranges, lemons, limes: porous skin, sometimes one cut in half."""

    def draw(canvas: Canvas, _: RGB) -> Look:
        setting(canvas)
        rng = canvas.rng
        spots = places(canvas, 0.4)
        half = rng.uniform() < 0.35
        for i, (x, y, size) in enumerate(spots):
            skin = mix(*paints, rng.uniform())
            body = ball(canvas, x, y, size * shape, size, speckled(skin, shift(skin, -0.09), canvas, 0.3, 120), 0.4)
            if shape > 1.1:
                tip = canvas.mask(ellipse(x + size * shape * 0.5, y, size * 0.16, size * 0.2))
                canvas.paint(tip, skin, volume=0.7, softness=0.03)
            canvas.lay(
                canvas.mask(ellipse(x + 0.05 * size, y - size * 0.3, size * 0.06, size * 0.045)) * body,
                (0.35, 0.4, 0.15),
                0.8,
            )
            if half and i == len(spots) - 1:
                _cut(canvas, x, y, size * shape, size, skin, pulp)
        return Look("", f"on a table, {COUNT[len(spots)]}" + (" cut open" if half else ""))

    return draw


def _cut(canvas: Canvas, x: float, y: float, width: float, height: float, skin: RGB, pulp: RGB) -> None:
    canvas.paint(canvas.mask(ellipse(x, y, width, height)), skin, volume=0.4, softness=0.02)
    canvas.lay(canvas.mask(ellipse(x, y, width * 0.93, height * 0.93)), (0.98, 0.95, 0.84))
    for k in range(10):
        turn = k * np.pi / 5
        points: list[Point] = [(x + 0.03 * width * np.cos(turn + 0.3), y + 0.03 * height * np.sin(turn + 0.3))]
        points += [
            (float(x + 0.43 * width * np.cos(turn + a)), float(y + 0.43 * height * np.sin(turn + a)))
            for a in (0.04, 0.3, 0.58)
        ]
        canvas.paint(
            canvas.mask(points), speckled(pulp, shift(pulp, 0.14), canvas, 0.3, 90), volume=0.4, softness=0.01, rim=0.1
        )


def apple(ground: RGB, blush: RGB, share: float) -> Callable[[Canvas, RGB], Look]:
    """Apples of one sort: ground paint, blush and how much of it."""

    def draw(canvas: Canvas, _: RGB) -> Look:
        setting(canvas)
        rng = canvas.rng
        spots = places(canvas, 0.4)
        for x, y, s in spots:
            skin = speckled(shift(ground, rng.normal(0, 0.02)), blush, canvas, share)
            stand(canvas, x, y + s * 0.44, s * 0.75)
            body = canvas.mask(
                [
                    (x, y - 0.38 * s),
                    (x + 0.2 * s, y - 0.45 * s),
                    (x + 0.45 * s, y - 0.27 * s),
                    (x + 0.47 * s, y + 0.05 * s),
                    (x + 0.33 * s, y + 0.38 * s),
                    (x + 0.12 * s, y + 0.47 * s),
                    (x, y + 0.43 * s),
                    (x - 0.12 * s, y + 0.47 * s),
                    (x - 0.33 * s, y + 0.38 * s),
                    (x - 0.47 * s, y + 0.05 * s),
                    (x - 0.45 * s, y - 0.27 * s),
                    (x - 0.2 * s, y - 0.45 * s),
                ]
            )
            canvas.paint(body, skin, volume=1.1, softness=s * 0.2, rim=0.28)
            canvas.glow(
                canvas.mask(ellipse(x + 0.1 * s, y + 0.3 * s, s * 0.8, s * 0.45)),
                s * 0.14,
                (0, 0, 0),
                0.26,
                within=body,
            )
            canvas.glow(
                canvas.mask(ellipse(x, y - 0.36 * s, s * 0.34, s * 0.12)), s * 0.04, (0.2, 0.2, 0.05), 0.6, within=body
            )
            canvas.glow(
                canvas.mask(ellipse(x - 0.22 * s, y - 0.16 * s, s * 0.16, s * 0.22, 25)),
                s * 0.04,
                alpha=0.55,
                within=body,
            )
            canvas.paint(
                canvas.stroke(
                    [(x, y - 0.36 * s), (x + 0.02 * s, y - 0.47 * s), (x + 0.07 * s, y - 0.56 * s)], 0.035 * s
                ),
                STALK,
                volume=0.8,
                softness=0.008,
            )
            if rng.uniform() < 0.2:
                canvas.paint(
                    canvas.mask(
                        [
                            (x + 0.05 * s, y - 0.48 * s),
                            (x + 0.16 * s, y - 0.6 * s),
                            (x + 0.33 * s, y - 0.56 * s),
                            (x + 0.2 * s, y - 0.46 * s),
                        ]
                    ),
                    LEAF,
                    volume=0.8,
                    softness=0.02,
                )
        return Look("", f"on a table, {COUNT[len(spots)]}")

    return draw


def banana(canvas: Canvas, _: RGB) -> Look:
    """A bunch of two to five, or a single one."""
    setting(canvas)
    rng = canvas.rng
    canvas.pose(rng.uniform(0.95, 1.1), rng.normal(0, 25), 0, 0, bool(rng.uniform() < 0.5))
    count = int(rng.integers(1, 6))
    ripe: RGB = mix((0.98, 0.83, 0.22), (0.86, 0.82, 0.25), rng.uniform())
    for i in range(count):
        bend, drop = 0.28 - 0.075 * i, 0.11 * (i - (count - 1) / 2)
        skin = shift(ripe, rng.normal(0, 0.02))
        width = 0.13
        middle = np.array(
            [
                (-0.33, -0.22 + drop * 0.2),
                (-0.28, -0.06 + drop * 0.6),
                (-0.12, 0.06 + drop + bend * 0.3),
                (0.1, 0.06 + drop + bend * 0.3),
                (0.28, -0.07 + drop),
                (0.36, -0.2 + drop),
            ]
        )
        girth = np.array([0.02, 0.4, 0.52, 0.5, 0.38, 0.1]) * width
        slope = np.gradient(middle, axis=0)
        normal = np.stack([-slope[:, 1], slope[:, 0]], axis=1) / np.hypot(*slope.T)[:, None]
        rim = np.concatenate([middle + normal * girth[:, None], (middle - normal * girth[:, None])[::-1]])
        body = canvas.mask([(float(x), float(y)) for x, y in rim])
        cast(canvas, body)
        canvas.paint(
            body,
            speckled(skin, (0.55, 0.4, 0.15), canvas, rng.uniform(-0.25, 0.05), 90),
            volume=1.0,
            softness=0.045,
            rim=0.3,
        )
        edge = middle + normal * girth[:, None] * 0.3
        canvas.line([(float(x), float(y)) for x, y in edge], shift(skin, -0.2), 0.006, 0.5, within=body)
        canvas.lay(canvas.mask(ellipse(float(middle[-1, 0]), float(middle[-1, 1]), 0.028, 0.034)), (0.22, 0.17, 0.08))
    canvas.paint(
        canvas.stroke([(-0.38, -0.36), (-0.35, -0.28), (-0.32, -0.18)], 0.05),
        (0.62, 0.55, 0.2),
        volume=0.9,
        softness=0.02,
    )
    canvas.lay(canvas.mask(ellipse(-0.385, -0.37, 0.055, 0.03)), (0.25, 0.19, 0.1))
    return Look("", "in a bunch" if count > 1 else "alone")


def kiwi(canvas: Canvas, _: RGB) -> Look:
    """Brown and furry; one of them often cut to show the green."""
    setting(canvas)
    rng = canvas.rng
    spots = places(canvas, 0.36)
    half = rng.uniform() < 0.7
    for i, (x, y, s) in enumerate(spots):
        skin = shift((0.46, 0.35, 0.2), rng.normal(0, 0.02))
        ball(canvas, x, y, s * 1.18, s, speckled(skin, shift(skin, -0.12), canvas, 0.4, 150), 0.12)
        if half and i == len(spots) - 1:
            canvas.paint(
                canvas.mask(ellipse(x, y, s * 1.1, s * 0.94)),
                speckled((0.5, 0.68, 0.2), (0.62, 0.78, 0.32), canvas, 0.4, 40),
                volume=0.3,
                softness=0.02,
            )
            for k in range(24):
                turn = k * np.pi / 12
                canvas.line(
                    [
                        (x + s * 0.18 * np.cos(turn), y + s * 0.15 * np.sin(turn)),
                        (x + s * 0.42 * np.cos(turn), y + s * 0.36 * np.sin(turn)),
                    ],
                    (0.72, 0.84, 0.45),
                    0.006,
                    0.5,
                )
                seed = rng.uniform(0.2, 0.27)
                canvas.lay(
                    canvas.mask(
                        ellipse(
                            x + s * seed * float(np.cos(turn)),
                            y + s * seed * 0.85 * float(np.sin(turn)),
                            0.016,
                            0.012,
                            float(np.degrees(turn)),
                        )
                    ),
                    (0.08, 0.06, 0.05),
                )
            canvas.lay(canvas.mask(ellipse(x, y, s * 0.26, s * 0.2)), (0.9, 0.9, 0.72))
    return Look("", f"on a table, {COUNT[len(spots)]}" + (" cut open" if half else ""))


def kind(path: str, noun: str, draw: Callable[[Canvas, RGB], Look]) -> Kind:
    root, branch, leaf = path.split(" > ")
    return Kind((root, branch, leaf), noun, draw, square=True, plural=True)


KINDS = {
    "banana": kind("Fruit > Banana > Banana", "Bananas", banana),
    "orange": kind(
        "Fruit > Orange > Orange", "Oranges", citrus(((0.95, 0.52, 0.08), (0.97, 0.6, 0.14)), 1.03, (0.98, 0.6, 0.15))
    ),
    "lemon": kind(
        "Fruit > Lemon > Lemon", "Lemons", citrus(((0.97, 0.85, 0.2), (0.93, 0.8, 0.16)), 1.28, (0.97, 0.92, 0.55))
    ),
    "lime": kind(
        "Fruit > Lime > Lime", "Limes", citrus(((0.35, 0.55, 0.15), (0.5, 0.65, 0.2)), 1.15, (0.75, 0.85, 0.45))
    ),
    "granny smith": kind(
        "Fruit > Apple > Granny Smith", "Granny Smith Apples", apple((0.5, 0.7, 0.2), (0.62, 0.78, 0.3), 0.25)
    ),
    "royal gala": kind(
        "Fruit > Apple > Royal Gala", "Royal Gala Apples", apple((0.88, 0.66, 0.3), (0.76, 0.2, 0.14), 0.6)
    ),
    "red delicious": kind(
        "Fruit > Apple > Red Delicious", "Red Delicious Apples", apple((0.62, 0.08, 0.1), (0.42, 0.04, 0.08), 0.4)
    ),
    "kiwi": kind("Fruit > Kiwi > Kiwi", "Kiwis", kiwi),
}
