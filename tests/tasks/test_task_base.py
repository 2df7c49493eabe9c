from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumgpt.backends import protocol
from pumgpt.catalog import question
from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL, Choices, Question
from pumgpt.errors import UsageError
from pumgpt.tasks.answers import Parsed, parse_choice
from pumgpt.tasks.context import TaskContext
from pumgpt.tasks.registry import TASKS, get_task

COLOURS = Choices(("Red", "Navy Blue"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Red", Parsed("value", "Red")),
        (" navy  blue. ", Parsed("value", "Navy Blue", strict=False)),
        ("'RED'", Parsed("value", "Red", strict=False)),
        ("Green", Parsed("invalid", strict=False)),
        ("", Parsed("invalid", strict=False)),
    ],
)
def test_closed_answers(text: str, expected: Parsed) -> None:
    assert parse_choice(text, COLOURS) == expected


@pytest.mark.parametrize("name", TASKS)
def test_every_task_reads_a_refusal(name: str) -> None:
    asked = Question(name, "?", "colour")
    for text, strict in [(CANNOT_TELL, True), ("Cannot be inferred.", False), ("Can't tell", False)]:
        parsed = get_task(name).parse(text, asked)
        if name == "attributes":
            assert parsed == Parsed("value", {"colour": None}, strict=False)
        else:
            assert parsed == Parsed("cannot tell", strict=strict)


@pytest.mark.parametrize("name", TASKS)
@given(text=st.text(max_size=40))
def test_parse_never_raises_and_empty_is_invalid(name: str, text: str) -> None:
    task = get_task(name)
    parsed = task.parse(text, Question(name, "?", "colour"))
    assert (parsed.value is not None or parsed.verdict is not None) == (parsed.status == "value")
    assert task.parse(" ", Question(name, "?", "colour")).status == "invalid"


@pytest.mark.parametrize("name", TASKS)
def test_right_answers_read_back_strictly(name: str, products: list[Product], context: TaskContext) -> None:
    task, seen = get_task(name), 0
    for seed in range(40):
        rng = random.Random(seed)
        for product in products:
            for mode in ("absent", "struck", "present"):
                for example in task.examples(product, context.showing(product, mode, rng), rng):
                    parsed = task.parse(example.answer, example.question)
                    assert parsed.strict and parsed.status != "invalid", example
                    assert (parsed.status == "cannot tell") == (example.answer == CANNOT_TELL)
                    seen += 1
    assert seen > 30


@pytest.mark.parametrize("name", TASKS)
def test_products_with_nothing_to_ask(name: str, context: TaskContext) -> None:
    assert get_task(name).examples(Product(id="1"), TaskContext(), random.Random(0)) == []


def test_unknown_tasks_are_named_with_the_known() -> None:
    with pytest.raises(UsageError, match=r"unknown task 'captions'; known are caption, category"):
        get_task("captions")


def test_backends_speak_of_the_same_questions() -> None:
    assert protocol.Question is question.Question and protocol.Choices is question.Choices
