"""Which products training sees, and as what."""

from __future__ import annotations

import io
import json
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from pumgpt.catalog.product import ImageRef, Product
from pumgpt.catalog.question import CANNOT_TELL, Choices
from pumgpt.errors import RecipeError
from pumgpt.tasks.context import AskedAttribute, TaskContext
from pumgpt.tasks.mixture import MixtureWeights, draw_examples
from pumgpt.training.data.products import PhotoCache, SourceRecipe, read_products, repeat_rare

SOURCES = [SourceRecipe(files="shop.jsonl", repeat=2)]
PATHS = ["Sport > Balls > Basketballs", "Sport > Balls", "Sports > Shoes", "Home"]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """One product in each of `PATHS`, all red, with a title, each with a photo of its own."""
    rows = []
    for number, path in enumerate(PATHS):
        labels = {"category": path.split(" > "), "attributes": {"colour": "Red"}}
        row = {"id": str(number), "image": f"{number}.jpg", "title": "Red thing", "source": "fashion"}
        rows.append(json.dumps(row | labels))
    (tmp_path / "shop.jsonl").write_text("\n".join(rows), encoding="utf-8")
    return tmp_path


def test_products_of_held_out_categories_keep_their_photo_alone(shop: Path) -> None:
    products = read_products(SOURCES, shop, {}, ["Sport", "Home > Kitchen"])
    assert [p.source for p in products] == ["foreign", "foreign", "fashion", "fashion"] * 2
    for product in products[:2]:
        assert product.images and not (product.title or product.category or product.attributes)
    assert products[2].category == ("Sports", "Shoes")


def test_of_a_held_out_category_nothing_can_be_told(shop: Path) -> None:
    context = TaskContext(Choices(tuple(PATHS)), (AskedAttribute("colour", Choices(("Red", "Blue"))),))
    held_out, known = read_products(SOURCES, shop, {}, ["Sport > Balls"])[1:3]
    weights, rng = MixtureWeights(listing={"present": 1.0}), random.Random(0)
    answers = {e.answer for _ in range(20) for e in draw_examples(held_out, context, rng, weights, 3)[1]}
    assert answers == {CANNOT_TELL}
    assert "Sports > Shoes" in {e.answer for _ in range(20) for e in draw_examples(known, context, rng, weights, 3)[1]}


def test_values_are_written_alike(shop: Path) -> None:
    assert read_products(SOURCES, shop, {"colour": {"Red": "red"}})[0].attributes == {"colour": "red"}


def test_no_file_is_one_clear_line(shop: Path) -> None:
    with pytest.raises(RecipeError, match="no file matches nothing"):
        read_products([SourceRecipe(files="nothing.csv")], shop, {})


def test_the_same_id_in_another_file_is_another_photo() -> None:
    cache = PhotoCache(8)
    for colour, level in (("black", 0), ("white", 255), ("black", 0)):
        buffer = io.BytesIO()
        Image.new("RGB", (9, 9), colour).save(buffer, "PNG")
        photo = cache(Product("1", (ImageRef(data=buffer.getvalue()),), source="grocery"))
        assert photo.shape == (3, 8, 8) and photo.unique().tolist() == [level]


def categorised(counts: dict[str, int]) -> list[Product]:
    return [
        Product(f"{name} {number}", (), category=(name,) if name else None)
        for name, count in counts.items()
        for number in range(count)
    ]


def test_rare_categories_come_by_the_root_of_their_rarity() -> None:
    products = categorised({"Shirts": 9000, "Ties": 800, "Hats": 90, "Scarves": 10, "": 100})
    shown = Counter((p.category or ("",))[0] for p in repeat_rare(products, 0.036, seed=0))
    # A share of 0.036 is 360 products: hats are four times rarer, scarves 36 times.
    assert shown == {"Shirts": 9000, "Ties": 800, "Hats": 180, "Scarves": 60, "": 100}


def test_rare_products_that_come_and_a_half_are_drawn_by_the_seed() -> None:
    products = categorised({"Shirts": 9900, "Hats": 100})
    shown, again, other = (repeat_rare(products, 0.0225, seed) for seed in (0, 0, 1))
    assert shown == again != other
    assert 130 <= sum(p.category == ("Hats",) for p in shown) <= 170
    assert {p.id for p in shown} == {p.id for p in products}


def test_without_a_share_nothing_comes_again() -> None:
    products = categorised({"Shirts": 5, "Hats": 1})
    assert repeat_rare(products, 0, seed=0) == products


def test_products_without_a_usable_photo_are_named_once_and_left_out(
    shop: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(2):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(shop / f"{number}.jpg")
    (shop / "2.jpg").write_bytes((shop / "1.jpg").read_bytes()[:200])
    products = [*read_products([SourceRecipe(files="shop.jsonl")], shop, {}), Product(id="bare", title="A shirt")]
    photos = PhotoCache(8)
    for _ in range(2):
        kept, batch = photos.batch(products)
        assert [product.id for product in kept] == ["0", "1"] and batch.shape == (2, 3, 8, 8)
    assert photos.usable(products) == kept
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 3
    twin = replace(products[2], images=products[0].images)
    assert photos.usable([products[2], twin]) == [twin], "the same id with another photo is another product"
    for name, line in zip(("2", "3", "bare"), told, strict=True):
        assert line.startswith(f"product '{name}' is left out: ")
    with pytest.raises(RecipeError, match="none of 3 products has a photo that can be used"):
        photos.batch(products[2:])
