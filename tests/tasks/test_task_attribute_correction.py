from __future__ import annotations

import random

import pytest

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL
from pumgpt.tasks.answers import Parsed
from pumgpt.tasks.context import TaskContext
from pumgpt.tasks.registry import get_task

TASK = get_task("attribute_correction")


def test_inference_checks_what_is_listed(shirt: Product, garment: Product, context: TaskContext) -> None:
    asked = TASK.questions(shirt, context)
    assert [question.field for question in asked] == ["gender", "colour", "usage", "season", "year", "brand"]
    assert asked[0].text == "Listed gender: Men. Right?"
    assert asked[0].choices is not None
    assert asked[0].choices.values == (
        "right",
        "wrong, it is Women",
        "wrong, it is Boys",
        "wrong, it is Girls",
        "wrong, it is Unisex",
    )
    assert asked[0].choices is TASK.questions(shirt, context)[0].choices
    assert [question.field for question in TASK.questions(garment, context)] == ["age group"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("right", Parsed("value", verdict="right")),
        ("Right.", Parsed("value", verdict="right", strict=False)),
        ("wrong, it is Women", Parsed("value", "Women", "wrong")),
        ("Wrong, it is women.", Parsed("value", "Women", "wrong", strict=False)),
        (CANNOT_TELL, Parsed("cannot tell")),
        ("wrong, it is Men", Parsed("invalid", strict=False)),
        ("Women", Parsed("invalid", strict=False)),
    ],
)
def test_parse_by_hand(shirt: Product, context: TaskContext, text: str, expected: Parsed) -> None:
    assert TASK.parse(text, TASK.questions(shirt, context)[0]) == expected


def test_parse_of_open_attributes(shirt: Product) -> None:
    (asked,) = [question for question in TASK.questions(shirt, TaskContext()) if question.field == "brand"]
    assert asked.choices is None
    assert TASK.parse("Wrong: it's Nike", asked) == Parsed("value", "Nike", "wrong", strict=False)
    assert TASK.parse("wrong", asked) == Parsed("value", None, "wrong", strict=False)


def test_verdicts_are_true(shirt: Product, context: TaskContext) -> None:
    rng = random.Random(0)
    seen = set()
    for _ in range(300):
        for example in TASK.examples(shirt, context, rng):
            parsed = TASK.parse(example.answer, example.question)
            if example.question.field in ("year", "brand"):
                assert parsed.status == "cannot tell"
            elif example.question.field == "colour":
                seen.add(parsed.verdict)
                assert ("Navy Blue" in example.question.text) == (parsed.verdict == "right")
                assert parsed.value == ("Navy Blue" if parsed.verdict == "wrong" else None)
    assert seen == {"right", "wrong"}


def test_foreign_pictures_are_refused(foreign: Product, context: TaskContext) -> None:
    rng = random.Random(0)
    drawn = [example for _ in range(20) for example in TASK.examples(foreign, context, rng)]
    assert drawn and {example.answer for example in drawn} == {CANNOT_TELL}
