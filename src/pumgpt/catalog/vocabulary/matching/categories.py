"""Which of a shop's categories the categories of a model belong in, by what they are called.

A model's category is looked for under its own name, its synonyms, and the names of the category of a public taxonomy that the
model's map leads to; then, level by level, under the names of what lies above. So T-shirts go to a shop's "T-Shirts", else to
its "Tops", else to its "Clothing". A shop's finer category ("Skinny jeans") has none of these names and gets nothing.
Where a name stands in several places, what it lies below decides; where that doesn't either, the category is not matched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import Literal, NamedTuple

from pumgpt.catalog.vocabulary.crosswalk import Condition, Counterpart, Crosswalk
from pumgpt.catalog.vocabulary.matching.thesaurus import GROUPS, Parts, Thesaurus, thesaurus
from pumgpt.catalog.vocabulary.schema import AttributeSchema
from pumgpt.catalog.vocabulary.taxonomy import CategoryPath, Taxonomy, code_of

MatchKind = Literal["path", "name", "synonym", "release", "broader", "none"]
"""How a category was found: the same path, the same name, another word for it, the name of its counterpart in a public
taxonomy, or something above it. `none`: not at all, or in several places.
"""
MATCHED = "names matched by meaning"
"""What a map is called that was made here."""


@dataclass(frozen=True, slots=True)
class CategoryMatch:
    """One of the model's categories and the shop's that its products belong in; `target` is None where there is none."""

    source: CategoryPath
    target: CategoryPath | None
    kind: MatchKind
    when: Condition | None = None
    candidates: tuple[CategoryPath, ...] = ()
    """Where `target` is None: places of the shop's that have the right name, but might mean something else."""


@dataclass(frozen=True)
class CategoryMatches:
    """All matches of a model's categories with those of a shop."""

    shop: Taxonomy
    matches: tuple[CategoryMatch, ...]

    @cached_property
    def told(self) -> dict[CategoryPath, list[CategoryMatch]]:
        """The shop's categories that something leads to, with what does."""
        found: dict[CategoryPath, list[CategoryMatch]] = {}
        for match in self.matches:
            if match.target is not None:
                found.setdefault(match.target, []).append(match)
        return found

    def crosswalk(self) -> Crosswalk:
        rows: dict[CategoryPath, list[Counterpart]] = {}
        for match in self.matches:
            id_ = self.shop.id_of(match.target) if match.target else None
            rows.setdefault(match.source, []).append(Counterpart(match.target, id_, match.when))
        # Conditions are tried in order, and what holds for any product comes last.
        return Crosswalk(
            MATCHED, {source: tuple(sorted(found, key=lambda row: row.when is None)) for source, found in rows.items()}
        )


class _Level(NamedTuple):
    """One rung of the climb: names that mean the same, and the category of a public taxonomy that has them."""

    kind: MatchKind
    names: tuple[Parts, ...]


class _Place(NamedTuple):
    """A category of the shop."""

    path: CategoryPath
    parts: Parts
    people: frozenset[str]


def match_categories(
    own: Taxonomy, shop: Taxonomy, maps: Sequence[Crosswalk] = (), schema: AttributeSchema | None = None
) -> CategoryMatches:
    """Match a model's `own` categories with those of a `shop`.

    `maps` lead from the model's categories to a public taxonomy. `schema` has the model's attributes: one that says whom a
    product is for tells "Women > Shoes" from "Men > Shoes".
    """
    places = _Places(shop, thesaurus())
    conditions = _people_conditions(schema, thesaurus())
    siblings: dict[CategoryPath, set[Parts]] = {}
    for path in own.paths:
        siblings.setdefault(path[:-1], set()).add(places.words.read(path[-1]).parts)
    matches: list[CategoryMatch] = []
    for source in own.paths:
        rows = [row for walk in maps for row in walk.counterparts.get(source, ())]
        # Last the row that holds for any product; a category without a map is looked for under its own names alone.
        if not rows or rows[-1].when is not None:
            rows.append(Counterpart(None))
        found: dict[Condition | None, CategoryMatch] = {}
        for row in rows:
            for match in _Climb(source, row, places, conditions, frozenset(siblings[source[:-1]])).matches():
                found.setdefault(match.when, match)
        matches.extend(_without_repeats(found.values()))
    return CategoryMatches(shop, tuple(matches))


