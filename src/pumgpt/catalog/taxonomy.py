"""A shop's categories: which paths there are, and which of them a text means.

Read from the releases' own files or from one's own list:

    categories.txt (Shopify)    gid://shopify/TaxonomyCategory/ap-1 : Animals & Pet Supplies > Live Animals
    taxonomy.txt (Google)       Animals & Pet Supplies > Live Animals
    the same with ids           3237 - Animals & Pet Supplies > Live Animals
    taxonomy.yaml               - Animals & Pet Supplies > Live Animals
                                - {path: Animals & Pet Supplies > Pet Food, id: "3367"}
    taxonomy.csv                a column `path`, and `id` where there are ids

Lines that start with `#` are comments. `docs/examples/taxonomy.yaml` is a whole one.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import yaml

from pumgpt.errors import SchemaError

CategoryPath = tuple[str, ...]
_Key = TypeVar("_Key")

SEPARATOR = " > "
_WITH_GID = re.compile(r"(gid://\S+)\s*:\s*(.*)")
_WITH_NUMBER = re.compile(r"(\d+)\s+-\s+(.*)")


@dataclass(frozen=True)
class Taxonomy:
    """All valid category paths, root to leaf, in the order of the file. `ids` has one entry for each path."""

    paths: tuple[CategoryPath, ...]
    ids: tuple[str | None, ...] = field(repr=False)

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

    @classmethod
    def load(cls, path: Path) -> Taxonomy:
        """Read a taxonomy file by its ending.

        Raises `SchemaError` naming file and line: no path, an empty level, a path or an id that stands there twice.
        """
        read = _READERS.get(path.suffix.lower())
        if read is None:
            raise SchemaError(f"{path}: its ending is not known; a taxonomy is one of {', '.join(_READERS)}")
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise SchemaError(f"{path}: is not UTF-8; save it as UTF-8") from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise SchemaError(f"{path}: can't be read ({reason}); mend the path") from error
        return _build(path, read(path, text))

    def id_of(self, path: CategoryPath) -> str | None:
        """The id that the file gives this path; None where it gives none, or has no such path."""
        return self._id_of_path.get(path)

    def find(self, text: str) -> CategoryPath | None:
        """The path that a text means: an id, a whole path, or a last level that only one path has.

        Upper and lower case and the blanks around '>' don't matter. None where nothing fits, or more than one.
        """
        by_id = self._path_of_id.get(text.strip())
        if by_id is not None:
            return by_id
        levels = split_path(text)
        if levels in self._id_of_path:
            return levels
        folded = _fold(levels)
        return self._by_folded_path.get(folded) or (self._by_leaf.get(folded[0]) if len(folded) == 1 else None)

    @cached_property
    def _id_of_path(self) -> dict[CategoryPath, str | None]:
        return dict(zip(self.paths, self.ids, strict=True))

    @cached_property
    def _path_of_id(self) -> dict[str, CategoryPath]:
        return {id_: path for path, id_ in zip(self.paths, self.ids, strict=True) if id_ is not None}

    @cached_property
    def _by_folded_path(self) -> dict[CategoryPath, CategoryPath | None]:
        return _unless_ambiguous((_fold(path), path) for path in self.paths)

    @cached_property
    def _by_leaf(self) -> dict[str, CategoryPath | None]:
        return _unless_ambiguous((path[-1].casefold(), path) for path in self.paths)


def split_path(text: str) -> CategoryPath:
    """'A > B > C' as its levels; an empty level stays."""
    return tuple(level.strip() for level in text.split(">"))


def _fold(path: CategoryPath) -> CategoryPath:
    return tuple(level.casefold() for level in path)


def _unless_ambiguous(pairs: Iterable[tuple[_Key, CategoryPath]]) -> dict[_Key, CategoryPath | None]:
    found: dict[_Key, CategoryPath | None] = {}
    for key, path in pairs:
        found[key] = None if key in found else path
    return found


@dataclass(frozen=True, slots=True)
class _Entry:
    line: int
    path: CategoryPath
    id: str | None = None


def _build(file: Path, entries: Iterable[_Entry]) -> Taxonomy:
    line_of: dict[CategoryPath | str, int] = {}
    found = []
    for entry in entries:
        where = f"{file}, line {entry.line}"
        if not all(entry.path):
            raise SchemaError(f"{where}: a level of the path is empty; write it as A > B > C")
        for key in (entry.path, entry.id):
            if key is None:
                continue
            if key in line_of:
                what = f"id '{key}'" if isinstance(key, str) else f"'{SEPARATOR.join(key)}'"
                raise SchemaError(f"{where}: {what} stands already in line {line_of[key]}; keep one of them")
            line_of[key] = entry.line
        found.append(entry)
    if not found:
        raise SchemaError(f"{file}: has no category; write one path (A > B > C) in each line")
    return Taxonomy(tuple(entry.path for entry in found), tuple(entry.id for entry in found))


def _read_txt(file: Path, text: str) -> Iterator[_Entry]:
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        with_id = _WITH_GID.fullmatch(line) or _WITH_NUMBER.fullmatch(line)
        if with_id:
            yield _Entry(number, split_path(with_id[2]), with_id[1])
        else:
            yield _Entry(number, split_path(line))


def _read_yaml(file: Path, text: str) -> Iterator[_Entry]:
    # Nodes rather than objects: they know their line, and 'On', 'No' or 007 stay the names that they are.
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise SchemaError(f"{file}: can't be read as YAML: {' '.join(str(error).split())}") from error
    if root is None:
        return
    if not isinstance(root, yaml.SequenceNode):
        raise SchemaError(f"{file}, line 1: is not a list; write '- A > B > C' in each line")
    for node in root.value:
        line = node.start_mark.line + 1
        fields = {"path": node} if isinstance(node, yaml.ScalarNode) else _mapping(file, node)
        yield _Entry(line, split_path(fields["path"].value), fields["id"].value if "id" in fields else None)


def _mapping(file: Path, node: yaml.Node) -> dict[str, yaml.Node]:
    where = f"{file}, line {node.start_mark.line + 1}"
    if not isinstance(node, yaml.MappingNode):
        raise SchemaError(f"{where}: is neither 'A > B > C' nor {{path, id}}")
    fields = {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}
    unknown = [name for name in fields if name not in ("path", "id")]
    if unknown or "path" not in fields or not all(isinstance(value, yaml.ScalarNode) for value in fields.values()):
        names = f" (found: {', '.join(fields)})" if fields else ""
        raise SchemaError(f"{where}: a category is {{path: A > B > C, id: ...}} with texts only{names}")
    return fields


def _read_csv(file: Path, text: str) -> Iterator[_Entry]:
    delimiter = "\t" if file.suffix.lower() == ".tsv" else ","
    rows = csv.DictReader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
    try:
        if "path" not in (rows.fieldnames or ()):
            names = ", ".join(rows.fieldnames or ()) or "none"
            raise SchemaError(f"{file}, line 1: has no column 'path' (it has: {names}); name the column of paths so")
        for row in rows:
            yield _Entry(rows.line_num, split_path(row["path"] or ""), (row.get("id") or "").strip() or None)
    except csv.Error as error:
        raise SchemaError(f"{file}, line {rows.line_num + 1}: can't be read as CSV ({error}); mend it") from error


_READERS: dict[str, Callable[[Path, str], Iterator[_Entry]]] = {
    ".txt": _read_txt,
    ".yaml": _read_yaml,
    ".yml": _read_yaml,
    ".csv": _read_csv,
    ".tsv": _read_csv,
}
