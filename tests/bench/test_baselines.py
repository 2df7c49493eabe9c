"""Baselines on products small enough to see the answer."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pumgpt.bench.baselines.backends import NearestNeighbour, TitleMatching
from pumgpt.bench.suites.labels import fields_of
from pumgpt.bench.suites.pixels import features_in_files
from pumgpt.catalog.product import Product

TRAIN = [
    Product("1", title="Red cotton shirt", category=("Apparel", "Shirts"), attributes={"colour": "Red"}),
    Product("2", title="Blue shirt", category=("Apparel", "Shirts"), attributes={"colour": "Navy Blue"}),
    Product("3", title="Blue shoe", category=("Footwear", "Shoes"), attributes={"colour": "Blue"}),
    Product("4", title="Blue boot", category=("Footwear", "Boots")),
]
LABELS = [fields_of(product, {}) for product in TRAIN]


def test_nearest_neighbour_agrees_with_a_plain_search() -> None:
    generator = np.random.default_rng(0)
    train = [{"category": (str(i),)} for i in range(300)]
    features, queries = generator.normal(size=(300, 8)), generator.normal(size=(20, 8))
    model = NearestNeighbour(train, features.astype(np.float32))
    found = model.predict(queries.astype(np.float32), batch_size=7)
    for row, query in enumerate(queries):
        cosines = [query @ f / np.linalg.norm(f) for f in features]
        assert found[row].fields["category"].value == (str(int(np.argmax(cosines))),)


def test_nearest_neighbour_asks_the_next_one_where_a_field_is_not_stated() -> None:
    features = np.eye(4, dtype=np.float32)
    (found,) = NearestNeighbour(LABELS, features).predict(np.array([[0, 0.1, 0.2, 1]], dtype=np.float32))
    assert found.fields["category"].value == ("Footwear", "Boots")
    assert found.fields["colour"].value == ("Blue",)


def test_nearest_neighbour_refuses_features_of_other_products() -> None:
    with pytest.raises(ValueError, match="3 rows of features for 4 products"):
        NearestNeighbour(LABELS, np.zeros((3, 2), dtype=np.float32))


def test_title_matching_prefers_the_longest_value_and_says_nothing_without_one() -> None:
    shirt, bell, shoes = TitleMatching(LABELS).predict(["Mens navy blue SHIRT", "A bluebell", "Blue Shoes"])
    assert shirt.fields["colour"].value == ("Navy Blue",)
    assert shirt.fields["category"].value == ("Apparel", "Shirts"), "the plural's s doesn't matter"
    assert bell.fields["colour"].value is None
    assert shoes.fields["colour"].value == ("Blue",)


def test_pixel_features_find_the_photo_of_the_same_colours(tmp_path: Path) -> None:
    def photo(left: str, right: str, size: tuple[int, int]) -> dict[str, bytes]:
        picture = Image.new("RGB", size, left)
        picture.paste(right, (size[0] // 2, 0, *size))
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG")
        return {"bytes": buffer.getvalue()}

    rows = [photo("red", "white", (60, 80)), photo("white", "red", (60, 80)), {"bytes": b"not a photo"}]
    pq.write_table(pa.Table.from_pylist([{"image": row} for row in rows]), tmp_path / "a.parquet")
    pq.write_table(pa.Table.from_pylist([{"image": photo("red", "white", (300, 300))}]), tmp_path / "b.parquet")
    train, query = features_in_files([tmp_path / "a.parquet"]), features_in_files([tmp_path / "b.parquet"])
    assert train.shape == (3, 768)
    (found,) = NearestNeighbour([{"category": (i,)} for i in "123"], train).predict(query)
    assert found.fields["category"].value == ("1",)
