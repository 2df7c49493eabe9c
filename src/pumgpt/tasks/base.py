"""What a task is: it asks about a product, makes training examples, parses answers and grades them."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from sys import modules
from typing import ClassVar, Literal

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL, Choices, Question
from pumgpt.tasks.answers import (
    INVALID,
    Parsed,
    bare,
    contains_refusal,
    find_choice,
    parse_refusal,
    parse_text,
    without_prompt,
)
from pumgpt.tasks.context import TaskContext
from pumgpt.tasks.evaluation import (
    AnswerStatus,
    Grade,
    LabelledProduct,
    LabelledQuestion,
    Truth,
    Values,
    values_are_true,
)
from pumgpt.tasks.template import Template, load_template

AnswerForm = Literal["text", "path", "value", "record", "verdict"]
"""Open text, a category's path, one attribute's value, a record of several, or a verdict on a listed value."""
RecordField = Literal["caption", "completion", "category", "attributes", "answers", "corrections"]


@dataclass(frozen=True, slots=True)
class Example:
    """One training example: the prompt is photo, `listing` and `question`; the loss is on `answer`."""

    question: Question
    answer: str
    listing: str | None


class Task(ABC):
    """One of the tasks. Stateless: the same object serves training, enrichment and benchmark.

    A new one needs a name, a template, `questions` and `_draw`; `truth_of` too, if a benchmark asks it. Everything
    else has a default that suits a task with short open answers.
    """

    name: ClassVar[str]
    max_new_tokens: ClassVar[int]
    metrics: ClassVar[tuple[str, ...]] = ("accuracy",)
    """By the names in `pumgpt.bench.judging.scoring`."""
    answer_form: ClassVar[AnswerForm] = "text"
    record_field: ClassVar[RecordField] = "answers"
    """Where its answer goes in an `Understanding`."""
    asked_as: ClassVar[str | None] = None
    """The task whose questions are asked in its place when products are enriched."""
    mixture_weight: ClassVar[float] = 0.0
    """How often training asks it by default, beside the others; with 0 only a recipe that names it does."""
    hides_listing: ClassVar[bool] = False
    """Whether its questions are asked without the shared text, which would stand in the answer's place."""
    refusable: ClassVar[bool] = True
    """Whether a free reply that contains a refusal is one. A caption may well mention that something is not shown."""
    scored_by_field: ClassVar[bool] = False
    """Whether a benchmark also scores each field alone."""

    @property
    def template(self) -> Template:
        """`templates/<name>.yaml` beside the module of the task."""
        # Beside the task's module and not this one: a task of another package brings its own.
        return load_template(self.name, Path(str(modules[type(self).__module__].__file__)).parent / "templates")

    @property
    def version(self) -> int:
        return self.template.version

    # Asking

    @abstractmethod
    def questions(self, product: Product, context: TaskContext) -> list[Question]:
        """What is asked about the product at inference, in the canonical phrasing."""

    def examples(self, product: Product, context: TaskContext, rng: random.Random) -> list[Example]:
        """Training examples from the product's own labels, in random order; empty where it has none.

        A caller that wants fewer takes the first ones.
        """
        drawn = self.draw_examples(product, context, rng)
        return [Example(question, answer, context.listing.text) for question, answer in drawn]

    @abstractmethod
    def draw_examples(self, product: Product, context: TaskContext, rng: random.Random) -> list[tuple[Question, str]]:
        """Questions with their answers."""

    def new_question(self, text: str, field: str | None = None, choices: Choices | None = None) -> Question:
        return Question(self.name, text, field, choices, self.max_new_tokens)

    def fields(self, question: Question) -> tuple[str, ...]:
        """The names of what a question asks for."""
        return (question.field or self.name,)

    def calibration_key(self, question: Question) -> str:
        """The question's name in a checkpoint's calibration."""
        return self.name

    # Parsing

    def parse(self, text: str, question: Question) -> Parsed:
        """Parse an answer in the form asked for. Never raises: what can't be parsed is `invalid`."""
        refusal = parse_refusal(text, question.choices)
        return refusal if refusal is not None else self.parse_answer(text, question)

    def parse_answer(self, text: str, question: Question) -> Parsed:
        return parse_text(text)

    def parse_reply(self, reply: str, question: Question, listing: str | None = None) -> Parsed:
        """Parse a free reply as a person would take it: an answer with other words around it, or a refusal in its own.

        `strict` says whether it was written exactly as asked for. A reply that only repeats the prompt is invalid.
        """
        # Models without chat training often repeat the prompt, whose words would be taken for the answer.
        text = without_prompt(bare(reply), question.text, listing)
        parsed = self.parse(text, question) if text else INVALID
        # Open text has no form that it could miss.
        strict = parsed.status != "invalid" if self.answer_form == "text" else parsed.strict and text == reply
        # "Blue, but it cannot be determined": without the exact form, a refusal outweighs the value.
        if self.may_be_refusal(parsed, strict, question) and contains_refusal(text):
            parsed, strict = self.parse(CANNOT_TELL, question), False
        elif parsed.status == "invalid" and text:
            parsed = self.parse_leniently(text, question)
        return replace(parsed, strict=strict and parsed.status != "invalid")

    def may_be_refusal(self, parsed: Parsed, strict: bool, question: Question) -> bool:
        """Whether a refusal within the reply outweighs what was parsed of it."""
        return self.refusable and parsed.status != "cannot tell" and (question.choices is None or not strict)

    def parse_leniently(self, text: str, question: Question) -> Parsed:
        """What `parse` can't: the one choice that stands somewhere in a longer text."""
        choice = find_choice(text, question.choices, leaves=True) if question.choices is not None else None
        return INVALID if choice is None else self.parse(choice, question)

    # Benchmark: what is asked of a labelled product, what is true, and how an answer is graded

    def labelled_questions(self, labelled: LabelledProduct, rng: random.Random) -> Iterator[LabelledQuestion]:
        """What a benchmark asks; by default all `questions` of which `truth_of` knows the answer."""
        for number, question in enumerate(self.questions(labelled.product, labelled.context)):
            truth = self.truth_of(labelled.product, question)
            if truth is not None:
                yield LabelledQuestion(question, truth, mark=str(number))

    def truth_of(self, product: Product, question: Question) -> Truth | None:
        """The right answer by the product's labels; None where they have none."""
        return None

    def grade(self, parsed: Parsed, truth: Truth, product: Product) -> list[Grade]:
        """One grade for each field of the truth."""
        return [self.grade_field(parsed, truth, field, product) for field in truth.fields]

    def grade_field(self, parsed: Parsed, truth: Truth, field: str, product: Product) -> Grade:
        status, stated = self.stated_values(parsed, field)
        # A record that leaves out what can't be inferred is as right as one that refuses it.
        right = status in ("cannot tell", "left out")
        if truth.fields[field] is not None:
            right = stated is not None and self.is_right(stated, truth, field, product)
        return Grade(field, status, stated, right)

    def stated_values(self, parsed: Parsed, field: str) -> tuple[AnswerStatus, Values | None]:
        """What an answer states about one field."""
        value = parsed.value
        # A record has a value for each name, which only its own task knows how to pick.
        if parsed.status != "value" or isinstance(value, Mapping):
            return parsed.status, None
        return "value", (value,) if isinstance(value, str) else value or ()

    def is_right(self, stated: Values, truth: Truth, field: str, product: Product) -> bool:
        return values_are_true(stated, truth.fields[field] or ())

    def failure_kind(self, stated: Values, truth: Truth, field: str, product: Product) -> str:
        """Why what was stated is wrong, by the names in `pumgpt.bench.judging.failures`."""
        return "hallucinated value"

    def true_answers(self, truth: Truth, field: str) -> tuple[str, ...]:
        """The right answers to one field, written as the task writes them; none where it can't be inferred."""
        return truth.fields[field] or ()

    def answer_from_labels(self, question: Question, label: Callable[[str], str | None]) -> str:
        """The answer that follows from known labels (field -> value as text, None for unknown): how baselines answer."""
        return CANNOT_TELL

    def write(self, answers: Mapping[str, str]) -> str:
        """The answer to a question out of the answers to its `fields`."""
        return next(iter(answers.values()))
