"""Does the evidence lie on the product? Real photos on a larger canvas, so that it is known where the product is.

    python experiments/evidence/run.py --data ../shared/data

Products of the fashion test set, without their titles, each pasted at a random place of a canvas 1.8 times as large: white, or
grainy, where no cell is plain and each is tried. For the fields that nano fills it prints, for maps of attention and of
occlusion, the share of the map inside the product's box, and how far the share of the answer falls when the four strongest
cells of the map are blurred, which is another way of covering than the one that occlusion maps are made with. Before that, what
the maps of a report cost.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from pumgpt.backends.load import load_backend
from pumgpt.backends.protocol import Answer, Backend, Request
from pumgpt.bench.stats.intervals import bootstrap_mean
from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Question
from pumgpt.training.data.products import read_file
from pumgpt.understand.ask import understand
from pumgpt.understand.intake import open_product
from pumgpt.understand.occlusion import CELLS, NOISE, occlusion_maps
from pumgpt.understand.plan import make_plan

CANVAS = 1.8
STRONGEST = 4
LEAST_SHARE = 0.5
GRAIN = 6.0
COST_PRODUCTS = 16
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Case:
    """A field that is filled: its question about a photo, the model's answer, and the product's box, 0..1."""

    photo: Image.Image
    box: Box
    question: Question
    answer: Answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--products", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    (path,) = sorted((options.data / "fashion").glob("test-*.parquet"))
    products = list(read_file(path))
    photos = [open_product(one).photos[0] for one in products[:: len(products) // options.products]]
    backend = load_backend("nano")
    report_cost(backend, products[:: len(products) // COST_PRODUCTS][:COST_PRODUCTS])
    for backdrop in ("white", "grainy"):
        rng = np.random.default_rng(options.seed)
        cases = ask(backend, [paste(photo, backdrop, rng) for photo in photos])
        area = np.mean([(right - left) * (bottom - top) for left, top, right, bottom in (case.box for case in cases)])
        print(f"{backdrop} canvas: {len(cases)} filled fields of {len(photos)} photos; the box is {area:.3f} of it")
        raw = occlude(backend, cases, noise=0.0)
        # All kinds are compared on the fields that have an occlusion map: of the others no single cell decides.
        shown = [
            (case, grid) for case, whole in zip(cases, raw, strict=True) if (grid := above_noise(whole)) is not None
        ]
        mapped = [case for case, _ in shown]
        print(f"  {len(mapped)} of them have a map")
        report(backend, "occlusion", mapped, [grid for _, grid in shown])
        report(backend, "attention", mapped, [case.answer.evidence[0] for case in mapped if case.answer.evidence])
        report(backend, "random", mapped, [rng.random((CELLS, CELLS)).astype(np.float32) for _ in mapped])
        outside = [drop for case, grid in zip(cases, raw, strict=True) for drop in far_cells(grid, case.box)]
        shares = ", ".join(
            f"{level:g}: {np.mean(np.array(outside) >= level):.4f}" for level in (0.02, 0.05, NOISE, 0.2)
        )
        print(f"  of {len(outside)} cells that don't touch the product, the share with a drop of at least {shares}")


def report_cost(backend: Backend, products: Sequence[Product]) -> None:
    """What the maps of a report cost, beside answers without any: CPU time, so that a busy machine counts the same."""
    for what, shown in (("titles", products), ("no titles", [replace(one, title=None) for one in products])):
        intakes = [open_product(one) for one in shown]
        seconds = []
        for evidence in (False, True):
            plan = make_plan(backend, evidence=evidence)
            begin = time.process_time()
            understand(backend, plan, intakes)
            seconds.append((time.process_time() - begin) / len(intakes))
        print(f"CPU seconds a product, {what}: {seconds[0]:.2f} without maps, {seconds[1]:.2f} with them", flush=True)


def paste(photo: Image.Image, backdrop: str, rng: np.random.Generator) -> tuple[Image.Image, Box]:
    """The photo somewhere on a larger canvas, and the box of what isn't white in it."""
    width, height = round(photo.width * CANVAS), round(photo.height * CANVAS)
    grain = rng.normal(235, GRAIN, (height, width, 3)) if backdrop == "grainy" else np.full((height, width, 3), 255.0)
    left, top = rng.integers(width - photo.width + 1), rng.integers(height - photo.height + 1)
    picture = np.asarray(photo, dtype=np.float32)
    product = picture.min(-1) < 240
    where = slice(top, top + photo.height), slice(left, left + photo.width)
    # On grain only the product is pasted: a white rectangle around it would be a thing of its own.
    grain[where] = np.where(product[..., None], picture, grain[where])
    rows, columns = np.flatnonzero(product.any(1)), np.flatnonzero(product.any(0))
    box = (
        (left + columns[0]) / width,
        (top + rows[0]) / height,
        (left + columns[-1] + 1) / width,
        (top + rows[-1] + 1) / height,
    )
    return Image.fromarray(grain.clip(0, 255).astype(np.uint8)), box


