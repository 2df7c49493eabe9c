"""Drawn products and pictures as a suite's data: nothing needs to be downloaded, and nothing was trained on them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pumgpt.bench.suites.items import Item, Origin
from pumgpt.bench.suites.pixels import features_of
from pumgpt.catalog.product import ImageRef, Product
from pumgpt.samples import KINDS, draw_foreign, draw_product, draw_sample, seeds
from pumgpt.tasks.truth import FOREIGN

SIZE_PX = 192
NUM_FITTED = 120
"""Drawn from the training seeds, for the baselines that need examples."""
BLANKS = ("white", "black", "grey", "beige", "navy", "ivory", "silver", "crimson")


def draw_samples() -> list[Item]:
    """The drawn products with their records: the samples of the demo, and as many again of the same kinds."""
    return [_as_item(*draw_sample(seed, SIZE_PX)) for seed in (*seeds.DEMO, *seeds.BENCH)]


def drawn_values() -> Iterator[dict[str, tuple[str, ...]]]:
    """The fields of everything that can be drawn."""
    for kind in KINDS.values():
        stated = {"category": kind.category, "colour": kind.colours}
        given = {"gender": kind.gender, "usage": kind.usage}
        yield {name: values for name, values in stated.items() if values} | {
            name: (value,) for name, value in given.items() if value
        }


@cache
def draw_fit() -> tuple[list[Product], NDArray[np.float32]]:
    """Drawn products to fit baselines on, and the pixel features of their photos."""
    # Small, because the baselines compare thumbnails of 16 pixels.
    drawn = [draw_product(seed, size_px=64) for seed in seeds.TRAINING[:NUM_FITTED]]
    return [product for _, product in drawn], features_of([photo for photo, _ in drawn])


def draw_pictures(num_foreign: int, num_blank: int, limit: int | None) -> list[Item]:
    """Pictures of no product; at most `limit` of each where that is given."""
    # A short run then asks no more pictures than products.
    most = max(num_foreign, num_blank) if limit is None else limit
    drawn, blanks = seeds.BENCH_FOREIGN[: min(num_foreign, most)], BLANKS[: min(num_blank, most)]
    foreign = [_picture(f"foreign-{seed}", draw_foreign(seed, SIZE_PX), "foreign") for seed in drawn]
    return foreign + [_picture(f"blank-{name}", Image.new("RGB", (144, SIZE_PX), name), "blank") for name in blanks]


def _picture(name: str, photo: Image.Image, origin: Origin) -> Item:
    return _as_item(photo, Product(id=name, source=FOREIGN), origin)


def _as_item(photo: Image.Image, product: Product, origin: Origin = "product") -> Item:
    """A drawing and its record as an item of a suite."""
    # PPM's bytes are the pixels. A compressed photo would hash otherwise with another version of the encoder.
    buffer = io.BytesIO()
    photo.convert("RGB").save(buffer, "PPM")
    shown = Product(
        id=product.id,
        images=(ImageRef(data=buffer.getvalue()),),
        title=product.title,
        category=product.category,
        attributes=product.attributes,
        source=product.source,
    )
    return Item(shown, hashlib.sha256(buffer.getvalue()).hexdigest()[:16], origin)
