"""What one gets without a model. Each is fitted on labelled products and says what `fields_of` would state of others.

Legend: N products to answer for, T products fitted on, F features.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from pumgpt.bench.baselines.predictions import Guess, Prediction
from pumgpt.bench.suites.truth import fields_of
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.product import ImageRef, Product
from pumgpt.errors import PhotoError

Value = tuple[str, ...]
THUMBNAIL_PX = 16


class Majority:
    """For every field the value that occurs most often; of equals the first in the alphabet."""

    def __init__(self, train: Sequence[Product]) -> None:
        self._guesses = {
            field: Guess(min(counts, key=lambda value: (-counts[value], value)))
            for field, counts in _count_values(train).items()
        }

    def predict(self, products: Sequence[Product]) -> dict[str, Prediction]:
        return {product.id: Prediction(self._guesses) for product in products}


class NearestNeighbour:
    """Each field from the most similar fitted product that states it. Exact; similar is what has a high cosine."""

    def __init__(self, train: Sequence[Product], features_TF: NDArray[np.float32]) -> None:
        if len(train) != len(features_TF):
            raise ValueError(f"{len(features_TF)} rows of features for {len(train)} products")
        self._features_TF = _unit_rows(features_TF)
        self._labels = [fields_of(product) for product in train]
        stated = {field: [field in labels for labels in self._labels] for field in _count_values(train)}
        self._stated = {field: np.flatnonzero(mask) for field, mask in stated.items()}

    def predict(
        self, products: Sequence[Product], features_NF: NDArray[np.float32], batch_size: int = 256
    ) -> dict[str, Prediction]:
        """`features_NF` describes `products` row by row."""
        if len(products) != len(features_NF):
            raise ValueError(f"{len(features_NF)} rows of features for {len(products)} products")
        features_NF = _unit_rows(features_NF)
        predictions = {}
        for start in range(0, len(products), batch_size):
            similarity_NT = features_NF[start : start + batch_size] @ self._features_TF.T
            nearest = {field: rows[similarity_NT[:, rows].argmax(axis=1)] for field, rows in self._stated.items()}
            for place, product in enumerate(products[start : start + batch_size]):
                fields = {field: Guess(self._labels[rows[place]][field]) for field, rows in nearest.items()}
                predictions[product.id] = Prediction(fields)
        return predictions


class TitleMatching:
    """The value whose words stand in the title (for a category its leaf), the longest first; else nothing is said."""

    def __init__(self, train: Sequence[Product]) -> None:
        self._values = {
            field: [(_words(value[-1]), value) for value in sorted(counts, key=lambda v: (-len(v[-1]), -counts[v], v))]
            for field, counts in _count_values(train).items()
        }

    def predict(self, products: Sequence[Product]) -> dict[str, Prediction]:
        return {product.id: Prediction(self._match(_words(product.title or ""))) for product in products}

    def _match(self, title: str) -> dict[str, Guess]:
        return {
            field: Guess(next((value for words, value in values if _stands_in(words, title)), None))
            for field, values in self._values.items()
        }


def pixel_features(files: Iterable[Path], limit: int | None = None) -> NDArray[np.float32]:
    """The first photo of each product as a 16 x 16 thumbnail in colour, mean taken off: (N, 768).

    A photo that can't be read becomes zeros, which resemble nothing.
    """
    rows: list[NDArray[np.float32]] = []
    for file in files:
        for batch in pq.ParquetFile(file).iter_batches(batch_size=512, columns=["image"]):
            rows.extend(_thumbnail(image["bytes"] if image else None) for image in batch.column(0).to_pylist())
            if limit is not None and len(rows) >= limit:
                return np.stack(rows[:limit])
    return np.stack(rows)


def features_of(photos: Iterable[Image.Image | None]) -> NDArray[np.float32]:
    """`pixel_features` of photos that are decoded already; None becomes zeros."""
    return np.stack([_centre(photo) for photo in photos])


def photo_features(products: Iterable[Sequence[ImageRef]]) -> NDArray[np.float32]:
    """`pixel_features` of products' photos wherever they are: of the first of each."""
    return features_of(_open_first(refs) for refs in products)


def _open_first(refs: Sequence[ImageRef]) -> Image.Image | None:
    try:
        return open_photo(refs[0], at_least_px=2 * THUMBNAIL_PX) if refs else None
    except PhotoError:
        return None


def _thumbnail(data: bytes | None) -> NDArray[np.float32]:
    if not data:
        return _centre(None)
    try:
        photo = Image.open(io.BytesIO(data))
        photo.draft("RGB", (2 * THUMBNAIL_PX, 2 * THUMBNAIL_PX))
        return _centre(photo)
    except (OSError, ValueError):
        return _centre(None)


def _centre(photo: Image.Image | None) -> NDArray[np.float32]:
    if photo is None:
        return np.zeros(THUMBNAIL_PX * THUMBNAIL_PX * 3, dtype=np.float32)
    small = photo.convert("RGB").resize((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.BOX)
    pixels = np.asarray(small, dtype=np.float32).ravel() / 255
    centred: NDArray[np.float32] = pixels - pixels.mean()
    return centred


def _unit_rows(features: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    unit: NDArray[np.float32] = (features / np.maximum(norms, 1e-12)).astype(np.float32)
    return unit


def _count_values(products: Sequence[Product]) -> dict[str, Counter[Value]]:
    counts: dict[str, Counter[Value]] = {}
    for product in products:
        for field, value in fields_of(product).items():
            counts.setdefault(field, Counter())[value] += 1
    return counts


def _words(text: str) -> str:
    """Lower-cased words between single spaces, the plural's s struck off, so that 'Tshirts' finds 'tshirt'."""
    return " ".join(re.sub(r"(?<=[^\Ws]{3})s$", "", word) for word in re.findall(r"\w+", text.lower()))


def _stands_in(words: str, title: str) -> bool:
    return bool(words) and f" {words} " in f" {title} "
