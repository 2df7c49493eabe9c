"""Products as schema.org has them: JSON-LD documents, and the JSON-LD in web pages (which are only read).

    read        Product, ProductModel and ProductGroup (with its variants), alone or in @graph, ItemList, DataFeed, an offer
    filled      color, material, pattern and size; other attributes as `additionalProperty`; `category` as 'A > B > C'
    ours        `urn:pumgpt:pumgpt`, a JSON literal, which other readers of JSON-LD pass over

The vocabulary is public: schema.org/Product.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from html.parser import HTMLParser
from itertools import islice
from pathlib import Path
from typing import Any

from pumgpt.catalog.formats.base import CatalogReader, Format, Record, RejectedRow
from pumgpt.catalog.formats.column_map import ColumnMap
from pumgpt.catalog.formats.compression import ending_of
from pumgpt.catalog.formats.filled import FilledColumns, Fills
from pumgpt.catalog.formats.json.catalog import (
    ROWS_TO_GUESS_FROM,
    JsonFormat,
    JsonReader,
    JsonRecord,
    Place,
    own_answer,
    value_at,
)
from pumgpt.catalog.formats.json.items import JsonItem, JsonItems
from pumgpt.catalog.formats.json.shape import filled_attributes
from pumgpt.catalog.formats.text_lines import MAX_LINE_CHARS, read_lines
from pumgpt.catalog.photo_list import link_of
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute
from pumgpt.errors import CatalogError, UsageError

_PRODUCTS = frozenset(
    ["Product", "ProductModel", "ProductGroup", "IndividualProduct", "SomeProducts", "Vehicle", "Car"]
)
_AROUND = ("@graph", "itemListElement", "dataFeedElement", "item", "mainEntity", "itemOffered", "about")
"""What leads from a page, a list or an offer to products."""
_IDS = ("productGroupID", "sku", "productID", "gtin", "gtin13", "gtin14", "gtin12", "gtin8", "mpn", "@id", "url")
_DIRECT = {"colour": "color", "material": "material", "pattern": "pattern", "size": "size", "brand": "brand"}
"""Attributes with a property of their own -> that property."""
_MEASURES = ("width", "height", "depth", "weight")
_READ = frozenset(
    ("@id", *_IDS, "name", "description", "image", "category", *_DIRECT.values(), *_MEASURES, "additionalProperty")
)
_UNITS = {
    "CMT": "cm", "MMT": "mm", "MTR": "m", "INH": "in", "FOT": "ft", "GRM": "g", "KGM": "kg", "LBR": "lb", "ONZ": "oz",
    "MLT": "ml", "LTR": "l",
}  # fmt: skip
"""UN/CEFACT codes of the units that products are measured in."""
_PREFIXES = ("https://schema.org/", "http://schema.org/", "schema:")


class SchemaOrgFormat(JsonFormat):
    name = "schema.org JSON-LD"
    endings = (".jsonld", ".json")
    is_export = True

    def recognise(self, path: Path, column_map: ColumnMap | None = None) -> bool:
        """Whether a document has products of schema.org; one that is called `.jsonld` says so itself."""
        if not super().recognise(path) or not path.is_file():
            return False
        if ending_of(path) == ".jsonld":
            return True
        if column_map is not None:
            return False
        try:
            values = [item.value for item in islice(JsonItems(path), ROWS_TO_GUESS_FROM)]
        except (CatalogError, OSError):
            return False
        return any(True for value in values for _ in product_places(value))

    def read(self, path: Path, column_map: ColumnMap | None = None) -> CatalogReader:
        return SchemaOrgReader(self, path, column_map)

    def strike(self, source: JsonReader, original: JsonRecord, failed: Mapping[str, Collection[str]]) -> Any:
        prefix, own = _unprefixed(original.fields)
        return _prefixed(prefix, original.fields, without_values(own, failed))


class SchemaOrgReader(JsonReader):
    """One product for each node that is one, wherever it stands in the document."""

    def settle(self) -> None:
        _refuse_columns(self.path, self.given_columns)

    @property
    def fills(self) -> Fills:
        return Fills("category", _DIRECT, "additionalProperty")

    @property
    def missing_id(self) -> str:
        return f"the product has none of {', '.join(_IDS[1:4])}, @id, url; give it a 'sku'"

    def id_of(self, record: Record) -> Any:
        return _id_of(_unprefixed(record)[1])

    def places(self, value: Mapping[str, Any]) -> Iterator[Place]:
        return product_places(value)

    def product_of(self, record: Record) -> Product:
        return schema_product(record, self.base)

    def filled(
        self, record: JsonRecord, columns: FilledColumns, product: Product, understanding: Understanding
    ) -> dict[str, Any]:
        prefix, own = _unprefixed(record.fields)
        values = filled_attributes(columns, product, understanding)
        new = (
            without_values(own, {fold_attribute(name): None for name in values})
            if columns.overwrite_values
            else dict(own)
        )
        properties: list[dict[str, Any]] = []
        for name, items in values.items():
            value = items[0] if len(items) == 1 else items
            direct = _DIRECT.get(fold_attribute(name))
            if direct is None:
                properties.append({"@type": "PropertyValue", "name": name, "value": value})
            elif not _texts(new.get(direct)):
                new[direct] = {"@type": "Brand", "name": items[0]} if direct == "brand" else value
        if properties:
            new["additionalProperty"] = [*_listed(new.get("additionalProperty")), *properties]
        category = columns.category(product, understanding)
        if category is not None:
            new["category"] = " > ".join(category)
        answer = {"@type": "@json", "@value": own_answer(understanding)}
        return {**_prefixed(prefix, record.fields, new), **self.note("pumgpt", answer)}

    def note(self, name: str, value: Any) -> dict[str, Any]:
        return {f"urn:pumgpt:{name}": value}


class WebPageFormat(Format["WebPageReader"]):
    name = "a web page with schema.org JSON-LD"
    endings = (".html", ".htm")
    can_unpack = True

    def read(self, path: Path, column_map: ColumnMap | None = None) -> CatalogReader:
        return WebPageReader(self, path, column_map)


class WebPageReader(CatalogReader):
    """The products in the `<script type="application/ld+json">` elements of a saved page."""

    def __init__(self, format_: Format[Any], path: Path, column_map: ColumnMap | None = None) -> None:
        super().__init__(format_, path)
        _refuse_columns(path, column_map)
        if next(self.records(), None) is None:
            raise CatalogError(
                f'{path}: has no product as schema.org JSON-LD (<script type="application/ld+json">); '
                "export the catalogue from the shop's system instead"
            )

    @cached_property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]
        names = (dict.fromkeys(record) for record in self.records() if not isinstance(record, RejectedRow))
        return tuple(dict.fromkeys(name for found in names for name in found))

    @property
    def missing_id(self) -> str:
        return f"the product has none of {', '.join(_IDS[1:4])}, @id, url"

    def id_of(self, record: Record) -> Any:
        return _id_of(_unprefixed(record)[1])

    def count_records(self) -> int:
        return sum(1 for _ in self.records())

    def records(self) -> Iterator[Record | RejectedRow]:
        parser = _ScriptParser()
        for line in read_lines(self.path, self.warnings):
            parser.feed(line)
        parser.close()
        for text in parser.scripts:
            try:
                # Templates leave line breaks in texts, which browsers' own parsers refuse and search engines don't.
                document = json.loads(_bare_script(text), strict=False)
            except (ValueError, RecursionError) as error:
                yield RejectedRow(0, None, f"a script of JSON-LD is not JSON ({error}); mend the page's template")
                continue
            for place in product_places(document):
                yield JsonRecord(JsonItem("", "", document), place, value_at(document, place))

    def product_of(self, record: Record) -> Product:
        return schema_product(record, self.base)


class _ScriptParser(HTMLParser):
    """Collects the texts of scripts that hold JSON-LD."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.scripts: list[str] = []
        self._parts: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kind = dict(attrs).get("type") or ""
        if tag == "script" and kind.partition(";")[0].strip().casefold() == "application/ld+json":
            self._parts = []

    def handle_data(self, data: str) -> None:
        if self._parts is not None and sum(map(len, self._parts)) < MAX_LINE_CHARS:
            self._parts.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "script" and self._parts is not None:
            self.scripts.append("".join(self._parts))
            self._parts = None


