"""Which of a shop's attributes a model knows, and which of its values the model's values are, by what they are called.

'Farbe' is the model's colour, and its 'Navy Blue' is a shop's "Navy", else its "Blue". An attribute of which the model knows
neither the name nor a single value isn't asked of it: it would answer with something else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pumgpt.catalog.vocabulary.matching.names import normal_form, split_parts
from pumgpt.catalog.vocabulary.matching.thesaurus import Thesaurus, thesaurus
from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
from pumgpt.catalog.vocabulary.values import wordings


@dataclass(frozen=True)
class AttributeMatch:
    """An attribute of the shop, and the model's that it is.

    `values`: the model's value -> the shop's; None where the shop has none for it. Empty where the shop's attribute is open:
    the model's words are taken as they are.
    """

    shop: str
    own: str
    values: Mapping[str, str | None] = field(default_factory=dict, hash=False)

    def shop_value(self, value: str) -> str | None:
        return self.values.get(value) if self.values else value

    def own_values(self, value: str) -> list[str]:
        """The model's values that a value of the shop's stands for."""
        if not self.values:
            return [value]
        return [
            own for own, shop in self.values.items() if shop is not None and normal_form(shop) == normal_form(value)
        ]


@dataclass(frozen=True)
class AttributeMatches:
    """A shop's attributes: those that the model knows, and those that it never learnt."""

    matches: tuple[AttributeMatch, ...]
    unmatched: tuple[AttributeSpec, ...]


def match_attributes(own: AttributeSchema, shop: AttributeSchema) -> AttributeMatches:
    """Match a model's `own` attributes with those of a `shop`."""
    matches: list[AttributeMatch] = []
    unmatched: list[AttributeSpec] = []
    for spec in shop.attributes:
        match = _match(own, spec, thesaurus())
        if match is None:
            unmatched.append(spec)
        else:
            matches.append(match)
    return AttributeMatches(tuple(matches), tuple(unmatched))


def _match(own: AttributeSchema, spec: AttributeSpec, words: Thesaurus) -> AttributeMatch | None:
    names = {normal_form(spec.name), *map(normal_form, spec.names.values())}
    known = [one for one in own.attributes if normal_form(one.name) in names]
    known = known or [one for one in own.attributes if words.attribute_names(one.name) & names]
    if not known:
        return None
    found = known[0]
    if spec.values is None or found.values is None:
        return AttributeMatch(spec.name, found.name)
    index = _by_name(spec, words)
    values = {value: _first(index, _value_names(found, value, words)) for value in found.values}
    return AttributeMatch(spec.name, found.name, values) if any(values.values()) else None


def _by_name(spec: AttributeSpec, words: Thesaurus) -> dict[str, str]:
    """The shop's values by everything that means them. What a value is called goes before what it lists ("Grey/Silver")."""
    index: dict[str, str] = {}
    for value in spec.values or ():
        for wording in wordings(value, spec):
            index.setdefault(normal_form(wording), value)
    for value in spec.values or ():
        said = words.read(value)
        for whom in said.people if not said.parts else ():
            index.setdefault(normal_form(whom), value)
        parts = split_parts(value)
        for part in parts if len(parts) > 1 else ():
            index.setdefault(normal_form(part), value)
    return index


def _value_names(spec: AttributeSpec, value: str, words: Thesaurus) -> Iterator[str]:
    """The names of a model's value, those that fit best first."""
    yield from words.value_names(spec.name, value)
    yield from words.people_names(value)


def _first(index: Mapping[str, str], names: Iterator[str]) -> str | None:
    return next((index[name] for name in names if name in index), None)
