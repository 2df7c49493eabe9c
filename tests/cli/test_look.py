"""`pumgpt look`: what it says is what `enrich` would read, for every format, and it ends as `enrich` would."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product
from pumgpt.catalog.profile import profile_catalog
from pumgpt.cli.main import main

_EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
_TABLE = (
    "sep=;\nArtikelnummer;Titel;Bild;Kategorie;Farbe;Preis\n"
    "1;Rotes Hemd;a.png, b.png;Hemden;;9\n2;;https://shop.example/c.jpg;;Blau;9\n3;Tasse;;;;9\n4;Hut;b.png;;;9\n;Rock;;;;9\n"
)


def _look(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["look", *map(str, arguments)])


def _document(*arguments: object) -> dict[str, Any]:
    result = _look(*arguments, "--json")
    document: dict[str, Any] = json.loads(result.stdout)
    return document


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    Image.new("RGB", (8, 8), "navy").save(tmp_path / "a.png")
    (tmp_path / "in.csv").write_text(_TABLE, encoding="utf-8-sig")
    return tmp_path


def test_everything_about_a_table(shop: Path) -> None:
    document = _document(shop / "in.csv")
    assert document["format"] == "CSV"
    assert document["layout"] == {
        "delimiter": "semicolon",
        "encoding": "UTF-8 with a byte order mark",
        "header": "line 2",
    }
    assert document["fields"] == {
        "id": "Artikelnummer",
        "title": "Titel",
        "category": "Kategorie",
        "image": "Bild",
        "colour": "Farbe",
    }
    assert document["carried"] == ["Preis"]
    assert document["fills"] == {
        "category": "Kategorie",
        "attributes": {"colour": "Farbe"},
        "other_attributes": None,
    }
    assert document["rows"] == {
        "sampled": 5,
        "complete": True,
        "usable": 3,
        "rejected": 1,
        "photos_missing": 1,
        "without_photo": 1,
        "without_title": 1,
        "without_description": 4,
        "without_category": 3,
    }
    assert document["photos"] == {"found": 1, "missing": 2, "url": 1, "embedded": 0}
    first = document["examples"][0]
    assert (first["row"], first["id"], first["title"], first["category"]) == (1, "1", "Rotes Hemd", ["Hemden"])
    assert [(photo["name"], photo["state"]) for photo in first["photos"]] == [("a.png", "found"), ("b.png", "missing")]
    assert [(row["row"], row["id"]) for row in document["rejected"]] == [(5, None)]
    assert document["error"] is None


def test_the_page_fits_a_terminal(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = _look(shop / "in.csv")
    lines = [line.rstrip() for line in result.stdout.splitlines()]
    assert result.exit_code == 0 and max(map(len, lines)) <= 80
    text = " ".join(result.stdout.split())
    for words in (
        "format CSV, delimiter semicolon",
        "id: Artikelnummer",
        "carries Preis",
        "category in Kategorie, colour in Farbe",
        "1 would be set aside: no file of their photos is there",
        "row 5: field 'Artikelnummer' is missing or empty",
        "row 1 1 Rotes Hemd",
        "a.png found b.png missing",
        "https://shop.example/c.jpg URL",
    ):
        assert words in text


@pytest.mark.parametrize("name", ["catalog.csv", "table.csv", "shopify.csv", "feed.tsv", "feed.xml"])
def test_the_rows_shown_are_the_rows_read(name: str) -> None:
    path = _EXAMPLES / name
    document = _document(path)
    read = [row for row in read_catalog(path) if isinstance(row, Product)]
    assert [(row["id"], row["title"]) for row in document["examples"]] == [(row.id, row.title) for row in read[:5]]
    assert document["fields"] and {"id", "handle"} & document["fields"].keys()
    assert not {*document["carried"]} & {*document["fields"].values()}


def test_where_an_export_is_filled(shop: Path) -> None:
    (shop / "woo.csv").write_text(
        "ID,Type,SKU,Name,Categories,Images,Attribute 1 name,Attribute 1 value(s)\n1,simple,a,Tee,,a.png,Color,Red\n"
    )
    document = _document(shop / "woo.csv")
    assert document["format"].startswith("WooCommerce")
    assert document["fills"]["category"] == "Categories"
    assert document["fills"]["other_attributes"] == "Attribute N name and Attribute N value(s)"
    assert document["attributes_from"] == ["Attribute 1 name", "Attribute 1 value(s)"]
    assert document["carried"] == ["Type", "SKU"]
    assert _document(_EXAMPLES / "shopify.csv")["fills"]["other_attributes"]
    (shop / "shopify.csv").write_text(
        "Handle,Title,Image Src,Vendor,Google Shopping / Gender\ntee,Tee,a.png,Own,unisex\n"
    )
    document = _document(shop / "shopify.csv")
    assert (document["attributes_from"], document["carried"]) == (["Google Shopping / Gender"], ["Vendor"])


def test_photos_are_found_from_a_table_that_is_named_by_a_relative_path(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop / "m").mkdir()
    shutil.move(shop / "a.png", shop / "m" / "a.png")
    (shop / "magento.csv").write_text(
        "sku,product_type,name,base_image,additional_attributes\n1,simple,Tee,/m/a.png,\n"
    )
    monkeypatch.chdir(shop.parent)
    for path in (shop / "magento.csv", Path(shop.name, "magento.csv")):
        (row,) = _document(path)["examples"]
        assert row["photos"] == [{"name": "m/a.png", "state": "found"}]


def test_where_a_feed_is_filled() -> None:
    for name in ("feed.tsv", "feed.xml"):
        fills = _document(_EXAMPLES / name)["fills"]
        assert fills["category"] == "google_product_category"
        assert fills["attributes"]["colour"] == "color"


def test_parquet_json_lines_and_a_dataset(shop: Path) -> None:
    png = (shop / "a.png").read_bytes()
    records = [{"id": "1", "images": [{"bytes": png, "path": "a.png"}], "title": "Tee", "attributes": None, "stock": 3}]
    pq.write_table(pa.Table.from_pylist(records), shop / "in.parquet")
    (shop / "folder").mkdir()
    shutil.copy(shop / "in.parquet", shop / "folder" / "in.parquet")
    (shop / "in.jsonl").write_text('{"id": 1, "image": "a.png", "title": "Tee", "stock": 3}\n')
    for path, state in ((shop / "in.parquet", "embedded"), (shop / "folder", "embedded"), (shop / "in.jsonl", "found")):
        document = _document(path)
        assert document["photos"][state] == 1
        assert document["fields"]["title"] == "title" and document["carried"] == ["stock"]


def test_a_run_that_would_end_at_once_ends_here_with_the_same_line(shop: Path) -> None:
    for name, text in (
        ("no_id.csv", "TITLE,SKU\nTee,\n"),
        ("nothing.csv", "id,price\n1,2\n2,3\n"),
        ("empty.csv", ""),
    ):
        (shop / name).write_text(text)
        looked = _look(shop / name)
        run = CliRunner().invoke(main, ["enrich", str(shop / name), str(shop / "out.csv"), "--model", "fake"])
        assert looked.exit_code == run.exit_code == 1
        assert looked.stderr.splitlines()[-1] == run.stderr.splitlines()[-1]
    assert "price" in _look(shop / "nothing.csv").stdout, "what stands there instead is still shown"
    assert _document(shop / "nothing.csv")["error"] in _look(shop / "nothing.csv").stderr
    (shop / "rejected.csv").write_text("id,title\n1\n2\n")
    assert "none of the 2 rows can be read; row 1: has 1 cells" in _look(shop / "rejected.csv").stderr


def test_only_the_first_rows_are_read(shop: Path) -> None:
    rows = "".join(f"{number},Tee {number},a.png\n" for number in range(50))
    (shop / "long.csv").write_text(f"id,title,image\n{rows}")
    document = _document(shop / "long.csv", "--rows", 20)
    assert (document["rows"]["sampled"], document["rows"]["complete"]) == (20, False)
    assert "the first 20" in _look(shop / "long.csv", "--rows", 20).stdout
    assert _document(shop / "long.csv", "--rows", 50)["rows"]["complete"]


def test_columns_that_a_feed_has_only_later_cost_no_second_reading(shop: Path) -> None:
    (shop / "long.jsonl").write_text("".join(f'{{"id": {number}, "title": "Tee"}}\n' for number in range(5_000)))
    reader = read_catalog(shop / "long.jsonl")
    profile_catalog(reader, 10)
    assert "columns" not in vars(reader), "the names of all rows are only known at the end of the file"


def test_columns_and_ids_can_be_said(shop: Path) -> None:
    (shop / "columns.yaml").write_text("id: Artikelnummer\ntitle: Preis\n")
    said = _document(shop / "in.csv", "--columns", shop / "columns.yaml")
    assert said["fields"] == {"id": "Artikelnummer", "title": "Preis"}
    numbered = _document(shop / "in.csv", "--ids", "row-number")
    assert (numbered["fields"]["id"], numbered["rows"]["rejected"]) == ("#row", 0)
    assert "id: the number of the row" in _look(shop / "in.csv", "--ids", "row-number").stdout


def test_a_taxonomy_says_which_categories_it_has(shop: Path) -> None:
    (shop / "categories.txt").write_text("Hemden\nHosen\n")
    (shop / "in.csv").write_text("id,title,category\n1,Tee,Hemden\n2,Mug,Tassen\n3,Hat,\n")
    assert _document(shop / "in.csv", "--taxonomy", shop / "categories.txt")["taxonomy"] == {
        "known": 1,
        "unknown": ["Tassen"],
    }
    text = " ".join(_look(shop / "in.csv", "--taxonomy", shop / "categories.txt").stdout.split())
    assert "has the categories of 1 of 2 rows; not: Tassen" in text


def test_which_categories_the_model_can_tell(shop: Path) -> None:
    (shop / "categories.txt").write_text("Hosen\nKleider\nTeppiche\n")
    (shop / "in.csv").write_text("id,title\n1,Tee\n")
    text = " ".join(_look(shop / "in.csv", "--taxonomy", shop / "categories.txt").stdout.split())
    assert "2 of 3 categories of --taxonomy can be told by nano" in text and "such as Teppiche" in text
    assert "2 of 3" in _document(shop / "in.csv", "--taxonomy", shop / "categories.txt")["told"]


def test_a_format_from_outside_is_looked_at_alike(shop: Path) -> None:
    shutil.copy(Path(__file__).parents[1] / "catalog" / "block_format.py", shop)
    (shop / "in.blocks").write_text("id: 1\ntitle: Red tee\nimage: a.png\ncolour: Red\n\nid: 2\ntitle: Mug\n")
    lines = (
        "from block_format import BlockFormat",
        "from pumgpt.catalog.formats.registry import register",
        "register(BlockFormat())",
        "from pumgpt.cli.main import main",
        "main()",
    )
    done = subprocess.run(
        [sys.executable, "-c", "; ".join(lines), "look", "in.blocks", "--json"],
        cwd=shop,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["format"] == "blocks"
    assert (document["fields"], document["carried"]) == ({"id": "id", "title": "title", "image": "image"}, ["colour"])
    assert document["photos"]["found"] == 1


def test_no_model_is_loaded(shop: Path) -> None:
    (shop / "own.txt").write_text("Trousers\n")
    code = (
        "import sys; from pumgpt.cli.main import main\n"
        "try: main(['look', 'in.csv', '--taxonomy', 'own.txt'])\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'torch', 'transformers', 'datasets', 'pandas'} & {*sys.modules}\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=shop, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
