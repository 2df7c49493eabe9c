"""What else things are called: everyday words of several languages (`synonyms.yaml`), and the names that the categories of
Shopify's taxonomy have in its translations (`release_names.csv`).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict

from pumgpt.catalog.vocabulary.matching.names import Name, normal_form, read_name, split_parts
from pumgpt.catalog.vocabulary.taxonomy import CategoryPath, split_path

_FOLDER = files("pumgpt.catalog.vocabulary.matching")
_UPPER_LEVELS = 2
"""The levels of a public taxonomy whose names say which part of the world of products a category belongs to."""

# The C parser reads the file ten times faster.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
GROUPS = {"Boys": ("Kids",), "Girls": ("Kids",), "Men": ("Adults",), "Women": ("Adults",)}
"""People -> whom else they are."""
_TAGGED = re.compile(r"([a-z]{2}):(.+)")
_ENGLISH = "en"

Parts = frozenset[str]


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid")

    same: list[str] = []
    broader: list[str] = []


class _Synonyms(BaseModel):
    """`synonyms.yaml`, checked; what each list is for stands there."""

    model_config = ConfigDict(extra="forbid")

    version: int
    categories: list[list[str]]
    people: dict[str, list[str]]
    attributes: list[list[str]]
    values: dict[str, dict[str, _Value]]


@dataclass(frozen=True)
class Thesaurus:
    """`people`: normal form of a word -> whom it means."""

    people: Mapping[str, str]
    _categories: Mapping[Parts, tuple[Parts, ...]]
    _false_friends: Mapping[str, Mapping[Parts, Parts]]
    """By language: names that mean another thing elsewhere -> a name that means the same everywhere."""
    _attributes: Mapping[str, frozenset[str]]
    _values: Mapping[str, Mapping[str, _Value]]
    _releases: Mapping[CategoryPath, Mapping[str, str]]
    """What a category of Shopify's is called, by language."""
    _read: dict[str, Name] = field(default_factory=dict, compare=False, repr=False)
    """A level of a large taxonomy stands in thousands of its paths."""

    def read(self, text: str) -> Name:
        """What a category's name says, and whom it is for."""
        if text not in self._read:
            self._read[text] = read_name(text, self.people)
        return self._read[text]

    def read_own(self, text: str) -> Parts:
        """The parts of a model's own name, which lists what it holds: 'Perfume and Body Mist', 'Baby Dolls'."""
        return frozenset(map(normal_form, split_parts(text)))

    def category_names(self, parts: Parts) -> Iterator[Parts]:
        """The names that mean the same as this one, in the order in which they fit; itself is not among them."""
        return (other for other in self._categories.get(parts, ()) if other != parts)

    def release_names(self, path: CategoryPath) -> Iterator[Parts]:
        """What a category of Shopify's is called in other languages, but for false friends: see `meaning`."""
        for language, name in self._releases.get(path, {}).items():
            parts = self.read(name).parts
            if parts not in self._false_friends.get(language, ()):
                yield parts

    def above(self, parts: Parts) -> frozenset[str]:
        """The parts of the names of what lies above the categories of this name in Shopify's taxonomy."""
        paths = (path for path in self._releases if self.read(path[-1]).parts == parts)
        return frozenset(part for path in paths for level in path[:-1] for part in self.read(level).parts)

    def meaning(self, parts: Parts, language: str) -> Parts:
        """The name that says unmistakably what a name says in a language: in French 'Robes' are 'Dresses'."""
        return self._false_friends.get(language, {}).get(parts, parts)

    def language_of(self, names: Iterable[str]) -> str:
        """The language that most of these categories are called in, of those that a release is translated into."""
        known = {self.read(name).parts for name in names}
        english = {self.read(path[-1]).parts for path in self._releases}
        found = {_ENGLISH: known & english}
        for language, names_in_it in self._names_by_language.items():
            found[language] = known & names_in_it
        # "Robes" alone is English; beside "Pantalons" it isn't, nor where each English name is one of the other language too.
        return max(found, key=lambda language: (len(found[language]), found[_ENGLISH] < found[language]))

    @cached_property
    def _names_by_language(self) -> dict[str, set[Parts]]:
        names: dict[str, set[Parts]] = {language: set(words) for language, words in self._false_friends.items()}
        for translations in self._releases.values():
            for language, name in translations.items():
                names.setdefault(language, set()).add(self.read(name).parts)
        return names

    @cached_property
    def domains(self) -> frozenset[str]:
        """The parts of the names of the upper levels of Shopify's taxonomy, in all languages."""
        upper = [path for path in self._releases if len(path) <= _UPPER_LEVELS]
        names = (parts for path in upper for parts in (self.read(path[-1]).parts, *self.release_names(path)))
        return frozenset(part for parts in names for part in parts)

    def attribute_names(self, name: str) -> frozenset[str]:
        """The normal forms under which an attribute goes, that of its own name among them."""
        form = normal_form(name)
        return self._attributes.get(form, frozenset((form,)))

    def value_names(self, attribute: str, value: str) -> Iterator[str]:
        """The normal forms under which a value goes: its own, its synonyms, then the broader ones it may be put under."""
        seen = {normal_form(value): None}
        for name, known in self._known_values(attribute).items():
            if normal_form(name) == normal_form(value):
                seen.update(dict.fromkeys(map(normal_form, known.same)))
                for broader in known.broader:
                    entry = self._known_values(attribute).get(broader, _Value())
                    seen.update(dict.fromkeys(map(normal_form, (broader, *entry.same))))
        return iter(seen)

    def _known_values(self, attribute: str) -> Mapping[str, _Value]:
        names = self.attribute_names(attribute)
        return next((values for known, values in self._values.items() if normal_form(known) in names), {})

    def people_names(self, value: str) -> Iterator[str]:
        """The words for the people that a value names, then those for a group that they belong to."""
        whom = self.people.get(normal_form(value))
        for group in (whom, *GROUPS.get(whom, ())) if whom else ():
            yield from (word for word, meant in self.people.items() if meant == group)


