"""What changes when a taxonomy is renewed: where each of its categories went, which ones are new, and which attributes of a
category came and went.

Categories are followed by the mappings that the releases ship, else by their ids, else by their paths.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple, get_args

from pumgpt.catalog.vocabulary.release_mappings import Category, ReleaseMappings
from pumgpt.catalog.vocabulary.shopify_release import ShopifyRelease
from pumgpt.catalog.vocabulary.taxonomy import CategoryPath, Taxonomy, code_of

ChangeKind = Literal["same", "renumbered", "renamed", "moved", "follows", "merged", "split", "gone"]
"""`renumbered`: another id. `renamed`: another name in the same place. `moved`: below another category. `follows`: as it was,
below a category that was renamed or moved. `merged`: several became one. `split`: one became several. `gone`: nothing became
of it that is known.
"""
_LEAST_ALIKE = 0.8
"""Numbers mean the same in two taxonomies where so many of them stand equally deep in both."""


class AttributeChange(NamedTuple):
    """The names of the attributes that a category has now and hadn't before, and the other way round."""

    came: tuple[str, ...]
    gone: tuple[str, ...]


_NO_ATTRIBUTES = AttributeChange((), ())


@dataclass(frozen=True, slots=True)
class CategoryChange:
    """What became of one category. `paths` and `ids` are those of its counterparts: one, several of a split, none."""

    kind: ChangeKind
    path: CategoryPath
    id: str | None
    paths: tuple[CategoryPath, ...] = ()
    ids: tuple[str | None, ...] = ()
    attributes: AttributeChange = _NO_ATTRIBUTES

    @property
    def target(self) -> CategoryPath | None:
        """The one counterpart; None where there is none, or no telling which."""
        return self.paths[0] if len(self.paths) == 1 else None


