"""Jeans, trousers, shorts, skirts and socks."""

from __future__ import annotations

from pumgpt.samples.canvas import Canvas, Fabric, FloatArray, Point, box, ellipse, mirror
from pumgpt.samples.colour import RGB, contrast, luma, mix, shift
from pumgpt.samples.families.topwear import seam_paint
from pumgpt.samples.kind import Kind, Look, backdrop, cast
from pumgpt.samples.texture import denim, knit, printed, stripes, woven

THREAD = (0.78, 0.55, 0.26)


def _legs(waist: float, hip: float, knee: float, cuff: float, length: float, gap: float) -> list[Point]:
    """Both legs in one outline, from the waistband at y = -0.55."""
    half: list[Point] = [
        (0, -0.535),
        (waist, -0.55, 1),
        (hip, -0.36),
        (gap + knee, (length - 0.25) / 2),
        (gap + cuff, length, 1),
        (gap, length + 0.012, 1),
        (gap * 0.8 + 0.004, (length - 0.25) / 2),
        (0, -0.23, 1),
    ]
    return mirror(half)


def _fly(canvas: Canvas, body: FloatArray, waist: float, thread: RGB, band: Fabric | RGB) -> None:
    """Waistband, button, fly and pockets."""
    strip = canvas.mask([(-0.3, -0.6, 1), (0.3, -0.6, 1), (0.3, -0.502, 1), (0, -0.488), (-0.3, -0.502, 1)]) * body
    canvas.paint(strip, band, volume=0.5, softness=0.012, rim=0.3)
    for x in (-waist * 0.72, -waist * 0.3, waist * 0.3, waist * 0.72):
        canvas.paint(canvas.mask(box(x, -0.52, 0.014, 0.062, 0.003)), band, volume=0.6, softness=0.005, rim=0.3)
    canvas.line([(-0.2, -0.497), (0, -0.483), (0.2, -0.497)], thread, 0.0025, 0.7, within=body, dash=0.008)
    canvas.line([(0.0, -0.49), (0.0, -0.24)], shift(thread, -0.4), 0.003, 0.5, within=body)
    canvas.line([(0.035, -0.485), (0.035, -0.34), (0.005, -0.29)], thread, 0.0025, 0.7, dash=0.008)
    for side in (1, -1):
        pocket = [(side * waist * 0.45, -0.492), (side * waist * 0.6, -0.42), (side * (waist + 0.03), -0.405)]
        canvas.line(pocket, shift(thread, -0.45), 0.006, 0.35, within=body)
        canvas.line([(x, y + 0.007) for x, y in pocket], thread, 0.0025, 0.7, within=body, dash=0.008)
    canvas.paint(
        canvas.mask(ellipse(0.0, -0.517, 0.02, 0.02)), (0.72, 0.6, 0.42), volume=1.2, softness=0.006, gloss=0.3
    )


def _pose(canvas: Canvas) -> None:
    backdrop(canvas)
    rng = canvas.rng
    canvas.pose(rng.uniform(0.9, 1.03), rng.normal(0, 1.5), rng.uniform(-0.02, 0.02), rng.uniform(-0.02, 0.02))


def _back(canvas: Canvas, paint: RGB, waist: float) -> None:
    inside = canvas.mask([(-waist, -0.55, 1), (0, -0.565), (waist, -0.55, 1), (0, -0.53)])
    canvas.paint(inside, shift(paint, -0.12), volume=0.3, softness=0.01)


def jeans(canvas: Canvas, paint: RGB) -> Look:
    """Slim, straight or wide; raw or worn denim."""
    _pose(canvas)
    rng = canvas.rng
    worn = rng.uniform() * (0.5 if luma(paint) < 0.15 else 1.0)
    cut = str(rng.choice(["slim", "straight", "bootcut"]))
    cuff = {"slim": 0.082, "straight": 0.112, "bootcut": 0.14}[cut]
    waist, knee = rng.uniform(0.15, 0.17), {"slim": 0.115, "straight": 0.125, "bootcut": 0.108}[cut]
    paint = mix(paint, (0.24, 0.31, 0.42), 0.5) if paint[2] > paint[0] + 0.1 else paint
    cloth = denim(paint, rng, worn)
    body = canvas.mask(_legs(waist, waist + 0.04, knee, cuff, 0.58, rng.uniform(0.008, 0.05)))
    cast(canvas, body)
    _back(canvas, paint, waist)
    canvas.paint(body, cloth, volume=0.75, softness=0.05, folds=canvas.folds(rng.uniform(0.7, 1.2), 8, 9))
    _fly(canvas, body, waist, THREAD if rng.uniform() < 0.75 else seam_paint(paint), cloth)
    return Look(cut, "with five pockets" + (" and a worn, lighter front" if worn > 0.45 else ""))


