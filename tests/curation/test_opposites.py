"""A title that names another value of an attribute that everybody has contradicts the listed one, without a schema."""

from __future__ import annotations

import pytest

from pumgpt.catalog.product import Product
from pumgpt.curation.experts.base import Case, claims_of
from pumgpt.curation.experts.opposites import opposites
from pumgpt.curation.experts.text import TextExpert
from pumgpt.curation.verdict import Verdict

SUPPORTED, CONTRADICTED, NOT_INFERABLE = Verdict


@pytest.fixture(scope="module")
def expert() -> TextExpert:
    expert = TextExpert()
    expert.prepare([Product("1", category=("Apparel", "Tshirts")), Product("2", category=("Apparel", "Shirts"))])
    return expert


@pytest.mark.parametrize(
    ("name", "value", "title", "verdict"),
    [
        ("colour", "Green", "Nike Men Yellow T-shirt", CONTRADICTED),
        ("Color", "Green", "Nike Men Yellow T-shirt", CONTRADICTED),
        ("colour", "Green", "Yellow shirt for men", CONTRADICTED),
        ("colour", "Green", "Yellow Shirt", CONTRADICTED),
        ("colour", "Brown", "Black Leather Belt", CONTRADICTED),
        ("colour", "Blue", "Nike Men Navy T-shirt", NOT_INFERABLE),  # navy is a blue
        ("colour", "Navy Blue", "Nike Men Black T-shirt", CONTRADICTED),
        ("colour", "Green", "Yellow Dog Mens Tee", NOT_INFERABLE),  # a brand
        ("colour", "Green", "Yellow Dog Mens Green Tee", SUPPORTED),
        ("colour", "Brown", "Red Tape Men's Casual Shoe", NOT_INFERABLE),  # likewise
        ("colour", "Multi", "Dress in black and white", NOT_INFERABLE),
        ("colour", "Black/White", "Red dress for girls", NOT_INFERABLE),  # which of the two is meant isn't known
        ("colour", "Black", "Denim jacket for men", NOT_INFERABLE),  # a material here
        ("gender", "Men", "Nike Women Running Shoe", CONTRADICTED),
        ("gender", "Men", "Nike Women's Running Shoe", CONTRADICTED),
        ("gender", "Boys", "Levis Girls Pink Top", CONTRADICTED),
        ("gender", "Boys", "Levis Kids Pink Top", NOT_INFERABLE),
        ("gender", "Unisex", "Nike Men Running Shoe", NOT_INFERABLE),
        ("gender", "Men", "Nike shoe for men and women", SUPPORTED),
        ("material", "Cotton", "Mens polyester shirt", CONTRADICTED),
        ("pattern", "Solid", "Shirt for boys, striped", CONTRADICTED),
        ("colour name", "Green", "Nike Men Yellow T-shirt", NOT_INFERABLE),  # no attribute that everybody has
    ],
)
def test_what_a_title_says_against_a_value(
    expert: TextExpert, name: str, value: str, title: str, verdict: Verdict
) -> None:
    product = Product("1", title=title, attributes={name: value})
    ((found,),) = expert.judge([Case(product, claims_of(product), lambda _: ())])
    assert found is not None and found.verdict is verdict
    if verdict is CONTRADICTED:
        start, end = found.evidence["at"]
        assert title[start:end] == found.evidence["words"]


def test_no_word_excludes_its_own_kind() -> None:
    assert {"yellow", "mustard"} <= {*opposites("colour", "Green")}
    assert not {"green", "multi", "olive"} & {*opposites("colour", "Green")}
    assert not {"blue", "navy", "turquoise"} & {*opposites("colour", "Navy Blue")}
    assert "woman" in opposites("gender", "Men") and "unisex" not in opposites("gender", "Men")
    assert opposites("brand", "Green") == opposites("colour", "Galactic") == ()
