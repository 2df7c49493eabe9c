"""Dresses, as they hang on an invisible mannequin."""

from __future__ import annotations

from pumgpt.samples.canvas import Canvas, FloatArray, Point, box, mirror
from pumgpt.samples.colour import RGB, contrast, mix, shift
from pumgpt.samples.families.topwear import INK, both, hang, seam_paint, sleeve
from pumgpt.samples.kind import Kind, Look, cast
from pumgpt.samples.texture import printed


def dress(canvas: Canvas, paint: RGB) -> Look:
    """Fitted above, wide below; straps or short sleeves; often patterned."""
    hang(canvas)
    canvas.pose(canvas.rng.uniform(0.92, 1.05), canvas.rng.normal(0, 1.5), 0, canvas.rng.uniform(-0.02, 0.02))
    rng = canvas.rng
    cloth, pattern = printed(paint, rng, ("plain", "plain", "floral", "dots", "stripes"))
    straps, flare, length = rng.uniform() < 0.55, rng.uniform(0.19, 0.34), rng.uniform(0.42, 0.6)
    waist_y, waist = rng.uniform(-0.17, -0.1), rng.uniform(0.105, 0.125)
    folds = canvas.folds(rng.uniform(0.8, 1.3), across=9)
    if straps:
        for side in (1, -1):
            canvas.paint(
                canvas.stroke([(side * 0.085, -0.59), (side * 0.095, -0.44)], rng.uniform(0.012, 0.04)),
                cloth,
                volume=0.4,
                softness=0.01,
            )
        top: list[Point] = [(0, -0.435), (0.085, -0.465, 1), (0.13, -0.42), (0.142, -0.36)]
    else:
        sleeves = both(canvas, sleeve((0.175, -0.535), (0.14, -0.38), 0.1, 0.085, 0.2))
        _inside_neck_at(canvas, paint)
        cast(canvas, sleeves)
        canvas.paint(sleeves, cloth, volume=0.6, softness=0.04, folds=folds)
        top = [(0, -0.5), (0.06, -0.53), (0.085, -0.58, 1), (0.185, -0.54, 1), (0.15, -0.45), (0.142, -0.37, 1)]
    skirt_half: list[Point] = [
        (waist + 0.012, waist_y + 0.02),
        (waist + (flare - waist) * 0.45, (waist_y + length) / 2 - 0.03),
        (flare, length, 1),
        (flare * 0.6, length + 0.025),
        (0, length + 0.03),
    ]
    body = canvas.mask(mirror([*top, (waist, waist_y), *skirt_half]))
    cast(canvas, body)
    canvas.paint(body, cloth, volume=0.6, softness=0.07, folds=folds)
    _pleats(canvas, body, seam_paint(paint), waist, waist_y, flare, length)
    belted = rng.uniform() < 0.5
    band = canvas.mask(box(0, waist_y, 0.4, 0.03 if belted else 0.008, 0.002)) * body
    canvas.paint(band, contrast(paint, rng) if belted else shift(paint, -0.1), volume=0.5, softness=0.01)
    details = f"with {'thin straps' if straps else 'short sleeves'}" + (
        " and a belt at the waist" if belted else " and a flared skirt"
    )
    return Look(pattern, details)


def _inside_neck_at(canvas: Canvas, paint: RGB) -> None:
    back = canvas.mask([(-0.085, -0.582, 1), (0, -0.565), (0.085, -0.582, 1), (0.06, -0.49), (-0.06, -0.49)])
    canvas.paint(back, shift(mix(paint, INK, 0.3), -0.02), volume=0.3, rim=0.3)


def _pleats(canvas: Canvas, body: FloatArray, seam: RGB, waist: float, top: float, flare: float, bottom: float) -> None:
    """Soft lines that fall from the waist to the hem."""
    for share in canvas.rng.uniform(-0.85, 0.85, 7):
        line: list[Point] = [
            (share * waist, top + 0.01),
            (share * (waist + flare) * 0.52, (top + bottom) / 2),
            (share * flare, bottom + 0.02),
        ]
        canvas.line(line, seam, 0.008, 0.16, within=body)


KINDS = {
    "dress": Kind(
        ("Apparel", "Dress", "Dresses"),
        "Dress",
        dress,
        (
            "Black",
            "Red",
            "Blue",
            "Pink",
            "Purple",
            "Green",
            "White",
            "Navy Blue",
            "Yellow",
            "Maroon",
            "Orange",
            "Peach",
            "Turquoise Blue",
        ),
        gender="Women",
        usage="Casual",
    ),
}