def trousers(canvas: Canvas, paint: RGB) -> Look:
    """Smooth cloth with a pressed crease."""
    _pose(canvas)
    rng = canvas.rng
    waist = rng.uniform(0.145, 0.165)
    cloth = woven(paint, rng, 0.02)
    gap = rng.uniform(0.005, 0.03)
    body = canvas.mask(_legs(waist, waist + 0.035, 0.12, rng.uniform(0.1, 0.13), 0.58, gap))
    cast(canvas, body)
    _back(canvas, paint, waist)
    canvas.paint(body, cloth, volume=0.7, softness=0.05, folds=canvas.folds(0.5, 6, 4))
    for side in (1, -1):
        canvas.line(
            [(side * 0.1, -0.4), (side * (gap + 0.063), 0.1), (side * (gap + 0.06), 0.57)],
            shift(paint, 0.1),
            0.006,
            0.45,
            within=body,
        )
    _fly(canvas, body, waist, seam_paint(paint), cloth)
    return Look("", "with a pressed crease")


def shorts(canvas: Canvas, paint: RGB) -> Look:
    """Two short legs; a drawstring or a buttoned waistband."""
    _pose(canvas)
    rng = canvas.rng
    canvas.pose(rng.uniform(1.15, 1.4), rng.normal(0, 2), 0, 0.33)
    waist, length = rng.uniform(0.17, 0.19), rng.uniform(-0.1, 0.05)
    cloth, pattern = printed(paint, rng, ("plain", "plain", "checks", "camouflage"))
    half: list[Point] = [
        (0, -0.535),
        (waist, -0.55, 1),
        (waist + 0.045, -0.36),
        (waist + 0.08, length, 1),
        (0.035, length + 0.02, 1),
        (0, -0.22, 1),
    ]
    body = canvas.mask(mirror(half))
    cast(canvas, body)
    _back(canvas, paint, waist)
    canvas.paint(body, cloth, volume=0.6, softness=0.06, folds=canvas.folds(1.0, 8, 5))
    sporty = rng.uniform() < 0.45 and not pattern
    if sporty:
        band = canvas.mask(box(0, -0.53, 0.5, 0.06, 0.002)) * body
        canvas.paint(band, knit(shift(paint, -0.03), rng), volume=0.5, softness=0.012)
        stripe = contrast(paint, rng)
        for side in (1, -1):
            canvas.line(
                [
                    (side * (waist - 0.005), -0.5),
                    (side * (waist + 0.03), -0.36),
                    (side * (waist + 0.062), length + 0.01),
                ],
                stripe,
                0.016,
                0.9,
                within=body,
            )
            canvas.line([(side * 0.012, -0.53), (side * 0.03, -0.46), (side * 0.02, -0.4)], (0.93, 0.93, 0.92), 0.006)
    else:
        _fly(canvas, body, waist, seam_paint(paint), cloth)
    canvas.line(
        [(-0.4, length - 0.02), (0, length), (0.4, length - 0.02)],
        seam_paint(paint),
        0.0025,
        0.5,
        within=body,
        dash=0.008,
    )
    return Look(pattern, "with a drawstring and side stripes" if sporty else "with a buttoned waistband and pockets")


