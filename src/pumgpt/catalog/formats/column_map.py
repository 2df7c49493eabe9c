"""Which column of somebody's table is read as what: guessed from the names, or said in a small YAML.

    id: sku                              # the only one that has to be there; "#row" numbers the rows
    title: name
    images: [photo_url, photo_2]         # one column or several, in this order
    category: department                 # A > B > C
    attributes: {colour: color, fabric: cloth}

`description`, `language` and `source` are the others; `docs/examples/columns.yaml` is a whole one. A column that isn't
named is carried through untouched; where only `id` is named, the others are guessed. Category and attributes are filled
into their columns where these are empty.
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

from pumgpt.catalog.formats.column_names import (
    ATTRIBUTES,
    FIELDS,
    LANGUAGES,
    attribute_aliases,
    field_aliases,
    fold_name,
    photo_pattern,
)
from pumgpt.catalog.photo_list import split_photos
from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute
from pumgpt.catalog.vocabulary.text_files import read_text
from pumgpt.errors import CatalogError, SchemaError, UsageError

ROW_NUMBER = "#row"
"""As the column of ids: the rows have none and are numbered, from 1."""
NUMBERED = "row-number"
"""The same, as users say it at the command line, where # begins a comment."""
_TEXTS = ("title", "description", "language", "source")
_LISTING = ("title", "description", "category")
_OURS = "pumgpt_"


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

    @property
    def numbers_rows(self) -> bool:
        """Whether products are called by the numbers of their rows."""
        return self.id == ROW_NUMBER

    @property
    def names_only_id(self) -> bool:
        """Whether all other columns are left to be guessed."""
        return self.model_fields_set <= {"id"}

    @cached_property
    def attribute_columns(self) -> dict[str, str]:
        """The columns by the attributes' folded names."""
        return {fold_attribute(name): column for name, column in self.attributes.items()}

    @cached_property
    def used(self) -> frozenset[str]:
        """All columns that are read."""
        return frozenset(column for _, column in self._pairs())

    def with_attributes(self, columns: Mapping[str, str]) -> ColumnMap:
        """The same with further attributes: attribute -> column."""
        return ColumnMap.model_validate({**self.model_dump(), "attributes": {**self.attributes, **columns}})

    def check(self, path: Path, names: Sequence[str]) -> None:
        """Raise `CatalogError` where the catalogue lacks a column that is named here."""
        for field, column in self._pairs():
            if column not in names and column != ROW_NUMBER:
                has = ", ".join(names)
                option = "--ids" if self.names_only_id else "--columns"
                raise CatalogError(f"{path}: has no column '{column}', which {option} reads as {field} (it has: {has})")

    def read(self, record: Mapping[str, Any], base: Path) -> Product:
        """The product of one row. Raises `CatalogError` where a field has a type that can't be read.

        Where rows are numbered, the caller puts the number in the place of the id.
        """
        known: dict[str, Any] = {
            "id": ROW_NUMBER if self.numbers_rows else record[self.id],
            "images": [*self._photos(record, base)],
        }
        for name in (*_TEXTS, "category"):
            column = getattr(self, name)
            if column is not None:
                known[name] = record.get(column)
        named = [{"name": name, "value": record.get(column)} for name, column in self.attributes.items()]
        stated = None if "attributes" in self.used else record.get("attributes")
        is_read = isinstance(stated, Mapping | list)  # text called so is a column of the shop's like any other
        if isinstance(stated, Mapping):
            stated = [{"name": name, "value": value} for name, value in stated.items()]
        known["attributes"] = [*stated, *named] if is_read and stated else named
        read = {*self.used, "attributes"} if is_read else self.used
        extra = {name: value for name, value in record.items() if name not in read}
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
        seen: set[str] = set()  # shops name their main photo among the others once more
        for photo in self._named_photos(record, base):
            if not isinstance(photo, str) or photo not in seen:
                yield photo
            if isinstance(photo, str):
                seen.add(photo)

    def _named_photos(self, record: Mapping[str, Any], base: Path) -> Iterator[Any]:
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


