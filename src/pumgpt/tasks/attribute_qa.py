"""`attribute_qa`: one attribute, open or among options in the prompt; or it cannot be inferred."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL, Choices, Question
from pumgpt.tasks.answers import Parsed, is_valid, parse_choice
from pumgpt.tasks.base import Task
from pumgpt.tasks.context import AskedAttribute, TaskContext
from pumgpt.tasks.evaluation import LabelledProduct, LabelledQuestion, Truth, draw_options
from pumgpt.tasks.template import list_options
from pumgpt.tasks.truth import answer_for, asked_attributes, draw_untellable, thin_refusals
from pumgpt.tasks.words import alike

# Most questions at inference are open. A multiple choice teaches to choose by the photo and not by what is frequent.
_CHOICE_SHARE = 0.25
# Some without the right option, or a model would learn that one of the options always is.
_RIGHT_MISSING = 0.1
# Attributes that nothing shows: refusals have to be learnt on other names than those of the labels.
_UNTELLABLE_SHARE = 0.6
_MANY_VALUES = 6
"""From this many values on, a multiple choice may lack the right one: fewer are seldom distinct enough."""


class AttributeQATask(Task):
    """The answer is the value as the schema writes it, or `CANNOT_TELL`."""

    name = "attribute_qa"
    metrics = ("accuracy", "value_f1", "macro_f1", "calibration", "refusals", "hallucination")
    max_new_tokens = 16
    answer_form = "value"
    record_field = "attributes"
    mixture_weight = 4.0
    scored_by_field = True

    def questions(self, product: Product, context: TaskContext) -> list[Question]:
        return [self._question(asked, context.list_options) for asked in asked_attributes(product, context)]

    def _question(self, asked: AskedAttribute, most_options: int) -> Question:
        # A schema's own wording is taken as it is: it may list the options itself.
        text = asked.question or self.template.canonical("open", name=asked.name)
        if asked.choices is not None and not asked.question and len(asked.choices.values) <= most_options:
            text = self.template.canonical("choice", name=asked.name, options=list_options(asked.choices.values))
        return self.new_question(text, asked.name, asked.choices)

    def draw_examples(self, product: Product, context: TaskContext, rng: random.Random) -> list[tuple[Question, str]]:
        drawn = []
        for asked in asked_attributes(product, context):
            answer = answer_for(product, asked, context, rng)
            if answer is not None:
                drawn.append(self._draw_one(asked, answer, rng))
        # A description may name anything, so that nothing is surely unknown beside it.
        if drawn and not context.listing.described and rng.random() < _UNTELLABLE_SHARE:
            drawn.append(self._draw_one(AskedAttribute(draw_untellable(product, context.facts, rng)), CANNOT_TELL, rng))
        return thin_refusals(drawn, rng)

    def _draw_one(self, asked: AskedAttribute, answer: str, rng: random.Random) -> tuple[Question, str]:
        if asked.choices is not None and rng.random() < _CHOICE_SHARE:
            options = draw_training_options(asked.choices, answer, rng)
            if len(options) > 1:
                text = self.template.draw("choice", rng, name=asked.name, options=list_options(options))
                right = answer if answer in options else CANNOT_TELL
                return self.new_question(text, asked.name, Choices(tuple(options))), right
        text = self.template.draw("open", rng, name=asked.name)
        # Both, since the schema's wording is what its user asks, and the others are what other schemas will.
        if asked.question and rng.random() < 0.5:
            text = asked.question
        return self.new_question(text, asked.name, asked.choices), answer

    def parse_answer(self, text: str, question: Question) -> Parsed:
        return parse_choice(text, question.choices)

    def calibration_key(self, question: Question) -> str:
        return f"attribute:{question.field}"

    def labelled_questions(self, labelled: LabelledProduct, rng: random.Random) -> Iterator[LabelledQuestion]:
        """Each attribute; one of them again as a multiple choice; and one hidden attribute."""
        context = labelled.context
        for name, values in labelled.attributes.items():
            asked = AskedAttribute(name, labelled.choices.get(name))
            yield LabelledQuestion(self._question(asked, context.list_options), Truth({name: values}), mark=name)
        if labelled.drawn:
            return
        yield from self._labelled_choice(labelled, rng)
        if labelled.hidden:
            name = rng.choice(labelled.hidden)
            question = self._question(AskedAttribute(name), context.list_options)
            yield LabelledQuestion(question, Truth({name: None}), "hidden", name)

    def _labelled_choice(self, labelled: LabelledProduct, rng: random.Random) -> Iterator[LabelledQuestion]:
        """One attribute, drawn by lot among those with enough values."""
        single = [(name, values) for name, values in labelled.attributes.items() if values and len(values) == 1]
        # By lot, so that no attribute is the multiple choice of every product.
        rng.shuffle(single)
        for name, values in single:
            choices = labelled.choices.get(name)
            options = draw_options(choices, values[0], labelled.num_options, rng) if choices else None
            if options is not None:
                question = self._question(AskedAttribute(name, Choices(options)), len(options))
                yield LabelledQuestion.multiple_choice(question, {name: values}, values[0], name)
                return

    def answer_from_labels(self, question: Question, label: Callable[[str], str | None]) -> str:
        text = label(question.field or "")
        return text if text is not None and is_valid(text, question.choices) else CANNOT_TELL


def draw_training_options(choices: Choices, answer: str, rng: random.Random) -> list[str]:
    """Three to five options (fewer where there are fewer values), shuffled; now and then without the right one."""
    others = [value for value in choices.values if value != answer and not alike(value, answer)]
    # Without names of nearly the same value: 'navy' beside 'blue' has no right answer.
    options = rng.sample(others, min(len(others), rng.randint(3, 5)))
    missing = len(choices.values) >= _MANY_VALUES and rng.random() < _RIGHT_MISSING
    if answer != CANNOT_TELL and not missing:
        # In the place of another: the number of options must not give away whether the right one is there.
        options = [answer, *options[: max(2, len(options) - 1)]]
    rng.shuffle(options)
    return options
