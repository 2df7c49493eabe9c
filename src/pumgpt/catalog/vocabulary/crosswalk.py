"""From the categories of one taxonomy to those of another: a reviewed list, or a mapping that a release ships.

CSV, one category a row; lines that start with '#' are comments:

    from,when,to,id
    Footwear > Shoes > Flats,,Apparel & Accessories > Shoes > Sandals,
    Footwear > Shoes > Flats,title=ballerina,Apparel & Accessories > Shoes > Flats,
    Free Items > Gifts,,,

`when` (an attribute's value, or words of the title) may be left out, and so may `id`; a row with it counts before the one
without. An empty `to` says that there is no counterpart. Or JSON, as Shopify's releases map their categories to Google's
(`dist/en/integrations/google/shopify_..._to_google_....json`).
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from pumgpt.catalog.product import AttributeValue
from pumgpt.catalog.vocabulary.attribute_names import find_attribute
from pumgpt.catalog.vocabulary.release_mappings import Category, shipped_mappings
from pumgpt.catalog.vocabulary.taxonomy import CategoryPath, Taxonomy, code_of, split_path
from pumgpt.catalog.vocabulary.text_files import ending_of, read_text
from pumgpt.errors import SchemaError, first_line

_BETWEEN_RELEASES = (files("pumgpt.catalog.vocabulary") / "maps" / "shopify_to_google.csv",)
"""From the categories of one public taxonomy to those of another."""
_LEAST_SHARE = 0.5
"""A map is taken where so much of it belongs to the two taxonomies."""


class Condition(NamedTuple):
    """What has to be so: `field` is an attribute, or 'title' for words of the title."""

    field: str
    value: str

    def holds(self, title: str | None, attributes: Mapping[str, AttributeValue]) -> bool:
        if self.field == "title":
            return self.value.casefold() in (title or "").casefold()
        found = find_attribute(attributes, self.field)
        values = [found] if isinstance(found, str) else found or []
        return self.value.casefold() in [value.casefold() for value in values]


@dataclass(frozen=True, slots=True)
class Counterpart:
    """One row: `path` is None where there is no counterpart."""

    path: CategoryPath | None
    id: str | None = None
    when: Condition | None = None


@dataclass(frozen=True)
class Crosswalk:
    """Category -> its counterparts, those with a condition first."""

    name: str
    counterparts: Mapping[CategoryPath, tuple[Counterpart, ...]]

    @classmethod
    def load(cls, path: Path) -> Crosswalk:
        """Read a map by its ending. Raises `SchemaError` that names the file and the place in it."""
        return cls.parse(path, read_text(path))

    @classmethod
    def parse(cls, path: Path, text: str) -> Crosswalk:
        rows = _read_release(path, text) if ending_of(path) == ".json" else _read_csv(path, text)
        found: dict[CategoryPath, list[Counterpart]] = {}
        for source, counterpart in rows:
            found.setdefault(source, []).append(counterpart)
        if not found:
            raise SchemaError(f"{path}: maps no category; write one a row under 'from,to'")
        return cls(path.name, {source: _conditions_first(path, source, rows) for source, rows in found.items()})

    def into(self, taxonomy: Taxonomy) -> Crosswalk:
        """The same, its targets as `taxonomy` has them (by id, else by path); what it lacks has no counterpart."""
        by_code = {code_of(id_): path for path, id_ in zip(taxonomy.paths, taxonomy.ids, strict=True) if id_}
        known = set(taxonomy.paths)

        def settle(target: Counterpart) -> Counterpart:
            # Paths are renamed from one release to the next; ids stay, but for those of categories that moved.
            codes = codes_in_all_releases(code_of(target.id)) if target.id else ()
            path = next((by_code[code] for code in codes if code in by_code), None)
            return replace(target, path=path or (target.path if target.path in known else None))

        return Crosswalk(self.name, {source: tuple(map(settle, rows)) for source, rows in self.counterparts.items()})

    def then(self, other: Crosswalk) -> Crosswalk:
        """First this map, then another; a category that the other doesn't name stands for itself."""

        def onward(target: Counterpart) -> Counterpart:
            # The last row is the one without a condition, where there is one: it holds for any product of the category.
            further = other.counterparts.get(target.path) if target.path else None
            return target if further is None else replace(further[-1], when=target.when)

        counterparts = {source: tuple(map(onward, rows)) for source, rows in self.counterparts.items()}
        return Crosswalk(f"{self.name}, {other.name}", counterparts)

    def joined(self, other: Crosswalk) -> Crosswalk:
        """This map, and another for the categories that this one doesn't name."""
        return Crosswalk(self.name, {**other.counterparts, **self.counterparts})

    def find(
        self, path: CategoryPath, title: str | None = None, attributes: Mapping[str, AttributeValue] | None = None
    ) -> CategoryPath | None:
        """The counterpart of a category, for a product of this title and these attributes."""
        rows = self.counterparts.get(path, ())
        return next((row.path for row in rows if row.when is None or row.when.holds(title, attributes or {})), None)

    @cached_property
    def share_with_counterpart(self) -> float:
        """How much of the categories have a counterpart, whatever the product."""
        return sum(any(row.path for row in rows) for rows in self.counterparts.values()) / len(self.counterparts)

    def covers(self, taxonomy: Taxonomy) -> float:
        """How much of a taxonomy this maps from."""
        return sum(path in self.counterparts for path in taxonomy.paths) / len(taxonomy.paths)


