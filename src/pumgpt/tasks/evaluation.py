"""What a benchmark needs of a task: labelled questions about a product, and a grade for each answer."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Choices, Question
from pumgpt.tasks.answers import Verdict, normalise
from pumgpt.tasks.context import TaskContext
from pumgpt.tasks.words import alike

CATEGORY = "category"
"""The field whose value is a path from root to leaf; every other field is an attribute."""

Values = tuple[str, ...]
Form = Literal["plain", "multiple choice", "hidden"]
"""`hidden`: asked for something that no photo or title shows, whatever the product is."""
AnswerStatus = Literal["value", "cannot tell", "left out", "invalid", "error"]
"""`left out`: a record without an attribute that it was asked for. `error`: there was no answer."""


@dataclass(frozen=True)
class LabelledProduct:
    """One product that a benchmark asks about, as one condition shows it."""

    product: Product
    context: TaskContext
    """The valid categories and the listing's text."""
    labels: Mapping[str, Values | None]
    """What is true of the fields that are asked, the category among them; None where the right answer is a refusal."""
    choices: Mapping[str, Choices]
    """The valid values of closed attributes."""
    references: tuple[str, ...] = ()
    """Captions that people wrote."""
    drawn: bool = False
    """A drawn picture of no product."""
    hidden: tuple[str, ...] = ()
    """Attributes that no photo or title shows; one of them is asked too."""
    num_options: int = 0
    """Of a multiple choice."""
    num_questions: int = 1
    """Free questions, at most."""

    @property
    def attributes(self) -> dict[str, Values | None]:
        return {name: values for name, values in self.labels.items() if name != CATEGORY}


@dataclass(frozen=True, slots=True)
class Truth:
    """What is right. `fields` has one entry, but for a record of attributes; None where it cannot be inferred.

    Of a category it is the path, of an attribute all values that are right, of a text the references.
    """

    fields: Mapping[str, Values | None]
    listed: str | None = None
    """For a correction: the value that the question lists."""
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """A question of a benchmark with what is true."""

    question: Question
    truth: Truth
    form: Form = "plain"
    mark: str = ""
    """Tells the questions of one task about one product apart."""
    position: int | None = None
    """Of a multiple choice: at which place, from 0, the right option stands."""

    @classmethod
    def multiple_choice(
        cls, question: Question, fields: Mapping[str, Values | None], right: str, mark: str = ""
    ) -> LabelledQuestion:
        options = question.choices.values if question.choices else ()
        return cls(question, Truth(fields), "multiple choice", mark, options.index(right))


@dataclass(frozen=True, slots=True)
class Grade:
    """What became of one field of an answer."""

    field: str
    status: AnswerStatus
    values: Values | None
    """What was stated, None unless `status` is `value`."""
    right: bool
    judged: bool = True
    """False where no rule can call the answer wrong."""


def draw_options(choices: Choices, right: str, count: int, rng: random.Random) -> tuple[str, ...] | None:
    """`right` among `count` options, shuffled, or as many as there are values (two at least); None where it is not one."""
    if right not in choices.values or count < 2:
        return None
    # A wrong option must not be one that may be called right too, such as another name of the same colour.
    others = [value for value in choices.values if value != right and not alike(value, right)]
    if not others:
        return None
    options = [right, *rng.sample(others, min(count - 1, len(others)))]
    rng.shuffle(options)
    return tuple(options)


def plain(values: Iterable[str]) -> Values:
    """Values as they are compared."""
    return tuple(normalise(value) for value in values)


def values_are_true(stated: Values, truth: Values) -> bool:
    """Whether all values stated are among the true ones, case, spaces and punctuation around aside.

    Several values may be written as one, with commas between them.
    """
    true = set(plain(truth))
    for value in plain(stated):
        parts = {normalise(part) for part in value.split(",")}
        # As a whole first: a value may contain a comma itself.
        if value not in true and not parts <= true:
            return False
    # An answer that states nothing has nothing wrong in it, and is not right for that.
    return bool(stated)
