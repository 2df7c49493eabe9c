"""Catalogue files, whole and broken: every row becomes a product or is named and set aside."""

from __future__ import annotations

import csv
import datetime
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pumgpt.catalog.formats import csv_records
from pumgpt.catalog.formats.base import CatalogReader, RejectedRow
from pumgpt.catalog.formats.registry import count_rows, read_catalog
from pumgpt.catalog.product import ImageRef, Product
from pumgpt.errors import CatalogError


def _write(path: Path, content: str | bytes) -> CatalogReader:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_catalog(path)


def _rows(reader: CatalogReader) -> list[Any]:
    """Ids of products; (row, id) of what was set aside."""
    found = list(reader)
    for item in found:
        assert isinstance(item, Product) or "\n" not in item.error
    return [(item.row, item.id) if isinstance(item, RejectedRow) else item.id for item in found]


def test_csv_fields_and_extra(tmp_path: Path) -> None:
    reader = _write(
        tmp_path / "a.csv",
        "sku,id,images,title,description,category,colour,attributes\r\n"
        '9,007,a.jpg|sub/b.jpg,Shirt,"two\nlines, ""quoted""",A > B>C,,x\r\n'
        "8,8,https://shop.example/p.jpg,,,,red,\r\n",
    )
    first, second = reader
    assert first == Product(
        id="007",
        images=(ImageRef(path=str(tmp_path / "a.jpg")), ImageRef(path=str(tmp_path / "sub/b.jpg"))),
        title="Shirt",
        description='two\nlines, "quoted"',
        category=("A", "B", "C"),
        extra={"sku": "9", "colour": "", "attributes": "x"},
    )
    assert list(first.extra) == ["sku", "colour", "attributes"]
    assert first.original["category"] == "A > B>C"
    assert list(first.original) == list(reader.columns)
    photo = ImageRef(url="https://shop.example/p.jpg")
    assert second == Product(id="8", images=(photo,), attributes={"colour": "red"}, extra=second.extra)
    assert count_rows(tmp_path / "a.csv") == 2
    assert not reader.warnings


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "id,title\n1,x\n2,y\n"),
        ("a.csv", "\ufeffid,title\r\n1,x\r\n\r\n2,y"),
        ("mac.csv", "id,title\r1,x\r2,y\r"),
        ("tabs.csv", "id\ttitle\n1\tx\n2\ty\n"),
        ("semicolons.csv", "id;title\n1;x\n2;y\n"),
        ("a.tsv", "id\ttitle\n1\tx\n2\ty\n"),
        ("utf16.csv", "id\ttitle\n1\tx\n2\ty\n".encode("utf-16")),
        ("a.jsonl", '{"id": 1, "title": "x"}\n\n{"id": "2", "title": "y"}'),
        ("a.ndjson", '\ufeff{"id": 1, "title": "x"}\r\n{"id": "2", "title": "y"}\r\n'),
    ],
)
def test_ways_to_write_the_same_catalogue(tmp_path: Path, name: str, content: str | bytes) -> None:
    reader = _write(tmp_path / name, content)
    assert [(product.id, product.title) for product in reader] == [("1", "x"), ("2", "y")]
    assert reader.columns == ("id", "title")
    assert count_rows(tmp_path / name) == 2


def test_a_reader_can_be_read_twice(tmp_path: Path) -> None:
    reader = _write(tmp_path / "a.csv", "id\n1\n1\n")
    assert _rows(reader) == _rows(reader) == ["1", (2, "1")]


def test_latin_1_is_read_with_one_warning(tmp_path: Path) -> None:
    rows = "".join(f"{number},Größe {number} für 5 €\n" for number in range(50))
    reader = _write(tmp_path / "a.csv", f"id,title\n{rows}".encode("cp1252"))
    assert [product.title for product in reader][49] == "Größe 49 für 5 €"
    assert len(reader.warnings) == 1
    assert str(tmp_path / "a.csv") in reader.warnings[0]
    list(reader)
    assert len(reader.warnings) == 1


