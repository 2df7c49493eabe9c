"""What goes in: a product as a shop knows it."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from pumgpt.catalog.category_cell import read_category_cell
from pumgpt.catalog.html_text import plain_text
from pumgpt.catalog.list_cell import read_list_cell
from pumgpt.catalog.photo_list import address_of, link_of, path_of, split_photos, tidy_path
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
    isn't called as one of ours, untouched and in order; attributes read from columns beside our names stand in both.
    `original` is the whole record as it was read (CSV cells as they stood), so that a writer can give back what we did not
    fill; it does not take part in comparisons.
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
    def from_record(
        cls,
        record: Mapping[str, Any],
        base: Path | None = None,
        further: Mapping[str, AttributeValue] | None = None,
    ) -> Product:
        """Read a JSONL or Parquet record. `base` is the folder that relative photo paths start from, `further` are attributes
        that stand elsewhere than in `attributes`.

        Raises `CatalogError` where a known field has a type that can't be read.
        """
        identifier = record.get("id")
        if is_missing(identifier):
            raise CatalogError("field 'id' is missing or empty; give every row an id")
        category, category_id = _category(record.get("category"))
        attributes = read_attributes(record.get("attributes"))
        return cls(
            id=_id(identifier),
            images=_images(record, base),
            category=category,
            category_id=category_id,
            attributes={**further, **attributes} if further and attributes else further or attributes,
            extra={name: value for name, value in record.items() if name not in KNOWN_FIELDS},
            original=record,
            title=_text("title", record.get("title")),
            description=_text("description", record.get("description")),
            language=_text("language", record.get("language")),
            source=_text("source", record.get("source")),
        )


_LISTING = ("title", "description")
"""What a shop shows on a page, and therefore may hold as HTML."""
KNOWN_FIELDS = frozenset(("id", "image", "images", *_LISTING, "language", "source", "category", "attributes"))
"""What a record in our own names may have."""
_FRACTIONS = (float, Decimal)  # a union `float | Decimal` would be made anew by every call
_NUMBERS = (int, float, Decimal)
_LONGEST_TO_KEEP = 500
"""Categories come again and again, and are read once each; a cell with more characters is none that does."""
_QUOTED_FOR_EXCEL = re.compile(r'="+([^"]+)"+')
"""The formula that keeps an id's zeros when Excel opens a CSV: ="00124"."""
_LARGEST_EXACT_FLOAT = 2.0**53


def is_missing(value: Any) -> bool:
    """Whether a cell says nothing: null, an empty text, or the NaN that data frames have for either."""
    if value is None or isinstance(value, str):
        return not value
    return isinstance(value, _FRACTIONS) and math.isnan(value)


def text_of(value: Any) -> str:
    """A single value as a shop would write it. Whole numbers lose the '.0' that data frames give a column with gaps."""
    if isinstance(value, str):
        return value
    is_whole = isinstance(value, _FRACTIONS) and math.isfinite(value) and value == int(value)
    # Beyond this a float no longer holds every digit, and writing them all would make up some.
    is_exact = isinstance(value, Decimal) or (is_whole and abs(value) < _LARGEST_EXACT_FLOAT)
    return str(int(value)) if is_whole and is_exact else str(value)


def written_attributes(cell: str) -> Any:
    """The object or list that a text column of attributes holds as JSON; None where it is any other text."""
    try:
        value = json.loads(cell) if cell.lstrip().startswith(("{", "[")) else None
    except (ValueError, RecursionError):
        return None
    return value


def _id(value: Any) -> str:
    text = text_of(value)
    formula = _QUOTED_FOR_EXCEL.fullmatch(text) if text.startswith("=") else None
    return formula[1] if formula is not None else text


def _text(name: str, value: Any) -> str | None:
    if not isinstance(value, str):
        if is_missing(value):
            return None
        if isinstance(value, (list, tuple)) and all(isinstance(part, str | None) for part in value):
            value = "\n".join(filter(None, value))  # paragraphs, or the one title in its list
        elif _is_number(value):
            value = text_of(value)  # a book may be called 1984
        else:
            raise CatalogError(f"field '{name}' is {type(value).__name__}, not text; quote it")
    if name in _LISTING:
        text = plain_text(value)
        # Blocks of markup end up in lines, which a title has none of.
        value = text.replace("\n", " ") if name == "title" and text != value else text
    return value or None


def _category(value: Any) -> tuple[tuple[str, ...] | None, str | None]:
    """The levels of a category, and its id where one is given."""
    if isinstance(value, str) and value:
        read = _category_of_cell if len(value) <= _LONGEST_TO_KEEP else _category_of_cell.__wrapped__
        return read(value)
    if is_missing(value) or value == [] or (_is_number(value) and value < 0):  # data sets write -1 for none
        return None, None
    if isinstance(value, (list, tuple)):
        if {*map(type, value)} == {str} and sum(map(len, value)) <= _LONGEST_TO_KEEP:
            return _category_of_levels(tuple(value))
        if all(isinstance(path, list) for path in value):
            value = max(value, key=len)  # several categories: the deepest, as of a cell of text
        value = [text_of(level) if _is_number(level) else level for level in value if not is_missing(level)]
    return _levels_and_id(value)


