from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from pumgpt.backends.calibration import Calibration, FieldCalibration, listed_key
from pumgpt.backends.fake import FakeBackend
from pumgpt.backends.protocol import Answer, Request
from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL
from pumgpt.catalog.understanding import AttributeField, ModelInfo, Understanding
from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy
from pumgpt.errors import UsageError
from pumgpt.understand.ask import understand_one
from pumgpt.understand.assemble import assemble, predicted_category
from pumgpt.understand.fields.base import Reply
from pumgpt.understand.intake import Intake
from pumgpt.understand.plan import Plan, make_plan

SCHEMA = AttributeSchema((AttributeSpec("colour", ("Blue", "Red")), AttributeSpec("fabric")))
TAXONOMY = Taxonomy((("Apparel", "Shirts"), ("Apparel", "Shoes")), ("7", None))
MODEL = ModelInfo(name="m", revision="r")
PHOTO = Image.new("RGB", (8, 8), "navy")


def plan(**changes: object) -> Plan:
    return make_plan(FakeBackend(), taxonomy=TAXONOMY, schema=SCHEMA, **changes)  # type: ignore[arg-type]


def closed(blue: float, red: float) -> Answer:
    """An answer about the colour: the shares of both values; the rest is *cannot be inferred*."""
    rest = 1 - blue - red
    ranked = tuple(sorted([("Blue", blue), ("Red", red)], key=lambda pair: -pair[1]))
    text = ranked[0][0] if ranked[0][1] >= rest else CANNOT_TELL
    return Answer(text, ranked[0][1] / (blue + red), rest, ranked)


def colour(answer: Answer, own: str | None = None, **changes: object) -> AttributeField:
    asked = plan(tasks=["attributes"], **changes)
    product = Product("1", attributes={"colour": own} if own else None)
    (request,) = asked.requests(product, [PHOTO])
    found = assemble(asked, product, [Reply(request.questions[0], answer)], MODEL)
    assert found.attributes is not None
    return found.attributes[0]


def test_a_sure_value_is_filled_and_its_raw_score_is_its_share_among_all_choices() -> None:
    field = colour(closed(0.92, 0.03))
    assert (field.status, field.value, field.confidence) == ("filled", "Blue", 0.92)


def test_an_unsure_value_is_left_out() -> None:
    field = colour(closed(0.6, 0.3))
    assert (field.status, field.value, field.confidence) == ("abstained", None, 0.6)


def test_cannot_be_inferred_as_the_largest_share_abstains_at_any_precision_but_zero() -> None:
    answer = closed(0.3, 0.2)
    assert colour(answer, precision=0.05).status == "abstained"
    field = colour(answer, precision=0)
    assert (field.status, field.value) == ("filled", "Blue")


def test_the_shop_s_value_stands() -> None:
    agreed = colour(closed(0.95, 0.02), own="blue")
    assert (agreed.status, agreed.value, agreed.suggestion) == ("kept", "blue", None)
    refused = colour(closed(0.1, 0.1), own="Red")
    assert (refused.status, refused.value) == ("kept", "Red")
    unsure = colour(closed(0.6, 0.3), own="Red")
    assert (unsure.status, unsure.value, unsure.confidence) == ("kept", "Red", 0.3)


def test_a_sure_disagreement_is_a_conflict_with_a_suggestion() -> None:
    field = colour(closed(0.95, 0.02), own="Red")
    assert (field.status, field.value, field.suggestion, field.confidence) == ("conflict", "Red", "Blue", 0.95)


def test_overwriting_takes_sure_values_only() -> None:
    sure = colour(closed(0.95, 0.02), own="Red", overwrite_values=True)
    assert (sure.status, sure.value) == ("filled", "Blue")
    unsure = colour(closed(0.5, 0.4), own="Red", overwrite_values=True)
    assert (unsure.status, unsure.value) == ("kept", "Red")


CURVE = FieldCalibration(precision=[(0.55, 0.92, 0.8), (0.75, 0.96, 0.5), (0.95, 0.99, 0.1)], count=1000)
MEASURED = Calibration(fields={"attribute:colour": CURVE})


@pytest.mark.parametrize(
    ("share", "precision", "of", "status", "worth"),
    [
        (0.6, 0.9, "all", "filled", 737 / 802),  # 0.55 is enough for all together
        (0.6, 0.9, "each", "abstained", None),  # but the value itself is right in 60 of 100
        (0.96, 0.9, "each", "filled", 100 / 102),
        (0.76, 0.95, "all", "filled", 481 / 502),
        (0.6, 0.0, "each", "filled", 737 / 802),
    ],
)
def test_precision_is_asked_of_all_values_together_or_of_each(
    share: float, precision: float, of: str, status: str, worth: float | None
) -> None:
    asked = replace(plan(tasks=["attributes"], precision=precision, precision_of=of), calibration=MEASURED)
    (request,) = asked.requests(Product("1"), [PHOTO])
    field = assemble(asked, Product("1"), [Reply(request.questions[0], closed(share, 0.02))], MODEL).attributes[0]  # type: ignore[index]
    assert field.status == status
    assert field.precision == (None if worth is None else round(worth, 4))


