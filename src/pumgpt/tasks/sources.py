"""What tasks know of the data that products are labelled by (`sources.yaml`): typed, and passed in by the context."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

from pumgpt.catalog.product import Product


class AttributeFacts(BaseModel):
    """What is particular about one attribute."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    shown: Literal["in photo", "in text", "never"] = "in photo"
    """Where its value can be seen, if a product states it."""
    answered_share: float = 0.0
    """Of one that is never shown: in which share of the training examples its label is the answer all the same."""
    always_asked: bool = False
    """Asked also of products that don't state it, where there is no schema."""
    implied_by: str | None = None
    implied: dict[str, str] = {}
    """Where the attribute isn't stated: the value of `implied_by` -> its own value."""


class SourceFacts(BaseModel):
    """What is particular about one source of products."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    describes_classes: bool = False
    """Its descriptions are of the class and never shown."""
    lacking: list[str] = []
    """Attributes that its products don't have, or don't show."""


class DataFacts(BaseModel):
    """`sources.yaml`, checked. Empty facts suit any catalogue."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = 1
    attributes: dict[str, AttributeFacts] = {}
    sources: dict[str, SourceFacts] = {}
    sorted_categories: list[str] = []
    worn_categories: list[str] = []
    phrase_endings: dict[str, dict[str, str]] = {}

    def attribute(self, name: str) -> AttributeFacts:
        return self.attributes.get(name, _PLAIN_ATTRIBUTE)

    def source(self, product: Product) -> SourceFacts:
        return self.sources.get(product.source or "", _PLAIN_SOURCE)


_PLAIN_ATTRIBUTE, _PLAIN_SOURCE = AttributeFacts(), SourceFacts()


@cache
def shipped_facts() -> DataFacts:
    """The facts of the data that the shipped checkpoints were trained on."""
    text = resources.files("pumgpt.tasks").joinpath("sources.yaml").read_text(encoding="utf-8")
    return DataFacts.model_validate(yaml.safe_load(text))
