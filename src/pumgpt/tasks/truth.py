"""What a product's labels allow to be asked and answered in training.

There are three cases, and mixing them up would train a model to guess or to refuse without need: the answer is known; it is
known that it cannot be inferred; or the label is merely missing, and then the question is not asked.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL, Question
from pumgpt.tasks.answers import is_valid
from pumgpt.tasks.context import AskedAttribute, TaskContext
from pumgpt.tasks.sources import DataFacts
from pumgpt.tasks.words import words

FOREIGN = "foreign"
"""Source of pictures that show no product we know: drawn scenes, textures, blank photos."""


def is_foreign(product: Product) -> bool:
    return product.source == FOREIGN


def label(product: Product, name: str, facts: DataFacts) -> str | None:
    """The stated value, several joined by ', '; where there is none, what another attribute implies."""
    attributes = product.attributes or {}
    value = attributes.get(name)
    if value is None:
        known = facts.attribute(name)
        return known.implied.get(str(attributes.get(known.implied_by))) if known.implied_by else None
    return value if isinstance(value, str) else ", ".join(value)


def answer_for(product: Product, asked: AskedAttribute, context: TaskContext, rng: random.Random) -> str | None:
    """What to train as the value of an attribute; `CANNOT_TELL` where it can't be inferred; None where we don't know, or
    where the schema in use doesn't have the value.
    """
    if is_foreign(product):
        return CANNOT_TELL
    # Without any label nothing is known, not even that it can't be inferred.
    if not product.category and not product.attributes:
        return None
    answer = _answer(product, asked.name, context, rng)
    return answer if answer is None or answer == CANNOT_TELL or is_valid(answer, asked.choices) else None


def _answer(product: Product, name: str, context: TaskContext, rng: random.Random) -> str | None:
    value, listing = label(product, name, context.facts), context.listing
    known = context.facts.attribute(name)
    match known.shown:
        case "never":
            # Mostly a refusal; now and then the label, for users who want every field filled.
            return value if value is not None and rng.random() < known.answered_share else CANNOT_TELL
        case "in text" if value is not None:
            return value if value.lower() in (listing.text or "").lower() else CANNOT_TELL
        case "in text":
            # Without a label, a text may or may not name it: only without any text is the answer known.
            return CANNOT_TELL if listing.text is None and is_untellable(product, name, context.facts) else None
    if value is not None:
        return value
    return CANNOT_TELL if not listing.described and is_untellable(product, name, context.facts) else None


def is_untellable(product: Product, name: str, facts: DataFacts) -> bool:
    """Whether an attribute that the product doesn't state is one that its kind of product doesn't have or show."""
    return name in words().hidden or name in facts.source(product).lacking


def draw_untellable(product: Product, facts: DataFacts, rng: random.Random) -> str:
    """The name of an attribute that can't be inferred for this product."""
    lacking = facts.source(product).lacking
    # Both kinds: what this product lacks, and what no photo shows of any.
    name = rng.choice(lacking if lacking and rng.random() < 0.4 else words().hidden)
    # A text that is shown might name it after all.
    in_text = facts.attribute(name).shown == "in text"
    return name if label(product, name, facts) is None and not in_text else rng.choice(words().hidden)


def thin_refusals(pairs: Sequence[tuple[Question, str]], rng: random.Random) -> list[tuple[Question, str]]:
    """All questions that have an answer and one of those that have none, shuffled."""
    # A model that is mostly taught to refuse learns to refuse.
    answered = [pair for pair in pairs if pair[1] != CANNOT_TELL]
    refused = [pair for pair in pairs if pair[1] == CANNOT_TELL]
    kept = [*answered, rng.choice(refused)] if refused else answered
    rng.shuffle(kept)
    return kept


def asked_attributes(product: Product, context: TaskContext) -> tuple[AskedAttribute, ...]:
    """The schema in use; the product's own attributes where there is none."""
    if context.attributes:
        return context.attributes
    # Where nobody states them, these teach that the question may have no answer.
    always = [name for name, known in context.facts.attributes.items() if known.always_asked]
    return tuple(AskedAttribute(name) for name in dict.fromkeys([*(product.attributes or {}), *always]))


def plain_phrase(product: Product, facts: DataFacts) -> str | None:
    """A few words for a product without a title: 'Blue Tshirts', 'Golden Delicious apple'."""
    if not product.category:
        return None
    leaf = product.category[-1]
    phrase = leaf
    # A sort's name means little alone: 'Golden Delicious' needs its 'apple'.
    if len(product.category) > 2 and product.category[0] in facts.sorted_categories:
        parent = product.category[-2].replace("-", " ").lower()
        if parent not in leaf.lower():
            phrase = f"{leaf} {parent}"
    colour = label(product, "colour", facts)
    if colour and colour.lower() not in phrase.lower():
        phrase = f"{colour} {phrase}"
    for name, endings in facts.phrase_endings.items():
        ending = endings.get(label(product, name, facts) or "")
        phrase = f"{phrase} {ending}" if ending else phrase
    return phrase