def load_column_map(path: Path | None, ids: str | None = None) -> ColumnMap | None:
    """What a user says of the columns with --columns and --ids; None where nothing. Raises `SchemaError`, `UsageError`."""
    if ids is None:
        return None if path is None else ColumnMap.load(path)
    if path is not None:
        raise UsageError(f"--ids and --columns both name the ids; leave --ids out, and say `id` in {path}")
    return ColumnMap(id=ROW_NUMBER if ids == NUMBERED else ids)


def describe(fields: Mapping[str, str]) -> str:
    """'reads sku as id, name as title', for the person at the terminal."""
    named = {field: "the row's number" if column == ROW_NUMBER else column for field, column in fields.items()}
    return "reads " + ", ".join(f"{column} as {field}" for field, column in named.items())


_LOOKS_LIKE = {
    "title": re.compile(r".*(title|titel|titolo|titulo|titre|tytul).*|(product|item|article|display)name.*"),
    "photo": re.compile(
        r".*(image|img|photo|picture|foto|bild|immagin|imagen|imagem|afbeelding|zdjec|画像|图片|圖片).*"
    ),
    "category": re.compile(r".*([ck]ategor|カテコ|分类|类目|分類).*"),
}
"""Folded names of columns that may be meant as one of these."""
_ABOUT = re.compile(
    r".*(id|alt|text|label|caption|title|name|position|order|sort|width|height|count|type|status|slug|url)\d*"
)
"""What a column beside the one that is read says about the photo or the category, rather than being another one."""
_LOCALE = re.compile(
    r"(?P<open>[-_. :(\[])\s*(?P<language>[A-Za-z]{2})(?P<region>[-_][A-Za-z]{2})?\s*[)\]]?(?P<scope>[-_. ]\w+)?$"
)
"""What a system with several languages and channels ends its names with: 'description-en_US-ecommerce', 'Name (de)'."""
_REMARK = re.compile(r"\s*[(\[][^()\[\]]*[)\]]\s*$")
"""What is said of a name in brackets: 'Image URLs (x,y,z...)'."""


def guess_columns(names: Sequence[str], id_column: str | None = None) -> ColumnMap | None:
    """The likeliest reading of a table's columns; None where none looks like an id and no `id_column` is given.

    Of columns in several languages those without one count first, then those of `chosen_locale`.
    """
    ordered = _preferred(names)
    fields = {field: next(iter(_matching(ordered, field_aliases(field))), None) for field in FIELDS}
    fields["id"] = id_column or fields["id"]
    if fields["id"] is None:
        return None
    if fields["id"] == "id" and "source" in names:  # a table that has one of our names may have the others
        fields["source"] = "source"
    return ColumnMap.model_validate(
        {
            **fields,
            "images": _photo_columns(names),
            "attributes": guess_attributes(names),
        }
    )


def guess_attributes(names: Sequence[str]) -> dict[str, str]:
    """The columns that are called as an attribute usually is -> attribute: column."""
    by_name = {fold_name(_without_locale(name)): name for name in reversed(_preferred(names))}
    found = {
        attribute: next((by_name[alias] for alias in attribute_aliases(attribute) if alias in by_name), None)
        for attribute in ATTRIBUTES
    }
    return {attribute: column for attribute, column in found.items() if column is not None}


def id_candidates(names: Sequence[str]) -> tuple[str, ...]:
    """The columns that may hold the ids, the likeliest first."""
    found = _matching(_preferred(names), field_aliases("id"))
    return ("id", *(name for name in found if name != "id")) if "id" in names else found


def lacks_fields(names: Sequence[str]) -> bool:
    """Whether a table with a column `id` has texts, categories or photos under names that aren't ours."""
    texts = any(field not in names and _matching(names, field_aliases(field)) for field in _LISTING)
    return texts or not {"image", "images"}.issuperset(_photo_columns(names))


