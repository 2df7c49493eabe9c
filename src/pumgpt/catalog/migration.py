"""A catalogue whose categories are carried over to a renewed taxonomy; everything else in it stays as it is.

A category stays in the form in which the shop wrote it: a path with its separators, an id, or both. One that was split, is
gone, or was never in the old taxonomy is left as it is and named.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pumgpt.catalog.formats.annotated import AnnotatedRow
from pumgpt.catalog.formats.base import CatalogReader, RejectedRow
from pumgpt.catalog.formats.jsonl import JSON_LINES, plain_json
from pumgpt.catalog.formats.output import write_annotated
from pumgpt.catalog.html_text import plain_text
from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR, CategoryPath, code_of, split_path
from pumgpt.catalog.vocabulary.taxonomy_diff import CategoryChange, TaxonomyDiff
from pumgpt.errors import CatalogError

_BETWEEN_LEVELS = re.compile(r"\s*>\s*|\s+/\s+|(?<=\S)/(?=\S)")
_ROOT = re.compile(r"([^>/]+?)\s*[>/]\s*(?=[^>/]+[>/])")
_NUMBER_AND_PATH = re.compile(r"(\d+)(\s+-\s+)(.*>.*)", re.DOTALL)


@dataclass
class LeftCategory:
    """A category that couldn't be carried, with the rows that have it."""

    category: str
    reason: str
    suggestions: list[CategoryPath]
    rows: list[int] = field(default_factory=list)
    ids: list[str | None] = field(default_factory=list)


@dataclass
class MigrationSummary:
    """What a migration did, row by row: `carried` to another category, `same`, `without` one, `left` as they are."""

    rows: int = 0
    carried: int = 0
    same: int = 0
    without: int = 0
    left: list[LeftCategory] = field(default_factory=list)
    unreadable: list[RejectedRow] = field(default_factory=list)
    """Rows that could not be read, and so not be written."""
    warnings: list[str] = field(default_factory=list)

    @property
    def left_rows(self) -> int:
        return sum(len(category.rows) for category in self.left)


class CategoryMigration:
    """Carries cells of a catalogue from the old taxonomy of a diff to its new one."""

    def __init__(self, diff: TaxonomyDiff) -> None:
        self.diff = diff
        self.failed: dict[str, CategoryChange | None] = {}
        """The categories of the last cell that could not be carried, as the shop writes them, with what became of them."""

    def carry(self, value: Any) -> Any:
        """A cell with the new category in the place of the old one; the cell itself where nothing changes."""
        self.failed = {}
        if isinstance(value, list | tuple):
            return self._carry_list(list(value))
        if isinstance(value, str):
            return self._carry_text(value)
        if isinstance(value, float) and value != value:
            return value
        carried = self._carry_text(str(value))
        return type(value)(carried) if carried.isdecimal() and carried != str(value) else value

    def _carry_list(self, levels: list[Any]) -> list[Any]:
        """A list is one path, level by level, or several categories."""
        texts = [level for level in levels if isinstance(level, str)]
        change = self._of_levels(texts)
        if change is None and (len(levels) == 1 or any(">" in text or self.diff.old.find_id(text) for text in texts)):
            return [self._carry_text(level) if isinstance(level, str) else level for level in levels]
        if change is None:
            self.failed[SEPARATOR.join(texts)] = None
            return levels
        target = self._target(change, SEPARATOR.join(texts))
        return levels if target is None or target == change.path else list(target)

    def _carry_text(self, cell: str) -> str:
        """One category, or several between '|' or ','."""
        carried = self._carry_one(cell)
        if carried is not None:
            return carried
        for separator in ("|", ",", ";"):
            parts = re.split(rf"(?<!\\){re.escape(separator)}", cell)
            found = [self._carry_one(part) for part in parts]
            if len(parts) > 1 and any(part is not None for part in found):
                for part, new in zip(parts, found, strict=True):
                    if new is None and part.strip():
                        self.failed[part.strip()] = None
                return separator.join(part if new is None else new for part, new in zip(parts, found, strict=True))
        self.failed[cell.strip()] = None
        return cell

    def _carry_one(self, cell: str) -> str | None:
        """A cell that is one category of the old taxonomy; None where it is none, or something else."""
        text = cell.strip()
        plain = plain_text(text).replace("\\,", ",")
        change = self.diff.find(plain) or self._of_levels(plain.split("/"))
        if change is None:
            # 'Default Category/Men/Shirts': a shop system's root above the categories.
            root = _ROOT.match(text)
            below = None if root is None or self._of_levels([root[1]]) else self._carry_one(text[root.end() :])
            return None if root is None or below is None else cell.replace(text, root[0] + below, 1)
        target = self._target(change, text)
        if target is None:
            return cell
        is_id = self.diff.old.find_id(plain) == change.path and self.diff.old.find_path(split_path(plain)) is None
        written = self._id_like(text, change, target) if is_id else self._path_like(text, change, target)
        return cell.replace(text, written, 1)

    def _of_levels(self, levels: Sequence[str]) -> CategoryChange | None:
        path = self.diff.old.find_path(tuple(plain_text(level).strip() for level in levels))
        return None if path is None else self.diff.of_path(path)

    def _target(self, change: CategoryChange, text: str) -> CategoryPath | None:
        if change.target is None:
            self.failed[text] = change
        return change.target

    def _id_like(self, text: str, change: CategoryChange, target: CategoryPath) -> str:
        """The new id as the old one is written: a bare code, a gid, a number, or a number with its path behind it."""
        numbered = _NUMBER_AND_PATH.fullmatch(text)
        path = self._path_like(numbered[3], change, target) if numbered else SEPARATOR.join(target)
        new = change.ids[0]
        if new is None:  # the new taxonomy has no ids
            return path
        has_moved = change.id is None or code_of(change.id) != code_of(new)
        if numbered:
            return f"{code_of(new) if has_moved else numbered[1]}{numbered[2]}{path}"
        return text.removesuffix(code_of(text)) + code_of(new) if has_moved else text

    def _path_like(self, text: str, change: CategoryChange, target: CategoryPath) -> str:
        """The new path as the old one is written, its separators and escapes among it; a bare last level where that will do."""
        plain = plain_text(text).replace("\\,", ",")
        if change.path == target or (">" not in plain and self.diff.new.find(plain) == target):
            return text
        levels = [level.replace(",", "\\,") if "\\," in text else level for level in target]
        if "&amp;" in text:
            levels = [level.replace("&", "&amp;") for level in levels]
        between = _BETWEEN_LEVELS.search(text) if len(change.path) > 1 else None
        return (between[0] if between else SEPARATOR).join(levels)