def product_places(value: Any, place: Place = ()) -> Iterator[Place]:
    """Where products stand in a document; a product's own parts (variants, related products) are not searched."""
    if len(place) > 20:  # a page nests no deeper, and Python's stack has an end
        return
    if isinstance(value, list):
        for number, element in enumerate(value):
            yield from product_places(element, (*place, number))
    elif isinstance(value, Mapping):
        if _types(value) & _PRODUCTS:
            yield place
            return
        for name, inner in value.items():
            if _local(name) in _AROUND:
                yield from product_places(inner, (*place, name))


def schema_product(record: Record, base: Path) -> Product:
    """The product that a node describes. Raises `CatalogError` where a field has a type that can't be read."""
    _, own = _unprefixed(record)
    variants = [_unprefixed(variant)[1] for variant in _listed(own.get("hasVariant")) if isinstance(variant, Mapping)]
    images = [link for node in (own, *variants) for link in map(_link, _listed(node.get("image"))) if link]
    attributes: dict[str, list[str]] = {}
    for node in (own, *variants):
        for name, value in _stated(node):
            values = attributes.setdefault(name, [])
            if value not in values:
                values.append(value)
    known = {
        "id": _id_of(own),
        "title": " ".join(next(iter(_texts(own.get("name"))), "").split()),
        "description": next(iter(_texts(own.get("description"))), None),
        "images": list(dict.fromkeys(images)),
        "category": _category(own.get("category")),
        "attributes": attributes,
    }
    extra = {name: value for name, value in record.items() if _local(name) not in _READ}
    return replace(Product.from_record(known, base), extra=extra, original=record)


