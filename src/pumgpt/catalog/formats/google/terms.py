"""What Google Merchant feeds call things, whether they are text or XML.

The specification is public: support.google.com/merchants/answer/7052112.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from pumgpt.catalog.formats.attribute_values import without_parts
from pumgpt.catalog.formats.base import CatalogReader
from pumgpt.catalog.formats.filled import FilledColumns, Fills
from pumgpt.catalog.html_text import page_text
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute

NAMESPACE = "http://base.google.com/ns/1.0"
ATTRIBUTES = ("color", "material", "pattern", "gender", "age_group")
"""What we fill, beside the category and the title."""
MAX_TITLE_CHARS = 150
GENERATED = "trained_algorithmic_media"

_READ = {"color": "colour", "material": "material", "pattern": "pattern", "age_group": "age group", "size": "size"}
_FIRST_LEVELS = (
    "Animals & Pet Supplies|Apparel & Accessories|Arts & Entertainment|Baby & Toddler|Business & Industrial|Cameras & Optics"
    "|Electronics|Food, Beverages & Tobacco|Furniture|Hardware|Health & Beauty|Home & Garden|Luggage & Bags|Mature|Media"
    "|Office Supplies|Religious & Ceremonial|Software|Sporting Goods|Toys & Games|Vehicles & Parts"
)
_ROOTS = frozenset(_FIRST_LEVELS.split("|"))
"""The first levels of Google's product taxonomy."""
_PEOPLE = {("male", False): "Men", ("female", False): "Women", ("male", True): "Boys", ("female", True): "Girls"}
_GENDERS = {
    "male": "male men man mens boys boy",
    "female": "female women woman womens ladies girls girl",
    "unisex": "unisex",
}
_AGES = {
    "newborn": "newborn newborns",
    "infant": "infant infants baby babies",
    "toddler": "toddler toddlers",
    "kids": "kids kid children child boys girls boy girl",
    "adult": "adult adults men women",
}
_STRUCTURED = re.compile(r"(?:default|trained_algorithmic_media)?\s*:\s*(.*)", re.DOTALL)


def fold_column(name: str) -> str:
    """A feed's column as the specification writes it: 'g:Image Link' -> 'image_link'."""
    return re.sub(r"[\s_]+", "_", name.strip().casefold().removeprefix("g:"))


def read_product(record: Mapping[str, str], base: Path, images: list[str]) -> Product:
    """The product of a feed's item; `record` has the specification's names."""
    young = record.get("age_group", "").strip().lower() not in ("", "adult")
    gender = record.get("gender", "").strip()
    attributes: dict[str, Any] = {name: record.get(field, "").split("/") for field, name in _READ.items()}
    # The specification has gender and age apart; shops, and we, say 'Girls'.
    attributes["gender"] = _PEOPLE.get((gender.lower(), young), gender)
    known = {
        "id": record.get("id", "").strip(),
        "title": record.get("title", "").strip() or _content(record.get("structured_title", "")),
        "description": page_text(record.get("description", "") or _content(record.get("structured_description", ""))),
        "images": images,
        "category": record.get("google_product_category"),
        "attributes": {name: _stripped(value) for name, value in attributes.items()},
    }
    return Product.from_record(known, base)


def without_values(record: Mapping[str, str], failed: Mapping[str, Collection[str]]) -> dict[str, str]:
    """The record, of which `read_product` makes a product, without these values of the product's attributes."""
    kept = dict(record)
    for field, name in _READ.items():
        if kept.get(field):
            kept[field] = without_parts(kept[field], "/", failed.get(name, ()))
    # The value that failed was made of two fields ('Girls'), so it can't be found in this one.
    if failed.get("gender") and "gender" in kept:
        kept["gender"] = ""
    return kept


def category_field(path: list[str], id_: str | None) -> str | None:
    """The field that a category of Google's taxonomy goes into; None for one of another taxonomy."""
    return "google_product_category" if is_google_category(path, id_) else None


def fills_of(columns: Mapping[str, str]) -> Fills:
    """Where a feed is filled; `columns` has those of the specification's names that stand there under another one."""
    names = {name: _READ.get(name, name) for name in ATTRIBUTES}
    return Fills(
        columns.get("google_product_category", "google_product_category"),
        {fold_attribute(attribute): columns.get(name, name) for name, attribute in names.items()},
    )


def filled_fields(
    columns: FilledColumns,
    source: CatalogReader,
    product: Product,
    understanding: Understanding,
    field_of: Callable[[list[str], str | None], str | None] = category_field,
) -> dict[str, str]:
    """What goes into an item, by the specification's names. `structured_title` is the bare title.

    `field_of` says which field takes a category, by its path and its id; None where none does.
    """
    values = filled_values(columns.filled(understanding))
    category = columns.category(product, understanding)
    if category is not None and understanding.category is not None:
        field = field_of(category, understanding.category.id)
        if field is not None:
            values[field] = " > ".join(category)
        else:
            source.warn(
                f"{source.path}: the categories are not Google's, so 'google_product_category' stays as it is; "
                "give --taxonomy with Google's product taxonomy"
            )
    if not product.title:
        values["structured_title"] = generated_title(understanding, columns.precision)
    return {name: value for name, value in values.items() if value}


def filled_values(filled: Mapping[str, list[str]]) -> dict[str, str]:
    """What the model filled, by the specification's names and in its words: color, material, pattern, gender, age_group."""
    values = {
        "color": "/".join(filled.get("colour", [])[:3]),
        "material": "/".join(filled.get("material") or filled.get("fabric") or []),
        "pattern": "/".join(filled.get("pattern", [])[:1]),
        "gender": _code(_GENDERS, filled.get("gender", [])),
        "age_group": _code(_AGES, [*filled.get("age group", []), *filled.get("gender", [])]),
    }
    return {name: value for name, value in values.items() if value}


def is_google_category(path: list[str], id_: str | None) -> bool:
    """Whether a path may stand in `google_product_category`."""
    # Shopify's first levels are in part the same words; its ids tell them apart.
    return bool(path) and path[0] in _ROOTS and not (id_ or "").startswith("gid:")


def generated_title(understanding: Understanding, least_confidence: float) -> str:
    """A title made from the photo, at most 150 characters; '' where there is none that is sure enough."""
    caption = understanding.caption
    if caption is None or (caption.confidence is not None and caption.confidence < least_confidence):
        return ""
    title = " ".join((caption.text or "").split()).rstrip(".")
    if len(title) <= MAX_TITLE_CHARS:
        return title
    cut = title[:MAX_TITLE_CHARS]
    return cut.rpartition(" ")[0] or cut


def structured_cell(title: str) -> str:
    """`structured_title` as a text feed writes it: sub-attributes between colons, in quotes where they hold one."""
    quoted = '"' + title.replace('"', '""') + '"' if ":" in title or '"' in title else title
    return f"{GENERATED}:{quoted}"


def _content(cell: str) -> str:
    match = _STRUCTURED.fullmatch(cell.strip())
    text = match[1].strip() if match else cell.strip()
    return text[1:-1].replace('""', '"') if len(text) > 1 and text[0] == text[-1] == '"' else text


def _stripped(value: list[str] | str) -> list[str]:
    return [item.strip() for item in ([value] if isinstance(value, str) else value) if item.strip()]


def _code(codes: Mapping[str, str], values: list[str]) -> str:
    """The specification's word for the first value that it has one for."""
    for value in values:
        words = re.findall(r"[a-z]+", value.casefold().replace("'", ""))
        for code, known in codes.items():
            if set(words) & set(known.split()):
                return code
    return ""
