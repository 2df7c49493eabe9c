"""Catalogues that are one JSON document: a list of products, or an object with the list in it.

Read, records of a shop system's interface are understood by their shape, others by our names or guessed ones, as in JSON lines.
Written, the document comes back as it was, with what was filled put where the system (or the shop) has it, and one member
`pumgpt` for each product: its record as in JSON lines. Any other catalogue becomes a list of its own columns.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from pumgpt.catalog.formats.annotated import AnnotatedRow, annotated_products
from pumgpt.catalog.formats.base import CatalogReader, Format, FormatWriter, Record, RejectedRow
from pumgpt.catalog.formats.column_map import ColumnMap, guess_columns, id_candidates, lacks_fields
from pumgpt.catalog.formats.filled import FilledColumns, Fills
from pumgpt.catalog.formats.json.edits import rewritten
from pumgpt.catalog.formats.json.items import JsonItem, JsonItems, is_json_lines
from pumgpt.catalog.formats.json.shape import RecordShape, filled_attributes
from pumgpt.catalog.formats.json.shapes import find_shape, shaped_product
from pumgpt.catalog.formats.jsonl import plain_json
from pumgpt.catalog.formats.text_lines import has_mark
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute
from pumgpt.errors import CatalogError

UNDERSTANDING = "pumgpt"
"""The member of a product that holds what we say of it."""
ROWS_TO_GUESS_FROM = 20
_WRAPPERS = ("node", "_source", "product")
"""Members that hold the product itself, in answers of GraphQL and of search engines."""

Place = tuple[str | int, ...]
"""Keys and numbers that lead from an element of the document's list to a product in it."""


@dataclass(frozen=True)
class JsonRecord(Mapping[str, Any]):
    """One product as a mapping; `item` is the element of the list that it stands in, at `place`."""

    item: JsonItem
    place: Place = ()
    fields: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)


class JsonReader(CatalogReader):
    """One product for each object of the document's list."""

    shape: RecordShape | None = None

    def __init__(self, format_: Format[Any], path: Path, column_map: ColumnMap | None = None) -> None:
        super().__init__(format_, path, column_map)
        self.items = JsonItems(path)
        self.settle()

    @cached_property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]
        """Every name that any product uses; the first call reads the whole file."""
        names: dict[str, None] = {}
        for record in self.records():
            names.update(dict.fromkeys(record if isinstance(record, JsonRecord) else ()))
        return tuple(names)

    @property
    def id_column(self) -> str:
        return super().id_column if self.shape is None else self.shape.id_field

    @property
    def fills(self) -> Fills:
        shape = self.shape
        return super().fills if shape is None else Fills(shape.category_field, {}, shape.attributes_field)

    def settle(self) -> None:
        """Find out from the first products how they are written."""
        sample = [record for record in islice(self.records(), ROWS_TO_GUESS_FROM) if isinstance(record, JsonRecord)]
        if self.column_map is None:
            self.shape = find_shape(sample)
        names = tuple(dict.fromkeys(name for record in sample for name in record))
        if self.shape is None and names:
            self.settle_columns(names)

    def settle_columns(self, names: Sequence[str]) -> None:
        candidates = id_candidates(names)
        # Unlike the typed columns of Parquet, those of a shop's interface have the usual names for the usual things.
        if self.column_map is None and candidates[:1] == ("id",) and lacks_fields(names):
            self.column_map = guess_columns(names, "id")
            assert self.column_map is not None
            self.warn(f"{self.path}: {self.column_map.describe()}; set it with --columns")
            return
        if candidates or self.column_map is not None:
            super().settle_columns(names)

    def places(self, value: Mapping[str, Any]) -> Iterator[Place]:
        """Where the products stand in an element of the list."""
        wrapper = next((name for name in _WRAPPERS if isinstance(value.get(name), dict)), None)
        yield () if wrapper is None or {"title", "name"} & value.keys() else (wrapper,)

    def records(self) -> Iterator[Record | RejectedRow]:
        held = ""
        for item in self.items:
            item = replace(item, before=held + item.before)
            if item.error is not None:
                yield RejectedRow(0, None, item.error, JsonRecord(item))
                held = ""
                continue
            places = list(self.places(item.value))
            # An element without a product goes back with the next one that has some.
            held = "" if places else item.before + item.text
            for place in places:
                yield JsonRecord(item, place, value_at(item.value, place))
        self.tail = held + self.items.tail

    tail = ""
    """What stands behind the last product; known after a whole pass."""

    def count_records(self) -> int:
        return sum(1 for _ in self.records())

    def product_of(self, record: Record) -> Product:
        assert isinstance(record, JsonRecord)
        if self.shape is not None:
            return shaped_product(self.shape, record, self.base)
        return replace(super().product_of(_plain(record)), original=record)

    def filled(
        self, record: JsonRecord, columns: FilledColumns, product: Product, understanding: Understanding
    ) -> dict[str, Any]:
        """The product's fields with what was filled, and with what we say of it."""
        fields: dict[str, Any] = dict(record.fields)
        values = filled_attributes(columns, product, understanding)
        category = columns.category(product, understanding)
        if self.shape is not None:
            if columns.overwrite_values and values:
                own = product.attributes or {}
                fields = self.shape.without(
                    fields, {fold_attribute(n): _listed(own.get(fold_attribute(n))) for n in values}
                )
            if values:
                fields = self.shape.with_attributes(fields, values)
            if category is not None:
                id_ = understanding.category.id if understanding.category else None
                before, fields = fields, self.shape.with_category(fields, category, id_)
                if fields == before:
                    self.warn(
                        f"{self.path}: {self.shape.name} take categories by the shop's own numbers, so theirs stay as "
                        "they are; give --taxonomy with these as ids"
                    )
        else:
            self._fill_plain(fields, values, category)
        return {**fields, **self.note(UNDERSTANDING, own_answer(understanding))}

    def note(self, name: str, value: Any) -> dict[str, Any]:
        """A member of ours."""
        return {name: value}

    def _fill_plain(self, fields: dict[str, Any], values: Mapping[str, list[str]], category: list[str] | None) -> None:
        """Fill the shop's own fields, or `category` and `attributes`, in the form that they have."""
        if category is not None:
            name = self.fills.category or "category"
            fields[name] = " > ".join(category) if isinstance(fields.get(name), str) else category
        pairs: dict[str, list[str]] = {}
        for name, items in values.items():
            column = self.fills.attributes.get(fold_attribute(name))
            if column is not None:
                fields[column] = items[0] if len(items) == 1 else items
            else:
                pairs[name] = items
        if not pairs:
            return
        own = fields.get("attributes")
        if isinstance(own, list):
            fields["attributes"] = [*own, *({"name": n, "value": v} for n, items in pairs.items() for v in items)]
        elif own is None or isinstance(own, Mapping):
            fields["attributes"] = {**(own or {}), **{n: v[0] if len(v) == 1 else v for n, v in pairs.items()}}


