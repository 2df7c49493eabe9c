"""Nothing is said of what a model doesn't know: kinds that it never learned, attributes that a category has not, titles of other
products, colours of photos without any.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest
from PIL import Image

from pumgpt.backends.calibration import Calibration, FieldCalibration
from pumgpt.backends.fake import FakeBackend
from pumgpt.backends.protocol import Answer, Capabilities, Request
from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL, Question
from pumgpt.catalog.understanding import AttributeField, ModelInfo, Understanding
from pumgpt.catalog.vocabulary.applicability import Applicability
from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy
from pumgpt.samples import draw_product
from pumgpt.understand.assemble import assemble
from pumgpt.understand.fields.base import Reply
from pumgpt.understand.plan import NO_COLOUR, Plan, make_plan

SHIRT, TOP = "Apparel > Topwear > Shirts", "Apparel > Topwear > Tops"
SOCKS, APPLE = "Apparel > Legs > Socks", "Fruit > Apples"
SCHEMA = AttributeSchema((AttributeSpec("gender", ("Men", "Women")), AttributeSpec("colour", ("Blue", "Red"))))
LINEAR = FieldCalibration(confidence=[(0.0, 0.0), (1.0, 1.0)])
PHOTO = draw_product(3, size_px=48)[0]
Shares = Mapping[str, Mapping[str, float]]


class Specialist(FakeBackend):
    capabilities = Capabilities(
        taxonomy=Taxonomy.of([tuple(path.split(" > ")) for path in (SHIRT, TOP, SOCKS, APPLE)]),
        schema=SCHEMA,
        applicability=Applicability.of({"Apparel": ["gender", "colour"], "Fruit": []}),
        calibration=Calibration(
            fields={"category": LINEAR, "attribute:gender": LINEAR, "attribute:colour": LINEAR},
        ),
    )


def plan(**changes: object) -> Plan:
    return make_plan(Specialist(), **{"tasks": ["category", "attributes"], **changes})  # type: ignore[arg-type]


def answer(question: Question, shares: Mapping[str, float], known: float) -> Answer:
    ranked = tuple(sorted(shares.items(), key=lambda pair: -pair[1]))
    rest = 1 - sum(shares.values())
    if not ranked:
        assert question.choices is not None
        ranked = ((question.choices.values[0], 0.0),)
    text = ranked[0][0] if ranked[0][1] >= rest else CANNOT_TELL
    return Answer(text, 1.0, rest, ranked, known=known)


def record(
    asked: Plan,
    seen: Shares,
    told: Shares | None = None,
    *,
    photo: Image.Image = PHOTO,
    known: float = 1.0,
    **product: object,
) -> Understanding:
    """The record where the photo alone gets the shares `seen`, and with the listing those of `told`."""
    shown = Product("1", **product)  # type: ignore[arg-type]

    def replies_to(requests: Iterable[Request]) -> list[Reply]:
        asked_of = [
            (question, told if request.listing is not None and told is not None else seen)
            for request in requests
            for question in request.questions
        ]
        return [Reply(one, answer(one, shares.get(one.field or "", {}), known)) for one, shares in asked_of]

    replies = replies_to(asked.requests(shown, [photo]))
    replies += replies_to(asked.second_look(shown, [photo], replies))
    return assemble(asked, shown, replies, ModelInfo(name="m", revision="0"))


def attributes(found: Understanding) -> dict[str, AttributeField]:
    return {field.name: field for field in found.attributes or ()}


def of_shirt(gender: float = 0.98) -> Shares:
    return {"category": {SHIRT: 0.97}, "gender": {"Men": gender, "Women": 1 - gender}, "colour": {"Blue": 0.96}}


# Kinds that were never learned


def test_a_confidence_holds_for_known_kinds_alone() -> None:
    sure = record(plan(), of_shirt())
    assert sure.category is not None and sure.category.confidence == 0.97
    doubtful = record(plan(), of_shirt(), known=0.5)
    assert doubtful.category is not None
    assert (doubtful.category.status, doubtful.category.confidence) == ("abstained", 0.485)
    assert attributes(doubtful)["colour"].status == "abstained"
    assert record(plan(precision=0), of_shirt(), known=0.01).category.status == "filled"  # type: ignore[union-attr]


def test_nothing_is_filled_for_an_unknown_kind_and_what_only_clothes_have_is_no_field() -> None:
    found = record(plan(), of_shirt(), known=0.02)
    assert found.category is not None and found.category.status == "abstained"
    assert {name: field.status for name, field in attributes(found).items()} == {"colour": "abstained"}


def test_what_the_shop_says_of_an_unknown_kind_stands() -> None:
    found = record(plan(), of_shirt(), known=0.02, category=("Furniture", "Desks"), attributes={"colour": "Red"})
    assert found.category is not None and found.category.status == "kept"
    assert (attributes(found)["colour"].value, attributes(found)["colour"].status) == ("Red", "kept")


# Attributes that a category has not


@pytest.mark.parametrize(
    ("shares", "names"),
    [
        ({SHIRT: 0.9}, ["gender", "colour"]),
        ({SHIRT: 0.3, SOCKS: 0.25}, ["gender", "colour"]),  # unsure, but of what is worn
        ({APPLE: 0.9}, []),
        ({SHIRT: 0.1}, ["colour"]),  # refused: of no kind that it knows
    ],
)
def test_only_the_attributes_of_a_category_are_fields(shares: dict[str, float], names: list[str]) -> None:
    assert list(attributes(record(plan(), {**of_shirt(), "category": shares}))) == names


def test_the_shops_category_decides_also_one_that_was_never_learned() -> None:
    for category, names in ((("Fruit", "Apples"), []), (("Möbel", "Schreibtische"), ["colour"]), (("Apparel",), None)):
        found = attributes(record(plan(), of_shirt(), category=category))
        assert list(found) == (["gender", "colour"] if names is None else names), category


def test_whoever_asks_for_an_attribute_gets_a_field() -> None:
    desk = {**of_shirt(), "category": {APPLE: 0.9}}
    assert list(attributes(record(plan(schema=SCHEMA), desk))) == ["gender", "colour"]
    assert list(attributes(record(plan(columns=["Gender"]), desk))) == ["gender"]
    assert list(attributes(record(plan(precision=0), desk))) == ["gender", "colour"]
    assert list(attributes(record(plan(), desk, attributes={"gender": "Men"}))) == ["gender"], "the shop has it"


def test_without_a_category_in_the_record_the_model_is_asked_for_it_all_the_same() -> None:
    asked = plan(tasks=["attributes"])
    found = record(asked, {**of_shirt(), "category": {APPLE: 0.9}})
    assert (found.category, found.attributes) == (None, [])


# Attributes that were never learned


def test_a_model_of_categories_alone_is_asked_for_no_attribute() -> None:
    class Categories(FakeBackend):
        capabilities = replace(Specialist.capabilities, schema=None, applicability=None)

    schema = AttributeSchema((AttributeSpec("pattern"), AttributeSpec("fit", ("slim", "wide"))))
    asked = make_plan(Categories(), tasks=["attributes", "attribute_correction"], schema=schema)
    listed = Product("1", attributes={"pattern": "striped"})
    assert [question.field for request in asked.requests(listed, [PHOTO]) for question in request.questions] == []
    found = assemble(asked, listed, [], ModelInfo(name="m", revision="0"))
    assert {field.name: field.status for field in found.attributes or ()} == {"pattern": "kept", "fit": "abstained"}


# Another product's title

SWAPPED: Shares = {"category": {SOCKS: 0.9}, "gender": {"Women": 0.97, "Men": 0.03}, "colour": {"Blue": 0.96}}


def test_a_title_of_another_product_is_said_and_fills_nothing_that_the_photo_denies() -> None:
    found = record(plan(), of_shirt(), SWAPPED, title="Women ankle socks")
    assert found.category is not None and found.category.status == "abstained"
    fields = attributes(found)
    assert fields["gender"].status == "abstained"
    assert (fields["colour"].value, fields["colour"].status) == ("Blue", "filled"), "on which both agree"
    assert found.warnings == [
        "category: the photo says Shirts, with the text it would be Socks",
        "gender: the photo says Men, the title says 'Women'",
    ]


def test_one_field_that_the_photo_surely_denies_is_enough() -> None:
    told = {**of_shirt(), "gender": {"Women": 0.97, "Men": 0.03}}
    assert attributes(record(plan(), of_shirt(gender=0.99), told, title="Women shirt"))["gender"].status == "abstained"
    unsure = attributes(record(plan(), of_shirt(gender=0.6), told, title="Women shirt"))
    assert (unsure["gender"].value, unsure["gender"].status) == ("Women", "filled"), "what the photo leaves open"


def test_a_title_may_tell_neighbours_apart_and_name_a_shade() -> None:
    told = {**of_shirt(), "category": {TOP: 0.95}}
    found = record(plan(), of_shirt(), told, title="A top")
    assert (found.category.status if found.category else None, found.warnings) == ("filled", [])


def test_photos_of_an_unknown_kind_dispute_no_title() -> None:
    found = record(plan(schema=SCHEMA), of_shirt(), SWAPPED, title="Women ankle socks", known=0.05)
    assert found.warnings == []
    assert attributes(found)["gender"].value == "Women", "the title states it"


def test_without_a_title_and_from_an_unmeasured_model_nothing_is_asked_twice() -> None:
    def asked_alone(asked: Plan, **product: object) -> list[str | None]:
        requests = asked.requests(Product("1", **product), [PHOTO])  # type: ignore[arg-type]
        return [question.field for request in requests for question in request.questions if question.photo_only]

    assert asked_alone(plan()) == []
    assert asked_alone(plan(), title="Shirt") == ["gender", "colour"]
    assert asked_alone(replace(plan(), calibration=Calibration()), title="Shirt") == []


def test_all_else_is_asked_of_the_photos_alone_where_a_title_is_in_doubt() -> None:
    def replies_of(told: Shares) -> list[Reply]:
        (listed, alone) = plan().requests(Product("1", title="Shirt"), [PHOTO])
        return [
            Reply(question, answer(question, shares.get(question.field or "", {}), 1.0))
            for request, shares in ((listed, told), (alone, of_shirt()))
            for question in request.questions
        ]

    (look,) = plan().second_look(Product("1", title="Shirt"), [PHOTO], replies_of(SWAPPED))
    assert (look.listing, [question.field for question in look.questions]) == (None, ["category"])
    assert plan().second_look(Product("1", title="Shirt"), [PHOTO], replies_of(of_shirt())) == ()


# Photos without colour


def test_a_black_and_white_photo_shows_no_colour() -> None:
    grey = PHOTO.convert("L").convert("RGB")
    found = record(plan(), of_shirt(), photo=grey)
    field = attributes(found)["colour"]
    assert (field.status, field.value, field.reason) == ("abstained", None, NO_COLOUR)
    assert found.to_json()["attributes"][1]["reason"] == NO_COLOUR
    assert attributes(found)["gender"].status == "filled"
    assert attributes(record(plan(), of_shirt()))["colour"].reason is None
    assert attributes(record(plan(precision=0), of_shirt(), photo=grey))["colour"].status == "filled"


def test_a_title_tells_the_colour_of_a_black_and_white_photo() -> None:
    found = record(plan(), of_shirt(), photo=PHOTO.convert("L").convert("RGB"), title="Red shirt")
    assert (attributes(found)["colour"].value, attributes(found)["colour"].source) == ("Red", "text")
