"""Where the categories of a release went in later ones, as the releases themselves say.

    mappings/to_shopify.yml                      in the repository of Shopify's taxonomy, for each release that had moves
    shopify_2025-12_to_shopify_2026-08.json      what a release ships (also .txt; as asset integrations.….en.json.gz)
    integrations.all_mappings.en.json.gz         all of these in one; those to other taxonomies are passed over
    moves.csv                                    one's own: columns `from` and `to`, and `release` where there are several

or a folder with some of them. A category that several rows lead from was split; one that leads nowhere is gone.

A mapping from 2025-09 to 2026-08 says what moved after 2025-09 and before the next release that moved something; what moved
after 2025-12 is in the mapping from 2025-12 alone. So the mappings are followed one after the other, whatever their names say.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import BaseModel, ValidationError

from pumgpt.catalog.vocabulary.taxonomy import CategoryPath, code_of, split_path
from pumgpt.catalog.vocabulary.text_files import ending_of, read_text
from pumgpt.errors import SchemaError, first_line

_SHIPPED = files("pumgpt.catalog.vocabulary") / "maps" / "shopify_moves.csv"
_ENDINGS = (".json", ".yml", ".yaml", ".csv", ".txt")
"""Of mappings in a folder; the same mapping is often there in several forms, and the first of these is read."""
_FILE = re.compile(r"(?:.*[._])?(?:to_shopify|all_mappings|moves)(?:[._].*)?")
_RELEASES = re.compile(r"#.*\bmapping (\S+)/(\S+) to (\S+)/\S+\s*", re.IGNORECASE)


class Category(NamedTuple):
    """A category as a mapping names it. `code` is what the ids of all releases have in common ('aa-1-2')."""

    code: str | None
    path: CategoryPath | None = None


Targets = tuple[Category, ...]


@dataclass(frozen=True)
class ReleaseMapping:
    """What became of the categories of one release, by their codes and by their paths; of those that moved only."""

    release: str
    by_code: Mapping[str, Targets]
    by_path: Mapping[CategoryPath, Targets] = field(default_factory=dict)

    def find(self, category: Category) -> Targets | None:
        """Its counterparts; None where the mapping doesn't name it."""
        if category.code is not None and self.by_code:
            return self.by_code.get(category.code)
        return None if category.path is None else self.by_path.get(category.path)

    def applies_to(self, release: str | None, until: str | None = None) -> bool:
        """Whether what is mapped here moved between these two releases; an unknown one may be any."""
        if until is not None and self.release and release_order(self.release) >= release_order(until):
            return False
        # A release that numbers its categories, as Google does: 1 is something else in another one.
        if any(code.isdecimal() for code in self.by_code):
            return release == self.release or not self.release
        return release is None or not self.release or release_order(self.release) >= release_order(release)


@dataclass(frozen=True)
class ReleaseMappings:
    """Mappings in the order of their releases."""

    mappings: tuple[ReleaseMapping, ...]

    @classmethod
    def load(cls, path: Path) -> ReleaseMappings:
        """Read a file, or all mappings in a folder. Raises `SchemaError` that names the file and what is wrong with it."""
        found = cls._of_files(_files_in(path) if path.is_dir() else [path])
        if not found.mappings:
            raise SchemaError(
                f"{path}: holds no mapping from one release of a taxonomy to the next; see docs/taxonomies.md"
            )
        return found

    @classmethod
    def beside(cls, taxonomy: Path) -> ReleaseMappings | None:
        """The mappings in the folder of a release; None where it has none, or the taxonomy is a file."""
        found = cls._of_files(file for file in _files_in(taxonomy) if ending_of(file) in (".json", ".yml"))
        return found if found.mappings else None

    @classmethod
    def _of_files(cls, files: Iterable[Path]) -> ReleaseMappings:
        found: dict[str, ReleaseMapping] = {}
        for file in files:
            for mapping in _read(file):
                found.setdefault(mapping.release, mapping)
        return cls(tuple(sorted(found.values(), key=lambda mapping: release_order(mapping.release))))

    def follow(self, category: Category, release: str | None = None, until: str | None = None) -> Targets | None:
        """What became of a category of `release` in the release `until` (of any, where they aren't known): several where it
        was split, none where it is gone, None where it never moved.
        """
        current: Targets = (category,)
        has_moved = False
        for mapping in self.mappings:
            if not mapping.applies_to(release, until):
                continue
            onward: list[Category] = []
            for each in current:
                targets = mapping.find(each)
                has_moved |= targets is not None
                onward += [each] if targets is None else targets
            current = tuple(dict.fromkeys(onward))
        return current if has_moved else None

    def origins(self, code: str) -> tuple[str, ...]:
        """The codes that a category had in earlier releases, the latest first."""
        found = [code]
        for mapping in reversed(self.mappings):
            found += [
                source
                for source, targets in mapping.by_code.items()
                if any(target.code in found for target in targets) and source not in found
            ]
        return tuple(found[1:])


@cache
def shipped_mappings() -> ReleaseMappings:
    """What moved in Shopify's releases up to 2026-08."""
    return ReleaseMappings(tuple(_read_csv(Path(_SHIPPED.name), _SHIPPED.read_text(encoding="utf-8"))))


def release_order(release: str) -> tuple[int, ...]:
    """Releases in their order in time: '0.17.0' before '2024-07' before '2025-03-rc1'."""
    return tuple(int(number) for number in re.findall(r"\d+", release)[:3])


