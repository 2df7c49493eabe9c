"""How large the report of a catalogue is, and how long it takes to write.

    python benchmarks/report.py --products 5000 --out /tmp/report.html

Drawn products with made-up answers, as varied as those of a model, so that no model is needed; the page can then be opened,
scrolled and printed in a browser. Photos are drawn once and come again, since drawing them takes longer than the report.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL.Image import Image

from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import (
    AttributeField,
    CaptionField,
    CategoryField,
    Evidence,
    ModelInfo,
    Status,
    Understanding,
)
from pumgpt.enrich.report import ReportWriter
from pumgpt.samples import draw_product
from pumgpt.samples.seeds import TESTS

NUM_DRAWN = 40
SIDE_PX = 400
ATTRIBUTES = {"colour": "Blue", "gender": "Men", "usage": "Casual", "season": "Summer", "material": "Cotton"}
STATUSES: tuple[Status, ...] = ("filled", "filled", "filled", "kept", "conflict", "abstained")


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the report of many drawn products.")
    parser.add_argument("--products", type=int, default=5000)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    drawn = [draw_product(seed, size_px=SIDE_PX) for seed in TESTS[:NUM_DRAWN]]
    rng = np.random.default_rng(0)
    began = time.process_time()
    with ReportWriter(options.out, "Drawn products") as report:
        for number in range(options.products):
            photo, product = drawn[number % len(drawn)]
            report.add(*card(rng, replace(product, id=str(number)), photo))
        report.finish()
    spent = time.process_time() - began
    size = options.out.stat().st_size
    print(f"{options.products:,} products: {size / 1e6:.1f} MB, {size / options.products / 1e3:.1f} kB a product; "
          f"{1e3 * spent / options.products:.1f} ms of the processor for each")  # fmt: skip


def card(rng: np.random.Generator, product: Product, photo: Image) -> tuple[Product, list[Image | None], Understanding]:
    """A product with fields of every status, and maps for what is filled or in conflict."""

    def evidence(status: Status) -> Evidence | None:
        grid = np.where(rng.random((6, 6)) > 0.75, rng.random((6, 6)), 0).round(4).tolist()
        return Evidence(image=0, kind="occlusion", grid=grid) if status in ("filled", "conflict") else None

    attributes = []
    for name, value in ATTRIBUTES.items():
        status = STATUSES[rng.integers(len(STATUSES))]
        attributes.append(
            AttributeField(
                name=name, value=None if status == "abstained" else value, confidence=rng.uniform(0.4, 0.99), status=status,
                suggestion="Other" if status == "conflict" else None, evidence=evidence(status),
            )
        )  # fmt: skip
    category = CategoryField(
        path=list(product.category or ()),
        confidence=rng.uniform(0.4, 0.99),
        status="filled",
        evidence=evidence("filled"),
    )
    caption = CaptionField(text="Drawn by the samples", confidence=0.8, status="filled", source="photo")
    found = Understanding(
        id=product.id,
        caption=caption,
        category=category,
        attributes=attributes,
        model=ModelInfo(name="none", revision="0"),
    )
    return product, [photo], found


if __name__ == "__main__":
    main()
