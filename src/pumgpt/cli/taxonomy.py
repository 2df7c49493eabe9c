"""`pumgpt taxonomy`: words of a shop matched with the model's, and a taxonomy renewed with the catalogue that has it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pumgpt.cli.options import FILE, Decorator, json_option
from pumgpt.cli.taxonomy_match import match_command, match_values_command
from pumgpt.errors import UsageError

if TYPE_CHECKING:
    from pumgpt.catalog.formats.base import CatalogReader
    from pumgpt.catalog.migration import LeftCategory, MigrationSummary
    from pumgpt.catalog.vocabulary.taxonomy import CategoryPath
    from pumgpt.catalog.vocabulary.taxonomy_diff import CategoryChange, TaxonomyDiff

_MOST_NAMED = 20
"""Categories that are named on the terminal one by one."""
_MOST_SEARCHED = 500

map_option: Decorator = click.option(
    "--map",
    "mappings",
    type=FILE,
    metavar="F",
    help="Mappings from release to release, a file or a folder of them. Default: those that NEW or PumGPT brings.",
)
columns_option: Decorator = click.option(
    "--columns", "columns", type=FILE, metavar="F", help="Which column is read as what (YAML). Default: a guess."
)


@click.group("taxonomy")
def command() -> None:
    """Match a taxonomy of your own with the model's; renew one: see what changes, and carry a catalogue over."""


command.add_command(match_command)
command.add_command(match_values_command)


@command.command("diff")
@click.argument("old_path", type=FILE, metavar="OLD")
@click.argument("new_path", type=FILE, metavar="NEW")
@map_option
@click.option(
    "--catalog", "catalog", type=FILE, metavar="F", help="Only what concerns the categories of this catalogue."
)
@columns_option
@json_option
def diff_command(
    old_path: Path, new_path: Path, mappings: Path | None, catalog: Path | None, columns: Path | None, as_json: bool
) -> None:
    """Say what becomes of the categories of the taxonomy OLD in NEW, and which attributes of a category came and went.

    One change a line, separated by tabs: what happened (renumbered, renamed, moved, follows, merged, split, gone, new), the
    old path, the new ones; for attributes the category and the names with + and -. Categories that stay aren't listed.
    """
    from pumgpt.cli.console import print_json, say

    diff = _load_diff(old_path, new_path, mappings)
    used = None if catalog is None else _used_categories(_open_catalog(catalog, columns), diff)
    changes = [change for change in diff.changes if used is None or used[change.path]]
    added = diff.added if used is None else ()
    if as_json:
        print_json(_document(diff, changes, added, used))
        return
    near = _suggestions(diff, changes)
    for change in changes:
        _print_change(change, near, used)
    for path in added:
        click.echo(f"new\t\t{_joined(path)}")
    kinds: Counter[str] = Counter(change.kind for change in changes)
    found = ", ".join(f"{kinds[kind]:,} {kind}" for kind in diff.counts if kinds[kind])
    attributes = sum(bool(change.attributes.came or change.attributes.gone) for change in changes)
    say(
        f"{len(changes):,} categories: {found or 'none'}; {len(added):,} new; attributes of {attributes:,} came or went"
    )


