from __future__ import annotations

import random
import re
from collections import defaultdict

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL
from pumgpt.tasks.context import TaskContext
from pumgpt.tasks.registry import get_task

TASK = get_task("question")


def answers(product: Product, context: TaskContext, times: int = 300) -> dict[str, set[str]]:
    rng = random.Random(0)
    found: dict[str, set[str]] = defaultdict(set)
    for _ in range(times):
        for example in TASK.examples(product, context, rng):
            found[example.question.text].add(example.answer)
    return found


def test_user_questions_are_asked_as_they_are(shirt: Product) -> None:
    asked = TASK.questions(shirt, TaskContext(questions=("Has it a hood?", "Is it red?")))
    assert [question.text for question in asked] == ["Has it a hood?", "Is it red?"]
    assert TASK.questions(shirt, TaskContext()) == []


def test_answers_by_hand(shirt: Product, context: TaskContext) -> None:
    found = answers(shirt, context)
    expected = {
        "Is this for men?": "yes",
        "Is this for women?": "no",
        "Is it navy blue?": "yes",
        "Is it red?": "no",
        "What is this?": "Navy Blue Tshirts",
        "Who is it for?": "men",
        "What would one wear it for?": "casual wear",
        "Is this clothing?": "yes",
        "Is this fruit?": "no",
        "How much does it cost?": CANNOT_TELL,
    }
    assert {text: found[text] for text in expected} == {text: {answer} for text, answer in expected.items()}
    assert all(len(said) == 1 for said in found.values())


def test_nobody_decides_whether_navy_is_blue(shirt: Product, context: TaskContext) -> None:
    assert not [text for text in answers(shirt, context) if re.search(r"(?<!navy )\b(blue|teal)\b", text)]


def test_unisex_suits_men_and_women_only(context: TaskContext) -> None:
    unisex = Product(id="1", category=("Accessories", "Bags", "Backpacks"), attributes={"gender": "Unisex"})
    found = answers(unisex, context)
    assert found["Is this for men?"] == found["Is this for women?"] == {"yes"}
    assert found["Is this for boys?"] == {"no"}
    assert found["Who is it for?"] == {"men and women"}


def test_food_is_not_worn(apple: Product, context: TaskContext) -> None:
    found = answers(apple, context)
    assert found["What is this?"] == {"Golden Delicious apple"}
    assert "What would one wear it for?" not in found and "Who is it for?" not in found


def test_foreign_pictures_are_refused(foreign: Product, context: TaskContext) -> None:
    assert set().union(*answers(foreign, context).values()) == {CANNOT_TELL}
