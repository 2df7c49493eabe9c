"""A catalogue's profile: how a file is understood, told from its first rows, before anything is asked of a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from pumgpt.catalog.formats.base import CatalogReader, RejectedRow
from pumgpt.catalog.formats.filled import Fills
from pumgpt.catalog.product import ImageRef, Product
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy
from pumgpt.errors import CatalogError

MAX_ROWS = 1_000
MAX_EXAMPLES = 5
MAX_REJECTED = 5
_MAX_UNKNOWN = 5


@dataclass(frozen=True)
class ProfiledPhoto:
    """One photo of a row. `state` is 'found' or 'missing' for a file, 'url' (not fetched), or 'embedded' for bytes."""

    name: str
    state: str

    @classmethod
    def of(cls, ref: ImageRef, base: Path) -> ProfiledPhoto:
        if ref.data is not None:
            return cls(ref.path or f"{len(ref.data):,} bytes", "embedded")
        if ref.path is None:
            return cls(ref.url or "", "url")
        path = Path(ref.path)
        name = str(path.relative_to(base)) if path.is_relative_to(base) else ref.path
        try:
            return cls(name, "found" if path.is_file() else "missing")
        except (OSError, ValueError):  # a text too long for a name, or with NUL in it
            return cls(name, "missing")


@dataclass(frozen=True)
class ProfiledRow:
    """A row as it is read."""

    row: int
    product: Product
    photos: tuple[ProfiledPhoto, ...]

    def to_json(self) -> dict[str, Any]:
        product = self.product
        return {
            "row": self.row,
            "id": product.id,
            "title": product.title,
            "description": product.description,
            "photos": [{"name": photo.name, "state": photo.state} for photo in self.photos],
            "category": None if product.category is None else list(product.category),
            "attributes": dict(product.attributes or {}),
        }


@dataclass
class CatalogProfile:
    """What `profile_catalog` tells. Counts are of the first `rows` rows, which are all of them if `complete`."""

    path: Path
    format: str
    layout: Mapping[str, str]
    rows: int = 0
    complete: bool = True
    usable: int = 0
    fields: Mapping[str, str] = field(default_factory=dict)
    """What is read -> the column that holds it."""
    attributes_from: list[str] = field(default_factory=list)
    """Further columns that are read: those of attributes, in systems that have several for them."""
    carried: list[str] = field(default_factory=list)
    """The columns that aren't read; they come back unchanged."""
    fills: Fills = field(default_factory=Fills)
    """The shop's own columns that are filled where they are empty; the `pumgpt_*` columns come in any case."""
    lacking: Counter[str] = field(default_factory=Counter)
    """Rows without a title, photo, description, category."""
    photos: Counter[str] = field(default_factory=Counter)
    """Photos by their state."""
    without_good_photo: int = 0
    """Rows all of whose photos are missing files: they would be set aside."""
    examples: list[ProfiledRow] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)
    """The first rows that would be set aside as they can't be read."""
    num_rejected: int = 0
    known_categories: int | None = None
    """Rows whose category is in the taxonomy that was given."""
    unknown_categories: list[str] = field(default_factory=list)
    """The first categories that are not in it."""
    warnings: list[str] = field(default_factory=list)
    error: str | None = None
    """Why a run would end at once; None where it would start."""

    def to_json(self) -> dict[str, Any]:
        """The document of `pumgpt look --json`; its keys are described in docs/catalogues.md."""
        document: dict[str, Any] = {
            "file": str(self.path),
            "format": self.format,
            "layout": dict(self.layout),
            "fields": dict(self.fields),
            "attributes_from": self.attributes_from,
            "carried": self.carried,
            "fills": {
                "category": self.fills.category,
                "attributes": dict(self.fills.attributes),
                "other_attributes": self.fills.other_attributes,
            },
            "rows": {
                "sampled": self.rows,
                "complete": self.complete,
                "usable": self.usable,
                "rejected": self.num_rejected,
                "photos_missing": self.without_good_photo,
                **{f"without_{name}": self.lacking[name] for name in ("photo", "title", "description", "category")},
            },
            "photos": {state: self.photos[state] for state in ("found", "missing", "url", "embedded")},
            "examples": [row.to_json() for row in self.examples],
            "rejected": [{"row": row.row, "id": row.id, "error": row.error} for row in self.rejected],
            "warnings": self.warnings,
            "error": self.error,
        }
        if self.known_categories is not None:
            document["taxonomy"] = {"known": self.known_categories, "unknown": self.unknown_categories}
        return document


