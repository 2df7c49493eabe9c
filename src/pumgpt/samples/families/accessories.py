"""Watches, sunglasses, belts, ties, caps and wallets."""

from __future__ import annotations

import numpy as np

from pumgpt.samples.canvas import Canvas, Fabric, FloatArray, Point, box, ellipse, mirror, plane
from pumgpt.samples.colour import LEATHER, RGB, contrast, luma, shift
from pumgpt.samples.families.topwear import seam_paint
from pumgpt.samples.kind import Kind, Look, backdrop, cast
from pumgpt.samples.texture import dots, fade, woven

STEEL: RGB = (0.74, 0.75, 0.77)
GOLD: RGB = (0.83, 0.66, 0.36)


def _metal(canvas: Canvas, mask: FloatArray, paint: RGB, softness: float = 0.012) -> None:
    canvas.paint(mask, paint, volume=1.3, softness=softness, rim=0.35, gloss=0.18)


def watch(canvas: Canvas, paint: RGB) -> Look:
    """Dial, hands and crown in a round or square case, on a strap or a bracelet. The paint is the dial's and strap's."""
    backdrop(canvas)
    rng = canvas.rng
    canvas.pose(rng.uniform(0.95, 1.15), rng.normal(0, 3))
    metal = GOLD if rng.uniform() < 0.25 else STEEL
    bracelet, square = rng.uniform() < 0.45, rng.uniform() < 0.25
    size = rng.uniform(0.42, 0.5)
    strap_width = size * rng.uniform(0.42, 0.56)
    _strap(canvas, metal if bracelet else paint, strap_width, bracelet)
    lugs = canvas.mask(box(0, 0, strap_width * 1.15, size * 1.12, 0.02))
    _metal(canvas, lugs, shift(metal, -0.08))
    _metal(canvas, canvas.mask(box(size / 2 + 0.012, 0, 0.035, 0.05, 0.006)), metal)
    case = canvas.mask(_case(size, square))
    cast(canvas, case)
    _metal(canvas, case, metal, 0.02)
    dial = canvas.mask(_case(size * 0.82, square))
    canvas.paint(dial, paint, volume=-0.35, softness=0.02, rim=0.2)
    _dial(canvas, size * 0.82 / 2, paint, metal)
    canvas.glow(canvas.mask([(-0.2, -0.25), (0.05, -0.25), (-0.1, 0.1), (-0.25, 0.05)]), 0.02, alpha=0.16, within=dial)
    return Look("", f"with a {'square' if square else 'round'} case on {'a metal bracelet' if bracelet else 'a strap'}")


def _case(size: float, square: bool) -> list[Point]:
    return box(0, 0, size * 0.92, size, 0.03) if square else ellipse(0, 0, size, size)


def _strap(canvas: Canvas, paint: RGB, width: float, bracelet: bool) -> None:
    half: list[Point] = [
        (0, -0.66),
        (width * 0.4, -0.66, 1),
        (width / 2, -0.2),
        (width / 2, 0.2),
        (width * 0.4, 0.66, 1),
        (0, 0.66),
    ]
    strap = canvas.mask(mirror(half))
    cast(canvas, strap)
    if not bracelet:
        canvas.paint(strap, woven(paint, canvas.rng, 0.04), volume=1.0, softness=0.04, rim=0.35)
        for side in (-1, 1):
            canvas.line(
                [
                    (side * width * 0.34, -0.66),
                    (side * width * 0.42, -0.2),
                    (side * width * 0.42, 0.2),
                    (side * width * 0.34, 0.66),
                ],
                contrast(paint, canvas.rng),
                0.004,
                0.6,
                dash=0.014,
            )
        return
    _metal(canvas, strap, paint, 0.03)
    for y in np.arange(-0.64, 0.66, 0.05):
        canvas.line([(-0.3, float(y)), (0.3, float(y))], (0.25, 0.25, 0.27), 0.005, 0.65, within=strap)
        canvas.line([(-0.3, float(y) + 0.008), (0.3, float(y) + 0.008)], (1, 1, 1), 0.005, 0.5, within=strap)
    for side in (-1, 1):
        canvas.line(
            [(side * width * 0.15, -0.66), (side * width * 0.18, 0), (side * width * 0.15, 0.66)],
            (0.3, 0.3, 0.32),
            0.005,
            0.6,
            within=strap,
        )


