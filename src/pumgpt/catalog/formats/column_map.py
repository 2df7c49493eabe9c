"""Which column of somebody's table is read as what: guessed from the names, or said in a small YAML.

    id: sku                              # the only one that has to be there
    title: name
    images: [photo_url, photo_2]         # one column or several, in this order
    category: department                 # A > B > C
    attributes: {colour: color, fabric: cloth}

`description`, `language` and `source` are the others; `docs/examples/columns.yaml` is a whole one. A column that isn't
named is carried through untouched. Category and attributes are filled into their columns where these are empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from pumgpt.catalog.photo_list import split_photos
from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute
from pumgpt.catalog.vocabulary.text_files import read_text
from pumgpt.errors import CatalogError, SchemaError

_TEXTS = ("title", "description", "language", "source")
_LISTING = ("title", "description", "category")


class ColumnMap(BaseModel):
    """Columns by what they are read as."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    title: str | None = None
    description: str | None = None
    images: tuple[str, ...] = ()
    category: str | None = None
    language: str | None = None
    source: str | None = None
    attributes: Mapping[str, str] = Field(default_factory=dict)
    """Attribute -> column."""

    @field_validator("images", mode="before")
    @classmethod
    def _as_several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @classmethod
    def load(cls, path: Path) -> ColumnMap:
        """Read a mapping. Raises `SchemaError` that names the file and the place in it."""
        text = read_text(path)
        try:
            # BaseLoader leaves scalars as they are written: a column may be called 'no' or '007'.
            return cls.model_validate(yaml.load(text, Loader=yaml.BaseLoader))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            raise SchemaError(f"{path}: {where}: {first['msg']}; see docs/examples/columns.yaml") from error
        except yaml.YAMLError as error:
            raise SchemaError(f"{path}: can't be read as YAML: {' '.join(str(error).split())}") from error

    @cached_property
    def attribute_columns(self) -> dict[str, str]:
        """The columns by the attributes' folded names."""
        return {fold_attribute(name): column for name, column in self.attributes.items()}

    @cached_property
    def used(self) -> frozenset[str]:
        """All columns that are read."""
        return frozenset(column for _, column in self._pairs())

    def check(self, path: Path, names: Sequence[str]) -> None:
        """Raise `CatalogError` where the catalogue lacks a column that is named here."""
        for field, column in self._pairs():
            if column not in names:
                has = ", ".join(names)
                raise CatalogError(
                    f"{path}: has no column '{column}', which --columns reads as {field} (it has: {has})"
                )

    def read(self, record: Mapping[str, Any], base: Path) -> Product:
        """The product of one row. Raises `CatalogError` where a field has a type that can't be read."""
        known: dict[str, Any] = {"id": record[self.id], "images": [*self._photos(record, base)]}
        for name in (*_TEXTS, "category"):
            column = getattr(self, name)
            if column is not None:
                known[name] = record.get(column)
        known["attributes"] = {name: record.get(column) for name, column in self.attributes.items()}
        extra = {name: value for name, value in record.items() if name not in self.used}
        return replace(Product.from_record(known, base), extra=extra, original=record)

    def describe(self) -> str:
        """'reads sku as id, name as title', for the person at the terminal."""
        return describe(self.fields)

    @cached_property
    def fields(self) -> dict[str, str]:
        """What a column is read as -> the column; further columns of photos are 'image 2', 'image 3', ..."""
        found: dict[str, str] = {}
        for field, column in self._pairs():
            count = sum(name.partition(" ")[0] == field for name in found) if field == "image" else 0
            found[f"{field} {count + 1}" if count else field] = column
        return found

    def _photos(self, record: Mapping[str, Any], base: Path) -> Iterator[Any]:
        for column in self.images:
            value = record.get(column)
            if isinstance(value, str):
                yield from split_photos(value, base)
            elif isinstance(value, list | tuple):
                yield from value
            else:
                yield value

    def _pairs(self) -> Iterator[tuple[str, str]]:
        """(what it is read as, column)."""
        yield "id", self.id
        for name in (*_TEXTS[:2], "category", *_TEXTS[2:]):
            if getattr(self, name) is not None:
                yield name, getattr(self, name)
        yield from (("image", column) for column in self.images)
        yield from self.attributes.items()


def describe(fields: Mapping[str, str]) -> str:
    """'reads sku as id, name as title', for the person at the terminal."""
    return "reads " + ", ".join(f"{column} as {field}" for field, column in fields.items())