def profile_catalog(
    reader: CatalogReader, max_rows: int = MAX_ROWS, taxonomy: Taxonomy | None = None
) -> CatalogProfile:
    """Read the first `max_rows` rows of an open catalogue, whatever its format. Photos are looked for, not opened.

    With `taxonomy`, the shop's categories are looked up in it.
    """
    profile = CatalogProfile(reader.path, reader.format.name, reader.layout)
    rows = enumerate(reader, start=1)
    products = _count_rows(islice(rows, max_rows), profile)
    columns, carried = {}, {}
    has_contents = False
    for row, product in products:
        columns.update(dict.fromkeys(product.original))
        carried.update(dict.fromkeys(product.extra))
        has_contents |= bool(product.images or product.title or product.description)
        photos = tuple(ProfiledPhoto.of(ref, reader.base) for ref in product.images)
        _count_product(product, photos, profile)
        if taxonomy is not None:
            _look_up(product, taxonomy, profile)
        if len(profile.examples) < MAX_EXAMPLES:
            profile.examples.append(ProfiledRow(row, product, photos))
    profile.complete = next(rows, None) is None
    # A reader whose columns have our names, or those of a specification, names no fields: what isn't carried is read.
    profile.fields = {
        **(reader.fields or {name: name for name in columns if name not in carried}),
        **reader.attribute_columns,
    }
    profile.attributes_from = [name for name in columns if name not in {*carried, *profile.fields.values()}]
    profile.carried = [name for name in carried if name not in profile.fields.values()]
    profile.fills = _made_fills(reader, columns)
    profile.error = _why_not(reader, profile, has_contents, max_rows)
    profile.warnings = [*reader.warnings]
    return profile


def _count_rows(
    rows: Iterable[tuple[int, Product | RejectedRow]], profile: CatalogProfile
) -> Iterator[tuple[int, Product]]:
    """The rows that can be read, numbered; the others go to the profile."""
    for row, product in rows:
        profile.rows = row
        if isinstance(product, Product):
            yield row, product
            continue
        profile.num_rejected += 1
        if len(profile.rejected) < MAX_REJECTED:
            profile.rejected.append(product)


def _count_product(product: Product, photos: tuple[ProfiledPhoto, ...], profile: CatalogProfile) -> None:
    profile.photos.update(photo.state for photo in photos)
    has = {
        "photo": photos,
        "title": product.title,
        "description": product.description,
        "category": product.category,
    }
    profile.lacking.update(name for name, value in has.items() if not value)
    # One good photo is enough; a row with none at all is answered from its text.
    if photos and all(photo.state == "missing" for photo in photos):
        profile.without_good_photo += 1
    else:
        profile.usable += 1


def _look_up(product: Product, taxonomy: Taxonomy, profile: CatalogProfile) -> None:
    profile.known_categories = profile.known_categories or 0
    if not product.category:
        return
    text = " > ".join(product.category)
    if product.category in taxonomy.paths or taxonomy.find(text) is not None:
        profile.known_categories += 1
    elif len(profile.unknown_categories) < _MAX_UNKNOWN and text not in profile.unknown_categories:
        profile.unknown_categories.append(text)


def _made_fills(reader: CatalogReader, columns: Mapping[str, None]) -> Fills:
    """The columns that are filled: those that are there, and where a system wants its own form back, those made for it."""
    fills = reader.fills
    if reader.format.is_export:
        return fills
    attributes = {name: column for name, column in fills.attributes.items() if column in columns}
    return Fills(fills.category if fills.category in columns else None, attributes)


def _why_not(reader: CatalogReader, profile: CatalogProfile, has_contents: bool, max_rows: int) -> str | None:
    """The line with which a run would end before it asks anything."""
    if profile.rows == 0:
        return None
    if profile.num_rejected == profile.rows:
        first = profile.rejected[0]
        return f"{reader.path}: none of the {profile.rows} rows can be read; row {first.row}: {first.error}"
    if has_contents:
        return None
    try:
        reader.check_contents(max_rows)
    except CatalogError as error:
        return str(error)
    return None
