"""What a listing states and what a model says come to one field, with its source and the words as evidence."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from PIL import Image

from pumgpt.backends.calibration import Calibration, FieldCalibration
from pumgpt.backends.fake import FakeBackend
from pumgpt.backends.protocol import Answer, Capabilities
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import AttributeField, ModelInfo, Understanding
from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
from pumgpt.understand.assemble import assemble
from pumgpt.understand.fields.base import Reply
from pumgpt.understand.plan import make_plan

COLOUR = AttributeSpec("colour", ("Blue", "Green", "Yellow", "Grey"))
SCHEMA = AttributeSchema(
    (
        COLOUR,
        AttributeSpec("pattern", ("Solid", "Striped")),
        AttributeSpec("material", ("Mesh", "Cotton")),
        AttributeSpec("neckline", ("Crew", "V-neck")),
    )
)
CALIBRATION = Calibration(fields={"attribute:colour": FieldCalibration(confidence=[(0.0, 0.0), (1.0, 1.0)])})
PHOTO = Image.new("RGB", (8, 8), "navy")
TITLE = "Men's grey mesh running shoe, crew neck"


class Calibrated(FakeBackend):
    capabilities = Capabilities(schema=AttributeSchema((COLOUR,)), calibration=CALIBRATION)


def record(
    colours: Mapping[str, float],
    *,
    photos: int = 1,
    precision: float = 0.9,
    evidence: bool | str = False,
    **product: object,
) -> Understanding:
    """The record where the model gives the colours these shares."""
    plan = make_plan(Calibrated(), tasks=["attributes"], schema=SCHEMA, precision=precision, evidence=evidence)
    shown = Product("1", **product)  # type: ignore[arg-type]
    ranked = tuple(colours.items()) or (("Blue", 0.0),)
    answer = Answer(ranked[0][0], 1.0, 1 - sum(colours.values()), ranked, (np.full((2, 2), 0.25, dtype=np.float32),))
    replies = [
        Reply(question, answer) for request in plan.requests(shown, [PHOTO] * photos) for question in request.questions
    ]
    return assemble(plan, shown, replies, ModelInfo(name="m", revision="0"), photo_numbers=range(photos))


def fields(found: Understanding) -> dict[str, AttributeField]:
    return {field.name: field for field in found.attributes or ()}


def test_what_the_title_states_is_filled_with_the_words_as_evidence() -> None:
    found = fields(record({}, title=TITLE))
    assert {name: (field.value, field.status, field.source) for name, field in found.items()} == {
        "colour": ("Grey", "filled", "text"),
        "pattern": (None, "abstained", None),
        "material": ("Mesh", "filled", "text"),
        "neckline": ("Crew", "filled", "text"),
    }
    evidence = found["neckline"].evidence
    assert evidence is not None
    assert (evidence.kind, evidence.text, evidence.part, evidence.image) == ("text", "crew neck", "title", None)
    assert found["material"].precision is not None and found["material"].precision >= 0.9


def test_without_a_text_nothing_but_the_photo_speaks() -> None:
    found = fields(record({"Grey": 0.95, "Blue": 0.05}))
    assert (found["colour"].source, found["colour"].evidence) == ("photo", None)
    assert (found["material"].status, found["material"].source) == ("abstained", None)


def test_agreement_makes_surer() -> None:
    alone = fields(record({"Grey": 0.8, "Blue": 0.2}, title="Running shoe"))["colour"]
    both = fields(record({"Grey": 0.8, "Blue": 0.2}, title=TITLE))["colour"]
    assert (alone.status, both.status, both.source) == ("abstained", "filled", "photo and text")
    assert alone.confidence is not None and both.confidence is not None
    assert both.confidence > alone.confidence


def test_disagreement_is_a_warning_that_names_both_and_no_value() -> None:
    found = record({"Blue": 0.95, "Grey": 0.05}, title=TITLE)
    assert fields(found)["colour"].status == "abstained"
    assert found.warnings == ["colour: the photo says Blue, the title says 'grey'"]


def test_title_and_description_that_contradict_each_other_fill_nothing() -> None:
    listing = {"title": "Yellow rain jacket", "description": "A green rain jacket for the garden."}
    for photo in ({}, {"Yellow": 0.95, "Green": 0.05}):
        found = record(photo, **listing)
        assert fields(found)["colour"].status == "abstained"
        (warning,) = found.warnings
        assert "Yellow" in warning and "green" in warning


def test_the_shops_value_stands_and_says_so() -> None:
    kept = fields(record({}, title=TITLE, attributes={"material": "Mesh"}))["material"]
    assert (kept.value, kept.status, kept.source) == ("Mesh", "kept", "shop")
    conflict = fields(record({}, title=TITLE, attributes={"material": "Cotton"}))["material"]
    assert (conflict.value, conflict.status, conflict.suggestion, conflict.source) == (
        "Cotton",
        "conflict",
        "Mesh",
        "shop",
    )


def test_without_a_photo_the_source_is_the_text() -> None:
    assert fields(record({"Grey": 0.95, "Blue": 0.05}, photos=0, title="Running shoe"))["colour"].source == "text"


def test_json_has_the_words_without_the_maps_and_both_where_both_are_asked() -> None:
    found = record({"Grey": 0.95, "Blue": 0.05}, evidence="attention", title=TITLE)
    shown, journalled = (found.to_json(evidence=maps)["attributes"][0]["evidence"] for maps in (True, False))
    assert shown["kind"] != "text" and shown["grid"] and shown["text"] == "grey"
    assert journalled == {"kind": "text", "text": "grey", "part": "title"}
    assert Understanding.model_validate(found.to_json(evidence=False)).attributes


@pytest.mark.parametrize("precision_of", ["all", "each"])
def test_a_stated_value_is_held_to_the_asked_precision(precision_of: str) -> None:
    plan = make_plan(Calibrated(), tasks=["attributes"], schema=SCHEMA, precision=0.995, precision_of=precision_of)  # type: ignore[arg-type]
    found = assemble(plan, Product("1", title=TITLE), [], ModelInfo(name="m", revision="0"))
    assert {field.status for field in found.attributes or ()} == {"abstained"}
