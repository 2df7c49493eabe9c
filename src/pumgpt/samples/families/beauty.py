"""Perfume, nail polish, lipstick and deodorant."""

from __future__ import annotations

from pumgpt.samples.canvas import Canvas, FloatArray, Point, box, ellipse, mirror
from pumgpt.samples.colour import RGB, mix, shift
from pumgpt.samples.families.accessories import GOLD, STEEL
from pumgpt.samples.kind import Kind, Look, backdrop, stand
from pumgpt.samples.texture import fade

BLACK: RGB = (0.07, 0.07, 0.08)


def tube(
    canvas: Canvas, x: float, top: float, bottom: float, width: float, paint: RGB, radius: float = 0.012
) -> FloatArray:
    """A polished cylinder: dark flanks, a bright stripe left of the middle, a faint one at the right."""
    mask = canvas.mask(box(x, (top + bottom) / 2, width, bottom - top, radius))
    canvas.paint(mask, paint, volume=0.5, softness=0.02, rim=0.15)
    high = bottom - top
    for share, wide, dark, alpha in (
        (-0.46, 0.16, True, 0.3),
        (0.44, 0.22, True, 0.34),
        (-0.2, 0.12, False, 0.6),
        (0.28, 0.06, False, 0.25),
    ):
        band = canvas.mask(box(x + share * width, (top + bottom) / 2, width * wide, high * 0.98, 0.002))
        canvas.glow(band, width * 0.05, (0, 0, 0) if dark else (1, 1, 1), alpha, within=mask)
    return mask


def perfume(canvas: Canvas, paint: RGB) -> Look:
    """A glass bottle with coloured scent, a label and a cap."""
    backdrop(canvas)
    rng = canvas.rng
    canvas.pose(rng.uniform(0.92, 1.05), 0, 0, 0.06)
    shape = str(rng.choice(["square", "round", "slender"]))
    wide = {"square": rng.uniform(0.21, 0.26), "round": rng.uniform(0.24, 0.28), "slender": rng.uniform(0.13, 0.16)}[
        shape
    ]
    top, low = {"square": -0.15, "round": -0.16, "slender": -0.3}[shape], 0.36
    stand(canvas, 0, low, wide * 2)
    outline: list[Point] = mirror(
        [(0, top), (wide * 0.82, top + 0.005), (wide, top + 0.06), (wide, low - 0.05), (wide * 0.9, low), (0, low)]
    )
    if shape == "round":
        outline = ellipse(0, (top + low) / 2, wide * 2, low - top)
    glass = canvas.mask(outline)
    tube(canvas, 0, top - 0.06, top + 0.02, 0.1, STEEL, 0.004)
    metal = (GOLD, STEEL, BLACK)[rng.integers(3)]
    tube(canvas, 0, top - rng.uniform(0.18, 0.26), top - 0.04, rng.uniform(0.13, 0.2), metal)
    canvas.paint(glass, mix(paint, (0.92, 0.95, 0.97), 0.72), volume=0.5, softness=0.03, rim=0.3)
    inner = canvas.mask([(x * 0.86, (y - low) * 0.9 + low - 0.028, *rest) for x, y, *rest in outline])
    level = canvas.mask(box(0, 0.6, 1.2, 1.2 - (top + 0.07) * 1.0, 0.001))
    canvas.paint(
        inner * level,
        fade(shift(mix(paint, (1, 1, 1), 0.35), 0.04), shift(paint, -0.03), top, low),
        volume=0.5,
        softness=0.04,
        rim=0.1,
    )
    for x, width, alpha in ((-wide * 0.72, 0.035, 0.75), (wide * 0.8, 0.016, 0.4)):
        canvas.glow(
            canvas.mask(box(x, (top + low) / 2, width, (low - top) * 0.7, 0.01)), 0.008, alpha=alpha, within=glass
        )
    canvas.glow(canvas.mask(box(0, low - 0.02, wide * 1.6, 0.015, 0.005)), 0.006, alpha=0.5, within=glass)
    _label(canvas, (top + low) / 2 + 0.03, wide)
    return Look("", f"in a {shape} glass bottle with a cap")


def _label(canvas: Canvas, y: float, wide: float) -> None:
    rng = canvas.rng
    if rng.uniform() < 0.55:
        canvas.paint(canvas.mask(box(0, y, wide * 1.05, 0.15, 0.004)), (0.96, 0.95, 0.92), volume=0.2, softness=0.008)
    ink = (0.2, 0.18, 0.16)
    for k, width in enumerate((0.7, 0.45, 0.3)):
        canvas.line(
            [(-wide * width * 0.6, y - 0.035 + 0.035 * k), (wide * width * 0.6, y - 0.035 + 0.035 * k)],
            ink,
            0.012 if k == 0 else 0.005,
            0.75,
        )