def without_values(own: Mapping[str, Any], failed: Mapping[str, Collection[str] | None]) -> dict[str, Any]:
    """A node without these values of its attributes; None stands for all that it has."""

    def is_failed(name: str, value: Any) -> bool:
        gone = failed.get(name, ())
        return gone is None or any(text in gone for text in _texts(value))

    kept = dict(own)
    for name, direct in _DIRECT.items():
        if direct in kept and name in failed:
            left = [value for value in _listed(kept[direct]) if not is_failed(name, value)]
            if not left:
                del kept[direct]
            elif left != _listed(kept[direct]):
                kept[direct] = left if isinstance(own[direct], list) else left[0]
    properties = _listed(kept.get("additionalProperty"))
    left = [
        value
        for value in properties
        if not isinstance(value, Mapping)
        or not is_failed(fold_attribute(str(value.get("name", ""))), _with_unit(value))
    ]
    if left != properties:
        kept["additionalProperty"] = left
        if not left:
            del kept["additionalProperty"]
    return kept


def _stated(node: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The attributes that a node states, by their folded names."""
    for name, direct in _DIRECT.items():
        yield from ((name, text) for text in _texts(node.get(direct)))
    for name in _MEASURES:
        yield from ((name, text) for value in _listed(node.get(name)) for text in _with_unit(value))
    for value in _listed(node.get("additionalProperty")):
        if isinstance(value, Mapping):
            name = fold_attribute(next(iter(_texts(value.get("name"))), ""))
            yield from ((name, text) for text in _with_unit(value) if name)
    for audience in _listed(node.get("audience")):
        if isinstance(audience, Mapping):
            yield from (("gender", text) for text in _texts(audience.get("suggestedGender")))


def _with_unit(value: Any) -> list[str]:
    """The texts of a `PropertyValue` or `QuantitativeValue`: '10 cm'."""
    if not isinstance(value, Mapping):
        return _texts(value)
    code = next(iter(_texts(value.get("unitCode"))), "")
    unit = next(iter(_texts(value.get("unitText"))), "") or _UNITS.get(code, "")
    return [f"{text} {unit}".strip() for text in _texts(value.get("value"))]


def _texts(value: Any) -> list[str]:
    """What a property says in words, whichever way it is written: text, number, node with a name, or a list of these."""
    found: list[str] = []
    for item in _listed(value):
        if isinstance(item, Mapping):
            inner = next((item[name] for name in ("@value", "name", "schema:name", "value") if item.get(name)), None)
            found += _texts(inner) if inner is not None and not isinstance(inner, Mapping) else []
        elif isinstance(item, str):
            found += [item.strip()] if item.strip() else []
        elif isinstance(item, int | float) and not isinstance(item, bool):
            found.append(str(item))
    return found


def _category(value: Any) -> str | list[str] | None:
    for item in _listed(value):
        if isinstance(item, Mapping):
            item = next(iter(_texts(item.get("name")) or _texts(item.get("codeValue"))), "")
        if isinstance(item, str) and item.strip():
            # An address is the shop's value, though it names no levels.
            return [item.strip()] if "://" in item else item
    return None


def _link(value: Any) -> str | None:
    link = link_of(value) or value.get("@id") if isinstance(value, Mapping) else value
    return link.strip() if isinstance(link, str) else None


def _id_of(own: Mapping[str, Any]) -> str | None:
    return next((text for name in _IDS for text in _texts(own.get(name))[:1]), None)


def _types(value: Mapping[str, Any]) -> set[str]:
    return {_local(kind) for kind in _listed(value.get("@type")) if isinstance(kind, str)}


def _local(name: str) -> str:
    for prefix in _PREFIXES:
        if name.startswith(prefix):
            return name[len(prefix) :]
    return name


def _unprefixed(record: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """A node by schema.org's bare names, and the prefix that they have in the document."""
    prefix = next((prefix for prefix in _PREFIXES for name in record if name.startswith(prefix)), "")
    return prefix, {_local(name): value for name, value in record.items()}


def _prefixed(prefix: str, fields: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The node with new values under the names that it has, and new names written as its own."""
    names = {_local(name): name for name in fields}
    return {names.get(name, name if name.startswith("@") else prefix + name): value for name, value in new.items()}


def _bare_script(text: str) -> str:
    """A script's JSON without the comments that hide it from very old browsers."""
    text = text.strip().removeprefix("<!--").removeprefix("//<![CDATA[").removeprefix("/*<![CDATA[*/")
    return text.strip().removesuffix("-->").removesuffix("/*]]>*/").removesuffix("//]]>").strip().removesuffix(";")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _refuse_columns(path: Path, column_map: ColumnMap | None) -> None:
    if column_map is not None:
        raise UsageError(f"{path}: JSON-LD has its names from schema.org; leave --columns out")
