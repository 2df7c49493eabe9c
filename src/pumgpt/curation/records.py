"""The listed values of a row: collected before judging, and removed or set aside after it, in their original shape.

A product's `attributes` may be an object or a list of name-value pairs. A column that the schema names as an attribute is
a listed value too (CSV has no other way); several values in one cell are separated by `|`.

A category is removed only where it is contradicted: that photo and text don't tell it is no reason to take away where the
shop has put a product.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any

from pumgpt.catalog.formats.base import CatalogReader
from pumgpt.catalog.product import Product, is_missing, pairs_of_lists, written_attributes
from pumgpt.catalog.vocabulary.attribute_names import find_attribute
from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR
from pumgpt.curation.verdict import CATEGORY, Verdict

SET_ASIDE = "attributes_set_aside"
VERDICTS_COLUMN = "pumgpt_verdicts"
"""The column of a table for what is `verdicts` in a record of JSON lines."""

Verdicts = Sequence[Mapping[str, Any]]
"""A row's verdicts as `FusedVerdict.to_json` gives them, one for each listed value."""

RemoveValues = Callable[[Any, Mapping[str, Collection[str]]], Any]
"""`Format.strike` of a shop system's export: from a record and failed values by attribute to the record without them."""

RemoveCategory = Callable[[Any], Any]
"""From a record in its own form to the record without its category."""

# Attribute name -> whether each of its values failed, in the order of the row. A queue, because the same value may be
# listed twice: failures belong to positions, not to texts.
_Failures = defaultdict[str, deque[bool]]


class FailedValues(StrEnum):
    """What becomes of values that aren't supported."""

    DROP = "drop"
    MOVE = "move"
    KEEP = "keep"


def with_columns(product: Product, names: Collection[str]) -> Product:
    """The product with those of its own columns as attributes whose casefolded names are in `names`."""
    given = product.attributes or {}
    columns = _attribute_columns(product.extra, names)
    cells = {n: _cell_values(cell) for n, cell in columns.items() if not find_attribute(given, n)}
    new = {name: values[0] if len(values) == 1 else values for name, values in cells.items()}
    return replace(product, attributes={**given, **new}) if new else product


def curated_record(
    product: Product,
    verdicts: Verdicts,
    failed_values: FailedValues,
    names: Collection[str] = (),
    remove_values: RemoveValues | None = None,
    read_columns: Mapping[str, str] | None = None,
    remove_category: RemoveCategory | None = None,
) -> dict[str, Any]:
    """The product's original record without its failed values. `names` are the attribute columns (casefolded);
    `remove_values` is given for the export of a shop system, `read_columns` (attribute -> column) where the catalogue reads
    attributes from columns, `remove_category` where a category can be removed.
    """
    if remove_values is not None:
        original, moved = curated_export(product, verdicts, failed_values, remove_values, remove_category)
        return {**original, **({SET_ASIDE: moved} if moved else {})}
    record = dict(product.original)
    if failed_values is FailedValues.KEEP:
        return record
    failures: _Failures = defaultdict(deque)
    for verdict in _on_attributes(verdicts):
        failures[verdict["name"]].append(verdict["verdict"] != Verdict.SUPPORTED)
    aside: Any = None
    if remove_category is not None and category_fails(verdicts):
        record = dict(remove_category(record))
        aside = {CATEGORY: SEPARATOR.join(product.category or ())}
    if record.get("attributes"):
        record["attributes"], failed_pairs = _split_attributes(record["attributes"], failures)
        aside = _merge(aside, failed_pairs) if failed_pairs else aside
    # If `attributes` has the same name, its values were the claims, and their queue is empty by now.
    columns = _attribute_columns(product.extra, names)
    for name in (name for name in columns if any(failures[name])):
        kept, failed = _split_values(_cell_values(columns[name]), failures[name])
        # An empty cell stays of its type: "" in a text column, null elsewhere.
        record[name] = "|".join(kept) or ("" if isinstance(product.original[name], str) else None)
        aside = _merge(aside, {name: failed[0] if len(failed) == 1 else failed})
    for name, column in (read_columns or {}).items():
        if not any(failures[name]):
            continue
        kept, failed = _split_values(_as_list((product.attributes or {}).get(name)), failures[name])
        cell = product.original[column]
        record[column] = kept if isinstance(cell, list) else "|".join(kept) or ("" if isinstance(cell, str) else None)
        aside = _merge(aside, {name: failed[0] if len(failed) == 1 else failed})
    if failed_values is FailedValues.MOVE and aside:
        record[SET_ASIDE] = _merge(record.get(SET_ASIDE), aside)
    return record


