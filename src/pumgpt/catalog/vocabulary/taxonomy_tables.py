"""A taxonomy as a table: which columns hold the paths, the ids, the levels or the parents.

    category_id,category                         paths with their ids, as Meta has them
    id;Level 1;Level 2;Level 3                   a column for each level; a level left empty is that of the row above
    id,name,parent                               every category names its parent
    166,Apparel & Accessories,Clothing           no header: an id and the levels, as Google's spreadsheet has them

Commas, tabs, semicolons and vertical bars separate the cells. Names of columns may be written in any case.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pumgpt.catalog.vocabulary.taxonomy import CategoryPath
from pumgpt.catalog.vocabulary.tree import Tree
from pumgpt.errors import SchemaError

_DELIMITERS = ",\t;|"
_PATHS = (
    *("path", "category", "categorypath", "fullname", "fullpath", "categoryfullname", "taxonomy", "taxonomypath"),
    *("breadcrumb", "breadcrumbs", "hierarchy", "productcategory", "googleproductcategory", "fbproductcategory"),
)
_IDS = ("id", "categoryid", "catid", "nodeid", "gid", "code", "categorycode", "taxonomyid", "number")
_NAMES = ("name", "categoryname", "label", "title")
_PARENTS = ("parent", "parentid", "parentcategory", "parentcategoryid", "parentcode", "parentgid")
_LEVEL = re.compile(r"(?:category|categorie|kategorie|cat|level|lvl|tier|ebene|l)+(\d{1,2})")
_SUBLEVEL = re.compile(r"(?:main|top|root)?((?:sub)*)categor(?:y|ies|yname)")
_SEPARATORS = (">", "»", "›", "::", "|", " / ", "/")
"""Between levels; the first that a table has. A bare slash may belong to a name: see `_split`."""


class TableRow(NamedTuple):
    """One category with the line that it stands in."""

    line: int
    path: CategoryPath
    id: str | None


class _Columns(NamedTuple):
    """The places of the columns; `names` and `parents` go together."""

    ids: int | None = None
    path: int | None = None
    levels: tuple[int, ...] = ()
    name: int | None = None
    parent: int | None = None


_Row = tuple[int, list[str]]


def is_table(lines: Sequence[str]) -> bool:
    """Whether these lines, which have no comments among them, begin with a header of several columns that we know."""
    first = next((line for line in lines if line.strip()), "")
    cells = next(csv.reader([first], delimiter=_delimiter(first)), [])
    return len(cells) > 1 and ">" not in first and _header_columns(cells) is not None


def read_table(file: Path, text: str, warnings: list[str]) -> Iterator[TableRow]:
    """The categories of a table, in order. Raises `SchemaError` that names the file and the line."""
    rows = _rows(file, text)
    if not rows:
        return
    header = rows[0][1]
    columns = _header_columns(header, rows[1:])
    if columns is not None:
        rows = rows[1:]
    else:
        columns = _columns_of_values(rows)
    if columns is None:
        names = ", ".join(name for name in header if name) or "none"
        raise SchemaError(f"{file}, line 1: has no column 'path' (it has: {names}); name the column of paths so")
    if columns.parent is not None:
        yield from _by_parents(file, rows, columns, warnings)
    elif columns.path is not None:
        yield from _by_path(rows, columns)
    else:
        yield from _by_levels(rows, columns)


def _rows(file: Path, text: str) -> list[_Row]:
    lines = text.splitlines(keepends=True)
    first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    reader = csv.reader(lines, delimiter="\t" if file.suffix.lower() == ".tsv" else _delimiter(first), strict=True)
    try:
        rows = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error as error:
        raise SchemaError(f"{file}, line {reader.line_num}: can't be read as CSV ({error}); mend it") from error
    return [(line, cells) for line, cells in rows if any(cells) and not cells[0].startswith("#")]


def _delimiter(line: str) -> str:
    """The one that the line has most of; a comma where it has none."""
    return max(_DELIMITERS, key=line.count)


def _header_columns(header: Sequence[str], rows: Sequence[_Row] = ()) -> _Columns | None:
    names = [re.sub(r"[\W_]+", "", name.casefold()) for name in header]

    def place(aliases: Iterable[str]) -> int | None:
        return next((names.index(alias) for alias in aliases if alias in names), None)

    ids, path, name, parent = map(place, (_IDS, _PATHS, _NAMES, _PARENTS))
    if ids is not None and name is not None and parent is not None:
        return _Columns(ids=ids, name=name, parent=parent)
    levels = _level_columns(names)
    # Of 'category' beside 'subcategory' neither is a path.
    if len(levels) > 1:
        return _Columns(ids, levels=levels)
    if path is None and any(">" in _cell(row, name) for _, row in rows):
        path = name
    return None if path is None else _Columns(ids, path=path)


def _level_columns(names: Sequence[str]) -> tuple[int, ...]:
    """The columns 'Level 1', 'Level 2', ..., or 'category', 'sub_category', ..., in that order."""
    for pattern in (_LEVEL, _SUBLEVEL):
        matches = [(match, place) for place, name in enumerate(names) if (match := pattern.fullmatch(name))]
        depths = {
            int(match[1]) if pattern is _LEVEL else len(match[1]) // len("sub"): place for match, place in matches
        }
        ordered = sorted(depths)
        if len(ordered) > 1 and ordered[0] < 2 and ordered == list(range(ordered[0], ordered[-1] + 1)):
            return tuple(depths[depth] for depth in ordered)
    return ()


def _columns_of_values(rows: Sequence[_Row]) -> _Columns | None:
    """The columns of a table without a header: a path, or an id with levels behind it."""
    first = rows[0][1]
    ids = next((place for place, cell in enumerate(first) if re.fullmatch(r"\d+|gid://\S+", cell)), None)
    path = next((place for _, row in rows for place, cell in enumerate(row) if ">" in cell), None)
    if path is not None:
        return _Columns(ids, path=path)
    return _Columns(0, levels=tuple(range(1, len(first)))) if ids == 0 and len(first) > 1 else None


def _by_path(rows: Sequence[_Row], columns: _Columns) -> Iterator[TableRow]:
    cells = [_cell(row, columns.path) for _, row in rows]
    separator = _separator(cells)
    for (line, row), cell in zip(rows, cells, strict=True):
        yield TableRow(line, tuple(level.strip() for level in cell.split(separator)), _cell(row, columns.ids) or None)


def _separator(cells: Sequence[str]) -> str:
    """What stands between the levels. A slash does where every path that has one lies below another of the table: it
    is a part of the name in 'Tops/Tees'.
    """
    found = next((separator for separator in _SEPARATORS if any(separator in cell for cell in cells)), ">")
    if found == "/" and not all(cell.rpartition("/")[0] in {"", *cells} for cell in cells):
        return ">"
    return found


def _by_levels(rows: Sequence[_Row], columns: _Columns) -> Iterator[TableRow]:
    above: list[str] = []
    for line, row in rows:
        levels = [_cell(row, place) for place in columns.levels]
        while levels and not levels[-1]:
            levels.pop()
        first = next((depth for depth, level in enumerate(levels) if level), 0)
        # Spreadsheets leave a level empty where it is that of the row above.
        levels[:first] = (above + [""] * first)[:first]
        above = levels
        yield TableRow(line, tuple(levels) or ("",), _cell(row, columns.ids) or None)


def _by_parents(file: Path, rows: Sequence[_Row], columns: _Columns, warnings: list[str]) -> Iterator[TableRow]:
    lines: dict[str, int] = {}
    names: dict[str, str] = {}
    parent_of: dict[str, str] = {}
    for line, row in rows:
        id_, name, parent = (_cell(row, place) for place in (columns.ids, columns.name, columns.parent))
        if not id_ or not name or id_ in names:
            trouble = f"id '{id_}' stands already in line {lines[id_]}" if id_ in names else "id or name is empty"
            raise SchemaError(f"{file}, line {line}: {trouble}; give each category both, and its own id")
        lines[id_], names[id_] = line, name
        if parent:
            parent_of[id_] = parent
    tree = Tree(names, parent_of)
    warnings.extend(f"{file}: {trouble}" for trouble in tree.troubles)
    for id_, path in tree.paths():
        yield TableRow(lines[id_], path, id_)


def _cell(row: Sequence[str], place: int | None) -> str:
    return row[place] if place is not None and place < len(row) else ""
