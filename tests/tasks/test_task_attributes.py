from __future__ import annotations

import random

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL, Question
from pumgpt.tasks.answers import Parsed
from pumgpt.tasks.context import TaskContext
from pumgpt.tasks.registry import get_task

TASK = get_task("attributes")
ASKED = Question("attributes", "?", "gender; colour; year")


def test_records_hold_what_is_known_in_the_order_of_the_schema(shirt: Product, context: TaskContext) -> None:
    rng = random.Random(0)
    truth = {"gender": "Men", "colour": "Navy Blue", "usage": "Casual", "season": "Summer", "age group": "adult"}
    lengths = set()
    for _ in range(200):
        (example,) = TASK.examples(shirt, context, rng)
        record = TASK.parse(example.answer, example.question).value
        assert isinstance(record, dict)
        names = [asked.name for asked in context.attributes]
        assert [names.index(name) for name in record] == sorted(names.index(name) for name in record)
        assert record.pop("year", None) in (None, "2012")
        assert record.pop("brand", None) is None
        assert record.items() <= truth.items()
        assert all(name in example.question.text for name in record)
        lengths.add(len(record))
    assert max(lengths) == 5 and min(lengths) < 3


def test_foreign_records_are_all_refused(foreign: Product, context: TaskContext) -> None:
    (example,) = TASK.examples(foreign, context, random.Random(0))
    assert {part.split(": ")[1] for part in example.answer.split("; ")} == {CANNOT_TELL}


def test_parse_by_hand() -> None:
    record = {"gender": "Men", "colour": "Blue", "year": None}
    assert TASK.parse("gender: Men; colour: Blue; year: cannot be inferred", ASKED) == Parsed("value", record)
    assert TASK.parse("Colour:  Blue\nGender: Men;year: unknown.", ASKED) == Parsed("value", record, strict=False)
    assert TASK.parse("colour: Blue; fit: slim", ASKED) == Parsed("value", {"colour": "Blue"}, strict=False)
    assert TASK.parse("fit: slim", ASKED).status == "invalid"
    assert TASK.parse("a blue shirt", ASKED).status == "invalid"
    assert TASK.parse("fit: slim", Question("attributes", "?")).value == {"fit": "slim"}


def test_inference_asks_the_schema(shirt: Product, context: TaskContext) -> None:
    (asked,) = TASK.questions(shirt, context)
    assert asked.text == "List gender, colour, usage, season, year, age group, brand."
    assert asked.field == "gender; colour; usage; season; year; age group; brand"
