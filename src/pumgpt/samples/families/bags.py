"""Handbags, backpacks and clutches."""

from __future__ import annotations

import numpy as np

from pumgpt.samples.canvas import Canvas, Fabric, Point, box, ellipse, mirror
from pumgpt.samples.colour import LEATHER, RGB, contrast, shift
from pumgpt.samples.families.accessories import GOLD, STEEL
from pumgpt.samples.families.topwear import seam_paint
from pumgpt.samples.kind import Kind, Look, backdrop, cast, stand
from pumgpt.samples.texture import printed, woven


def handbag(canvas: Canvas, paint: RGB) -> Look:
    """A bag with two handles, or one shoulder strap, that stands before us."""
    backdrop(canvas)
    rng = canvas.rng
    canvas.pose(rng.uniform(0.95, 1.08), 0, 0, 0.05)
    top, bottom, high = rng.uniform(0.26, 0.36), rng.uniform(0.32, 0.4), rng.uniform(0.4, 0.52)
    low, upper = 0.36, 0.36 - high
    stand(canvas, 0, low, bottom * 2)
    metal, trim = (
        GOLD if rng.uniform() < 0.6 else STEEL,
        shift(paint, -0.1) if rng.uniform() < 0.6 else contrast(paint, rng),
    )
    skin: Fabric = woven(paint, rng, 0.05)
    reach = rng.uniform(0.22, 0.4)
    handle: list[Point] = [
        (-top * 0.52, upper + 0.09),
        (-top * 0.45, upper - reach * 0.7),
        (0, upper - reach),
        (top * 0.45, upper - reach * 0.7),
        (top * 0.52, upper + 0.09),
    ]
    canvas.paint(
        canvas.stroke([(x * 0.9, y - 0.03) for x, y in handle], 0.028), shift(trim, -0.08), volume=0.9, softness=0.012
    )
    body = canvas.mask(
        mirror(
            [
                (0, upper - 0.01),
                (top, upper, 1),
                (top + 0.02, upper + high * 0.3),
                (bottom, low - 0.04),
                (bottom - 0.03, low),
                (0, low + 0.008),
            ]
        )
    )
    canvas.paint(body, skin, volume=0.9, softness=0.07, rim=0.35, gloss=0.04, folds=canvas.folds(0.7, 7, 7))
    canvas.glow(canvas.mask(ellipse(-0.12, upper + 0.12, 0.28, 0.12, -10)), 0.05, alpha=0.16, within=body)
    seam = seam_paint(paint)
    quilted = rng.uniform() < 0.3
    if quilted:
        for k in np.arange(-1.2, 1.3, 0.1):
            for side in (-1, 1):
                canvas.line(
                    [(float(k) - side * 0.5, -0.5), (float(k) + side * 0.5, 0.5)], seam, 0.004, 0.55, within=body
                )
    else:
        canvas.line([(-bottom, low - 0.1), (0, low - 0.085), (bottom, low - 0.1)], seam, 0.004, 0.7, within=body)
        canvas.line(
            [(-bottom, low - 0.09), (0, low - 0.075), (bottom, low - 0.09)], seam, 0.003, 0.7, within=body, dash=0.012
        )
    band = body * canvas.mask(box(0, upper + 0.025, 1, 0.07, 0.001))
    canvas.paint(band, trim, volume=0.6, softness=0.015)
    for side in (-1, 1):
        patch = [
            (side * top * 0.52 - 0.03, upper + 0.02, 1),
            (side * top * 0.52 + 0.03, upper + 0.02, 1),
            (side * top * 0.52 + 0.025, upper + 0.13),
            (side * top * 0.52 - 0.025, upper + 0.13),
        ]
        canvas.paint(canvas.mask(patch), trim, volume=0.6, softness=0.01)
        canvas.paint(
            canvas.mask(ellipse(side * top * 0.52, upper + 0.06, 0.045, 0.045)),
            metal,
            volume=1.3,
            softness=0.01,
            gloss=0.2,
        )
    arch = canvas.stroke(handle, 0.032)
    canvas.shadow(arch, 0.006, 0.012, 0.01, 0.22)
    canvas.paint(arch, trim, volume=1.0, softness=0.014, gloss=0.05)
    canvas.paint(canvas.mask(box(0, upper + 0.09, 0.07, 0.09, 0.012)), metal, volume=1.2, softness=0.015, gloss=0.2)
    return Look("quilted" if quilted else "", f"with two handles and a {'gold' if metal == GOLD else 'silver'} clasp")