def curated_export(
    product: Product,
    verdicts: Verdicts,
    failed_values: FailedValues,
    remove_values: RemoveValues,
    remove_category: RemoveCategory | None = None,
) -> tuple[Any, Any]:
    """A shop system's record without the failed values, and all that is set aside of it by now (None: nothing)."""
    failed: dict[str, list[str]] = defaultdict(list)
    for verdict in _on_attributes(verdicts):
        if verdict["verdict"] != Verdict.SUPPORTED:
            failed[verdict["name"]].append(verdict["value"])
    loses_category = remove_category is not None and category_fails(verdicts)
    if failed_values is FailedValues.KEEP or not (failed or loses_category):
        return product.original, None
    record = product.original
    if remove_category is not None and loses_category:
        record = remove_category(record)
    record = remove_values(record, failed) if failed else record
    if loses_category:
        failed[CATEGORY] = [SEPARATOR.join(product.category or ())]
    if failed_values is FailedValues.DROP:
        return record, None
    # A feed prefixes the names of its elements with a namespace, such as `g:`.
    names = (n for n in product.original if n == SET_ASIDE or n.endswith(f":{SET_ASIDE}"))
    cell = product.original.get(next(names, ""))
    try:
        before = json.loads(cell) if isinstance(cell, str) and cell else cell or None
    except ValueError:
        before = None
    return record, _merge(before, {name: values[0] if len(values) == 1 else values for name, values in failed.items()})


def category_fails(verdicts: Verdicts) -> bool:
    return any("path" in verdict and verdict["verdict"] == Verdict.CONTRADICTED for verdict in verdicts)


def category_remover(reader: CatalogReader) -> RemoveCategory | None:
    """How a record of this catalogue loses its category; None where it has no column of categories."""
    column = reader.fills.category

    def remove(record: Any) -> Any:
        if not isinstance(record, Mapping) or column not in record:
            return record
        # An empty cell stays of its type: "" in a text column, null elsewhere.
        return reader.format.replace_category(reader, record, "" if isinstance(record[column], str) else None)

    return None if column is None else remove


def _on_attributes(verdicts: Verdicts) -> Verdicts:
    return [verdict for verdict in verdicts if "path" not in verdict]


def _attribute_columns(columns: Mapping[str, Any], names: Collection[str]) -> dict[str, str]:
    return {
        name: cell
        for name, cell in columns.items()
        if name.casefold() in names and isinstance(cell, str) and _cell_values(cell)
    }


def _cell_values(cell: str) -> list[str]:
    return [part.strip() for part in cell.split("|") if part.strip()]


def _split_attributes(attributes: Any, failures: _Failures) -> tuple[Any, Any]:
    """The kept part, in the shape that it came in, and the failed one: of an object, of a list of pairs, or of JSON of these."""
    if isinstance(attributes, str):
        written = written_attributes(attributes)
        if written is None:  # a column of the shop's own that happens to be called so
            return attributes, None
        kept, failed = _split_attributes(written, failures)
        return json.dumps(kept, ensure_ascii=False), failed
    columns = pairs_of_lists(attributes) if isinstance(attributes, Mapping) else None
    if columns is not None:
        kept, failed = _split_attributes([{"name": name, "value": value} for name, value in columns], failures)
        return {part: [pair[part] for pair in kept] for part in ("name", "value")}, failed
    if isinstance(attributes, list) and any(isinstance(pair, tuple) for pair in attributes):
        kept, failed = _split_attributes([{"name": name, "value": value} for name, value in attributes], failures)
        return [(pair["name"], pair["value"]) for pair in kept], failed
    if isinstance(attributes, Mapping):
        parts = {name: _split_given(given, failures[str(name)]) for name, given in attributes.items()}
        kept = {name: stays for name, (stays, failed) in parts.items() if failed is None or stays is not None}
        return kept, {name: failed for name, (_, failed) in parts.items() if failed is not None}
    pairs = [(pair, *_split_given(pair.get("value"), failures[str(pair["name"])])) for pair in attributes]
    staying = [
        {**pair, "value": stays} if failed else pair
        for pair, stays, failed in pairs
        if failed is None or stays is not None
    ]
    return staying, [{**pair, "value": failed} for pair, _, failed in pairs if failed is not None]


def _split_given(given: Any, failures: deque[bool]) -> tuple[Any, Any]:
    """The kept and the failed part of one attribute's value or list of values; None if there is none."""
    kept, failed = _split_values(given if isinstance(given, list) else [given], failures)
    if isinstance(given, list):
        return (kept if kept or not failed else None), failed or None
    return (None, given) if failed else (given, None)


def _split_values(values: Sequence[Any], failures: deque[bool]) -> tuple[list[Any], list[Any]]:
    kept: list[Any] = []
    failed: list[Any] = []
    for value in values:
        # Empty values make no claim, so there is no verdict on them to take from the queue.
        (failed if not is_missing(value) and failures.popleft() else kept).append(value)
    return kept, failed


def _merge(before: Any, new: Any) -> Any:
    """What an earlier run set aside, and what this one does: none of it may be lost."""
    if not before:
        return new
    if isinstance(before, Mapping) and isinstance(new, Mapping):
        both = {name: _as_list(before.get(name)) + _as_list(new.get(name)) for name in {**before, **new}}
        return {name: values[0] if len(values) == 1 else values for name, values in both.items()}
    return _as_pairs(before) + _as_pairs(new)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _as_pairs(attributes: Any) -> list[Any]:
    if isinstance(attributes, Mapping):
        return [{"name": name, "value": value} for name, value in attributes.items()]
    return _as_list(attributes)
