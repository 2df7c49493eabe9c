"""WooCommerce's product CSV."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from filling import answer, cells, fill
from hypothesis import given, settings
from hypothesis import strategies as st
from tables import CELL, changed_cells, products, write_table

from pumgpt.catalog.formats.registry import count_rows, read_catalog
from pumgpt.catalog.formats.shops.table import ShopTableReader
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding

_COLUMNS = (
    *("ID", "Type", "SKU", "Name", "Short description", "Description", "Categories", "Images", "Parent"),
    *("Attribute 1 name", "Attribute 1 value(s)", "Attribute 1 visible", "Attribute 1 global"),
    *("Attribute 2 name", "Attribute 2 value(s)"),
)


def _row(**given: str) -> list[str]:
    cells = {"Type": "simple", **{name.replace("_", " "): value for name, value in given.items()}}
    assert cells.keys() <= {*_COLUMNS} | {"Attribute 1 values", "Attribute 2 values"}
    for number in (1, 2):
        cells[f"Attribute {number} value(s)"] = cells.pop(f"Attribute {number} values", "")
    return [cells.get(name, "") for name in _COLUMNS]


def _shirt(**given: str) -> list[str]:
    return _row(**{"ID": "1", "SKU": "a-1", "Name": "Shirt", **given})


def _answer(product: Product) -> Understanding:
    return answer(product, category=["Men", "Shirts, Tops"], colour=["Blue", "Off, White"], material="Cotton")


def test_what_is_read(tmp_path: Path) -> None:
    row = _shirt(
        Name="'=Best of all",
        Description="<p>Soft.</p>\\nWashable",
        Categories="Sale, Body Care > Perfume\\, Cologne &amp; Fragrance > Unisex",
        Images="front.jpg, https://shop.example/back.jpg",
        Attribute_1_name="Color",
        Attribute_1_values="Green, Off\\, White",
    )
    (shirt,) = products(write_table(tmp_path / "in.csv", [_COLUMNS, row]))
    assert (shirt.id, shirt.title, shirt.description) == ("1", "=Best of all", "Soft.\nWashable")
    assert shirt.category == ("Body Care", "Perfume, Cologne & Fragrance", "Unisex")
    assert [image.path or image.url for image in shirt.images] == [
        str(tmp_path / "front.jpg"),
        "https://shop.example/back.jpg",
    ]
    assert shirt.attributes == {"colour": ["Green", "Off, White"]}
    assert "SKU" in shirt.extra and "Images" not in shirt.extra


def test_the_short_description_stands_in(tmp_path: Path) -> None:
    (shirt,) = products(write_table(tmp_path / "in.csv", [_COLUMNS, _shirt(Short_description="Soft")]))
    assert shirt.description == "Soft"


def test_variations_belong_to_the_parent_above(tmp_path: Path) -> None:
    rows = [
        _shirt(Type="variable", Images="a.jpg", Attribute_1_name="Color", Attribute_1_values="Red, Blue"),
        _row(ID="2", Type="variation", Parent="a-1", Name="Shirt - Red", Images="red.jpg"),
        _row(ID="3", Type="variation", Parent="id:1", Name="Shirt - Blue"),
        _row(ID="4", SKU="a-4", Name="Hat"),
        _row(ID="5", Type="variation", Parent="a-1", Name="Shirt - Green", Images="green.jpg"),
    ]
    source = write_table(tmp_path / "in.csv", [_COLUMNS, *rows])
    shirt, hat, green = products(source)
    assert [image.path for image in shirt.images] == [str(tmp_path / "a.jpg"), str(tmp_path / "red.jpg")]
    assert (hat.id, green.id, count_rows(source)) == ("4", "5", 3)
    changed = changed_cells(source, tmp_path / "out.csv", _answer, ("colour",))
    assert (1, "Categories") in changed and {row for row, _ in changed} == {1, 4, 5}


def test_where_it_is_filled(tmp_path: Path) -> None:
    rows = [
        _shirt(Attribute_1_name="Fabric", Attribute_1_values="Wool"),
        _row(ID="2", SKU="a-2", Name="Kurta", Categories="Kurtas", Attribute_1_name="Color", Attribute_1_values="Pink"),
        _row(ID="3", SKU="a-3", Name="Sari", Attribute_1_name="Color"),
    ]
    source = write_table(tmp_path / "in.csv", [_COLUMNS, *rows])
    changed = changed_cells(source, tmp_path / "out.csv", _answer, ("colour", "material"))
    category, colours = "Men > Shirts\\, Tops", "Blue, Off\\, White"
    assert changed == {
        (1, "Categories"): category,
        (1, "Attribute 2 name"): "Color",
        (1, "Attribute 2 value(s)"): colours,
        (1, "Attribute 3 name"): "Material",
        (1, "Attribute 3 value(s)"): "Cotton",
        (1, "Attribute 3 visible"): "1",
        (1, "Attribute 3 global"): "1",
        (2, "Attribute 2 name"): "Material",
        (2, "Attribute 2 value(s)"): "Cotton",
        (3, "Categories"): category,
        (3, "Attribute 1 value(s)"): colours,
        (3, "Attribute 1 visible"): "1",
        (3, "Attribute 1 global"): "1",
        (3, "Attribute 2 name"): "Material",
        (3, "Attribute 2 value(s)"): "Cotton",
    }
    shirt, *_ = products(tmp_path / "out.csv")
    assert shirt.category == ("Men", "Shirts, Tops")
    assert shirt.attributes == {"fabric": "Wool", "colour": ["Blue", "Off, White"], "material": "Cotton"}


def test_what_the_shop_says_is_kept(tmp_path: Path) -> None:
    row = _shirt(Categories="Shirts", Attribute_1_name="Color", Attribute_1_values="Green")
    source = write_table(tmp_path / "in.csv", [_COLUMNS, row])
    assert (
        changed_cells(source, tmp_path / "out.csv", lambda product: answer(product, colour="Blue"), ("colour",)) == {}
    )
    assert "kept" in cells(tmp_path / "out.csv")[1]


def test_uncategorized_is_no_category(tmp_path: Path) -> None:
    source, out = write_table(tmp_path / "in.csv", [_COLUMNS, _shirt(Categories="Uncategorized")]), tmp_path / "out.csv"
    (shirt,) = products(source)
    assert shirt.category is None
    fill(source, out, _answer)
    assert cells(out)[1][6] == "Men > Shirts\\, Tops"


def test_products_without_numbers_are_told_by_their_sku(tmp_path: Path) -> None:
    """A file that is made for the import has no ids yet."""
    (shirt,) = products(write_table(tmp_path / "in.csv", [_COLUMNS, _shirt(ID="")]))
    assert shirt.id == "a-1"


def test_values_that_failed_are_struck_out(tmp_path: Path) -> None:
    reader = read_catalog(
        write_table(tmp_path / "in.csv", [_COLUMNS, _shirt(Attribute_1_name="Color", Attribute_1_values="Red, Blue")])
    )
    (shirt,) = reader
    struck = reader.format.strike(reader, shirt.original, {"colour": ["Red"]})
    assert struck["Attribute 1 value(s)"] == "Blue"


@pytest.mark.parametrize(
    ("header", "is_woocommerce"),
    [
        ("ID,Type,SKU,Name,Images", True),
        ("\ufeffID,Type,SKU,Name,Published", True),
        ("id,type,sku,name,categories", True),
        ("ID,Type,SKU,Name,Price", False),
        ("ID,SKU,Name,Images", False),
    ],
)
def test_which_tables_are_woocommerces(tmp_path: Path, header: str, is_woocommerce: bool) -> None:
    (tmp_path / "in.csv").write_text(header + "\n" + "1," * header.count(",") + "x\n", encoding="utf-8")
    assert isinstance(read_catalog(tmp_path / "in.csv"), ShopTableReader) == is_woocommerce


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "Type": st.sampled_from(["simple", "variable", "variation", "grouped"]),
                "Parent": st.sampled_from(["", "id:1", "s0"]),
                **dict.fromkeys(set(_COLUMNS) - {"ID", "Type", "SKU", "Parent"}, CELL),
            }
        ),
        max_size=5,
    )
)
def test_whatever_stands_in_an_export_comes_back(rows: list[dict[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        whole = [{**row, "ID": str(number), "SKU": f"s{number}"} for number, row in enumerate(rows)]
        source = write_table(Path(folder, "in.csv"), [_COLUMNS, *([row[name] for name in _COLUMNS] for row in whole)])
        fill(source, Path(folder, "plain.csv"))
        assert [row[: len(_COLUMNS)] for row in cells(Path(folder, "plain.csv"))] == cells(source)
        changed_cells(source, Path(folder, "out.csv"), _answer, ("colour", "material"))
