"""Shopify's product CSV: what is read of its odd rows, and that every cell comes back but for what was filled."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from filling import answer, cells, fill, nothing
from hypothesis import given, settings
from hypothesis import strategies as st

from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.formats.registry import count_rows, read_catalog
from pumgpt.catalog.formats.shops.shopify import ShopifyReader
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding

_EXPORTS = Path(__file__).with_name("exports")
"""Written after Shopify's public description of its product CSV, with the odd things that it allows."""
_OLD = (_EXPORTS / "shopify.csv").read_bytes().decode()
_NEW = (_EXPORTS / "shopify_new.csv").read_bytes().decode()
_TEES = ["Apparel & Accessories", "Clothing", "Clothing Tops", "T-Shirts"]
_GID = "gid://shopify/TaxonomyCategory/aa-1-13-8"


def _write(folder: Path, text: str) -> Path:
    (folder / "in.csv").write_text(text, encoding="utf-8", newline="")
    return folder / "in.csv"


def _filled(product: Product) -> Understanding:
    return answer(product, category=_TEES, category_id=_GID, colour=["Navy Blue", "Red"], usage="Casual")


def test_variants_and_images_are_one_product(tmp_path: Path) -> None:
    reader = read_catalog(_write(tmp_path, _OLD))
    assert isinstance(reader, ShopifyReader)
    tee, bag = reader
    assert isinstance(tee, Product) and isinstance(bag, Product)
    assert (tee.id, tee.title, tee.description) == ("tee", 'T-shirt "Sun" ☀️', "Soft & light\n- 100% cotton")
    assert [image.url or image.path for image in tee.images] == [
        str(tmp_path / "photos/a.jpg"),
        *(f"https://cdn.example/{name}.jpg" for name in ("b", "c", "d", "red")),
    ]
    assert tee.category is None, "'Uncategorized' is none"
    assert tee.attributes == {"colour": ["Red", "Blue"], "size": ["S", "M"], "care": "30°\ngentle"}
    assert tee.extra["Tags"] == "summer, new"
    assert (bag.category, bag.attributes, bag.images) == (("Luggage & Bags",), {"colour": ["navy blue", "sky"]}, ())
    assert count_rows(tmp_path / "in.csv") == 2


def test_the_newer_header(tmp_path: Path) -> None:
    (tee,) = read_catalog(_write(tmp_path, _NEW))
    assert isinstance(tee, Product)
    assert (tee.id, tee.title, tee.description) == ("tee", "Tee", "Soft")
    assert [image.url for image in tee.images] == ["https://cdn.example/a.jpg", "https://cdn.example/blue.jpg"]
    assert tee.attributes == {"colour": ["Red", "Blue"]}


@pytest.mark.parametrize("text", [_OLD, _NEW, "\ufeff" + _OLD.replace("\n", "\r\n"), _OLD.replace("\n", "\r\n")])
def test_an_export_comes_back_without_loss(tmp_path: Path, text: str) -> None:
    source, out = _write(tmp_path, text), tmp_path / "out.csv"
    fill(source, out)
    before, after = cells(source), cells(out)
    width = len(before[0])
    assert [row[:width] for row in after] == [row for row in before if row]
    assert after[0][width:] == [name for name in after[0] if name.startswith("pumgpt_")]
    data, written = source.read_bytes(), out.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf") == written.startswith(b"\xef\xbb\xbf")
    assert data.split(b"\n")[0].endswith(b"\r") == written.split(b"\n")[0].endswith(b"\r")


def test_an_export_becomes_parquet_without_loss(tmp_path: Path) -> None:
    """All rows of a product, variants and further photos too; the answer stands in the first."""
    source, out = _write(tmp_path, _OLD), tmp_path / "out.parquet"
    fill(source, out, lambda product: answer(product, caption="A thing"))
    header, *before = cells(source)
    after = pq.read_table(out).to_pylist()
    assert [[row[name] or "" for name in header] for row in after] == [
        row + [""] * (len(header) - len(row)) for row in before if row
    ]
    handles = [row["Handle"] for row in after]
    first = [place for place, handle in enumerate(handles) if handle and handle not in handles[:place]]
    assert [place for place, row in enumerate(after) if row["pumgpt_caption"]] == first


def test_what_was_filled_stands_where_shopify_expects_it(tmp_path: Path) -> None:
    source, out = _write(tmp_path, _OLD.replace("☀️", "")), tmp_path / "out.csv"
    assert fill(source, out, _filled, ("colour", "usage")) == []
    with out.open(encoding="utf-8", newline="") as file:
        tee, second, *_, bag = csv.DictReader(file)
    assert tee["Product Category"] == " > ".join(_TEES)
    assert tee["Usage (product.metafields.custom.usage)"] == "Casual"
    assert tee["pumgpt_colour_status"] == "kept", "its options say the colour"
    assert tee["Color (product.metafields.shopify.color-pattern)"] == ""
    assert bag["Product Category"] == "Luggage & Bags"
    assert bag["Color (product.metafields.shopify.color-pattern)"] == "navy-blue; sky"
    assert not any(second[name] for name in second if name.startswith("pumgpt_") or "metafields" in name)


def test_shopifys_own_metafields_take_handles(tmp_path: Path) -> None:
    text = _NEW.replace("Variant image URL", "Color (product.metafields.shopify.color-pattern)").replace(
        "Color,Red", "Title,x"
    )
    source, out = _write(tmp_path, text), tmp_path / "out.csv"
    fill(source, out, _filled, ("colour",))
    assert cells(out)[1][11] == "navy-blue; red"
    fill(out, tmp_path / "again.csv", lambda product: answer(product, colour="Green"), ("colour",), overwrite=True)
    assert cells(tmp_path / "again.csv")[1][11] == "navy-blue; red", "kept stays kept"


