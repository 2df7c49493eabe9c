"""`pumgpt enrich` on what systems export: photos by URL, mappings of columns and categories, files in their own form."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from photo_host import PhotoHost, serve_photos
from PIL import Image

from pumgpt.cli.main import main

_EXPORTS = Path(__file__).with_name("exports")
_TAXONOMY = "gid://shopify/TaxonomyCategory/aa : Apparel\ngid://shopify/TaxonomyCategory/lb : Luggage & Bags\n"


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["enrich", *map(str, arguments), "--model", "fake", "--precision", "0"])


@pytest.fixture(scope="module")
def host() -> Iterator[PhotoHost]:
    with serve_photos() as served:
        yield served


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a photo, an empty cache of photos and two small vocabularies."""
    monkeypatch.setattr("pumgpt.catalog.photos.url_cache.default_folder", lambda: tmp_path / "cache")
    Image.new("RGB", (16, 16), "navy").save(tmp_path / "a.png")
    (tmp_path / "schema.yaml").write_text("attributes:\n  - name: colour\n    values: [Blue]\n")
    (tmp_path / "categories.txt").write_text(_TAXONOMY)
    return tmp_path


def _export(shop: Path, name: str) -> Path:
    """One of the exports, all its photos the one that lies in the shop's folder."""
    text = (_EXPORTS / name).read_text(encoding="utf-8").replace("photos/a.jpg", "a.png")
    path = shop / f"in.{name.rpartition('.')[2]}"
    path.write_text(re.sub(r"https://cdn\.example/[\w-]+\.jpg", "a.png", text), encoding="utf-8", newline="")
    return path


def test_photos_by_url_are_fetched_only_from_public_addresses_unless_allowed(shop: Path, host: PhotoHost) -> None:
    (shop / "in.csv").write_text(f"id,image\n1,{host.url('/one.png')}\n2,{host.url('/status?404')}\n3,a.png\n")
    refused = _run(shop / "in.csv", shop / "out.jsonl", "--json")
    assert (json.loads(refused.stdout)["rows"], host.asked.total()) == (1, 0)
    errors = [json.loads(line)["error"] for line in (shop / "out.rejected.jsonl").read_text().splitlines()]
    assert all("no public address; allow it with --allow-private-urls" in error for error in errors)
    allowed = _run(shop / "in.csv", shop / "out.jsonl", "--json", "--allow-private-urls", "--restart")
    assert json.loads(allowed.stdout)["rows"] == 2
    (rejected,) = (json.loads(line) for line in (shop / "out.rejected.jsonl").read_text().splitlines())
    assert (rejected["row"], rejected["id"]) == (2, "2") and "404" in rejected["error"]
    assert host.asked["/one.png"] == 1


