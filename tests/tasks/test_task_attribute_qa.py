from __future__ import annotations

import random
from collections import Counter

import pytest

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL, Choices
from pumgpt.tasks.answers import Parsed
from pumgpt.tasks.attribute_qa import draw_training_options
from pumgpt.tasks.context import AskedAttribute, TaskContext
from pumgpt.tasks.registry import get_task
from pumgpt.tasks.words import alike

TASK = get_task("attribute_qa")


def answers(product: Product, context: TaskContext, times: int = 400) -> dict[str | None, Counter[str]]:
    rng = random.Random(0)
    found: dict[str | None, Counter[str]] = {}
    for _ in range(times):
        for example in TASK.examples(product, context, rng):
            found.setdefault(example.question.field, Counter())[example.answer] += 1
    return found


def test_labels_are_the_answers(shirt: Product, context: TaskContext) -> None:
    found = answers(shirt, context)
    assert set(found["gender"]) == {"Men"} and set(found["season"]) == {"Summer"}
    assert found["colour"]["Navy Blue"] > 20 * found["colour"][CANNOT_TELL]
    assert set(found["brand"]) == {CANNOT_TELL} and set(found["price"]) == {CANNOT_TELL}
    assert found["year"][CANNOT_TELL] > found["year"]["2012"] > 0


def test_only_what_is_known_is_asked(apple: Product, garment: Product, context: TaskContext) -> None:
    found = answers(apple, context)
    assert "colour" not in found and set(found["gender"]) == {CANNOT_TELL}
    assert "gender" not in answers(garment, context)
    assert set(answers(garment, context)["age group"]) == {"kids"}


def test_foreign_pictures_are_refused(foreign: Product, context: TaskContext) -> None:
    found = answers(foreign, context)
    assert "colour" in found
    assert {answer for counts in found.values() for answer in counts} == {CANNOT_TELL}


def test_options_are_in_the_prompt_and_hold_one_right_value(shirt: Product, context: TaskContext) -> None:
    rng = random.Random(0)
    listed = 0
    for _ in range(300):
        for example in TASK.examples(shirt, context, rng):
            schema = context.attribute(example.question.field or "")
            choices = example.question.choices
            if choices is None or (schema is not None and choices is schema.choices):
                continue
            listed += 1
            assert all(value in example.question.text for value in choices.values)
            assert (example.answer in choices.values) == (example.answer != CANNOT_TELL)
            if example.question.field == "colour":
                assert "Blue" not in choices.values
    assert listed > 100


def test_few_values_always_hold_the_right_one() -> None:
    rng = random.Random(0)
    few, many = Choices(("a1", "b2", "c3")), Choices(tuple("abcdefgh"))
    assert all("a1" in draw_training_options(few, "a1", rng) for _ in range(200))
    assert any("a" not in draw_training_options(many, "a", rng) for _ in range(200))


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [("Blue", "Navy Blue", True), ("Casual", "Smart Casual", True), ("Red", "Blue", False), ("Gold", "Golden", True)],
)
def test_alike(first: str, second: str, same: bool) -> None:
    assert alike(first, second) is alike(second, first) is same


def test_inference(shirt: Product, context: TaskContext) -> None:
    asked = TASK.questions(shirt, context)
    assert [question.field for question in asked] == [attribute.name for attribute in context.attributes]
    assert asked[1].text == "What is the colour?" and asked[1].choices is context.attributes[1].choices
    fabric = AskedAttribute("fabric", Choices(("wool", "silk")))
    (short,) = TASK.questions(shirt, TaskContext(attributes=(fabric,), list_options=3))
    assert short.text == "What is the fabric? Options: wool, silk."
    (own,) = TASK.questions(shirt, TaskContext(attributes=(AskedAttribute("fit", question="How does it fit?"),)))
    assert own.text == "How does it fit?"
    assert TASK.parse("navy blue", asked[1]) == Parsed("value", "Navy Blue", strict=False)
    assert TASK.parse("Puce", asked[1]).status == "invalid"
