"""What free questions are taken to ask for."""

from __future__ import annotations

import random

import pytest

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL, Choices
from pumgpt.tasks.context import AskedAttribute, TaskContext
from pumgpt.tasks.intent_parser import IntentParser
from pumgpt.tasks.intents import attribute_called
from pumgpt.tasks.registry import get_task


@pytest.fixture(scope="module")
def parser(context: TaskContext) -> IntentParser:
    return IntentParser(context.attributes, context.taxonomy_choices)


@pytest.mark.parametrize(
    ("name", "questions"),
    {
        "colour": [
            "What colour is it?",
            "what color is this",
            "Which colours?",
            "Color?",
            "What's the colour of this item?",
            "Can you tell me what color it is, please?",
            "Hi, which shade is this?",
            "Welche Farbe hat es?",
            "De quelle couleur est-ce ?",
            "¿Qué color es?",
        ],
        "gender": [
            "Who is it for?",
            "For whom is it made?",
            "Who would wear this?",
            "What gender is it for?",
            "Für wen ist es?",
        ],
        "usage": ["What would one wear it for?", "Which occasion does it suit?", "For what occasion is it?"],
        "season": ["Which season is it for?", "What's the season?"],
        "material": ["What material is it?", "What is it made of?", "what fabric is this made from?", "Woraus ist es?"],
        "brand": ["What brand is it?", "Who makes it?", "Which company is this from?", "De qué marca es?"],
        "category": [
            "What is it?",
            "What's this?",
            "What kind of shoe is this?",
            "Which category is it in?",
            "Was ist das?",
        ],
    }.items(),
)
def test_an_attribute_is_recognised_in_many_wordings(parser: IntentParser, name: str, questions: list[str]) -> None:
    found = {text: (parser.parse(text).kind, parser.parse(text).attribute) for text in questions}
    assert found == dict.fromkeys(questions, ("attribute", name))


@pytest.mark.parametrize(
    ("question", "kind", "attribute", "sides"),
    [
        ("Is it blue?", "yes or no", "colour", ("blue",)),
        ("Is this a navy blue one?", "yes or no", "colour", ("navy blue",)),
        ("Ist es blau?", "yes or no", "colour", ("blau",)),
        ("Is it suitable for kids?", "yes or no", "gender", ("kids",)),
        ("Can women wear it?", "yes or no", "gender", ("women",)),
        ("Is it a shirt?", "yes or no", "category", ("shirt",)),
        ("Is this clothing?", "yes or no", "category", ("clothing",)),
        ("Is it made of cotton?", "yes or no", "material", ("cotton",)),
        ("Black or white?", "choice", "colour", ("black", "white")),
        ("Which colour is it: black, white or red?", "choice", "colour", ("black", "white", "red")),
        ("Is it for men or for women?", "choice", "gender", ("men", "women")),
        ("Is it casual or formal?", "choice", "usage", ("casual", "formal")),
        ("What is written on it?", "print", None, ()),
        ("What does the label say?", "print", None, ()),
        ("Was steht darauf?", "print", None, ()),
        ("What size does the label say?", "print", "size", ()),
        ("How many pockets does it have?", "count", None, ()),
        ("How much does it cost?", "unseen", "price", ()),
        ("How heavy is it?", "unseen", "weight", ()),
        ("Where was it made?", "unseen", "origin", ()),
        ("At which temperature can I wash it?", "unseen", "care", ()),
        ("Is it warm?", "unseen", "how it feels", ()),
        ("Is it in stock?", "unseen", "stock", ()),
        ("When will it be delivered?", "unseen", "delivery", ()),
        ("Does it come in blue?", "unseen", "stock", ()),
    ],
)
def test_other_kinds(
    parser: IntentParser, question: str, kind: str, attribute: str | None, sides: tuple[str, ...]
) -> None:
    found = parser.parse(question)
    assert (found.kind, found.attribute, found.sides, found.text) == (kind, attribute, sides, question)


@pytest.mark.parametrize(
    "question",
    [
        "What colour is the handle?",
        "Is the board white?",
        "Is it blue and white?",
        "Is it a drone?",
        "What kind of animal is it?",
        "Does it fit an iPhone 6?",
        "Is it black or a shirt?",
        "What shade of blue would you paint the wall?",
        "What is it that you like?",
        "",
    ],
)
def test_what_asks_for_a_part_or_for_anything_else_is_open(parser: IntentParser, question: str) -> None:
    assert parser.parse(question).kind == "open"


def test_what_the_product_is_called_is_kept(parser: IntentParser) -> None:
    """So that a question about the belt isn't answered with the colour of a shirt."""
    assert [parser.parse(text).subject for text in ("What colour is the shirt?", "Is it a blue shirt?")] == [
        "shirt"
    ] * 2
    assert parser.parse("What colour is the product?").subject is None


def test_attributes_and_values_are_those_of_the_schema() -> None:
    parser = IntentParser([AskedAttribute("toe shape", Choices(("Round", "Pointed")))])
    assert parser.parse("What is the toe shape?").attribute == "toe shape"
    assert parser.parse("Is it pointed?").attribute == "toe shape"
    assert parser.parse("Is it round or pointed?").sides == ("round", "pointed")
    assert parser.parse("Is it blue?").kind == "open", "nobody can be asked for a colour"


def test_names_of_one_attribute_are_one() -> None:
    assert {attribute_called(name) for name in ("color", "Colours", "Farbe", "couleur")} == {"colour"}
    assert attribute_called("Toe Shape") == "toe shape"


def test_training_s_own_questions_are_recognised(
    parser: IntentParser, shirt: Product, apple: Product, context: TaskContext
) -> None:
    """What a model was trained to answer is answered, and what it was trained to refuse never is."""
    rng = random.Random(0)
    task = get_task("question")
    pairs = {
        (example.question.text, example.answer)
        for _ in range(200)
        for product in (shirt, apple)
        for example in task.examples(product, context, rng)
    }
    kinds = {text: parser.parse(text).kind for text, answer in pairs if answer != CANNOT_TELL}
    # Whether it comes in a colour is for the shop to say, whatever the photo shows.
    missed = {text for text, kind in kinds.items() if kind in ("open", "unseen", "count") and "come in" not in text}
    assert len(kinds) > 50 and not missed
    refused = {text: parser.parse(text).kind for text, answer in pairs if answer == CANNOT_TELL}
    assert len(refused) > 10 and set(refused.values()) <= {"open", "unseen", "count", "attribute"}
    assert not [
        text for text, kind in refused.items() if kind == "attribute" and parser.parse(text).attribute != "size"
    ]
