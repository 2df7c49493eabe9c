"""A model is asked in its own words, and the record is in the shop's."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image

from pumgpt.backends.calibration import Calibration, FieldCalibration
from pumgpt.backends.fake import FakeBackend
from pumgpt.backends.protocol import Answer, Capabilities, Choices
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import AttributeField, ModelInfo, Understanding
from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy, split_path
from pumgpt.errors import UsageError
from pumgpt.understand.assemble import assemble
from pumgpt.understand.fields.base import Reply
from pumgpt.understand.plan import Plan, fingerprint, make_plan
from pumgpt.understand.remarks import vocabulary_remarks

OWN = AttributeSchema(
    (AttributeSpec("gender", ("Men", "Women")), AttributeSpec("colour", ("Black", "Blue", "Navy Blue", "Green")))
)
SHOP = AttributeSchema(
    (
        AttributeSpec("pattern", ("plain", "striped")),
        AttributeSpec("Farbe", ("Schwarz", "Blau")),
        AttributeSpec("Geschlecht", ("Damen", "Herren")),
    )
)
PHOTO = Image.new("RGB", (8, 8), "navy")


class OwnWords(FakeBackend):
    capabilities = Capabilities(
        taxonomy=Taxonomy.of(
            [("Apparel", "Bottomwear", "Jeans"), ("Apparel", "Topwear", "Tshirts"), ("Footwear", "Shoes", "Heels")]
        ),
        schema=OWN,
        calibration=Calibration(fields={"attribute:colour": FieldCalibration(confidence=[(0.0, 0.0), (1.0, 0.8)])}),
    )


def plan(*categories: str, **changes: object) -> Plan:
    taxonomy = Taxonomy.of(map(split_path, categories)) if categories else None
    return make_plan(OwnWords(), taxonomy=taxonomy, **{"schema": SHOP, "precision": 0.5, **changes})  # type: ignore[arg-type]


def record(asked: Plan, answers: Mapping[str, Mapping[str, float]], **product: object) -> Understanding:
    """The record where each field of the model's gets these shares; what isn't given can't be inferred."""
    shown = Product("1", **product)  # type: ignore[arg-type]
    replies = []
    for request in asked.requests(shown, [PHOTO]):
        for question in request.questions:
            shares = answers.get(question.field or "", {})
            ranked = tuple(shares.items()) or ((question.choices.values[0], 0.0),) if question.choices else ()
            replies.append(Reply(question, Answer(ranked[0][0] if ranked else "", ranked=ranked)))
    return assemble(asked, shown, replies, ModelInfo(name="own", revision="0"))


def fields(found: Understanding) -> dict[str, AttributeField]:
    return {field.name: field for field in found.attributes or ()}


def test_the_questions_are_the_models_and_the_names_the_shops() -> None:
    asked = plan(tasks=["attributes"])
    (request,) = asked.requests(Product("1"), [PHOTO])
    assert [(question.field, question.choices and question.choices.values) for question in request.questions] == [
        ("colour", ("Black", "Blue", "Navy Blue", "Green")),
        ("gender", ("Men", "Women")),
    ]
    assert [field.name for field in record(asked, {}).attributes or ()] == ["pattern", "Farbe", "Geschlecht"]


def test_values_that_are_one_of_the_shops_put_their_shares_together() -> None:
    found = fields(record(plan(tasks=["attributes"]), {"colour": {"Navy Blue": 0.5, "Blue": 0.4, "Black": 0.1}}))
    assert (found["Farbe"].value, found["Farbe"].status) == ("Blau", "filled")
    assert found["Farbe"].confidence == pytest.approx(0.72), "0.9, calibrated as the model's own colour is"


@pytest.mark.parametrize("precision", [0.0, 0.5])
def test_a_value_that_the_shop_has_not_is_not_another_one(precision: float) -> None:
    asked = plan(tasks=["attributes"], precision=precision)
    field = fields(record(asked, {"colour": {"Green": 0.9, "Blue": 0.05, "Black": 0.05}}))["Farbe"]
    assert (field.value, field.status) == (None, "abstained")


@pytest.mark.parametrize("precision", [0.0, 0.5])
def test_an_attribute_that_was_never_learnt_is_not_asked_of_the_photo(precision: float) -> None:
    asked = plan(tasks=["attributes"], precision=precision)
    field = fields(record(asked, {"colour": {"Blue": 1.0}}))["pattern"]
    assert (field.value, field.confidence, field.status) == (None, None, "abstained")
    kept = fields(record(asked, {}, attributes={"Pattern": "striped"}))["pattern"]
    assert (kept.value, kept.status) == ("striped", "kept")


def test_a_schema_of_which_nothing_is_known_asks_nothing() -> None:
    asked = plan(tasks=["attributes"], schema=AttributeSchema((AttributeSpec("pattern"),)))
    assert asked.requests(Product("1", attributes={"fit": "slim"}), [PHOTO]) == ()
    assert [field.status for field in record(asked, {}).attributes or ()] == ["abstained"]


