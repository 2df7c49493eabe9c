"""What a model filled, back into Akeneo: where the shop still has no value, in batches, and never a new product.

A variant takes values of its own level only; what its family variant keeps on a product model is sent there, if all variants
in the file for which it was filled agree.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from pydantic import ValidationError

from pumgpt.catalog.formats.jsonl import JSON_LINES
from pumgpt.catalog.understanding import AttributeField, CategoryField, Understanding
from pumgpt.connectors.akeneo.client import PAGE_ITEMS, AkeneoClient, Item
from pumgpt.connectors.akeneo.config import AkeneoConfig
from pumgpt.connectors.akeneo.structure import AkeneoAttribute, Structure
from pumgpt.connectors.akeneo.values import ProductModels, ValueReader
from pumgpt.errors import CatalogError, UsageError

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SEARCH_CHARS = 3_000
"""What may stand in one search: servers refuse addresses of more than 8,000 characters, and quoting doubles some."""
_CATEGORY = "category"


class Change(NamedTuple):
    """One line of a batch: what it is about, what is sent, and the fields that it fills."""

    id: str
    path: str
    line: Item
    fields: tuple[str, ...]


class Refusal(NamedTuple):
    """A line that Akeneo didn't take, or one of the file that is no record."""

    id: str
    status: int | None
    error: str


@dataclass
class PushSummary:
    """The result of `push` in numbers."""

    rows: int = 0
    changed: int = 0
    """Products and product models that took something; with `dry_run`, that would be sent something."""
    filled: Counter[str] = field(default_factory=Counter)
    """Values by the attribute's name, and `category`."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Filled values that weren't sent, by reason."""
    refused: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "changed": self.changed,
            "filled": dict(self.filled),
            "skipped": dict(self.skipped),
            "refused": self.refused,
        }


def push(
    client: AkeneoClient,
    config: AkeneoConfig,
    filled: Path,
    *,
    overwrite: bool = False,
    dry_run: Callable[[Change], None] | None = None,
    refused: Callable[[Refusal], None] = lambda refusal: None,
    progress: Callable[[PushSummary], None] = lambda summary: None,
) -> PushSummary:
    """Send the filled values of a record file. Sending the same file again changes nothing.

    `dry_run` gets every change instead of Akeneo. `refused` is told of what can't be used or isn't taken; the rest goes on.
    Raises `CatalogError` where Akeneo can't be asked, or no line of the file is a record; `UsageError` for another format.
    """
    if filled.suffix.lower() not in JSON_LINES:
        raise UsageError(f"{filled}: only records say what was filled; let `pumgpt enrich` write to a .jsonl file")
    summary = PushSummary()
    planner = ChangePlanner(client, config, overwrite, summary)

    def deliver(changes: Sequence[Change]) -> None:
        for path in dict.fromkeys(change.path for change in changes):
            batch = [change for change in changes if change.path == path]
            if dry_run is None:
                results = client.patch(path, [change.line for change in batch])
            for number, change in enumerate(batch):
                if dry_run is not None:
                    dry_run(change)
                elif not results[number].accepted:
                    summary.refused += 1
                    refused(Refusal(change.id, *results[number]))
                    continue
                summary.changed += 1
                summary.filled.update(change.fields)
        progress(summary)

    for records in _batches(filled, summary, refused):
        deliver(planner.product_changes(records))
    for changes in planner.model_changes():
        deliver(changes)
    if not summary.rows:
        raise CatalogError(f"{filled}: has no record of `pumgpt enrich`; let that write its output as JSON lines")
    return summary


