"""Shop systems' tables as tests write, fill and compare them."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from filling import cells, fill
from hypothesis import strategies as st

from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding

CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8) | st.sampled_from(
    [
        "",
        '"',
        "a\r\nb",
        "\r",
        "\n",
        "🧦",
        "<p>x</p>",
        "a;b",
        " ",
        "=1",
        "\ufeff",
        "a > b",
        "a, b",
        "a|b",
        "a=b,c=d",
        "\\,",
    ]
)
"""What a cell may hold that means nothing to us."""
_PACKED = ("additional_attributes", "Feature(Name:Value:Position)")
"""Cells of many attributes: one more makes them longer."""


def write_table(path: Path, rows: Sequence[Sequence[str]], delimiter: str = ",") -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


def products(path: Path) -> list[Product]:
    """All rows, none of which may be set aside."""
    rows = list(read_catalog(path))
    assert all(isinstance(row, Product) for row in rows), rows
    return [row for row in rows if isinstance(row, Product)]


def changed_cells(
    source: Path,
    out: Path,
    told: Callable[[Product], Understanding],
    names: tuple[str, ...],
    delimiter: str = ",",
    skipped: int = 0,
) -> dict[tuple[int, str], str]:
    """Fill a table. (row of the table from 1, column) -> cell, for all that the output has and the input hadn't, without
    `pumgpt_*`. Rows and columns of the input must all be there; `skipped` rows stand above the header.
    """
    fill(source, out, told, names)
    before, after = cells(source, delimiter)[skipped:], cells(out, delimiter)[skipped:]
    width = len(before[0])
    assert after[0][:width] == before[0]
    assert len(after) == len(before)
    assert all(len(row) == len(after[0]) for row in after)
    changed = {}
    for number, (old, new) in enumerate(zip(before, after, strict=True)):
        for column, was, now in zip(after[0], [*old, *[""] * (len(new) - len(old))], new, strict=True):
            if number and was != now and not column.startswith("pumgpt_"):
                # What separates values and has none is no value.
                assert re.fullmatch(r"[\s,;|/\\]*", was) or column in _PACKED, f"{column} of row {number} had {was!r}"
                changed[number, column] = now
    return changed