def ask(backend: Backend, pasted: Sequence[tuple[Image.Image, Box]]) -> list[Case]:
    """The fields of which the model is sure, by the photo alone."""
    plan = make_plan(backend, tasks=["category", "attributes"])
    cases = []
    for photo, box in pasted:
        (request,) = plan.requests(Product("1"), [photo])
        (answers,) = backend.answer([request], evidence=True)
        for question, answer in zip(request.questions, answers, strict=True):
            if answer.ranked and answer.ranked[0][1] >= max(LEAST_SHARE, answer.cannot_tell):
                cases.append(Case(photo, box, question, answer))
    return cases


def occlude(backend: Backend, cases: Sequence[Case], noise: float) -> list[NDArray[np.float32] | None]:
    groups: dict[int, list[Case]] = {}
    for case in cases:
        groups.setdefault(id(case.photo), []).append(case)
    requests = [Request((group[0].photo,), tuple(case.question for case in group)) for group in groups.values()]
    found = occlusion_maps(backend, requests, [[case.answer for case in group] for group in groups.values()], noise)
    return [None if maps is None else maps[0] for answers in found for maps in answers]


def above_noise(grid: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
    return None if grid is None or grid.max() < NOISE else np.where(grid >= NOISE, grid, 0)


def report(backend: Backend, kind: str, cases: Sequence[Case], maps: Sequence[NDArray[np.float32]]) -> None:
    inside = bootstrap_mean([share_inside(grid, case.box) for case, grid in zip(cases, maps, strict=True)])
    # Attention has a grid of its own; the same area is blurred for each kind.
    blurred = [blur(case.photo, as_cells(grid)) for case, grid in zip(cases, maps, strict=True)]
    requests = [Request((photo,), (case.question,)) for photo, case in zip(blurred, cases, strict=True)]
    falls = []
    for case, (answer,) in zip(cases, backend.answer(requests), strict=True):
        value, share = case.answer.ranked[0]
        falls.append(share - dict(answer.ranked).get(value, answer.ranked[-1][1]))
    print(f"  {kind}: inside the box {inside}; the share falls by {bootstrap_mean(falls)}", flush=True)


def as_cells(grid: NDArray[np.float32]) -> NDArray[np.float32]:
    picture = Image.fromarray(grid.astype(np.float32)).resize((CELLS, CELLS), Image.Resampling.BOX)
    return np.asarray(picture)


def enlarge(grid: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """The value of each pixel's cell."""
    rows, columns = np.arange(height) * grid.shape[0] // height, np.arange(width) * grid.shape[1] // width
    return grid[rows][:, columns]


def share_inside(grid: NDArray[np.float32], box: Box) -> float:
    """The share of a map inside a box; a cell that lies partly inside counts with that part."""
    weights = enlarge(grid, 360, 360)
    left, top, right, bottom = (round(360 * side) for side in box)
    return float(weights[top:bottom, left:right].sum() / weights.sum())


def far_cells(grid: NDArray[np.float32] | None, box: Box) -> list[float]:
    """The values of the cells that don't touch the box."""
    if grid is None:
        return []
    (rows, columns), (left, top, right, bottom) = grid.shape, box
    return [
        float(grid[row, column])
        for row, column in np.ndindex(grid.shape)
        if (row + 1) / rows <= top
        or row / rows >= bottom
        or (column + 1) / columns <= left
        or column / columns >= right
    ]


def blur(photo: Image.Image, cells: NDArray[np.float32]) -> Image.Image:
    """The photo with its strongest cells blurred away."""
    threshold = np.sort(cells.ravel())[-STRONGEST]
    mask = enlarge((cells >= threshold).astype(np.float32) * 255, photo.height, photo.width)
    smooth = photo.filter(ImageFilter.GaussianBlur(max(photo.size) / CELLS))
    return Image.composite(smooth, photo, Image.fromarray(mask.astype(np.uint8)))


if __name__ == "__main__":
    main()