def backpack(canvas: Canvas, paint: RGB) -> Look:
    """Rounded, with a front pocket, zips, a handle and straps that show at the sides."""
    backdrop(canvas)
    rng = canvas.rng
    canvas.pose(rng.uniform(0.95, 1.08), rng.normal(0, 2), 0, 0.02)
    wide, second = rng.uniform(0.27, 0.33), contrast(paint, rng) if rng.uniform() < 0.45 else shift(paint, -0.07)
    stand(canvas, 0, 0.47, wide * 2)
    cloth, pattern = printed(paint, rng, ("plain", "plain", "plain", "camouflage", "floral"))
    seam = seam_paint(paint)
    for side in (-1, 1):
        canvas.paint(
            canvas.stroke(
                [
                    (side * 0.12, -0.42),
                    (side * (wide + 0.05), -0.2),
                    (side * (wide + 0.07), 0.15),
                    (side * (wide - 0.03), 0.38),
                ],
                0.055,
            ),
            shift(paint, -0.1),
            volume=0.8,
            softness=0.02,
        )
    canvas.paint(
        canvas.stroke([(-0.07, -0.46), (-0.05, -0.56), (0.05, -0.56), (0.07, -0.46)], 0.028),
        second,
        volume=0.9,
        softness=0.012,
    )
    body = canvas.mask(
        mirror(
            [
                (0, -0.5),
                (wide * 0.6, -0.47),
                (wide * 0.95, -0.3),
                (wide + 0.015, 0.1),
                (wide, 0.42),
                (wide - 0.06, 0.475),
                (0, 0.485),
            ]
        )
    )
    cast(canvas, body)
    canvas.paint(body, cloth, volume=1.0, softness=0.08, rim=0.35, folds=canvas.folds(0.8, 7, 7))
    zip_line: list[Point] = [
        (-wide * 0.86, 0.05),
        (-wide * 0.82, -0.25),
        (-wide * 0.5, -0.41),
        (0, -0.44),
        (wide * 0.5, -0.41),
        (wide * 0.82, -0.25),
        (wide * 0.86, 0.05),
    ]
    _zip(canvas, zip_line, seam)
    pocket_top = rng.uniform(-0.05, 0.08)
    pocket = canvas.mask(
        mirror(
            [
                (0, pocket_top),
                (wide * 0.7, pocket_top + 0.01),
                (wide * 0.84, pocket_top + 0.08),
                (wide * 0.86, 0.38),
                (wide * 0.78, 0.43),
                (0, 0.44),
            ]
        )
    )
    canvas.shadow(pocket, 0.0, 0.012, 0.014, 0.3)
    canvas.paint(pocket, cloth if pattern else woven(second, rng, 0.05), volume=0.9, softness=0.04, rim=0.35)
    _zip(canvas, [(-wide * 0.72, pocket_top + 0.07), (0, pocket_top + 0.055), (wide * 0.72, pocket_top + 0.07)], seam)
    upper = canvas.mask(
        mirror([(0, -0.28), (wide * 0.55, -0.27), (wide * 0.62, pocket_top - 0.08), (0, pocket_top - 0.06)])
    )
    if rng.uniform() < 0.6 and pocket_top > -0.04:
        canvas.shadow(upper, 0, 0.008, 0.012, 0.25)
        canvas.paint(upper, cloth, volume=0.7, softness=0.03, rim=0.3)
        _zip(canvas, [(-wide * 0.5, -0.23), (0, -0.24), (wide * 0.5, -0.23)], seam)
    canvas.paint(canvas.mask(box(0, 0.27, 0.11, 0.05, 0.008)), contrast(second, rng), volume=0.4, softness=0.008)
    return Look(pattern, "with a front pocket, zips and two straps")


