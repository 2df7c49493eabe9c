"""The category that a cell names: a path, in whichever of the usual ways a shop writes it, or an id."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from pumgpt.catalog.html_text import plain_text

_COMMA = "\0"
"""Stands for a comma that is a part of a name while a cell is cut; no cell holds it."""
_SLASH = re.compile(r"(?<=\S)/(?=\S)")
_PATH = re.compile(r"\S\s*>\s*\S")
_ID = r"gid://[^\s,|;]+/TaxonomyCategory/[\w-]+|[a-z]{2}(?:-\d+)+|\d+(?:\.0+)?"
"""Shopify's, or a number such as Google and Meta have; a data frame makes a float of it."""
_IDS = re.compile(rf"({_ID})(?:\s*[,|;]\s*(?:{_ID}))*")
_ID_AND_PATH = re.compile(rf"({_ID})\s+[-:]\s+(?!\d)(.*>.*)", re.DOTALL)
"""'212 - A > B', as Google's list and some feeds have it; '3 - 6 months > Tops' begins with a range."""


class CategoryCell(NamedTuple):
    """What a cell says: levels from the root, an id, or both."""

    levels: list[str]
    id: str | None = None


def read_category_cell(value: Any) -> CategoryCell | None:
    """The category of a text, a number or a list of levels; None where the value is something else.

    Of several ids the first counts, of several paths the deepest.
    """
    if isinstance(value, list | tuple):
        if len(value) == 1 and not isinstance(value[0], str):
            return read_category_cell(value[0])
        if len(value) == 1 and (named := _IDS.fullmatch(value[0].strip())):
            return CategoryCell([_plain_number(named[1])], _plain_number(named[1]))
        return CategoryCell(_listed_levels(value)) if all(isinstance(level, str) for level in value) else None
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        if not math.isfinite(value):
            return CategoryCell([])  # a data frame's NaN is an empty cell
        id_ = _plain_number(str(value))
        return CategoryCell([id_], id_)
    if not isinstance(value, str):
        return None
    named = _IDS.fullmatch(value.strip())
    if named:
        return CategoryCell([_plain_number(named[1])], _plain_number(named[1]))
    both = _ID_AND_PATH.fullmatch(value.strip())
    if both:
        return CategoryCell(category_levels(both[2]), _plain_number(both[1]))
    return CategoryCell(category_levels(value))


def _listed_levels(texts: Sequence[str]) -> list[str]:
    """The levels that a list names one by one; of a list of written paths ('A > B') those of the deepest."""
    if not any(_PATH.search(text) for text in texts):
        return list(texts)
    return max(map(category_levels, texts), key=len)


def _plain_number(id_: str) -> str:
    return re.sub(r"\.0+\Z", "", id_)


def category_levels(cell: str) -> list[str]:
    """The levels of a cell such as 'A > B > C' or 'A/B/C', from the root; of several categories those of the deepest.

    Names hold commas and slashes of their own ('Food, Beverages & Tobacco', 'Shirts / Tops', 'Tops/Tees'), so these only
    separate where the cell shows that they do.
    """
    cell = plain_text(cell).replace("\\,", _COMMA)
    paths = [_levels(path) for part in cell.split("|") for path in _categories(part)]
    # Equally deep ones stand in the shop's own order.
    deepest = max(paths, key=len)
    return [level.replace(_COMMA, ",") for level in deepest]


def _categories(cell: str) -> list[str]:
    """The categories between commas. A cell that escapes some commas, as WooCommerce does, separates at the others; else
    each part must be a path from the same root.
    """
    parts = [part.strip() for part in cell.split(",") if part.strip()]
    if len(parts) < 2:
        return [cell]
    separator = ">" if ">" in cell else "/"
    one_root = len({part.split(separator)[0].strip() for part in parts}) == 1 and all(
        separator in part for part in parts
    )
    if not one_root and _COMMA not in cell:
        return [cell]
    # Of 'Default Category/Men/Shirts, Default Category/Sale' the common root shows that slashes are levels.
    return [" > ".join(_SLASH.split(part)) if one_root and separator == "/" else part for part in parts]


def _levels(path: str) -> list[str]:
    if ">" in path:
        return path.split(">")
    steps = _SLASH.split(path)
    # One slash may as well belong to a name, and so may those of 'Shirts / Tops'.
    return steps if len(steps) > 2 and " / " not in path else [path]