def _dial(canvas: Canvas, radius: float, paint: RGB, metal: RGB) -> None:
    rng = canvas.rng
    ink: RGB = (0.93, 0.93, 0.9) if luma(paint) < 0.5 else (0.12, 0.12, 0.14)
    for hour in range(12):
        turn = hour * np.pi / 6
        inner = radius * (0.76 if hour % 3 else 0.68)
        across, down = float(np.sin(turn)), float(-np.cos(turn))
        canvas.line(
            [(across * inner, down * inner), (across * radius * 0.9, down * radius * 0.9)],
            ink,
            0.007 if hour % 3 else 0.014,
        )
    if rng.uniform() < 0.4:
        for x, y in ((-0.42, 0.0), (0.42, 0.0), (0.0, 0.42)):
            ring = canvas.mask(ellipse(x * radius, y * radius, radius * 0.42, radius * 0.42))
            canvas.paint(ring, shift(paint, -0.06 if luma(paint) > 0.3 else 0.1), volume=-0.6, softness=0.01)
    for length, width, turn in (
        (0.5, 0.018, rng.uniform(0, 6.28)),
        (0.78, 0.012, rng.uniform(0, 6.28)),
        (0.85, 0.004, rng.uniform(0, 6.28)),
    ):
        tip = (float(np.sin(turn)) * radius * length, float(-np.cos(turn)) * radius * length)
        canvas.line([(-tip[0] * 0.15, -tip[1] * 0.15), tip], (0.8, 0.15, 0.12) if width < 0.005 else ink, width)
    _metal(canvas, canvas.mask(ellipse(0, 0, 0.03, 0.03)), metal, 0.008)


def sunglasses(canvas: Canvas, paint: RGB) -> Look:
    """Aviators, wide or round frames, from the front."""
    backdrop(canvas)
    rng = canvas.rng
    canvas.pose(rng.uniform(0.95, 1.02), rng.normal(0, 4))
    shape = str(rng.choice(["aviator", "rectangular", "round"]))
    lenses: dict[str, list[Point]] = {
        "aviator": [(0.05, -0.09), (0.2, -0.12), (0.38, -0.1), (0.42, 0.0), (0.34, 0.15), (0.2, 0.18), (0.09, 0.08)],
        "rectangular": [
            (0.05, -0.09),
            (0.22, -0.115),
            (0.43, -0.105, 1),
            (0.42, 0.04),
            (0.35, 0.11),
            (0.14, 0.11),
            (0.07, 0.04),
        ],
        "round": [
            (0.23 + 0.16 * float(np.cos(a)), 0.01 + 0.155 * float(np.sin(a)))
            for a in np.linspace(0, 6.28, 12, endpoint=False)
        ],
    }
    lens = lenses[shape]
    frame = shape == "aviator" and rng.uniform() < 0.7
    rim = GOLD if frame and rng.uniform() < 0.5 else STEEL if frame else paint
    width = 0.014 if frame else rng.uniform(0.026, 0.042)
    glass = paint if frame else ((0.12, 0.12, 0.13) if rng.uniform() < 0.6 else (0.32, 0.2, 0.12))
    pair = [lens, [(-p[0], *p[1:]) for p in lens]]
    both = canvas.mask(*pair)
    arms = np.maximum(
        canvas.stroke([(0.41, -0.08), (0.455, -0.13), (0.36, -0.2)], width),
        canvas.stroke([(-0.41, -0.08), (-0.455, -0.13), (-0.36, -0.2)], width),
    )
    canvas.paint(arms, shift(rim, -0.06), volume=0.8, softness=0.01)
    canvas.shadow(both, 0.01, 0.07, 0.04, 0.25)
    canvas.paint(both, fade(shift(glass, -0.03), shift(glass, 0.28), -0.12, 0.2), volume=0.2, softness=0.03, rim=0.1)
    for side in (-1, 1):
        x = side * 0.23
        canvas.glow(
            canvas.mask([(x - 0.1, -0.12), (x - 0.02, -0.12), (x - 0.1, 0.12), (x - 0.16, 0.06)]),
            0.012,
            alpha=0.28,
            within=both,
        )
    edges = np.maximum.reduce([canvas.stroke(one, width, closed=True) for one in pair])
    bridge = canvas.stroke([(-0.06, -0.03), (0, -0.055), (0.06, -0.03)], width * 0.9)
    if shape == "aviator":
        bridge = np.maximum(bridge, canvas.stroke([(-0.1, -0.1), (0, -0.115), (0.1, -0.1)], width * 0.9))
    canvas.paint(np.maximum(edges, bridge), rim, volume=1.2, softness=0.012, rim=0.3, gloss=0.12)
    return Look(shape, f"with {'a thin metal' if frame else 'a solid'} frame and tinted lenses")


