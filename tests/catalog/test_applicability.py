"""Which attributes a category has, by what a model learned and by what a public taxonomy says of kinds that it didn't."""

from __future__ import annotations

import pytest

from pumgpt.catalog.vocabulary.applicability import Applicability
from pumgpt.catalog.vocabulary.matching.released_attributes import released_attributes

LEARNT = Applicability.of({"Apparel": ["gender", "Color"], "Apparel > Socks": ["Color"], "Fruit": []})


def test_a_category_has_the_attributes_of_the_nearest_one_above() -> None:
    assert LEARNT.attributes(("Apparel", "Topwear", "Shirts")) == {"gender", "colour"}
    assert LEARNT.attributes(("Apparel", "Socks", "Ankle")) == {"colour"}
    assert LEARNT.attributes(("Fruit", "Apple")) == frozenset()
    assert LEARNT.attributes(("Furniture", "Desks")) is None


def test_several_categories_have_what_any_of_them_has() -> None:
    assert LEARNT.attributes_of_any([("Fruit",), ("Apparel", "Socks")]) == {"colour"}
    assert LEARNT.attributes_of_any([("Desks",)]) is None


@pytest.mark.parametrize("desks", [("Furniture", "Desks"), ("Wohnen", "Möbel", "Schreibtische"), ("Mobiliario",)])
def test_a_desk_has_a_colour_and_no_gender_in_any_language(desks: tuple[str, ...]) -> None:
    assert released_attributes().attributes(desks) == {"colour"}


def test_what_is_worn_has_a_gender_and_food_has_no_colour() -> None:
    found = released_attributes().attributes(("Sale", "Apparel & Accessories"))
    assert found is not None and {"gender", "colour", "age group"} <= found
    assert released_attributes().attributes(("Food, Beverages & Tobacco",)) == frozenset()
    assert released_attributes().attributes(("Xyzzy",)) is None


def test_of_a_product_of_any_kind_a_colour_can_be_asked_and_no_gender() -> None:
    assert "colour" in released_attributes().anywhere
    assert not {"gender", "usage", "season"} & released_attributes().anywhere