def _files_in(folder: Path) -> Iterator[Path]:
    found = [
        file
        for file in (folder.rglob("*") if folder.is_dir() else ())
        if file.is_file() and ending_of(file) in _ENDINGS and _FILE.fullmatch(file.name.lower())
    ]
    # The latest one first, of those that lead from one release to several.
    found.sort(key=lambda file: file.as_posix(), reverse=True)
    return iter(sorted(found, key=lambda file: _ENDINGS.index(ending_of(file))))


def _read(file: Path) -> Iterable[ReleaseMapping]:
    text, ending = read_text(file), ending_of(file)
    if ending == ".csv":
        return _read_csv(file, text)
    if ending == ".txt":
        return _read_txt(file, text)
    if ending not in _ENDINGS:
        raise SchemaError(f"{file}: its ending is not known; a mapping is one of {', '.join(_ENDINGS)}")
    return _read_document(file, text)


class _NamedCategory(BaseModel):
    id: str
    full_name: str | None = None

    def category(self) -> Category:
        return Category(code_of(self.id), split_path(self.full_name) if self.full_name else None)


class _RuleInput(BaseModel):
    category: _NamedCategory | None = None
    product_category_id: str | int | None = None


class _RuleOutput(BaseModel):
    category: list[_NamedCategory] = []
    product_category_id: list[str | int] = []


class _Rule(BaseModel):
    input: _RuleInput
    output: _RuleOutput

    def source(self) -> Category | None:
        if self.input.category is not None:
            return self.input.category.category()
        own = self.input.product_category_id
        return None if own is None else Category(code_of(str(own)))

    def targets(self) -> Targets:
        """The JSON has names, the sources bare ids."""
        named = tuple(category.category() for category in self.output.category)
        return named or tuple(Category(code_of(str(id_))) for id_ in self.output.product_category_id)


class _MappingDocument(BaseModel):
    input_taxonomy: str
    output_taxonomy: str
    rules: list[_Rule] = []


class _MappingsDocument(BaseModel):
    mappings: list[_MappingDocument]


def _read_document(file: Path, text: str) -> Iterator[ReleaseMapping]:
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        document: Any = json.loads(text) if ending_of(file) == ".json" else yaml.load(text, Loader=loader)
        whole = document if isinstance(document, dict) and "mappings" in document else {"mappings": [document]}
        mappings = _MappingsDocument.model_validate(whole).mappings
    except (ValueError, RecursionError, ValidationError, yaml.YAMLError) as error:
        raise SchemaError(
            f"{file}: is no mapping of a release ({first_line(error)}); give it as the release ships it"
        ) from error
    for mapping in mappings:
        vendor, _, release = mapping.input_taxonomy.partition("/")
        if mapping.output_taxonomy.partition("/")[0] == vendor:
            sources = ((rule.source(), rule.targets() or (None,)) for rule in mapping.rules)
            yield _mapping(release, ((source, target) for source, targets in sources if source for target in targets))


def _read_txt(file: Path, text: str) -> Iterator[ReleaseMapping]:
    """'→ A > B', then '⇒ A > C', in a file that says in its head which releases it is about."""
    head = next((match for line in text.splitlines() if (match := _RELEASES.fullmatch(line.strip()))), None)
    if head is None:
        raise SchemaError(
            f"{file}: is no mapping of a release (its head names no two releases); give it as it is shipped"
        )
    if head[1] != head[3]:
        return
    sources: list[Category] = []
    pairs: list[tuple[Category, Category | None]] = []
    has_target = True
    for line in map(str.strip, text.splitlines()):
        if line.startswith("→"):
            sources = (
                [Category(None, split_path(line[1:]))]
                if has_target
                else [*sources, Category(None, split_path(line[1:]))]
            )
            has_target = False
        elif line.startswith("⇒"):
            pairs += [(source, Category(None, split_path(line[1:]))) for source in sources]
            has_target = True
    yield _mapping(head[2], pairs)


def _read_csv(file: Path, text: str) -> Iterator[ReleaseMapping]:
    rows = csv.DictReader([line for line in text.splitlines(keepends=True) if not line.startswith("#")], strict=True)
    by_release: dict[str, list[tuple[Category, Category | None]]] = {}
    try:
        if not {"from", "to"} <= {*(rows.fieldnames or ())}:
            names = ", ".join(rows.fieldnames or ()) or "none"
            raise SchemaError(f"{file}: has no columns 'from' and 'to' (it has: {names}); name them so")
        for row in rows:
            source, target = ((row[name] or "").strip() for name in ("from", "to"))
            if source:
                named = (row.get("path") or "").strip()
                by_release.setdefault((row.get("release") or "").strip(), []).append(
                    (_written(source), _written(target, named) if target else None)
                )
    except csv.Error as error:
        raise SchemaError(f"{file}: can't be read as CSV ({error}); mend it") from error
    for release, pairs in by_release.items():
        yield _mapping(release, pairs)


def _written(text: str, path: str = "") -> Category:
    """A path or an id, in one's own list of moves; a bare word may be either."""
    if ">" in text:
        return Category(None, split_path(text))
    return Category(code_of(text), split_path(path or text))


def _mapping(release: str, pairs: Iterable[tuple[Category, Category | None]]) -> ReleaseMapping:
    by_code: dict[str, Targets] = {}
    by_path: dict[CategoryPath, Targets] = {}
    for source, target in pairs:
        new = () if target is None else (target,)
        if source.code is not None:
            by_code[source.code] = (*by_code.get(source.code, ()), *new)
        if source.path is not None:
            by_path[source.path] = (*by_path.get(source.path, ()), *new)
    return ReleaseMapping(release, by_code, by_path)