class JsonFormat(Format[JsonReader]):
    """A list in nobody's form but the shop's own."""

    name = "JSON"
    endings: tuple[str, ...] = (".json",)
    can_unpack = True

    def recognise(self, path: Path, column_map: ColumnMap | None = None) -> bool:
        return super().recognise(path) and not (path.is_file() and is_json_lines(path))

    def read(self, path: Path, column_map: ColumnMap | None = None) -> CatalogReader:
        return JsonReader(self, path, column_map)

    def fill(self, path: Path, columns: FilledColumns, source: CatalogReader) -> FormatWriter:
        if isinstance(source, JsonReader):
            return JsonWriter(path, columns, source)
        return JsonListWriter(path, columns, source)

    def annotate(self, path: Path, source: CatalogReader, names: Sequence[str], rows: Iterable[AnnotatedRow]) -> None:
        if isinstance(source, JsonReader):
            annotate_document(path, source, rows)
            return
        with closing(_ListFile(path)) as file:
            for product in annotated_products(rows):
                file.write(dict(product.original))


class ShopJsonFormat(JsonFormat):
    """What the interface of a shop system gives, and takes."""

    name = "JSON of a shop system's interface"
    is_export = True

    def recognise(self, path: Path, column_map: ColumnMap | None = None) -> bool:
        if column_map is not None or not super().recognise(path) or not path.is_file():
            return False
        try:
            return JsonReader(self, path).shape is not None
        except CatalogError:
            return False

    def strike(self, source: JsonReader, original: JsonRecord, failed: Mapping[str, Collection[str]]) -> Any:
        assert source.shape is not None
        return source.shape.without(original.fields, failed)


class JsonWriter(FormatWriter):
    """The source's document copied, with changes in its products."""

    def __init__(self, path: Path, columns: FilledColumns, source: JsonReader) -> None:
        self._columns, self._source = columns, source
        self._copy = DocumentCopy(path, source)

    def write(self, product: Product, understanding: Understanding) -> None:
        record = product.original
        assert isinstance(record, JsonRecord)
        self._copy.change(record, self._source.filled(record, self._columns, product, understanding))

    def carry(self, original: Any) -> None:
        if isinstance(original, JsonRecord):
            self._copy.change(original, None)

    def close(self) -> None:
        self._copy.close()