def nail_polish(canvas: Canvas, paint: RGB) -> Look:
    """A small bottle of lacquer under a tall cap."""
    backdrop(canvas)
    rng = canvas.rng
    canvas.pose(rng.uniform(0.9, 1.08), 0, 0, 0.02)
    wide, low = rng.uniform(0.13, 0.17), 0.36
    stand(canvas, 0, low, wide * 2)
    top = rng.uniform(-0.02, 0.06)
    tube(canvas, 0, top - 0.05, top + 0.02, 0.13, STEEL, 0.004)
    tube(
        canvas,
        0,
        rng.uniform(-0.52, -0.4),
        top - 0.01,
        rng.uniform(0.13, 0.17),
        BLACK if rng.uniform() < 0.65 else STEEL,
    )
    outline = mirror(
        [(0, top), (wide * 0.7, top + 0.01), (wide, top + 0.09), (wide, low - 0.04), (wide * 0.85, low), (0, low)]
    )
    glass = canvas.mask(outline)
    canvas.paint(glass, mix(paint, (1, 1, 1), 0.3), volume=0.6, softness=0.03, rim=0.25)
    inner = canvas.mask([(x * 0.9, (y - low) * 0.95 + low - 0.02, *rest) for x, y, *rest in outline])
    canvas.paint(inner, paint, volume=0.6, softness=0.04, rim=0.2, gloss=0.06)
    for x, width, alpha in ((-wide * 0.6, 0.03, 0.7), (wide * 0.72, 0.014, 0.35)):
        canvas.glow(
            canvas.mask(box(x, (top + low) / 2 + 0.03, width, (low - top) * 0.62, 0.012)),
            0.01,
            alpha=alpha,
            within=glass,
        )
    if rng.uniform() < 0.5:
        canvas.line([(-wide * 0.5, 0.22), (wide * 0.5, 0.22)], (0.97, 0.97, 0.97), 0.016, 0.8)
        canvas.line([(-wide * 0.3, 0.25), (wide * 0.3, 0.25)], (0.97, 0.97, 0.97), 0.006, 0.8)
    return Look("", "in a small glass bottle with a tall cap")


def lipstick(canvas: Canvas, paint: RGB) -> Look:
    """A bullet turned out of its case, the cap beside it or away."""
    backdrop(canvas)
    rng = canvas.rng
    canvas.pose(rng.uniform(0.92, 1.05), 0, 0, 0.04)
    case = (BLACK, GOLD, STEEL, shift(paint, -0.15))[rng.integers(4)]
    capped = rng.uniform() < 0.6
    x, low, wide = (-0.11 if capped else 0.0), 0.42, 0.17
    stand(canvas, x, low, wide * 1.2)
    bullet = canvas.mask(
        [
            (x - 0.055, 0.0, 1),
            (x - 0.055, -0.3),
            (x - 0.02, -0.42),
            (x + 0.03, -0.45),
            (x + 0.055, -0.38),
            (x + 0.055, 0.0, 1),
        ]
    )
    canvas.paint(bullet, paint, volume=0.8, softness=0.03, rim=0.2)
    canvas.glow(
        canvas.mask([(x - 0.045, -0.28), (x - 0.01, -0.41), (x + 0.035, -0.43), (x + 0.045, -0.37), (x + 0.0, -0.27)]),
        0.01,
        alpha=0.3,
        within=bullet,
    )
    canvas.glow(canvas.mask(box(x - 0.025, -0.15, 0.018, 0.26, 0.008)), 0.008, alpha=0.5, within=bullet)
    tube(canvas, x, -0.08, 0.12, 0.135, GOLD if case == BLACK else STEEL, 0.004)
    tube(canvas, x, 0.1, low, wide, case)
    if capped:
        stand(canvas, x + 0.24, low, wide * 1.2)
        tube(canvas, x + 0.24, -0.05, low, wide, case, 0.016)
    return Look("", "turned out of its case" + (", with the cap beside it" if capped else ""))


def deodorant(canvas: Canvas, paint: RGB) -> Look:
    """A tall spray can."""
    backdrop(canvas)
    rng = canvas.rng
    canvas.pose(rng.uniform(0.95, 1.05), 0, 0, 0.02)
    wide, low, top = rng.uniform(0.19, 0.24), 0.56, -0.3
    stand(canvas, 0, low, wide * 1.2)
    cap_paint = (BLACK, STEEL, shift(paint, -0.12), shift(paint, 0.15))[rng.integers(4)]
    tube(canvas, 0, -0.55, top - 0.01, wide * rng.uniform(0.78, 0.95), cap_paint, 0.04)
    can = tube(canvas, 0, top, low, wide, paint, 0.03)
    other: RGB = (0.95, 0.95, 0.95) if sum(paint) < 1.8 else (0.15, 0.2, 0.35)
    y = rng.uniform(-0.1, 0.15)
    if rng.uniform() < 0.5:
        canvas.lay(canvas.mask(ellipse(0, y, wide * 0.62, wide * 0.62)) * can, other, 0.75)
        canvas.lay(canvas.mask(ellipse(0.02, y + 0.01, wide * 0.4, wide * 0.4)) * can, paint, 0.8)
    else:
        canvas.line([(-0.2, y + 0.1), (0, y), (0.2, y - 0.1)], other, 0.06, 0.7, within=can)
    for k, width in enumerate((0.3, 0.2)):
        canvas.line(
            [(-wide * width, y + 0.22 + 0.04 * k), (wide * width, y + 0.22 + 0.04 * k)],
            other,
            0.016 - 0.008 * k,
            0.85,
            within=can,
        )
    return Look("", "in a tall spray can")


SCENTS = ("Blue", "Pink", "Purple", "Yellow", "Red", "Green", "Orange", "Black")
LIPS = ("Red", "Pink", "Maroon", "Brown", "Peach", "Purple", "Orange", "Magenta")
KINDS = {
    "perfume": Kind(
        ("Personal Care", "Fragrance", "Perfume and Body Mist"), "Perfume", perfume, SCENTS, usage="Casual"
    ),
    "nail polish": Kind(
        ("Personal Care", "Nails", "Nail Polish"),
        "Nail Polish",
        nail_polish,
        (*LIPS, "Blue", "Green", "Gold", "Lavender", "Black"),
        gender="Women",
        usage="Casual",
    ),
    "lipstick": Kind(("Personal Care", "Lips", "Lipstick"), "Lipstick", lipstick, LIPS, gender="Women", usage="Casual"),
    "deodorant": Kind(
        ("Personal Care", "Fragrance", "Deodorant"),
        "Deodorant",
        deodorant,
        (*SCENTS, "Silver", "White"),
        usage="Casual",
    ),
}
