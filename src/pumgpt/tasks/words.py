"""What tasks know about words (`words.yaml`): colours, people, and the questions that no photo answers."""

from __future__ import annotations

from functools import cache
from importlib import resources

import yaml
from pydantic import BaseModel, ConfigDict


class Words(BaseModel):
    """`words.yaml`, checked; what each list is for stands there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int
    colours: dict[str, list[str]]
    people: list[str]
    occasions: list[str]
    synonyms: dict[str, list[str]]
    hidden: list[str]


@cache
def words() -> Words:
    """The words that ship with the package."""
    text = resources.files("pumgpt.tasks").joinpath("words.yaml").read_text(encoding="utf-8")
    return Words.model_validate(yaml.safe_load(text))


@cache
def colour_family(colour: str) -> str | None:
    """'Navy Blue' -> 'blue'; None for a colour that we don't know."""
    families = {name: family for family, names in words().colours.items() for name in names}
    # The whole first ('off white'), then from the last word: English puts the colour itself there ('light blue').
    for word in [colour.lower(), *reversed(colour.lower().split())]:
        if word in families:
            return families[word]
    return None


def alike(first: str, second: str) -> bool:
    """Whether two values may both be called right: two names of one colour, or one that contains the other."""
    family = colour_family(first)
    if family is not None and family == colour_family(second):
        return True
    # 'Shirt' beside 'Shirts', 'Sports' beside 'Sports Shoes': either might be what the shop means.
    small = first.lower(), second.lower()
    return small[0] in small[1] or small[1] in small[0]
