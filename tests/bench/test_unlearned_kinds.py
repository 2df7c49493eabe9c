"""Kinds that a model never learned: which sets these are, and when what is filled there counts as wrong."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from small_suites import load, write_shop

from pumgpt.backends.protocol import Capabilities
from pumgpt.bench.baselines.predictions import Guess, Prediction
from pumgpt.bench.benchmark import BenchResult, ModelResult
from pumgpt.bench.judging.unlearned_kinds import (
    ALL_PHOTOS,
    ANY_FIELD,
    NEVER_LEARNED,
    head_nouns,
    is_unlearned,
    names_product,
    score_unlearned,
    wrong_fields,
)
from pumgpt.bench.reporting.markdown import render_markdown
from pumgpt.bench.reporting.page import render_report
from pumgpt.bench.reporting.results import read_results, to_document, write_results
from pumgpt.bench.suites.items import Item
from pumgpt.bench.suites.suite import Suite, load_suite
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy

LEARNED = Taxonomy.of(
    [("Footwear", "Shoes", "Casual Shoes"), ("Accessories", "Bags", "Handbags"), ("Apparel", "Topwear", "Tops")]
)
CARD = Capabilities(taxonomy=LEARNED, training_data=("fashion/train-*.parquet", "./runs/drawn/products.parquet"))


def suite(**keys: Any) -> Suite:
    return Suite.model_validate(
        {
            "name": "kinds",
            "version": 1,
            "products": "home/all.csv",
            "no_such_attribute": {"Home": ["gender"]},
            "also_called": {"Sofas": ["Couches"]},
            **keys,
        }
    )


def item(key: str, *category: str, **attributes: str) -> Item:
    return Item(Product(key, category=category or None, attributes=attributes or None))


def photo(key: str, *captions: str) -> Item:
    return Item(Product(key), references=captions)


def predicted(**fields: tuple[str, ...]) -> Prediction:
    return Prediction({name: Guess(value) for name, value in fields.items()})


def test_sets_that_the_card_does_not_name_are_unlearned() -> None:
    assert is_unlearned(suite(), CARD)
    assert not is_unlearned(suite(products="fashion/test-*.parquet"), CARD)
    assert not is_unlearned(suite(products="samples"), CARD), "kinds that are drawn are those of the training data"
    assert not is_unlearned(suite(), Capabilities(taxonomy=LEARNED)), "a card that names nothing says nothing"
    assert not is_unlearned(suite(), Capabilities(training_data=("a.csv",))), "asked for the suite's own values"


@pytest.mark.parametrize(("name", "unlearned"), [("implicitave", True), ("open-domain", True), ("grocery", False)])
def test_the_shipped_sets_are_told_apart_by_nanos_card(name: str, unlearned: bool) -> None:
    from pumgpt.model.card import SHIPPED, read_card

    card = read_card(SHIPPED / "nano")
    known = Capabilities(taxonomy=Taxonomy.of(card.category_paths), training_data=tuple(map(str, card.training_data)))
    assert is_unlearned(load_suite(name), known) is unlearned


def test_a_name_lists_things_and_the_last_word_of_each_counts() -> None:
    assert head_nouns("Coffee & Tea Cups") == {"coffee", "cup"}
    assert head_nouns("Casual Shoes") == {"shoe"}
    assert head_nouns("Necklace and Chains") == {"necklace", "chain"}
    assert head_nouns("Handbags") == {"handbag"}, "'and' within a word separates nothing"


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("Sofas", True),
        ("Sleeper Sofas", True),
        ("Couch", True),
        ("Home", True),
        ("Shoes", False),
        ("Sofa Covers", False),
    ],
)
def test_a_category_is_right_by_its_words(name: str, right: bool) -> None:
    assert names_product(name, item("1", "Home", "Sofas"), suite()) is right


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("Sunglasses", True),
        ("Tshirts", True),
        ("Casual Shoes", True),
        ("Backpacks", False),
        ("Tops", True),  # on top of: a word with two meanings counts for the model
    ],
)
def test_a_category_is_right_where_a_caption_names_the_thing(name: str, right: bool) -> None:
    shown = photo("1", "A dog", "Two men in a T shirt, sunglasses and sneakers on top of a hill")
    assert names_product(name, shown, suite(no_products=True)) is right


def test_attributes_are_wrong_where_they_cannot_be_true() -> None:
    said = predicted(category=("Furniture", "Couches"), gender=("Men",), colour=("Blue",))
    sofa = item("1", "Home", "Sofas", colour="Red")
    assert wrong_fields(sofa, said, suite()) == {"category": False, "gender": True, "colour": True}
    # Nobody knows the colour of this one, and a shirt may have a gender.
    assert not any(wrong_fields(item("2", "Home", "Sofas"), predicted(colour=("Blue",)), suite()).values())
    assert wrong_fields(item("3", "Clothing", "Shirts"), predicted(gender=("Men",)), suite()) == {"gender": False}


def test_a_photo_of_no_product_has_attributes_only_of_a_thing_in_it() -> None:
    everyday = suite(no_products=True)
    dog, shoes = photo("1", "A brown dog"), photo("2", "Shoes on a shelf")
    assert wrong_fields(dog, predicted(colour=("Brown",)), everyday) == {"colour": True}
    said = predicted(category=("Footwear", "Shoes"), colour=("Brown",))
    assert wrong_fields(shoes, said, everyday) == {"category": False, "colour": False}
    assert wrong_fields(dog, said, everyday) == {"category": True, "colour": True}
    assert wrong_fields(dog, Prediction({"category": Guess(None, 0.4)}), everyday) == {}


def record(key: str, path: list[str] | None, gender: str | None, sure: float) -> Understanding:
    def status(value: object) -> dict[str, Any]:
        return {"confidence": sure, "status": "filled" if value else "abstained"}

    return Understanding.model_validate(
        {
            "id": key,
            "category": {"path": path, **status(path)},
            "attributes": [{"name": "gender", "value": gender, **status(gender)}],
            "model": {"name": "by hand", "revision": "1"},
        }
    )


ITEMS = [
    item("sofa", "Home", "Sofas"),
    item("desk", "Home", "Desks"),
    item("lamp", "Home", "Lamps"),
    item("boot", "Footwear", "Shoes"),
]
RECORDS: Mapping[str, Understanding] = {
    "sofa": record("sofa", ["Furniture", "Couches"], None, 0.95),
    "desk": record("desk", ["Accessories", "Bags", "Handbags"], "Men", 0.92),
    "lamp": record("lamp", None, "Men", 0.3),
    "boot": record("boot", ["Footwear", "Shoes", "Casual Shoes"], "Men", 0.97),
}


def test_shares_are_of_all_photos_and_of_those_whose_kind_was_never_learned() -> None:
    found = score_unlearned(RECORDS, suite(), ITEMS, LEARNED)
    shares = {
        group: {name: (metrics["filled"].value, metrics["wrong"].value) for name, metrics in fields.items()}
        for group, fields in found.scores.items()
    }
    # The boot's shoes are among the model's categories; desk, lamp and sofa aren't.
    third = pytest.approx(1 / 3)
    assert shares == {
        ALL_PHOTOS: {ANY_FIELD: (1.0, 0.5), "category": (0.75, 0.25), "gender": (0.75, 0.5)},
        NEVER_LEARNED: {
            ANY_FIELD: (1.0, pytest.approx(2 / 3)),
            "category": (pytest.approx(2 / 3), third),
            "gender": (pytest.approx(2 / 3), pytest.approx(2 / 3)),
        },
    }
    assert found.scores[ALL_PHOTOS][ANY_FIELD]["wrong"].count == 4


def test_claims_are_listed_for_review_the_wrong_ones_first() -> None:
    found = score_unlearned(RECORDS, suite(), ITEMS, LEARNED)
    assert [(claim.product, claim.right) for claim in found.claims] == [("desk", False), ("boot", True), ("sofa", True)]
    assert found.claims[0].shows == ("Home", "Desks")


def test_a_photo_without_a_record_or_a_label_is_not_counted() -> None:
    unlabelled = record("unlabelled", ["Toys"], "Men", 0.9)
    found = score_unlearned(
        {"desk": RECORDS["desk"], "unlabelled": unlabelled}, suite(), [*ITEMS, item("unlabelled")], LEARNED
    )
    assert found.scores[ALL_PHOTOS][ANY_FIELD]["wrong"].count == 1


def test_reports_and_document_hold_shares_and_claims(tmp_path: Path) -> None:
    path = write_shop(tmp_path)
    shop, data, cases = load(path)
    records = {one.product.id: record(one.product.id, ["Toys", "Kites"], None, 0.9) for one in data.items[:2]}
    found = score_unlearned(records, shop, data.items, LEARNED)
    result = BenchResult(shop, data, tuple(cases), (ModelResult("nano", "1", (), 0.0, unlearned=found),))
    write_results(to_document(result, {}), tmp_path / "results.json")
    read = read_results(tmp_path / "results.json").unlearned_kinds["nano"]
    assert read.scores[ALL_PHOTOS][ANY_FIELD]["wrong"].value == 1.0
    assert [(claim.value, claim.right, claim.shows[-1]) for claim in read.claims] == [
        (["Toys", "Kites"], False, "Shirts")
    ] * 2
    page, text = render_report(result, "c"), render_markdown(result, "c")
    for report in (page, text):
        assert "Kinds that it never learned" in report and "Kites" in report
    assert "| 0 | Toys > Kites | 0.90 | wrong | Apparel / Topwear / Shirts |" in text
    assert page.count('alt="Photo"') == 2
