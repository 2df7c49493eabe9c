"""Shoes from the side, and flip flops from above."""

from __future__ import annotations

from pumgpt.samples.canvas import Canvas, FloatArray, Point, box, ellipse
from pumgpt.samples.colour import RGB, contrast, luma, mix, shift
from pumgpt.samples.families.topwear import seam_paint
from pumgpt.samples.kind import Kind, Look, backdrop, cast, stand
from pumgpt.samples.texture import printed, woven

RUBBER = (0.93, 0.93, 0.91)
DARK = (0.1, 0.1, 0.11)


def _place(canvas: Canvas, foot: float) -> None:
    """Turn the shoe and put its shadow below; `foot` is the height of the ground."""
    backdrop(canvas)
    rng = canvas.rng
    canvas.pose(rng.uniform(0.9, 1.02), rng.normal(3, 3), 0, 0.02, bool(rng.uniform() < 0.4))
    stand(canvas, 0.0, foot, 0.86)


def _laces(canvas: Canvas, paint: RGB, start: tuple[float, float], end: tuple[float, float], count: int) -> None:
    for i in range(count):
        share = i / (count - 1)
        x, y = start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share
        canvas.paint(
            canvas.stroke([(x - 0.05, y + 0.05), (x - 0.008, y + 0.0), (x + 0.04, y + 0.01)], 0.017),
            paint,
            softness=0.006,
            rim=0.4,
        )


def sports_shoe(canvas: Canvas, paint: RGB) -> Look:
    """A running shoe: thick sole with a wedge, mesh toe, overlays and a swoosh of our own."""
    _place(canvas, 0.245)
    rng = canvas.rng
    second = contrast(paint, rng)
    sole = canvas.mask(
        [
            (-0.43, 0.1),
            (-0.3, 0.11),
            (0.0, 0.15),
            (0.25, 0.14),
            (0.42, 0.1),
            (0.455, 0.13),
            (0.43, 0.2),
            (0.3, 0.235),
            (0.0, 0.23),
            (-0.3, 0.245),
            (-0.43, 0.225),
            (-0.46, 0.16),
        ]
    )
    upper = canvas.mask(
        [
            (-0.38, -0.17, 1),
            (-0.29, -0.13),
            (-0.18, -0.14),
            (-0.09, -0.2, 1),
            (-0.02, -0.16),
            (0.12, -0.06),
            (0.27, 0.0),
            (0.4, 0.05),
            (0.445, 0.13, 1),
            (0.2, 0.18),
            (-0.2, 0.17),
            (-0.44, 0.14, 1),
            (-0.42, 0.02),
            (-0.4, -0.08),
        ]
    )
    tongue = canvas.mask([(-0.13, -0.15), (-0.12, -0.27), (-0.04, -0.26), (0.04, -0.12)])
    canvas.paint(tongue, shift(paint, 0.03), volume=0.6, softness=0.03)
    canvas.paint(upper, woven(paint, rng, 0.06), volume=0.9, softness=0.07)
    toe = upper * canvas.mask([(0.3, -0.1), (0.28, 0.06), (0.33, 0.2), (0.6, 0.2), (0.6, -0.1)])
    heel = upper * canvas.mask([(-0.5, -0.3), (-0.33, -0.2), (-0.27, 0.0), (-0.3, 0.2), (-0.5, 0.2)])
    for part in (toe, heel):
        canvas.paint(part, second, volume=0.5, softness=0.04, rim=0.2)
    _overlays(canvas, upper, second, seam_paint(paint))
    canvas.paint(sole, RUBBER if rng.uniform() < 0.75 else DARK, volume=0.7, softness=0.04, rim=0.3)
    tread: list[Point] = [(-0.45, 0.2), (-0.2, 0.222), (0.1, 0.215), (0.44, 0.18)]
    canvas.line(tread, mix(second, DARK, 0.3), 0.022, 0.95, within=sole)
    canvas.line([(-0.44, 0.15), (-0.25, 0.17), (-0.02, 0.185)], paint, 0.016, 0.9, within=sole)
    _laces(canvas, RUBBER if luma(paint) < 0.7 else second, (-0.08, -0.19), (0.13, -0.06), 5)
    return Look("", "with laces, a thick sole and overlays in a second colour")


