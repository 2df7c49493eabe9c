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


class _NamedAs(NamedTuple):
    """A name of a model's category, and where it comes from."""

    kind: MatchKind
    parts: Parts


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
        siblings.setdefault(path[:-1], set()).add(places.words.read_own(path[-1]))
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
        for names in self.levels:
            found = self.places.find(names, self.chain)
            chosen = self._by_people(found.fitting)
            if chosen:
                for when, (kind, path) in chosen.items():
                    yield CategoryMatch(self.source, path, kind, when)
                return
            doubtful.extend(place.path for place in found.elsewhere)
            doubtful.extend(candidate.place.path for candidate in found.fitting)
            if found.fitting:  # several, and nothing says which: a broader one would hide that
                break
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
    def levels(self) -> tuple[tuple[_NamedAs, ...], ...]:
        """The names of the category itself, then, level by level, of what lies above it in the public tree and in the model's."""
        words, target = self.places.words, self.row.path or ()
        name = words.read_own(self.source[-1])
        own = [_NamedAs("name", name), *(_NamedAs("synonym", other) for other in words.category_names(name))]
        public = [_NamedAs("release", other) for other in self._public_names(target)] if target else []
        # A condition on the product leads to another category than the model's own name says.
        near = (*public, *own) if self.row.when else (*own, *public)
        above = zip_longest(
            (tuple(self._public_names(target[:depth])) for depth in range(len(target) - 1, 0, -1)),
            (tuple(self._own_names(level)) for level in reversed(self.source[:-1]) if not self._names_a_child(level)),
            fillvalue=(),
        )
        return (
            near,
            *(tuple(_NamedAs("broader", name) for name in names) for pair in above for names in pair if names),
        )

    def _names_a_child(self, level: str) -> bool:
        """Whether a level is called as a category below it: 'Dress' above 'Dresses' and 'Jumpsuit' is no broader one."""
        return self.places.words.read_own(level) in self.siblings

    @cached_property
    def chain(self) -> frozenset[str]:
        """Every word that the category, or something above it, goes by."""
        known = frozenset(part for level in self.levels for name in level for part in name.parts)
        # Of a category without parents or a map, a public taxonomy of the same name says where such things are.
        return (
            known if self.row.path or len(self.source) > 1 else known | self.places.words.above(self.levels[0][0].parts)
        )

    @cached_property
    def people(self) -> frozenset[str]:
        """Whom the category is for whatever the product: rompers are for babies."""
        levels = (*self.source, *(self.row.path or ()))
        return frozenset(whom for level in levels for whom in self.places.words.read(level).people)

    def _own_names(self, name: str) -> Iterator[Parts]:
        parts = self.places.words.read_own(name)
        yield parts
        yield from self.places.words.category_names(parts)

    def _public_names(self, path: CategoryPath) -> Iterator[Parts]:
        parts = self.places.words.read(path[-1]).parts
        yield parts
        yield from self.places.words.release_names(path)
        yield from self.places.words.category_names(parts)

    def _by_people(self, candidates: Sequence[_Candidate]) -> dict[Condition | None, tuple[MatchKind, CategoryPath]]:
        """The best place for each condition; none where two are equally good."""
        best: dict[Condition | None, list[_Candidate]] = {}
        for candidate in candidates:
            people = candidate.place.people
            if not people or people & self.people or self.places.is_for_one_group:
                conditions: tuple[Condition | None, ...] = (self.row.when,)
            elif self.row.when is not None:
                continue  # a row of a map holds one condition
            else:
                conditions = tuple(condition for whom in people for condition in self.conditions.get(whom, ()))
            for when in conditions:
                rivals = best.setdefault(when, [candidate])
                if candidate.rank < rivals[0].rank:
                    best[when] = [candidate]
                elif candidate.rank == rivals[0].rank and candidate not in rivals:
                    rivals.append(candidate)
        return {when: (found[0].kind, found[0].place.path) for when, found in best.items() if len(found) == 1}


class _Candidate(NamedTuple):
    """A place that may be meant. The lower its rank, the better."""

    rank: tuple[int, int, int, int]
    kind: MatchKind
    place: _Place


class _Found(NamedTuple):
    """Places of one name: those that may be meant, and those that lie where something else is."""

    fitting: tuple[_Candidate, ...]
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

    def find(self, names: Sequence[_NamedAs], chain: frozenset[str]) -> _Found:
        """The places that have one of these names, alone or among others. `chain`: what may stand above them."""
        fitting: list[_Candidate] = []
        elsewhere: list[_Place] = []
        for order, (kind, parts) in enumerate(names):
            part = next(iter(sorted(parts)), "")
            listed = [place for place in self._by_part.get(part, ()) if parts <= place.parts]
            for place in listed:
                above, unknown, is_elsewhere = self._surroundings(place, chain)
                if is_elsewhere:
                    elsewhere.append(place)
                else:
                    # Of "Hats" and "Hats & Caps" the first says less besides.
                    fitting.append(_Candidate((unknown, -above, len(place.parts), order), kind, place))
        general = set(_most_general([candidate.place for candidate in fitting]))
        fitting = [candidate for candidate in fitting if candidate.place in general]
        return _Found(tuple(fitting), tuple(dict.fromkeys(elsewhere)))

    def _surroundings(self, place: _Place, chain: frozenset[str]) -> tuple[int, int, bool]:
        """How many of the levels above a place a category is known to be in, how many say nothing, and whether one is of
        another world ("Toys > Dresses").
        """
        above = unknown = 0
        for level in place.path[:-1]:
            parts = self.words.read(level).parts
            if parts & chain:
                above += 1
            elif parts & self.words.domains:
                return above, unknown, True
            elif parts:
                unknown += 1
        return above, unknown, False


def _most_general(places: Sequence[_Place]) -> list[_Place]:
    """Without places that lie below another one of them ("Jeans > Jeans")."""
    paths = {place.path for place in places}
    return [place for place in places if not any(place.path[:depth] in paths for depth in range(1, len(place.path)))]


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
