"""A caption as a field: nothing in it that isn't vouched for, and nothing that the record says otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image

from pumgpt.backends.calibration import Calibration, FieldCalibration
from pumgpt.backends.fake import FakeBackend
from pumgpt.backends.protocol import Answer
from pumgpt.catalog.product import AttributeValue, Product
from pumgpt.catalog.question import CANNOT_TELL
from pumgpt.catalog.understanding import AttributeField, CategoryField, ModelInfo, Status, Understanding
from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy
from pumgpt.samples.product import BRANDS
from pumgpt.understand.assemble import assemble
from pumgpt.understand.caption_check import ProductFacts, check_caption, check_words
from pumgpt.understand.caption_writer import write_caption
from pumgpt.understand.fields.base import Reply
from pumgpt.understand.plan import Plan, make_plan

MODEL = ModelInfo(name="m", revision="r")
PHOTO = Image.new("RGB", (8, 8), "navy")
SHOES = ("Footwear", "Shoes", "Casual Shoes")


def record(path: tuple[str, ...] | None, status: Status = "filled", sure: float = 0.97, **values: str) -> Understanding:
    """One whose category and attributes have a status."""
    category = CategoryField(path=list(path) if path else None, confidence=sure, status=status)
    attributes = [
        AttributeField(name=name.replace("_", " "), value=value, confidence=0.99, status="filled")
        for name, value in values.items()
    ]
    return Understanding(id="1", category=category, attributes=attributes, model=MODEL)


def objections(text: str, told: Understanding, product: Product | None = None) -> list[tuple[str, str]]:
    found = check_caption(text, ProductFacts.of(product or Product("1"), told))
    return [(objection.word, objection.reason) for objection in found]


NAVY_SHOES = record(SHOES, colour="Navy Blue", gender="Men")


@pytest.mark.parametrize(
    "text",
    [
        "Men Navy Blue Casual Shoes",
        "Men's Blue Shoes",
        "A pair of striped casual shoes with a round toe, for men",
        "Blue lace-up sneakers",
    ],
)
def test_plain_words_that_agree_with_the_record_pass(text: str) -> None:
    assert objections(text, NAVY_SHOES) == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Nike Men's Blue Shoes", "Nike"),
        ("Men Blue Shoes by Haldane & Fitch", "by"),
        ("Men Blue 501 Shoes", "501"),
        ("Men Blue Shoes size XL", "size"),
        ("Men Blue Leather Shoes", "Leather"),
        ("Men Blue Oxford-Cambridge Shoes", "Oxford-Cambridge"),
        ("Men Blue Sports Shoes", "Sports"),
        ("W Men Blue Shoes", "W"),
        ("Herren Blue Shoes", "Herren"),
        ("Men Blue Schuhe Shoes", "Schuhe"),
    ],
)
def test_what_nothing_vouches_for_is_found_and_passes_where_the_listing_says_it(text: str, word: str) -> None:
    assert (word, "not vouched for") in objections(text, NAVY_SHOES)
    assert objections(text, NAVY_SHOES, Product("1", title=text)) == []
    assert objections(text, NAVY_SHOES, Product("1", attributes={"other words": text})) == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Men Red Casual Shoes", "Red"),
        ("Women Blue Casual Shoes", "Women"),
        ("Unisex Blue Casual Shoes", "Unisex"),
        ("Kids Blue Casual Shoes", "Kids"),
        ("Men Blue Casual Shoes and Handbag", "Handbag"),
    ],
)
def test_what_the_record_says_otherwise_is_found_even_where_the_title_says_it(text: str, word: str) -> None:
    for product in (Product("1"), Product("1", title=text)):
        assert (word, "contradicts the record") in objections(text, NAVY_SHOES, product)


def test_values_of_the_schema_that_the_record_denies_are_found() -> None:
    schema = AttributeSchema(
        (AttributeSpec("pattern", ("Solid", "Striped")), AttributeSpec("usage", ("Casual", "Party")))
    )
    asked = make_plan(FakeBackend(), schema=schema).context.attributes
    told = record(("Apparel", "Shirts"), pattern="Solid", usage="Party")
    facts = ProductFacts.of(Product("1", title="Striped casual shirt"), told, None, asked)
    found = [(objection.word, objection.reason) for objection in check_caption("Striped Casual Shirt", facts)]
    assert found == [("Striped", "contradicts the record"), ("Casual", "contradicts the record")]
    assert check_caption("Solid Party Shirt", facts) == []


def test_without_a_sure_category_only_the_shop_names_the_kind() -> None:
    unsure = record(None, status="abstained")
    assert ("Shirt", "not vouched for") in objections("Plain Shirt", unsure)
    assert objections("Plain Shirt", unsure, Product("1", title="Shirt, plain")) == []
    assert ("", "names no kind") in objections("Plain", unsure, Product("1", title="Plain"))


def test_another_kind_than_the_record_s_is_found() -> None:
    tshirts = record(("Apparel", "Topwear", "Tshirts"))
    assert [reason for _, reason in objections("Shirt", tshirts)] == ["contradicts the record", "names no kind"]
    for name in ("T-shirt", "T Shirt", "Tee", "Polo T-Shirts"):
        assert objections(name, tshirts) == []


def test_no_made_up_brand_passes_on_any_record() -> None:
    for brand in BRANDS:
        assert objections(f"{brand} Men Blue Casual Shoes", NAVY_SHOES), brand
        assert check_words(f"Shoes by {brand}", ProductFacts.of(Product("1"), NAVY_SHOES)), brand


@pytest.mark.parametrize(
    ("path", "values", "sentence"),
    [
        (SHOES, {"colour": "Black", "gender": "Men"}, "A pair of black casual shoes for men"),
        (
            ("Apparel", "Topwear", "Tshirts"),
            {"colour": "Navy Blue", "gender": "Women"},
            "A navy blue T-shirt for women",
        ),
        (("Apparel", "Bottomwear", "Jeans"), {"colour": "Blue"}, "A pair of blue jeans"),
        (("Apparel", "Bottomwear", "Capris"), {"age_group": "kids"}, "A pair of capris for kids"),
        (("Apparel", "Topwear", "Kurtis"), {"usage": "Ethnic"}, "An ethnic kurti"),
        (("Apparel", "Topwear", "Nehru Jackets"), {"usage": "Party"}, "A party Nehru jacket"),
        (("Accessories", "Scarves", "Scarves"), {"pattern": "Striped"}, "A striped scarf"),
        (("Accessories", "Bags", "Backpacks"), {"gender": "Unisex", "usage": "Casual"}, "A unisex backpack"),
        (("Accessories", "Jewellery"), {"colour": "Gold"}, "Gold jewellery"),
        (("Accessories", "Jewellery", "Earrings"), {"colour": "Silver"}, "A pair of silver earrings"),
        (("Personal Care", "Nails", "Nail Polish"), {"colour": "Multi"}, "Multicoloured nail polish"),
        (("Footwear", "Shoes", "Sports Shoes"), {"usage": "Sports"}, "A pair of sports shoes"),
        (("Apparel", "Shirts"), {"material": "Cotton", "colour": "Olive"}, "An olive cotton shirt"),
        (("Fruit", "Apple", "Golden Delicious"), {}, "A Golden Delicious apple"),
        (("Vegetables", "Pepper", "Red Bell Pepper"), {"colour": "Red"}, "A red bell pepper"),
        (("Packages", "Oat-Milk", "Oatly Oat Milk"), {}, "Oatly oat milk"),
    ],
)
def test_a_sentence_is_put_together_from_sure_fields(
    path: tuple[str, ...], values: dict[str, str], sentence: str
) -> None:
    told = record(path, **values)
    written = write_caption(told, 0.9)
    assert written is not None and written.text == sentence
    # What is written holds against the record that it was written from.
    assert check_caption(written.text, ProductFacts.of(Product("1"), told)) == []


def test_a_sentence_is_as_sure_as_its_parts_and_says_no_more_than_is_sure_enough() -> None:
    told = record(("Apparel", "Shirts"), sure=0.95, colour="Blue", gender="Men")
    written = write_caption(told, 0.9)
    assert written == ("A blue shirt for men", pytest.approx(0.95 * 0.99 * 0.99, abs=1e-4))
    assert write_caption(told, 0.935) == ("A blue shirt", pytest.approx(0.95 * 0.99, abs=1e-4))
    assert write_caption(told, 0.945) == ("A shirt", 0.95)
    assert write_caption(told, 0) == written


@pytest.mark.parametrize("path", [("Kleidung", "Schuhe"), ("服装", "衬衫"), ("Home", "Gizmos")])
def test_a_kind_without_an_english_name_that_we_know_makes_no_sentence(path: tuple[str, ...]) -> None:
    assert write_caption(record(path, colour="Blue"), 0.9) is None


@pytest.mark.parametrize("status", ["abstained", "conflict"])
def test_an_unsure_kind_makes_no_sentence(status: Status) -> None:
    assert write_caption(record(SHOES, status=status, colour="Blue"), 0.9) is None


SCHEMA = AttributeSchema((AttributeSpec("colour", ("Blue", "Red")),))
TAXONOMY = Taxonomy.of([("Apparel", "Shirts"), ("Apparel", "Shoes")])


def captioned(
    text: str,
    *,
    sure: float = 0.95,
    kind: float = 0.97,
    blue: float = 0.96,
    tasks: tuple[str, ...] = ("caption", "category", "attributes"),
    own: dict[str, AttributeValue] | None = None,
    title: str | None = None,
    calibration: Calibration | None = None,
    precision: float = 0.9,
) -> Understanding:
    """The record of a shirt whose caption the model wrote."""
    plan = make_plan(FakeBackend(), taxonomy=TAXONOMY, schema=SCHEMA, tasks=tasks, precision=precision)
    plan = replace(plan, calibration=calibration or Calibration())
    product = Product("1", title=title, attributes=own)
    replies = []
    for request in plan.requests(product, [PHOTO]):
        for question in request.questions:
            if question.task in ("caption", "caption_completion"):
                answer = Answer(text, sure)
            else:
                best, other, share = ("Apparel > Shirts", "Apparel > Shoes", kind)
                if question.field == "colour":
                    best, other, share = "Blue", "Red", blue
                refused = share < (1 - share) / 2
                text_of = CANNOT_TELL if refused else best
                answer = Answer(text_of, share, (1 - share) / 2, ((best, share), (other, (1 - share) / 2)))
            replies.append(Reply(question, answer))
    return assemble(plan, product, replies, MODEL)


def test_words_that_pass_are_the_caption() -> None:
    caption = captioned("Striped Blue Shirt").caption
    assert caption is not None
    assert (caption.text, caption.status, caption.confidence) == ("Striped Blue Shirt", "filled", 0.95)
    assert (caption.source, caption.composed) == ("photo", False)


@pytest.mark.parametrize("text", ["Nike Men's Air Max", "Red Shirt", "Blue Shoes", "Blue Cotton Shirt", ""])
def test_where_the_model_s_words_do_not_pass_the_fields_make_a_sentence(text: str) -> None:
    caption = captioned(text).caption
    assert caption is not None
    assert (caption.text, caption.status, caption.composed) == ("A blue shirt", "filled", True)
    assert caption.confidence == pytest.approx(0.97 * 0.96, abs=1e-3)


def test_a_caption_has_a_threshold() -> None:
    assert (caption := captioned("Striped Blue Shirt", sure=0.6).caption) is not None
    assert (caption.text, caption.composed) == ("A blue shirt", True)
    fitted = Calibration(fields={"caption": FieldCalibration(precision=[(0.55, 0.93, 1.0)])})
    assert (caption := captioned("Striped Blue Shirt", sure=0.6, calibration=fitted).caption) is not None
    assert (caption.text, caption.composed) == ("Striped Blue Shirt", False)


def test_a_caption_is_refused_where_not_even_the_kind_is_sure() -> None:
    caption = captioned("Striped Blue Shirt", kind=0.6).caption
    assert caption is not None
    assert (caption.text, caption.status, caption.confidence) == (None, "abstained", 0.95)


def test_precision_zero_fills_every_field_and_still_invents_nothing() -> None:
    caption = captioned("Nike Blue Shirt", kind=0.6, blue=0.5, precision=0).caption
    assert caption is not None and caption.text == "A blue shirt"


def test_the_shop_s_own_value_stands_in_the_sentence() -> None:
    caption = captioned("Nike Shirt", own={"colour": "blue"}, blue=0.4).caption
    assert caption is not None
    # What the shop says itself counts as sure, so that the kind alone makes the confidence.
    assert (caption.text, caption.confidence) == ("A blue shirt", 0.97)


def test_a_caption_asked_alone_is_held_against_fields_that_are_not_told() -> None:
    found = captioned("Nike Blue Shirt", tasks=("caption",))
    assert found.caption is not None and found.caption.text == "A blue shirt"
    assert found.category is None and found.attributes is None
    assert set(found.to_json()) == {"id", "caption", "model", "warnings"}


def test_a_completion_adds_nothing_that_the_title_or_the_record_does_not_say() -> None:
    tasks = ("caption_completion", "category", "attributes")
    kept = captioned("Blue Shirt", tasks=tasks, title="Umbra Striped").completion
    assert kept is not None and (kept.text, kept.status) == ("Blue Shirt", "filled")
    for text in ("Air Max Blue Shirt", "Red Shirt", "Blue Cotton Shirt"):
        refused = captioned(text, tasks=tasks, title="Umbra Striped").completion
        assert refused is not None and (refused.text, refused.status) == (None, "abstained")


def test_json_says_of_a_caption_what_it_is_and_reads_records_of_before() -> None:
    written = captioned("Nike Shirt").to_json()["caption"]
    assert written.keys() == {"text", "confidence", "status", "source", "composed"}
    assert captioned("Blue Shirt").to_json()["caption"].keys() == {"text", "confidence", "status", "source"}
    before = {"id": "1", "caption": {"text": None}, "model": {"name": "m", "revision": "r"}}
    old = Understanding.model_validate(before)
    assert old.caption is not None and old.caption.status == "abstained"
    assert Understanding.model_validate(captioned("Nike Shirt").to_json()) == captioned("Nike Shirt")


def test_plans_without_vocabulary_ask_for_the_caption_alone() -> None:
    plan = Plan(tasks=("caption",))
    assert [q.task for request in plan.requests(Product("1"), [PHOTO]) for q in request.questions] == ["caption"]
