"""What a task is: it renders questions and training examples from a product, and reads answers back."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar, Literal

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL, Choices, Question
from pumgpt.tasks.listing import NO_LISTING, Listing, ListingMode
from pumgpt.tasks.template import Template, load_template

_AROUND = " \t\r\n.,;:!?'\"`’“”()[]{}*_"
_REFUSALS = frozenset(
    {CANNOT_TELL, "cannot tell", "can't tell", "cannot be told", "can't be inferred", "can not be inferred", "unknown"}
)
"""What other models write for `CANNOT_TELL`; ours writes it as it is."""

Verdict = Literal["right", "wrong"]


@dataclass(frozen=True, slots=True)
class AskedAttribute:
    """An attribute of the schema in use: how it is called, its valid values, and how to ask for it."""

    name: str
    choices: Choices | None = None
    question: str | None = None
    """Replaces the template's canonical question."""


@dataclass(frozen=True, slots=True)
class TaskContext:
    """What is asked for, apart from the product itself. One context serves many products."""

    taxonomy_choices: Choices | None = None
    """The valid categories, each written 'A > B > C'."""
    attributes: tuple[AskedAttribute, ...] = ()
    listing: Listing = NO_LISTING
    """The text that the questions of this product share; see `showing`."""
    questions: tuple[str, ...] = ()
    """A user's own questions, for the task `question`."""
    beginning: str | None = None
    """The text to finish, for the task `caption_completion`; None for the product's title."""
    list_options: int = 0
    """At inference, closed questions with at most this many values list them in the prompt."""

    def showing(self, product: Product, mode: ListingMode, rng: random.Random | None = None) -> TaskContext:
        """This context for one product, with its text rendered."""
        return replace(self, listing=Listing.of(product, mode, rng))

    def attribute(self, name: str) -> AskedAttribute | None:
        return next((asked for asked in self.attributes if asked.name == name), None)


@dataclass(frozen=True, slots=True)
class Example:
    """One training example: the prompt is photo, `listing` and `question`; the loss is on `answer`."""

    question: Question
    answer: str
    listing: str | None


AnswerValue = str | tuple[str, ...] | Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Parsed:
    """An answer, read.

    `value` is text, a category path, or name -> value with None for what can't be inferred; None unless `status` is
    `value`. A correction carries its `verdict` too, and what is right as the `value` of a wrong one.
    """

    status: Literal["value", "cannot tell", "invalid"]
    value: AnswerValue | None = None
    verdict: Verdict | None = None
    strict: bool = True
    """Whether the answer was written exactly as asked for; False where it took some good will to read it."""


INVALID = Parsed("invalid", strict=False)


class Task(ABC):
    """One of the tasks. Stateless: the same object serves training, benchmark, engine and server."""

    name: ClassVar[str]
    metrics: ClassVar[tuple[str, ...]]
    max_new_tokens: ClassVar[int]
    hides_listing: ClassVar[bool] = False
    """Whether its questions are asked without the shared text, which would stand in the answer's place."""

    @property
    def template(self) -> Template:
        return load_template(self.name)

    @property
    def version(self) -> int:
        return self.template.version

    @abstractmethod
    def questions(self, product: Product, context: TaskContext) -> list[Question]:
        """What is asked about the product at inference, in the canonical phrasing."""

    def examples(self, product: Product, context: TaskContext, rng: random.Random) -> list[Example]:
        """Training examples from the product's own labels, in random order; empty where it has none.

        A caller that wants fewer takes the first ones.
        """
        drawn = self._draw(product, context, rng)
        return [Example(question, answer, context.listing.text) for question, answer in drawn]

    @abstractmethod
    def _draw(self, product: Product, context: TaskContext, rng: random.Random) -> list[tuple[Question, str]]:
        """Questions with their answers."""

    def parse(self, text: str, question: Question) -> Parsed:
        """Read an answer to `question`. Never raises: what can't be read is `invalid`."""
        told = read_refusal(text)
        return told if told is not None else self._parse(text, question)

    def _parse(self, text: str, question: Question) -> Parsed:
        return read_text(text)

    def _ask(self, text: str, field: str | None = None, choices: Choices | None = None) -> Question:
        return Question(self.name, text, field, choices, self.max_new_tokens)


@lru_cache(maxsize=65536)
def normalise(text: str) -> str:
    """A text as answers are compared: small letters, single spaces, no punctuation around it."""
    return " ".join(text.split()).strip(_AROUND).lower()


def read_refusal(text: str) -> Parsed | None:
    """`cannot tell` where the text says so."""
    if text == CANNOT_TELL:
        return Parsed("cannot tell")
    return Parsed("cannot tell", strict=False) if normalise(text) in _REFUSALS else None


def read_text(text: str) -> Parsed:
    """Open text: anything but nothing."""
    tidied = " ".join(text.split())
    return Parsed("value", tidied, strict=tidied == text) if normalise(tidied) else INVALID


def read_choice(text: str, choices: Choices | None) -> Parsed:
    """One of `choices`, forgiving case, spaces and punctuation around it; open text where there are no choices."""
    if choices is None:
        return read_text(text)
    if text in choices.values:
        return Parsed("value", text)
    value = _by_normal_form(choices).get(normalise(text))
    return INVALID if value is None else Parsed("value", value, strict=False)


def is_valid(value: str, choices: Choices | None) -> bool:
    """Whether a value is one of the choices, or may be anything."""
    return choices is None or value in _as_set(choices)


@lru_cache(maxsize=64)
def _as_set(choices: Choices) -> frozenset[str]:
    return frozenset(choices.values)


@lru_cache(maxsize=256)
def _by_normal_form(choices: Choices) -> dict[str, str]:
    return {normalise(value): value for value in reversed(choices.values)}


def list_options(values: tuple[str, ...] | list[str]) -> str:
    """How a prompt lists the options of a multiple choice."""
    return ", ".join(values)
