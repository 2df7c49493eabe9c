"""Animals and people, simply drawn."""

from __future__ import annotations

from pumgpt.samples.canvas import Canvas, Point, box, ellipse
from pumgpt.samples.colour import RGB, mix, shift
from pumgpt.samples.foreign.scenes import ground, ridge, sky, tree

FUR: tuple[RGB, ...] = ((0.55, 0.38, 0.22), (0.18, 0.15, 0.14), (0.85, 0.8, 0.72), (0.6, 0.58, 0.56), (0.75, 0.5, 0.25))
SKIN: tuple[RGB, ...] = ((0.95, 0.78, 0.66), (0.8, 0.6, 0.45), (0.55, 0.38, 0.27), (0.36, 0.25, 0.19))


def meadow(canvas: Canvas) -> None:
    rng = canvas.rng
    sky(canvas)
    level = rng.uniform(-0.3, 0.1)
    for x in rng.uniform(-0.5, 0.5, int(rng.integers(0, 5))):
        tree(canvas, float(x), level + 0.03, rng.uniform(0.2, 0.5))
    ground(
        canvas,
        ridge(canvas, level, 0.015),
        (rng.uniform(0.25, 0.55), rng.uniform(0.4, 0.55), rng.uniform(0.15, 0.3)),
        0.2,
    )


def dog(canvas: Canvas) -> None:
    """A dog from the side, standing in the grass."""
    meadow(canvas)
    rng = canvas.rng
    fur = FUR[rng.integers(len(FUR))]
    canvas.pose(
        rng.uniform(0.7, 1.4), rng.normal(0, 4), rng.uniform(-0.1, 0.1), rng.uniform(0, 0.25), bool(rng.uniform() < 0.5)
    )
    relief = canvas.folds(0.35, 60, 60)
    for x in (-0.17, -0.1, 0.13, 0.19):
        canvas.paint(
            canvas.mask(box(x, 0.14, 0.05, 0.24, 0.02)),
            shift(fur, -0.06 if x in (-0.1, 0.13) else 0),
            softness=0.02,
            folds=relief,
        )
    canvas.paint(canvas.stroke([(-0.2, -0.04), (-0.3, -0.12), (-0.33, -0.22)], 0.035), fur, softness=0.015)
    canvas.paint(canvas.mask(ellipse(0, 0, 0.48, 0.21, -4)), fur, volume=0.9, softness=0.07, folds=relief)
    canvas.paint(
        canvas.mask([(0.12, -0.05), (0.2, -0.2), (0.3, -0.22), (0.28, -0.05), (0.2, 0.03)]),
        fur,
        softness=0.05,
        folds=relief,
    )
    canvas.paint(
        canvas.mask(ellipse(0.28, -0.21, 0.17, 0.15), ellipse(0.38, -0.18, 0.13, 0.075)),
        fur,
        volume=0.8,
        softness=0.04,
        folds=relief,
    )
    canvas.paint(canvas.mask(ellipse(0.23, -0.2, 0.07, 0.15, 15)), shift(fur, -0.12), softness=0.03)
    canvas.lay(canvas.mask(ellipse(0.44, -0.195, 0.035, 0.03), ellipse(0.31, -0.23, 0.022, 0.024)), (0.04, 0.03, 0.03))


def cat(canvas: Canvas) -> None:
    """A cat that sits and looks at us."""
    meadow(canvas)
    rng = canvas.rng
    fur = FUR[rng.integers(len(FUR))]
    canvas.pose(rng.uniform(0.8, 1.5), rng.normal(0, 4), rng.uniform(-0.1, 0.1), rng.uniform(0, 0.2))
    relief = canvas.folds(0.35, 60, 60)
    canvas.paint(canvas.stroke([(0.12, 0.25), (0.28, 0.2), (0.25, 0.02)], 0.045), shift(fur, -0.05), softness=0.02)
    canvas.paint(
        canvas.mask([(0, -0.1), (0.11, 0.0), (0.16, 0.2), (0.12, 0.3), (-0.12, 0.3), (-0.16, 0.2), (-0.11, 0.0)]),
        fur,
        volume=0.8,
        softness=0.07,
        folds=relief,
    )
    for side in (-1, 1):
        canvas.paint(
            canvas.mask([(side * 0.11, -0.2, 1), (side * 0.11, -0.35, 1), (side * 0.02, -0.27, 1)]), fur, softness=0.03
        )
    canvas.paint(canvas.mask(ellipse(0, -0.18, 0.26, 0.21)), fur, volume=0.8, softness=0.06, folds=relief)
    for side in (-1, 1):
        canvas.lay(canvas.mask(ellipse(side * 0.055, -0.2, 0.05, 0.045)), (0.55, 0.65, 0.2))
        canvas.lay(canvas.mask(ellipse(side * 0.055, -0.2, 0.014, 0.042)), (0.02, 0.02, 0.02))
        for k in range(3):
            canvas.line([(side * 0.03, -0.14), (side * 0.17, -0.16 + 0.025 * k)], (0.95, 0.95, 0.93), 0.002, 0.8)
    canvas.lay(canvas.mask([(-0.015, -0.16, 1), (0.015, -0.16, 1), (0, -0.145, 1)]), (0.85, 0.5, 0.5))


