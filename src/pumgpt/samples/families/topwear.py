"""T-shirts, shirts and sweatshirts, as they hang on an invisible mannequin."""

from __future__ import annotations

from pumgpt.samples.canvas import Canvas, Fabric, FloatArray, Point, box, ellipse, mirror
from pumgpt.samples.colour import EVERYDAY, RGB, contrast, luma, mix, shift
from pumgpt.samples.kind import Kind, Look, backdrop, cast
from pumgpt.samples.texture import knit, printed, woven

INK = (0.05, 0.05, 0.07)


def seam_paint(paint: RGB) -> RGB:
    """A seam is darker than its cloth, on black cloth lighter."""
    return shift(paint, -0.16) if luma(paint) > 0.22 else shift(paint, 0.12)


def hang(canvas: Canvas) -> None:
    backdrop(canvas)
    rng = canvas.rng
    canvas.pose(rng.uniform(0.88, 1.02), rng.normal(0, 1.5), rng.uniform(-0.02, 0.02), rng.uniform(-0.02, 0.03))


def sleeve(shoulder: Point, armpit: Point, length: float, width: float, spread: float) -> list[Point]:
    """A right sleeve; `length` 0 to 1 from cap to wrist, `spread` how far it stands off the body."""
    x, y = shoulder[0], shoulder[1]
    end_x, end_y = x + (0.10 + 0.14 * spread) * (0.5 + length), y + 0.12 + 0.66 * length
    slope = 0.6 + 0.4 * length
    outer = (end_x, end_y - 0.02, 1)
    inner = (end_x - width, end_y + 0.035 * (1.5 - slope), 1)
    bend = (x + (end_x - x) * 0.62 + 0.012, y + (end_y - y) * 0.42)
    under = (armpit[0] + (inner[0] - armpit[0]) * 0.5 - 0.006, armpit[1] + (inner[1] - armpit[1]) * 0.5)
    return [
        (x - 0.05, y - 0.005),
        (x + 0.035, y + 0.045),
        bend,
        outer,
        inner,
        under,
        (armpit[0], armpit[1], 1),
        (x - 0.06, y + 0.1),
    ]


def both(canvas: Canvas, outline: list[Point]) -> FloatArray:
    return canvas.mask(outline, [(-p[0], *p[1:]) for p in outline])


def _torso(
    neck: float, drop: float, shoulder: Point, armpit: Point, waist: float, hem: float, length: float, vee: bool
) -> list[Point]:
    collar: list[Point] = [(0, -0.46 + drop, *((1,) if vee else ()))]
    collar += [] if vee else [(neck * 0.62, -0.47 + drop * 0.78)]
    half: list[Point] = [
        *collar,
        (neck, -0.475, 1),
        (shoulder[0], shoulder[1], 1),
        (armpit[0] + 0.012, (shoulder[1] + armpit[1]) / 2),
        (armpit[0], armpit[1], 1),
        (waist, 0.1),
        (hem, length - 0.01, 1),
        (hem * 0.5, length + 0.012),
        (0, length + 0.015),
    ]
    return mirror(half)


def _inside_neck(canvas: Canvas, paint: RGB, neck: float, drop: float) -> None:
    """The back of the collar, seen through the neck opening."""
    back = canvas.mask(
        [(-neck, -0.478, 1), (0, -0.462), (neck, -0.478, 1), (neck * 0.7, -0.4 + drop), (-neck * 0.7, -0.4 + drop)]
    )
    canvas.paint(back, shift(mix(paint, INK, 0.3), -0.02), volume=0.3, rim=0.35)
    label = canvas.mask(box(0, -0.438, 0.045, 0.022, 0.003))
    canvas.lay(label * back, (0.93, 0.92, 0.9), 0.9)


