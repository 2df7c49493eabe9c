"""Which column is read as what: guessed and told, or said; filled where the shop's own cells are empty."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filling import answer, cells, fill

from pumgpt.catalog.formats.column_map import ColumnMap, guess_columns
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import ImageRef, Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.errors import CatalogError, SchemaError

_EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "columns.yaml"
_HEADER = "sku,name,photo_1,photo_2,department,color,cloth,long_text,price"
_TABLE = f"{_HEADER}\n7,Tee,a.jpg|b.jpg,c.jpg,A > B,,wool,Soft,2\n8,,,,,red,,,\n"


def _write(folder: Path, text: str, name: str = "in.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_the_documented_example_reads_its_table(tmp_path: Path) -> None:
    tee, second = read_catalog(_write(tmp_path, _TABLE), ColumnMap.load(_EXAMPLE))
    photos = tuple(ImageRef(path=str(tmp_path / f"{name}.jpg")) for name in "abc")
    assert tee == Product("7", photos, "Tee", "Soft", ("A", "B"), {"fabric": "wool"}, extra={"price": "2"})
    assert isinstance(second, Product) and second.attributes == {"colour": "red"}


def test_empty_cells_of_the_named_columns_are_filled(tmp_path: Path) -> None:
    source, out = _write(tmp_path, _TABLE), tmp_path / "out.csv"
    reader = read_catalog(source, ColumnMap.load(_EXAMPLE))
    assert reader.fills.category == "department"

    def told(product: Product) -> Understanding:
        return answer(product, category=["C", "D"], colour=["Blue", "Red"], fabric="Cotton")

    fill(source, out, told, ("colour", "fabric"), column_map=ColumnMap.load(_EXAMPLE))
    (header, first, second) = cells(out)
    assert header[:9] == _HEADER.split(",")
    assert first[:9] == ["7", "Tee", "a.jpg|b.jpg", "c.jpg", "A > B", "Blue|Red", "wool", "Soft", "2"]
    assert second[:9] == ["8", "", "", "", "C > D", "red", "Cotton", "", ""]


@pytest.mark.parametrize(
    ("header", "reads"),
    [
        ("SKU,Product Name,Image URL", {"id": "SKU", "title": "Product Name", "images": ("Image URL",)}),
        ("uniq_id,product_name,image1,image2,price", {"id": "uniq_id", "images": ("image1", "image2")}),
        ("Handle,articleNumber,baseColour", {"id": "articleNumber", "attributes": {"colour": "baseColour"}}),
        ("asin;title;photos;category", {"id": "asin", "category": "category", "images": ("photos",)}),
        ("ID,Title", {"id": "ID", "title": "Title"}),
    ],
)
def test_columns_are_guessed_and_told(tmp_path: Path, header: str, reads: dict[str, object]) -> None:
    reader = read_catalog(_write(tmp_path, f"{header}\n"))
    assert reader.column_map is not None
    assert {name: getattr(reader.column_map, name) for name in reads} == reads
    (warning,) = reader.warnings
    assert f"reads {reader.column_map.id} as id" in warning
    assert warning.endswith("set it with --columns")


def test_jsonl_and_parquet_are_guessed_alike(tmp_path: Path) -> None:
    record = {"sku": "7", "name": "Tee", "photos": ["a.jpg"], "color": "Red", "stock": 3}
    jsonl = _write(tmp_path, json.dumps(record) + "\n", "in.jsonl")
    pq.write_table(pa.Table.from_pylist([record]), tmp_path / "in.parquet")
    (first,), (second,) = read_catalog(jsonl), read_catalog(tmp_path / "in.parquet")
    assert first == second
    assert isinstance(first, Product)
    assert (first.id, first.title, first.attributes, first.extra) == ("7", "Tee", {"colour": "Red"}, {"stock": 3})
    assert first.images == (ImageRef(path=str(tmp_path / "a.jpg")),)


def test_nothing_is_guessed_without_an_id() -> None:
    assert guess_columns(("title", "price")) is None


def test_a_table_with_our_names_is_read_as_it_is_and_unread_photos_are_told(tmp_path: Path) -> None:
    reader = read_catalog(_write(tmp_path, "id,name,photo\n1,Tee,a.jpg\n"))
    (product,) = reader
    assert isinstance(product, Product) and product.images == ()
    (warning,) = reader.warnings
    assert "has no column 'image'; where 'photo' holds photos" in warning


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title: name\n", "id: Field required"),
        ("id: sku\ncolour: red\n", "colour: Extra inputs"),
        ("id: [a\n", "can't be read as YAML"),
        ("- id\n", "the file: Input should be"),
    ],
)
def test_mappings_that_can_not_be_read(tmp_path: Path, text: str, words: str) -> None:
    path = _write(tmp_path, text, "columns.yaml")
    with pytest.raises(SchemaError) as caught:
        ColumnMap.load(path)
    assert str(caught.value).startswith(str(path))
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_a_column_that_is_named_and_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        CatalogError, match=r"has no column 'photo_1', which --columns reads as image \(it has: sku, name\)"
    ):
        read_catalog(_write(tmp_path, "sku,name\n"), ColumnMap(id="sku", images=("photo_1",)))
