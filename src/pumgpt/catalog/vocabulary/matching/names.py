"""Names as they are compared across vocabularies: what a name says, and whom it says it is for.

"Women's T-Shirts", "Tshirts (ladies)" and "T-shirts for women" are T-shirts for women; "Hats & Caps" is hats or caps.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from pumgpt.catalog.vocabulary.words import key, unescaped

_BETWEEN_PARTS = re.compile(r"\s*[&/,;+・、／]\s*|\s(?:and|or|und|oder|y|et|ou|och)\s", re.IGNORECASE)
_BEFORE_PEOPLE = re.compile(r"\b(?:for|für|para|pour|per|voor|de|da|di)\b", re.IGNORECASE)
_BRACKETS = re.compile(r"[()\[\]]")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_COMPOUNDING = ("damen", "herren", "kinder", "madchen", "jungen")
"""German writes them as one word with what follows; in English that would be another thing ('boyfriend jeans')."""
_SHORTEST_REST = 4
"""Letters of what follows: 'Kinderei' is nothing for children."""


class Name(NamedTuple):
    """What a category's name says: `parts` are the normal forms of what it lists, `people` whom it is for."""

    parts: frozenset[str]
    people: frozenset[str] = frozenset()


@lru_cache(maxsize=65536)
def normal_form(text: str) -> str:
    """The key under which two names are the same: without case, plural, hyphens, blanks and the accents of Latin letters."""
    # Marks of other scripts stay: in Japanese they make another letter.
    decomposed = unicodedata.normalize("NFD", unescaped(text).replace("ß", "ss"))
    plain = re.sub(r"(?<=[A-Za-z])[\u0300-\u036f]+", "", decomposed)
    return key(unicodedata.normalize("NFC", plain))


def split_parts(text: str) -> list[str]:
    """'Hats & Caps' as 'Hats' and 'Caps'."""
    return [part for part in _BETWEEN_PARTS.split(_BRACKETS.sub(" ", text)) if part.strip()]


def _share_modifiers(parts: list[str]) -> list[str]:
    """'Bicycle Shorts & Briefs' as 'Bicycle Shorts' and 'Bicycle Briefs', 'Hand & Body Lotion' as 'Body Lotion' alone."""
    words = [part.split() for part in parts]
    modifiers = words[0][:-1] if words else []
    shared = [
        " ".join([*modifiers, *part]) if len(part) == 1 and number else " ".join(part)
        for number, part in enumerate(words)
    ]
    # A noun that stands for itself is a plural; 'Hand' belongs to what follows.
    if (
        len(words) > 1
        and len(words[0]) == 1
        and len(words[-1]) > 1
        and words[0][0].isascii()
        and words[0][0][-1:] != "s"
    ):
        return shared[1:]
    return shared


def read_name(text: str, people: Mapping[str, str]) -> Name:
    """`people`: normal form of a word -> whom it means. A name that says nothing but people has no parts."""
    parts: set[str] = set()
    said: set[str] = set()
    for part in _share_modifiers(split_parts(text)):
        words = _WORD.findall(part)
        whom = {people[form] for form in map(normal_form, words) if form in people}
        if whom:
            rest = " ".join(word for word in words if normal_form(word) not in people)
            part = _BEFORE_PEOPLE.sub(" ", rest)
        form = normal_form(part)
        compound = next((word for word in _COMPOUNDING if form.startswith(word)), "")
        if compound in people and len(form) - len(compound) >= _SHORTEST_REST:
            whom, form = {people[compound]}, form.removeprefix(compound)
        said |= whom
        if form:
            parts.add(form)
    return Name(frozenset(parts), frozenset(said))
