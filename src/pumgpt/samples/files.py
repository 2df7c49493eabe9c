"""Drawn products as files: the sample catalogue of the demo, and Parquet to train on."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pumgpt.catalog.product import Product
from pumgpt.samples.foreign.picture import draw_foreign
from pumgpt.samples.product import KINDS, draw_product
from pumgpt.samples.seeds import DEMO, DEMO_SCENE

SAMPLES: tuple[tuple[str, str | None], ...] = (
    ("tshirt", "Red"),
    ("sports shoe", "Blue"),
    ("handbag", "Tan"),
    ("jeans", "Blue"),
    ("watch", "Black"),
    ("dress", "Green"),
    ("orange", None),
    ("sunglasses", "Brown"),
    ("backpack", "Navy Blue"),
    ("shirt", "Blue"),
    ("heels", "Red"),
    ("perfume", "Purple"),
    ("cap", "Green"),
    ("red delicious", None),
    ("tie", "Maroon"),
    ("casual shoe", "Navy Blue"),
    ("skirt", "Pink"),
    ("belt", "Brown"),
    ("banana", None),
    ("sweatshirt", "Grey"),
    ("lipstick", "Red"),
    ("flip flops", "Yellow"),
    ("wallet", "Black"),
    ("shorts", "Olive"),
    ("yellow pepper", None),
    ("socks", "White"),
    ("nail polish", "Pink"),
    ("formal shoe", "Brown"),
    ("carrots", None),
    ("clutch", "Gold"),
)
"""Kind and colour of each sample, in the order of the seeds; begun again where there are more seeds."""

COLUMNS = ("id", "image", "title", "description", "category", "sku", "price")

_ROWS_PER_GROUP = 2_000


def draw_sample(seed: int, size_px: int) -> tuple[Image.Image, Product]:
    """The product of a seed out of `DEMO` or `BENCH`, with the kind and colour chosen for it."""
    kind, colour = SAMPLES[(seed - DEMO.start) % len(SAMPLES)]
    return draw_product(seed, kind, size_px, colour)


def write_catalog(folder: Path, seeds: Sequence[int] = DEMO, size_px: int = 480) -> Path:
    """Draw the sample catalogue into `folder`; returns its `catalog.csv`.

    About half of the products have no title and none has a category, so that there is something to fill. The last two rows are
    a photo that shows no product, and a title without a photo. `truth.jsonl` holds what was drawn.
    """
    photos = folder / "photos"
    photos.mkdir(parents=True, exist_ok=True)
    rows, truths = [], []
    for seed in seeds:
        photo, product = draw_sample(seed, size_px)
        (photos / f"{product.id}.jpg").write_bytes(_jpeg(photo, 92))
        # A stream of its own: which titles are missing doesn't depend on the size of the photos.
        rows.append(_row(product, np.random.default_rng([seed, 3])))
        truths.append(_truth(product))
    scene = "not-a-product"
    (photos / f"{scene}.jpg").write_bytes(_jpeg(draw_foreign(DEMO_SCENE[0], size_px, "landscape"), 92))
    rows.append({"id": scene, "image": f"photos/{scene}.jpg"})
    rows.append({"id": "title-only", "title": "Tidewell Women Navy Blue Striped T-shirt"})
    truths += [{"id": scene, "category": None, "attributes": None}]
    truths += [
        {
            "id": "title-only",
            "category": list(KINDS["tshirt"].category),
            "attributes": {"gender": "Women", "colour": "Navy Blue"},
        }
    ]
    with (folder / "catalog.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows)
    lines = [json.dumps(truth, ensure_ascii=False) + "\n" for truth in truths]
    (folder / "truth.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder / "catalog.csv"


def _row(product: Product, rng: np.random.Generator) -> dict[str, str]:
    known = {"id": product.id, "image": f"photos/{product.id}.jpg"}
    shop = {
        "sku": f"PG-{rng.integers(10_000, 100_000)}",
        "price": f"{rng.integers(5, 120)}.{rng.choice(['00', '50', '90'])}",
    }
    title = {"title": product.title or ""} if rng.uniform() < 0.5 else {}
    return {**known, **title, **shop}


def _truth(product: Product) -> dict[str, Any]:
    category = list(product.category) if product.category else None
    attributes = dict(product.attributes) if product.attributes else None
    return {"id": product.id, "title": product.title, "category": category, "attributes": attributes}


def draw_parquet(path: Path, seeds: Iterable[int], size_px: int = 128) -> Path:
    """Products to train on, in the layout of Hugging Face `datasets`: a record and a JPEG of quality 90 per row."""
    return _write_parquet(path, (_product_record(seed, size_px) for seed in seeds))


def draw_foreign_parquet(path: Path, seeds: Iterable[int], size_px: int = 128) -> Path:
    """Pictures of no product in the same layout: no title, category or attributes, source "foreign"."""
    return _write_parquet(path, (_foreign_record(seed, size_px) for seed in seeds))


def _product_record(seed: int, size_px: int) -> dict[str, Any]:
    photo, product = draw_product(seed, size_px=size_px)
    pairs = [{"name": name, "value": value} for name, value in (product.attributes or {}).items()]
    return {
        "id": product.id,
        "source": product.source,
        "title": product.title,
        "description": product.description,
        "category": list(product.category or ()),
        "attributes": pairs or None,
        "image": {"bytes": _jpeg(photo, 90), "path": f"{product.id}.jpg"},
    }


def _foreign_record(seed: int, size_px: int) -> dict[str, Any]:
    name = f"foreign-{seed:06d}"
    photo = _jpeg(draw_foreign(seed, size_px), 90)
    empty = dict.fromkeys(("title", "description", "category", "attributes"))
    return {"id": name, "source": "foreign", **empty, "image": {"bytes": photo, "path": f"{name}.jpg"}}


def _write_parquet(path: Path, records: Iterator[dict[str, Any]]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = pa.string()
    pairs = pa.list_(pa.struct([("name", text), ("value", text)]))
    photo = pa.struct([("bytes", pa.binary()), ("path", text)])
    schema = pa.schema(
        [
            ("id", text),
            ("source", text),
            ("title", text),
            ("description", text),
            ("category", pa.list_(text)),
            ("attributes", pairs),
            ("image", photo),
        ]
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    # In groups: a reader that streams holds one of them at a time.
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        while batch := list(islice(records, _ROWS_PER_GROUP)):
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
    return path


def _jpeg(photo: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()


def contact_sheet(photos: Sequence[Image.Image], columns: int = 6) -> Image.Image:
    """All photos on one white page, in rows."""
    side = max(max(photo.size) for photo in photos) if photos else 1
    page = Image.new("RGB", (columns * side, -(-len(photos) // columns) * side), "white")
    for i, photo in enumerate(photos):
        x, y = i % columns * side, i // columns * side
        page.paste(photo, (x + (side - photo.width) // 2, y + (side - photo.height) // 2))
    return page
