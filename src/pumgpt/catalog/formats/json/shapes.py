"""How the interfaces (REST, GraphQL) of shop systems write a product as JSON, and where they take categories and attributes.

A shape reads a record into our names and gives back a changed copy of it, in its own form. The layouts are public:
shopify.dev, woocommerce.github.io/woocommerce-rest-api-docs, developer.adobe.com/commerce, developer.bigcommerce.com.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, ClassVar

from pumgpt.catalog.formats.filled import FilledColumns
from pumgpt.catalog.photo_list import link_of
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.catalog.vocabulary.attribute_names import find_attribute, fold_attribute

Fields = dict[str, Any]
Values = Mapping[str, list[str]]
"""Values by the attribute's name as it is written."""


class RecordShape(ABC):
    """One system's form of a product."""

    name: ClassVar[str]
    id_field: ClassVar[str] = "id"
    read_fields: ClassVar[frozenset[str]]
    """What is read of a record; all else is carried through as the shop's own."""

    @abstractmethod
    def matches(self, record: Mapping[str, Any]) -> bool:
        """Whether a record has the fields that only this system writes."""

    @abstractmethod
    def read(self, record: Mapping[str, Any]) -> Fields:
        """The fields of `Product.from_record`."""

    @abstractmethod
    def with_attributes(self, record: Mapping[str, Any], values: Values) -> Fields:
        """The record with attributes that it doesn't state yet."""

    @abstractmethod
    def with_category(self, record: Mapping[str, Any], path: list[str], id_: str | None) -> Fields:
        """The record in this category; as it is where the system only takes ids of its own and this is none."""

    @abstractmethod
    def without(self, record: Mapping[str, Any], failed: Mapping[str, Collection[str]]) -> Fields:
        """The record without these values of its attributes (by folded names)."""


def find_shape(records: Iterable[Mapping[str, Any]]) -> RecordShape | None:
    """The shape that most of these records have; None where most have none."""
    found = [next((shape for shape in SHAPES if shape.matches(record)), None) for record in records]
    best = max(found, key=found.count, default=None)
    return best


def filled_attributes(columns: FilledColumns, product: Product, understanding: Understanding) -> dict[str, list[str]]:
    """The attributes to be written: filled ones that the shop doesn't state, or any with `overwrite_values`."""
    return {
        field.name: [field.value] if isinstance(field.value, str) else field.value
        for field in understanding.attributes or ()
        if field.status == "filled"
        and field.value
        and (columns.overwrite_values or not find_attribute(product.attributes, field.name))
    }