def _arc(depth: float, y: float) -> list[Point]:
    """Half of the ring that a closed belt makes: towards us (positive `depth`) or behind."""
    return [(0.43 * float(np.cos(t)), y + depth * float(np.sin(t))) for t in np.linspace(0, np.pi, 13)]


def belt(canvas: Canvas, paint: RGB) -> Look:
    """A belt closed to a ring, its buckle towards us."""
    backdrop(canvas)
    rng = canvas.rng
    canvas.pose(rng.uniform(0.92, 1.0), rng.normal(0, 3))
    high, depth = rng.uniform(0.09, 0.13), rng.uniform(0.07, 0.15)
    back = canvas.mask([*_arc(-depth, -high / 2), *reversed(_arc(-depth, high / 2))])
    front = canvas.mask([*_arc(depth, -high / 2), *reversed(_arc(depth, high / 2))])
    canvas.shadow(np.maximum(back, front), 0.0, 0.06, 0.03, 0.3)
    canvas.paint(back, shift(paint, -0.1) if rng.uniform() < 0.5 else (0.62, 0.47, 0.34), volume=0.3, softness=0.02)
    canvas.paint(front, woven(paint, rng, 0.03), volume=0.7, softness=0.03, rim=0.4, gloss=0.04)
    for y in (-high * 0.36, high * 0.36):
        canvas.line(
            _arc(depth, y),
            seam_paint(paint) if rng.uniform() < 0.5 else (0.85, 0.8, 0.7),
            0.0035,
            0.7,
            within=front,
            dash=0.012,
        )
    metal, x = GOLD if rng.uniform() < 0.3 else STEEL, rng.uniform(-0.06, 0.06)
    y = depth
    if rng.uniform() < 0.35:
        _metal(canvas, canvas.mask(box(x, y, 0.16, high * 1.2, 0.012)), metal, 0.02)
    else:
        hole = canvas.mask(box(x, y, 0.1, high * 0.85, 0.01))
        _metal(canvas, np.clip(canvas.mask(box(x, y, 0.16, high * 1.35, 0.025)) - hole, 0, 1), metal)
        _metal(canvas, canvas.mask(box(x + 0.03, y, 0.11, 0.018, 0.006)), metal, 0.006)
        canvas.paint(
            canvas.mask(box(x + 0.15, y - 0.004, 0.035, high * 1.12, 0.004)),
            shift(paint, 0.02),
            volume=0.7,
            softness=0.012,
        )
        for i in range(4):
            canvas.lay(
                canvas.mask(ellipse(x - 0.13 - 0.05 * i, y - 0.006 - 0.004 * i, 0.013, 0.013)), (0.05, 0.04, 0.04), 0.9
            )
    return Look("leather", f"with a {'gold' if metal == GOLD else 'silver'} buckle")


def _diagonal(paint: RGB, other: RGB, period: float, share: float) -> Fabric:
    def fabric(x: FloatArray, y: FloatArray) -> FloatArray:
        inside = np.abs(((x + y) / period) % 1.0 - 0.5) < share / 2
        return np.where(inside[..., None], plane(other), plane(paint)).astype(np.float32)

    return fabric