def _motif(canvas: Canvas, paint: RGB, body: FloatArray) -> str:
    """A print on the chest: a badge, a sun over hills, a large number, bars."""
    rng = canvas.rng
    ink, second = contrast(paint, rng), shift(mix(paint, (0.9, 0.5, 0.2), 0.7), 0.05)
    x, y, size = 0.0, -0.14, rng.uniform(0.14, 0.22)
    kind = int(rng.integers(4))
    if kind == 0:
        disc = canvas.mask(ellipse(x, y, size, size))
        canvas.lay(disc, second, 0.9)
        hills = canvas.mask(
            [
                (-0.2, y + 0.03),
                (-0.06, y - 0.02),
                (0.0, y + 0.02),
                (0.07, y - 0.01),
                (0.2, y + 0.05),
                (0.2, 0.2, 1),
                (-0.2, 0.2, 1),
            ]
        )
        canvas.lay(disc * hills, ink, 0.9)
        return "a sun print"
    if kind == 1:
        for i in range(int(rng.integers(3, 6))):
            canvas.line(
                [(x - size / 2, y - 0.05 + i * 0.035), (x + size / 2, y - 0.05 + i * 0.035)],
                ink if i % 2 else second,
                0.014,
                0.9,
            )
        return "a bar print"
    if kind == 2:
        ring = canvas.mask(ellipse(x, y, size, size)) - canvas.mask(ellipse(x, y, size * 0.8, size * 0.8))
        canvas.lay(ring, ink, 0.92)
        canvas.lay(
            canvas.mask(
                [(x, y - size * 0.3, 1), (x + size * 0.26, y + size * 0.18, 1), (x - size * 0.26, y + size * 0.18, 1)]
            ),
            second,
            0.92,
        )
        return "a badge print"
    canvas.line([(-0.22, y, 1), (0.22, y, 1)], ink, rng.uniform(0.05, 0.09), 0.92, within=body)
    return "a chest band"


def tshirt(canvas: Canvas, paint: RGB) -> Look:
    """Round, V or polo collar; short or long sleeves; plain, striped or printed."""
    hang(canvas)
    rng = canvas.rng
    cut = str(rng.choice(["round", "round", "vee", "polo"]))
    long = rng.uniform() < 0.15
    cloth, pattern = printed(paint, rng, ("plain", "plain", "plain", "stripes", "camouflage"))
    neck, drop = rng.uniform(0.085, 0.115), {"round": rng.uniform(0.04, 0.08), "vee": 0.13, "polo": 0.05}[cut]
    shoulder, armpit = (rng.uniform(0.235, 0.265), -0.425), (rng.uniform(0.205, 0.23), -0.2)
    _inside_neck(canvas, paint, neck, drop)
    folds = canvas.folds(rng.uniform(0.5, 1.1))
    sleeves = both(
        canvas,
        sleeve(
            shoulder, armpit, 0.85 if long else rng.uniform(0.12, 0.22), rng.uniform(0.11, 0.14), rng.uniform(0.1, 0.6)
        ),
    )
    body = canvas.mask(
        _torso(
            neck,
            drop,
            shoulder,
            armpit,
            armpit[0] - rng.uniform(-0.01, 0.02),
            armpit[0] + rng.uniform(-0.005, 0.02),
            rng.uniform(0.36, 0.45),
            cut == "vee",
        )
    )
    cast(canvas, sleeves * (1 - body) + body)
    canvas.paint(sleeves, cloth, volume=0.55, softness=0.04, folds=folds)
    canvas.paint(body, cloth, volume=0.5, softness=0.08, folds=folds)
    seam = seam_paint(paint)
    _trim(canvas, paint, neck, drop, cut, contrast(paint, rng) if rng.uniform() < 0.25 else shift(paint, -0.05))
    canvas.line([(-armpit[0], 0.345), (0, 0.36), (armpit[0], 0.345)], seam, 0.003, 0.35, within=body, dash=0.006)
    motif = _motif(canvas, paint, body) if not pattern and cut != "polo" and rng.uniform() < 0.55 else ""
    collar = {"round": "a round neck", "vee": "a V-neck", "polo": "a polo collar"}[cut]
    details = f"with {collar} and {'long' if long else 'short'} sleeves" + (f", {motif} on the front" if motif else "")
    return Look(" ".join(filter(None, [pattern, "polo" if cut == "polo" else ""])), details)


