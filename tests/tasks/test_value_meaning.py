"""Whether a product with a value is what a question asks about."""

from __future__ import annotations

import pytest

from pumgpt.catalog.vocabulary.taxonomy import CategoryPath
from pumgpt.tasks.value_meaning import is_meant


@pytest.mark.parametrize(
    ("attribute", "asked", "value", "verdict"),
    [
        ("colour", "blue", "Navy Blue", True),
        ("colour", "navy", "Navy Blue", True),
        ("colour", "navy", "Blue", None),
        ("colour", "blau", "Navy Blue", True),
        ("colour", "gray", "Grey", True),
        ("colour", "red", "Navy Blue", False),
        ("colour", "red", "Multi", None),
        ("gender", "men", "Unisex", True),
        ("gender", "him", "Men", True),
        ("gender", "kids", "Boys", True),
        ("gender", "boys", "Unisex", False),
        ("gender", "adults", "Women", True),
        ("gender", "women", "Men", False),
        ("gender", "Damen", "Women", True),
        ("age group", "kids", "adult", False),
        ("usage", "sportswear", "Sports", True),
        ("usage", "casual wear", "Formal", False),
        ("season", "autumn", "Fall", True),
        ("material", "cotton", "Cotton", True),
        ("category", "shoe", ("Footwear", "Shoes", "Casual Shoes"), True),
        ("category", "footwear", ("Footwear", "Shoes", "Heels"), True),
        ("category", "fruit", ("Footwear", "Shoes", "Heels"), False),
        ("category", "sneaker", ("Footwear", "Shoes", "Casual Shoes"), None),
        ("category", "shirt", ("Footwear", "Shoes", "Casual Shoes"), False),
    ],
)
def test_by_hand(attribute: str, asked: str, value: str | CategoryPath, verdict: bool | None) -> None:
    assert is_meant(attribute, asked, value) is verdict