def _zip(canvas: Canvas, points: list[Point], seam: RGB) -> None:
    canvas.line(points, shift(seam, -0.1), 0.016, 0.7)
    canvas.line(points, (0.6, 0.6, 0.62), 0.007, 0.9, dash=0.007)
    x, y = points[-1][:2]
    canvas.paint(canvas.mask(box(x, y + 0.02, 0.014, 0.05, 0.006)), STEEL, volume=1.2, softness=0.006)


def clutch(canvas: Canvas, paint: RGB) -> Look:
    """A small bag without handles: flap or frame, plain or patterned."""
    backdrop(canvas)
    rng = canvas.rng
    canvas.pose(rng.uniform(0.95, 1.1), rng.normal(0, 2))
    wide, high = rng.uniform(0.72, 0.82), rng.uniform(0.34, 0.44)
    stand(canvas, 0, high / 2, wide)
    cloth, pattern = printed(paint, rng, ("plain", "plain", "floral", "dots"))
    body = canvas.mask(box(0, 0, wide, high, 0.05))
    canvas.paint(body, cloth, volume=1.1, softness=0.05, rim=0.35, gloss=0.05, folds=canvas.folds(0.6, 8, 5))
    metal = GOLD if rng.uniform() < 0.6 else STEEL
    framed = rng.uniform() < 0.5
    if framed:
        canvas.paint(
            canvas.mask(box(0, -high / 2 + 0.012, wide - 0.03, 0.032, 0.014)),
            metal,
            volume=1.3,
            softness=0.012,
            gloss=0.2,
        )
        canvas.paint(
            canvas.mask(
                ellipse(-0.022, -high / 2 - 0.02, 0.045, 0.045), ellipse(0.022, -high / 2 - 0.02, 0.045, 0.045)
            ),
            metal,
            volume=1.3,
            softness=0.012,
            gloss=0.25,
        )
    else:
        flap = (
            canvas.mask(
                [
                    (-wide / 2, -high / 2, 1),
                    (wide / 2, -high / 2, 1),
                    (wide / 2 - 0.01, -0.03),
                    (0, high * 0.18, 1),
                    (-wide / 2 + 0.01, -0.03),
                ]
            )
            * body
        )
        canvas.shadow(flap, 0.0, 0.014, 0.012, 0.3)
        canvas.paint(flap, cloth, volume=0.8, softness=0.03, rim=0.3)
        canvas.paint(canvas.mask(ellipse(0, high * 0.12, 0.06, 0.06)), metal, volume=1.3, softness=0.015, gloss=0.25)
    return Look(pattern, "with a metal frame" if framed else "with a pointed flap")


KINDS = {
    "handbag": Kind(
        ("Accessories", "Bags", "Handbags"),
        "Handbag",
        handbag,
        (*LEATHER, "Pink", "Purple", "Yellow", "Green"),
        gender="Women",
        usage="Casual",
    ),
    "backpack": Kind(
        ("Accessories", "Bags", "Backpacks"),
        "Backpack",
        backpack,
        ("Black", "Blue", "Grey", "Red", "Green", "Navy Blue", "Purple", "Brown", "Olive", "Pink"),
    ),
    "clutch": Kind(
        ("Accessories", "Bags", "Clutches"),
        "Clutch",
        clutch,
        ("Black", "Red", "Gold", "Pink", "Purple", "Silver", "Blue", "Brown", "Beige", "Green"),
        gender="Women",
        usage="Casual",
    ),
}
