from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pumgpt.backends.calibration import Calibration, FieldCalibration
from pumgpt.backends.fake import FakeBackend
from pumgpt.backends.protocol import Answer, Capabilities, Choices, Question
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import CategoryField, ModelInfo
from pumgpt.catalog.vocabulary.crosswalk import Crosswalk
from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy
from pumgpt.understand.assemble import assemble
from pumgpt.understand.fields.base import Reply
from pumgpt.understand.plan import Plan, fingerprint, make_plan
from pumgpt.understand.remarks import vocabulary_remarks

PATHS = (("Apparel", "Shirts"), ("Apparel", "Shoes"))


def plan(ids: tuple[str | None, ...] = ("1", "2"), **changes: object) -> Plan:
    schema = AttributeSchema((AttributeSpec("colour", ("Blue", "Red")),))
    return make_plan(FakeBackend(), taxonomy=Taxonomy(PATHS, ids), schema=schema, **changes)  # type: ignore[arg-type]


def changed(other: Plan) -> list[str]:
    before, now = fingerprint(FakeBackend(), plan()), fingerprint(FakeBackend(), other)
    assert before.keys() == now.keys()
    return [name for name in now if before[name] != now[name]]


def test_a_fingerprint_names_what_is_asked_otherwise() -> None:
    fitted = Calibration(fields={"category": FieldCalibration(confidence=[(0.0, 0.1), (1.0, 0.8)])})
    refitted = Calibration(fields={"category": FieldCalibration(confidence=[(0.0, 0.1), (1.0, 0.9)])})
    assert changed(replace(plan(), calibration=fitted)) == ["calibration"]
    assert fingerprint(FakeBackend(), replace(plan(), calibration=fitted)) != fingerprint(
        FakeBackend(), replace(plan(), calibration=refitted)
    )
    assert changed(plan(ids=("1", "3"))) == ["taxonomy"]
    assert changed(plan(questions=["Is it warm?"])) == ["tasks", "questions"]
    assert changed(plan(precision=0.5)) == ["precision"]
    assert changed(plan(overwrite_values=True)) == ["setting of --overwrite-values"]


def test_evidence_is_no_other_question() -> None:
    assert changed(plan(evidence=True)) == []


class OwnBackend(FakeBackend):
    """Has categories of its own."""

    capabilities = Capabilities(taxonomy=Taxonomy.of([("Tee",), ("Polo",), ("Gift",), ("Shoe",)]))


WALK = Crosswalk.parse(
    Path("map.csv"),
    "from,when,to\nTee,,Apparel > Shirts\nPolo,,Apparel > Shirts\nGift,,\nShoe,,Apparel > Shoes\nTee,title=boot,Apparel > Shoes\n"
    "Polo,sole=Rubber,Apparel > Shoes\n",
)


def mapped(
    ranked: dict[str, float], title: str = "x", category: tuple[str, ...] | None = None, **told: str
) -> CategoryField:
    """The category that comes of these shares of the model's own categories, where it also tells attributes."""
    backend = OwnBackend()
    schema = AttributeSchema((AttributeSpec("sole", ("Rubber",)),))
    asked = make_plan(
        backend, taxonomy=Taxonomy(PATHS, ("1", "2")), crosswalk=WALK, schema=schema, tasks=["category", "attributes"]
    )
    assert asked.context.taxonomy_choices is not None
    assert asked.context.taxonomy_choices.values == ("Tee", "Polo", "Gift", "Shoe"), "asked in the model's words"
    answer = Answer(next(iter(ranked)), ranked=tuple(ranked.items()), cannot_tell=1 - sum(ranked.values()))
    replies = [Reply(Question("category", "?", choices=asked.context.taxonomy_choices), answer)]
    for name, value in told.items():
        question = Question("attribute_qa", "?", field=name, choices=Choices((value,)))
        replies.append(Reply(question, Answer(value, ranked=((value, 1.0),))))
    product = Product("1", title=title, category=category)
    field = assemble(asked, product, replies, ModelInfo(name="own", revision="0")).category
    assert field is not None
    return field


def test_categories_that_lead_to_the_same_one_put_their_shares_together() -> None:
    unsure = mapped({"Shoe": 0.34, "Tee": 0.33, "Polo": 0.33})
    assert (unsure.path, unsure.status, unsure.confidence) == (None, "abstained", 0.66)
    assert unsure.alternatives[0].path == ["Apparel", "Shirts"]
    sure = mapped({"Tee": 0.5, "Polo": 0.45, "Shoe": 0.05})
    assert (sure.path, sure.id, sure.status, sure.confidence) == (["Apparel", "Shirts"], "1", "filled", 0.95)
    assert [(choice.path, choice.id) for choice in sure.alternatives] == [(["Apparel", "Shoes"], "2")]


def test_what_has_no_counterpart_is_abstained_from() -> None:
    field = mapped({"Gift": 0.9, "Tee": 0.1})
    assert (field.path, field.status) == (None, "abstained")
    assert mapped({"Gift": 1.0}).status == "abstained"


def test_title_and_told_attributes_decide() -> None:
    assert mapped({"Tee": 1.0}, title="Boot tee").path == ["Apparel", "Shoes"]
    assert mapped({"Polo": 1.0}).path == ["Apparel", "Shirts"]
    assert mapped({"Polo": 1.0}, sole="Rubber").path == ["Apparel", "Shoes"]


def test_the_shops_category_is_held_against_the_mapped_one() -> None:
    assert mapped({"Tee": 1.0}, category=("Apparel", "Shirts")).status == "kept"
    assert mapped({"Tee": 1.0}, category=("Apparel", "Shoes")).status == "conflict"


def test_a_user_is_told_how_categories_become_theirs() -> None:
    backend, own = OwnBackend(), Taxonomy(PATHS, ("1", "2"), ("a circle",))
    warning, mapped_by = vocabulary_remarks(backend, make_plan(backend, taxonomy=own, crosswalk=WALK))
    assert warning == "a circle" and "2 of 2 categories" in mapped_by and "map.csv" in mapped_by
    _, by_name = vocabulary_remarks(backend, make_plan(backend, taxonomy=own))
    assert "1 of 2 categories" in by_name and "such as Shirts: pumgpt remember" in by_name
    assert vocabulary_remarks(backend, make_plan(backend)) == []
    assert vocabulary_remarks(FakeBackend(), make_plan(FakeBackend(), taxonomy=own)) == ["a circle"]


def test_another_map_is_another_question() -> None:
    backend, own = OwnBackend(), Taxonomy(PATHS, ("1", "2"))
    with_map = fingerprint(backend, make_plan(backend, taxonomy=own, crosswalk=WALK))
    without = fingerprint(backend, make_plan(backend, taxonomy=own))
    assert {name for name in without if without[name] != with_map[name]} == {"category map"}