def _trim(canvas: Canvas, paint: RGB, neck: float, drop: float, cut: str, trim: RGB) -> None:
    """The collar of a T-shirt."""
    bottom = -0.46 + drop
    if cut == "polo":
        for side in (1, -1):
            flap = canvas.mask(
                [
                    (side * p[0], *p[1:])
                    for p in [
                        (neck + 0.01, -0.485, 1),
                        (neck + 0.035, -0.43),
                        (0.055, -0.35, 1),
                        (0.0, bottom, 1),
                        (neck * 0.6, -0.44),
                    ]
                ]
            )
            canvas.shadow(flap, 0.002, 0.008, 0.008, 0.25)
            canvas.paint(flap, trim, volume=0.4, softness=0.015)
        placket = canvas.mask(box(0, bottom + 0.075, 0.04, 0.15, 0.004))
        canvas.paint(placket, shift(paint, 0.01), volume=0.25, softness=0.01, rim=0.2)
        for i in range(3):
            canvas.paint(
                canvas.mask(ellipse(0, bottom + 0.03 + i * 0.045, 0.012, 0.012)),
                shift(trim, 0.1),
                volume=0.8,
                softness=0.005,
            )
        return
    arc: list[Point] = (
        [(-neck, -0.475), (0, bottom, 1), (neck, -0.475)]
        if cut == "vee"
        else [
            (-neck, -0.475),
            (-neck * 0.62, -0.47 + drop * 0.78),
            (0, bottom),
            (neck * 0.62, -0.47 + drop * 0.78),
            (neck, -0.475),
        ]
    )
    band = canvas.stroke(arc, 0.022)
    canvas.paint(band, trim, volume=0.5, softness=0.008, rim=0.2)


def shirt(canvas: Canvas, paint: RGB) -> Look:
    """A button-down with a pointed collar, placket, pocket and cuffs."""
    hang(canvas)
    rng = canvas.rng
    long = rng.uniform() < 0.65
    cloth, pattern = printed(paint, rng, ("plain", "plain", "checks", "checks", "pinstripes"))
    shoulder, armpit, neck, drop = (rng.uniform(0.235, 0.26), -0.425), (rng.uniform(0.205, 0.225), -0.2), 0.085, 0.05
    _inside_neck(canvas, paint, neck, drop)
    folds = canvas.folds(rng.uniform(0.6, 1.2))
    sleeves = both(
        canvas, sleeve(shoulder, armpit, 0.88 if long else 0.24, 0.1 if long else 0.125, rng.uniform(0.0, 0.4))
    )
    length = rng.uniform(0.4, 0.46)
    body = canvas.mask(_torso(neck, drop, shoulder, armpit, armpit[0] - 0.01, armpit[0], length, True))
    cast(canvas, sleeves * (1 - body) + body)
    canvas.paint(sleeves, cloth, volume=0.55, softness=0.04, folds=folds)
    canvas.paint(body, cloth, volume=0.5, softness=0.08, folds=folds)
    seam = seam_paint(paint)
    placket = canvas.mask(box(0.0, 0.0, 0.042, 0.9, 0.002)) * body
    canvas.paint(placket, cloth, volume=0.2, softness=0.008, rim=0.18)
    for x in (-0.017, 0.017):
        canvas.line([(x, -0.4), (x, length)], seam, 0.002, 0.4, within=body, dash=0.006)
    button = shift(paint, -0.25) if luma(paint) > 0.6 else (0.92, 0.91, 0.88)
    for i in range(7):
        canvas.paint(canvas.mask(ellipse(0, -0.35 + i * 0.115, 0.013, 0.013)), button, volume=0.9, softness=0.004)
    if rng.uniform() < 0.7:
        pocket = [(0.06, -0.2, 1), (0.155, -0.2, 1), (0.155, -0.1, 1), (0.108, -0.08, 1), (0.06, -0.1, 1)]
        canvas.paint(canvas.mask(pocket), cloth, volume=0.3, softness=0.006, rim=0.16)
        canvas.line(pocket, seam, 0.0025, 0.5, closed=True)
    _shirt_collar(canvas, cloth, neck, drop)
    details = f"with a pointed collar, buttons down the front and {'long' if long else 'short'} sleeves"
    return Look(pattern, details)


