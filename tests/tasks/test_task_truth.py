from __future__ import annotations

import random
from dataclasses import replace

import pytest

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL, Choices, Question
from pumgpt.tasks.context import AskedAttribute, TaskContext
from pumgpt.tasks.listing import Listing, ListingMode
from pumgpt.tasks.sources import DataFacts, shipped_facts
from pumgpt.tasks.truth import answer_for, draw_untellable, label, plain_phrase, thin_refusals
from pumgpt.tasks.words import colour_family

FACTS = shipped_facts()


def answer(product: Product, name: str, mode: ListingMode = "absent") -> str | None:
    return answer_for(product, AskedAttribute(name), TaskContext().showing(product, mode), random.Random(0))


def test_stated_missing_and_untellable_are_three_cases(shirt: Product, apple: Product) -> None:
    assert answer(shirt, "colour") == "Navy Blue"
    assert answer(shirt, "pattern") is None
    assert answer(shirt, "price") == CANNOT_TELL
    assert answer(shirt, "ripeness") == CANNOT_TELL
    assert answer(apple, "gender") == CANNOT_TELL
    assert answer(apple, "colour") is None


def test_a_description_may_tell_what_the_photo_does_not(shirt: Product) -> None:
    assert Listing.of(shirt, "present", FACTS).described
    assert answer(shirt, "washing instructions", "present") is None


def test_brand_only_where_the_text_says_it(shirt: Product) -> None:
    assert answer(shirt, "brand") == CANNOT_TELL
    assert answer(shirt, "brand", "struck") == "Puma"
    unlabelled = replace(shirt, attributes={"gender": "Men"})
    assert answer(unlabelled, "brand") == CANNOT_TELL
    assert answer(unlabelled, "brand", "struck") is None


def test_values_outside_the_schema_are_not_trained(shirt: Product) -> None:
    asked = AskedAttribute("colour", Choices(("Red", "Blue")))
    assert answer_for(shirt, asked, TaskContext(), random.Random(0)) is None


def test_year_is_mostly_refused(shirt: Product) -> None:
    rng = random.Random(0)
    answers = [answer_for(shirt, AskedAttribute("year"), TaskContext(), rng) for _ in range(2000)]
    assert set(answers) == {"2012", CANNOT_TELL}
    assert 0.07 < answers.count("2012") / len(answers) < 0.13


def test_nothing_can_be_told_of_foreign_pictures(foreign: Product) -> None:
    assert {answer(foreign, name) for name in ("colour", "brand", "year", "price", "anything")} == {CANNOT_TELL}


def test_age_group_follows_from_gender(shirt: Product) -> None:
    assert label(shirt, "age group", FACTS) == "adult"
    assert label(Product(id="1", attributes={"gender": "Girls"}), "age group", FACTS) == "kids"
    assert label(Product(id="1", attributes={"gender": "Unisex"}), "age group", FACTS) is None
    assert label(Product(id="1", attributes={"gender": "Men", "age group": "teen"}), "age group", FACTS) == "teen"


def test_several_values_are_joined() -> None:
    assert label(Product(id="1", attributes={"colour": ["Red", "Blue"]}), "colour", FACTS) == "Red, Blue"


def test_untellable_attributes_are_never_stated_ones(shirt: Product) -> None:
    rng = random.Random(0)
    priced = replace(shirt, attributes={"ripeness": "green"})
    drawn = {draw_untellable(priced, FACTS, rng) for _ in range(500)}
    assert "ripeness" not in drawn and "brand" not in drawn and {"price", "flavour"} <= drawn


def test_plain_phrases(shirt: Product, apple: Product, garment: Product, foreign: Product) -> None:
    assert plain_phrase(apple, FACTS) == "Golden Delicious apple"
    assert plain_phrase(garment, FACTS) == "T-Shirt for kids"
    assert plain_phrase(shirt, FACTS) == "Navy Blue Tshirts"
    assert plain_phrase(Product(id="1", category=("Fruit", "Passion-Fruit", "Passion Fruit")), FACTS) == "Passion Fruit"
    assert plain_phrase(foreign, FACTS) is None


@pytest.mark.parametrize(
    ("colour", "family"), [("Navy Blue", "blue"), ("Off White", "white"), ("Turquoise Blue", "blue"), ("Plaid", None)]
)
def test_colour_family(colour: str, family: str | None) -> None:
    assert colour_family(colour) == family


def test_one_refusal_is_kept() -> None:
    pairs = [(Question("t", str(i)), "yes" if i < 3 else CANNOT_TELL) for i in range(6)]
    kept = [said for _, said in thin_refusals(pairs, random.Random(0))]
    assert kept.count("yes") == 3 and kept.count(CANNOT_TELL) == 1


def test_without_facts_every_attribute_is_like_another(shirt: Product) -> None:
    """What is particular to the data of nano stands in `sources.yaml`, not in the code."""
    plain = TaskContext(facts=DataFacts())
    rng = random.Random(0)
    assert {answer_for(shirt, AskedAttribute("year"), plain, rng) for _ in range(100)} == {"2012"}
    assert answer_for(shirt, AskedAttribute("brand"), plain, rng) == "Puma"
    assert label(shirt, "age group", DataFacts()) is None
    assert answer_for(shirt, AskedAttribute("ripeness"), plain, rng) is None
