"""How the interfaces (REST, GraphQL) of shop systems write a product as JSON, and where they take categories and attributes.

The layouts are public: shopify.dev, woocommerce.github.io/woocommerce-rest-api-docs, developer.adobe.com/commerce,
developer.bigcommerce.com.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from pumgpt.catalog.formats.json.shape import (
    Fields,
    RecordShape,
    Values,
    distinct_links,
    elements,
    merged_values,
    name_of,
)
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute


class ShopifyShape(RecordShape):
    """Shopify's `products.json`, REST and GraphQL. Attributes are metafields; options tell variants apart and stay."""

    name = "Shopify's products"
    category_field = "product_type"
    attributes_field = "metafields"
    read_fields = frozenset(
        [
            "id",
            "title",
            "body_html",
            "descriptionHtml",
            "product_type",
            "productType",
            "category",
            "images",
            "image",
            "featuredImage",
            "media",
            "metafields",
        ]
    )
    _marks = frozenset(
        [
            "body_html",
            "descriptionHtml",
            "product_type",
            "productType",
            "variants",
            "handle",
            "vendor",
            "options",
            "published_at",
        ]
    )

    def matches(self, record: Mapping[str, Any]) -> bool:
        # A table with some of Shopify's columns is its owner's; what the interface gives has lists in it.
        nested = any(isinstance(record.get(name), list | dict) for name in ("images", "variants", "options", "media"))
        return {"id", "title"} <= record.keys() and nested and len(self._marks & record.keys()) > 1

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
            "images": distinct_links(photos[2:] or photos[:2]),
            "category": path or record.get("product_type") or record.get("productType"),
            "attributes": merged_values((*self._metafields(record), *self._options(record))),
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
    category_field = "categories"
    attributes_field = "attributes"
    read_fields = frozenset(
        ["id", "name", "description", "short_description", "images", "categories", "attributes", "brands"]
    )
    _marks = frozenset(
        [
            "permalink",
            "short_description",
            "catalog_visibility",
            "stock_status",
            "regular_price",
            "price_html",
            "is_purchasable",
            "tax_status",
            "date_created_gmt",
            "add_to_cart",
        ]
    )

    def matches(self, record: Mapping[str, Any]) -> bool:
        return {"id", "name"} <= record.keys() and len(self._marks & record.keys()) > 1 and "images" in record

    def read(self, record: Mapping[str, Any]) -> Fields:
        names = [name for name in map(name_of, elements(record.get("categories"))) if name]
        stated = [name for name in names if name.casefold() != "uncategorized"]
        brands = (("brand", name) for name in map(name_of, elements(record.get("brands"))) if name)
        return {
            "id": record.get("id"),
            "title": record.get("name"),
            "description": record.get("description") or record.get("short_description"),
            "images": distinct_links(elements(record.get("images"))),
            # The list has every category that was ticked, without their order; the first one stands for the product.
            "category": stated[:1],
            "attributes": merged_values((*self._attributes(record), *brands)),
        }

    def with_attributes(self, record: Mapping[str, Any], values: Values) -> Fields:
        attributes = list(elements(record.get("attributes")))
        for name, items in values.items():
            place = next(
                (n for n, own in enumerate(attributes) if fold_attribute(name_of(own)) == fold_attribute(name)), None
            )
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
        for own in elements(record.get("attributes")):
            gone = failed.get(fold_attribute(name_of(own)), ())
            options = elements(own.get("options")) if isinstance(own, Mapping) else []
            left = [option for option in options if option not in gone]
            if left == options:
                kept.append(own)
            elif left:
                kept.append({**own, "options": left})
        return {**record, "attributes": kept} if "attributes" in record else dict(record)

    def _attributes(self, record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        for attribute in elements(record.get("attributes")):
            if not isinstance(attribute, Mapping):
                continue
            terms = [name_of(term) for term in elements(attribute.get("terms"))]
            # A variation has one `option`, a product its `options`.
            options = [*elements(attribute.get("options")), attribute.get("option"), *terms]
            name = fold_attribute(name_of(attribute))
            yield from ((name, option) for option in options if isinstance(option, str) and option and name)


class MagentoShape(RecordShape):
    """Magento 2 / Adobe Commerce REST. Values of select attributes, and categories, are ids of the shop, not words."""

    name = "Magento's products"
    id_field = "sku"
    category_field = "category_links"
    attributes_field = "custom_attributes"
    read_fields = frozenset(["sku", "name", "media_gallery_entries", "custom_attributes"])
    _own_codes = frozenset(
        [
            "description",
            "short_description",
            "image",
            "small_image",
            "thumbnail",
            "swatch_image",
            "url_key",
            "url_path",
            "meta_title",
            "meta_keyword",
            "meta_description",
            "options_container",
            "required_options",
            "has_options",
            "tax_class_id",
            "category_ids",
            "gift_message_available",
            "msrp_display_actual_price_type",
            "page_layout",
            "custom_design",
            "custom_layout",
            "custom_layout_update",
            "visibility",
            "status",
        ]
    )

    def matches(self, record: Mapping[str, Any]) -> bool:
        return "sku" in record and ("custom_attributes" in record or {"attribute_set_id", "type_id"} <= record.keys())

    def read(self, record: Mapping[str, Any]) -> Fields:
        custom = self._custom(record)
        entries = [
            entry
            for entry in elements(record.get("media_gallery_entries"))
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
        custom = list(elements(record.get("custom_attributes")))
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
            for own in elements(record["custom_attributes"])
            if own.get("value") not in failed.get(str(own.get("attribute_code")), ())
        ]
        return {**record, "custom_attributes": kept}

    def _custom(self, record: Mapping[str, Any]) -> dict[str, Any]:
        own = (entry for entry in elements(record.get("custom_attributes")) if isinstance(entry, Mapping))
        return {str(entry.get("attribute_code")): entry.get("value") for entry in own}

    def _category_ids(self, record: Mapping[str, Any]) -> list[str]:
        links = elements((record.get("extension_attributes") or {}).get("category_links"))
        ids = [link.get("category_id") for link in links if isinstance(link, Mapping)]
        return [str(id_) for id_ in ids or elements(self._custom(record).get("category_ids"))]

    def _is_words(self, code: str, value: Any) -> bool:
        return code not in self._own_codes and isinstance(value, str) and not re.fullmatch(r"[\d\s.,:-]*", value)


class BigCommerceShape(RecordShape):
    """BigCommerce's V3 catalogue. Attributes are custom fields; categories are ids of the shop."""

    name = "BigCommerce's products"
    category_field = "categories"
    attributes_field = "custom_fields"
    read_fields = frozenset(["id", "name", "description", "images", "primary_image", "categories", "custom_fields"])
    _marks = frozenset(
        [
            "brand_id",
            "custom_url",
            "custom_fields",
            "option_set_id",
            "is_visible",
            "inventory_level",
            "calculated_price",
            "base_variant_id",
        ]
    )

    def matches(self, record: Mapping[str, Any]) -> bool:
        return {"id", "name"} <= record.keys() and len(self._marks & record.keys()) > 1

    def read(self, record: Mapping[str, Any]) -> Fields:
        images = [image for image in elements(record.get("images")) if isinstance(image, Mapping)]
        images.sort(key=lambda image: (not image.get("is_thumbnail"), _number(image.get("sort_order"))))
        photos = images or [image for image in [record.get("primary_image")] if isinstance(image, Mapping)]
        links = [image.get("url_zoom") or image.get("url_standard") or image.get("image_url") for image in photos]
        return {
            "id": record.get("id"),
            "title": record.get("name"),
            "description": record.get("description"),
            "images": [link for link in links if link],
            "category": [str(id_) for id_ in elements(record.get("categories"))[:1]],
            "attributes": merged_values((*self._custom(record), *self._options(record))),
        }

    def with_attributes(self, record: Mapping[str, Any], values: Values) -> Fields:
        new = [{"name": _capital(name), "value": ", ".join(items)} for name, items in values.items()]
        return {**record, "custom_fields": [*elements(record.get("custom_fields")), *new]}

    def with_category(self, record: Mapping[str, Any], path: list[str], id_: str | None) -> Fields:
        return {**record, "categories": [int(id_ or 0)]} if (id_ or "").isdecimal() else dict(record)

    def without(self, record: Mapping[str, Any], failed: Mapping[str, Collection[str]]) -> Fields:
        if "custom_fields" not in record:
            return dict(record)
        kept = [
            own
            for own in elements(record["custom_fields"])
            if own.get("value") not in failed.get(fold_attribute(name_of(own)), ())
        ]
        return {**record, "custom_fields": kept}

    def _custom(self, record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        for field in elements(record.get("custom_fields")):
            if isinstance(field, Mapping) and isinstance(field.get("value"), str):
                yield fold_attribute(name_of(field)), field["value"]

    def _options(self, record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        for variant in elements(record.get("variants")):
            for option in elements(variant.get("option_values")) if isinstance(variant, Mapping) else ():
                yield fold_attribute(str(option.get("option_display_name", ""))), str(option.get("label", ""))


def _nodes(value: Any) -> list[Any]:
    """The elements of a list, which GraphQL writes as a connection: `{"nodes": [...]}` or `{"edges": [{"node": ...}]}`."""
    if not isinstance(value, Mapping):
        return elements(value)
    edges = [edge.get("node") for edge in elements(value.get("edges")) if isinstance(edge, Mapping)]
    return elements(value.get("nodes")) or edges


def _with_nodes(value: Any, new: list[Any]) -> Any:
    """The list, or connection, with further elements."""
    if isinstance(value, Mapping) and "edges" in value:
        return {**value, "edges": [*elements(value["edges"]), *({"node": node} for node in new)]}
    if isinstance(value, Mapping):
        return {**value, "nodes": [*elements(value.get("nodes")), *new]}
    return [*elements(value), *new]


def _kept_nodes(value: Any, keep: Callable[[Any], Any]) -> Any:
    """The list, or connection, without the elements that `keep` gives None for."""
    if isinstance(value, Mapping) and "edges" in value:
        return {**value, "edges": [edge for edge in elements(value["edges"]) if keep(edge.get("node")) is not None]}
    if isinstance(value, Mapping):
        return {**value, "nodes": [node for node in elements(value.get("nodes")) if keep(node) is not None]}
    return [node for node in elements(value) if keep(node) is not None]


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