def test_one_foreign_byte_leaves_the_other_rows_alone(tmp_path: Path) -> None:
    reader = _write(tmp_path / "a.csv", "id,title\n1,grün\n2,".encode() + b"bl\x81\xfc\n" + "3,weiß\n".encode())
    assert [product.title for product in reader] == ["grün", "bl\x81ü", "weiß"]


def test_broken_csv_rows_are_set_aside_and_reading_goes_on(tmp_path: Path) -> None:
    reader = _write(
        tmp_path / "a.csv",
        'id,title,colour\n1,x,y\n2,"x"y,z\n3,x\n4,x,y,z\n5,"never closed,y\n'
        '6,x,y\n,x,y\n7,a\0b,y\n1,again,y\n8,"a",y\n',
    )
    found = list(reader)
    assert _rows(reader) == ["1", (2, "2"), (3, "3"), (4, "4"), (5, "5"), "6", (7, None), (8, "7"), (9, "1"), "8"]
    errors = {item.row: item.error for item in found if isinstance(item, RejectedRow)}
    assert "closing quote" in errors[2]
    assert "2 cells where the header has 3" in errors[3]
    assert "4 cells" in errors[4]
    assert "quote" in errors[5]
    assert "'id' is missing" in errors[7]
    assert "NUL" in errors[8]
    assert "id '1' stands already in row 1" in errors[9]


def test_a_quote_that_is_lost_at_the_end_costs_one_row(tmp_path: Path) -> None:
    rows = "".join(f"{number},x\n" for number in range(20))
    assert len(_rows(_write(tmp_path / "a.csv", f'id,title\nq,"lost\n{rows}'))) == 21


def test_cells_beyond_the_modules_own_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = csv.field_size_limit(131_072)
    big = "x" * 131_073
    assert [len(product.title) for product in _write(tmp_path / "a.csv", f"id,title\n1,{big}\n")] == [len(big)]
    csv.field_size_limit(100)
    monkeypatch.setattr(csv_records, "MAX_CELL_CHARS", 100)
    assert _rows(_write(tmp_path / "b.csv", f"id,title\n1,{big}\n2,y\n")) == [(1, "1"), "2"]
    csv.field_size_limit(before)


def test_a_column_that_stands_twice_is_renamed(tmp_path: Path) -> None:
    reader = _write(tmp_path / "a.csv", "id,a,a,,\n1,x,y,z,\n")
    assert reader.columns == ("id", "a", "a_2", "", "_2")
    assert next(iter(reader)).extra == {"a": "x", "a_2": "y", "": "z", "_2": ""}
    assert "'a' stands there twice" in reader.warnings[0]


def test_broken_jsonl_rows(tmp_path: Path) -> None:
    lines = ['{"id": "1"}', '{"id": "2"', "[1]", '{"title": "x"}', '{"id": ["x"]}', '{"id": "3", "title": {"de": "x"}}']
    lines += [
        '{"id": "\\ud800"}',
        "[" * 100_000,
        '{"id": "4", "image": 7}',
        '{"id": "5", "price": 2.5, "title": "\\u00fc"}',
    ]
    reader = _write(tmp_path / "a.jsonl", "\n".join(lines))
    expected = ["1", (2, None), (3, None), (4, None), (5, None), (6, "3"), (7, None), (8, None), (9, "4"), "5"]
    assert _rows(reader) == expected
    last = list(reader)[-1]
    assert (last.title, last.extra) == ("ü", {"price": 2.5})
    assert set(reader.columns) == {"id", "title", "image", "price"}


def test_typed_jsonl_record(tmp_path: Path) -> None:
    record = {
        "id": 7,
        "images": ["a.jpg", {"path": "b.jpg", "bytes": None}, "", None, {"path": None, "bytes": None}],
        "category": ["A", "B"],
        "attributes": {"colour": ["Red", "Blue"], "year": 2012, "none": None},
        "language": "de",
    }
    (product,) = _write(tmp_path / "a.jsonl", json.dumps(record))
    assert product.images == (ImageRef(path=str(tmp_path / "a.jpg")), ImageRef(path=str(tmp_path / "b.jpg")))
    assert product.attributes == {"colour": ["Red", "Blue"], "year": "2012"}
    assert (product.id, product.category, product.language) == ("7", ("A", "B"), "de")


