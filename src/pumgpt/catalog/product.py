"""What goes in: a product as a shop knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pumgpt.catalog.category_cell import read_category_cell
from pumgpt.catalog.html_text import plain_text
from pumgpt.catalog.photo_list import address_of, link_of, split_photos
from pumgpt.errors import CatalogError

AttributeValue = str | list[str]


@dataclass(frozen=True, slots=True)
class ImageRef:
    """Where one photo is: its bytes, a path, or a URL. Nothing is read or decoded before `catalog.photos` is asked.

    `path` is kept beside `data` where a catalogue has both (Parquet's `{bytes, path}`); the bytes win.
    """

    data: bytes | None = None
    path: str | None = None
    url: str | None = None

    @property
    def label(self) -> str:
        """How messages call this photo."""
        return self.path or self.url or "the photo's bytes"


@dataclass(frozen=True, slots=True)
class Product:
    """One product. Only `id` is required; no photo at all is valid.

    `category` runs from root to leaf. `attributes` maps a name to one value or several. `extra` holds every column that
    we did not understand, untouched and in order. `original` is the whole record as it was read (CSV cells as they
    stood), so that a writer can give back what we did not fill; it does not take part in comparisons.
    """

    id: str
    images: tuple[ImageRef, ...] = ()
    title: str | None = None
    description: str | None = None
    category: tuple[str, ...] | None = None
    attributes: Mapping[str, AttributeValue] | None = None
    language: str | None = None
    source: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    original: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    category_id: str | None = None
    """Where the shop gives its category as an id. `category` is the path that a taxonomy has for it, else the id alone."""

    @classmethod
    def from_record(cls, record: Mapping[str, Any], base: Path | None = None) -> Product:
        """Read a JSONL or Parquet record. `base` is the folder that relative photo paths start from.

        Raises `CatalogError` where a known field has a type that can't be read.
        """
        known = {"id", "image", "images", *_TEXT_FIELDS, "category", "attributes"}
        identifier = record.get("id")
        if identifier is None or str(identifier) == "":
            raise CatalogError("field 'id' is missing or empty; give every row an id")
        category, category_id = _category(record.get("category"))
        return cls(
            id=str(identifier),
            images=_images(record, base),
            category=category,
            category_id=category_id,
            attributes=_attributes(record.get("attributes")),
            extra={name: value for name, value in record.items() if name not in known},
            original=record,
            **{name: _text(name, record.get(name)) for name in _TEXT_FIELDS},
        )


_LISTING = ("title", "description")
"""What a shop shows on a page, and therefore may hold as HTML."""
_TEXT_FIELDS = (*_LISTING, "language", "source")


def _text(name: str, value: Any) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise CatalogError(f"field '{name}' is {type(value).__name__}, not text; quote it")
    if name in _LISTING:
        text = plain_text(value)
        # Blocks of markup end up in lines, which a title has none of.
        value = text.replace("\n", " ") if name == "title" and text != value else text
    return value or None


def _category(value: Any) -> tuple[tuple[str, ...] | None, str | None]:
    """The levels of a category, and its id where one is given."""
    if not value:
        return None, None
    cell = read_category_cell(value)
    if cell is None:
        raise CatalogError("field 'category' is neither 'A > B > C' nor a list of texts nor an id")
    levels = tuple(level.strip() for level in map(plain_text, cell.levels) if level.strip())
    return levels or None, cell.id


def _attributes(value: Any) -> dict[str, AttributeValue] | None:
    if not value:
        return None
    if isinstance(value, Mapping):
        pairs = list(value.items())
    elif isinstance(value, list) and all(isinstance(pair, Mapping) and "name" in pair for pair in value):
        pairs = [(pair["name"], pair.get("value")) for pair in value]
    else:
        raise CatalogError("field 'attributes' is neither a mapping nor a list of {name, value}")
    merged: dict[str, AttributeValue] = {}
    for name, given in pairs:
        values = [str(item) for item in (given if isinstance(given, list) else [given]) if item not in (None, "")]
        if not values:
            continue
        before = merged.get(str(name))  # a list of pairs may name an attribute twice: it has both values
        if before is not None:
            values = ([before] if isinstance(before, str) else before) + values
        merged[str(name)] = values[0] if len(values) == 1 else values
    return merged or None


def _images(record: Mapping[str, Any], base: Path | None) -> tuple[ImageRef, ...]:
    refs: list[ImageRef] = []
    for name in ("image", "images"):
        value = record.get(name)
        if value is None or value == "":
            continue
        if isinstance(value, str):
            value = split_photos(value, base)  # CSV has no lists
        elif not isinstance(value, list | tuple):
            value = [value]
        refs.extend(_image(item, base) for item in value if item not in (None, ""))
    return tuple(ref for ref in refs if ref != ImageRef())


def _image(item: Any, base: Path | None) -> ImageRef:
    if isinstance(item, bytes):
        return ImageRef(data=item)
    if isinstance(item, Mapping):
        data, path, url = item.get("bytes"), item.get("path"), link_of(item)
        # `datasets` writes a photo as its path alone, shops' interfaces as its link; either may be a path or a URL.
        link = path or url if data is None and not (path and url) else None
        if isinstance(link, str) and link:
            return _image(link, base)
        if isinstance(data, bytes | None) and isinstance(path, str | None) and isinstance(url, str | None):
            return ImageRef(data=data, path=path or None, url=url)
        raise CatalogError("an image is no {bytes, path} of bytes and text; give a path, a URL or {bytes, path}")
    if isinstance(item, str):
        url = address_of(item, base)
        if url is not None:
            return ImageRef(url=url)
        path = Path(item)
        return ImageRef(path=str(path if path.is_absolute() or base is None else base / path))
    raise CatalogError(f"an image is {type(item).__name__}; give a path, a URL or {{bytes, path}}")
