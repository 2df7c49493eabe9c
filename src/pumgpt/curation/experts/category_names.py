"""Which of the catalogue's categories a title names, and which of them says what the product is.

A category is named by its last level, each part of it ("Sandals & Floaters"), or another word for it ("tee"). In a title
the product is what is named last, before a preposition: a "leather watch strap for men" is a strap.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from pumgpt.catalog.vocabulary.words import join, singular, words
from pumgpt.extraction.mentions import Text
from pumgpt.tasks.words import words as known_words

CategoryPath = tuple[str, ...]

MAX_WORDS = 5
"""Words of a name that are looked for."""
_PARTS = re.compile(r"\s*(?:,|/|&|\+|\band\b|\bund\b|\bet\b|\by\b|\be\b)\s*", re.IGNORECASE)
_PREPOSITIONS = frozenset(
    ("for", "with", "without", "in", "from", "by", "of", "für", "mit", "pour", "avec", "para", "con")
)


class NamedCategory(NamedTuple):
    """A name in a text, and the categories that are called so. `is_head`: whether it says what the product is."""

    start: int
    end: int
    forms: tuple[str, ...]
    paths: frozenset[CategoryPath]
    is_head: bool


class CategoryNames:
    """The names of a catalogue's categories. Texts are searched for all of them at once."""

    def __init__(self) -> None:
        self._paths_of: dict[str, set[CategoryPath]] = {}
        self._known: set[CategoryPath] = set()

    def add(self, paths: Iterable[CategoryPath]) -> None:
        for path in paths:
            if path not in self._known:
                self._known.add(path)
                for forms in name_forms(path[-1]):
                    self._paths_of.setdefault(join([*forms]), set()).add(path)

    def find(self, text: Text) -> list[NamedCategory]:
        """The names in the order of the text; of names within each other the longest."""
        found = [*self._found(text)]
        longest = [
            one
            for one in found
            if not any(o.start <= one.start and one.end <= o.end and len(o.forms) > len(one.forms) for o in found)
        ]
        border = next((word.start for word in text.words[1:] if word.form in _PREPOSITIONS), len(text.text))
        last = max((one.end for one in longest if one.end <= border), default=None)
        return [one._replace(is_head=one.end == last) for one in longest]

    def _found(self, text: Text) -> Iterator[NamedCategory]:
        for first, word in enumerate(text.words):
            forms: list[str] = []
            # Joined, so that "T-shirt", "t shirt" and "tshirt" are one.
            for other in text.words[first : first + MAX_WORDS]:
                forms.append(other.form)
                paths = self._paths_of.get(join(forms))
                if paths is not None:
                    yield NamedCategory(word.start, other.end, tuple(forms), frozenset(paths), is_head=False)


@lru_cache(maxsize=4096)
def name_forms(level: str) -> frozenset[tuple[str, ...]]:
    """The ways to name a category by its last level, each as the forms of its words."""
    names = [level, *(part for part in _PARTS.split(level) if part)]
    found = {tuple(word.form for word in words(name)) for name in names}
    synonyms = known_words().synonyms
    for forms in [*found]:
        if forms:
            found |= {(*forms[:-1], singular(other)) for other in synonyms.get(forms[-1], ())}
            # "Tshirt" is one word in our list and two in many titles.
            found |= {(singular(other),) for other in synonyms.get(join([*forms]), ())}
    return frozenset(forms for forms in found if forms)
