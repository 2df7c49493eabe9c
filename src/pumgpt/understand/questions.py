"""How a user's own questions are answered: by which fields of the record, and which of them the model is asked as they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Choices, Question
from pumgpt.catalog.vocabulary.matching.attributes import AttributeMatch
from pumgpt.tasks.context import AskedAttribute, TaskContext
from pumgpt.tasks.intent_parser import IntentParser
from pumgpt.tasks.intents import CATEGORY, Intent, attribute_called, intents
from pumgpt.tasks.registry import TASKS


@dataclass(frozen=True)
class QuestionPlan:
    """What the questions ask for, and what has to be asked of the model so that they can be answered."""

    intents: tuple[Intent, ...] = ()
    askable: tuple[AskedAttribute, ...] = ()
    """What the record asks for, then what the model was trained on beside."""
    categories: Choices | None = None
    matches: Mapping[Choices, AttributeMatch] = field(default_factory=dict)
    is_specialist: bool = False
    """Whether the model has categories or attributes of its own: asked for anything else, it makes something up."""
    answers_open: bool = False
    """Whether such a model is asked all the same, as its words were measured or every field is to be filled."""

    @classmethod
    def of(
        cls,
        context: TaskContext,
        own: Sequence[AskedAttribute],
        names: Sequence[str],
        matches: Mapping[Choices, AttributeMatch],
        *,
        is_specialist: bool,
        answers_open: bool,
    ) -> QuestionPlan:
        """`own` are the model's attributes, `names` what the shop calls its own."""
        if not context.questions:
            return cls()
        askable = (*context.attributes, *own)
        shops_own = (AskedAttribute(name) for name in names)
        parser = IntentParser((*askable, *shops_own), context.taxonomy_choices)
        found = tuple(parser.parse(text) for text in context.questions)
        return cls(found, askable, context.taxonomy_choices, matches, is_specialist, answers_open)

    def attribute_of(self, intent: Intent) -> AskedAttribute | None:
        """The attribute whose question answers a user's, as the record has it, else as the model has it."""
        # What only a text can tell is never asked of a specialist, which would name what it saw most often.
        if intent.kind == "print" or (self.is_specialist and intent.attribute in intents().told):
            return None
        return next((one for one in self.askable if intent.attribute in self._names_of(one)), None)

    def texts_as_they_stand(self) -> tuple[str, ...]:
        """The questions that the model is to answer in words of its own."""
        return tuple(intent.text for intent in self.intents if self._is_asked_as_it_stands(intent))

    def questions_behind(self, product: Product, context: TaskContext, asked: frozenset[str]) -> list[Question]:
        """Those for category and attributes that the user's ask for, unless the record has them anyway."""
        recorded = context.attributes if "attribute_qa" in asked else ()
        found = (self.attribute_of(intent) for intent in self.intents)
        missing = tuple(dict.fromkeys(one for one in found if one is not None and one not in recorded))
        questions = []
        if missing:
            questions += TASKS["attribute_qa"].questions(product, replace(context, attributes=missing))
        needs_category = any(intent.attribute == CATEGORY or intent.subject for intent in self.intents)
        if needs_category and self.categories and "category" not in asked:
            questions += TASKS["category"].questions(product, context)
        return [replace(question, recorded=False) for question in questions]

    def _is_asked_as_it_stands(self, intent: Intent) -> bool:
        if self.attribute_of(intent) or (intent.attribute == CATEGORY and self.categories):
            return False
        is_told = intent.kind == "print" or intent.attribute in intents().told
        return not self.is_specialist or (self.answers_open and not is_told)

    def _names_of(self, asked: AskedAttribute) -> set[str]:
        """The model's name for an attribute, and the shop's."""
        match = self.matches.get(asked.choices) if asked.choices else None
        return {attribute_called(name) for name in (asked.name, match.shop if match else asked.name)}