class ShopifyShape(RecordShape):
    """Shopify's `products.json`, REST and GraphQL. Attributes are metafields; options tell variants apart and stay."""

    name = "Shopify's products"
    read_fields = frozenset(
        "id title body_html descriptionHtml product_type productType category images image featuredImage media metafields"
        .split()
    )
    _marks = frozenset(
        "body_html descriptionHtml product_type productType variants handle vendor options published_at".split()
    )

    def matches(self, record: Mapping[str, Any]) -> bool:
        return "title" in record and "id" in record and len(self._marks & record.keys()) > 1

    def read(self, record: Mapping[str, Any]) -> Fields:
        photos = [record.get("image"), record.get("featuredImage"), *_nodes(record.get("images"))]
        photos += [media.get("image") for media in _nodes(record.get("media")) if isinstance(media, Mapping)]
        category = record.get("category")
        path = category.get("fullName") or category.get("full_name") if isinstance(category, Mapping) else category
        return {
            "id": record.get("id"),
            "title": record.get("title"),
            "description": record.get("body_html") or record.get("descriptionHtml") or record.get("description"),
            # `image` is the first of `images` once more.
            "images": _distinct_links(photos[2:] or photos[:2]),
            "category": path or record.get("product_type") or record.get("productType"),
            "attributes": _merged((*self._metafields(record), *self._options(record))),
        }

    def with_attributes(self, record: Mapping[str, Any], values: Values) -> Fields:
        new = []
        for name, items in values.items():
            key = re.sub(r"\W+", "_", name).strip("_").lower() or "attribute"
            kind, value = "single_line_text_field", items[0]
            if len(items) > 1:
                kind, value = f"list.{kind}", json.dumps(items, ensure_ascii=False)
            new.append({"namespace": "custom", "key": key, "type": kind, "value": value})
        return {**record, "metafields": _with_nodes(record.get("metafields"), new)}

    def with_category(self, record: Mapping[str, Any], path: list[str], id_: str | None) -> Fields:
        field = "productType" if "productType" in record else "product_type"
        return {**record, field: " > ".join(path)}

    def without(self, record: Mapping[str, Any], failed: Mapping[str, Collection[str]]) -> Fields:
        def keep(metafield: Any) -> Any:
            names = list(self._metafields({"metafields": [metafield]}))
            return None if names and names[0][1] in failed.get(names[0][0], ()) else metafield

        if "metafields" not in record:
            return dict(record)
        return {**record, "metafields": _kept_nodes(record["metafields"], keep)}

    def _metafields(self, record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        for field in _nodes(record.get("metafields")):
            if not isinstance(field, Mapping) or not isinstance(field.get("value"), str):
                continue
            kind, value = str(field.get("type") or field.get("value_type") or ""), field["value"]
            if kind in ("", "string", "single_line_text_field"):
                yield fold_attribute(str(field.get("key", ""))), value
            elif kind == "list.single_line_text_field":
                for item in _parsed_list(value):
                    yield fold_attribute(str(field.get("key", ""))), item

    def _options(self, record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        for option in _nodes(record.get("options")):
            name = fold_attribute(str(option.get("name", ""))) if isinstance(option, Mapping) else ""
            if name not in ("", "title"):
                yield from ((name, value) for value in option.get("values") or () if isinstance(value, str))


class WooCommerceShape(RecordShape):
    """WooCommerce's REST and Store interfaces. They take categories by the shop's own id, attributes by name."""

    name = "WooCommerce's products"
    read_fields = frozenset("id name description short_description images categories attributes brands".split())
    _marks = frozenset(
        "permalink short_description catalog_visibility stock_status regular_price price_html is_purchasable tax_status"
        " date_created_gmt add_to_cart".split()
    )

    def matches(self, record: Mapping[str, Any]) -> bool:
        return {"id", "name"} <= record.keys() and len(self._marks & record.keys()) > 1 and "images" in record

    def read(self, record: Mapping[str, Any]) -> Fields:
        names = [name for name in map(_name_of, _list(record.get("categories"))) if name]
        stated = [name for name in names if name.casefold() != "uncategorized"]
        brands = (("brand", name) for name in map(_name_of, _list(record.get("brands"))) if name)
        return {
            "id": record.get("id"),
            "title": record.get("name"),
            "description": record.get("description") or record.get("short_description"),
            "images": _distinct_links(_list(record.get("images"))),
            # The list has every category that was ticked, without their order; the first one stands for the product.
            "category": stated[:1],
            "attributes": _merged((*self._attributes(record), *brands)),
        }

    def with_attributes(self, record: Mapping[str, Any], values: Values) -> Fields:
        attributes = list(_list(record.get("attributes")))
        for name, items in values.items():
            place = next((n for n, own in enumerate(attributes) if fold_attribute(_name_of(own)) == fold_attribute(name)), None)
            if place is None:
                attributes.append({"name": _capital(name), "visible": True, "variation": False, "options": items})
            else:
                attributes[place] = {**attributes[place], "options": items}
        return {**record, "attributes": attributes}

    def with_category(self, record: Mapping[str, Any], path: list[str], id_: str | None) -> Fields:
        if not (id_ or "").isdecimal():
            return dict(record)
        return {**record, "categories": [{"id": int(id_ or 0), "name": path[-1]}]}

    def without(self, record: Mapping[str, Any], failed: Mapping[str, Collection[str]]) -> Fields:
        kept = []
        for own in _list(record.get("attributes")):
            gone = failed.get(fold_attribute(_name_of(own)), ())
            options = _list(own.get("options")) if isinstance(own, Mapping) else []
            left = [option for option in options if option not in gone]
            if left == options:
                kept.append(own)
            elif left:
                kept.append({**own, "options": left})
        return {**record, "attributes": kept} if "attributes" in record else dict(record)

    def _attributes(self, record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        for attribute in _list(record.get("attributes")):
            if not isinstance(attribute, Mapping):
                continue
            terms = [_name_of(term) for term in _list(attribute.get("terms"))]
            # A variation has one `option`, a product its `options`.
            options = [*_list(attribute.get("options")), attribute.get("option"), *terms]
            name = fold_attribute(_name_of(attribute))
            yield from ((name, option) for option in options if isinstance(option, str) and option and name)


class MagentoShape(RecordShape):
    """Magento 2 / Adobe Commerce REST. Values of select attributes, and categories, are ids of the shop, not words."""

    name = "Magento's products"
    id_field = "sku"
    read_fields = frozenset("sku name media_gallery_entries custom_attributes".split())
    _own_codes = frozenset(
        "description short_description image small_image thumbnail swatch_image url_key url_path meta_title meta_keyword"
        " meta_description options_container required_options has_options tax_class_id category_ids gift_message_available"
        " msrp_display_actual_price_type page_layout custom_design custom_layout custom_layout_update visibility status"
        .split()
    )

    def matches(self, record: Mapping[str, Any]) -> bool:
        return "sku" in record and ("custom_attributes" in record or {"attribute_set_id", "type_id"} <= record.keys())

    def read(self, record: Mapping[str, Any]) -> Fields:
        custom = self._custom(record)
        entries = [
            entry
            for entry in _list(record.get("media_gallery_entries"))
            if isinstance(entry, Mapping) and not entry.get("disabled") and entry.get("media_type", "image") == "image"
        ]
        files = [entry.get("file") for entry in sorted(entries, key=lambda entry: _number(entry.get("position")))]
        photos = files or [custom.get("image")]
        return {
            "id": record.get("sku"),
            "title": record.get("name"),
            "description": custom.get("description") or custom.get("short_description"),
            # '/m/b/bag.jpg' starts at the shop's folder of photos, not at the root of this machine.
            "images": [photo.lstrip("/") for photo in photos if isinstance(photo, str) and photo != "no_selection"],
            "category": self._category_ids(record)[-1:],
            "attributes": {code: value for code, value in custom.items() if self._is_words(code, value)},
        }

    def with_attributes(self, record: Mapping[str, Any], values: Values) -> Fields:
        custom = list(_list(record.get("custom_attributes")))
        for name, items in values.items():
            code = {"colour": "color"}.get(fold_attribute(name), re.sub(r"\W+", "_", name).strip("_").lower())
            place = next((n for n, own in enumerate(custom) if own.get("attribute_code") == code), None)
            if place is None:
                custom.append({"attribute_code": code, "value": ",".join(items)})
            elif not custom[place].get("value"):  # an option's id is the shop's value, though we can't read it
                custom[place] = {**custom[place], "value": ",".join(items)}
        return {**record, "custom_attributes": custom}

    def with_category(self, record: Mapping[str, Any], path: list[str], id_: str | None) -> Fields:
        if not (id_ or "").isdecimal():
            return dict(record)
        links = {"category_links": [{"position": 0, "category_id": id_}]}
        return {**record, "extension_attributes": {**(record.get("extension_attributes") or {}), **links}}

    def without(self, record: Mapping[str, Any], failed: Mapping[str, Collection[str]]) -> Fields:
        if "custom_attributes" not in record:
            return dict(record)
        kept = [
            own
            for own in _list(record["custom_attributes"])
            if own.get("value") not in failed.get(str(own.get("attribute_code")), ())
        ]
        return {**record, "custom_attributes": kept}

    def _custom(self, record: Mapping[str, Any]) -> dict[str, Any]:
        own = (entry for entry in _list(record.get("custom_attributes")) if isinstance(entry, Mapping))
        return {str(entry.get("attribute_code")): entry.get("value") for entry in own}

    def _category_ids(self, record: Mapping[str, Any]) -> list[str]:
        links = _list((record.get("extension_attributes") or {}).get("category_links"))
        ids = [link.get("category_id") for link in links if isinstance(link, Mapping)]
        return [str(id_) for id_ in ids or _list(self._custom(record).get("category_ids"))]

    def _is_words(self, code: str, value: Any) -> bool:
        return code not in self._own_codes and isinstance(value, str) and not re.fullmatch(r"[\d\s.,:-]*", value)


class BigCommerceShape(RecordShape):
    """BigCommerce's V3 catalogue. Attributes are custom fields; categories are ids of the shop."""

    name = "BigCommerce's products"
    read_fields = frozenset("id name description images primary_image categories custom_fields".split())
    _marks = frozenset(
        "brand_id custom_url custom_fields option_set_id is_visible inventory_level calculated_price base_variant_id".split()
    )

    def matches(self, record: Mapping[str, Any]) -> bool:
        return {"id", "name"} <= record.keys() and len(self._marks & record.keys()) > 1

    def read(self, record: Mapping[str, Any]) -> Fields:
        images = [image for image in _list(record.get("images")) if isinstance(image, Mapping)]
        images.sort(key=lambda image: (not image.get("is_thumbnail"), _number(image.get("sort_order"))))
        photos = images or [image for image in [record.get("primary_image")] if isinstance(image, Mapping)]
        links = [image.get("url_zoom") or image.get("url_standard") or image.get("image_url") for image in photos]
        return {
            "id": record.get("id"),
            "title": record.get("name"),
            "description": record.get("description"),
            "images": [link for link in links if link],
            "category": [str(id_) for id_ in _list(record.get("categories"))[:1]],
            "attributes": _merged((*self._custom(record), *self._options(record))),
        }

    def with_attributes(self, record: Mapping[str, Any], values: Values) -> Fields:
        new = [{"name": _capital(name), "value": ", ".join(items)} for name, items in values.items()]
        return {**record, "custom_fields": [*_list(record.get("custom_fields")), *new]}

    def with_category(self, record: Mapping[str, Any], path: list[str], id_: str | None) -> Fields:
        return {**record, "categories": [int(id_ or 0)]} if (id_ or "").isdecimal() else dict(record)

    def without(self, record: Mapping[str, Any], failed: Mapping[str, Collection[str]]) -> Fields:
        if "custom_fields" not in record:
            return dict(record)
        kept = [
            own
            for own in _list(record["custom_fields"])
            if own.get("value") not in failed.get(fold_attribute(_name_of(own)), ())
        ]
        return {**record, "custom_fields": kept}

    def _custom(self, record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        for field in _list(record.get("custom_fields")):
            if isinstance(field, Mapping) and isinstance(field.get("value"), str):
                yield fold_attribute(_name_of(field)), field["value"]

    def _options(self, record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        for variant in _list(record.get("variants")):
            for option in _list(variant.get("option_values")) if isinstance(variant, Mapping) else ():
                yield fold_attribute(str(option.get("option_display_name", ""))), str(option.get("label", ""))


SHAPES: list[RecordShape] = [ShopifyShape(), WooCommerceShape(), MagentoShape(), BigCommerceShape()]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _nodes(value: Any) -> list[Any]:
    """The elements of a list, which GraphQL writes as a connection: `{"nodes": [...]}` or `{"edges": [{"node": ...}]}`."""
    if not isinstance(value, Mapping):
        return _list(value)
    edges = [edge.get("node") for edge in _list(value.get("edges")) if isinstance(edge, Mapping)]
    return _list(value.get("nodes")) or edges


def _with_nodes(value: Any, new: list[Any]) -> Any:
    """The list, or connection, with further elements."""
    if isinstance(value, Mapping) and "edges" in value:
        return {**value, "edges": [*_list(value["edges"]), *({"node": node} for node in new)]}
    if isinstance(value, Mapping):
        return {**value, "nodes": [*_list(value.get("nodes")), *new]}
    return [*_list(value), *new]


def _kept_nodes(value: Any, keep: Any) -> Any:
    """The list, or connection, without the elements that `keep` gives None for."""
    if isinstance(value, Mapping) and "edges" in value:
        return {**value, "edges": [edge for edge in _list(value["edges"]) if keep(edge.get("node")) is not None]}
    if isinstance(value, Mapping):
        return {**value, "nodes": [node for node in _list(value.get("nodes")) if keep(node) is not None]}
    return [node for node in _list(value) if keep(node) is not None]


def _distinct_links(photos: Iterable[Any]) -> list[str]:
    links = (link_of(photo) if isinstance(photo, Mapping) else photo for photo in photos)
    return list(dict.fromkeys(link for link in links if isinstance(link, str) and link))


def _merged(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, dict[str, None]] = {}
    for name, value in pairs:
        if name and value.strip():
            found.setdefault(name, {})[value.strip()] = None
    return {name: list(values) for name, values in found.items()}


def _name_of(value: Any) -> str:
    return str(value.get("name") or "") if isinstance(value, Mapping) else ""


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _parsed_list(text: str) -> list[str]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else float("inf")