def test_parquet_types(tmp_path: Path) -> None:
    when = datetime.datetime(2024, 1, 2, 3, 4, 5, 678)
    table = pa.table(
        {
            "id": pa.array([7, 7, None], pa.int64()),
            "image": pa.array([{"bytes": b"jpeg", "path": "a.jpg"}, None, None]),
            "category": pa.array([["A", "B"], None, []], pa.list_(pa.string())),
            "attributes": pa.array([[("colour", "Red")], None, []], pa.map_(pa.string(), pa.string())),
            "seen": pa.array([1704164645000678001] * 3, pa.timestamp("ns")),
        }
    )
    path = tmp_path / "a.parquet"
    pq.write_table(table, path, row_group_size=2)
    reader = read_catalog(path)
    assert _rows(reader) == ["7", (2, "7"), (3, None)]
    first = next(iter(reader))
    assert first.images == (ImageRef(data=b"jpeg", path="a.jpg"),)
    assert (first.category, first.attributes, first.extra) == (("A", "B"), {"colour": "Red"}, {"seen": when})
    assert reader.schema == table.schema
    assert count_rows(path) == 3


def test_a_damaged_row_group_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": [f"{i:040}" for i in range(300)]}), path, row_group_size=100, compression="zstd")
    start = pq.ParquetFile(path).metadata.row_group(1).column(0).dictionary_page_offset
    data = bytearray(path.read_bytes())
    data[start : start + 60] = b"\xff" * 60
    path.write_bytes(data)
    found = list(read_catalog(path))
    assert [item.row for item in found if isinstance(item, RejectedRow)] == list(range(101, 201))
    assert len(found) == 300


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.csv", b"", "is empty"),
        ("empty.jsonl", b"", "is empty"),
        ("empty.parquet", b"", "is empty"),
        ("blank.csv", b"\n\n", "has no header"),
        (
            "noid.csv",
            b"label,title\n1,x\n",
            "no column 'id', nor one that looks like it (it has: label, title); add one",
        ),
        ("zip.csv", b"PK\x03\x04\x00\x00\x14\x00", "NUL"),
        ("text.parquet", b"this is not a parquet file", "can't be read as Parquet"),
        ("a.docx", b"x", "ending '.docx' is not known; a catalogue is one of .csv, .tsv, .txt, .xlsx, .xlsm, .jsonl, "),
    ],
)
def test_files_that_give_nothing(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    with pytest.raises(CatalogError) as caught:
        _write(tmp_path / name, content)
    message = str(caught.value)
    assert message.startswith(str(tmp_path / name))
    assert words in message
    assert "\n" not in message
    assert count_rows(tmp_path / name) is None


def test_parquet_without_id_missing_file_and_folder(tmp_path: Path) -> None:
    pq.write_table(pa.table({"label": ["1"]}), tmp_path / "a.parquet")
    (tmp_path / "folder.csv").mkdir()
    for name, words in (("a.parquet", "no column 'id'"), ("b.csv", "no such file"), ("folder.csv", "is a folder")):
        with pytest.raises(CatalogError, match=words):
            read_catalog(tmp_path / name)


def test_an_id_that_is_a_formula_for_excel(tmp_path: Path) -> None:
    rows = ['"=""00123"""', '="00124"', '=""00125""', '""""', "=A1"]
    reader = _write(tmp_path / "a.csv", "id,title\n" + "".join(f"{row},Mug\n" for row in rows))
    products = [row for row in reader if isinstance(row, Product)]
    assert [product.id for product in products] == ["00123", "00124", "00125", '"', "=A1"]
    assert products[0].original["id"] == '="00123"', "it is written again as it stood"


def test_a_header_alone_is_no_error(tmp_path: Path) -> None:
    reader = _write(tmp_path / "a.csv", "id,title\n")
    assert (_rows(reader), count_rows(tmp_path / "a.csv")) == ([], 0)


@pytest.mark.shared
def test_development_data(shared_data: Path) -> None:
    reader = read_catalog(shared_data / "grocery" / "iconic.parquet")
    products = list(reader)
    assert len(products) == reader.count() == 81
    assert all(product.images[0].data and product.category for product in products)