def test_categories_of_another_taxonomy_are_not_put_into_shopifys_column(tmp_path: Path) -> None:
    source, out = _write(tmp_path, _NEW), tmp_path / "out.csv"
    (warning,) = fill(source, out, lambda product: answer(product, category=["Topwear", "Tshirts"]))
    assert "not Shopify's" in warning and "--taxonomy" in warning
    assert cells(out)[1][4] == ""
    assert "Topwear > Tshirts" in cells(out)[1]


@pytest.mark.parametrize(
    ("header", "made"),
    [("Handle,Title,Image Src", "Product Category"), ("URL handle,Title,Product image URL", "Product category")],
)
def test_a_column_for_the_category_is_made(tmp_path: Path, header: str, made: str) -> None:
    """But for categories that are Shopify's only: an empty cell would take a product's own category away."""
    source, out = _write(tmp_path, f"{header}\ntee,Tee,a.jpg\n"), tmp_path / "out.csv"
    fill(source, out, _filled, category_id=_GID)
    first, row = cells(out)
    assert first[3] == made and row[3] == " > ".join(_TEES)
    fill(source, out, lambda product: answer(product, category=["Topwear"], category_id="7"), category_id="7")
    assert cells(out)[0][3].startswith("pumgpt_")


def test_what_stands_in_the_columns_for_google_is_the_shops_value(tmp_path: Path) -> None:
    column = "Color (product.metafields.shopify.color-pattern)"
    header = f"Handle,Title,Image Src,Google Shopping / Gender,Google Shopping / Age Group,{column}"
    source, out = _write(tmp_path, f"{header}\ntee,Tee,a.jpg,unisex,kids,\n"), tmp_path / "out.csv"
    (tee,) = read_catalog(source)
    assert isinstance(tee, Product)
    assert tee.attributes == {"gender": "unisex", "age group": "kids"}
    fill(source, out, lambda product: answer(product, gender="Men", colour="Red"), ("gender", "colour"))
    header_row, row = cells(out)
    assert row[:6] == ["tee", "Tee", "a.jpg", "unisex", "kids", "red"]
    assert row[header_row.index("Gender (product.metafields.custom.gender)")] == ""
    assert row[header_row.index("pumgpt_gender_status")] == "kept"


def test_a_product_without_an_answer_comes_back_too(tmp_path: Path) -> None:
    source, out = _write(tmp_path, _OLD), tmp_path / "out.csv"
    fill(source, out, lambda product: None if product.id == "tee" else _filled(product), ("colour",))
    before, after = cells(source), cells(out)
    assert [row[: len(before[0])] for row in after[1:]] == [row for row in before[1:] if row]


def test_broken_rows_are_named_and_the_others_kept(tmp_path: Path) -> None:
    header = "Handle,Title,Variant SKU,Image Src\n"
    rows = 'a,A,1,a.jpg\na,too,few\nb,"B"x,2,b.jpg\nc,C,3,c.jpg\n,lost,,\na,A,4,a.jpg\n'
    found = list(read_catalog(_write(tmp_path, header + rows)))
    assert [item.id for item in found if isinstance(item, Product)] == ["a", "c"]
    errors = [item.error for item in found if isinstance(item, RejectedRow)]
    assert len(errors) == 3
    assert "row 2 of the file: has 3 cells" in errors[0]
    assert "row 3 of the file: text stands after a closing quote" in errors[1]
    assert "handle 'a' stands already in product 1" in errors[2]
    fill(tmp_path / "in.csv", tmp_path / "out.csv")
    lines = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == ["A", "too", "C", "lost", "A"], (
        "all but the one that can't be cut"
    )


@pytest.mark.parametrize(
    ("header", "is_shopify"),
    [
        ("Handle,Title,Variant Price", True),
        ("title,URL handle,Product image URL", True),
        ("Handle,Title,Care (product.metafields.custom.care)", True),
        ("id,Handle,Title,Image Src", False),
        ("Handle,Title,Price", False),
        ("Handle,Variant Price", False),
    ],
)
def test_which_tables_are_shopifys(tmp_path: Path, header: str, is_shopify: bool) -> None:
    assert isinstance(read_catalog(_write(tmp_path, f"{header}\n")), ShopifyReader) == is_shopify


_CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8) | st.sampled_from(
    ["", '"', "a\r\nb", "\r", "\n", "🧦", "<p>x</p>", "a;b", " ", "=1", "\ufeff", "Uncategorized", "a > b"]
)
_HANDLE = st.text(st.sampled_from("abc-é🧦"), min_size=1, max_size=4)
_COLUMNS = (
    "Handle",
    "Title",
    "Body (HTML)",
    "Product Category",
    "Option1 Name",
    "Option1 Value",
    "Image Src",
    "Image Position",
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(_HANDLE, st.lists(st.tuples(*[_CELL] * 7), min_size=1, max_size=3)), max_size=4))
def test_whatever_stands_in_an_export_comes_back(products: list[tuple[str, list[tuple[str, ...]]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "in.csv"), Path(folder, "out.csv")
        with source.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, quoting=csv.QUOTE_ALL).writerows(
                [_COLUMNS, *((handle, *row) for handle, rows in products for row in rows)]
            )
        fill(source, out, nothing)
        assert [row[: len(_COLUMNS)] for row in cells(out)] == cells(source)
