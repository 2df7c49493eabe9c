"""Open Food Facts: JSON lines, answers of its interface, its CSV without quotes, and its Parquet."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filling import answer, fill
from hypothesis import given, settings
from hypothesis import strategies as st

from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.formats.open_food_facts import FoodFactsCsvReader
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product

_RECORD: dict[str, Any] = {
    "code": "3435660768163",
    "lang": "de",
    "product_name": "",
    "product_name_de": "Haferkekse",
    "brands": "Nordhof, Mühle",
    "quantity": "250 g",
    "categories": "Snacks, Kekse",
    "categories_tags": ["en:snacks", "en:sweet-snacks", "en:biscuits"],
    "nutriments": {"energy-kcal_100g": 470.5},
    "images": {
        "1": {"uploaded_t": 1},
        "front_de": {"imgid": "1", "rev": "4"},
        "ingredients_de": {"imgid": "2", "rev": "7"},
    },
}
_FOLDER = "https://images.openfoodfacts.org/images/products/343/566/076/8163"


def _lines(folder: Path, *records: dict[str, Any]) -> Path:
    (folder / "in.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return folder / "in.jsonl"


def _only(path: Path) -> Product:
    (product,) = read_catalog(path)
    assert isinstance(product, Product)
    return product


def test_the_dump_is_read(tmp_path: Path) -> None:
    biscuit = _only(_lines(tmp_path, _RECORD))
    assert (biscuit.id, biscuit.title, biscuit.language) == ("3435660768163", "Haferkekse", "de")
    assert biscuit.category == ("Snacks", "Sweet snacks", "Biscuits")
    assert biscuit.attributes == {"brand": ["Nordhof", "Mühle"], "quantity": "250 g"}
    assert [image.url for image in biscuit.images] == [f"{_FOLDER}/front_de.4.400.jpg"]
    assert biscuit.extra["nutriments"] == _RECORD["nutriments"]


@pytest.mark.parametrize(
    ("images", "code", "url"),
    [
        ({"selected": {"front": {"fr": {"imgid": 1, "rev": 9}}}}, "3435660768163", f"{_FOLDER}/front_fr.9.400.jpg"),
        (
            {"front_en": {"rev": 3}},
            "22222222",
            "https://images.openfoodfacts.org/images/products/22222222/front_en.3.400.jpg",
        ),
        (
            {"front_en": {"rev": 3}},
            "016000275263",
            "https://images.openfoodfacts.org/images/products/001/600/027/5263/front_en.3.400.jpg",
        ),
        ({"1": {"uploaded_t": 1}}, "3435660768163", None),
    ],
)
def test_addresses_of_photos_are_made_of_code_and_revision(
    tmp_path: Path, images: Any, code: str, url: str | None
) -> None:
    product = _only(_lines(tmp_path, {**_RECORD, "images": images, "code": code}))
    assert [image.url for image in product.images] == ([url] if url else [])
    product = _only(
        _lines(tmp_path, {**_RECORD, "images": images, "code": code, "image_url": "https://x.example/f.jpg"})
    )
    assert [image.url for image in product.images] == ["https://x.example/f.jpg"]


def test_the_interface_is_filled_as_contributors_write(tmp_path: Path) -> None:
    bare = {**_RECORD, "categories": "", "categories_tags": [], "brands": ""}
    (tmp_path / "in.json").write_text(json.dumps({"count": 1, "products": [bare]}))
    fill(
        tmp_path / "in.json", tmp_path / "out.json", lambda p: answer(p, category=["Snacks", "Kekse"], brand="Nordhof")
    )
    (filled,) = json.loads((tmp_path / "out.json").read_text())["products"]
    assert filled.pop("pumgpt")["category"]["path"] == ["Snacks", "Kekse"]
    assert filled == {**bare, "categories": "Snacks, Kekse", "brands": "Nordhof"}


def test_parquet_has_texts_by_language(tmp_path: Path) -> None:
    row = {
        "code": "3435660768163",
        "lang": "de",
        "product_name": [{"lang": "main", "text": "Haferkekse"}, {"lang": "fr", "text": "Biscuits"}],
        "categories_tags": ["en:snacks"],
        "nutriscore_grade": "c",
        "images": [{"key": "1", "rev": None}, {"key": "front_de", "rev": 4}],
    }
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "food.parquet")
    product = _only(tmp_path / "food.parquet")
    assert (product.title, product.category) == ("Haferkekse", ("Snacks",))
    assert [image.url for image in product.images] == [f"{_FOLDER}/front_de.4.400.jpg"]
    fill(tmp_path / "food.parquet", tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet").select(list(row)).to_pylist() == [row]


_COLUMNS = ("code", "url", "creator", "product_name", "brands", "categories", "categories_tags", "image_url")


def _csv(folder: Path, rows: list[tuple[str, ...]]) -> Path:
    (folder / "off.csv").write_text("".join("\t".join(row) + "\n" for row in (_COLUMNS, *rows)), encoding="utf-8")
    return folder / "off.csv"


def test_the_csv_has_tabs_and_no_quotes(tmp_path: Path) -> None:
    rows = [
        ("1", "u", "me", 'The "best', "N", "", "", "https://x.example/f.jpg"),
        ("2", "u", "me", '"', "", "", "en:snacks,en:biscuits", ""),
        ("3", "u", "me"),
    ]
    source = _csv(tmp_path, rows)
    reader = read_catalog(source)
    assert isinstance(reader, FoodFactsCsvReader)
    first, second, short = reader
    assert isinstance(first, Product) and (first.title, first.attributes) == ('The "best', {"brand": "N"})
    assert isinstance(second, Product) and second.category == ("Snacks", "Biscuits")
    assert isinstance(short, RejectedRow)
    fill(source, tmp_path / "out.csv", lambda p: answer(p, category=["Drinks", "Juice"], brand="B"), ("brand",))
    header, *out = [line.split("\t") for line in (tmp_path / "out.csv").read_text().splitlines()]
    assert tuple(header[: len(_COLUMNS)]) == _COLUMNS and "pumgpt_brand" in header
    assert out[0][: len(_COLUMNS)] == [*rows[0][:5], "Drinks, Juice", *rows[0][6:]]
    assert out[1][: len(_COLUMNS)] == [*rows[1][:4], "B", *rows[1][5:]]
    assert out[2] == list(rows[2])


_CELL = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=8) | st.sampled_from(
    ['"', '""', ",", ";"]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(_CELL, _CELL, _CELL, _CELL), max_size=5))
def test_the_csv_loses_nothing(drawn: list[tuple[str, ...]]) -> None:
    rows = [(str(n), "u", "me", name, brands, "", tags, image) for n, (name, brands, tags, image) in enumerate(drawn)]
    with tempfile.TemporaryDirectory() as folder:
        source, out = _csv(Path(folder), rows), Path(folder, "out.csv")
        products = {p.id: p for p in read_catalog(source) if isinstance(p, Product)}
        assert len(products) == len(rows)
        fill(source, out, lambda product: answer(product, category=["A", "B"]))
        lines = out.read_text(encoding="utf-8").split("\n")[1:-1]
        for row, line in zip(rows, lines, strict=True):
            category = "" if products[row[0]].category else "A, B"
            assert line.split("\t")[: len(row)] == [*row[:5], category, *row[6:]]
