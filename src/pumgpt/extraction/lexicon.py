"""What the values of common attributes are called in titles and descriptions (`lexicon.yaml`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict

from pumgpt.catalog.vocabulary.attribute_names import fold_attribute
from pumgpt.catalog.vocabulary.words import key, words

# The C parser reads the file ten times faster.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ENDINGS = {"german": ("e", "er", "es", "en", "em"), "romance": ("e", "es", "s", "as", "os", "a")}


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    names: list[str]
    inflected: bool = False
    heads: list[str]
    values: dict[str, list[str]]


class _LexiconFile(BaseModel):
    """`lexicon.yaml`, checked; what each list is for stands there."""

    model_config = ConfigDict(extra="forbid")

    version: int
    attributes: list[_Entry]
    needs_head: list[str]


@dataclass(frozen=True, eq=False)
class KnownAttribute:
    """`heads` are in the form of `words`; `values` maps a value to other words for it."""

    names: tuple[str, ...]
    heads: frozenset[str]
    values: Mapping[str, Sequence[str]]

    def phrases(self) -> Iterator[tuple[str, str]]:
        """Every wording with its value, the values themselves first."""
        yield from ((value, value) for value in self.values)
        yield from ((word, value) for value, written in self.values.items() for word in written)

    def wordings(self, value: str) -> Iterator[str]:
        """What else a value is called, also where that is how the lexicon itself calls it."""
        wanted = key(value)
        for own, written in self.values.items():
            if wanted in map(key, (own, *written)):
                yield from (own, *written)


@dataclass(frozen=True)
class Lexicon:
    """`needs_head`: keys of values that count only beside a head of their attribute, or its name."""

    needs_head: frozenset[str]
    _known: Mapping[str, KnownAttribute]

    def attribute(self, name: str) -> KnownAttribute | None:
        """By its whole name, else by the end of it: "frame material" is a material."""
        parts = fold_attribute(name).split()
        return next((self._known[end] for end in _endings(parts) if end in self._known), None)


@cache
def lexicon() -> Lexicon:
    """The one that ships with the package."""
    text = files("pumgpt.extraction").joinpath("lexicon.yaml").read_text(encoding="utf-8")
    content = _LexiconFile.model_validate(yaml.load(text, Loader=_LOADER))
    known: dict[str, KnownAttribute] = {}
    for entry in content.attributes:
        heads = frozenset(word.form for head in entry.heads for word in words(head))
        values = {
            value: [*written, *(form for word in written for form in inflected(word))] if entry.inflected else written
            for value, written in entry.values.items()
        }
        attribute = KnownAttribute(tuple(map(fold_attribute, entry.names)), heads, values)
        known.update({fold_attribute(name): attribute for name in entry.names})
    return Lexicon(frozenset(map(key, content.needs_head)), known)


def inflected(word: str) -> Iterator[str]:
    """A word with the endings that adjectives take in German, French and Spanish: "schwarze", "noires", "negra"."""
    if re.fullmatch(r"[^\W\d_]{3,}", word) is None:
        return
    stem = word[:-1] if word.endswith("o") else word
    yield from (stem + ending for endings in _ENDINGS.values() for ending in endings)


def is_of_part(name: str, known: KnownAttribute) -> bool:
    """Whether an attribute is that of a part: a title that says "wood" may say it of another one."""
    return fold_attribute(name) not in known.names


def _endings(parts: Sequence[str]) -> Iterator[str]:
    return (" ".join(parts[place:]) for place in range(len(parts)))
