"""Pictures with the look of real photos in which no product can be told, made from training photos: windows that are far
too close, shuffled pieces, and two photos laid over each other.

    python scripts/make_negatives.py --data ../shared/data --out runs/drawn/negatives.parquet --count 2500

Drawn pictures alone teach a model to refuse drawings; these teach it to refuse photos.
"""

from __future__ import annotations

import argparse
import io
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.product import Product
from pumgpt.training.data.products import SourceRecipe, read_products

SOURCES = ("grocery/train.parquet", "clothing/train.parquet", "fashion/train-00000-of-00004.parquet")
SIZE_PX = 128


def window(photo: Image.Image, rng: random.Random) -> Image.Image:
    """A sixth to a quarter of the side: some cloth, some shelf, some wall."""
    width, height = photo.size
    side = rng.uniform(0.16, 0.26)
    left, top = rng.uniform(0, 1 - side) * width, rng.uniform(0, 1 - side) * height
    box = (left, top, left + side * width, top + side * height)
    return photo.resize((SIZE_PX, SIZE_PX), Image.Resampling.BICUBIC, box=box)


def shuffle(photo: Image.Image, rng: random.Random) -> Image.Image:
    """The photo cut into squares and put together in another order."""
    pieces = rng.choice((4, 8))
    side = SIZE_PX // pieces
    photo = photo.resize((SIZE_PX, SIZE_PX))
    order = list(range(pieces * pieces))
    rng.shuffle(order)
    result = Image.new("RGB", (SIZE_PX, SIZE_PX))
    for place, piece in enumerate(order):
        left, top = piece % pieces * side, piece // pieces * side
        tile = photo.crop((left, top, left + side, top + side))
        result.paste(tile, (place % pieces * side, place // pieces * side))
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description="Make pictures in which no product can be told.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=2_500)
    options = parser.parse_args()
    rng = random.Random(0)
    pools = [read_products([SourceRecipe(files=files)], options.data, {}) for files in SOURCES]

    def draw() -> Image.Image:
        product: Product = rng.choice(rng.choices(pools, (3, 3, 1))[0])
        return open_photo(product.images[0])

    rows = []
    for number in range(options.count):
        kind = rng.random()
        if kind < 0.5:
            picture = window(draw(), rng)
        elif kind < 0.75:
            picture = shuffle(draw(), rng)
        else:
            picture = Image.blend(draw().resize((SIZE_PX,) * 2), draw().rotate(180).resize((SIZE_PX,) * 2), 0.5)
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=88)
        rows.append(
            {"id": f"negative-{number:06d}", "source": "foreign", "image": {"bytes": file.getvalue(), "path": None}}
        )
    options.out.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), options.out, compression="zstd")
    print(f"{options.out}: {len(rows)} pictures")


if __name__ == "__main__":
    main()
