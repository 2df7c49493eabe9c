"""Catalogues filled with a made-up answer, as `enrich` does it, without a model."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

from pumgpt.catalog.formats.column_map import ColumnMap
from pumgpt.catalog.formats.output import open_writer
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import AttributeField, CaptionField, CategoryField, ModelInfo, Understanding

_MODEL = ModelInfo(name="fake", revision="0")
Answer = Callable[[Product], Understanding | None]


def nothing(product: Product) -> Understanding:
    """An answer that fills nothing."""
    return Understanding(id=product.id, model=_MODEL)


def answer(
    product: Product,
    *,
    category: list[str] | None = None,
    category_id: str | None = None,
    caption: str | None = None,
    **attributes: str | list[str],
) -> Understanding:
    """An answer that fills these, where the product has none of its own."""
    own = product.attributes or {}
    return Understanding(
        id=product.id,
        caption=CaptionField(text=caption, confidence=0.75),
        category=CategoryField(
            path=list(product.category) if product.category else category,
            id=category_id,
            confidence=0.9,
            status="kept" if product.category else "filled" if category else "abstained",
        ),
        attributes=[
            AttributeField(name=name, value=value, confidence=0.8, status="kept" if name in own else "filled")
            for name, value in attributes.items()
        ],
        model=_MODEL,
    )


def fill(
    source: Path,
    out: Path,
    told: Answer = nothing,
    names: tuple[str, ...] = (),
    overwrite: bool = False,
    column_map: ColumnMap | None = None,
    precision: float = 0.0,
    category_id: str | None = None,
) -> list[str]:
    """Write `out` with an answer for every product; None leaves a product unanswered. Returns the reader's warnings."""
    reader = read_catalog(source, column_map)
    with open_writer(
        out,
        reader,
        attribute_names=names,
        overwrite_values=overwrite,
        precision=precision,
        category_id=category_id,
    ) as writer:
        for row in reader:
            said = told(row) if isinstance(row, Product) else None
            if isinstance(row, Product) and said is not None:
                writer.write(row, said)
            else:
                writer.carry(row)
    return reader.warnings


def cells(path: Path, delimiter: str = ",") -> list[list[str]]:
    """All records of a table, cell by cell."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file, delimiter=delimiter))
