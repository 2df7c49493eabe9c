"""Titles reduced to plain words: what is learned as a caption."""

from __future__ import annotations

import pytest

from pumgpt.catalog.product import Product
from pumgpt.samples import draw_product, seeds
from pumgpt.samples.product import BRANDS
from pumgpt.tasks.plain_words import plain_ending, plain_title


@pytest.mark.parametrize(
    ("title", "leaf", "colour", "plain"),
    [
        ("Puma Men Running Shoe", "Sports Shoes", "Black", "Men Shoe"),
        ("Turtle Check Men Navy Blue Shirt", "Shirts", "Navy Blue", "Men Navy Blue Shirt"),
        ("Gini and Jony Girls Knit White Top", "Tops", "White", "Girls White Top"),
        ("Red Tape Men Olive Shoes", "Casual Shoes", "Olive", "Men Olive Shoes"),
        ("Black Coffee Men Blue Jeans", "Jeans", "Blue", "Men Blue Jeans"),
        ("Vans Men Rata Vulc Brown Shoes", "Casual Shoes", "Brown", "Men Brown Shoes"),
        ("Jealous 21 Women Blue Floral Top", "Tops", "Blue", "Women Blue Floral Top"),
        ("Peter England Men Leather Brown Belt", "Belts", "Brown", "Men Brown Belt"),
        ("Scullers Men Shirt with Blue and White Stripes", "Shirts", "Multi", "Men Shirt with Blue and White Stripes"),
        ("Quechua Arpenaz 50", "Sports Shoes", "Grey", None),
    ],
)
def test_brand_model_size_and_material_are_struck(title: str, leaf: str, colour: str, plain: str | None) -> None:
    product = Product("1", title=title, category=("Apparel", leaf), attributes={"colour": colour})
    assert plain_title(product) == plain


def test_no_drawn_brand_is_learned() -> None:
    parts = {word for brand in BRANDS for word in brand.replace("&", " ").split()}
    titles = [draw_product(seed, size_px=32)[1] for seed in list(seeds.TESTS)[:150]]
    plain = [plain_title(product) for product in titles]
    assert sum(text is not None for text in plain) > 100
    assert all(parts.isdisjoint((text or "").split()) for text in plain)


def test_an_ending_is_what_comes_in_plain_words_after_the_beginning() -> None:
    product = Product("1", title="Nike Men Air Max White Shoes", category=("Shoes",), attributes={"colour": "White"})
    assert plain_ending(product, 2) == "White Shoes"
    assert plain_ending(product, 5) == "Shoes"