def test_ask_and_curate_fetch_photos_too(shop: Path, host: PhotoHost) -> None:
    ask = ["ask", host.url("/ask.png?size=1"), "--model", "fake", "--json"]
    refused, allowed = (CliRunner().invoke(main, [*ask, *more]) for more in ([], ["--allow-private-urls"]))
    assert refused.exit_code == 1 and "allow it with --allow-private-urls" in refused.stderr
    assert json.loads(allowed.stdout)["id"] == "ask"
    rows = [
        {"id": path, "image": host.url(f"/{path}"), "attributes": {"colour": "Red"}} for path in ("c.png", "status?404")
    ]
    (shop / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = [str(shop / "in.jsonl"), str(shop / "out.jsonl"), "--experts", "similarity", "--json"]
    judged = CliRunner().invoke(main, ["curate", *words, "--allow-private-urls"])
    assert json.loads(judged.stdout)["rows"] == 2 and host.asked["/c.png"] == 1
    assert "1 photos could not be used" in judged.stderr


def test_a_shopify_export_in_one_command(shop: Path) -> None:
    result = _run(
        *(_export(shop, "shopify.csv"), shop / "out.csv"),
        *("--taxonomy", shop / "categories.txt", "--schema", shop / "schema.yaml"),
    )
    assert result.exit_code == 0, result.stderr
    with (shop / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 5, "every row of the file"
    assert rows[0]["Product Category"] in ("Apparel", "Luggage & Bags")
    assert rows[4]["Product Category"] == "Luggage & Bags"
    assert rows[4]["pumgpt_category_status"] in ("kept", "conflict")
    assert rows[0]["Vendor"] == "Own"


def test_a_google_feed_in_one_command(shop: Path) -> None:
    source = _export(shop, "google.xml")
    result = _run(source, shop / "out.xml", "--taxonomy", shop / "categories.txt", "--schema", shop / "schema.yaml")
    assert result.exit_code == 0, result.stderr
    filled = (shop / "out.xml").read_text(encoding="utf-8")
    assert "<g:color>Blue</g:color>" in filled
    assert "the categories are not Google's" in result.stderr


def test_interrupted_feeds_go_on_and_end_the_same(shop: Path) -> None:
    for name, ending in (("google.tsv", "tsv"), ("shopify.csv", "csv")):
        source = _export(shop, name)
        whole, parts = shop / f"whole.{ending}", shop / f"parts.{ending}"
        _run(source, whole, "--schema", shop / "schema.yaml")
        _run(source, parts, "--schema", shop / "schema.yaml", "--limit", 1)
        assert len(parts.read_bytes().splitlines()) == len(whole.read_bytes().splitlines()), "rows without answers too"
        _run(source, parts, "--schema", shop / "schema.yaml")
        assert parts.read_bytes() == whole.read_bytes()


def test_columns_are_shown_and_can_be_said(shop: Path) -> None:
    (shop / "in.csv").write_text("sku,name,view,shade\n1,Tee,a.png,\n")
    guessed = _run(shop / "in.csv", shop / "guessed.csv", "--schema", shop / "schema.yaml")
    assert "reads sku as id, name as title; set it with --columns" in guessed.stderr
    (shop / "columns.yaml").write_text("id: sku\ntitle: name\nimages: view\nattributes: {colour: shade}\n")
    result = _run(
        shop / "in.csv", shop / "out.csv", "--schema", shop / "schema.yaml", "--columns", shop / "columns.yaml"
    )
    assert result.exit_code == 0 and "reads sku" not in result.stderr
    with (shop / "out.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["shade"] == "Blue" and row["pumgpt_caption_status"]
    other = _run(shop / "in.csv", shop / "out.csv", "--schema", shop / "schema.yaml")
    assert other.exit_code == 2 and "begun with another setting of --columns" in other.stderr


def test_rows_without_ids_are_numbered_and_go_on_where_they_were(shop: Path) -> None:
    source, options = shop / "in.csv", ("--schema", shop / "schema.yaml", "--ids", "row-number")
    source.write_text("TITLE,IMAGE1,SKU,COLOR\nTee,a.png,,\nMug,none.png,,\nHat,a.png,,\n")
    refused = _run(source, shop / "out.csv")
    assert refused.exit_code == 1 and "number the rows with --ids row-number" in refused.stderr
    whole, parts = shop / "whole.csv", shop / "parts.csv"
    assert _run(source, whole, *options).exit_code == 0
    assert _run(source, parts, *options, "--limit", 1).exit_code == 0
    assert _run(source, parts, *options).exit_code == 0
    assert parts.read_bytes() == whole.read_bytes()
    with whole.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [[row[name] for name in ("TITLE", "SKU", "COLOR")] for row in rows] == [
        ["Tee", "", "Blue"],
        ["Hat", "", "Blue"],
    ]
    (rejected,) = (json.loads(line) for line in (shop / "whole.rejected.jsonl").read_text().splitlines())
    assert (rejected["row"], rejected["id"]) == (2, "2")
    source.write_text(source.read_text().replace("Tee", "Coat"))
    other = _run(source, parts, *options)
    assert other.exit_code == 2 and "was begun with another first row" in other.stderr


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("shopify.csv", "Shopify's product CSV; reads Handle as handle, Title as title"),
        ("google.tsv", "a Google Merchant feed; reads id as id"),
        ("google.xml", "a Google Merchant feed in XML"),
    ],
)
def test_a_dry_run_says_what_a_file_is(shop: Path, name: str, words: str) -> None:
    result = _run(_export(shop, name), shop / f"out.{name.rpartition('.')[2]}", "--dry-run")
    assert words in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--columns", "none.yaml"], "none.yaml: can't be read"),
        (["--category-map", "map.csv"], "--category-map leads to the categories of --taxonomy; give both"),
        (["--taxonomy", "categories.txt", "--category-map", "none.csv"], "none.csv: can't be read"),
    ],
)
def test_what_can_not_be_is_one_line(
    shop: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], words: str
) -> None:
    monkeypatch.chdir(shop)
    Path("in.csv").write_text("id,image\n1,a.png\n")
    result = _run("in.csv", "out.csv", *options)
    assert result.exit_code in (1, 2)
    (line,) = result.stderr.splitlines()
    assert words in line
    assert not Path("out.csv").exists()