def test_the_shops_own_value_is_held_against_the_carried_one() -> None:
    asked = plan(tasks=["attributes"])
    agreed = fields(record(asked, {"colour": {"Navy Blue": 1.0}}, attributes={"Farbe": "Blau"}))["Farbe"]
    assert (agreed.value, agreed.status) == ("Blau", "kept")
    other = fields(record(asked, {"colour": {"Black": 1.0}}, attributes={"Farbe": "Blau"}))["Farbe"]
    assert (other.value, other.status, other.suggestion) == ("Blau", "conflict", "Schwarz")


@pytest.mark.parametrize("precision", [0.0, 0.5])
def test_jeans_are_no_shoes_where_the_shop_has_no_jeans(precision: float) -> None:
    asked = plan("T-shirts", "Shoes", tasks=["category"], precision=precision)
    shares = {
        "Apparel > Bottomwear > Jeans": 0.8,
        "Footwear > Shoes > Heels": 0.15,
        "Apparel > Topwear > Tshirts": 0.05,
    }
    found = record(asked, {"category": shares}).category
    assert found is not None and (found.path, found.status, found.alternatives) == (None, "abstained", [])
    mostly_known = record(
        asked, {"category": {"Footwear > Shoes > Heels": 0.6, "Apparel > Bottomwear > Jeans": 0.4}}
    ).category
    assert mostly_known is not None and mostly_known.path == ["Shoes"]


def test_whom_a_product_is_for_is_asked_where_its_category_depends_on_it() -> None:
    asked = plan("Women > Shoes", "Men > Shoes", tasks=["category"])
    assert [one.name for one in asked.deciding] == ["gender"]
    heels = {"Footwear > Shoes > Heels": 1.0}
    found = record(asked, {"category": heels, "gender": {"Women": 0.9, "Men": 0.1}})
    assert found.category is not None and found.category.path == ["Women", "Shoes"]
    assert found.attributes is None, "it was not asked for"
    unsure = record(asked, {"category": heels, "gender": {"Women": 0.45, "Men": 0.45}}).category
    assert unsure is not None and unsure.path is None


def test_what_the_shop_says_of_people_decides_before_the_photo() -> None:
    asked = plan("Women > Shoes", "Men > Shoes")
    assert not asked.deciding, "asked anyway"
    answers = {"category": {"Footwear > Shoes > Heels": 1.0}, "gender": {"Women": 0.9, "Men": 0.1}}
    assert (record(asked, answers).category or PHOTO).path == ["Women", "Shoes"]  # type: ignore[union-attr]
    stated = record(asked, answers, attributes={"Geschlecht": "Herren"}).category
    assert stated is not None and stated.path == ["Men", "Shoes"]


def test_categories_of_the_models_own_are_asked_as_they_are() -> None:
    asked = plan("Apparel > Bottomwear > Jeans", tasks=["category"])
    assert asked.crosswalk is None and asked.context.taxonomy_choices is not None
    assert asked.context.taxonomy_choices.values == ("Apparel > Bottomwear > Jeans",)


def test_a_user_is_told_at_the_start_what_can_be_told() -> None:
    lines = vocabulary_remarks(OwnWords(), plan("T-shirts", "Rugs", "Home > Lamps"))
    assert "1 of 3 categories" in lines[0] and "Rugs, Lamps" in lines[0]
    assert "from a photo: Farbe, Geschlecht;" in lines[1] and lines[1].endswith("pattern")
    assert vocabulary_remarks(OwnWords(), plan(schema=None)) == []


def test_a_value_map_takes_the_place_of_names(tmp_path: Path) -> None:
    path = tmp_path / "values.csv"
    path.write_text("attribute,value,to,to_value\ncolour,Green,Farbe,Blau\ncolour,Blue,Farbe,\n", encoding="utf-8")
    asked = plan(tasks=["attributes"], value_map=path)
    assert fields(record(asked, {"colour": {"Green": 1.0}}))["Farbe"].value == "Blau"
    assert fields(record(asked, {"colour": {"Blue": 1.0}}))["Farbe"].value is None
    assert [spec.name for spec in asked.unlearnt] == ["pattern", "Geschlecht"]
    assert fingerprint(OwnWords(), asked) != fingerprint(OwnWords(), plan(tasks=["attributes"]))
    with pytest.raises(UsageError, match="--value-map"):
        plan(schema=None, value_map=path)


def test_a_plan_reaches_a_worker_whole() -> None:
    """The choices of a question say which attribute it is about, by identity."""
    sent: Plan = pickle.loads(pickle.dumps(plan(tasks=["attributes"])))
    assert fields(record(sent, {"colour": {"Navy Blue": 1.0}}))["Farbe"].value == "Blau"
    assert all(isinstance(choices, Choices) for choices in sent.matches)
