"""Packed catalogues: read and written as those that aren't, and damage is named."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from filling import answer, fill
from openpyxl import Workbook
from PIL import Image

from pumgpt.catalog.formats import compression
from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product
from pumgpt.cli.main import main
from pumgpt.errors import CatalogError

_TEXTS = {
    "shop.csv": "id,title,image\n1,Shirt,a.jpg\n2,Café,b.jpg\n",
    "shop.tsv": "id\ttitle\timage\n1\tShirt\ta.jpg\n2\tCafé\tb.jpg\n",
    "shop.jsonl": '{"id": "1", "title": "Shirt", "image": "a.jpg"}\n{"id": "2", "title": "Café", "image": "b.jpg"}\n',
    "shopify.csv": "Handle,Title,Body (HTML),Image Src\n1,Shirt,,a.jpg\n2,Café,,b.jpg\n",
    "shop.json": '[{"id": "1", "title": "Shirt", "image": "a.jpg"}, {"id": "2", "title": "Café", "image": "b.jpg"}]',
    "interface.json": '{"products": [{"id": 1, "title": "Shirt", "handle": "s", "vendor": "v", "images": [{"src": "a.jpg"}]},'
    '{"id": 2, "title": "Café", "handle": "c", "vendor": "v", "images": [{"src": "b.jpg"}]}]}',
    "page.jsonld": '[{"@type": "Product", "sku": "1", "name": "Shirt", "image": "a.jpg"},'
    '{"@type": "Product", "sku": "2", "name": "Café", "image": "b.jpg"}]',
    "food.csv": "code\tproduct_name\tnutriscore_grade\tnova_group\tecoscore_grade\tcategories_tags\timage_url\n"
    "1\tShirt\ta\t1\ta\t\ta.jpg\n2\tCafé\ta\t1\ta\t\tb.jpg\n",
    "feed.xml": '<rss xmlns:g="http://base.google.com/ns/1.0"><channel>'
    "<item><g:id>1</g:id><title>Shirt</title><g:image_link>a.jpg</g:image_link></item>"
    "<item><g:id>2</g:id><title>Café</title><g:image_link>b.jpg</g:image_link></item></channel></rss>",
}


def _write_both(folder: Path, name: str) -> tuple[Path, Path]:
    plain, packed = folder / name, folder / f"{name}.gz"
    if name.endswith(".parquet"):
        pq.write_table(pa.table({"id": ["1", "2"], "title": ["Shirt", "Café"], "image": ["a.jpg", "b.jpg"]}), plain)
    elif name.endswith(".xlsx"):
        book = Workbook()
        for row in (("id", "title", "image"), ("1", "Shirt", "a.jpg"), ("2", "Café", "b.jpg")):
            book.active.append(row)
        book.save(plain)
    else:
        plain.write_text(_TEXTS[name], encoding="utf-8")
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    return plain, packed


@pytest.mark.parametrize("name", [*_TEXTS, "shop.parquet", "shop.xlsx"])
def test_a_packed_catalogue_is_read_and_filled_like_the_plain_one(tmp_path: Path, name: str) -> None:
    plain, packed = _write_both(tmp_path, name)
    products = list(read_catalog(packed))
    assert products == list(read_catalog(plain))
    assert [product.images[0].path for product in products if isinstance(product, Product)] == [
        str(tmp_path / "a.jpg"),
        str(tmp_path / "b.jpg"),
    ]
    ending = Path(name).suffix
    if ending == ".jsonl":
        ending = ".csv"  # JSON lines out are the journal of a run
    expected, out = tmp_path / f"expected{ending}", tmp_path / f"out{ending}.gz"
    for source, path in ((plain, expected), (packed, out)):
        fill(source, path, lambda product: answer(product, colour="Blue"), ("colour",))
    assert gzip.decompress(out.read_bytes()) == expected.read_bytes()
    assert not list(tmp_path.glob("*.new"))


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
def test_a_run_from_packed_to_packed(tmp_path: Path, ending: str) -> None:
    plain, packed = _write_both(tmp_path, f"shop{ending}")
    outputs = [tmp_path / f"{name}{ending}{end}" for name, end in (("plain", ""), ("first", ".gz"), ("second", ".gz"))]
    for name in ("a.jpg", "b.jpg"):
        Image.new("RGB", (16, 16), "navy").save(tmp_path / name)
    (tmp_path / "schema.yaml").write_text("attributes:\n  - name: colour\n    values: [Blue, Red]\n")
    for source, out in zip((plain, packed, packed), outputs, strict=True):
        options = ["--model", "fake", "--precision", "0", "--schema", str(tmp_path / "schema.yaml")]
        run = CliRunner().invoke(main, ["enrich", str(source), str(out), *options])
        assert run.exit_code == 0, run.output
    expected, *written = [path.read_bytes() for path in outputs]
    assert gzip.decompress(written[0]) == expected
    assert written[0] == written[1]  # neither a name nor a time in it


def test_one_object_a_line_in_a_packed_json_file(tmp_path: Path) -> None:
    path = tmp_path / "shop.json.gz"
    path.write_bytes(gzip.compress(_TEXTS["shop.jsonl"].encode()))
    reader = read_catalog(path)
    assert reader.format.name == "JSON lines"
    assert [row.title for row in reader if isinstance(row, Product)] == ["Shirt", "Café"]


def test_products_before_the_cut_of_a_json_document_are_read(tmp_path: Path) -> None:
    data = gzip.compress(json.dumps([{"id": str(n), "title": f"Thing {n}"} for n in range(20_000)]).encode())
    path = tmp_path / "shop.json.gz"
    path.write_bytes(data[: len(data) // 2])
    rows = list(read_catalog(path))
    whole = [row for row in rows if isinstance(row, Product)]
    assert 100 < len(whole) < 20_000 and [row.id for row in whole] == [str(n) for n in range(len(whole))]
    assert rows[len(whole) :] and all(isinstance(row, RejectedRow) for row in rows[len(whole) :])


def test_curated_rows_are_packed(tmp_path: Path) -> None:
    plain, packed = _write_both(tmp_path, "shop.csv")
    outputs = [tmp_path / "out.csv", tmp_path / "packed.csv.gz"]
    for source, out in zip((plain, packed), outputs, strict=True):
        run = CliRunner().invoke(main, ["curate", str(source), str(out), "--experts", "text"])
        assert run.exit_code == 0, run.output
    assert gzip.decompress(outputs[1].read_bytes()) == outputs[0].read_bytes()


def test_curated_json_lines_are_not_packed(tmp_path: Path) -> None:
    plain, _ = _write_both(tmp_path, "shop.jsonl")
    out = tmp_path / "out.jsonl.gz"
    run = CliRunner().invoke(main, ["curate", str(plain), str(out), "--experts", "text"])
    assert run.exit_code == 1 and "name a .jsonl and pack it afterwards" in run.output
    assert not out.exists()


@pytest.mark.parametrize("name", ["shop.csv", "shop.jsonl"])
def test_rows_before_a_cut_are_read(tmp_path: Path, name: str) -> None:
    head = "id,title\n" if name.endswith("csv") else ""
    row = "{},Thing\n" if name.endswith("csv") else '{{"id": "{}", "title": "Thing"}}\n'
    path = tmp_path / f"{name}.gz"
    data = gzip.compress("".join([head, *(row.format(n) for n in range(20_000))]).encode())
    path.write_bytes(data[: len(data) // 2])
    reader = read_catalog(path)
    found = list(reader)
    assert 100 < len(found) < 20_000 and all(isinstance(row, Product) and row.title == "Thing" for row in found)
    (warning,) = reader.warnings
    assert "cut off" in warning and "rows before are read" in warning


@pytest.mark.parametrize(
    "name", ["shop.csv", "feed.xml", "shop.parquet", "shop.json", "page.jsonld", "food.tsv", "shop.xlsx"]
)
def test_what_is_no_gzip_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.gz"
    path.write_bytes(b"id,title\n1,a\n")
    with pytest.raises(CatalogError, match=r"no gzip.*; copy or download it again$"):
        read_catalog(path)


@pytest.mark.parametrize("name", ["feed.xml", "shop.parquet", "shop.xlsx"])
def test_a_cut_file_that_is_read_in_any_order_is_refused(tmp_path: Path, name: str) -> None:
    _, packed = _write_both(tmp_path, name)
    packed.write_bytes(packed.read_bytes()[:-12])
    with pytest.raises(CatalogError, match="is cut off"):
        read_catalog(packed)


def test_a_file_that_becomes_far_too_long_ends_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "_ALWAYS_UNPACKED", 1000)
    monkeypatch.setattr(compression, "_MAX_RATIO", 5)
    path = tmp_path / "in.xml.gz"
    path.write_bytes(gzip.compress(b"<rss>" + b" " * 100_000))
    with pytest.raises(CatalogError, match="5 times as long"):
        read_catalog(path)


def test_a_name_that_tells_nothing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "shop.gz"
    path.write_bytes(gzip.compress(b"id,title\n1,a\n"))
    with pytest.raises(CatalogError, match=r"call it like 'shop\.csv\.gz'"):
        read_catalog(path)
