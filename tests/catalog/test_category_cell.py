"""Paths in a cell, however a shop separates levels and categories; names keep what is theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from pumgpt.catalog.category_cell import category_levels
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product


@pytest.mark.parametrize(
    ("cell", "path"),
    [
        ("A > B>C", "A > B > C"),
        ("A/B/C", "A > B > C"),
        ("Clothing >> Men >> Shirts", "Clothing > Men > Shirts"),
        ("Root/Men/Tops/Shirts,Root/Sale", "Root > Men > Tops > Shirts"),
        ("Root/Sale,Root/New", "Root > Sale"),
        ("Sale|Men > Shirts|New", "Men > Shirts"),
        ("Men > Shirts, Men > Shirts > Linen", "Men > Shirts > Linen"),
        ("Body > Perfume\\, Cologne > Unisex, Gifts", "Body > Perfume, Cologne > Unisex"),
        ("Home &amp; Garden &gt; Lamps", "Home & Garden > Lamps"),
    ],
)
def test_paths(tmp_path: Path, cell: str, path: str) -> None:
    (tmp_path / "in.csv").write_text(f'id,title,category\n1,x,"{cell}"\n')
    (product,) = read_catalog(tmp_path / "in.csv")
    assert isinstance(product, Product) and product.category == tuple(path.split(" > "))
    assert product.original["category"] == cell


@pytest.mark.parametrize(
    ("cell", "path"),
    [
        ('["A >> B >> C"]', "A > B > C"),
        ("['A', 'B', 'C']", "A > B > C"),
        ('["A > B", "A > C > D"]', "A > C > D"),
        ('[["A", "B"], ["C"]]', "A > B"),
        ('["Home &amp; Garden", "Lamps"]', "Home & Garden > Lamps"),
        ("[504020]", "504020"),
        ("[]", None),
        ("[New]", "[New]"),
        ('[{"name": "A"}]', '[{"name": "A"}]'),
    ],
)
def test_lists_that_are_written_out(tmp_path: Path, cell: str, path: str | None) -> None:
    """As data sets and marketplaces' dumps have them, in a cell of text or as JSON's own list of paths."""
    quoted = cell.replace('"', '""')
    (tmp_path / "in.csv").write_text(f'id,title,category\n1,x,"{quoted}"\n')
    (product,) = read_catalog(tmp_path / "in.csv")
    assert isinstance(product, Product)
    assert product.category == (None if path is None else tuple(path.split(" > ")))
    assert product.original["category"] == cell


def test_paths_in_a_list_of_json(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"id": "1", "title": "x", "category": ["A > B", "A > C > D"]}\n')
    (product,) = read_catalog(tmp_path / "in.jsonl")
    assert isinstance(product, Product) and product.category == ("A", "C", "D")


@pytest.mark.parametrize(
    "cell",
    ["Shirts / Tops", "T-Shirts/Tops", "Bags / Cases / Covers", "Food, Drinks", "Tops, Tees/Tanks", "R&B", "Size < 5"],
)
def test_a_name_stays_one_level(cell: str) -> None:
    assert category_levels(cell) == [cell]


@pytest.mark.parametrize("cell", ["Food, Beverages & Tobacco > Beverages", "Home > Kitchen, Dining > Plates"])
def test_commas_of_names_in_a_path(cell: str) -> None:
    assert [level.strip() for level in category_levels(cell)] == cell.split(" > ")
