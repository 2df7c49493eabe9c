"""`caption` and `caption_completion`."""

from __future__ import annotations

import random
from dataclasses import replace

from pumgpt.catalog.product import Product
from pumgpt.tasks.answers import Parsed
from pumgpt.tasks.context import TaskContext
from pumgpt.tasks.registry import get_task

CAPTION, COMPLETION = get_task("caption"), get_task("caption_completion")
TITLE = "Puma Men's Navy Blue Casual T-shirt"


def test_the_title_without_its_brand_is_the_caption(shirt: Product, apple: Product, context: TaskContext) -> None:
    (example,) = CAPTION.examples(shirt, context, random.Random(0))
    assert example.answer == TITLE.removeprefix("Puma ")
    assert [example.answer for example in CAPTION.examples(apple, context, random.Random(0))] == [
        "Golden Delicious apple"
    ]


def test_copying_is_trained_seldom(shirt: Product, context: TaskContext) -> None:
    rng = random.Random(0)
    shown = context.showing(shirt, "present")
    copied = sum(bool(CAPTION.examples(shirt, shown, rng)) for _ in range(400))
    assert 80 < copied < 160
    assert not any(COMPLETION.examples(shirt, shown, rng) for _ in range(50))


def test_foreign_pictures_have_no_caption(foreign: Product, context: TaskContext) -> None:
    titled = replace(foreign, title="A hill at night")
    assert CAPTION.examples(titled, context, random.Random(0)) == []
    assert COMPLETION.examples(titled, context, random.Random(0)) == []


def test_completions_continue_the_title(shirt: Product, context: TaskContext) -> None:
    rng = random.Random(0)
    cuts = set()
    for _ in range(100):
        (example,) = COMPLETION.examples(shirt, context, rng)
        beginning = TITLE.removesuffix(" " + example.answer)
        assert beginning != TITLE and beginning in example.question.text
        cuts.add(len(example.answer.split()))
    assert cuts == {1, 2, 3, 4, 5}


def test_inference_finishes_what_it_is_given(shirt: Product) -> None:
    assert COMPLETION.hides_listing
    (given,) = COMPLETION.questions(shirt, TaskContext(beginning="Puma Men "))
    assert given.text == "Finish this title: Puma Men"
    (own,) = COMPLETION.questions(shirt, TaskContext())
    assert own.text == f"Finish this title: {TITLE}"
    assert COMPLETION.questions(Product(id="1"), TaskContext()) == []


def test_captions_are_tidied(shirt: Product) -> None:
    (asked,) = CAPTION.questions(shirt, TaskContext())
    assert asked.text == "Describe the product." and asked.choices is None
    assert CAPTION.parse(" A  blue shirt\n", asked) == Parsed("value", "A blue shirt", strict=False)