@dataclass(frozen=True)
class TaxonomyDiff:
    """The categories of `old` in their order, and those of `new` that nothing became."""

    old: Taxonomy
    new: Taxonomy
    changes: tuple[CategoryChange, ...] = field(repr=False)
    added: tuple[CategoryPath, ...] = field(repr=False)

    @classmethod
    def between(cls, old: ShopifyRelease, new: ShopifyRelease, mappings: ReleaseMappings | None = None) -> TaxonomyDiff:
        """Compare two taxonomies; attributes where both bring some."""
        found = _Counterparts(old.taxonomy, new.taxonomy, mappings)
        counts = Counter(path for paths in found.paths.values() for path in paths)
        changes = []
        for path, id_ in zip(old.taxonomy.paths, old.taxonomy.ids, strict=True):
            paths = found.paths[path]
            kind = found.kind(path, is_shared=any(counts[new_path] > 1 for new_path in paths))
            ids = tuple(new.taxonomy.id_of(new_path) for new_path in paths)
            attributes = _changed_attributes(old, new, path, paths)
            changes.append(CategoryChange(kind, path, id_, paths, ids, attributes))
        added = tuple(path for path in new.taxonomy.paths if path not in counts)
        return cls(old.taxonomy, new.taxonomy, tuple(changes), added)

    def find(self, text: str) -> CategoryChange | None:
        """What became of the category that a text means (see `Taxonomy.find`); None where `old` hasn't it."""
        path = self.old.find(text)
        return None if path is None else self._by_path[path]

    def of_path(self, path: CategoryPath) -> CategoryChange | None:
        """What became of a category of `old`."""
        return self._by_path.get(path)

    def suggest(self, change: CategoryChange, limit: int = 3) -> list[CategoryPath]:
        """Where a category that can't be carried may belong: its counterparts, or what is alike and what its parent became."""
        if change.paths:
            return list(change.paths[:limit])
        alike = [path for path, _ in self.new.search(" > ".join(change.path), limit)]
        parents = (self._by_path.get(change.path[:depth]) for depth in range(len(change.path) - 1, 0, -1))
        parent = next((parent.target for parent in parents if parent is not None and parent.target is not None), None)
        return list(dict.fromkeys([*alike[: limit - 1], *([parent] if parent else []), *alike]))[:limit]

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many categories there are of each kind of change, and of `new` ones."""
        kinds = Counter(change.kind for change in self.changes)
        return {**{kind: kinds[kind] for kind in get_args(ChangeKind)}, "new": len(self.added)}

    @cached_property
    def _by_path(self) -> dict[CategoryPath, CategoryChange]:
        return {change.path: change for change in self.changes}


class _Counterparts:
    """The paths in a new taxonomy that each path of an old one became."""

    def __init__(self, old: Taxonomy, new: Taxonomy, mappings: ReleaseMappings | None) -> None:
        self._old, self._new, self._mappings = old, new, mappings
        self._has_same_ids = _have_same_ids(old, new)
        self.paths = {path: self._find(path, id_) for path, id_ in zip(old.paths, old.ids, strict=True)}

    def kind(self, path: CategoryPath, is_shared: bool) -> ChangeKind:
        paths = self.paths[path]
        if len(paths) != 1:
            return "split" if paths else "gone"
        target = paths[0]
        if target == path:
            before, after = self._old.id_of(path), self._new.id_of(path)
            return "same" if before is None or after is None or code_of(before) == code_of(after) else "renumbered"
        if is_shared:
            return "merged"
        # A parent that the old taxonomy doesn't list is taken to stay where it was.
        parent = self.paths.get(path[:-1], (path[:-1],))
        if parent != (target[:-1],):
            return "moved"
        return "follows" if target[-1] == path[-1] else "renamed"

    def _find(self, path: CategoryPath, id_: str | None) -> tuple[CategoryPath, ...]:
        code = None if id_ is None else code_of(id_)
        # A mapping may tell of a release that is later than both; what is as it was has not moved yet.
        if code is not None and self._has_same_ids and self._new.find_id(code) == path:
            return (path,)
        mapped = None
        if self._mappings is not None:
            mapped = self._mappings.follow(Category(code, path), self._old.version, self._new.version)
        if mapped is not None:
            found = tuple(dict.fromkeys(filter(None, map(self._settle, mapped))))
            # A mapping may be older than the new taxonomy; its id or its path may still tell.
            if found or not mapped:
                return found
        own = self._settle(Category(code, path))
        return () if own is None else (own,)

    def _settle(self, category: Category) -> CategoryPath | None:
        """The path that the new taxonomy has for a category, by id, else by name."""
        by_id = self._new.find_id(category.code) if category.code is not None and self._has_same_ids else None
        if by_id is not None or category.path is None:
            return by_id
        return self._new.find_path(category.path)


def _have_same_ids(old: Taxonomy, new: Taxonomy) -> bool:
    """Whether an id means the same in both. Numbers may not: Google's 212 is a shirt, Meta's a camera."""
    pairs = [
        (path, other)
        for path, id_ in zip(old.paths, old.ids, strict=True)
        if id_ is not None and id_.isdecimal() and (other := new.find_id(id_)) is not None
    ]
    return not pairs or sum(len(one) == len(other) for one, other in pairs) >= _LEAST_ALIKE * len(pairs)


def _changed_attributes(
    old: ShopifyRelease, new: ShopifyRelease, path: CategoryPath, paths: Iterable[CategoryPath]
) -> AttributeChange:
    """What the one counterpart of a category brings otherwise; nothing where either release has no attributes."""
    targets = list(paths)
    if len(targets) != 1 or not (old.keys and new.keys):
        return _NO_ATTRIBUTES
    before, after = old.attributes_of(path), new.attributes_of(targets[0])
    return AttributeChange(tuple(_without(after, before)), tuple(_without(before, after)))


def _without(names: dict[str, str], others: dict[str, str]) -> Iterator[str]:
    return (name for key, name in names.items() if key not in others)
