"""`attributes`: all attributes of a schema at once, as a name-value record."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL, Question
from pumgpt.tasks.answers import INVALID, Parsed, contains_refusal, normalise, parse_refusal
from pumgpt.tasks.base import Task
from pumgpt.tasks.context import AskedAttribute, TaskContext
from pumgpt.tasks.evaluation import AnswerStatus, LabelledProduct, LabelledQuestion, Truth, Values
from pumgpt.tasks.template import list_options
from pumgpt.tasks.truth import answer_for, asked_attributes

# No attribute has a semicolon in its name, since it separates the pairs of a record.
_NAMES = "; "
_WHOLE_SCHEMA = 0.5


class AttributesTask(Task):
    """The answer is 'gender: Men; colour: Blue; year: cannot be inferred', in the order in which it was asked."""

    name = "attributes"
    metrics = ("accuracy", "value_f1", "macro_f1", "calibration", "hallucination", "format")
    max_new_tokens = 64
    answer_form = "record"
    record_field = "attributes"
    asked_as = "attribute_qa"  # each closed answer is then valid and has a probability
    mixture_weight = 1.0

    def questions(self, product: Product, context: TaskContext) -> list[Question]:
        names = [asked.name for asked in asked_attributes(product, context)]
        if not names:
            return []
        return [self.new_question(self.template.canonical("record", names=list_options(names)), _NAMES.join(names))]

    def draw_examples(self, product: Product, context: TaskContext, rng: random.Random) -> list[tuple[Question, str]]:
        """Names without a known answer are left out; half of the time only some names are asked, in the same order."""
        known = [
            (asked.name, answer)
            for asked in asked_attributes(product, context)
            if (answer := answer_for(product, asked, context, rng)) is not None
        ]
        # One name would be the question of `attribute_qa` in another form.
        if len(known) < 2:
            return []
        # A model that only ever sees the whole schema would list it whatever it is asked for.
        if rng.random() >= _WHOLE_SCHEMA:
            # Sorted, so that the record follows the order of the question, which the model is to copy.
            kept = sorted(rng.sample(range(len(known)), rng.randint(2, len(known))))
            known = [known[i] for i in kept]
        names = [name for name, _ in known]
        text = self.template.draw("record", rng, names=list_options(names))
        return [(self.new_question(text, _NAMES.join(names)), write_record(known))]

    def fields(self, question: Question) -> tuple[str, ...]:
        return tuple(question.field.split(_NAMES)) if question.field else ()

    def parse(self, text: str, question: Question) -> Parsed:
        """A mapping of the asked names that the answer states, None for *cannot be inferred*, in the order asked.

        Invalid where no asked name is stated; a refusal of the whole is one of every name.
        """
        names = self.fields(question)
        # 'Cannot be inferred' instead of a record refuses each name, and is graded as such.
        if parse_refusal(text) is not None:
            return Parsed("value", dict.fromkeys(names), strict=False) if names else Parsed("cannot tell", strict=False)
        stated = _parse_pairs(text)
        asked = {normalise(name): name for name in names} or {name: name for name in stated}
        value = {name: stated[key] for key, name in asked.items() if key in stated}
        if not value:
            return INVALID
        # Strict is what writing the parsed record gives back, so that no second grammar has to be kept.
        strict = text == write_record([(name, one or CANNOT_TELL) for name, one in value.items()])
        return Parsed("value", value, strict=strict and len(value) == len(asked))

    def may_be_refusal(self, parsed: Parsed, strict: bool, question: Question) -> bool:
        """One attribute may be refused while the others are stated."""
        return parsed.status == "invalid"

    def labelled_questions(self, labelled: LabelledProduct, rng: random.Random) -> Iterator[LabelledQuestion]:
        stated = labelled.attributes
        if stated and not labelled.drawn:
            asked = tuple(AskedAttribute(name, labelled.choices.get(name)) for name in stated)
            context = replace(labelled.context, attributes=asked)
            yield LabelledQuestion(self.questions(labelled.product, context)[0], Truth(stated))

    def stated_values(self, parsed: Parsed, field: str) -> tuple[AnswerStatus, Values | None]:
        if not isinstance(parsed.value, Mapping):
            return parsed.status, None
        if field not in parsed.value:
            return "left out", None
        value = parsed.value[field]
        return ("cannot tell", None) if value is None or contains_refusal(value) else ("value", (value,))

    def answer_from_labels(self, question: Question, label: Callable[[str], str | None]) -> str:
        return self.write({name: label(name) or CANNOT_TELL for name in self.fields(question)})

    def write(self, answers: Mapping[str, str]) -> str:
        return write_record([*answers.items()])


def write_record(pairs: Sequence[tuple[str, str]]) -> str:
    """Name-value pairs as the answer writes them."""
    return "; ".join(f"{name}: {value}" for name, value in pairs)


def _parse_pairs(text: str) -> dict[str, str | None]:
    pairs: dict[str, str | None] = {}
    # Chat models write one pair a line, whatever they are asked for.
    for part in text.replace("\n", ";").split(";"):
        name, separator, value = part.partition(":")
        if separator and normalise(name) and normalise(value):
            value = " ".join(value.split())
            # A model that writes on and on repeats names: its answer is the first value.
            pairs.setdefault(normalise(name), None if parse_refusal(value) else value)
    return pairs