@command.command("migrate")
@click.argument("in_path", type=FILE, metavar="IN")
@click.argument("out_path", type=FILE, metavar="OUT")
@click.option("--from", "old_path", type=FILE, required=True, metavar="OLD", help="The taxonomy of IN.")
@click.option("--to", "new_path", type=FILE, required=True, metavar="NEW", help="The one to carry it to.")
@map_option
@columns_option
@click.option("--overwrite", is_flag=True, help="Replace OUT where it is there already.")
@json_option
def migrate_command(
    in_path: Path,
    out_path: Path,
    old_path: Path,
    new_path: Path,
    mappings: Path | None,
    columns: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write the catalogue IN to OUT with its categories carried from the taxonomy OLD to NEW; all else stays as it is.

    A category that was split, is gone, or isn't in OLD stays as it is: it is named, and OUT.left.jsonl has its rows.
    """
    from pumgpt.catalog.migration import migrate_catalog
    from pumgpt.cli.console import print_json, say
    from pumgpt.cli.progress import RowsBar
    from pumgpt.jobs.journal import check_paths

    reader = _open_catalog(in_path, columns)
    check_paths(reader, out_path, annotated=True)
    if out_path.exists() and not overwrite:
        raise UsageError(f"{out_path} is there already; name another, or --overwrite")
    diff = _load_diff(old_path, new_path, mappings)
    with RowsBar("migrate", reader.count()) as bar:
        summary = migrate_catalog(reader, out_path, diff, lambda row: bar.update(row, 0, 0))
    left_path = out_path.with_name(f"{out_path.stem}.left.jsonl")
    _write_left(left_path, summary.left)
    for warning in summary.warnings:
        say(warning)
    for row in summary.unreadable:
        say(f"row {row.row} (id {row.id}) is not in {out_path.name}: {row.error}")
    if as_json:
        print_json(_migration_document(summary, out_path))
        return
    for left in summary.left[:_MOST_NAMED]:
        say(_left_line(left))
    if len(summary.left) > _MOST_NAMED:
        say(f"and {len(summary.left) - _MOST_NAMED:,} more categories")
    say(
        f"{summary.rows:,} rows in {out_path}: {summary.carried:,} carried over, {summary.same:,} the same, "
        f"{summary.without:,} without a category, {summary.left_rows:,} left as they are"
        + (f" ({left_path} lists them)" if summary.left else "")
    )


def _load_diff(old_path: Path, new_path: Path, mappings: Path | None) -> TaxonomyDiff:
    from pumgpt.catalog.vocabulary.release_mappings import ReleaseMappings, shipped_mappings
    from pumgpt.catalog.vocabulary.taxonomies import load_release
    from pumgpt.catalog.vocabulary.taxonomy_diff import TaxonomyDiff
    from pumgpt.cli.console import say

    old, new = load_release(old_path), load_release(new_path)
    for warning in (*old.taxonomy.warnings, *new.taxonomy.warnings):
        say(warning)
    followed = ReleaseMappings.load(mappings) if mappings else ReleaseMappings.beside(new_path) or shipped_mappings()
    return TaxonomyDiff.between(old, new, followed)


def _open_catalog(path: Path, columns: Path | None) -> CatalogReader:
    from pumgpt.catalog.formats.column_map import ColumnMap
    from pumgpt.catalog.formats.registry import read_catalog

    return read_catalog(path, None if columns is None else ColumnMap.load(columns))


def _used_categories(reader: CatalogReader, diff: TaxonomyDiff) -> Counter[CategoryPath]:
    """How many products of a catalogue each category of the old taxonomy has."""
    from pumgpt.catalog.product import Product
    from pumgpt.cli.console import say

    used: Counter[CategoryPath] = Counter()
    unknown: Counter[str] = Counter()
    for row in reader:
        if isinstance(row, Product) and row.category is not None:
            text = row.category_id or _joined(row.category)
            path = diff.old.find(text)
            if path is None:
                unknown[text] += 1
            else:
                used[path] += 1
    for warning in reader.warnings:
        say(warning)
    if unknown:
        first = ", ".join(f"'{text}'" for text, _ in unknown.most_common(3))
        say(f"{unknown.total():,} products have categories that aren't in OLD, and are left out: {first}")
    return used


def _suggestions(diff: TaxonomyDiff, changes: list[CategoryChange]) -> dict[CategoryPath, list[CategoryPath]]:
    """Where the categories that are gone may belong. A search takes some 10 ms, so that not all of thousands have one."""
    gone = [change for change in changes if change.kind == "gone"]
    return {change.path: diff.suggest(change) for change in gone[:_MOST_SEARCHED]}


def _print_change(
    change: CategoryChange, suggestions: dict[CategoryPath, list[CategoryPath]], used: Counter[CategoryPath] | None
) -> None:
    count = [] if used is None else [str(used[change.path])]
    if change.kind == "gone":
        near = "; ".join(map(_joined, suggestions.get(change.path, [])))
        click.echo("\t".join(("gone", _joined(change.path), f"(near: {near})" if near else "", *count)))
    elif change.kind == "renumbered":
        click.echo("\t".join(("renumbered", _joined(change.path), f"{change.id} is {change.ids[0]}", *count)))
    elif change.kind != "same":
        click.echo("\t".join((change.kind, _joined(change.path), *map(_joined, change.paths), *count)))
    came, gone = change.attributes
    if came or gone:
        names = ", ".join((*(f"+{name}" for name in came), *(f"-{name}" for name in gone)))
        click.echo("\t".join(("attributes", _joined(change.paths[0]), names)))


def _document(
    diff: TaxonomyDiff,
    changes: list[CategoryChange],
    added: tuple[CategoryPath, ...],
    used: Counter[CategoryPath] | None,
) -> dict[str, Any]:
    kinds: Counter[str] = Counter(change.kind for change in changes)
    near = _suggestions(diff, changes)
    return {
        "old": {"version": diff.old.version, "categories": len(diff.old.paths)},
        "new": {"version": diff.new.version, "categories": len(diff.new.paths)},
        "counts": {**{kind: kinds[kind] for kind in diff.counts if kind != "new"}, "new": len(added)},
        "changes": [
            _change_document(change, near, used)
            for change in changes
            if change.kind != "same" or change.attributes.came or change.attributes.gone
        ],
        "new_categories": [{"path": list(path), "id": diff.new.id_of(path)} for path in added],
    }


def _change_document(
    change: CategoryChange, suggestions: dict[CategoryPath, list[CategoryPath]], used: Counter[CategoryPath] | None
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "kind": change.kind,
        "path": list(change.path),
        "id": change.id,
        "to": [{"path": list(path), "id": id_} for path, id_ in zip(change.paths, change.ids, strict=True)],
    }
    if change.kind == "gone":
        document["suggestions"] = [list(path) for path in suggestions.get(change.path, [])]
    if change.attributes.came or change.attributes.gone:
        document["attributes"] = {"came": list(change.attributes.came), "gone": list(change.attributes.gone)}
    return document if used is None else {**document, "products": used[change.path]}


def _write_left(path: Path, left: list[LeftCategory]) -> None:
    """A line for each row that keeps a category of the old taxonomy; no file where there is none."""
    path.unlink(missing_ok=True)
    if not left:
        return
    with path.open("w", encoding="utf-8") as file:
        for category in left:
            near = [_joined(suggestion) for suggestion in category.suggestions]
            for row, id_ in zip(category.rows, category.ids, strict=True):
                line = {
                    "row": row,
                    "id": id_,
                    "category": category.category,
                    "reason": category.reason,
                    "suggestions": near,
                }
                file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _migration_document(summary: MigrationSummary, out_path: Path) -> dict[str, Any]:
    return {
        "rows": summary.rows,
        "carried": summary.carried,
        "same": summary.same,
        "without": summary.without,
        "left": [
            {
                "category": left.category,
                "reason": left.reason,
                "suggestions": [_joined(path) for path in left.suggestions],
                "rows": left.rows,
                "ids": left.ids,
            }
            for left in summary.left
        ],
        "unreadable": [{"row": row.row, "id": row.id, "error": row.error} for row in summary.unreadable],
        "out": str(out_path),
    }


def _left_line(left: LeftCategory) -> str:
    rows = f"row {left.rows[0]}" if len(left.rows) == 1 else f"{len(left.rows):,} rows, the first {left.rows[0]}"
    near = f"; near are {'; '.join(map(_joined, left.suggestions))}" if left.suggestions else ""
    return f"{rows} (id {left.ids[0]}): '{left.category}' {left.reason}, and stays{near}"


def _joined(path: CategoryPath) -> str:
    return " > ".join(path)