def test_attributes_of_the_category_get_columns(shop: Path) -> None:
    """A Shopify release in a folder: each product is asked for what its own category brings."""
    release = shop / "release"
    (release / "categories").mkdir(parents=True)
    (release / "categories.txt").write_text(_TAXONOMY)
    (release / "categories" / "all.yml").write_text(
        "- {id: aa, name: Apparel, children: [], attributes: [sleeve]}\n"
        "- {id: lb, name: Luggage & Bags, children: [], attributes: [strap]}\n"
    )
    values = {"sleeve": ["Long", "Short"], "strap": ["Leather"]}
    attributes = [
        {"id": str(n), "name": name.title(), "handle": name, "values": [{"name": v, "handle": v} for v in values[name]]}
        for n, name in enumerate(values)
    ]
    (release / "attributes.json").write_text(json.dumps({"attributes": attributes}))
    (shop / "in.csv").write_text("id,image,category\n1,a.png,Apparel\n2,a.png,Luggage & Bags\n3,a.png,Cars\n")
    options = ["--taxonomy", release, "--category-attributes"]
    done = _run(shop / "in.csv", shop / "out.csv", *options)
    assert done.exit_code == 0, done.stderr
    with (shop / "out.csv").open(newline="") as file:
        apparel, bags, cars = csv.DictReader(file)
    assert apparel["pumgpt_sleeve"] in values["sleeve"] and not apparel["pumgpt_strap"]
    assert bags["pumgpt_strap"] == "Leather" and not bags["pumgpt_sleeve"]
    assert not cars["pumgpt_sleeve"] and not cars["pumgpt_strap"]


def test_categories_without_attributes_bring_none(shop: Path) -> None:
    (shop / "in.csv").write_text("id,image\n1,a.png\n")
    done = _run(shop / "in.csv", shop / "out.csv", "--taxonomy", shop / "categories.txt", "--category-attributes")
    assert done.exit_code == 2
    assert "--category-attributes needs categories that bring attributes" in done.stderr


def test_a_catalogue_without_photos_and_texts_ends_before_a_model_is_loaded(shop: Path) -> None:
    (shop / "in.csv").write_text("id,price,swatch_image_alt\n1,2,x\n2,3,y\n")
    result = CliRunner().invoke(main, ["enrich", str(shop / "in.csv"), str(shop / "out.csv"), "--model", "nowhere"])
    assert result.exit_code == 1
    assert "none of its 2 rows has a photo or a text" in result.stderr
    assert "(it has: id, price, swatch_image_alt)" in result.stderr
    assert not (shop / "out.csv").exists()
