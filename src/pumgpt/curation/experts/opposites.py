"""Values that exclude each other, of attributes that everybody has: a product that its title calls yellow isn't green.

Two names of one colour ("navy", "blue") don't exclude each other. The words are in `opposites.yaml`, and colours in
`tasks/words.yaml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import resources

import yaml
from pydantic import BaseModel, ConfigDict

from pumgpt.catalog.vocabulary.attribute_names import fold_attribute
from pumgpt.catalog.vocabulary.words import unescaped
from pumgpt.catalog.vocabulary.words import words as split_words
from pumgpt.tasks.words import words as known_words

Kinds = Mapping[str, list[str]]
"""Kind of value -> the words that say it."""


class _Opposites(BaseModel):
    """`opposites.yaml`, checked; what each list is for stands there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int
    names: dict[str, list[str]]
    gender: dict[str, list[str]]
    material: dict[str, list[str]]
    pattern: dict[str, list[str]]
    together: list[list[str]]
    vague: list[str]
    ambiguous: list[str]

    @property
    def kinds(self) -> dict[str, Kinds]:
        """Attribute -> its kinds of values."""
        return {
            "colour": known_words().colours,
            "gender": self.gender,
            "material": self.material,
            "pattern": self.pattern,
        }


@cache
def _opposites() -> _Opposites:
    text = resources.files("pumgpt.curation.experts").joinpath("opposites.yaml").read_text(encoding="utf-8")
    return _Opposites.model_validate(yaml.safe_load(text))


@cache
def says_kind(form: str) -> bool:
    """Whether a word, in its comparable form, says a colour, a gender, a material or a pattern."""
    return form in _forms()


@lru_cache(maxsize=4096)
def forms_of(text: str) -> tuple[str, ...]:
    """The comparable forms of a text's words."""
    return tuple(word.form for word in split_words(unescaped(text)))


@cache
def _forms() -> frozenset[str]:
    kinds = _opposites().kinds.values()
    names = (name for of_attribute in kinds for words in of_attribute.values() for name in words)
    return frozenset(form for name in names for form in forms_of(name))


@cache
def opposites(name: str, value: str) -> tuple[str, ...]:
    """Words that contradict the value of this attribute where a title says them of it. Empty where we can't tell."""
    known = _opposites()
    folded = fold_attribute(name)
    attribute = next((attribute for attribute, names in known.names.items() if folded in names), None)
    if attribute is None:
        return ()
    kinds = known.kinds[attribute]
    own = _kinds_of(value, kinds)
    # 'Black/White' says two colours at once, and 'Teal Dream' none that we know.
    if len(own) != 1 or own & {*known.vague}:
        return ()
    compatible = own.union(*(group for group in known.together if own & {*group}), known.vague)
    others = (word for kind, words in kinds.items() if kind not in compatible for word in words)
    return tuple(word for word in others if attribute != "colour" or word not in known.ambiguous)


def _kinds_of(value: str, kinds: Kinds) -> set[str]:
    """The kinds that a value names: of words within each other the longest, 'navy blue' rather than 'blue'."""
    forms = forms_of(value)
    found: set[str] = set()
    place = 0
    names = {forms_of(name): kind for kind, words in kinds.items() for name in words}
    while place < len(forms):
        length = next((n for n in (3, 2, 1) if forms[place : place + n] in names), 0)
        if length:
            found.add(names[forms[place : place + length]])
        place += length or 1
    return found