def test_what_a_filled_value_is_worth_is_said_only_where_it_was_measured() -> None:
    field = colour(closed(0.95, 0.02))
    assert (field.status, field.precision) == ("filled", None)
    record = Understanding(id="1", model=MODEL, attributes=[field]).to_json()
    assert "precision" not in record["attributes"][0]


def test_a_failed_question_is_a_warning_and_an_empty_field() -> None:
    asked = plan(tasks=["attributes"])
    (request,) = asked.requests(Product("1"), [PHOTO])
    replies = [Reply(question, Answer("", error="out of memory")) for question in request.questions]
    found = assemble(asked, Product("1"), replies, MODEL)
    assert found.warnings == ["no answer for colour, fabric: out of memory"]
    assert found.attributes is not None
    assert [field.status for field in found.attributes] == ["abstained", "abstained"]


def category(ranked: list[tuple[str, float]], own: tuple[str, ...] | None = None) -> dict[str, object]:
    asked = plan(tasks=["category"])
    product = Product("1", category=own)
    (request,) = asked.requests(product, [PHOTO])
    rest = 1 - sum(share for _, share in ranked)
    answer = Answer(ranked[0][0], ranked[0][1] / (1 - rest), rest, tuple(ranked))
    found = assemble(asked, product, [Reply(request.questions[0], answer)], MODEL)
    assert found.category is not None
    return found.category.model_dump()


def test_a_category_has_the_id_of_the_taxonomy_and_its_runners_up() -> None:
    found = category([("Apparel > Shirts", 0.93), ("Apparel > Shoes", 0.05)])
    assert (found["path"], found["id"], found["status"]) == (["Apparel", "Shirts"], "7", "filled")
    assert found["alternatives"] == [{"path": ["Apparel", "Shoes"], "id": None, "confidence": 0.05}]


def test_a_category_above_or_below_the_shop_s_own_does_not_disagree() -> None:
    ranked = [("Apparel > Shirts", 0.93), ("Apparel > Shoes", 0.05)]
    assert category(ranked, own=("Apparel",))["status"] == "kept"
    conflict = category(ranked, own=("Apparel", "Shoes"))
    assert (conflict["status"], conflict["path"]) == ("conflict", ["Apparel", "Shoes"])
    assert conflict["alternatives"] == [{"path": ["Apparel", "Shirts"], "id": "7", "confidence": 0.93}]


def test_the_title_is_shown_to_all_but_those_who_describe_the_photo() -> None:
    seeing, blind = plan().requests(Product("1", title="Blue shirt"), [PHOTO])
    assert seeing.listing == "Title: Blue shirt"
    assert {question.task for question in seeing.questions} == {"category", "attribute_qa"}
    assert blind.listing is None
    assert {question.task for question in blind.questions} == {"caption"}
    assert seeing.photos == blind.photos == (PHOTO,)


def test_a_product_without_title_is_one_request_and_one_without_photo_has_no_caption() -> None:
    (request,) = plan().requests(Product("1"), [PHOTO])
    assert {question.task for question in request.questions} == {"caption", "category", "attribute_qa"}
    (request,) = plan().requests(Product("1", title="Blue shirt"), [])
    assert "caption" not in {question.task for question in request.questions}


def test_questions_of_one_attribute_share_their_choices() -> None:
    asked = plan(tasks=["attributes"])
    (first,), (second,) = asked.requests(Product("1"), [PHOTO]), asked.requests(Product("2"), [PHOTO])
    assert first.questions[0].choices is second.questions[0].choices


def test_all_tasks_have_their_place() -> None:
    names = ["caption", "category", "attributes", "caption_completion", "attribute_correction"]
    asked = plan(tasks=names, questions=["Is it warm?"], precision=0)
    product = Product("1", title="Blue", attributes={"colour": "Red"})
    found = understand_one(FakeBackend(), asked, Intake(product, (PHOTO,)))
    assert found.caption and found.category and found.completion
    assert [field.name for field in found.attributes or []] == ["colour", "fabric"]
    assert [field.question for field in found.answers or []] == ["Is it warm?"]
    assert [field.listed for field in found.corrections or []] == ["Red"]
    assert Understanding.model_validate(found.to_json()) == found


def test_tasks_that_were_not_asked_are_absent() -> None:
    found = understand_one(FakeBackend(), plan(tasks=["category"]), Intake(Product("1"), (PHOTO,)))
    assert set(found.to_json()) == {"id", "category", "model", "warnings"}


