"""`attributes`: all attributes of a schema at once, as a name-value record."""

from __future__ import annotations

import random
from collections.abc import Sequence

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL, Question
from pumgpt.tasks.base import INVALID, Parsed, Task, TaskContext, list_options, normalise, read_refusal
from pumgpt.tasks.truth import answer_for, asked_attributes

_NAMES = "; "
_WHOLE_SCHEMA = 0.5


class AttributesTask(Task):
    """The answer is 'gender: Men; colour: Blue; year: cannot be inferred', in the order in which it was asked."""

    name = "attributes"
    metrics = ("accuracy", "micro_f1", "refusal")
    max_new_tokens = 64

    def questions(self, product: Product, context: TaskContext) -> list[Question]:
        names = [asked.name for asked in asked_attributes(product, context)]
        return [self._question(self.template.canonical("record", names=list_options(names)), names)] if names else []

    def _draw(self, product: Product, context: TaskContext, rng: random.Random) -> list[tuple[Question, str]]:
        """Names without a known answer are left out; half of the time only some names are asked, in the same order."""
        known = [
            (asked.name, answer)
            for asked in asked_attributes(product, context)
            if (answer := answer_for(product, asked, context.listing, rng)) is not None
        ]
        if len(known) < 2:
            return []
        if rng.random() >= _WHOLE_SCHEMA:
            kept = sorted(rng.sample(range(len(known)), rng.randint(2, len(known))))
            known = [known[i] for i in kept]
        names = [name for name, _ in known]
        text = self.template.draw("record", rng, names=list_options(names))
        return [(self._question(text, names), write_record(known))]

    def _question(self, text: str, names: Sequence[str]) -> Question:
        return self._ask(text, _NAMES.join(names))

    def parse(self, text: str, question: Question) -> Parsed:
        """A mapping of the asked names that the answer states, None for *cannot be inferred*, in the order asked.

        Invalid where no asked name is stated; a refusal of the whole is one of every name.
        """
        names = (question.field or "").split(_NAMES) if question.field else []
        if read_refusal(text) is not None:
            return Parsed("value", dict.fromkeys(names), strict=False) if names else Parsed("cannot tell", strict=False)
        stated = _read_pairs(text)
        asked = {normalise(name): name for name in names} or {name: name for name in stated}
        value = {name: stated[key] for key, name in asked.items() if key in stated}
        if not value:
            return INVALID
        strict = text == write_record([(name, found or CANNOT_TELL) for name, found in value.items()])
        return Parsed("value", value, strict=strict and len(value) == len(asked))


def write_record(pairs: Sequence[tuple[str, str]]) -> str:
    """Name-value pairs as the answer writes them."""
    return "; ".join(f"{name}: {value}" for name, value in pairs)


def _read_pairs(text: str) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for part in text.replace("\n", ";").split(";"):
        name, separator, value = part.partition(":")
        if separator and normalise(name) and normalise(value):
            value = " ".join(value.split())
            found.setdefault(normalise(name), None if read_refusal(value) else value)
    return found
