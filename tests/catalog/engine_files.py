"""Products of files that data engines write, and how they are read back and filled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from filling import answer

from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding

pl = pytest.importorskip("polars", reason="needs polars: pip install polars")

FILLED_NAMES = ("colour", "material")


def filled(product: Product) -> Understanding:
    return answer(product, category=["Home", "Rugs"], colour="Blue", material=["Wool", "Silk"])


def products_of(path: Path) -> list[Product]:
    found = list(read_catalog(path))
    assert not [row.error for row in found if isinstance(row, RejectedRow)]
    return [row for row in found if isinstance(row, Product)]


def write_polars(path: Path, rows: dict[str, list[Any]]) -> None:
    pl.DataFrame(rows).write_parquet(path)
