"""Filled catalogues: the shop's cells come back as they were, ours beside them, whatever ended the run before."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pumgpt.catalog import parquet_writer
from pumgpt.catalog.output_columns import attribute_columns
from pumgpt.catalog.product import ImageRef, Product
from pumgpt.catalog.readers import RejectedRow, read_catalog
from pumgpt.catalog.understanding import AttributeField, CaptionField, CategoryField, ModelInfo, Understanding
from pumgpt.catalog.writers import RejectedWriter, check_output, open_writer, written_ids
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


def _fill(source: Path, out: Path, *, skip: Sequence[str] = (), stop_after: int | None = None, **options: Any) -> None:
    reader = read_catalog(source)
    with open_writer(out, reader, attribute_names=_NAMES, **options) as writer:
        left = [item for item in reader if isinstance(item, Product) and item.id not in skip]
        for product in left[:stop_after]:
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
            for product in reader:
                assert isinstance(product, Product)
                filled.write(product, Understanding(id=product.id, model=ModelInfo(name="fake", revision="0")))
        assert [{name: row[name] for name in columns} for row in _csv_rows(out)] == before
        assert written_ids(out) == {row["id"] for row in before}


def test_jsonl_is_the_understanding(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(_SOURCE)
    _fill(tmp_path / "in.csv", tmp_path / "out.jsonl")
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [_understanding(id_).to_json() for id_ in ("007", "x")]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("cut_bytes", [0, 1, 7, 60])
def test_stopped_and_resumed_is_never_stopped(
    tmp_path: Path, ending: str, cut_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_writer, "ROWS_PER_PART", 2)
    source, out, whole = tmp_path / "in.csv", tmp_path / f"out.{ending}", tmp_path / f"whole.{ending}"
    source.write_text("id,title\n" + "".join(f'{i},"a\n""{i}"""\n' for i in range(9)))
    _fill(source, whole)
    _fill(source, out, stop_after=5)
    if ending != "parquet":
        out.write_bytes(out.read_bytes()[: out.stat().st_size - cut_bytes])
    done = written_ids(out)
    assert len(done) == (5 if ending == "parquet" or cut_bytes == 0 else 4)
    _fill(source, out, skip=sorted(done), resume=True)
    assert out.read_bytes() == whole.read_bytes() or pq.read_table(out).equals(pq.read_table(whole))
    assert {path.name for path in tmp_path.iterdir()} == {"in.csv", out.name, whole.name}


def test_parquet_killed_before_it_was_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_writer, "ROWS_PER_PART", 2)
    (tmp_path / "in.csv").write_text("id\n1\n2\n3\n4\n5\n")
    out = tmp_path / "out.parquet"
    reader = read_catalog(tmp_path / "in.csv")
    killed = open_writer(out, reader, attribute_names=_NAMES)
    for product in list(reader)[:3]:
        assert isinstance(product, Product)
        killed.write(product, _understanding(product.id))
    del killed  # never closed
    assert written_ids(out) == {"1", "2"}
    _fill(tmp_path / "in.csv", out, skip=("1", "2"), resume=True)
    assert pq.read_table(out).column("id").to_pylist() == ["1", "2", "3", "4", "5"]


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


def test_products_that_no_file_was_read_for(tmp_path: Path) -> None:
    product = Product("1", images=(ImageRef(path="a.jpg"), ImageRef(url="https://x.example/b")), title="T")
    with open_writer(tmp_path / "out.csv", None, attribute_names=()) as writer:
        writer.write(product, _understanding("1"))
    (row,) = _csv_rows(tmp_path / "out.csv")
    assert (row["image"], row["title"], row["category"]) == ("a.jpg|https://x.example/b", "T", "Clothing > Shirts")


def test_attribute_columns_are_safe_and_distinct() -> None:
    names = ["age group", "Age-Group", "Größe", "caption", "colour", "colour status", "%", "detection confidence"]
    columns = attribute_columns(names)
    assert columns["age group"] == "pumgpt_age_group"
    assert columns["Größe"] == "pumgpt_größe"
    every = [f"{column}{end}" for column in columns.values() for end in ("", "_confidence", "_status")]
    assert len(set(every)) == len(every)
    assert "pumgpt_caption" not in every


def test_foreign_files_do_not_grow(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id\n1\n")
    for name, content in (("a.csv", "id,x\n1,2\n"), ("b.jsonl", '{"a": 1}\n'), ("c.parquet", "no parquet")):
        (tmp_path / name).write_text(content)
        with pytest.raises(CatalogError, match="name another output"):
            _fill(tmp_path / "in.csv", tmp_path / name, resume=True)
        assert (tmp_path / name).read_text() == content


def test_outputs_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file").touch()
    for name, words in (("a.xlsx", "ending '.xlsx'"), ("folder.csv", "is a folder")):
        with pytest.raises(CatalogError, match=words):
            check_output(tmp_path / name)
    with pytest.raises(CatalogError, match="can't be written"):
        open_writer(tmp_path / "file" / "a.csv", None, attribute_names=())


def test_rejected_rows(tmp_path: Path) -> None:
    with RejectedWriter(tmp_path / "out.csv") as rejected:
        assert not rejected.path.exists()
        rejected.write(RejectedRow(3, None, "größer"))
    assert rejected.path == tmp_path / "out.rejected.jsonl"
    assert rejected.path.read_text() == '{"row": 3, "id": null, "error": "größer"}\n'
    RejectedWriter(tmp_path / "out.csv").close()
    assert not rejected.path.exists()


def test_catalog_imports_no_torch() -> None:
    parts = "photos product readers schema taxonomy understanding writers"
    code = f"import sys\nfor part in {parts!r}.split(): __import__('pumgpt.catalog.' + part)\nassert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
