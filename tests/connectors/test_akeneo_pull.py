"""Akeneo over its REST API: what is pulled, and the catalogue that it makes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from akeneo_server import Gate
from akeneo_shop import PRODUCTS, VARIANTS, filled, pull, pulled, record_file, run

from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.schema import AttributeSchema
from pumgpt.catalog.vocabulary.taxonomies import load_taxonomy


def test_products_are_pulled_in_the_words_of_their_channel_and_locale(config: Path, tmp_path: Path) -> None:
    shirt = pull(config, tmp_path / "shop")["shirt-1"]
    assert (shirt["title"], shirt["description"], shirt["language"]) == ("Linen shirt", "For shops", "en")
    assert shirt["category"] == ["Tops", "Shirts (shirts)"]
    assert shirt["attributes"] == {
        "Colour": "Blue",
        "Material (materials)": ["Linen", "Cotton"],
        "Length": "72.5 cm",
        "Price": ["29.90 EUR"],
        "Washable": "No",
        "Launched": "2026-03-01",
    }
    assert shirt["images"] == ["photos/1_2_ab_front.png", "photos/0_9_cd_back.png"]


def test_what_was_pulled_is_a_catalogue_with_its_vocabulary(config: Path, tmp_path: Path) -> None:
    pull(config, tmp_path / "shop")
    products = [row for row in read_catalog(tmp_path / "shop" / "products.jsonl") if isinstance(row, Product)]
    assert len(products) == len(PRODUCTS) + len(VARIANTS)
    assert {open_photo(ref).getpixel((0, 0)) for row in products if row.id == "bare/2" for ref in row.images} == {
        (255, 0, 0)
    }
    schema = AttributeSchema.load(tmp_path / "shop" / "schema.yaml")
    assert {spec.name: spec.values for spec in schema.attributes} == {
        "Colour": ("Blue", "Red"),
        "Material (materials)": ("Cotton", "Linen"),
        "Material (other_material)": ("Tin",),
    }
    taxonomy = load_taxonomy(tmp_path / "shop" / "taxonomy.csv")
    assert {id_: path for path, id_ in zip(taxonomy.paths, taxonomy.ids, strict=True)} == {
        "tops": ("Tops",),
        "shirts": ("Tops", "Shirts (shirts)"),
        "shirts_old": ("Tops", "shirts (shirts_old)"),
        "kids": ("Kinder › 3 Jahre",),
    }


def test_variants_inherit_from_their_product_model(config: Path, tmp_path: Path) -> None:
    tee = pull(config, tmp_path / "shop")["tee-red"]
    assert (tee["title"], tee["description"], tee["category"]) == ("Tee", "Soft", ["Tops"])
    assert tee["attributes"] == {"Colour": "Red"}


def test_a_photo_that_is_missing_is_named_and_its_product_kept(config: Path, tmp_path: Path) -> None:
    result = run("akeneo", "pull", config, tmp_path / "shop", "--json")
    assert "product gone-photo: " in result.stderr and "status 404: no such media file" in result.stderr
    assert json.loads(result.stdout)["missing_photos"] == 1
    assert pulled(tmp_path / "shop")["gone-photo"]["images"] == []


def test_all_pages_are_pulled_and_all_batches_pushed(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    akeneo.seed("/products", *({"identifier": f"p{number:03}", "family": "clothing"} for number in range(105)))
    assert len(pull(config, tmp_path / "shop")) == 105 + len(PRODUCTS) + len(VARIANTS)
    records = record_file(
        tmp_path / "f.jsonl",
        *({"id": f"p{number:03}", "attributes": [filled("Colour", "Red")]} for number in range(105)),
    )
    assert run("akeneo", "push", records, config).exit_code == 0
    assert [len(lines) for _, lines in akeneo.sent] == [100, 5]


def test_the_commands_of_the_page_on_akeneo(akeneo: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docs = Path(__file__).resolve().parents[2] / "docs"
    example = (docs / "examples" / "akeneo.yaml").read_text(encoding="utf-8")
    (tmp_path / "akeneo.yaml").write_text(
        example.replace("https://shop.cloud.akeneo.com", akeneo.url), encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    commands = (docs / "akeneo.md").read_text(encoding="utf-8").split("```bash\n")[1].split("```")[0]
    for line in commands.splitlines():
        fake = ["--model", "fake", "--precision", "0"] if " enrich " in line else []
        result = run(*line.split()[1:], *fake)
        assert result.exit_code == 0, result.output
    assert akeneo.sent
