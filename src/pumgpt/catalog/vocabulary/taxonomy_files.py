"""One taxonomy file in: text, YAML, CSV. What each looks like is said in `taxonomy`."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR, CategoryPath, Taxonomy, split_path
from pumgpt.catalog.vocabulary.text_files import read_text
from pumgpt.catalog.vocabulary.tree import Tree
from pumgpt.errors import SchemaError

_WITH_GID = re.compile(r"(gid://\S+)\s*:\s*(.*)")
_WITH_NUMBER = re.compile(r"(\d+)\s+-\s+(.*)")
_PATHS = ("path", "category", "category_path", "full_name")
"""What a CSV's column of paths may be called."""


def read_taxonomy_file(path: Path) -> Taxonomy:
    """See `taxonomies.load_taxonomy`, which reads releases as well."""
    read = _READERS.get(path.suffix.lower())
    if read is None:
        known = ", ".join((*_READERS, ".json"))
        raise SchemaError(f"{path}: its ending is not known; a taxonomy is one of {known}, or a release's folder")
    warnings: list[str] = []
    return _build(path, read(path, read_text(path), warnings), warnings)


@dataclass(frozen=True, slots=True)
class _TaxonomyLine:
    line: int
    path: CategoryPath
    id: str | None = None


def _build(file: Path, entries: Iterable[_TaxonomyLine], warnings: list[str]) -> Taxonomy:
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
    return Taxonomy(tuple(entry.path for entry in found), tuple(entry.id for entry in found), tuple(warnings))


def _read_txt(file: Path, text: str, warnings: list[str]) -> Iterator[_TaxonomyLine]:
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        with_id = _WITH_GID.fullmatch(line) or _WITH_NUMBER.fullmatch(line)
        if with_id:
            yield _TaxonomyLine(number, split_path(with_id[2]), with_id[1])
        else:
            yield _TaxonomyLine(number, split_path(line))


def _read_yaml(file: Path, text: str, warnings: list[str]) -> Iterator[_TaxonomyLine]:
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
        yield _TaxonomyLine(line, split_path(fields["path"].value), fields["id"].value if "id" in fields else None)


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


def _read_csv(file: Path, text: str, warnings: list[str]) -> Iterator[_TaxonomyLine]:
    delimiter = "\t" if file.suffix.lower() == ".tsv" else ","
    rows = csv.DictReader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
    try:
        columns = [name for name in rows.fieldnames or () if name]
        parents = next((name for name in ("parent", "parent_id") if name in columns), None)
        if parents is not None and {"id", "name"} <= {*columns}:
            yield from _by_parents(file, rows, parents, warnings)
            return
        paths = next((name for name in _PATHS if name in columns), None)
        if paths is None:
            names = ", ".join(columns) or "none"
            raise SchemaError(f"{file}, line 1: has no column 'path' (it has: {names}); name the column of paths so")
        for row in rows:
            yield _TaxonomyLine(rows.line_num, split_path(row[paths] or ""), (row.get("id") or "").strip() or None)
    except csv.Error as error:
        raise SchemaError(f"{file}, line {rows.line_num + 1}: can't be read as CSV ({error}); mend it") from error


def _by_parents(file: Path, rows: csv.DictReader[str], parents: str, warnings: list[str]) -> Iterator[_TaxonomyLine]:
    lines: dict[str, int] = {}
    names: dict[str, str] = {}
    parent_of: dict[str, str] = {}
    for row in rows:
        id_, name, parent = ((row[column] or "").strip() for column in ("id", "name", parents))
        if not id_ or not name or id_ in names:
            trouble = f"id '{id_}' stands already in line {lines[id_]}" if id_ in names else "id or name is empty"
            raise SchemaError(f"{file}, line {rows.line_num}: {trouble}; give each category both, and its own id")
        lines[id_], names[id_] = rows.line_num, name
        if parent:
            parent_of[id_] = parent
    tree = Tree(names, parent_of)
    warnings.extend(f"{file}: {trouble}" for trouble in tree.troubles)
    for id_, path in tree.paths():
        yield _TaxonomyLine(lines[id_], path, id_)


_READERS: dict[str, Callable[[Path, str, list[str]], Iterator[_TaxonomyLine]]] = {
    ".txt": _read_txt,
    ".yaml": _read_yaml,
    ".yml": _read_yaml,
    ".csv": _read_csv,
    ".tsv": _read_csv,
}