class DocumentCopy:
    """A copy of a document, product by product in the order of the source; an element may hold several products."""

    def __init__(self, path: Path, source: JsonReader) -> None:
        self._source = source
        encoding = "utf-8-sig" if has_mark(source.path) else "utf-8"
        self._file = path.open("w", encoding=encoding, newline="", errors="surrogateescape")
        self._item: JsonItem | None = None
        self._value: Any = None

    def change(self, record: JsonRecord, fields: Mapping[str, Any] | None) -> None:
        """Give a product these fields; None leaves it as it is."""
        if record.item is not self._item:
            self._flush()
            self._item, self._value = record.item, record.item.value
        if fields is not None:
            self._value = _replaced(self._value, record.place, fields)

    def close(self) -> None:
        self._flush()
        self._file.write(self._source.tail)
        self._file.close()

    def _flush(self) -> None:
        item, self._item = self._item, None
        if item is not None:
            text = item.text if self._value is item.value else rewritten(item.text, item.value, self._value)
            self._file.write(item.before + text)


class JsonListWriter(FormatWriter):
    """A list of the columns of a catalogue that was no JSON; `category` and `attributes` are filled where they are empty."""

    def __init__(self, path: Path, columns: FilledColumns, source: CatalogReader) -> None:
        self._columns, self._source = columns, source
        self._file = _ListFile(path)

    def write(self, product: Product, understanding: Understanding) -> None:
        record = dict(product.original)
        category = self._columns.category(product, understanding)
        if category is not None:
            record[self._source.fills.category or "category"] = (
                " > ".join(category) if self._source.text_only else category
            )
        attributes: dict[str, Any] = {}
        for name, items in filled_attributes(self._columns, product, understanding).items():
            column = self._source.fills.attributes.get(fold_attribute(name))
            if column is not None:
                record[column] = "|".join(items)
            else:
                attributes[name] = items[0] if len(items) == 1 else items
        if attributes and (self._source.text_only or not isinstance(record.get("attributes"), list)):
            own = record.get("attributes")
            record["attributes"] = {**(own if isinstance(own, Mapping) else {}), **attributes}
        self._file.write({**record, UNDERSTANDING: own_answer(understanding)})

    def close(self) -> None:
        self._file.close()


class _ListFile:
    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._begin = "[\n"

    def write(self, record: Mapping[str, Any]) -> None:
        text = json.dumps(record, ensure_ascii=False, default=plain_json)
        self._file.write(self._begin + text.encode("utf-8", "replace").decode())
        self._begin = ",\n"

    def close(self) -> None:
        self._file.write("[]\n" if self._begin == "[\n" else "\n]\n")
        self._file.close()


def annotate_document(path: Path, source: JsonReader, rows: Iterable[AnnotatedRow]) -> None:
    """Write a document with its rows as they were changed, and their notes as members of ours."""
    with closing(DocumentCopy(path, source)) as copy:
        for row in rows:
            record = row.original if row.product is None else row.product.original
            if not isinstance(record, JsonRecord):
                continue
            notes = {key: text for name, note in row.notes.items() for key, text in source.note(name, note).items()}
            copy.change(record, None if row.product is None else {**row.original, **notes})


def own_answer(understanding: Understanding) -> dict[str, Any]:
    """What we say of a product, as in JSON lines, without the id that stands beside it."""
    return {name: value for name, value in understanding.to_json().items() if name != "id"}


def _plain(record: JsonRecord) -> JsonRecord:
    """The record with names in the place of the objects that have them: {"category": {"id": 7, "name": "Shirts"}}."""
    named = {
        name: value["name"]
        for name, value in record.items()
        if isinstance(value, Mapping) and isinstance(value.get("name"), str) and name not in ("image", "attributes")
    }
    return replace(record, fields={**record.fields, **named}) if named else record


def value_at(value: Any, place: Place) -> Any:
    """What stands at a place of a document."""
    for key in place:
        value = value[key]
    return value


def _replaced(value: Any, place: Place, new: Any) -> Any:
    """A copy of `value` with `new` at `place`."""
    if not place:
        return new
    copy: Any = dict(value) if isinstance(value, Mapping) else list(value)
    copy[place[0]] = _replaced(value[place[0]], place[1:], new)
    return copy


def _listed(value: Any) -> list[str]:
    return [] if value is None else value if isinstance(value, list) else [value]