def tie(canvas: Canvas, paint: RGB) -> Look:
    """A knotted tie, plain, dotted or with diagonal stripes."""
    backdrop(canvas)
    rng = canvas.rng
    canvas.pose(rng.uniform(0.94, 1.05), rng.normal(0, 5))
    pattern = str(rng.choice(["", "striped", "striped", "dotted"]))
    other, wide = contrast(paint, rng), rng.uniform(0.085, 0.125)
    cloth: Fabric = woven(paint, rng, 0.03)
    if pattern == "striped":
        cloth = _diagonal(paint, other, rng.uniform(0.06, 0.14), rng.uniform(0.15, 0.5))
    elif pattern == "dotted":
        cloth = dots(paint, other, rng.uniform(0.03, 0.05), 0.2)
    loop = canvas.stroke([(-0.03, -0.47), (-0.13, -0.55), (0, -0.62), (0.13, -0.55), (0.03, -0.47)], 0.05)
    cast(canvas, loop)
    canvas.paint(loop, cloth, volume=0.8, softness=0.02)
    tail = canvas.mask([(0.0, -0.38), (wide * 0.75, 0.38), (wide * 0.4, 0.47, 1), (0, 0.42)])
    canvas.paint(tail, cloth, volume=0.4, softness=0.02)
    blade = canvas.mask(mirror([(0, -0.4), (0.028, -0.4, 1), (wide * 0.75, 0.1), (wide, 0.5, 1), (0, 0.6, 1)]))
    cast(canvas, blade)
    canvas.paint(blade, cloth, volume=0.7, softness=0.03, folds=canvas.folds(0.5, 6, 4), gloss=0.03)
    knot = canvas.mask(mirror([(0, -0.5), (0.062, -0.5, 1), (0.032, -0.385, 1), (0, -0.38)]))
    canvas.shadow(knot, 0, 0.012, 0.01, 0.35)
    canvas.paint(knot, cloth, volume=0.9, softness=0.025, rim=0.35)
    return Look(pattern, "with a knot and a pointed end")


def cap(canvas: Canvas, paint: RGB) -> Look:
    """A baseball cap, turned to one side."""
    backdrop(canvas)
    rng = canvas.rng
    canvas.pose(rng.uniform(0.95, 1.05), rng.normal(0, 5), 0.03, 0.02, bool(rng.uniform() < 0.5))
    second = contrast(paint, rng)
    visor_paint = second if rng.uniform() < 0.3 else paint
    dome = canvas.mask(
        [
            (-0.3, 0.12, 1),
            (-0.31, -0.02),
            (-0.24, -0.18),
            (-0.07, -0.26),
            (0.12, -0.22),
            (0.24, -0.09),
            (0.27, 0.08, 1),
            (0.1, 0.14),
            (-0.1, 0.15),
        ]
    )
    visor = canvas.mask(
        [(-0.12, 0.1), (0.1, 0.08), (0.27, 0.04, 1), (0.4, 0.11), (0.43, 0.19), (0.3, 0.22), (0.1, 0.19), (-0.1, 0.17)]
    )
    canvas.shadow(np.maximum(dome, visor), 0.0, 0.05, 0.035, 0.32)
    canvas.paint(dome, woven(paint, rng, 0.04), volume=1.0, softness=0.1, folds=canvas.folds(0.4, 6, 6))
    seam = seam_paint(paint)
    for line in (
        [(-0.06, -0.26), (-0.16, -0.06), (-0.15, 0.14)],
        [(-0.05, -0.26), (0.06, -0.08), (0.1, 0.13)],
        [(-0.06, -0.26), (-0.27, -0.1), (-0.3, 0.05)],
        [(-0.04, -0.26), (0.18, -0.12), (0.26, 0.02)],
    ):
        points: list[Point] = [*line]
        canvas.line(points, seam, 0.004, 0.7, within=dome)
        canvas.line([(x + 0.009, y) for x, y in line], seam, 0.0025, 0.6, within=dome, dash=0.008)
    canvas.paint(canvas.mask(ellipse(-0.05, -0.262, 0.05, 0.028)), shift(visor_paint, 0.02), volume=0.9, softness=0.01)
    canvas.shadow(visor, 0, -0.006, 0.012, 0.25)
    canvas.paint(visor, woven(visor_paint, rng, 0.03), volume=0.7, softness=0.035, rim=0.35)
    for k in range(3):
        canvas.line(
            [
                (0.28 - 0.02 * k, 0.075 + 0.014 * k),
                (0.385 - 0.02 * k, 0.135 + 0.012 * k),
                (0.3, 0.195 - 0.014 * k),
                (0.0, 0.165 - 0.012 * k),
            ],
            seam_paint(visor_paint),
            0.0028,
            0.6,
            within=visor,
            dash=0.01,
        )
    if rng.uniform() < 0.7:
        badge = canvas.mask(ellipse(0.11, -0.05, 0.1, 0.11, 15))
        canvas.paint(badge, second, volume=0.5, softness=0.01)
        canvas.paint(
            canvas.mask([(0.11, -0.085, 1), (0.14, -0.03, 1), (0.085, -0.025, 1)]), paint, volume=0.5, softness=0.006
        )
    return Look("", "with a curved visor" + (" of a second colour" if visor_paint == second else ""))