def _overlays(canvas: Canvas, upper: FloatArray, second: RGB, seam: RGB) -> None:
    kind = int(canvas.rng.integers(3))
    if kind == 0:
        for x in (-0.16, -0.08, 0.0):
            canvas.line([(x + 0.07, -0.14), (x + 0.01, 0.0), (x - 0.04, 0.16)], second, 0.032, 0.95, within=upper)
    elif kind == 1:
        wave = canvas.mask(
            [(-0.3, 0.02), (-0.12, 0.08), (0.1, 0.02), (0.3, -0.02, 1), (0.12, 0.1), (-0.1, 0.15), (-0.26, 0.1)]
        )
        canvas.paint(wave * upper, second, volume=0.4, softness=0.015)
    else:
        canvas.line(
            [(-0.34, 0.06), (-0.1, 0.0), (0.05, -0.05), (0.2, 0.06), (0.3, 0.12)], second, 0.022, 0.95, within=upper
        )
    canvas.line([(0.04, -0.11), (0.14, 0.02), (0.3, 0.06)], seam, 0.003, 0.7, within=upper, dash=0.008)
    canvas.line([(-0.27, -0.13), (-0.24, 0.02), (-0.28, 0.15)], seam, 0.003, 0.7, within=upper, dash=0.008)
    canvas.line([(-0.37, -0.15), (-0.29, -0.11), (-0.18, -0.12), (-0.1, -0.17)], seam, 0.018, 0.45, within=upper)


def casual_shoe(canvas: Canvas, paint: RGB) -> Look:
    """A canvas shoe, low or high, with a flat rubber sole and a toe cap."""
    _place(canvas, 0.225)
    rng = canvas.rng
    high = rng.uniform() < 0.35
    top = -0.36 if high else -0.12
    cloth, pattern = printed(paint, rng, ("plain", "plain", "plain", "checks", "camouflage"))
    lean = 0.05 if high else 0.0
    upper = canvas.mask(
        [
            (-0.37, top, 1),
            (-0.25, top + (0.02 if high else 0.04)),
            (-0.1 - lean, top - 0.03, 1),
            (-0.03, -0.12),
            (0.12, -0.02),
            (0.28, 0.03),
            (0.4, 0.07),
            (0.43, 0.16, 1),
            (-0.41, 0.16, 1),
            (-0.4, 0.0),
        ]
    )
    tongue = canvas.mask(
        [(-0.17 - lean, top + 0.05), (-0.14 - lean, top - 0.08), (-0.05 - lean, top - 0.06), (0.04, -0.06)]
    )
    canvas.paint(tongue, shift(paint, -0.04), volume=0.6, softness=0.03)
    canvas.paint(upper, cloth, volume=0.8, softness=0.06, folds=canvas.folds(0.4, 9, 6))
    cap = upper * canvas.mask([(0.27, -0.1), (0.25, 0.08), (0.3, 0.2), (0.6, 0.2), (0.6, -0.1)])
    rubber = RUBBER if rng.uniform() < 0.8 else (0.86, 0.8, 0.68)
    if rng.uniform() < 0.6:
        canvas.paint(cap, rubber, volume=0.8, softness=0.04)
    sole = canvas.mask(
        [
            (-0.43, 0.115, 1),
            (0.0, 0.13),
            (0.4, 0.105),
            (0.455, 0.15),
            (0.44, 0.215, 1),
            (0, 0.228),
            (-0.43, 0.222, 1),
            (-0.445, 0.17),
        ]
    )
    canvas.paint(sole, rubber, volume=0.6, softness=0.03, rim=0.3)
    canvas.line([(-0.44, 0.145), (0, 0.158), (0.45, 0.14)], contrast(rubber, rng), 0.009, 0.8, within=sole)
    seam = seam_paint(paint)
    canvas.line([(-0.28, top), (-0.25, 0.0), (-0.27, 0.14)], seam, 0.003, 0.8, within=upper, dash=0.008)
    canvas.line([(0.0, -0.09), (0.1, 0.06), (0.07, 0.14)], seam, 0.003, 0.8, within=upper, dash=0.008)
    _laces(
        canvas, RUBBER if luma(paint) < 0.75 else (0.35, 0.36, 0.4), (-0.1 - lean, top), (0.1, -0.02), 7 if high else 5
    )
    return Look(" ".join(filter(None, [pattern, "high-top" if high else ""])), "with laces and a flat rubber sole")