def _without_repeats(matches: Iterable[CategoryMatch]) -> list[CategoryMatch]:
    """Without conditions that change nothing."""
    rows = list(matches)
    always = next((row.target for row in rows if row.when is None), None)
    return [row for row in rows if row.when is None or (row.target is not None and row.target != always)]


@dataclass(frozen=True)
class _Climb:
    """The search for one category of the model, by one row of its map."""

    source: CategoryPath
    row: Counterpart
    places: _Places
    conditions: Mapping[str, tuple[Condition, ...]]
    siblings: frozenset[Parts] = frozenset()
    """The names of the categories beside this one, and its own."""

    def matches(self) -> Iterator[CategoryMatch]:
        exact = self._exact()
        if exact is not None:
            yield CategoryMatch(self.source, exact, "path", self.row.when)
            return
        doubtful: list[CategoryPath] = []
        for kind, names in self.levels:
            for name in names:
                found = self.places.find(name, self.chain)
                chosen = self._by_people(found.fitting)
                if chosen:
                    yield from (CategoryMatch(self.source, path, kind, when) for when, path in chosen.items())
                    return
                doubtful.extend(place.path for place in (*found.fitting, *found.elsewhere))
                if found.fitting:  # several, and nothing says which: a broader one would hide that
                    yield self._unmatched(doubtful)
                    return
        yield self._unmatched(doubtful)

    def _unmatched(self, candidates: Iterable[CategoryPath]) -> CategoryMatch:
        return CategoryMatch(self.source, None, "none", self.row.when, tuple(dict.fromkeys(candidates)))

    def _exact(self) -> CategoryPath | None:
        shop = self.places.shop
        own = shop.find_path(self.source) if self.row.when is None and len(self.source) > 1 else None
        if own is None and self.row.id is not None:
            own = self.places.path_of_code.get(code_of(self.row.id))
        if own is None and self.row.path is not None and len(self.row.path) > 1:
            own = shop.find_path(self.row.path)
        return own

    @cached_property
    def levels(self) -> tuple[_Level, ...]:
        """From the category itself to what lies above it, in the model's tree and in the public one by turns."""
        words = self.places.words
        own = [
            _Level("name", (words.read(self.source[-1]).parts,)),
            _Level("synonym", tuple(words.category_names(words.read(self.source[-1]).parts))),
        ]
        target = self.row.path or ()
        public = [_Level("release", tuple(self._public_names(target)))] if target else []
        # A condition on the product leads to another category than the model's own name says.
        near = [*public, *own] if self.row.when else [*own, *public]
        above = zip_longest(
            (tuple(self._public_names(target[:depth])) for depth in range(len(target) - 1, 0, -1)),
            (tuple(self._names(level)) for level in reversed(self.source[:-1]) if not self._names_a_child(level)),
            fillvalue=(),
        )
        return (*near, *(_Level("broader", names) for pair in above for names in pair if names))

    def _names_a_child(self, level: str) -> bool:
        """Whether a level is called as a category below it: 'Dress' above 'Dresses' and 'Jumpsuit' is no broader one."""
        return self.places.words.read(level).parts in self.siblings

    @cached_property
    def chain(self) -> frozenset[str]:
        """Every word that the category, or something above it, goes by."""
        known = frozenset(part for level in self.levels for name in level.names for part in name)
        # Of a category without parents or a map, a public taxonomy of the same name says where such things are.
        return (
            known if self.row.path or len(self.source) > 1 else known | self.places.words.above(self.levels[0].names[0])
        )

    def _names(self, name: str) -> Iterator[Parts]:
        parts = self.places.words.read(name).parts
        yield parts
        yield from self.places.words.category_names(parts)

    def _public_names(self, path: CategoryPath) -> Iterator[Parts]:
        yield from self._names(path[-1])
        yield from self.places.words.release_names(path)

    def _by_people(self, places: Sequence[_Place]) -> dict[Condition | None, CategoryPath]:
        """The place for each condition; none where two claim the same one."""
        if len(places) == 1 and (not places[0].people or self.places.is_for_one_group):
            return {self.row.when: places[0].path}
        found: dict[Condition | None, set[CategoryPath]] = {}
        for place in places:
            wanted = [condition for whom in place.people for condition in self.conditions.get(whom, ())]
            if place.people and self.row.when is not None:
                continue  # a row of a map holds one condition
            for when in wanted if place.people else [self.row.when]:
                found.setdefault(when, set()).add(place.path)
        return {when: next(iter(paths)) for when, paths in found.items() if len(paths) == 1}


