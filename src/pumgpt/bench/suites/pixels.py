"""Photos as thumbnails, for baselines that compare pixels: one row of features for each.

Legend: N photos, F features.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.product import ImageRef
from pumgpt.errors import PhotoError

# Enough for colours and rough shape, which is all that a baseline of pixels is meant to use.
THUMBNAIL_PX = 16


def features_in_files(files: Iterable[Path]) -> NDArray[np.float32]:
    """The first photo of each product of Parquet files as a 16 x 16 thumbnail in colour, mean taken off: (N, 768).

    A photo that can't be decoded becomes zeros.
    """
    rows: list[NDArray[np.float32]] = []
    for file in files:
        for batch in pq.ParquetFile(file).iter_batches(batch_size=512, columns=["image"]):
            rows.extend(_thumbnail(image["bytes"] if image else None) for image in batch.column(0).to_pylist())
    return np.stack(rows)


def features_of(photos: Iterable[Image.Image | None]) -> NDArray[np.float32]:
    """`features_in_files` of photos that are decoded already; None becomes zeros."""
    return np.stack([_centre(photo) for photo in photos])


def features_of_first(products: Iterable[Sequence[ImageRef]]) -> NDArray[np.float32]:
    """The same of each product's first photo, wherever it is."""

    def open_first(refs: Sequence[ImageRef]) -> Image.Image | None:
        try:
            return open_photo(refs[0], at_least_px=2 * THUMBNAIL_PX) if refs else None
        except PhotoError:
            return None

    return features_of(open_first(refs) for refs in products)


def _thumbnail(data: bytes | None) -> NDArray[np.float32]:
    if not data:
        return _centre(None)
    try:
        photo = Image.open(io.BytesIO(data))
        # JPEGs are decoded at a fraction of their size, which is several times as fast.
        photo.draft("RGB", (2 * THUMBNAIL_PX, 2 * THUMBNAIL_PX))
        return _centre(photo)
    except (OSError, ValueError):
        return _centre(None)


def _centre(photo: Image.Image | None) -> NDArray[np.float32]:
    # Rows must stay aligned with products; zeros have a cosine of 0 with everything.
    if photo is None:
        return np.zeros(THUMBNAIL_PX * THUMBNAIL_PX * 3, dtype=np.float32)
    small = photo.convert("RGB").resize((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.BOX)
    pixels = np.asarray(small, dtype=np.float32).ravel() / 255
    # Without the mean, brightness alone would decide who is near.
    centred: NDArray[np.float32] = pixels - pixels.mean()
    return centred