def formal_shoe(canvas: Canvas, paint: RGB) -> Look:
    """Polished leather with a heel block; laced or slipped on."""
    _place(canvas, 0.2)
    rng = canvas.rng
    laced = rng.uniform() < 0.6
    upper = canvas.mask(
        [
            (-0.38, -0.13, 1),
            (-0.26, -0.07),
            (-0.13, -0.1),
            (-0.06, -0.15, 1),
            (0.05, -0.07),
            (0.18, 0.02),
            (0.33, 0.06),
            (0.44, 0.11),
            (0.455, 0.155, 1),
            (0.1, 0.17),
            (-0.1, 0.15),
            (-0.4, 0.15, 1),
            (-0.41, 0.0),
        ]
    )
    sole = canvas.mask(
        [
            (-0.41, 0.135, 1),
            (0, 0.15),
            (0.3, 0.155),
            (0.465, 0.145, 1),
            (0.44, 0.175),
            (0.1, 0.185),
            (-0.12, 0.165, 1),
            (-0.15, 0.205, 1),
            (-0.405, 0.205, 1),
        ]
    )
    canvas.paint(
        canvas.mask([(-0.17, -0.09), (-0.12, -0.17), (-0.05, -0.18), (0.02, -0.08)]), shift(paint, -0.05), softness=0.02
    )
    canvas.paint(upper, paint, volume=1.0, softness=0.06, gloss=0.05)
    canvas.glow(canvas.mask(ellipse(0.3, 0.085, 0.16, 0.028, 16)), 0.014, alpha=0.55, within=upper)
    canvas.glow(canvas.mask(ellipse(-0.28, 0.0, 0.1, 0.05, 70)), 0.022, alpha=0.3, within=upper)
    canvas.paint(sole, DARK, volume=0.5, softness=0.012)
    seam = seam_paint(paint)
    canvas.line([(0.16, 0.0), (0.2, 0.07), (0.17, 0.15)], seam, 0.005, 0.7, within=upper)
    canvas.line([(-0.2, -0.07), (-0.13, 0.05), (0.04, 0.08), (0.1, -0.03)], seam, 0.004, 0.8, within=upper, dash=0.008)
    if laced:
        _laces(canvas, shift(paint, -0.08), (-0.05, -0.13), (0.07, -0.05), 4)
    else:
        canvas.paint(
            canvas.mask([(-0.1, -0.12), (-0.02, -0.13), (0.1, -0.02), (0.06, 0.05), (-0.06, -0.02)]) * upper,
            shift(paint, 0.02),
            volume=0.6,
            softness=0.015,
            rim=0.4,
        )
        canvas.paint(canvas.mask(box(0.02, -0.045, 0.05, 0.026, 0.006)), (0.75, 0.72, 0.66), volume=1, softness=0.008)
    return Look("lace-up" if laced else "slip-on", "in polished leather with a low heel")


def heels(canvas: Canvas, paint: RGB) -> Look:
    """A pump or a strappy sandal on a thin or a solid heel."""
    _place(canvas, 0.235)
    rng = canvas.rng
    thin, strap, open_ = rng.uniform() < 0.6, rng.uniform() < 0.4, rng.uniform() < 0.4
    width = 0.035 if thin else 0.1
    heel = canvas.mask(
        [
            (-0.39, -0.13, 1),
            (-0.23, -0.06, 1),
            (-0.315 + width * 0.4, 0.1),
            (-0.335 + width, 0.235, 1),
            (-0.34, 0.235, 1),
            (-0.37, 0.05),
        ]
    )
    canvas.paint(heel, shift(paint, -0.04) if rng.uniform() < 0.7 else (0.55, 0.38, 0.22), volume=0.9, softness=0.025)
    inside = canvas.mask(
        [
            (-0.36, -0.24),
            (-0.26, -0.14),
            (-0.05, 0.02),
            (0.15, 0.1),
            (0.24, 0.1),
            (0.0, 0.12),
            (-0.25, -0.02),
            (-0.38, -0.1),
        ]
    )
    canvas.paint(inside, (0.8, 0.68, 0.55), volume=0.4, softness=0.03)
    front = 0.16 if open_ else 0.3
    upper = canvas.mask(
        [
            (-0.385, -0.29, 1),
            (-0.29, -0.2),
            (-0.14, -0.045),
            (0.02, 0.055),
            (0.13, 0.075),
            (0.21, 0.045, 1),
            (front, 0.1),
            (0.42, 0.19),
            (0.46, 0.222, 1),
            (0.3, 0.235),
            (0.13, 0.215),
            (-0.02, 0.13),
            (-0.15, 0.0),
            (-0.27, -0.07),
            (-0.39, -0.1, 1),
            (-0.4, -0.2),
        ]
    )
    canvas.paint(upper, paint, volume=1.0, softness=0.045, gloss=0.06)
    canvas.glow(canvas.mask(ellipse(0.28, 0.135, 0.18, 0.03, 30)), 0.015, alpha=0.5, within=upper)
    canvas.glow(canvas.mask(ellipse(-0.33, -0.16, 0.1, 0.03, 62)), 0.016, alpha=0.35, within=upper)
    sole = canvas.stroke(
        [(0.46, 0.228), (0.3, 0.241), (0.13, 0.222), (-0.02, 0.137), (-0.15, 0.006), (-0.27, -0.064), (-0.38, -0.094)],
        0.012,
    )
    canvas.paint(sole, (0.3, 0.2, 0.14), softness=0.008)
    if strap:
        canvas.paint(
            canvas.stroke([(-0.38, -0.27), (-0.3, -0.33), (-0.18, -0.32), (-0.12, -0.26)], 0.022),
            paint,
            softness=0.01,
            rim=0.4,
        )
        canvas.paint(
            canvas.stroke([(-0.385, -0.25), (-0.26, -0.26), (-0.12, -0.26)], 0.022), paint, softness=0.01, rim=0.4
        )
        canvas.paint(canvas.mask(box(-0.2, -0.262, 0.026, 0.034, 0.004)), (0.85, 0.75, 0.5), volume=1, softness=0.008)
    if rng.uniform() < 0.35:
        for side in (-1, 1):
            canvas.paint(
                canvas.mask([(0.2, 0.07), (0.2 + side * 0.06, 0.03), (0.2 + side * 0.07, 0.1)]),
                shift(paint, 0.04),
                softness=0.012,
            )
    return Look("", f"with {'a thin' if thin else 'a solid'} heel" + (" and an ankle strap" if strap else ""))