def wallet(canvas: Canvas, paint: RGB) -> Look:
    """A folded wallet, closed by a flap or slightly open."""
    backdrop(canvas)
    rng = canvas.rng
    canvas.pose(rng.uniform(0.95, 1.08), rng.normal(0, 5))
    wide, high = rng.uniform(0.6, 0.75), rng.uniform(0.36, 0.5)
    skin = woven(paint, rng, 0.05)
    seam = (0.85, 0.78, 0.66) if rng.uniform() < 0.4 else seam_paint(paint)
    rear = canvas.mask(box(0.02, -0.03, wide, high, 0.03))
    cast(canvas, rear)
    canvas.paint(rear, shift(paint, -0.07), volume=0.4, softness=0.02)
    for k in range(3):
        canvas.line(
            [(-wide / 2 + 0.05, -high / 2 - 0.018 + 0.007 * k), (wide / 2, -high / 2 - 0.018 + 0.007 * k)],
            (0.85, 0.85, 0.8),
            0.003,
            0.6,
            within=rear,
        )
    body = canvas.mask(box(0, 0, wide, high, 0.035))
    canvas.shadow(body, 0.004, 0.006, 0.008, 0.3)
    canvas.paint(body, skin, volume=0.7, softness=0.03, rim=0.3, gloss=0.03, folds=canvas.folds(0.3, 8, 8))
    canvas.line(box(0, 0, wide - 0.04, high - 0.04, 0.02), seam, 0.004, 0.75, closed=True, dash=0.012)
    flap = rng.uniform() < 0.5
    if flap:
        cover = (
            canvas.mask(
                [
                    (-wide / 2, -high / 2, 1),
                    (wide / 2, -high / 2, 1),
                    (wide / 2, -0.02),
                    (wide * 0.2, 0.05),
                    (-wide * 0.2, 0.05),
                    (-wide / 2, -0.02),
                ]
            )
            * body
        )
        canvas.shadow(cover, 0, 0.012, 0.01, 0.3)
        canvas.paint(cover, skin, volume=0.6, softness=0.025, rim=0.3)
        _metal(canvas, canvas.mask(ellipse(0, 0.015, 0.05, 0.05)), GOLD if rng.uniform() < 0.5 else STEEL)
    else:
        canvas.paint(
            canvas.mask(box(wide * 0.28, high * 0.3, 0.09, 0.035, 0.004)), shift(paint, 0.1), volume=0.4, softness=0.006
        )
    canvas.glow(canvas.mask(ellipse(-wide * 0.2, -high * 0.25, 0.25, 0.1, -15)), 0.05, alpha=0.14, within=body)
    return Look("leather", "with a flap and a snap" if flap else "folded once, with stitched edges")


KINDS = {
    "watch": Kind(
        ("Accessories", "Watches", "Watches"),
        "Watch",
        watch,
        ("Black", "White", "Blue", "Brown", "Silver", "Pink", "Red", "Grey", "Navy Blue"),
        usage="Casual",
    ),
    "sunglasses": Kind(
        ("Accessories", "Eyewear", "Sunglasses"),
        "Sunglasses",
        sunglasses,
        ("Black", "Brown", "Red", "Blue", "Purple", "White", "Green"),
        usage="Casual",
        plural=True,
    ),
    "belt": Kind(("Accessories", "Belts", "Belts"), "Belt", belt, LEATHER),
    "tie": Kind(
        ("Accessories", "Ties", "Ties"),
        "Tie",
        tie,
        ("Blue", "Navy Blue", "Red", "Maroon", "Grey", "Purple", "Green", "Black", "Pink", "Yellow", "Silver"),
        gender="Men",
    ),
    "cap": Kind(
        ("Accessories", "Headwear", "Caps"),
        "Cap",
        cap,
        ("Black", "White", "Blue", "Red", "Green", "Grey", "Navy Blue", "Beige", "Brown", "Pink", "Olive"),
    ),
    "wallet": Kind(("Accessories", "Wallets", "Wallets"), "Wallet", wallet, LEATHER, usage="Casual"),
}