def _levels_and_id(value: Any) -> tuple[tuple[str, ...] | None, str | None]:
    cell = read_category_cell(value)
    if cell is None:
        raise CatalogError("field 'category' is neither 'A > B > C' nor a list of texts nor an id")
    levels = tuple([level.strip() for level in map(plain_text, cell.levels) if level.strip()])
    return levels or None, cell.id


@lru_cache(maxsize=4096)
def _category_of_levels(levels: tuple[str, ...]) -> tuple[tuple[str, ...] | None, str | None]:
    return _levels_and_id([level for level in levels if level])


@lru_cache(maxsize=4096)
def _category_of_cell(cell: str) -> tuple[tuple[str, ...] | None, str | None]:
    listed = read_list_cell(cell)
    is_list = isinstance(listed, list) and all(isinstance(level, str | int | list) for level in listed)
    return _category(listed) if is_list else _levels_and_id(cell)


def _is_number(value: Any) -> bool:
    return isinstance(value, _NUMBERS) and not isinstance(value, bool)


def read_attributes(value: Any) -> dict[str, AttributeValue] | None:
    """Attributes from a mapping, a list of {name, value}, or JSON of either. Raises `CatalogError` for anything else."""
    if isinstance(value, str) and value:
        value = written_attributes(value)
        if value is None:
            raise CatalogError("field 'attributes' is text that is no JSON; give a mapping or a list of {name, value}")
    if is_missing(value) or value in ({}, []):
        return None
    if isinstance(value, Mapping):
        pairs = pairs_of_lists(value) or list(value.items())
    elif isinstance(value, list) and all(isinstance(pair, Mapping) and "name" in pair for pair in value):
        pairs = [(pair["name"], pair.get("value")) for pair in value]
    elif isinstance(value, list) and all(isinstance(pair, tuple) and len(pair) == 2 for pair in value):
        pairs = value  # Arrow's map, which may have a key twice
    else:
        raise CatalogError("field 'attributes' is neither a mapping nor a list of {name, value}")
    merged: dict[str, AttributeValue] = {}
    for name, given in pairs:
        if type(given) is str and given and name not in merged and type(name) is str:  # nearly always
            merged[name] = given
            continue
        items = given if isinstance(given, list) else [given]
        values = [item if isinstance(item, str) else text_of(item) for item in items if not is_missing(item)]
        if not values:
            continue
        before = merged.get(str(name))  # a list of pairs may name an attribute twice: it has both values
        if before is not None:
            values = ([before] if isinstance(before, str) else before) + values
        merged[str(name)] = values[0] if len(values) == 1 else values
    return merged or None


def pairs_of_lists(value: Mapping[str, Any]) -> list[tuple[Any, Any]] | None:
    """The pairs of {name: [...], value: [...]}, which is how data sets store a sequence of {name, value}."""
    names, values = value.get("name"), value.get("value")
    if value.keys() == {"name", "value"} and isinstance(names, list) and isinstance(values, list):
        return list(zip(names, values, strict=False))
    return None


def _images(record: Mapping[str, Any], base: Path | None) -> tuple[ImageRef, ...]:
    refs: list[ImageRef] = []
    for name in ("image", "images"):
        value = record.get(name)
        if is_missing(value):
            continue
        if isinstance(value, str):
            value = split_photos(value, base)  # CSV has no lists
        elif not isinstance(value, (list, tuple)):
            value = [value]
        refs.extend([_image(item, base) for item in value if not is_missing(item)])
    return tuple([ref for ref in refs if not (ref.data is None and ref.path is None and ref.url is None)])


def _image(item: Any, base: Path | None) -> ImageRef:
    if isinstance(item, str):
        return _photo_named(item.strip(), base)
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
    raise CatalogError(f"an image is {type(item).__name__}; give a path, a URL or {{bytes, path}}")


def _photo_named(name: str, base: Path | None) -> ImageRef:
    """A photo by its path or URL; `data:` has the photo in itself, `file:` is a path."""
    tidy = tidy_path(name, base)
    if tidy is not None and "?" not in name:  # nearly all photos
        return ImageRef(path=tidy)
    url = address_of(name, base)
    if url is not None:
        return ImageRef(url=url)
    scheme = name[:5].casefold() if ":" in name else ""
    if scheme == "data:":
        return ImageRef(data=_data_of(name))
    if scheme == "file:":
        name = url2pathname(urlsplit(name).path)
    if "\\" not in name and "?" not in name:
        return ImageRef(path=path_of(name, base))
    path = Path(name) if base is None else base / name
    if not _exists(path):
        # As Windows writes folders, or with what a web shop adds for its cache: 'photos\\a.jpg', 'a.jpg?v=3'.
        bare = name.partition("?")[0].replace("\\", "/")
        other = Path(bare) if base is None else base / bare
        path = other if _exists(other) else path
    return ImageRef(path=str(path))


def _data_of(url: str) -> bytes:
    """The bytes in a `data:` URL; none where it is broken, which whoever opens the photo will say."""
    head, _, body = url.partition(",")
    text = unquote(body)
    try:
        return base64.b64decode(text) if head.endswith(";base64") else text.encode()
    except (binascii.Error, ValueError):
        return b""


def _exists(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a text too long for a name, or with NUL in it
        return False
