"""A product of Open Food Facts, as its dumps (JSON lines, Parquet, CSV) and its interface have it.

The layout is public: openfoodfacts.github.io/openfoodfacts-server/api.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pumgpt.catalog.formats.json.shape import Fields, RecordShape, Values, elements, merged_values
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute

_PHOTOS = "https://images.openfoodfacts.org/images/products"
_SHOWN = ("front", "packaging")
"""Photos of the product itself; the others are of the ingredients and the table of nutrients."""
_TEXTS = {"brand": "brands", "quantity": "quantity", "packaging": "packaging", "labels": "labels"}
"""Attributes -> the fields that contributors fill, several values between commas."""


class FoodFactsShape(RecordShape):
    """`categories` is filled as contributors write it, from the root, between commas; so are brands, packaging and labels."""

    name = "Open Food Facts"
    id_field = "code"
    category_field = "categories"
    attributes_field = "brands, quantity, packaging and labels"
    read_fields = frozenset(
        (
            *("code", "product_name", "generic_name", "lang", "categories", "categories_tags", "categories_hierarchy"),
            *("image_url", "image_front_url", *_TEXTS.values()),
        )
    )
    _marks = frozenset(
        (
            "categories_tags",
            "nutriments",
            "ingredients_text",
            "nutriscore_grade",
            "nova_group",
            "countries_tags",
            "creator",
        )
    )

    def matches(self, record: Mapping[str, Any]) -> bool:
        named = "product_name" in record or any(name.startswith("product_name_") for name in record)
        return "code" in record and named and len(self._marks & record.keys()) > 1

    def read(self, record: Mapping[str, Any]) -> Fields:
        pairs = ((name, part) for name, field in _TEXTS.items() for part in _parts(record.get(field)))
        return {
            "id": record.get("code"),
            "title": _localised(record, "product_name"),
            "description": _localised(record, "generic_name"),
            "images": list(dict.fromkeys(self._photos(record))),
            "category": self._category(record),
            "language": record.get("lang") or record.get("lc"),
            "attributes": merged_values(pairs),
        }

    def with_attributes(self, record: Mapping[str, Any], values: Values) -> Fields:
        new = dict(record)
        for name, items in values.items():
            field = _TEXTS.get(fold_attribute(name))
            if field is not None and not new.get(field):
                new[field] = ", ".join(items)
        return new

    def with_category(self, record: Mapping[str, Any], path: list[str], id_: str | None) -> Fields:
        return {**record, "categories": ", ".join(level.replace(",", "") for level in path)}

    def without(self, record: Mapping[str, Any], failed: Mapping[str, Collection[str]]) -> Fields:
        new = dict(record)
        for name in failed.keys() & _TEXTS.keys():
            parts = _parts(new.get(_TEXTS[name]))
            kept = [part for part in parts if part not in failed[name]]
            if kept != parts:
                new[_TEXTS[name]] = ", ".join(kept)
        return new

    def _category(self, record: Mapping[str, Any]) -> list[str] | None:
        for field in ("categories_hierarchy", "categories_tags"):
            tags = record.get(field)
            tags = tags.split(",") if isinstance(tags, str) else elements(tags)
            levels = [_words(tag) for tag in tags if isinstance(tag, str) and tag.strip()]
            if levels:
                return levels
        return _parts(record.get("categories")) or None

    def _photos(self, record: Mapping[str, Any]) -> Iterator[str]:
        links = [record.get("image_front_url") or record.get("image_url"), record.get("image_packaging_url")]
        found = [link for link in links if isinstance(link, str) and link]
        yield from found or self._built_photos(record)

    def _built_photos(self, record: Mapping[str, Any]) -> Iterator[str]:
        """The addresses of selected photos, which the dumps leave to be made of barcode, name and revision."""
        selected = _selected(record.get("images"))
        code = str(record.get("code") or "")
        padded = code.zfill(13) if len(code) > 8 else code
        folder = "/".join((padded[:3], padded[3:6], padded[6:9], padded[9:])) if len(padded) > 8 else padded
        for kind in _SHOWN:
            own = {name: rev for name, rev in selected.items() if name.partition("_")[0] == kind}
            # One language is enough: they are photos of the same side.
            name = f"{kind}_{record.get('lang') or record.get('lc') or ''}"
            name = name if name in own else next(iter(own), "")
            if name:
                yield f"{_PHOTOS}/{folder}/{name}.{own[name]}.400.jpg"


def _selected(images: Any) -> dict[str, Any]:
    """Name ('front_en') -> revision, of the newer layout (by kind and language), the older (by name), and Parquet's."""
    if isinstance(images, list):
        pairs = [(image.get("key"), image.get("rev")) for image in images if isinstance(image, Mapping)]
    elif isinstance(images, Mapping) and isinstance(images.get("selected"), Mapping):
        pairs = [
            (f"{kind}_{language}", image.get("rev"))
            for kind, languages in images["selected"].items()
            if isinstance(languages, Mapping)
            for language, image in languages.items()
            if isinstance(image, Mapping)
        ]
    elif isinstance(images, Mapping):
        pairs = [(name, image.get("rev")) for name, image in images.items() if isinstance(image, Mapping)]
    else:
        pairs = []
    return {name: rev for name, rev in pairs if isinstance(name, str) and rev is not None}


def _localised(record: Mapping[str, Any], field: str) -> Any:
    """A text in the product's main language, else in any. Parquet has a list of {lang, text}, 'main' among them."""
    value = record.get(field)
    if isinstance(value, list):
        texts = {text.get("lang"): text.get("text") for text in value if isinstance(text, Mapping)}
        return texts.get("main") or next((text for text in texts.values() if text), None)
    own = f"{field}_{record.get('lang') or record.get('lc') or 'en'}"
    others = (record[name] for name in record if name.startswith(f"{field}_") and len(name) == len(field) + 3)
    return value or record.get(own) or next((text for text in others if isinstance(text, str) and text), None)


def _parts(value: Any) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else []


def _words(tag: str) -> str:
    """'en:sweet-snacks' -> 'Sweet snacks'"""
    language, _, words = tag.strip().partition(":")
    words = (words if len(language) == 2 and words else tag.strip()).replace("-", " ")
    return words[:1].upper() + words[1:]