class ChangePlanner:
    """Decides what is sent, by what Akeneo holds at that moment. Counts in `summary` what isn't sent and why."""

    def __init__(self, client: AkeneoClient, config: AkeneoConfig, overwrite: bool, summary: PushSummary) -> None:
        self._client, self._config = client, config
        self._overwrite, self._skipped = overwrite, summary.skipped
        self._structure = Structure.fetch(client, config)
        self._reader = ValueReader(config, self._structure)
        self._models = ProductModels(client)
        self._category_codes = {path: code for code, path in self._structure.categories.items()}
        self._levels: dict[tuple[str, str], list[set[str]]] = {}
        self._proposals: dict[str, dict[str, Any]] = {}
        """Product model -> attribute -> what all variants so far agree on; None where they don't."""

    def product_changes(self, records: Sequence[Understanding]) -> list[Change]:
        """The changes to these products, at most one for each."""
        current = self._current([record.id for record in records])
        changes = []
        for record in records:
            item = current.get(record.id)
            if item is None:
                self._skipped["the product isn't in Akeneo"] += _num_filled(record)
                continue
            key = "identifier" if item.get("identifier") == record.id else "uuid"
            line, fields = self._line(item, record)
            if fields:
                path = "/products" if key == "identifier" else "/products-uuid"
                changes.append(Change(record.id, path, {key: record.id, **line}, fields))
        return changes

    def model_changes(self) -> Iterator[list[Change]]:
        """Batches of changes to product models, once all of their variants are known."""
        changes = []
        for code, proposals in self._proposals.items():
            model = self._client.find(f"/product-models/{quote(code, safe='')}")
            values, fields = {}, []
            for attribute_code, data in proposals.items():
                attribute = self._structure.attributes[attribute_code]
                if data is None:
                    self._skipped["its variants were filled differently"] += 1
                elif model is not None and self._may_write(model, attribute, data):
                    values[attribute_code] = [{**self._reader.place_of(attribute), "data": data}]
                    fields.append(attribute.name)
            if fields:
                changes.append(Change(code, "/product-models", {"code": code, "values": values}, tuple(fields)))
            if len(changes) == PAGE_ITEMS:
                yield changes
                changes = []
        if changes:
            yield changes

    def _current(self, ids: Sequence[str]) -> dict[str, Item]:
        """What Akeneo holds now, by identifier, or by uuid for products that have none."""
        found: dict[str, Item] = {}
        for path, key, wanted in (
            ("/products", "identifier", ids),
            ("/products-uuid", "uuid", [id_ for id_ in ids if _UUID.fullmatch(id_)]),
        ):
            for group in _search_groups([id_ for id_ in wanted if id_ not in found]):
                for item in self._client.search(path, key, group, {"locales": self._config.locale}):
                    found[item[key]] = item
        return found

    def _line(self, item: Item, record: Understanding) -> tuple[Item, tuple[str, ...]]:
        """What is sent of a record, and the names of the fields in it. What belongs to a product model is put aside."""
        whole = self._models.inherited(item)
        values: dict[str, Any] = {}
        fields: list[str] = []
        for stated in record.attributes or ():
            found = self._attribute_data(whole, stated)
            if found is None:
                continue
            attribute, data = found
            owner = self._owner(item, attribute.code)
            if owner is None:
                values[attribute.code] = [{**self._reader.place_of(attribute), "data": data}]
                fields.append(attribute.name)
            else:
                proposals = self._proposals.setdefault(owner, {})
                proposals[attribute.code] = data if proposals.get(attribute.code, data) == data else None
        line: Item = {"values": values} if values else {}
        code = self._category_code(whole, record.category)
        if code is not None:
            # A list is replaced as a whole, so it is sent with what stands in it.
            line["categories"] = [*(item.get("categories") or ()), code]
            fields.append(_CATEGORY)
        return line, tuple(fields)

    def _attribute_data(self, item: Item, stated: AttributeField) -> tuple[AkeneoAttribute, Any] | None:
        """The attribute that a filled field means with its value in codes; None where there is nothing to write."""
        if stated.status != "filled" or not stated.value:
            return None
        attribute = self._structure.by_name(stated.name)
        family = self._structure.families.get(item.get("family") or "")
        reason = None
        if attribute is None:
            reason = "Akeneo has no attribute of this name to fill"
        elif family is not None and attribute.code not in family.get("attributes", ()):
            reason = "the product's family doesn't have the attribute"
        else:
            try:
                data = attribute.data_of(stated.value)
                return (attribute, data) if self._may_write(item, attribute, data) else None
            except KeyError:
                reason = "the attribute has no such option"
        self._skipped[reason] += 1
        return None

    def _may_write(self, item: Item, attribute: AkeneoAttribute, data: Any) -> bool:
        present = self._reader.data(item.get("values") or {}, attribute)
        if present is None or (self._overwrite and present != data):
            return True
        self._skipped["there is a value already"] += 1
        return False

    def _category_code(self, item: Item, stated: CategoryField | None) -> str | None:
        if stated is None or stated.status != "filled" or not stated.path:
            return None
        code = self._category_codes.get(tuple(stated.path))
        there = item.get("categories") or ()
        if code is None:
            self._skipped["the channel's tree has no such category"] += 1
        elif code in there or (self._structure.deepest(there) is not None and not self._overwrite):
            self._skipped["there is a category already"] += 1
        else:
            return code
        return None

    def _owner(self, item: Item, code: str) -> str | None:
        """The product model that has this attribute for a variant; None where the product has it itself."""
        parent = self._models.get(item.get("parent"))
        if parent is None:
            return None
        levels = self._variant_levels(parent)
        level = next((number for number, codes in enumerate(levels, start=1) if code in codes), 0)
        if level == len(levels):
            return None
        # With two levels the parent is the first one's model, and its own parent has what is common to all.
        owner = parent["code"] if level == len(levels) - 1 else parent.get("parent")
        return owner if isinstance(owner, str) else None

    def _variant_levels(self, model: Item) -> list[set[str]]:
        """The attributes of each level of a family variant; those that are in none are common to all."""
        family, variant = model.get("family") or "", model.get("family_variant") or ""
        if (family, variant) not in self._levels:
            path = f"/families/{quote(family, safe='')}/variants/{quote(variant, safe='')}"
            sets = (self._client.find(path) or {}).get("variant_attribute_sets", ())
            self._levels[family, variant] = [
                {*level.get("axes", ()), *level.get("attributes", ())}
                for level in sorted(sets, key=lambda level: int(level["level"]))
            ]
        return self._levels[family, variant]


def _batches(filled: Path, summary: PushSummary, refused: Callable[[Refusal], None]) -> Iterator[list[Understanding]]:
    """The records of a file, as many at a time as fit one batch of changes."""
    batch: list[Understanding] = []
    with filled.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                batch.append(Understanding.model_validate_json(line))
            except ValidationError:
                summary.refused += 1
                refused(
                    Refusal(f"line {number}", None, "is no record of `pumgpt enrich`; write its output as JSON lines")
                )
                continue
            summary.rows += 1
            if len(batch) == PAGE_ITEMS:
                yield batch
                batch = []
    if batch:
        yield batch


def _search_groups(ids: Sequence[str]) -> Iterator[list[str]]:
    group: list[str] = []
    for id_ in ids:
        if group and len(json.dumps([*group, id_])) > _SEARCH_CHARS:
            yield group
            group = []
        group.append(id_)
    if group:
        yield group


def _num_filled(record: Understanding) -> int:
    stated = [*(record.attributes or ()), *([record.category] if record.category else ())]
    return sum(one.status == "filled" for one in stated)