class _Found(NamedTuple):
    """Places of one name: those that may be meant, and those that lie where something else is."""

    fitting: tuple[_Place, ...]
    elsewhere: tuple[_Place, ...]


@dataclass(frozen=True)
class _Places:
    """The shop's categories by the parts of their names."""

    shop: Taxonomy
    words: Thesaurus
    _by_part: dict[str, list[_Place]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        language = self.words.language_of(path[-1] for path in self.shop.paths)
        for path in self.shop.paths:
            names = [self.words.read(level) for level in path]
            # "Women > Shoes" is for women, "Kids > Girls > Shoes" for girls.
            people = next((name.people for name in reversed(names) if name.people), frozenset())
            # The name of "Shoes > Women" is that of the level above.
            parts = next((name.parts for name in reversed(names) if name.parts), frozenset())
            parts = self.words.meaning(parts, language)
            for part in parts:
                self._by_part.setdefault(part, []).append(_Place(path, parts, people))

    @cached_property
    def path_of_code(self) -> Mapping[str, CategoryPath]:
        return {code_of(id_): path for path, id_ in zip(self.shop.paths, self.shop.ids, strict=True) if id_}

    @cached_property
    def is_for_one_group(self) -> bool:
        """Whether all categories that say whom they are for say the same: then there is nothing to choose."""
        groups = {place.people for places in self._by_part.values() for place in places if place.people}
        return len(groups) == 1

    def find(self, name: Parts, chain: frozenset[str]) -> _Found:
        """The places whose name is this one, or lists it among others. `chain`: what may stand above them."""
        part = next(iter(sorted(name)), None)
        listed = [place for place in self._by_part.get(part or "", ()) if name <= place.parts]
        weighed = [(self._fit(place, chain), place) for place in listed]
        fits = [(fit, place) for fit, place in weighed if fit is not None]
        best = max((fit for fit, _ in fits), default=0)
        return _Found(
            _most_general([place for fit, place in fits if fit == best]),
            tuple(place for fit, place in weighed if fit is None),
        )

    def _fit(self, place: _Place, chain: frozenset[str]) -> tuple[int, int] | None:
        """How well what stands above a place goes with a category; None where it is of another world ("Toys > Dresses")."""
        above = 0
        for level in place.path[:-1]:
            parts = self.words.read(level).parts
            if parts & chain:
                above += 1
            elif parts & self.words.domains:
                return None
        # Of "Hats" and "Hats & Caps" the first says less besides.
        return above, -len(place.parts)


def _most_general(places: Sequence[_Place]) -> tuple[_Place, ...]:
    """Without places that lie below another one of them ("Jeans > Jeans")."""
    paths = {place.path for place in places}
    return tuple(
        place for place in places if not any(place.path[:depth] in paths for depth in range(1, len(place.path)))
    )


def _people_conditions(schema: AttributeSchema | None, words: Thesaurus) -> dict[str, tuple[Condition, ...]]:
    """Whom a category is for -> what the model has to say of a product for it to belong there."""
    found: dict[str, list[Condition]] = {}
    for spec in schema.attributes if schema else ():
        said = {value: words.read(value).people for value in spec.values or ()}
        if sum(bool(people) for people in said.values()) < 2:
            continue
        for value, people in said.items():
            for whom in people:
                for group in (whom, *GROUPS.get(whom, ())):
                    found.setdefault(group, []).append(Condition(spec.name, value))
    return {whom: tuple(conditions) for whom, conditions in found.items()}


def load_maps(paths: Iterable[Path]) -> tuple[Crosswalk, ...]:
    """The maps that a model brings. Raises `SchemaError` for one that can't be read."""
    return tuple(map(Crosswalk.load, paths))
