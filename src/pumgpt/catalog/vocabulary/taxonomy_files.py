"""One taxonomy file in: text, YAML, CSV, packed or not. What each looks like is said in `taxonomy` and `taxonomy_tables`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import yaml

from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR, CategoryPath, Taxonomy, split_path
from pumgpt.catalog.vocabulary.taxonomy_tables import is_table, read_table
from pumgpt.catalog.vocabulary.text_files import ending_of, read_text
from pumgpt.errors import SchemaError

_WITH_GID = re.compile(r"(gid://\S+)\s*:\s*(.*)")
_WITH_NUMBER = re.compile(r"(\d+)\s+-\s+(.*)")
_VERSION = re.compile(r"#.*(?:categories|version)\s*:\s*(\S+)\s*", re.IGNORECASE)
"""In a comment at the top: '# Shopify Product Taxonomy - Categories: 2026-08', '# Google_Product_Taxonomy_Version: ...'."""


def read_taxonomy_file(path: Path) -> Taxonomy:
    """See `taxonomies.load_taxonomy`, which reads releases as well."""
    read = _READERS.get(ending_of(path))
    if read is None:
        known = ", ".join((*_READERS, ".json"))
        raise SchemaError(f"{path}: its ending is not known; a taxonomy is one of {known}, or a release's folder")
    warnings: list[str] = []
    text = read_text(path)
    return _build(path, read(path, text, warnings), warnings, _version(text))


@dataclass(frozen=True, slots=True)
class _TaxonomyLine:
    line: int
    path: CategoryPath
    id: str | None = None


def _version(text: str) -> str | None:
    comments = takewhile(lambda line: line.startswith("#") or not line.strip(), text.splitlines())
    return next((match[1] for line in comments if (match := _VERSION.fullmatch(line))), None)


def _build(file: Path, entries: Iterable[_TaxonomyLine], warnings: list[str], version: str | None) -> Taxonomy:
    line_of: dict[CategoryPath | str, int] = {}
    ids: dict[CategoryPath, str | None] = {}
    aliases: dict[str, CategoryPath] = {}
    for entry in entries:
        where = f"{file}, line {entry.line}"
        if not all(entry.path):
            raise SchemaError(f"{where}: a level of the path is empty; write it as A > B > C")
        if entry.id is not None and entry.id in line_of:
            raise SchemaError(f"{where}: id '{entry.id}' stands already in line {line_of[entry.id]}; keep one of them")
        if entry.path in ids and (entry.id is None or ids[entry.path] is None):
            raise SchemaError(
                f"{where}: '{SEPARATOR.join(entry.path)}' stands already in line {line_of[entry.path]}; keep one of them"
            )
        if entry.id is not None:
            line_of[entry.id] = entry.line
        if entry.path in ids:  # Meta's list has such
            aliases[str(entry.id)] = entry.path
            continue
        line_of[entry.path] = entry.line
        ids[entry.path] = entry.id
    if not ids:
        raise SchemaError(f"{file}: has no category; write one path (A > B > C) in each line")
    if aliases:
        second, path = next(iter(aliases.items()))
        warnings.append(
            f"{file}: {len(aliases)} categories stand there under a second id, which means the same "
            f"('{SEPARATOR.join(path)}': {ids[path]}, {second})"
        )
    return Taxonomy(tuple(ids), tuple(ids.values()), tuple(warnings), version, aliases)


def _read_txt(file: Path, text: str, warnings: list[str]) -> Iterator[_TaxonomyLine]:
    lines = text.splitlines()
    # Meta's list of categories is CSV, whatever its ending says.
    if is_table([line for line in lines if not line.startswith("#")]):
        yield from _read_csv(file, text, warnings)
        return
    for number, raw in enumerate(lines, start=1):
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
    return (_TaxonomyLine(*row) for row in read_table(file, text, warnings))


_READERS: dict[str, Callable[[Path, str, list[str]], Iterator[_TaxonomyLine]]] = {
    ".txt": _read_txt,
    ".yaml": _read_yaml,
    ".yml": _read_yaml,
    ".csv": _read_csv,
    ".tsv": _read_csv,
}
