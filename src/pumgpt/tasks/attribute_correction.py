"""`attribute_correction`: is this listed value right and, if not, what is it."""

from __future__ import annotations

import random
from functools import lru_cache

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL, Choices, Question
from pumgpt.tasks.attribute_qa import alike
from pumgpt.tasks.base import INVALID, AskedAttribute, Parsed, Task, TaskContext, normalise, read_choice
from pumgpt.tasks.truth import answer_for, asked_attributes, label, thin_refusals

RIGHT = "right"
WRONG = "wrong, it is "

_WRONG_SHARE = 0.5


class AttributeCorrectionTask(Task):
    """The answer is 'right', 'wrong, it is Blue' or `CANNOT_TELL`."""

    name = "attribute_correction"
    metrics = ("verdict_accuracy", "accuracy", "refusal")
    max_new_tokens = 24

    def questions(self, product: Product, context: TaskContext) -> list[Question]:
        """One for each attribute of the schema that the product lists."""
        found = []
        for asked in asked_attributes(product, context):
            listed = label(product, asked.name) if asked.name in (product.attributes or {}) else None
            if listed is not None:
                text = self.template.canonical("check", name=asked.name, value=listed)
                found.append(self._ask(text, asked.name, verdicts(asked.choices, listed)))
        return found

    def _draw(self, product: Product, context: TaskContext, rng: random.Random) -> list[tuple[Question, str]]:
        drawn = []
        for asked in asked_attributes(product, context):
            truth = CANNOT_TELL if asked.name == "year" else answer_for(product, asked, context.listing, rng)
            if truth is not None:
                drawn.append(self._draw_one(product, asked, truth, rng))
        return thin_refusals([pair for pair in drawn if pair is not None], rng)

    def _draw_one(
        self, product: Product, asked: AskedAttribute, truth: str, rng: random.Random
    ) -> tuple[Question, str] | None:
        """None where no listed value can be made up."""
        listed = truth
        if truth == CANNOT_TELL or rng.random() < _WRONG_SHARE:
            others = [v for v in asked.choices.values if not alike(v, truth)] if asked.choices is not None else []
            own = label(product, asked.name) if truth == CANNOT_TELL else None
            if not others and own is None:
                return None
            listed = rng.choice(others) if others else str(own)
        answer = truth if truth == CANNOT_TELL else RIGHT if listed == truth else WRONG + truth
        text = self.template.draw("check", rng, name=asked.name, value=listed)
        return self._ask(text, asked.name, verdicts(asked.choices, listed)), answer

    def _parse(self, text: str, question: Question) -> Parsed:
        parsed = read_choice(text, question.choices)
        if not isinstance(parsed.value, str):
            return INVALID
        if normalise(parsed.value) in (RIGHT, "yes", "correct"):
            return Parsed("value", verdict="right", strict=parsed.strict and parsed.value == RIGHT)
        if normalise(parsed.value).startswith("wrong"):
            value = _value_after(parsed.value)
            return Parsed("value", value, "wrong", strict=parsed.strict and parsed.value == WRONG + (value or ""))
        return INVALID


def _value_after(text: str) -> str | None:
    """'wrong, it is Blue' -> 'Blue'."""
    rest = text.strip()[len("wrong") :].lstrip(" ,.:;-")
    for opening in ("it is ", "it's "):
        if rest.lower().startswith(opening):
            rest = rest[len(opening) :]
    return rest.strip(" .") or None


def verdicts(choices: Choices | None, listed: str) -> Choices | None:
    """The valid verdicts on a listed value; None where the attribute is open."""
    return None if choices is None else _verdicts(choices, listed)


@lru_cache(maxsize=4096)
def _verdicts(choices: Choices, listed: str) -> Choices:
    """Cached, so that equal questions share one object, as `Choices` asks for."""
    return Choices((RIGHT, *(WRONG + value for value in choices.values if value != listed)))
