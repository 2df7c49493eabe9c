"""Filled catalogues: the shop's cells come back as they were, ours beside them, in whole files or not at all."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pumgpt.catalog.formats.base import CatalogReader
from pumgpt.catalog.formats.filled import attribute_columns
from pumgpt.catalog.formats.output import check_output, open_writer
from pumgpt.catalog.formats.parquet import ROWS_PER_GROUP
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import AttributeField, CaptionField, CategoryField, ModelInfo, Understanding
from pumgpt.errors import CatalogError

_NAMES = ("colour", "age group")


def _understanding(id_: str) -> Understanding:
    return Understanding(
        id=id_,
        caption=CaptionField(text=f"A shirt, {id_}", confidence=0.71239),
        category=CategoryField(path=["Clothing", "Shirts"], confidence=0.9, status="filled"),
        attributes=[
            AttributeField(name="colour", value=["Red", "Blue"], confidence=0.8, status="filled"),
            AttributeField(name="age group", value=None, confidence=0.1, status="abstained"),
        ],
        model=ModelInfo(name="fake", revision="0"),
    )


def _products(reader: CatalogReader) -> Iterator[Product]:
    return (item for item in reader if isinstance(item, Product))


def _fill(source: Path, out: Path, overwrite_values: bool = False) -> None:
    reader = read_catalog(source)
    with open_writer(out, reader, attribute_names=_NAMES, overwrite_values=overwrite_values) as writer:
        for product in _products(reader):
            writer.write(product, _understanding(product.id))


def _csv_rows(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


_SOURCE = 'sku,id,image,title,category,price\n9,007,"a|b.jpg","two\nlines",,1.50\n8,x,,,"Own>Path",\n'


@pytest.mark.parametrize(("ending", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_csv_gives_back_the_shops_cells_and_adds_ours(tmp_path: Path, ending: str, delimiter: str) -> None:
    (tmp_path / "in.csv").write_text(_SOURCE)
    out = tmp_path / "new" / f"out.{ending}"
    _fill(tmp_path / "in.csv", out)
    first, second = _csv_rows(out, delimiter)
    assert list(first.items()) == [
        ("sku", "9"),
        ("id", "007"),
        ("image", "a|b.jpg"),
        ("title", "two\nlines"),
        ("category", "Clothing > Shirts"),
        ("price", "1.50"),
        ("pumgpt_caption", "A shirt, 007"),
        ("pumgpt_caption_confidence", "0.7124"),
        ("pumgpt_caption_status", "filled"),
        ("pumgpt_category", "Clothing > Shirts"),
        ("pumgpt_category_confidence", "0.9"),
        ("pumgpt_category_status", "filled"),
        ("pumgpt_colour", "Red|Blue"),
        ("pumgpt_colour_confidence", "0.8"),
        ("pumgpt_colour_status", "filled"),
        ("pumgpt_age_group", ""),
        ("pumgpt_age_group_confidence", "0.1"),
        ("pumgpt_age_group_status", "abstained"),
    ]
    assert second["category"] == "Own>Path"
    _fill(tmp_path / "in.csv", out, overwrite_values=True)
    assert _csv_rows(out, delimiter)[1]["category"] == "Clothing > Shirts"


def test_our_own_output_can_be_filled_again(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(_SOURCE)
    _fill(tmp_path / "in.csv", tmp_path / "once.csv")
    _fill(tmp_path / "once.csv", tmp_path / "twice.csv")
    assert (tmp_path / "twice.csv").read_bytes() == (tmp_path / "once.csv").read_bytes()


_CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12) | st.sampled_from(
    ["", "007", '"', 'a"b', "x,y", "\n", "\r", "\r\n", " > ", "A>B", "  ", "ü€", "\ufeff", "=1+1", "\u2028", "'"]
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(_CELL, _CELL, _CELL, _CELL), max_size=6))
def test_cells_that_we_do_not_fill_are_not_changed(rows: list[tuple[str, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "in.csv"), Path(folder, "out.csv")
        columns = ("title", "image", "id", "category", "note")
        with source.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, quoting=csv.QUOTE_ALL)
            writer.writerows([columns, *((a, b, f"00{i}", c, d) for i, (a, b, c, d) in enumerate(rows))])
        before = _csv_rows(source)
        reader = read_catalog(source)
        with open_writer(out, reader, attribute_names=()) as filled:
            for product in _products(reader):
                filled.write(product, Understanding(id=product.id, model=ModelInfo(name="fake", revision="0")))
        assert [{name: row[name] for name in columns} for row in _csv_rows(out)] == before


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_an_error_leaves_what_was_there(tmp_path: Path, ending: str) -> None:
    (tmp_path / "in.csv").write_text(_SOURCE)
    out = tmp_path / f"out.{ending}"
    out.write_bytes(b"before")
    reader = read_catalog(tmp_path / "in.csv")
    with pytest.raises(KeyboardInterrupt), open_writer(out, reader, attribute_names=_NAMES) as writer:
        writer.write(next(_products(reader)), _understanding("007"))
        assert out.read_bytes() == b"before"
        raise KeyboardInterrupt
    assert out.read_bytes() == b"before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", out.name]
    _fill(tmp_path / "in.csv", out)
    assert [product.id for product in _products(read_catalog(out))] == ["007", "x"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", out.name]


def test_parquet_is_written_in_row_groups(tmp_path: Path) -> None:
    num_rows = 2 * ROWS_PER_GROUP + 1
    (tmp_path / "in.csv").write_text("id\n" + "".join(f"{i}\n" for i in range(num_rows)))
    _fill(tmp_path / "in.csv", tmp_path / "out.parquet")
    written = pq.ParquetFile(tmp_path / "out.parquet").metadata
    assert [written.row_group(i).num_rows for i in range(3)] == [ROWS_PER_GROUP, ROWS_PER_GROUP, 1]
    assert pq.read_table(tmp_path / "out.parquet").column("id").to_pylist() == [str(i) for i in range(num_rows)]


def test_no_rows_are_a_table_with_all_columns(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id,title\n")
    for ending in ("csv", "parquet"):
        _fill(tmp_path / "in.csv", tmp_path / f"out.{ending}")
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 0
    assert set(read_catalog(tmp_path / "out.parquet").columns) == {
        "attributes",
        *read_catalog(tmp_path / "out.csv").columns,
    }


def test_parquet_keeps_types_and_fills_category_and_attributes(tmp_path: Path) -> None:
    pairs = [{"name": "brand", "value": "Own"}]
    table = pa.table(
        {
            "id": pa.array([7, 8]),
            "image": pa.array([{"bytes": b"\xff\xd8", "path": "a.jpg"}, None]),
            "category": pa.array([None, ["Own"]], pa.list_(pa.string())),
            "attributes": pa.array([pairs, None]),
            "price": pa.array([1.5, None]),
        }
    )
    pq.write_table(table, tmp_path / "in.parquet")
    _fill(tmp_path / "in.parquet", tmp_path / "out.parquet")
    filled = pq.read_table(tmp_path / "out.parquet")
    assert filled.select(["id", "image", "price"]).equals(table.select(["id", "image", "price"]))
    assert filled.column("category").to_pylist() == [["Clothing", "Shirts"], ["Own"]]
    colours = [{"name": "colour", "value": "Red"}, {"name": "colour", "value": "Blue"}]
    assert filled.column("attributes").to_pylist() == [pairs + colours, colours]
    assert filled.column("pumgpt_colour_confidence").to_pylist() == [0.8, 0.8]
    again = list(read_catalog(tmp_path / "out.parquet"))
    assert isinstance(again[0], Product)
    assert again[0].attributes == {"brand": "Own", "colour": ["Red", "Blue"]}


def test_from_one_format_to_another(tmp_path: Path) -> None:
    record = {
        "id": 1,
        "images": ["a.jpg"],
        "category": ["A", "B"],
        "attributes": {"size": "M"},
        "price": 2.5,
        "tags": ["x"],
    }
    (tmp_path / "in.jsonl").write_text(json.dumps(record) + '\n{"id": "2"}\n')
    _fill(tmp_path / "in.jsonl", tmp_path / "out.csv")
    _fill(tmp_path / "in.jsonl", tmp_path / "out.parquet")
    row = _csv_rows(tmp_path / "out.csv")[0]
    own = {name: row[name] for name in record}
    assert own == {
        "id": "1",
        "images": str(tmp_path / "a.jpg"),
        "category": "A > B",
        "attributes": '{"size": "M"}',
        "price": "2.5",
        "tags": '["x"]',
    }
    first, second = read_catalog(tmp_path / "out.parquet")
    assert isinstance(first, Product)
    assert isinstance(second, Product)
    assert (first.category, second.category) == (("A", "B"), ("Clothing", "Shirts"))
    assert first.attributes == {"size": "M", "colour": ["Red", "Blue"]}


def test_a_csv_column_of_attributes_stays_the_text_that_it_is(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id,attributes\n1,size: M\n")
    _fill(tmp_path / "in.csv", tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet").column("attributes").to_pylist() == ["size: M"]


def test_parquet_maps_and_lists_of_any_kind_come_back(tmp_path: Path) -> None:
    text, texts = pa.string(), pa.list_(pa.string())
    table = pa.table(
        {
            "id": ["1"],
            "category": pa.array([None], pa.large_list(text)),
            "attributes": pa.array([[("size", "M")]], pa.map_(text, text)),
            "stock": pa.array([[("Rome", 3)]], pa.map_(text, pa.int32())),
        }
    )
    pq.write_table(table, tmp_path / "map.parquet")
    pq.write_table(
        table.set_column(2, "attributes", pa.array([[("size", ["M"])]], pa.map_(text, texts))),
        tmp_path / "lists.parquet",
    )
    for name in ("map", "lists"):
        _fill(tmp_path / f"{name}.parquet", tmp_path / f"{name}-out.parquet")
    filled, lists = (pq.read_table(tmp_path / f"{name}-out.parquet") for name in ("map", "lists"))
    assert filled.column("category").to_pylist() == [["Clothing", "Shirts"]]
    assert filled.column("stock").equals(table.column("stock"))
    assert filled.column("attributes").to_pylist() == [[("size", "M"), ("colour", "Red"), ("colour", "Blue")]]
    assert lists.column("attributes").to_pylist() == [[("size", ["M"]), ("colour", ["Red", "Blue"])]]


def test_attribute_columns_are_safe_and_distinct() -> None:
    names = ["age group", "Age-Group", "Größe", "caption", "colour", "colour status", "%", "detection confidence"]
    columns = attribute_columns(names)
    assert columns["age group"] == "pumgpt_age_group"
    assert columns["Größe"] == "pumgpt_größe"
    every = [f"{column}{end}" for column in columns.values() for end in ("", "_confidence", "_status")]
    assert len(set(every)) == len(every)
    assert "pumgpt_caption" not in every


def test_outputs_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "in.csv").write_text(_SOURCE)
    for name, words in (("a.xls", "ending '.xls'"), ("folder.csv", "is a folder"), ("folder.jsonl", "is a folder")):
        with pytest.raises(CatalogError, match=words):
            check_output(tmp_path / name, read_catalog(tmp_path / "in.csv"))
    for ending in ("csv", "parquet"):
        with pytest.raises(CatalogError, match=rf"a\.{ending}: can't be written \(\w"):
            _fill(tmp_path / "in.csv", tmp_path / "file" / f"a.{ending}")
    with pytest.raises(CatalogError, match=r"ending '\.jsonl'"):
        _fill(tmp_path / "in.csv", tmp_path / "a.jsonl")


@pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="no /dev/full, which stands in for a full disk, on this system"
)
def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(_SOURCE)
    for ending in ("csv", "parquet"):
        (tmp_path / f"out.{ending}.new").symlink_to("/dev/full")
        with pytest.raises(CatalogError, match=rf"out\.{ending}: can't be written \(.*space") as caught:
            _fill(tmp_path / "in.csv", tmp_path / f"out.{ending}")
        assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_catalog_imports_no_torch() -> None:
    code = (
        "import pkgutil, sys, pumgpt.catalog as catalog\n"
        "for part in pkgutil.walk_packages(catalog.__path__, 'pumgpt.catalog.'): __import__(part.name)\n"
        "assert 'pumgpt.catalog.formats.registry' in sys.modules and 'torch' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