def _shirt_collar(canvas: Canvas, cloth: Fabric, neck: float, drop: float) -> None:
    for side in (1, -1):
        wing = [
            (neck - 0.008, -0.5, 1),
            (neck + 0.04, -0.445),
            (0.088, -0.345, 1),
            (0.0, -0.455 + drop, 1),
            (neck * 0.55, -0.455),
        ]
        flap = canvas.mask([(side * p[0], *p[1:]) for p in wing])
        canvas.shadow(flap, 0.003, 0.012, 0.01, 0.3)
        canvas.paint(flap, cloth, volume=0.5, softness=0.014)


def sweatshirt(canvas: Canvas, paint: RGB) -> Look:
    """Crew neck or hood, ribbed cuffs and hem, sometimes a front pocket."""
    hang(canvas)
    rng = canvas.rng
    hood = rng.uniform() < 0.5
    shoulder, armpit, neck, drop = (0.25, -0.41), (0.232, -0.17), 0.1, 0.055
    cloth, rib = woven(paint, rng, 0.045), knit(shift(paint, -0.03), rng)
    folds = canvas.folds(rng.uniform(0.9, 1.5))
    if hood:
        back = canvas.mask([(-0.13, -0.44), (-0.125, -0.56), (0, -0.61), (0.125, -0.56), (0.13, -0.44), (0, -0.34)])
        cast(canvas, back)
        canvas.paint(back, cloth, volume=0.7, softness=0.05, folds=folds)
        canvas.paint(
            canvas.mask([(-0.085, -0.45), (-0.075, -0.54), (0, -0.565), (0.075, -0.54), (0.085, -0.45), (0, -0.38)]),
            shift(paint, -0.12),
            volume=-0.5,
            softness=0.03,
        )
    else:
        _inside_neck(canvas, paint, neck, drop)
    sleeves = both(canvas, sleeve(shoulder, armpit, 0.84, 0.1, rng.uniform(0.1, 0.4)))
    body = canvas.mask(_torso(neck, drop, shoulder, armpit, 0.235, 0.225, 0.4, False))
    cast(canvas, sleeves * (1 - body) + body)
    canvas.paint(sleeves, cloth, volume=0.7, softness=0.045, folds=folds)
    canvas.paint(body, cloth, volume=0.6, softness=0.09, folds=folds)
    canvas.paint(body * canvas.mask(box(0, 0.385, 0.6, 0.07, 0.001)), rib, volume=0.4, softness=0.012)
    _trim(canvas, paint, neck, drop, "round", shift(paint, -0.04))
    if hood:
        pocket = mirror([(0, 0.09, 1), (0.09, 0.09, 1), (0.15, 0.24, 1), (0.15, 0.33, 1), (0, 0.33, 1)])
        canvas.paint(canvas.mask(pocket), cloth, volume=0.5, softness=0.012, rim=0.3)
        for side in (1, -1):
            canvas.line(
                [(side * 0.045, -0.4), (side * 0.05, -0.3), (side * 0.045, -0.2)], contrast(paint, rng), 0.007, 0.95
            )
    motif = "" if hood or rng.uniform() < 0.5 else _motif(canvas, paint, body)
    opening = "a hood and a front pocket" if hood else "a round neck"
    return Look(
        "hooded" if hood else "", f"with {opening} and long sleeves" + (f", {motif} on the front" if motif else "")
    )


KINDS = {
    "tshirt": Kind(
        ("Apparel", "Topwear", "Tshirts"),
        "T-shirt",
        tshirt,
        (
            *EVERYDAY,
            "Olive",
            "Charcoal",
            "Turquoise Blue",
        ),
    ),
    "shirt": Kind(
        ("Apparel", "Topwear", "Shirts"),
        "Shirt",
        shirt,
        (
            "White",
            "Blue",
            "Navy Blue",
            "Grey",
            "Pink",
            "Purple",
            "Red",
            "Green",
            "Black",
            "Beige",
            "Maroon",
            "Lavender",
            "Brown",
        ),
    ),
    "sweatshirt": Kind(
        ("Apparel", "Topwear", "Sweatshirts"),
        "Sweatshirt",
        sweatshirt,
        ("Grey", "Black", "Navy Blue", "Blue", "Red", "Green", "Charcoal", "Maroon", "Purple", "Brown"),
    ),
}
