"""What a free question may ask for, and the words for it (`intents.yaml`); `intent_parser.py` recognises them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

from pumgpt.catalog.vocabulary.attribute_names import fold_attribute

IntentKind = Literal["attribute", "yes or no", "choice", "print", "count", "unseen", "open"]
"""An attribute's value (the category is one too), whether it is a given one, which of several it is, what is printed on the
product, a number of things, what no photo shows, or anything else."""
CATEGORY = "category"


@dataclass(frozen=True, slots=True)
class Intent:
    """What one question asks for."""

    text: str
    """The question as the user wrote it."""
    kind: IntentKind
    attribute: str | None = None
    """Of which attribute, by the name that records use; 'category' for what the product is; what is `unseen`, by its name."""
    sides: tuple[str, ...] = ()
    """The values that the question names, as it writes them."""
    subject: str | None = None
    """What the question calls the product: 'What colour is the belt?' takes for granted that it is a belt."""


class People(BaseModel):
    """`words`: what these people are called. `suits`: a product that is for one of these is for them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    words: list[str]
    suits: list[str]


class Intents(BaseModel):
    """`intents.yaml`, checked; what each list is for stands there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int
    fillers: list[str]
    slots: dict[str, str]
    products: list[str]
    attributes: dict[str, list[str]]
    by_name: list[str]
    by_words: dict[str, list[str]]
    print: list[str]
    printed: dict[str, list[str]]
    yes_no: list[str]
    yes_no_of: dict[str, list[str]]
    choice: list[str]
    count: list[str]
    unseen: dict[str, list[str]]
    told: list[str]
    people: dict[str, People]
    values: dict[str, dict[str, list[str]]]
    usual: dict[str, list[str]]
    colours: dict[str, str]


@cache
def intents() -> Intents:
    """The patterns that ship with the package."""
    text = resources.files("pumgpt.tasks").joinpath("intents.yaml").read_text(encoding="utf-8")
    return Intents.model_validate(yaml.safe_load(text))


def attribute_called(name: str) -> str:
    """The name that records use for an attribute: 'Colours' and 'Farbe' are 'colour'; any other name folded."""
    folded = fold_attribute(name)
    return next((known for known, pattern in _attribute_patterns() if pattern.fullmatch(folded)), folded)


@cache
def _attribute_patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((name, re.compile("|".join(patterns))) for name, patterns in intents().attributes.items())
