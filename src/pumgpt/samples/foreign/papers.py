"""Charts, documents and screens."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pumgpt.samples.canvas import Canvas, Point, box, curve, plane
from pumgpt.samples.foreign.surfaces import any_paint

WORDS = [
    "the",
    "of",
    "report",
    "and",
    "total",
    "note",
    "minutes",
    "for",
    "page",
    "sum",
    "our",
    "with",
    "annual",
    "from",
    "table",
    "under",
    "letter",
    "dear",
    "will",
    "see",
    "order",
]


def _paper(canvas: Canvas) -> None:
    tone = canvas.rng.uniform(0.88, 1.0)
    canvas.pixels[:] = plane((tone, tone, tone * canvas.rng.uniform(0.93, 1.0)))


def chart(canvas: Canvas) -> None:
    """Bars, lines or a pie."""
    _paper(canvas)
    rng = canvas.rng
    kind = int(rng.integers(3))
    if kind == 2:
        edges = np.concatenate([[0], np.cumsum(rng.dirichlet(np.ones(5)))]) * 2 * np.pi
        for start, end in pairwise(edges):
            around = np.linspace(start, end, 20)
            slice_: list[Point] = [(0, 0, 1), *((0.32 * float(np.cos(a)), 0.32 * float(np.sin(a)), 1) for a in around)]
            canvas.lay(canvas.mask(slice_), any_paint(canvas))
        return
    for y in np.linspace(-0.3, 0.3, 6):
        canvas.line([(-0.4, float(y)), (0.42, float(y))], (0.8, 0.8, 0.82), 0.003)
    canvas.line([(-0.4, -0.34, 1), (-0.4, 0.34, 1), (0.42, 0.34, 1)], (0.2, 0.2, 0.2), 0.005)
    count = int(rng.integers(4, 10))
    if kind == 0:
        paint = any_paint(canvas)
        for x, high in zip(np.linspace(-0.34, 0.36, count), rng.uniform(0.08, 0.6, count), strict=True):
            canvas.lay(canvas.mask(box(float(x), 0.34 - high / 2, 0.5 / count, float(high), 0.001)), paint)
        return
    for _ in range(int(rng.integers(1, 4))):
        canvas.line(
            [
                (float(x), float(y), 1)
                for x, y in zip(np.linspace(-0.38, 0.4, count), rng.uniform(-0.3, 0.3, count), strict=True)
            ],
            any_paint(canvas),
            0.009,
        )


def document(canvas: Canvas) -> None:
    """A page of text, printed or set large."""
    _paper(canvas)
    rng = canvas.rng
    sheet = Image.new("L", (canvas.width, canvas.height))
    pen = ImageDraw.Draw(sheet)
    size = canvas.width * rng.uniform(0.025, 0.08)
    font = ImageFont.load_default(size)
    for y in np.arange(canvas.height * 0.07, canvas.height * 0.92, size * 1.4):
        if rng.uniform() < 0.1:
            continue
        words = rng.choice(WORDS, int(rng.integers(3, 16)))
        pen.text(
            (canvas.width * 0.08, float(y)), " ".join(words)[: int(canvas.width * 1.6 / size)], fill=255, font=font
        )
    ink = float(rng.uniform(0, 0.25))
    canvas.lay(np.asarray(sheet, dtype=np.float32) / np.float32(255), (ink, ink, ink))


def map_sheet(canvas: Canvas) -> None:
    """Roads and blocks from above."""
    rng = canvas.rng
    canvas.pixels[:] = plane((0.93, 0.92, 0.87))
    for _ in range(6):
        canvas.lay(
            canvas.mask(
                box(rng.uniform(-0.5, 0.5), rng.uniform(-0.6, 0.6), rng.uniform(0.1, 0.3), rng.uniform(0.1, 0.3))
            ),
            (0.75, 0.87, 0.68),
        )
    river = [(x, float(rng.uniform(-0.3, 0.3))) for x in (-0.6, -0.2, 0.2, 0.6)]
    canvas.line(river, (0.6, 0.78, 0.92), 0.05)
    for _ in range(10):
        road = curve([tuple(rng.uniform(-0.7, 0.7, 2)) for _ in range(3)], closed=False)
        points: list[Point] = [(float(x), float(y)) for x, y in road]
        width = rng.uniform(0.008, 0.025)
        canvas.line(points, (0.7, 0.68, 0.62), width + 0.006)
        canvas.line(points, (1.0, 0.98, 0.9), width)


PAPERS = {"chart": chart, "document": document, "map": map_sheet}