def test_evidence_names_the_photo_of_the_product_not_of_those_that_could_be_opened() -> None:
    asked = replace(plan(tasks=["category"]), evidence="attention")
    (request,) = asked.requests(Product("1"), [PHOTO, PHOTO])
    flat, sharp = np.full((2, 2), 0.25, np.float32), np.array([[1, 0], [0, 0]], np.float32)
    answer = Answer("Apparel > Shirts", 1.0, 0.0, (("Apparel > Shirts", 1.0),), evidence=(flat, sharp))
    found = assemble(asked, Product("1"), [Reply(request.questions[0], answer)], MODEL, photo_numbers=(0, 2))
    assert found.category and found.category.evidence
    assert found.category.evidence.image == 2
    assert found.category.evidence.grid == [[1.0, 0.0], [0.0, 0.0]]


def test_what_can_t_be_asked_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="--schema"):
        make_plan(FakeBackend(), tasks=["attributes"])
    with pytest.raises(UsageError, match="--question"):
        make_plan(FakeBackend(), tasks=["question"])
    with pytest.raises(UsageError, match="unknown task 'colour'"):
        make_plan(FakeBackend(), tasks=["colour"])


def test_one_score_means_more_where_the_listing_was_read() -> None:
    curves = {
        "attribute:colour": FieldCalibration(confidence=[(0.0, 0.0), (1.0, 0.6)]),
        listed_key("attribute:colour"): FieldCalibration(confidence=[(0.0, 0.0), (1.0, 1.0)]),
    }
    asked = replace(plan(tasks=["attributes"]), calibration=Calibration(fields=curves))

    def confidence(product: Product) -> float | None:
        request = next(iter(asked.requests(product, [PHOTO])))
        found = assemble(asked, product, [Reply(request.questions[0], closed(0.5, 0.1))], MODEL)
        assert found.attributes is not None
        return found.attributes[0].confidence

    assert (confidence(Product("1")), confidence(Product("1", title="A shirt"))) == (0.3, 0.5)
    del curves[listed_key("attribute:colour")]
    asked = replace(asked, calibration=Calibration(fields=curves))
    assert confidence(Product("1", title="A shirt")) == 0.3


class _Shelves:
    """Shirts bring a sleeve and a colour, shoes nothing."""

    def schema_of(self, category: tuple[str, ...]) -> AttributeSchema | None:
        specs = (AttributeSpec("Sleeve", ("Long", "Short")), AttributeSpec("Colour", ("Blue", "Red")))
        return AttributeSchema(specs) if category == ("Apparel", "Shirts") else None


def by_category(**changes: object) -> Plan:
    return make_plan(FakeBackend(), taxonomy=TAXONOMY, category_schemas=_Shelves(), precision=0, **changes)  # type: ignore[arg-type]


def told(leaf: str, share: float = 0.9) -> Answer:
    text = f"Apparel > {leaf}" if share >= 0.5 else CANNOT_TELL
    return Answer(text, 1.0, 1 - share, ((f"Apparel > {leaf}", share),))


def follow_up(asked: Plan, product: Product, replies: list[Reply]) -> tuple[Request, ...]:
    return asked.follow_up(product, [PHOTO], predicted_category(asked, product, replies))


def test_a_category_brings_its_attributes_once_it_is_settled() -> None:
    asked = by_category(tasks=["category", "attributes"])
    (request,) = asked.requests(Product("1"), [PHOTO])
    assert [question.task for question in request.questions] == ["category"]
    (more,) = follow_up(asked, Product("1"), [Reply(request.questions[0], told("Shirts"))])
    assert [(question.task, question.field) for question in more.questions] == [
        ("attribute_qa", "Sleeve"),
        ("attribute_qa", "Colour"),
    ]
    assert follow_up(asked, Product("1"), [Reply(request.questions[0], told("Shoes"))]) == ()


def test_what_the_schema_asks_is_not_asked_again() -> None:
    asked = by_category(tasks=["category", "attributes"], schema=SCHEMA)
    (request,) = asked.requests(Product("1"), [PHOTO])
    (category,) = (question for question in request.questions if question.task == "category")
    (more,) = follow_up(asked, Product("1"), [Reply(category, told("Shirts"))])
    assert [question.field for question in more.questions] == ["Sleeve"]


def test_a_category_that_is_not_told_brings_nothing_and_the_shops_own_counts() -> None:
    asked = by_category(tasks=["category", "attributes"])
    asked = replace(asked, precision=0.9)
    (request,) = asked.requests(Product("1"), [PHOTO])
    unsure = [Reply(request.questions[0], told("Shirts", 0.3))]
    assert follow_up(asked, Product("1"), unsure) == ()
    own = Product("1", category=("apparel", "shirts"))
    assert follow_up(asked, own, unsure) != (), "found as the taxonomy writes it"


def test_both_rounds_end_in_one_record() -> None:
    found = understand_one(FakeBackend(), by_category(), Intake(Product("1", category=("Apparel", "Shirts")), [PHOTO]))
    assert found.attributes is not None
    assert [field.name for field in found.attributes] == ["Sleeve", "Colour"]