def flip_flops(canvas: Canvas, paint: RGB) -> Look:
    """A pair from above."""
    backdrop(canvas)
    rng = canvas.rng
    bed, tilt, strap_paint = (
        paint,
        rng.uniform(2, 12),
        contrast(paint, rng) if rng.uniform() < 0.6 else shift(paint, -0.1),
    )
    cloth, pattern = printed(bed, rng, ("plain", "plain", "stripes", "floral"))
    zoom, turn = rng.uniform(0.82, 0.98), rng.normal(0, 12)
    for side in (-1, 1):
        canvas.pose(zoom, turn + side * tilt, side * 0.19, side * 0.03, side < 0)
        outline: list[Point] = [
            (0.02, -0.43),
            (0.13, -0.38),
            (0.165, -0.25),
            (0.13, -0.05),
            (0.115, 0.15),
            (0.13, 0.33),
            (0.06, 0.42),
            (-0.05, 0.42),
            (-0.12, 0.33),
            (-0.12, 0.15),
            (-0.135, -0.05),
            (-0.15, -0.22),
            (-0.1, -0.37),
        ]
        sole = canvas.mask(outline)
        cast(canvas, sole)
        canvas.paint(sole, shift(bed, -0.2), volume=0.3, softness=0.02)
        top = canvas.mask([(x * 0.94, y * 0.965) for x, y in outline])
        canvas.paint(top, cloth, volume=0.25, softness=0.03, rim=0.12)
        canvas.glow(canvas.mask(ellipse(0, 0.28, 0.13, 0.18)), 0.04, (0, 0, 0), 0.12, within=top)
        arms = canvas.stroke([(-0.135, 0.02), (-0.1, -0.12), (0.005, -0.27), (0.1, -0.14), (0.125, 0.02)], 0.045)
        canvas.shadow(arms, 0.008, 0.014, 0.01, 0.3)
        canvas.paint(arms, strap_paint, volume=0.9, softness=0.02, rim=0.3, gloss=0.08)
        canvas.paint(
            canvas.mask(ellipse(0.003, -0.275, 0.045, 0.045)), shift(strap_paint, 0.05), volume=0.9, softness=0.012
        )
    return Look(pattern, "as a pair with a strap between the toes")


SHOE = ("Black", "White", "Brown", "Grey", "Navy Blue", "Blue", "Red", "Green", "Beige")
KINDS = {
    "sports shoe": Kind(
        ("Footwear", "Shoes", "Sports Shoes"),
        "Sports Shoe",
        sports_shoe,
        ("White", "Black", "Blue", "Red", "Grey", "Green", "Navy Blue", "Yellow", "Pink", "Silver"),
        usage="Sports",
    ),
    "casual shoe": Kind(("Footwear", "Shoes", "Casual Shoes"), "Casual Shoe", casual_shoe, SHOE, usage="Casual"),
    "formal shoe": Kind(
        ("Footwear", "Shoes", "Formal Shoes"),
        "Formal Shoe",
        formal_shoe,
        ("Black", "Brown", "Black", "Tan"),
        gender="Men",
        usage="Formal",
    ),
    "heels": Kind(
        ("Footwear", "Shoes", "Heels"),
        "Heels",
        heels,
        ("Black", "Red", "Beige", "Brown", "Gold", "Pink", "White", "Silver", "Purple"),
        gender="Women",
        usage="Casual",
        plural=True,
    ),
    "flip flops": Kind(
        ("Footwear", "Flip Flops", "Flip Flops"),
        "Flip Flops",
        flip_flops,
        ("Black", "Blue", "Red", "Brown", "White", "Pink", "Green", "Navy Blue", "Yellow"),
        usage="Casual",
        plural=True,
    ),
}
