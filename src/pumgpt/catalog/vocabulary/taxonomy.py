"""A shop's categories: which paths there are, and which of them a text means.

`taxonomies.load_taxonomy` reads them from the releases' own files or from one's own list:

    categories.txt (Shopify)    gid://shopify/TaxonomyCategory/ap-1 : Animals & Pet Supplies > Live Animals
    taxonomy.txt (Google)       Animals & Pet Supplies > Live Animals
    the same with ids           3237 - Animals & Pet Supplies > Live Animals
    taxonomy.yaml               - Animals & Pet Supplies > Live Animals
                                - {path: Animals & Pet Supplies > Pet Food, id: "3367"}
    taxonomy.csv                a column of paths, of each level or of parents, and ids: see `taxonomy_tables`
    categories.json (Shopify), or the folder of a release: see `shopify_release`

Each may be packed (`categories.en.txt.gz`). Lines that start with `#` are comments. `docs/examples/taxonomy.yaml` is a whole one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from rapidfuzz import fuzz, process, utils

from pumgpt.errors import SchemaError

CategoryPath = tuple[str, ...]
_Key = TypeVar("_Key")

SEPARATOR = " > "
_NUMBER = re.compile(r"(\d+)(?:\.0+)?(?:\s+-\s(.*))?")
"""A number as a table of text, a data frame or a feed writes it."""
_LEAST_LIKENESS = 60.0
"""Of 100. Names less alike than this have little in common."""


@dataclass(frozen=True)
class Taxonomy:
    """All valid category paths, root to leaf, in the order of the file. `ids` has one entry for each path."""

    paths: tuple[CategoryPath, ...]
    ids: tuple[str | None, ...] = field(repr=False)
    warnings: tuple[str, ...] = field(default=(), compare=False)
    """What had to be left out of the file, and why, one line each."""
    version: str | None = field(default=None, compare=False)
    """The release, as the file says it: '2026-08', '0.17.0'."""
    aliases: Mapping[str, CategoryPath] = field(default_factory=dict, repr=False, hash=False)
    """Further ids of a path."""

    def __post_init__(self) -> None:
        if not self.paths:
            raise SchemaError("a taxonomy needs at least one category")
        if len(self.ids) != len(self.paths):
            raise SchemaError(f"{len(self.paths)} category paths have {len(self.ids)} ids; give each one, or None")

    @classmethod
    def of(cls, paths: Iterable[CategoryPath]) -> Taxonomy:
        """A taxonomy without ids; a path that comes again counts once."""
        distinct = tuple(dict.fromkeys(paths))
        return cls(distinct, (None,) * len(distinct))

    def id_of(self, path: CategoryPath) -> str | None:
        """The id that the file gives this path; None where it gives none, or has no such path."""
        return self._id_of_path.get(path)

    def find(self, text: str) -> CategoryPath | None:
        """The path that a text means: an id, a whole path, or a last level that only one path has.

        Upper and lower case and the blanks around '>' don't matter. None where nothing fits, or more than one: `search`
        says what comes near.
        """
        by_id = self.find_id(text)
        if by_id is not None:
            return by_id
        levels = split_path(text)
        return self.find_path(levels) or (self._by_leaf.get(levels[0].casefold()) if len(levels) == 1 else None)

    def find_path(self, levels: CategoryPath) -> CategoryPath | None:
        """The path of these levels, whatever their case."""
        return levels if levels in self._id_of_path else self._by_folded_path.get(_fold(levels))

    def find_id(self, text: str) -> CategoryPath | None:
        """The path of an id, however a shop writes it: '212', '212.0', '212 - A > B', 'aa-1-2', or a gid of any release."""
        text = text.strip()
        number = _NUMBER.fullmatch(text)
        if number is None:
            found = self._path_of_id.get(text)
            is_code = text.startswith("gid:") or "/" not in text
            return self._path_of_code.get(code_of(text)) if found is None and is_code else found
        found = self._path_of_id.get(text) or self._path_of_id.get(number[1])
        name = number[2]
        # '501 - Jeans' may be a name of the shop's own; 'A > B' behind a number is no name.
        if found is None or name is None or ">" in name or name.strip().casefold() == found[-1].casefold():
            return found
        return None

    def search(self, text: str, limit: int = 5) -> list[tuple[CategoryPath, float]]:
        """The paths that a text is most like, each with its likeness in 0..1, best first and shorter ones before longer.

        The last level counts most; levels above it count where the text has some.
        """
        *above, last = map(utils.default_process, split_path(text))
        leaves, parents = self._searched
        likeness = process.cdist([last], leaves, scorer=fuzz.WRatio)[0]
        if above:
            likeness = 0.6 * likeness + 0.4 * process.cdist([" ".join(above)], parents, scorer=fuzz.token_set_ratio)[0]
        # Of equally like names the shorter path is the more general category.
        order = sorted(range(len(self.paths)), key=lambda place: (-likeness[place], len(self.paths[place])))
        near = [place for place in order[:limit] if likeness[place] >= _LEAST_LIKENESS]
        return [(self.paths[place], round(float(likeness[place]) / 100, 4)) for place in near]

    @cached_property
    def _searched(self) -> tuple[list[str], list[str]]:
        """The last levels, and what stands above them."""
        leaves = [utils.default_process(path[-1]) for path in self.paths]
        return leaves, [utils.default_process(" ".join(path[:-1])) for path in self.paths]

    @cached_property
    def _id_of_path(self) -> dict[CategoryPath, str | None]:
        return dict(zip(self.paths, self.ids, strict=True))

    @cached_property
    def _path_of_id(self) -> dict[str, CategoryPath]:
        own = {id_: path for path, id_ in zip(self.paths, self.ids, strict=True) if id_ is not None}
        return {**self.aliases, **own}

    @cached_property
    def _path_of_code(self) -> dict[str, CategoryPath]:
        return {code_of(id_): path for id_, path in self._path_of_id.items()}

    @cached_property
    def _by_folded_path(self) -> dict[CategoryPath, CategoryPath | None]:
        return _unless_ambiguous((_fold(path), path) for path in self.paths)

    @cached_property
    def _by_leaf(self) -> dict[str, CategoryPath | None]:
        return _unless_ambiguous((path[-1].casefold(), path) for path in self.paths)


def split_path(text: str) -> CategoryPath:
    """'A > B > C' as its levels; an empty level stays."""
    return tuple(level.strip() for level in text.split(">"))


def code_of(id_: str) -> str:
    """'gid://shopify/TaxonomyCategory/aa-1' -> 'aa-1': what the ids of all releases have in common."""
    return id_.rpartition("/")[2]


def _fold(path: CategoryPath) -> CategoryPath:
    # An accent may be a letter of its own in one file and a part of its letter in another.
    return tuple(unicodedata.normalize("NFKC", level).casefold() for level in path)


def _unless_ambiguous(pairs: Iterable[tuple[_Key, CategoryPath]]) -> dict[_Key, CategoryPath | None]:
    found: dict[_Key, CategoryPath | None] = {}
    for key, path in pairs:
        found[key] = None if key in found else path  # None stays: a third path doesn't make it clear again
    return found
