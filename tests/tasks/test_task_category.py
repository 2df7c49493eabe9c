from __future__ import annotations

import random
from dataclasses import replace

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL, Choices, Question
from pumgpt.tasks.answers import Parsed
from pumgpt.tasks.base import Example
from pumgpt.tasks.context import TaskContext
from pumgpt.tasks.registry import get_task

TASK = get_task("category")
PATH = "Apparel > Topwear > Tshirts"


def draw(product: Product, context: TaskContext, times: int = 300) -> tuple[list[Example], list[Example]]:
    """Open questions and multiple choices."""
    rng = random.Random(0)
    drawn = [example for _ in range(times) for example in TASK.examples(product, context, rng)]
    is_open = [example.question.choices is context.taxonomy_choices for example in drawn]
    return (
        [example for example, flag in zip(drawn, is_open, strict=True) if flag],
        [example for example, flag in zip(drawn, is_open, strict=True) if not flag],
    )


def options_of(example: Example) -> tuple[str, ...]:
    assert example.question.choices is not None
    return example.question.choices.values


def test_open_answer_is_the_whole_path(shirt: Product, context: TaskContext) -> None:
    opens, _ = draw(shirt, context)
    assert {example.answer for example in opens} == {PATH}


def test_multiple_choice_lists_its_options(shirt: Product, context: TaskContext) -> None:
    _, choices = draw(shirt, context)
    assert {example.answer for example in choices} == {PATH, "Tshirts", CANNOT_TELL}
    places = set()
    for example in choices:
        options = options_of(example)
        assert 3 <= len(options) <= 5 and len(set(options)) == len(options)
        assert all(option in example.question.text for option in options)
        if example.answer == CANNOT_TELL:
            assert PATH not in options and "Tshirts" not in options
        else:
            places.add(options.index(example.answer))
    assert len(places) > 2


def test_no_second_right_option(shirt: Product, garment: Product, context: TaskContext) -> None:
    socks = replace(shirt, category=("Accessories", "Socks", "Socks"))
    assert all("Apparel > Socks > Socks" not in options_of(example) for example in draw(socks, context)[1])
    for example in draw(garment, context)[1]:
        assert all(" > " not in option and option != "Tshirts" for option in options_of(example))


def test_categories_outside_the_taxonomy_are_not_trained(shirt: Product, context: TaskContext) -> None:
    assert TASK.examples(replace(shirt, category=("Apparel", "Saris")), context, random.Random(0)) == []


def test_foreign_pictures_have_no_category(foreign: Product, context: TaskContext) -> None:
    opens, choices = draw(foreign, context)
    assert opens and choices
    assert {example.answer for example in opens + choices} == {CANNOT_TELL}


def test_inference(shirt: Product, context: TaskContext) -> None:
    assert TASK.questions(shirt, context) == [
        Question("category", "Which category?", "category", context.taxonomy_choices, 32)
    ]
    short = TaskContext(Choices(("Red", "Blue")), list_options=5)
    assert TASK.questions(shirt, short)[0].text == "Which category? Options: Red, Blue."


def test_parse_gives_paths_of_the_taxonomy(context: TaskContext) -> None:
    closed = Question("category", "?", "category", context.taxonomy_choices)
    assert TASK.parse(PATH, closed) == Parsed("value", ("Apparel", "Topwear", "Tshirts"))
    assert TASK.parse(PATH.lower() + ".", closed) == Parsed("value", ("Apparel", "Topwear", "Tshirts"), strict=False)
    assert TASK.parse("Apparel > Topwear", closed).status == "invalid"
    assert TASK.parse("A>B", Question("category", "?")).value == ("A", "B")
    assert TASK.parse(">", Question("category", "?")).status == "invalid"
