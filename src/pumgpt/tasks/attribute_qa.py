"""`attribute_qa`: one attribute, open or among options in the prompt; or it cannot be inferred."""

from __future__ import annotations

import random

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL, Choices, Question
from pumgpt.tasks.base import AskedAttribute, Parsed, Task, TaskContext, list_options, read_choice
from pumgpt.tasks.truth import answer_for, asked_attributes, draw_untellable, thin_refusals
from pumgpt.tasks.words import colour_family

_CHOICE_SHARE = 0.25
_RIGHT_MISSING = 0.1
_UNTELLABLE_SHARE = 0.6
_MANY_VALUES = 6
"""From this many values on, a multiple choice may lack the right one: with fewer they aren't told apart sharply."""


class AttributeQATask(Task):
    """The answer is the value as the schema writes it, or `CANNOT_TELL`."""

    name = "attribute_qa"
    metrics = ("accuracy", "macro_f1", "refusal")
    max_new_tokens = 16

    def questions(self, product: Product, context: TaskContext) -> list[Question]:
        return [self._question(asked, context.list_options) for asked in asked_attributes(product, context)]

    def _question(self, asked: AskedAttribute, most_options: int) -> Question:
        text = asked.question or self.template.canonical("open", name=asked.name)
        if asked.choices is not None and not asked.question and len(asked.choices.values) <= most_options:
            text = self.template.canonical("choice", name=asked.name, options=list_options(asked.choices.values))
        return self._ask(text, asked.name, asked.choices)

    def _draw(self, product: Product, context: TaskContext, rng: random.Random) -> list[tuple[Question, str]]:
        drawn = []
        for asked in asked_attributes(product, context):
            answer = answer_for(product, asked, context.listing, rng)
            if answer is not None:
                drawn.append(self._draw_one(asked, answer, rng))
        if drawn and not context.listing.described and rng.random() < _UNTELLABLE_SHARE:
            drawn.append(self._draw_one(AskedAttribute(draw_untellable(product, rng)), CANNOT_TELL, rng))
        return thin_refusals(drawn, rng)

    def _draw_one(self, asked: AskedAttribute, answer: str, rng: random.Random) -> tuple[Question, str]:
        if asked.choices is not None and rng.random() < _CHOICE_SHARE:
            options = draw_options(asked.choices, answer, rng)
            if len(options) > 1:
                text = self.template.draw("choice", rng, name=asked.name, options=list_options(options))
                told = answer if answer in options else CANNOT_TELL
                return self._ask(text, asked.name, Choices(tuple(options))), told
        text = self.template.draw("open", rng, name=asked.name)
        if asked.question and rng.random() < 0.5:
            text = asked.question
        return self._ask(text, asked.name, asked.choices), answer

    def _parse(self, text: str, question: Question) -> Parsed:
        return read_choice(text, question.choices)


def draw_options(choices: Choices, answer: str, rng: random.Random) -> list[str]:
    """Three to five options (fewer where there are fewer values), shuffled; now and then without the right one."""
    others = [value for value in choices.values if value != answer and not alike(value, answer)]
    options = rng.sample(others, min(len(others), rng.randint(3, 5)))
    missing = len(choices.values) >= _MANY_VALUES and rng.random() < _RIGHT_MISSING
    if answer != CANNOT_TELL and not missing:
        options = [answer, *options[: max(2, len(options) - 1)]]  # in the place of another: the count tells nothing
    rng.shuffle(options)
    return options


def alike(first: str, second: str) -> bool:
    """Whether two values may both be called right: two names of one colour, or one that contains the other."""
    family = colour_family(first)
    if family is not None and family == colour_family(second):
        return True
    small = first.lower(), second.lower()
    return small[0] in small[1] or small[1] in small[0]
