from __future__ import annotations

import random
from dataclasses import replace

import pytest

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL, Choices, Question
from pumgpt.tasks.context import AskedAttribute
from pumgpt.tasks.listing import Listing
from pumgpt.tasks.truth import answer_for, draw_untellable, label, plain_phrase, thin_refusals
from pumgpt.tasks.words import colour_family

ABSENT = Listing()


def answer(product: Product, name: str, listing: Listing = ABSENT) -> str | None:
    return answer_for(product, AskedAttribute(name), listing, random.Random(0))


def test_stated_missing_and_untellable_are_three_cases(shirt: Product, apple: Product) -> None:
    assert answer(shirt, "colour") == "Navy Blue"
    assert answer(shirt, "pattern") is None
    assert answer(shirt, "price") == CANNOT_TELL
    assert answer(shirt, "ripeness") == CANNOT_TELL
    assert answer(apple, "gender") == CANNOT_TELL
    assert answer(apple, "colour") is None


def test_a_description_may_tell_what_the_photo_does_not(shirt: Product) -> None:
    described = Listing.of(shirt, "present")
    assert described.described
    assert answer(shirt, "washing instructions", described) is None


def test_brand_only_where_the_text_says_it(shirt: Product) -> None:
    assert answer(shirt, "brand") == CANNOT_TELL
    assert answer(shirt, "brand", Listing.of(shirt, "struck")) == "Puma"
    unlabelled = replace(shirt, attributes={"gender": "Men"})
    assert answer(unlabelled, "brand") == CANNOT_TELL
    assert answer(unlabelled, "brand", Listing.of(unlabelled, "struck")) is None


def test_values_outside_the_schema_are_not_trained(shirt: Product) -> None:
    asked = AskedAttribute("colour", Choices(("Red", "Blue")))
    assert answer_for(shirt, asked, ABSENT, random.Random(0)) is None


def test_year_is_mostly_refused(shirt: Product) -> None:
    rng = random.Random(0)
    answers = [answer_for(shirt, AskedAttribute("year"), ABSENT, rng) for _ in range(2000)]
    assert set(answers) == {"2012", CANNOT_TELL}
    assert 0.07 < answers.count("2012") / len(answers) < 0.13


def test_nothing_can_be_told_of_foreign_pictures(foreign: Product) -> None:
    assert {answer(foreign, name) for name in ("colour", "brand", "year", "price", "anything")} == {CANNOT_TELL}


def test_age_group_follows_from_gender(shirt: Product) -> None:
    assert label(shirt, "age group") == "adult"
    assert label(Product(id="1", attributes={"gender": "Girls"}), "age group") == "kids"
    assert label(Product(id="1", attributes={"gender": "Unisex"}), "age group") is None
    assert label(Product(id="1", attributes={"gender": "Men", "age group": "teen"}), "age group") == "teen"


def test_several_values_are_joined() -> None:
    assert label(Product(id="1", attributes={"colour": ["Red", "Blue"]}), "colour") == "Red, Blue"


def test_untellable_attributes_are_never_stated_ones(shirt: Product) -> None:
    rng = random.Random(0)
    priced = replace(shirt, attributes={"ripeness": "green"})
    drawn = {draw_untellable(priced, rng) for _ in range(500)}
    assert "ripeness" not in drawn and "brand" not in drawn and {"price", "flavour"} <= drawn


def test_plain_phrases(shirt: Product, apple: Product, garment: Product, foreign: Product) -> None:
    assert plain_phrase(apple) == "Golden Delicious apple"
    assert plain_phrase(garment) == "T-Shirt for kids"
    assert plain_phrase(shirt) == "Navy Blue Tshirts"
    assert plain_phrase(Product(id="1", category=("Fruit", "Passion-Fruit", "Passion Fruit"))) == "Passion Fruit"
    assert plain_phrase(foreign) is None


@pytest.mark.parametrize(
    ("colour", "family"), [("Navy Blue", "blue"), ("Off White", "white"), ("Turquoise Blue", "blue"), ("Plaid", None)]
)
def test_colour_family(colour: str, family: str | None) -> None:
    assert colour_family(colour) == family


def test_one_refusal_is_kept() -> None:
    pairs = [(Question("t", str(i)), "yes" if i < 3 else CANNOT_TELL) for i in range(6)]
    kept = [said for _, said in thin_refusals(pairs, random.Random(0))]
    assert kept.count("yes") == 3 and kept.count(CANNOT_TELL) == 1
