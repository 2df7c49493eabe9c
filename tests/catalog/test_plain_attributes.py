"""Columns of attributes in tables that have our own names beside: read, compared, filled where they are empty."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filling import answer, cells, fill

from pumgpt.catalog.formats.column_map import ColumnMap
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product
from pumgpt.catalog.profile import profile_catalog
from pumgpt.catalog.understanding import AttributeField, CategoryField, ModelInfo, Understanding

ROWS = [
    {"id": "1", "title": "Shirt", "category": "Tops", "color": "Red|Blue", "Geschlecht": "Men", "neck": "round"},
    {"id": "2", "title": "Belt", "category": "", "color": " ", "Geschlecht": "", "neck": ""},
]


def write(path: Path, rows: list[dict[str, str]] = ROWS) -> Path:
    names = list(rows[0])
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    elif path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        for row in [names, *([*row.values()] for row in rows)]:
            book.active.append(row)  # type: ignore[union-attr]
        book.save(path)
    else:
        delimiter = "\t" if path.suffix == ".tsv" else ","
        lines = [names, *([*row.values()] for row in rows)]
        path.write_text("".join(delimiter.join(line) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("ending", ["csv", "tsv", "xlsx", "parquet", "jsonl"])
def test_columns_of_attributes_are_read_beside_our_names(tmp_path: Path, ending: str) -> None:
    reader = read_catalog(write(tmp_path / f"in.{ending}"))
    reader.name_attributes(["Neck", "sleeve", "title"])
    first, second = (row for row in reader if isinstance(row, Product))
    assert first.attributes == {"color": ["Red", "Blue"], "gender": "Men", "neck": "round"}
    assert (first.title, first.category, second.attributes) == ("Shirt", ("Tops",), None)
    assert reader.fills.attributes == {"colour": "color", "gender": "Geschlecht", "neck": "neck"}
    assert profile_catalog(reader).carried == []


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet"])
def test_only_empty_cells_are_filled(tmp_path: Path, ending: str) -> None:
    source, out = write(tmp_path / f"in.{ending}"), tmp_path / f"out.{ending}"
    fill(source, out, lambda product: answer(product, colour="Green", gender="Women"), ("colour", "gender"))
    first, second = (row.original for row in read_catalog(out) if isinstance(row, Product))
    assert (first["color"], first["Geschlecht"], first["neck"]) == ("Red|Blue", "Men", "round")
    assert (second["color"].strip(), second["Geschlecht"]) == ("Green", "Women")


def test_the_column_attributes_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(
        '{"id": "1", "title": "Shirt", "colour": "Red", "size": 42, "brand": {"name": "Own"}, "attributes": {"Color": "Blue"}}\n'
        '{"id": "2", "title": "Belt", "colour": "Red", "size": {"eu": 4}, "attributes": {}}\n',
        encoding="utf-8",
    )
    first, second = (row for row in read_catalog(path) if isinstance(row, Product))
    assert first.attributes == {"Color": "Blue"}
    assert second.attributes == {"colour": "Red"}


def test_numbers_cost_no_row(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table({"id": ["1", "2"], "title": ["Shirt", "Belt"], "size": [42.0, None]}), path)
    first, second = (row for row in read_catalog(path) if isinstance(row, Product))
    assert (first.attributes, second.attributes) == ({"size": "42"}, None)
    fill(path, tmp_path / "out.parquet", lambda product: answer(product, size="XL"), ("size",))
    assert pq.read_table(tmp_path / "out.parquet").column("size").to_pylist() == [42.0, None]


def test_a_mapping_says_it_all(tmp_path: Path) -> None:
    path = write(tmp_path / "in.csv")
    reader = read_catalog(path, ColumnMap(id="id", title="title"))
    reader.name_attributes(["neck"])
    assert [row.attributes for row in reader if isinstance(row, Product)] == [None, None]
    titles = [row.title for row in read_catalog(path, ColumnMap(id="id")) if isinstance(row, Product)]
    assert titles == ["Shirt", "Belt"]


def test_names_of_a_schema_are_read_where_the_columns_are_guessed(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("sku,name,neck,Farbe\n1,Shirt,round,Rot\n", encoding="utf-8")
    reader = read_catalog(path)
    reader.name_attributes(["neck", "name"])
    (product,) = (row for row in reader if isinstance(row, Product))
    assert product.attributes == {"colour": "Rot", "neck": "round"}


def test_a_conflict_shows_both_values(tmp_path: Path) -> None:
    def disagree(product: Product) -> Understanding:
        colour = AttributeField(name="colour", value="Red", suggestion="Green", confidence=0.95, status="conflict")
        category = CategoryField(path=["Tops"], suggestion=["Shoes", "Boots"], confidence=0.9, status="conflict")
        model = ModelInfo(name="fake", revision="0")
        return Understanding(id=product.id, category=category, attributes=[colour], model=model)

    source = write(tmp_path / "in.csv", ROWS[:1])
    fill(source, tmp_path / "out.csv", disagree, ("colour",))
    header, row = cells(tmp_path / "out.csv")
    found = dict(zip(header, row, strict=True))
    assert (found["color"], found["pumgpt_colour"], found["pumgpt_colour_confidence"]) == ("Red|Blue", "Green", "0.95")
    assert found["pumgpt_colour_status"] == found["pumgpt_category_status"] == "conflict"
    assert (found["category"], found["pumgpt_category"]) == ("Tops", "Shoes > Boots")
