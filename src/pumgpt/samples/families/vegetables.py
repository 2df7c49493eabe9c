"""Carrots, tomatoes and bell peppers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pumgpt.samples.canvas import Canvas, ellipse
from pumgpt.samples.colour import RGB, shift
from pumgpt.samples.families.produce import COUNT, LEAF, ball, kind, places, setting, speckled
from pumgpt.samples.kind import Look, cast, stand


def carrots(canvas: Canvas, _: RGB) -> Look:
    """A few carrots side by side, with or without their green."""
    setting(canvas)
    rng = canvas.rng
    count, green, turn = int(rng.integers(2, 6)), rng.uniform() < 0.5, rng.normal(0, 20)
    for i in range(count):
        canvas.pose(
            rng.uniform(0.85, 1.0), turn + rng.normal(0, 5), (i - (count - 1) / 2) * 0.15, rng.normal(0.04, 0.02)
        )
        paint = shift((0.93, 0.47, 0.12), rng.normal(0, 0.025))
        if green:
            for x in rng.uniform(-0.13, 0.13, 7):
                canvas.paint(
                    canvas.stroke([(x * 0.15, -0.28), (x * 0.6, -0.38), (float(x), -0.5)], 0.022),
                    shift(LEAF, rng.normal(0, 0.04)),
                    volume=0.8,
                    softness=0.01,
                )
        body = canvas.mask(
            [
                (0, -0.3),
                (0.055, -0.285),
                (0.073, -0.2),
                (0.055, 0.05),
                (0.025, 0.3),
                (0.004, 0.44),
                (-0.012, 0.44),
                (-0.03, 0.28),
                (-0.06, 0.02),
                (-0.073, -0.2),
                (-0.055, -0.285),
            ]
        )
        cast(canvas, body)
        canvas.paint(
            body, speckled(paint, shift(paint, -0.1), canvas, 0.1), volume=1.0, softness=0.035, rim=0.3, gloss=0.05
        )
        for y in rng.uniform(-0.24, 0.3, 9):
            x = rng.uniform(-0.04, 0.01)
            canvas.line([(x, float(y)), (x + 0.03, float(y) + 0.004)], shift(paint, -0.22), 0.004, 0.6, within=body)
        canvas.lay(canvas.mask(ellipse(0, -0.296, 0.05, 0.018)), (0.4, 0.42, 0.16))
    return Look("", "side by side" + (" with their green" if green else ""))


def tomato(canvas: Canvas, _: RGB) -> Look:
    """Red tomatoes with their star of leaves."""
    setting(canvas)
    rng = canvas.rng
    spots = places(canvas, 0.4)
    for x, y, size in spots:
        ball(canvas, x, y, size, size * 0.88, shift((0.85, 0.15, 0.09), rng.normal(0, 0.025)), 0.75)
        for k in range(5):
            turn = k * 1.2566 + rng.uniform(-0.2, 0.2)
            tip = (x + 0.24 * size * float(np.cos(turn)), y - 0.3 * size + 0.1 * size * float(np.sin(turn)))
            canvas.paint(canvas.stroke([(x, y - 0.3 * size), tip], 0.045 * size), LEAF, volume=0.8, softness=0.01)
    return Look("", f"on a table, {COUNT[len(spots)]}")


def pepper(paint: RGB) -> Callable[[Canvas, RGB], Look]:
    """Bell peppers with lobes and a green stalk."""

    def draw(canvas: Canvas, _: RGB) -> Look:
        setting(canvas)
        rng = canvas.rng
        spots = places(canvas, 0.4)
        for x, y, s in spots:
            skin = shift(paint, rng.normal(0, 0.02))
            stand(canvas, x, y + s * 0.48, s * 0.75)
            whole = canvas.mask(
                [
                    (x, y - 0.36 * s),
                    (x + 0.3 * s, y - 0.42 * s),
                    (x + 0.46 * s, y - 0.2 * s),
                    (x + 0.4 * s, y + 0.2 * s),
                    (x + 0.26 * s, y + 0.5 * s),
                    (x, y + 0.45 * s),
                    (x - 0.26 * s, y + 0.5 * s),
                    (x - 0.4 * s, y + 0.2 * s),
                    (x - 0.46 * s, y - 0.2 * s),
                    (x - 0.3 * s, y - 0.42 * s),
                ]
            )
            canvas.paint(whole, skin, volume=1.0, softness=0.14 * s, rim=0.3)
            for side in (-1, 1):
                canvas.glow(
                    canvas.stroke(
                        [
                            (x + side * 0.1 * s, y - 0.36 * s),
                            (x + side * 0.17 * s, y),
                            (x + side * 0.1 * s, y + 0.48 * s),
                        ],
                        0.05 * s,
                    ),
                    0.03 * s,
                    (0, 0, 0),
                    0.55,
                    within=whole,
                )
            for dx, alpha in ((-0.32, 0.7), (-0.02, 0.5), (0.28, 0.25)):
                canvas.glow(
                    canvas.mask(ellipse(x + dx * s, y - 0.12 * s, 0.07 * s, 0.3 * s, 6)),
                    0.022 * s,
                    alpha=alpha,
                    within=whole,
                )
            canvas.paint(
                canvas.mask(ellipse(x, y - 0.37 * s, 0.26 * s, 0.09 * s)), (0.3, 0.5, 0.16), volume=0.8, softness=0.02
            )
            canvas.paint(
                canvas.stroke([(x, y - 0.37 * s), (x + 0.02 * s, y - 0.5 * s), (x + 0.07 * s, y - 0.58 * s)], 0.08 * s),
                (0.3, 0.52, 0.18),
                volume=0.9,
                softness=0.015,
            )
        return Look("", f"on a table, {COUNT[len(spots)]}")

    return draw


KINDS = {
    "carrots": kind("Vegetables > Carrots > Carrots", "Carrots", carrots),
    "tomato": kind("Vegetables > Tomato > Regular Tomato", "Tomatoes", tomato),
    "red pepper": kind("Vegetables > Pepper > Red Bell Pepper", "Red Bell Peppers", pepper((0.82, 0.1, 0.08))),
    "green pepper": kind("Vegetables > Pepper > Green Bell Pepper", "Green Bell Peppers", pepper((0.18, 0.42, 0.13))),
    "yellow pepper": kind("Vegetables > Pepper > Yellow Bell Pepper", "Yellow Bell Peppers", pepper((0.97, 0.77, 0.1))),
}