def skirt(canvas: Canvas, paint: RGB) -> Look:
    """Pencil to circle, short to long, plain or patterned."""
    _pose(canvas)
    rng = canvas.rng
    waist, flare, length = rng.uniform(0.12, 0.14), rng.uniform(0.17, 0.38), rng.uniform(0.12, 0.45)
    canvas.pose(rng.uniform(1.0, 1.2), rng.normal(0, 2), 0, (0.42 - length) * 0.5)
    cloth, pattern = printed(paint, rng, ("plain", "floral", "dots", "checks"))
    hip = min(flare, waist + 0.06)
    body = canvas.mask(
        mirror(
            [
                (0, -0.445),
                (waist, -0.46, 1),
                (hip, -0.25),
                (flare, length, 1),
                (flare * 0.6, length + 0.03),
                (0, length + 0.04),
            ]
        )
    )
    cast(canvas, body)
    folds = canvas.folds(0.7 + 2.2 * (flare - 0.17), across=10, down=2)
    canvas.paint(body, cloth, volume=0.6, softness=0.06, folds=folds)
    for share in rng.uniform(-0.85, 0.85, 8 if flare > 0.24 else 0):
        canvas.line(
            [(share * waist, -0.4), (share * (hip + flare) / 2, (length - 0.4) / 2), (share * flare, length + 0.03)],
            seam_paint(paint),
            0.009,
            0.18,
            within=body,
        )
    canvas.paint(
        canvas.mask([(-0.3, -0.5, 1), (0.3, -0.5, 1), (0.3, -0.425, 1), (0, -0.41), (-0.3, -0.425, 1)]) * body,
        shift(paint, -0.06),
        volume=0.5,
        softness=0.012,
    )
    cut = "flared" if flare > 0.26 else "straight"
    return Look(
        " ".join(filter(None, [pattern, cut])),
        f"that falls {'long' if length > 0.3 else 'short'} from a narrow waistband",
    )


def socks(canvas: Canvas, paint: RGB) -> Look:
    """A pair, one a little behind the other; ribbed cuff, heel and toe of a second paint."""
    backdrop(canvas)
    rng = canvas.rng
    second = contrast(paint, rng)
    striped, height = rng.uniform() < 0.5, rng.uniform(-0.42, -0.1)
    cloth: Fabric = stripes(paint, second, rng.uniform(0.06, 0.12), 0.3, False) if striped else knit(paint, rng)
    trim = second if rng.uniform() < 0.6 else shift(paint, -0.06)
    flip = bool(rng.uniform() < 0.5)
    for x, y, angle in ((-0.13, -0.03, 6), (0.07, 0.03, -3)):
        canvas.pose(0.95, angle * (-1 if flip else 1), x * (-1 if flip else 1) * 0.8, y - height * 0.4 - 0.12, flip)
        sock = canvas.mask(
            [
                (-0.1, height, 1),
                (0.06, height, 1),
                (0.06, 0.1),
                (0.075, 0.19),
                (0.17, 0.27),
                (0.27, 0.34),
                (0.285, 0.41),
                (0.22, 0.44),
                (0.08, 0.41),
                (-0.04, 0.36),
                (-0.105, 0.28),
                (-0.098, 0.18),
                (-0.09, 0.05),
            ]
        )
        cast(canvas, sock)
        canvas.paint(sock, cloth, volume=0.8, softness=0.04, folds=canvas.folds(0.6, 5, 7))
        for part in (ellipse(-0.09, 0.3, 0.15, 0.17, 30), ellipse(0.27, 0.42, 0.17, 0.22, 30)):
            canvas.paint(sock * canvas.mask(part), trim, volume=0.5, softness=0.03, rim=0.1)
        cuff = sock * canvas.mask(box(-0.02, height + 0.03, 0.3, 0.07, 0.001))
        canvas.paint(cuff, knit(trim, rng, 0.012), volume=0.7, softness=0.03, rim=0.2)
    length = "ankle" if height > -0.2 else "crew"
    return Look(" ".join(filter(None, ["striped" if striped else "", length])), "as a pair with ribbed cuffs")


BLUES = ("Blue", "Navy Blue", "Blue", "Black", "Grey")
CLOTH = ("Black", "Grey", "Navy Blue", "Brown", "Beige", "Charcoal", "Olive", "Cream")
KINDS = {
    "jeans": Kind(("Apparel", "Bottomwear", "Jeans"), "Jeans", jeans, BLUES, usage="Casual", plural=True),
    "trousers": Kind(("Apparel", "Bottomwear", "Trousers"), "Trousers", trousers, CLOTH, plural=True),
    "shorts": Kind(
        ("Apparel", "Bottomwear", "Shorts"), "Shorts", shorts, (*CLOTH, "Blue", "Red", "Green"), plural=True
    ),
    "skirt": Kind(
        ("Apparel", "Bottomwear", "Skirts"),
        "Skirt",
        skirt,
        ("Black", "Red", "Pink", "Blue", "Purple", "White", "Green", "Navy Blue", "Brown", "Yellow"),
        gender="Women",
    ),
    "socks": Kind(
        ("Accessories", "Socks", "Socks"),
        "Socks",
        socks,
        ("White", "Black", "Grey", "Navy Blue", "Red", "Green", "Pink", "Blue", "Brown", "Yellow"),
        plural=True,
    ),
}
