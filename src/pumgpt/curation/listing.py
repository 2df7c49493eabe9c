"""The listed values of a row: found before judging, taken out or moved aside after it, in the shape that they had.

A product's `attributes` may be an object or a list of name-value pairs. A column of its own that a schema names as an
attribute (CSV has no other way) is a listed value too; several values in it are separated by `|`.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any

from pumgpt.catalog.product import AttributeValue, Product
from pumgpt.curation.verdict import Verdict

SET_ASIDE = "attributes_set_aside"
VERDICTS_COLUMN = "pumgpt_verdicts"
"""Where a table has what a record in JSON lines has as `verdicts`."""

Verdicts = Sequence[Mapping[str, Any]]
"""A row's `verdicts`, as `Ruling.to_json` gives them: one for every listed value."""

_Fates = defaultdict[str, deque[bool]]
"""Attribute name -> whether each of its values failed, in the order of the row."""


class Failing(StrEnum):
    """What becomes of values that fail."""

    DROP = "drop"
    MOVE = "move"
    KEEP = "keep"


def with_columns(product: Product, names: Collection[str]) -> Product:
    """The product with those of its own columns as attributes that `names` (casefolded) holds."""
    columns = _attribute_columns(product.extra, names)
    given = product.attributes or {}
    new = {name: _value(cell) for name, cell in columns.items() if name not in given}
    return replace(product, attributes={**given, **new}) if new else product


Strike = Callable[[Any, Mapping[str, Collection[str]]], Any]
"""`Format.strike` of a system's export: a record and failing values by attribute -> the record without them."""


def curated_export(product: Product, verdicts: Verdicts, failing: Failing, strike: Strike) -> tuple[Any, Any]:
    """A system's record in its own form without the failing values, and what is set aside of them (None: nothing), with what
    was set aside before.
    """
    failed: dict[str, list[str]] = defaultdict(list)
    for verdict in verdicts:
        if verdict["verdict"] != Verdict.SUPPORTED:
            failed[verdict["name"]].append(verdict["value"])
    if failing is Failing.KEEP or not failed:
        return product.original, None
    aside = {name: values[0] if len(values) == 1 else values for name, values in failed.items()}
    if failing is Failing.DROP:
        return strike(product.original, failed), None
    return strike(product.original, failed), _joined(_set_aside_before(product.original), aside)


def _set_aside_before(original: Mapping[str, Any]) -> Any:
    """What an earlier run left in an export: JSON, in the column or the element that is called so."""
    names = (name for name in original if name == SET_ASIDE or name.endswith(f":{SET_ASIDE}"))
    cell = original.get(next(names, ""))
    try:
        return json.loads(cell) if cell else None
    except ValueError:
        return None


def curated_record(
    product: Product,
    verdicts: Verdicts,
    failing: Failing,
    names: Collection[str] = (),
    strike: Strike | None = None,
) -> dict[str, Any]:
    """The record as it was read, without its failing values. `strike` takes them out of a system's export."""
    if strike is not None:
        original, moved = curated_export(product, verdicts, failing, strike)
        return {**original, **({SET_ASIDE: moved} if moved else {})}
    record = dict(product.original)
    if failing is not Failing.KEEP:
        fates = _fates(verdicts)
        aside: Any = None
        if record.get("attributes"):
            record["attributes"], aside = _split(record["attributes"], fates)
        columns = _attribute_columns(product.extra, names)
        for name in (name for name in columns if any(fates[name])):
            kept, failed = _split_values(_values(columns[name]), fates[name])
            record[name] = "|".join(kept) or ("" if isinstance(product.original[name], str) else None)
            aside = _joined(aside, {name: failed[0] if len(failed) == 1 else failed})
        if failing is Failing.MOVE and aside:
            record[SET_ASIDE] = _joined(record.get(SET_ASIDE), aside)
    return record


def _attribute_columns(columns: Mapping[str, Any], names: Collection[str]) -> dict[str, str]:
    return {
        name: cell
        for name, cell in columns.items()
        if name.casefold() in names and isinstance(cell, str) and _values(cell)
    }


def _values(cell: str) -> list[str]:
    return [part.strip() for part in cell.split("|") if part.strip()]


def _value(cell: str) -> AttributeValue:
    values = _values(cell)
    return values[0] if len(values) == 1 else values


def _fates(verdicts: Verdicts) -> _Fates:
    fates: _Fates = defaultdict(deque)
    for verdict in verdicts:
        fates[verdict["name"]].append(verdict["verdict"] != Verdict.SUPPORTED)
    return fates


def _split(attributes: Any, fates: _Fates) -> tuple[Any, Any]:
    """What stays and what failed of an object or a list of pairs, each in the same shape."""
    if isinstance(attributes, Mapping):
        parts = {name: _split_given(given, fates[str(name)]) for name, given in attributes.items()}
        kept = {name: stays for name, (stays, failed) in parts.items() if failed is None or stays is not None}
        return kept, {name: failed for name, (_, failed) in parts.items() if failed is not None}
    pairs = [(pair, *_split_given(pair.get("value"), fates[str(pair["name"])])) for pair in attributes]
    staying = [
        {**pair, "value": stays} if failed else pair
        for pair, stays, failed in pairs
        if failed is None or stays is not None
    ]
    return staying, [{**pair, "value": failed} for pair, _, failed in pairs if failed is not None]


def _split_given(given: Any, fates: deque[bool]) -> tuple[Any, Any]:
    """The staying and the failed part of one attribute's value or values; None where there is none."""
    kept, failed = _split_values(given if isinstance(given, list) else [given], fates)
    if isinstance(given, list):
        return (kept if kept or not failed else None), failed or None
    return (None, given) if failed else (given, None)


def _split_values(values: Sequence[Any], fates: deque[bool]) -> tuple[list[Any], list[Any]]:
    kept: list[Any] = []
    failed: list[Any] = []
    for value in values:
        is_listed = value is not None and value != ""
        (failed if is_listed and fates.popleft() else kept).append(value)
    return kept, failed


def _joined(before: Any, new: Any) -> Any:
    """What was set aside earlier, and what is now: nothing of it is lost."""
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
