"""`attribute_correction`: is this listed value right and, if not, what is it."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL, Choices, Question
from pumgpt.tasks.answers import INVALID, Parsed, normalise, parse_choice
from pumgpt.tasks.base import Task
from pumgpt.tasks.context import AskedAttribute, TaskContext
from pumgpt.tasks.evaluation import AnswerStatus, LabelledProduct, LabelledQuestion, Truth, Values, values_are_true
from pumgpt.tasks.truth import answer_for, asked_attributes, label, thin_refusals
from pumgpt.tasks.words import alike

RIGHT = "right"
WRONG = "wrong, it is "

# Neither verdict may be the likelier one before the photo is seen.
_WRONG_SHARE = 0.5
_DENIALS = re.compile(r"^\W*(?:no|incorrect|false|not right|not correct)\b", re.IGNORECASE)


class AttributeCorrectionTask(Task):
    """The answer is 'right', 'wrong, it is Blue' or `CANNOT_TELL`."""

    name = "attribute_correction"
    metrics = ("accuracy", "verdict", "calibration")
    max_new_tokens = 24
    answer_form = "verdict"
    record_field = "corrections"
    mixture_weight = 1.0

    def questions(self, product: Product, context: TaskContext) -> list[Question]:
        """One for each attribute of the schema that the product lists."""
        questions = []
        for asked in asked_attributes(product, context):
            # `label` also gives what another attribute implies, which the shop didn't list.
            listed = label(product, asked.name, context.facts) if asked.name in (product.attributes or {}) else None
            if listed is not None:
                text = self.template.canonical("check", name=asked.name, value=listed)
                questions.append(self.new_question(text, asked.name, verdicts(asked.choices, listed)))
        return questions

    def draw_examples(self, product: Product, context: TaskContext, rng: random.Random) -> list[tuple[Question, str]]:
        drawn = []
        for asked in asked_attributes(product, context):
            # The label of what is never shown is sometimes trained as an answer; no verdict on it can be inferred.
            never_shown = context.facts.attribute(asked.name).shown == "never"
            truth = CANNOT_TELL if never_shown else answer_for(product, asked, context, rng)
            if truth is not None:
                own = label(product, asked.name, context.facts)
                drawn.append(self._draw_one(asked, truth, own, rng))
        return thin_refusals([pair for pair in drawn if pair is not None], rng)

    def _draw_one(
        self, asked: AskedAttribute, truth: str, own: str | None, rng: random.Random
    ) -> tuple[Question, str] | None:
        """None where no listed value can be made up. `own` is the product's label, which nothing may show."""
        listed = truth
        # Where the answer is a refusal, some value still has to be listed.
        if truth == CANNOT_TELL or rng.random() < _WRONG_SHARE:
            others = [v for v in asked.choices.values if not alike(v, truth)] if asked.choices is not None else []
            # An open attribute has no other values to list wrongly; where a refusal is right, the label itself will do.
            if not others and (own is None or truth != CANNOT_TELL):
                return None
            listed = rng.choice(others) if others else str(own)
        answer = truth if truth == CANNOT_TELL else RIGHT if listed == truth else WRONG + truth
        text = self.template.draw("check", rng, name=asked.name, value=listed)
        return self.new_question(text, asked.name, verdicts(asked.choices, listed)), answer

    def parse_answer(self, text: str, question: Question) -> Parsed:
        parsed = parse_choice(text, question.choices)
        if not isinstance(parsed.value, str):
            return INVALID
        if normalise(parsed.value) in (RIGHT, "yes", "correct"):
            return Parsed("value", verdict="right", strict=parsed.strict and parsed.value == RIGHT)
        if normalise(parsed.value).startswith("wrong"):
            # 'wrong, it is Blue' -> 'Blue', with forgiveness for how a chat model joins the two.
            value = parsed.value.strip()[len("wrong") :].lstrip(" ,.:;-")
            for opening in ("it is ", "it's "):
                if value.lower().startswith(opening):
                    value = value[len(opening) :]
            value = value.strip(" .")
            return Parsed("value", value or None, "wrong", strict=parsed.strict and parsed.value == WRONG + value)
        return INVALID

    def parse_leniently(self, text: str, question: Question) -> Parsed:
        """A verdict in other words: 'No, it is Blue'."""
        # Without the choices, which are whole sentences that other words never match.
        return self.parse(_DENIALS.sub("wrong", text), replace(question, choices=None))

    def labelled_questions(self, labelled: LabelledProduct, rng: random.Random) -> Iterator[LabelledQuestion]:
        """One attribute, drawn by lot; half of the time another value is listed than the true one."""
        stated, closed = labelled.attributes, labelled.choices
        # Of several true values, nothing tells which one a correction has to name.
        single = [name for name, values in stated.items() if values and len(values) == 1 and name in closed]
        if not single or labelled.drawn:
            return
        name = rng.choice(single)
        values = stated[name] or ()
        others = [other for other in closed[name].values if not alike(other, values[0])]
        wrong = bool(others) and rng.random() < _WRONG_SHARE
        listed = rng.choice(others) if wrong else values[0]
        product = replace(labelled.product, attributes={name: listed})
        context = replace(labelled.context, attributes=(AskedAttribute(name, closed[name]),))
        truth = Truth({name: values}, listed, "wrong" if wrong else "right")
        yield LabelledQuestion(self.questions(product, context)[0], truth, mark=name)

    def stated_values(self, parsed: Parsed, field: str) -> tuple[AnswerStatus, Values | None]:
        """The verdict, and after a wrong one what is right."""
        if parsed.status != "value":
            return parsed.status, None
        return "value", tuple(part for part in (parsed.verdict, parsed.value) if isinstance(part, str))

    def is_right(self, stated: Values, truth: Truth, field: str, product: Product) -> bool:
        if truth.verdict == "right":
            return stated == (RIGHT,)
        return stated[0] == "wrong" and values_are_true(stated[1:], truth.fields[field] or ())

    def failure_kind(self, stated: Values, truth: Truth, field: str, product: Product) -> str:
        missed = truth.verdict == "wrong" and stated[0] == RIGHT
        return "omission" if missed else "hallucinated value"

    def true_answers(self, truth: Truth, field: str) -> tuple[str, ...]:
        if truth.verdict == "right":
            return (RIGHT,)
        return tuple(WRONG + value for value in truth.fields[field] or ())

    def answer_from_labels(self, question: Question, label: Callable[[str], str | None]) -> str:
        """The choices lack the listed value, so that a value that isn't a correction is the one that is listed."""
        value = label(question.field or "")
        if value is None or question.choices is None:
            return CANNOT_TELL
        return WRONG + value if WRONG + value in question.choices.values else RIGHT


def verdicts(choices: Choices | None, listed: str) -> Choices | None:
    """The valid verdicts on a listed value; None where the attribute is open."""
    return None if choices is None else _verdicts(choices, listed)


# Cached, so that equal questions share one object: backends prepare a `Choices` once and know it by identity.
@lru_cache(maxsize=4096)
def _verdicts(choices: Choices, listed: str) -> Choices:
    return Choices((RIGHT, *(WRONG + value for value in choices.values if value != listed)))