def birds(canvas: Canvas) -> None:
    """Birds on the wing."""
    rng = canvas.rng
    sky(canvas)
    for _ in range(int(rng.integers(1, 9))):
        canvas.pose(
            rng.uniform(0.2, 0.9),
            rng.normal(0, 15),
            rng.uniform(-0.35, 0.35),
            rng.uniform(-0.5, 0.4),
            bool(rng.uniform() < 0.5),
        )
        feather = FUR[rng.integers(len(FUR))]
        wing: list[Point] = [(0.05, 0.0), (-0.02, -0.14), (-0.16, -0.26, 1), (-0.12, -0.1), (-0.08, 0.01)]
        canvas.paint(
            canvas.mask(wing, [(-0.05, 0), (0.05, -0.02), (0.16, -0.22, 1), (0.14, -0.06)]),
            shift(feather, -0.05),
            softness=0.03,
        )
        canvas.paint(
            canvas.mask(
                [
                    (-0.24, 0.04, 1),
                    (-0.1, -0.03),
                    (0.1, -0.035),
                    (0.17, -0.02),
                    (0.22, 0.005, 1),
                    (0.12, 0.05),
                    (-0.05, 0.05),
                ]
            ),
            feather,
            softness=0.04,
        )


def person(canvas: Canvas, x: float, y: float, size: float) -> None:
    """Somebody far enough away that no garment can be read."""
    rng = canvas.rng
    skin = SKIN[rng.integers(len(SKIN))]
    top: RGB = tuple(rng.uniform(0.1, 0.9, 3))  # type: ignore[assignment]
    legs = mix(top, (0.15, 0.15, 0.2), 0.8)
    swing = rng.uniform(0.02, 0.16) * size
    for side in (-1, 1):
        canvas.paint(
            canvas.stroke(
                [(x, y - 0.45 * size), (x + side * swing * 0.6, y - 0.22 * size), (x + side * swing, y)], 0.1 * size
            ),
            legs,
            softness=0.02,
        )
        canvas.paint(
            canvas.stroke(
                [(x + side * 0.08 * size, y - 0.78 * size), (x + side * (0.16 * size + swing * 0.4), y - 0.5 * size)],
                0.07 * size,
            ),
            top,
            softness=0.02,
        )
    canvas.paint(canvas.mask(box(x, y - 0.63 * size, 0.24 * size, 0.38 * size, 0.06 * size)), top, softness=0.03)
    canvas.paint(canvas.mask(ellipse(x, y - 0.92 * size, 0.14 * size, 0.17 * size)), skin, softness=0.02)
    canvas.lay(canvas.mask(ellipse(x, y - 0.97 * size, 0.15 * size, 0.1 * size)), FUR[rng.integers(len(FUR))])


def people(canvas: Canvas) -> None:
    """People in a park."""
    meadow(canvas)
    for _ in range(int(canvas.rng.integers(1, 7))):
        person(canvas, canvas.rng.uniform(-0.4, 0.4), canvas.rng.uniform(0.25, 0.6), canvas.rng.uniform(0.2, 0.6))


def face(canvas: Canvas) -> None:
    """A face, close up."""
    meadow(canvas)
    rng = canvas.rng
    skin, hair = SKIN[rng.integers(len(SKIN))], FUR[rng.integers(len(FUR))]
    canvas.pose(rng.uniform(1.2, 2.0), rng.normal(0, 8), rng.uniform(-0.1, 0.1), rng.uniform(-0.05, 0.1))
    canvas.paint(canvas.mask(ellipse(0, -0.06, 0.42, 0.5)), hair, softness=0.05, folds=canvas.folds(0.8, 60, 4))
    canvas.paint(canvas.mask(box(0, 0.22, 0.14, 0.2, 0.05)), shift(skin, -0.05), softness=0.03)
    canvas.paint(canvas.mask(ellipse(0, 0, 0.32, 0.42)), skin, volume=0.7, softness=0.1)
    canvas.paint(
        canvas.mask(
            [(-0.17, -0.06), (-0.1, -0.14), (0.05, -0.12), (0.17, -0.04), (0.16, -0.2), (0, -0.27), (-0.16, -0.2)]
        ),
        hair,
        softness=0.04,
    )
    for side in (-1, 1):
        canvas.lay(canvas.mask(ellipse(side * 0.07, -0.02, 0.06, 0.03)), (0.97, 0.96, 0.95))
        canvas.lay(canvas.mask(ellipse(side * 0.07, -0.02, 0.027, 0.03)), (0.2, 0.15, 0.1))
        canvas.line([(side * 0.03, -0.06), (side * 0.07, -0.07), (side * 0.11, -0.055)], shift(hair, -0.1), 0.01)
    canvas.line([(0.005, 0.0), (0.02, 0.06), (0, 0.065)], shift(skin, -0.15), 0.006, 0.7)
    canvas.line([(-0.06, 0.12), (0, 0.14), (0.06, 0.12)], (0.7, 0.3, 0.3), 0.012)


CREATURES = {"dog": dog, "cat": cat, "birds": birds, "people": people, "face": face}
