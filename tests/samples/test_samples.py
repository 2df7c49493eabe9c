"""Drawn products: deterministic, complete, apart from the training seeds, and honest about what they show."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pumgpt.catalog.product import Product
from pumgpt.errors import UsageError
from pumgpt.samples import (
    FOREIGN,
    KINDS,
    draw_foreign,
    draw_foreign_parquet,
    draw_parquet,
    draw_product,
    seeds,
    write_catalog,
)
from pumgpt.samples.colour import COLOURS
from pumgpt.samples.files import SAMPLES

SIZE_PX = 64
COLOURS_OF_DATA = """Black White Blue Brown Grey Red Green Pink Purple Silver Yellow Beige Gold Maroon Orange Olive Cream
Charcoal Peach Lavender Magenta Teal Tan Mustard"""
DATA_COLOURS = {*COLOURS_OF_DATA.split(), "Navy Blue", "Turquoise Blue"}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_kind_draws_a_product_that_stands_out_from_its_background(kind: str) -> None:
    photo, product = draw_product(7, kind, SIZE_PX)
    assert max(photo.size) == SIZE_PX and photo.mode == "RGB"
    assert np.asarray(photo, dtype=float).std() > 12
    assert product.category == KINDS[kind].category
    assert product.id == "drawn-000007" and product.source == "drawn" and product.title and product.description
    assert not set(product.attributes or {}) - {"gender", "colour", "usage"}


def test_same_seed_same_product_and_another_seed_another_photo() -> None:
    (first, record), (again, same), (other, _) = (draw_product(seed, "tshirt", SIZE_PX) for seed in (3, 3, 4))
    assert first.tobytes() == again.tobytes() and record == same
    assert first.tobytes() != other.tobytes()


def test_colour_that_is_asked_for_is_seen() -> None:
    def middle(colour: str) -> np.ndarray:
        photo = np.asarray(draw_product(11, "dress", 96, colour)[0], dtype=float)
        return photo[45:60, 30:42].mean(axis=(0, 1))

    red, green, blue = middle("Red"), middle("Green"), middle("Blue")
    assert red.argmax() == 0 and green.argmax() == 1 and blue.argmax() == 2


def test_colours_are_those_of_the_data() -> None:
    assert set(COLOURS) == DATA_COLOURS
    assert {colour for kind in KINDS.values() for colour in kind.colours} <= DATA_COLOURS


def test_no_seed_has_two_purposes() -> None:
    """What training, a fit or a test has seen measures nothing."""
    ranges = [value for name, value in vars(seeds).items() if name.isupper()]
    assert len(ranges) == 8
    assert all(isinstance(value, range) and len(value) for value in ranges)
    assert sum(map(len, ranges)) == len({seed for value in ranges for seed in value})


def test_only_the_table_of_seeds_says_which_are_whose() -> None:
    """A range of seeds that is written down anywhere else would escape the test above."""
    root = Path(__file__).resolve().parents[2]
    written = re.compile(r"range\(9\d0_\d{3}|\b9[05-9]\d_?\d{3}, 9[05-9]\d_?\d{3}\b")
    files = [file for folder in ("src", "tests", "scripts") for file in (root / folder).rglob("*.py")]
    found = {file.name for file in files if written.search(file.read_text(encoding="utf-8"))}
    assert found == {"seeds.py"}


def test_samples_are_many_kinds() -> None:
    assert len(seeds.DEMO) >= 24 and len({kind for kind, _ in SAMPLES}) >= 16
    for kind, colour in SAMPLES:
        assert colour is None if not KINDS[kind].colours else colour in KINDS[kind].colours


@pytest.mark.parametrize("size", [16, 33, 200])
def test_size_is_the_longer_side(size: int) -> None:
    assert max(draw_product(1, size_px=size)[0].size) == size
    assert max(draw_foreign(1, size).size) == size


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "submarine"}, "submarine"),
        ({"kind": "tie", "colour": "Plaid"}, "Plaid"),
        ({"size_px": 2}, "16 pixels"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        draw_product(1, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("family", sorted(FOREIGN))
def test_foreign_picture_is_drawn_from_its_seed(family: str) -> None:
    assert draw_foreign(5, 48, family).tobytes() == draw_foreign(5, 48, family).tobytes()


def test_foreign_pictures_are_of_many_families_and_differ() -> None:
    assert len(FOREIGN) >= 12
    assert len({draw_foreign(seed, 32).tobytes() for seed in range(20)}) == 20
    with pytest.raises(UsageError, match="unicorn"):
        draw_foreign(1, 32, "unicorn")


def test_catalog_has_something_to_fill_and_its_truth_beside_it(tmp_path: Path) -> None:
    file = write_catalog(tmp_path, seeds.DEMO[:8], 48)
    rows = list(csv.DictReader(file.open(encoding="utf-8")))
    truths = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in rows] == [truth["id"] for truth in truths]
    assert not any(row["category"] for row in rows)
    assert 0 < sum(bool(row["title"]) for row in rows[:-2]) < len(rows) - 2
    for row in rows[:-1]:
        with Image.open(tmp_path / row["image"]) as photo:
            assert max(photo.size) == 48
    assert rows[-1]["title"] and not rows[-1]["image"]
    assert truths[-2]["category"] is None


def test_parquet_reads_back_as_products(tmp_path: Path) -> None:
    table = pq.read_table(draw_parquet(tmp_path / "drawn.parquet", range(4), 32))
    products = [Product.from_record(record) for record in table.to_pylist()]
    assert [product.id for product in products] == [f"drawn-{seed:06d}" for seed in range(4)]
    expected = draw_product(2, size_px=32)[1]
    assert (products[2].title, products[2].category) == (expected.title, expected.category)
    assert products[2].attributes == expected.attributes
    assert products[2].images[0].data
    with Image.open(io.BytesIO(products[2].images[0].data)) as photo:
        assert max(photo.size) == 32


def test_foreign_parquet_claims_nothing(tmp_path: Path) -> None:
    table = pq.read_table(draw_foreign_parquet(tmp_path / "foreign.parquet", range(3), 32))
    for record in table.to_pylist():
        product = Product.from_record(record)
        assert product.source == "foreign" and product.images
        assert product.category is None and product.attributes is None and product.title is None


def test_script_refuses_seeds_that_are_not_for_training(tmp_path: Path) -> None:
    script = Path(__file__).resolve().parents[2] / "scripts" / "draw_samples.py"
    call = [sys.executable, str(script), "--parquet", str(tmp_path / "x.parquet"), "--start", "900000", "--count", "2"]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "training seeds" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.shared
def test_categories_are_paths_of_the_training_data(shared_data: Path) -> None:
    files = [*sorted((shared_data / "fashion").glob("train-*.parquet")), shared_data / "grocery" / "train.parquet"]
    paths = {
        tuple(path) for file in files for path in pq.read_table(file, columns=["category"])["category"].to_pylist()
    }
    assert {kind.category for kind in KINDS.values()} <= paths