def migrate_catalog(
    reader: CatalogReader, out_path: Path, diff: TaxonomyDiff, progress: Callable[[int], None] | None = None
) -> MigrationSummary:
    """Write the catalogue to `out_path` with its categories carried over. Raises `CatalogError` where that can't be done.

    Rows that are set aside for another reason than their category (an id that comes again) are carried as well.
    """
    column = reader.fills.category
    if column is None or column not in reader.columns:
        raise CatalogError(
            f"{reader.path}: has no column of categories; name it with --columns (it has: {', '.join(reader.columns)})"
        )
    summary = MigrationSummary()
    rows = _migrated_rows(reader, column, CategoryMigration(diff), summary, progress)
    if out_path.suffix.lower() in JSON_LINES:
        _write_lines(out_path, rows)
    else:
        write_annotated(out_path, reader, (), rows)
    summary.warnings = reader.warnings
    return summary


def _migrated_rows(
    reader: CatalogReader,
    column: str,
    migration: CategoryMigration,
    summary: MigrationSummary,
    progress: Callable[[int], None] | None,
) -> Iterator[AnnotatedRow]:
    left: dict[str, LeftCategory] = {}
    for number, row in enumerate(reader, start=1):
        if progress is not None:
            progress(number)
        original = row.original
        if not isinstance(original, Mapping):
            # Tables of shop systems give such a row back as it stands, others have no place for it.
            summary.unreadable += [row] if isinstance(row, RejectedRow) and not reader.format.is_export else []
            yield AnnotatedRow(None, original)
            continue
        summary.rows += 1
        value, changed = original.get(column), original
        if value is None or str(value).strip() in ("", "[]", "nan"):
            summary.without += 1
        else:
            carried = migration.carry(value)
            if carried != value:
                changed = reader.format.replace_category(reader, original, carried)
            if migration.failed:
                _note_left(left, summary, migration, number, row.id)
            elif changed is original:
                summary.same += 1
            else:
                summary.carried += 1
        if isinstance(row, RejectedRow) and reader.format.is_export and changed is original:
            yield AnnotatedRow(None, original)
        else:
            product = row if isinstance(row, Product) else Product(id=row.id or "", original=original)
            yield AnnotatedRow(_with_category_of(reader, product, changed), changed)


def _with_category_of(reader: CatalogReader, product: Product, changed: Any) -> Product:
    """The product with the category of its changed record: a table of other types writes it from there."""
    try:
        read = reader.product_of(changed)
    except CatalogError:  # set aside for want of an id, say
        return product
    return replace(product, category=read.category, category_id=read.category_id)


def _note_left(
    left: dict[str, LeftCategory], summary: MigrationSummary, migration: CategoryMigration, number: int, id_: str | None
) -> None:
    for text, change in migration.failed.items():
        if text not in left:
            reason = "is not in the old taxonomy"
            if change is not None:
                reason = f"was split into {len(change.paths)}" if change.paths else "is gone from the new taxonomy"
            left[text] = LeftCategory(text, reason, [] if change is None else migration.diff.suggest(change))
            summary.left.append(left[text])
        left[text].rows.append(number)
        left[text].ids.append(id_)


def _write_lines(path: Path, rows: Iterator[AnnotatedRow]) -> None:
    unfinished = path.with_name(f"{path.name}.new")
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            for row in rows:
                if row.product is not None:
                    file.write(json.dumps(row.original, ensure_ascii=False, default=plain_json) + "\n")
        unfinished.replace(path)
    except OSError as error:
        raise CatalogError(
            f"{path}: can't be written ({error.strerror or error}); mend the path or the disk"
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)