_ALIASES: dict[str, tuple[str, ...]] = {
    "id": (
        *("id", "productid", "itemid", "articleid", "listingid", "sku", "productsku", "itemsku", "variantsku"),
        *("productcode", "itemcode", "itemnumber", "articlenumber", "productnumber", "modelnumber"),
        *("asin", "gtin", "ean", "upc", "uniqid", "uuid", "handle", "slug"),
        *("handleid", "sellersku", "customlabel", "code", "reference", "barcode"),
    ),
    "title": (
        "title",
        "name",
        "producttitle",
        "productname",
        "itemname",
        "itemtitle",
        "displayname",
        "productdisplayname",
        *("titel", "titolo", "titre", "titulo"),
    ),
    "description": (
        "description",
        "desc",
        "productdescription",
        "longdescription",
        "body",
        "bodyhtml",
        "shortdescription",
        *("beschreibung", "descrizione", "descripcion"),
    ),
    "category": (
        "category",
        "categorypath",
        "productcategory",
        "categories",
        "categoryname",
        "producttype",
        "department",
        *("productcategorytree", "categorytree", "collection", "collections", "kategorie", "categoria", "categorie"),
    ),
    "language": ("language", "lang", "locale"),
}
_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "colour": (
        "colour",
        "color",
        "basecolour",
        "basecolor",
        "productcolour",
        "productcolor",
        "colourname",
        "colorname",
    ),
    "gender": ("gender", "sex"),
    "age group": ("agegroup",),
    "material": ("material",),
    "fabric": ("fabric",),
    "pattern": ("pattern",),
    "size": ("size",),
    "brand": ("brand", "brandname"),
    "season": ("season",),
}
_PHOTO = re.compile(
    r"(product|main|primary|additional|item|base|variation|variant|hosted|featured)?"
    r"(images?|imgs?|photos?|pictures?|pics?)\d*(urls?|links?|src|paths?|files?)?\d*"
)
_LOOKS_LIKE = {
    "title": re.compile(r".*title|(product|item|article|display)name.*"),
    "photo": re.compile(r".*(image|photo|picture).*"),
    "category": re.compile(r".*categor.*"),
}
_LOCALE = re.compile(r"[-_. ][a-z]{2}[-_][A-Z]{2}([-_. ]\w+)?$")
"""What a system with several languages and channels ends its names with: 'description-en_US-ecommerce'."""
_REMARK = re.compile(r"\s*[(\[][^()\[\]]*[)\]]\s*$")
"""What is said of a name in brackets: 'Image URLs (x,y,z...)'."""


def guess_columns(names: Sequence[str], id_column: str | None = None) -> ColumnMap | None:
    """The likeliest reading of a table's columns; None where none looks like an id and no `id_column` is given."""
    fields = {field: next(iter(_matching(names, aliases)), None) for field, aliases in _ALIASES.items()}
    fields["id"] = id_column or fields["id"]
    if fields["id"] is None:
        return None
    by_letters = {_letters(name): name for name in reversed(names)}
    attributes = {
        name: next((by_letters[alias] for alias in aliases if alias in by_letters), None)
        for name, aliases in _ATTRIBUTES.items()
    }
    if fields["id"] == "id" and "source" in names:  # a table that has one of our names may have the others
        fields["source"] = "source"
    return ColumnMap.model_validate(
        {
            **fields,
            "images": _photo_columns(names),
            "attributes": {name: column for name, column in attributes.items() if column is not None},
        }
    )


def id_candidates(names: Sequence[str]) -> tuple[str, ...]:
    """The columns that may hold the ids, the likeliest first."""
    found = _matching(names, _ALIASES["id"])
    return ("id", *(name for name in found if name != "id")) if "id" in names else found


def lacks_fields(names: Sequence[str]) -> bool:
    """Whether a table with a column `id` has its texts, categories or photos under names that aren't ours."""
    texts = any(field not in names and _matching(names, _ALIASES[field]) for field in _LISTING)
    return texts or (not {"image", "images"} & {*names} and bool(_photo_columns(names)))


def unread_fields(names: Sequence[str], column_map: ColumnMap | None) -> dict[str, str]:
    """The columns that look like a title, a photo or a category in a table of which none is read -> what they look like."""
    if column_map is None:
        read = {
            "title": "title" in names,
            "photo": bool({"image", "images"} & {*names}),
            "category": "category" in names,
        }
    else:
        read = {
            "title": column_map.title is not None,
            "photo": bool(column_map.images),
            "category": column_map.category is not None,
        }
    return {
        name: field
        for field, pattern in _LOOKS_LIKE.items()
        if not read[field]
        for name in names
        if pattern.fullmatch(_letters(name)) and (column_map is None or name not in column_map.used)
    }


def _matching(names: Sequence[str], aliases: Sequence[str]) -> tuple[str, ...]:
    """The columns that are called so, in the order of the aliases; bare names before those with a locale or a remark."""
    found: dict[str, None] = {}
    for fold in (_letters, _bare_letters):
        by_letters = {fold(name): name for name in reversed(names)}  # of two names alike the first column wins
        found.update(dict.fromkeys(by_letters[alias] for alias in aliases if alias in by_letters))
    return tuple(found)


def _photo_columns(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if _PHOTO.fullmatch(_bare_letters(name)))


def _bare_letters(name: str) -> str:
    return _letters(_LOCALE.sub("", _REMARK.sub("", name)))


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())