def choose_crosswalk(maps: Sequence[Path], own: Taxonomy, target: Taxonomy) -> Crosswalk | None:
    """The one of a model's `maps` that leads from its `own` categories to most of `target`; None where none leads there.

    A map to one public taxonomy also leads to those that it is mapped to. Raises `SchemaError` for a map that can't be read.
    """
    best: Crosswalk | None = None
    onward = [Crosswalk.parse(Path(file.name), file.read_text(encoding="utf-8")) for file in _BETWEEN_RELEASES]
    for direct in map(Crosswalk.load, maps):
        for chain in (direct, *(direct.then(further) for further in onward)):
            walk = chain.into(target)
            least = _LEAST_SHARE if best is None else best.share_with_counterpart
            # A model that was trained on, or remembers a shop's products, may have lost the categories of its map.
            if walk.covers(own) >= _LEAST_SHARE and walk.share_with_counterpart > least:
                best = walk
    return best


@lru_cache(maxsize=4096)
def codes_in_all_releases(code: str) -> tuple[str, ...]:
    """A code, what became of it in later releases, and what it was in earlier ones."""
    mappings = shipped_mappings()
    later = mappings.follow(Category(code)) or ()
    # Of a category that was split there is no telling which part is meant.
    return (code, *(target.code for target in later if target.code and len(later) == 1), *mappings.origins(code))


def _conditions_first(path: Path, source: CategoryPath, rows: Iterable[Counterpart]) -> tuple[Counterpart, ...]:
    ordered = sorted(rows, key=lambda row: row.when is None)
    if len({row.when for row in ordered}) < len(ordered):
        raise SchemaError(f"{path}: '{' > '.join(source)}' is mapped twice; keep one row, or say 'when' each holds")
    return tuple(ordered)


def _read_csv(path: Path, text: str) -> Iterator[tuple[CategoryPath, Counterpart]]:
    lines = [line for line in text.splitlines(keepends=True) if not line.startswith("#")]
    rows = csv.DictReader(lines, delimiter="\t" if path.suffix.lower() == ".tsv" else ",", strict=True)
    try:
        if not {"from", "to"} <= {*(rows.fieldnames or ())}:
            names = ", ".join(rows.fieldnames or ()) or "none"
            raise SchemaError(f"{path}: has no columns 'from' and 'to' (it has: {names}); name them so")
        for row in rows:
            source, target = split_path(row["from"] or ""), split_path(row["to"] or "")
            if not all(source) or not (all(target) or target == ("",)):
                raise SchemaError(f"{path}: '{row['from']}': a level of a path is empty; write it as A > B > C")
            yield source, Counterpart(target if all(target) else None, row.get("id") or None, _condition(path, row))
    except csv.Error as error:
        raise SchemaError(f"{path}: can't be read as CSV ({error}); mend it") from error


def _condition(path: Path, row: Mapping[str, str | None]) -> Condition | None:
    written = (row.get("when") or "").strip()
    if not written:
        return None
    match = re.fullmatch(r"([^=]+)=(.+)", written)
    if match is None:
        raise SchemaError(f"{path}: '{row['from']}': '{written}' is no condition; write 'gender=Women' or 'title=hood'")
    return Condition(match[1].strip(), match[2].strip())


class _MappedCategory(BaseModel):
    id: str | None = None
    full_name: str


class _Input(BaseModel):
    category: _MappedCategory


class _Output(BaseModel):
    category: list[_MappedCategory] = []


class _Rule(BaseModel):
    input: _Input
    output: _Output


class _Mapping(BaseModel):
    rules: list[_Rule]


class _ReleaseMappings(BaseModel):
    mappings: list[_Mapping]


def _read_release(path: Path, text: str) -> Iterator[tuple[CategoryPath, Counterpart]]:
    try:
        document: Any = json.loads(text)
        mappings = _ReleaseMappings.model_validate(document).mappings
    except (ValueError, RecursionError, ValidationError) as error:
        line = first_line(error)
        raise SchemaError(f"{path}: is no mapping of a Shopify release ({line}); see docs/catalogues.md") from error
    if len(mappings) != 1:
        raise SchemaError(f"{path}: holds {len(mappings)} mappings; give the file of the one that you mean")
    for rule in mappings[0].rules:
        target = next(iter(rule.output.category), None)
        counterpart = Counterpart(split_path(target.full_name), target.id) if target else Counterpart(None)
        yield split_path(rule.input.category.full_name), counterpart