def fits_name(name: str, value: Any) -> bool:
    """Whether a value of any type can be read as what its column is called."""
    folded = _fold_bare(name)
    if value is None or isinstance(value, str) or photo_pattern().fullmatch(folded):
        return True
    if any(folded in field_aliases(field) for field in ("title", "description", "language")):
        return False
    is_list = isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
    return is_list or (folded not in field_aliases("category") and not isinstance(value, Mapping))


def unread_fields(names: Sequence[str], column_map: ColumnMap | None) -> dict[str, str]:
    """The columns that look like a title, a photo or a category and aren't read -> what they look like.

    Where the field is read from another column, a second title is none of ours, nor is what describes a photo or a category.
    """
    read = {"title", "category", "image", "images"} & {*names} if column_map is None else column_map.used
    has = {
        "title": "title" in read if column_map is None else column_map.title is not None,
        "photo": bool({"image", "images"} & read) if column_map is None else bool(column_map.images),
        "category": "category" in read if column_map is None else column_map.category is not None,
    }
    unread: dict[str, str] = {}
    for field, pattern in _LOOKS_LIKE.items():
        for name in names:
            folded = fold_name(name)
            is_about = has[field] and (field == "title" or _ABOUT.fullmatch(folded))
            if name not in read and pattern.fullmatch(folded) and not is_about and not name.startswith(_OURS):
                unread.setdefault(name, field)
    return unread


def locales(names: Sequence[str]) -> tuple[str, ...]:
    """The languages that names end with: 'en_US' and 'de_DE' of 'name-en_US', 'name-de_DE'. In the order of the columns."""
    found = (_locale_of(name) for name in names if _is_known(_without_locale(name)))
    return tuple(dict.fromkeys(locale for locale in found if locale is not None))


def chosen_locale(names: Sequence[str]) -> str | None:
    """Which of a table's languages is read: English, which models know best, or else the first; None where it has none."""
    found = locales(names)
    return next((locale for locale in found if locale.casefold().startswith("en")), next(iter(found), None))


def _preferred(names: Sequence[str]) -> list[str]:
    """The names in the order in which they are chosen: without a language, of the chosen one, of the others."""
    chosen = chosen_locale(names)
    ranks = {chosen: 1, None: 0}
    return sorted(names, key=lambda name: ranks.get(_locale_of(name), 2))


def _matching(names: Sequence[str], aliases: Sequence[str]) -> tuple[str, ...]:
    """The columns that are called so, in the order of the aliases; bare names before those with a language or a remark."""
    found: dict[str, None] = {}
    for fold in (fold_name, _fold_bare):
        by_name = {fold(name): name for name in reversed(names)}  # of two names alike the first column wins
        found.update(dict.fromkeys(by_name[alias] for alias in aliases if alias in by_name))
    return tuple(found)


def _photo_columns(names: Sequence[str]) -> tuple[str, ...]:
    """All columns of photos, in the order of the file; of several languages those of the first that has any."""
    found = [name for name in _preferred(names) if photo_pattern().fullmatch(_fold_bare(name))]
    read = {None, *map(_locale_of, found[:1])}
    return tuple(name for name in names if name in found and _locale_of(name) in read)


def _is_known(name: str) -> bool:
    folded = fold_name(name)
    known = (*map(field_aliases, FIELDS), *map(attribute_aliases, ATTRIBUTES))
    return any(folded in aliases for aliases in known) or photo_pattern().fullmatch(folded) is not None


def _locale_of(name: str) -> str | None:
    match = _LOCALE.search(name)
    if match is None or match["language"].casefold() not in LANGUAGES:
        return None
    # What follows may be a channel, as after 'en_US', but after two letters alone it is any word: 'care_it_yourself'.
    is_sure = match["region"] or not match["scope"]
    return match["language"] + (match["region"] or "") if is_sure else None


def _without_locale(name: str) -> str:
    return name if _locale_of(name) is None else _LOCALE.sub("", name)


def _fold_bare(name: str) -> str:
    return fold_name(_REMARK.sub("", _without_locale(name)))
