"""Which captions count as true."""

from __future__ import annotations

import pytest

from pumgpt.catalog.product import Product
from pumgpt.tasks.caption_facts import caption_is_true

TEE = Product("1", title="Puma Men Navy Tee", category=("Apparel", "Topwear", "Tshirts"), attributes={"colour": "Blue"})
APPLE = Product("2", category=("Fruit", "Apple", "Golden Delicious"))


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("Nike Men Blue T-shirt", True),
        ("Nike Men Navy Polo", True),
        ("Nike Men T shirts", True),
        ("Nike Men Red T-shirt", False),
        ("Nike Men Blue and Red T-shirt", False),
        ("Nike Men Blue Shirt", False),
        ("", False),
    ],
)
def test_a_caption_names_the_kind_and_no_other_colour(text: str, true: bool) -> None:
    assert caption_is_true(text, TEE) is true


def test_without_a_colour_label_no_colour_is_judged() -> None:
    assert caption_is_true("Golden Delicious apple", APPLE)
    assert not caption_is_true("Granny Smith apple", APPLE)
