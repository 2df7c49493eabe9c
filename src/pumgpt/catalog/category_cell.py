"""The category that a cell of text names, in whichever of the usual ways a shop writes paths."""

from __future__ import annotations

import re

from pumgpt.catalog.html_text import plain_text

_COMMA = "\0"
"""Stands for a comma that is a part of a name while a cell is cut; no cell holds it."""
_SLASH = re.compile(r"(?<=\S)/(?=\S)")


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
