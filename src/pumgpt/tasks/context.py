"""What is asked for, apart from the product itself."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Choices
from pumgpt.tasks.listing import NO_LISTING, Listing, ListingMode
from pumgpt.tasks.sources import DataFacts, shipped_facts


@dataclass(frozen=True, slots=True)
class AskedAttribute:
    """An attribute of the schema in use: how it is called, its valid values, and how to ask for it."""

    name: str
    choices: Choices | None = None
    question: str | None = None
    """Replaces the template's canonical question."""


@dataclass(frozen=True, slots=True)
class TaskContext:
    """What is asked for. One context serves many products."""

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
    facts: DataFacts = field(default_factory=shipped_facts)
    """What is particular about the data that the products are labelled by."""

    def showing(self, product: Product, mode: ListingMode, rng: random.Random | None = None) -> TaskContext:
        """This context for one product, with its text rendered."""
        return replace(self, listing=Listing.of(product, mode, self.facts, rng))

    def attribute(self, name: str) -> AskedAttribute | None:
        return next((asked for asked in self.attributes if asked.name == name), None)
