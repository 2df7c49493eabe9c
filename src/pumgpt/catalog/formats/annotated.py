"""A catalogue with columns of JSON of somebody's own beside the shop's, such as the verdicts of a curation.

What is written comes from the caller, row by row; each format decides where in its files it belongs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pumgpt.catalog.product import Product


@dataclass(frozen=True)
class AnnotatedRow:
    """One row of the catalogue. `original` is its record as it shall be written, `notes` the cells of the new columns.

    Without a `product` it is a row that nothing was found out about; only exports keep it.
    """

    product: Product | None
    original: Any
    notes: Mapping[str, str] = field(default_factory=dict)


def annotated_products(rows: Iterable[AnnotatedRow]) -> Iterator[Product]:
    """The annotated products, with their notes in `original`: what a table writes that is not an export."""
    for row in rows:
        if row.product is not None:
            yield replace(row.product, original={**row.original, **row.notes})
