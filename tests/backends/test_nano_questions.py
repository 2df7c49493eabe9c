"""What the shipped checkpoint answers to questions about drawn products, and what it leaves alone."""

from __future__ import annotations

import pytest

import pumgpt
from pumgpt.api import Model
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import AnswerField, Understanding
from pumgpt.samples import draw_foreign, draw_sample, seeds
from pumgpt.tasks.words import colour_family

COLOUR = ["What colour is it?", "what color is this", "Which colour?", "Colour of the product?"]
UNSEEN = [
    "What does it cost?",
    "How heavy is it?",
    "Where was it made?",
    "Is it warm?",
    "Is it in stock?",
    "How many are in it?",
]
BRAND = ["What brand is it?", "Who makes it?"]
SIDES = ["Is it blue?", "Is it for men?", "Is it for men or women?"]


@pytest.fixture(scope="module")
def records() -> list[tuple[Product, Understanding]]:
    nano: Model = pumgpt.load("nano")
    drawn = [draw_sample(seed, 160) for seed in list(seeds.DEMO)[:8]]
    questions = [*COLOUR, *UNSEEN, *BRAND, *SIDES, "What is it?"]
    return [(product, nano.understand(photo, questions=questions)) for photo, product in drawn]


def answers(record: Understanding) -> dict[str, AnswerField]:
    return {answer.question: answer for answer in record.answers or []}


def test_every_wording_gives_the_record_s_own_colour(records: list[tuple[Product, Understanding]]) -> None:
    for _, record in records:
        field = next((one for one in record.attributes or [] if one.name == "colour"), None)
        if field is None:
            # Of a kind that has no colour there is none to be told.
            assert {answers(record)[text].status for text in COLOUR} == {"abstained"}
            continue
        said = {(answers(record)[text].answer, answers(record)[text].confidence) for text in COLOUR}
        assert said == {(field.value, field.confidence)}


def test_what_is_not_to_be_seen_has_no_answer_but_a_reason(records: list[tuple[Product, Understanding]]) -> None:
    for _, record in records:
        for text in (*UNSEEN, *BRAND):
            answer = answers(record)[text]
            assert (answer.answer, answer.status) == (None, "abstained") and answer.reason


def test_yes_and_no_are_of_one_mind_with_the_record(records: list[tuple[Product, Understanding]]) -> None:
    said = 0
    for _, record in records:
        values = {one.name: str(one.value) for one in record.attributes or [] if one.value}
        blue = answers(record)["Is it blue?"].answer
        if blue and "colour" in values and values["colour"] != "Multi":
            assert blue == ("yes" if colour_family(values["colour"]) == "blue" else "no")
            said += 1
        men = answers(record)["Is it for men?"].answer
        if men and "gender" in values:
            assert men == ("yes" if values["gender"] in ("Men", "Unisex") else "no")
            said += 1
    assert said > 3, "the test would pass if nothing was answered"


def test_pictures_of_no_product_are_left_alone() -> None:
    nano = pumgpt.load("nano")
    pictures = [draw_foreign(seed, 160) for seed in list(seeds.TESTS)[:8]]
    questions = ["What is it?", *COLOUR[:1], *SIDES, *BRAND]
    found = [nano.understand(picture, questions=questions).answers or [] for picture in pictures]
    filled = [answer for each in found for answer in each if answer.answer]
    assert len(filled) <= 0.1 * len(pictures) * len(questions)
