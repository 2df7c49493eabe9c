"""What a product's labels allow to be asked and answered in training.

There are three cases, and mixing them up would train a model to guess or to shrug: the answer is known; it is known
that nobody could tell; or the label is merely missing, and then the question is not asked.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL, Question
from pumgpt.tasks.base import AskedAttribute, TaskContext, is_valid
from pumgpt.tasks.listing import Listing
from pumgpt.tasks.words import words

FOREIGN = "foreign"
"""Source of pictures that show no product we know: drawn scenes, textures, blank photos. They tell nothing."""

YEAR_SHARE = 0.1
"""How often a product's year is trained although a photo doesn't show it: a caller who has every field filled
(`--precision 0`) gets a likely year, and everybody else an honest refusal."""

_AGE_GROUPS = {"Men": "adult", "Women": "adult", "Boys": "kids", "Girls": "kids"}


def is_foreign(product: Product) -> bool:
    return product.source == FOREIGN


def label(product: Product, name: str) -> str | None:
    """The stated value, several joined by ', '; the age group also where the gender says it."""
    attributes = product.attributes or {}
    value = attributes.get(name)
    if value is None and name == "age group":
        return _AGE_GROUPS.get(str(attributes.get("gender")))
    return value if value is None or isinstance(value, str) else ", ".join(value)


def answer_for(product: Product, asked: AskedAttribute, listing: Listing, rng: random.Random) -> str | None:
    """What to train as the value of an attribute; `CANNOT_TELL` where nobody could tell; None where we don't know, or
    where the schema in use doesn't have the value.
    """
    if is_foreign(product):
        return CANNOT_TELL
    if not product.category and not product.attributes:
        return None
    answer = _answer(product, asked.name, listing, rng)
    return answer if answer is None or answer == CANNOT_TELL or is_valid(answer, asked.choices) else None


def _answer(product: Product, name: str, listing: Listing, rng: random.Random) -> str | None:
    value = label(product, name)
    if name == "year":
        return value if value is not None and rng.random() < YEAR_SHARE else CANNOT_TELL
    if name == "brand":
        return _brand(product, value, listing)
    if value is not None:
        return value
    return CANNOT_TELL if not listing.described and is_untellable(product, name) else None


def _brand(product: Product, value: str | None, listing: Listing) -> str | None:
    if value is not None:
        return value if value.lower() in (listing.text or "").lower() else CANNOT_TELL
    return CANNOT_TELL if listing.text is None and is_untellable(product, "brand") else None


def is_untellable(product: Product, name: str) -> bool:
    """Whether an attribute that the product doesn't state is one that can't be told of its kind."""
    return name in words().hidden or name in words().lacking.get(product.source or "", ())


def draw_untellable(product: Product, rng: random.Random) -> str:
    """The name of an attribute that can't be told of this product."""
    lacking = words().lacking.get(product.source or "", [])
    names = lacking if lacking and rng.random() < 0.4 else words().hidden
    name = rng.choice(names)
    return name if label(product, name) is None and name != "brand" else rng.choice(words().hidden)


def thin_refusals(pairs: Sequence[tuple[Question, str]], rng: random.Random) -> list[tuple[Question, str]]:
    """All questions that have an answer and one of those that have none, shuffled: a model that mostly hears that it
    can't tell stops looking.
    """
    told = [pair for pair in pairs if pair[1] != CANNOT_TELL]
    refused = [pair for pair in pairs if pair[1] == CANNOT_TELL]
    kept = [*told, rng.choice(refused)] if refused else told
    rng.shuffle(kept)
    return kept


def asked_attributes(product: Product, context: TaskContext) -> tuple[AskedAttribute, ...]:
    """The schema in use; the product's own attributes where there is none."""
    if context.attributes:
        return context.attributes
    names = [*(product.attributes or {})]
    return tuple(AskedAttribute(name) for name in [*names, *([] if "year" in names else ["year"])])


def plain_phrase(product: Product) -> str | None:
    """A few words for a product without a title: 'Blue Tshirts', 'Golden Delicious apple'."""
    if not product.category:
        return None
    leaf = product.category[-1]
    phrase = leaf
    if len(product.category) > 2 and product.category[0] in words().sorted_kinds:
        parent = product.category[-2].replace("-", " ").lower()
        if parent not in leaf.lower():
            phrase = f"{leaf} {parent}"
    colour = label(product, "colour")
    if colour and colour.lower() not in phrase.lower():
        phrase = f"{colour} {phrase}"
    return f"{phrase} for kids" if label(product, "age group") == "kids" else phrase