@cache
def thesaurus() -> Thesaurus:
    """The one that ships with the package."""
    text = _FOLDER.joinpath("synonyms.yaml").read_text(encoding="utf-8")
    known = _Synonyms.model_validate(yaml.load(text, Loader=_LOADER))
    people = {normal_form(word): whom for whom, words in known.people.items() for word in (whom, *words)}
    lines: list[list[Parts]] = []
    false_friends: dict[str, dict[Parts, Parts]] = {}
    for line in known.categories:
        names = [(_TAGGED.fullmatch(word), word) for word in line]
        lines.append([read_name(word, people).parts for tagged, word in names if tagged is None])
        for tagged, _ in names:
            if tagged is not None:
                false_friends.setdefault(tagged[1], {})[read_name(tagged[2], people).parts] = lines[-1][0]
    attributes = [frozenset(map(normal_form, line)) for line in known.attributes]
    return Thesaurus(
        people,
        _by_member(lines),
        false_friends,
        {form: line for line in attributes for form in line},
        known.values,
        dict(_read_releases()),
    )


def _by_member(lines: Iterable[Sequence[Parts]]) -> dict[Parts, tuple[Parts, ...]]:
    """Each name -> all names of its lines. A word that stands in two lines has the names of both."""
    found: dict[Parts, dict[Parts, None]] = {}
    for line in lines:
        for member in line:
            found.setdefault(member, {}).update(dict.fromkeys(line))
    return {member: tuple(others) for member, others in found.items()}


def _read_releases() -> Iterator[tuple[CategoryPath, dict[str, str]]]:
    text = _FOLDER.joinpath("release_names.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(line for line in text.splitlines() if not line.startswith("#")):
        path = split_path(row.pop("path"))
        yield path, {language: name for language, name in row.items() if name}
