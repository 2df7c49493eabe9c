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
_OF = re.compile(r"\s(?:de|d'|del|para|pour|per)\s", re.IGNORECASE)
_OF_THE_OTHERS = frozenset(
    ("accessory", "accessoire", "accesorio", "zubehor", "part", "supply", "equipment", "kit", "set", "other")
)
"""What these are is said by the names beside them: 'Costumes & Accessories'."""
_COMPOUNDING = ("damen", "herren", "kinder", "madchen", "jungen", "umstand")
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
    if len(parts) > 1 and _OF.search(parts[-1]):  # 'Bretelles et rallonges de soutien-gorge': of that, both
        return parts[-1:]
    shared: list[str] = []
    modifiers: list[str] = []
    for words in (part.split() for part in parts):
        if len(words) > 1:
            modifiers = words[:-1]
        elif len(parts) > 1 and normal_form(words[0]) in _OF_THE_OTHERS:
            continue
        shared.append(" ".join([*modifiers, *words] if len(words) == 1 else words))
    first, last = parts[0].split(), parts[-1].split()
    # A noun that stands for itself is a plural; 'Hand' belongs to what follows.
    stands_alone = len(first) > 1 or len(last) == 1 or not first[0].isascii() or first[0].endswith("s")
    return shared if stands_alone else shared[1:]


def read_name(text: str, people: Mapping[str, str]) -> Name:
    """`people`: normal form of a word -> whom it means. A name that says nothing but people has no parts."""
    parts: set[str] = set()
    said: set[str] = set()
    listed = split_parts(text)
    for part in _share_modifiers(listed) if listed else ():
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
