"""Akeneo over its REST API, against `akeneo-mock-server`: what is pulled, what is pushed, and what a bad day does to it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from akeneo_server import CREDENTIALS, Gate, akeneo_gate, mock_server
from click.testing import CliRunner, Result
from PIL import Image

from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.photos.hosts import DownloadLimits
from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.schema import AttributeSchema
from pumgpt.catalog.vocabulary.taxonomies import load_taxonomy
from pumgpt.cli.main import main
from pumgpt.connectors.akeneo.client import AkeneoClient
from pumgpt.connectors.akeneo.config import Credentials
from pumgpt.errors import PhotoError

Values = dict[str, list[dict[str, Any]]]


def run(*arguments: object, **environment: str) -> Result:
    return CliRunner(env={**CREDENTIALS, **environment}).invoke(main, [str(argument) for argument in arguments])


def value(data: Any, locale: str | None = None, scope: str | None = None) -> dict[str, Any]:
    return {"locale": locale, "scope": scope, "data": data}


def photo(colour: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (24, 24), colour).save(buffer, "PNG")
    return buffer.getvalue()


ATTRIBUTES: tuple[dict[str, Any], ...] = (
    {"code": "sku", "type": "pim_catalog_identifier", "labels": {"en_US": "SKU"}},
    {"code": "name", "type": "pim_catalog_text", "localizable": True, "labels": {"en_US": "Name"}},
    {"code": "description", "type": "pim_catalog_textarea", "localizable": True, "scopable": True},
    {"code": "color", "type": "pim_catalog_simpleselect", "labels": {"en_US": "Colour", "de_DE": "Farbe"}},
    {"code": "materials", "type": "pim_catalog_multiselect", "scopable": True, "labels": {"en_GB": "Material"}},
    {"code": "other_material", "type": "pim_catalog_simpleselect", "labels": {"en_US": "Material"}},
    {"code": "empty_select", "type": "pim_catalog_simpleselect", "labels": {}},
    {"code": "picture", "type": "pim_catalog_image"},
    {"code": "back_view", "type": "pim_catalog_image"},
    {"code": "length", "type": "pim_catalog_metric", "metric_family": "Length", "labels": {"en_US": "Length"}},
    {"code": "price", "type": "pim_catalog_price_collection", "labels": {"en_US": "Price"}},
    {"code": "washable", "type": "pim_catalog_boolean", "labels": {"en_US": "Washable"}},
    {"code": "launched", "type": "pim_catalog_date", "labels": {"en_US": "Launched"}},
)
FAMILY = {
    "code": "clothing",
    "attribute_as_label": "name",
    "attribute_as_image": "picture",
    "attributes": [attribute["code"] for attribute in ATTRIBUTES if attribute["code"] != "other_material"],
}
CATEGORIES: tuple[dict[str, Any], ...] = (
    {"code": "master", "parent": None, "labels": {"en_US": "Master catalogue"}},
    {"code": "tops", "parent": "master", "labels": {"en_US": "Tops"}},
    {"code": "shirts", "parent": "tops", "labels": {"en_US": "Shirts"}},
    {"code": "shirts_old", "parent": "tops", "labels": {"en_US": "shirts"}},
    {"code": "kids", "parent": "master", "labels": {"de_DE": "Kinder > 3 Jahre"}},
    {"code": "print", "parent": None, "labels": {"en_US": "Print"}},
    {"code": "page_1", "parent": "print", "labels": {"en_US": "Page 1"}},
)
PRODUCTS: tuple[dict[str, Any], ...] = (
    {
        "identifier": "shirt-1",
        "family": "clothing",
        "categories": ["page_1", "tops", "shirts"],
        "values": {
            "name": [value("Hemd", "de_DE"), value("Linen shirt", "en_US")],
            "description": [
                value("<p>For <b>shops</b></p>", "en_US", "ecommerce"),
                value("For print", "en_US", "print"),
            ],
            "color": [value("blue")],
            "materials": [value(["linen", "cotton"], None, "ecommerce")],
            "picture": [value("1/2/ab_front.png")],
            "back_view": [value("0/9/cd_back.png")],
            "length": [value({"amount": "72.5000", "unit": "CENTIMETER"})],
            "price": [value([{"amount": "29.90", "currency": "EUR"}])],
            "washable": [value(False)],
            "launched": [value("2026-03-01T00:00:00+00:00")],
        },
    },
    {
        "identifier": "bare/2",
        "family": "clothing",
        "categories": ["page_1"],
        "values": {"name": [value("Shirt without anything", "en_US")], "picture": [value("1/2/ef_red.png")]},
    },
    {"identifier": "gone-photo", "values": {"picture": [value("9/9/missing.png")], "color": [value("red")]}},
    {"identifier": "other-locale", "family": "clothing", "values": {"name": [value("Nur deutsch", "de_DE")]}},
)
VARIANTS: tuple[dict[str, Any], ...] = (
    {"identifier": "tee-red", "family": "clothing", "parent": "tee", "values": {"color": [value("red")]}},
    {"identifier": "tee-blue", "family": "clothing", "parent": "tee", "values": {"color": [value("blue")]}},
)
MODEL = {
    "code": "tee",
    "family": "clothing",
    "family_variant": "by_color",
    "categories": ["tops"],
    "values": {"name": [value("Tee", "en_US")], "description": [value("Soft", "en_US", "ecommerce")]},
}
OPTIONS = {"color": ("blue", "red"), "materials": ("linen", "cotton"), "other_material": ("tin",)}
CONFIG = """
url: {url}
channel: ecommerce
locale: en_US
"""


@pytest.fixture(scope="module")
def mock_url() -> Iterator[str]:
    with mock_server() as url:
        yield url


@pytest.fixture(scope="module")
def described_gate(mock_url: str) -> Iterator[Gate]:
    """A shop without products."""
    with akeneo_gate(mock_url) as gate:
        gate.seed("/attributes", *ATTRIBUTES)
        for attribute, codes in OPTIONS.items():
            options = ({"code": code, "attribute": attribute, "labels": {"en_US": code.capitalize()}} for code in codes)
            gate.seed(f"/attributes/{attribute}/options", *options)
        gate.seed("/families", FAMILY)
        levels = [{"level": 1, "axes": ["color"], "attributes": ["picture"]}]
        gate.seed("/families/clothing/variants", {"code": "by_color", "variant_attribute_sets": levels})
        gate.seed("/categories", *CATEGORIES)
        gate.seed("/channels", {"code": "ecommerce", "locales": ["en_US", "de_DE"], "category_tree": "master"})
        units = {"CENTIMETER": {"code": "CENTIMETER", "symbol": "cm"}}
        gate.seed("/measurement-families", {"code": "Length", "standard_unit_code": "CENTIMETER", "units": units})
        yield gate


@pytest.fixture
def akeneo(described_gate: Gate) -> Gate:
    """A small shop, as new."""
    gate = described_gate
    gate.reset()
    gate.remove_products()
    gate.mock.delete("/api/rest/v1/product-models/tee")
    gate.seed("/product-models", MODEL)
    gate.seed("/products", *PRODUCTS, *VARIANTS)
    gate.photos = {
        "1/2/ab_front.png": photo("white"),
        "0/9/cd_back.png": photo("navy"),
        "1/2/ef_red.png": photo("red"),
    }
    return gate


@pytest.fixture
def config(akeneo: Gate, tmp_path: Path) -> Path:
    path = tmp_path / "akeneo.yaml"
    path.write_text(CONFIG.format(url=akeneo.url), encoding="utf-8")
    return path


def pull(config: Path, folder: Path) -> dict[str, dict[str, Any]]:
    result = run("akeneo", "pull", config, folder)
    assert result.exit_code == 0, result.output
    return pulled(folder)


def pulled(folder: Path) -> dict[str, dict[str, Any]]:
    lines = (folder / "products.jsonl").read_text(encoding="utf-8").splitlines()
    return {record["id"]: record for record in map(json.loads, lines)}


def enrich(folder: Path) -> Path:
    filled = folder / "filled.jsonl"
    result = run(
        *("enrich", folder / "products.jsonl", filled, "--model", "fake", "--precision", 0),
        *("--schema", folder / "schema.yaml", "--taxonomy", folder / "taxonomy.csv"),
    )
    assert result.exit_code == 0, result.output
    return filled


def record_file(path: Path, *records: dict[str, Any]) -> Path:
    """What `enrich` would have written."""
    model = {"name": "test", "revision": "0"}
    path.write_text("".join(json.dumps({"model": model, **record}) + "\n" for record in records), encoding="utf-8")
    return path


def filled(name: str, filled_value: str) -> dict[str, Any]:
    return {"name": name, "value": filled_value, "confidence": 0.9, "status": "filled"}


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


def test_only_filled_values_differ_after_a_push(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    before = pull(config, tmp_path / "before")
    records = enrich(tmp_path / "before")
    assert run("akeneo", "push", records, config).exit_code == 0
    after = pull(config, tmp_path / "after")
    given = {
        record["id"]: {field["name"]: field["value"] for field in record["attributes"] if field["status"] == "filled"}
        for record in map(json.loads, records.read_text(encoding="utf-8").splitlines())
    }
    changed = 0
    for id_, record in after.items():
        new = {name: text for name, text in record["attributes"].items() if name not in before[id_]["attributes"]}
        as_text = {name: text if isinstance(text, str) else text[0] for name, text in new.items()}
        assert as_text.items() <= given[id_].items(), id_
        changed += len(new)
        kept = {**record, "attributes": before[id_]["attributes"]}
        for name in ("category", "categories"):
            if before[id_]["category"]:
                assert record[name] == before[id_][name]
            assert set(before[id_]["categories"] or ()) <= set(record["categories"] or ())
            kept[name] = before[id_][name]
        assert {**kept, "attributes": None} == {**before[id_], "attributes": None}
    assert changed >= 3
    assert after["bare/2"]["category"], "a category is filled where the channel's tree has none"
    assert "page_1" in after["bare/2"]["categories"]

    akeneo.sent.clear()
    again = run("akeneo", "push", records, config, "--json")
    assert again.exit_code == 0 and json.loads(again.stdout)["changed"] == 0
    assert akeneo.sent == []


def test_values_are_sent_as_codes_for_their_locale_and_scope(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    attributes = [filled("Colour", "Red"), filled("Material (materials)", "Cotton")]
    category = {"path": ["Tops", "Shirts (shirts)"], "status": "filled", "confidence": 0.9}
    records = record_file(tmp_path / "f.jsonl", {"id": "bare/2", "attributes": attributes, "category": category})
    assert run("akeneo", "push", records, config).exit_code == 0
    assert akeneo.sent == [
        (
            "/api/rest/v1/products",
            [
                {
                    "identifier": "bare/2",
                    "values": {"color": [value("red")], "materials": [value(["cotton"], None, "ecommerce")]},
                    "categories": ["page_1", "shirts"],
                }
            ],
        )
    ]


def test_a_value_that_the_shop_has_by_now_stays(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    records = record_file(tmp_path / "f.jsonl", {"id": "bare/2", "attributes": [filled("Colour", "Red")]})
    akeneo.seed("/products", {"identifier": "bare/2", "values": {"color": [value("blue")]}})
    result = run("akeneo", "push", records, config)
    assert "1 values were left out: there is a value already" in result.stderr and akeneo.sent == []
    assert run("akeneo", "push", records, config, "--overwrite-values").exit_code == 0
    assert akeneo.sent[0][1] == [{"identifier": "bare/2", "values": {"color": [value("red")]}}]


def test_what_has_no_place_is_left_out_and_counted(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    attributes = [filled("Colour", "Mauve"), filled("Fit", "Slim"), filled("Material (other_material)", "Tin")]
    category = {"path": ["Shoes"], "id": "shirts", "status": "filled", "confidence": 0.9}
    kept = {"name": "Colour", "value": "Blue", "confidence": None, "status": "kept"}
    records = record_file(
        tmp_path / "f.jsonl",
        {"id": "bare/2", "attributes": attributes, "category": category},
        {"id": "no such product", "attributes": [filled("Colour", "Red")]},
        {"id": "other-locale", "attributes": [kept]},
    )
    summary = json.loads(run("akeneo", "push", records, config, "--json").stdout)
    assert summary["changed"] == 0 and akeneo.sent == []
    assert summary["skipped"] == {
        "the attribute has no such option": 1,
        "Akeneo has no attribute of this name to fill": 1,
        "the product's family doesn't have the attribute": 1,
        "the channel's tree has no such category": 1,
        "the product isn't in Akeneo": 1,
    }


def test_what_variants_share_goes_to_their_product_model(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    records = record_file(
        tmp_path / "f.jsonl",
        *({"id": id_, "attributes": [filled("Material (materials)", "Cotton")]} for id_ in ("tee-red", "tee-blue")),
    )
    assert run("akeneo", "push", records, config).exit_code == 0
    assert [path for path, _ in akeneo.sent] == ["/api/rest/v1/product-models"]
    assert akeneo.stored("/product-models/tee")["values"]["materials"] == [value(["cotton"], None, "ecommerce")]
    assert "materials" not in akeneo.stored("/products/tee-red")["values"]


def test_what_variants_disagree_on_is_left_out(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    records = record_file(
        tmp_path / "f.jsonl",
        *(
            {"id": id_, "attributes": [filled("Material (materials)", material)]}
            for id_, material in (("tee-red", "Cotton"), ("tee-blue", "Linen"))
        ),
    )
    summary = json.loads(run("akeneo", "push", records, config, "--json").stdout)
    assert summary["skipped"] == {"its variants were filled differently": 1} and akeneo.sent == []


def test_a_refused_line_is_named_and_the_others_are_kept(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    akeneo.refused["bare/2"] = "Option is locked"
    records = record_file(
        tmp_path / "f.jsonl",
        {"id": "bare/2", "attributes": [filled("Colour", "Red")]},
        {"id": "other-locale", "attributes": [filled("Colour", "Red")]},
    )
    with records.open("a", encoding="utf-8") as file:
        file.write('{"half a')
    result = run("akeneo", "push", records, config)
    assert result.exit_code == 1 and "2 lines were refused" in result.stderr
    assert akeneo.stored("/products/other-locale")["values"]["color"] == [value("red")]
    refused = [json.loads(line) for line in (tmp_path / "f.refused.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(line["id"], line["status"]) for line in refused] == [("line 3", None), ("bare/2", 422)]
    assert refused[1]["error"] == "Validation failed.; values: Option is locked"


def test_a_dry_run_shows_what_would_be_sent(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    records = record_file(tmp_path / "f.jsonl", {"id": "bare/2", "attributes": [filled("Colour", "Red")]})
    result = run("akeneo", "push", records, config, "--dry-run")
    assert json.loads(result.stdout) == {"identifier": "bare/2", "values": {"color": [value("red")]}}
    assert akeneo.sent == []


def test_a_product_without_an_identifier_goes_by_its_uuid(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    uuid = akeneo.stored("/products/other-locale")["uuid"]
    records = record_file(tmp_path / "f.jsonl", {"id": uuid, "attributes": [filled("Colour", "Red")]})
    assert run("akeneo", "push", records, config).exit_code == 0
    assert akeneo.sent == [("/api/rest/v1/products-uuid", [{"uuid": uuid, "values": {"color": [value("red")]}}])]
    assert akeneo.stored("/products/other-locale")["values"]["color"] == [value("red")]


def test_all_pages_are_pulled_and_all_batches_pushed(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    akeneo.seed("/products", *({"identifier": f"p{number:03}", "family": "clothing"} for number in range(105)))
    assert len(pull(config, tmp_path / "shop")) == 105 + len(PRODUCTS) + len(VARIANTS)
    records = record_file(
        tmp_path / "f.jsonl",
        *({"id": f"p{number:03}", "attributes": [filled("Colour", "Red")]} for number in range(105)),
    )
    assert run("akeneo", "push", records, config).exit_code == 0
    assert [len(lines) for _, lines in akeneo.sent] == [100, 5]


def test_an_interrupted_pull_goes_on_and_ends_the_same(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    akeneo.seed("/products", *({"identifier": f"p{number:03}"} for number in range(105)))
    whole = pull(config, tmp_path / "whole")
    akeneo.faults = [("products.*search_after=p", 403, {})]
    broken = run("akeneo", "pull", config, tmp_path / "shop")
    assert broken.exit_code == 1 and "refused with status 403" in broken.stderr
    akeneo.asked.clear()
    assert pull(config, tmp_path / "shop") == whole
    assert len([path for path in akeneo.asked if "/products?" in path]) == 1, "the first page isn't asked for again"
    assert (tmp_path / "shop" / "products.jsonl").read_bytes() == (tmp_path / "whole" / "products.jsonl").read_bytes()


def test_a_finished_pull_is_made_anew(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    pull(config, tmp_path / "shop")
    akeneo.seed("/products", {"identifier": "new"})
    akeneo.asked.clear()
    assert "new" in pull(config, tmp_path / "shop")
    assert [path for path in akeneo.asked if "media-files" in path and "missing" not in path] == []


def test_an_expired_token_is_renewed_in_the_middle(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    akeneo.requests_per_token = 4
    pull(config, tmp_path / "shop")
    assert akeneo.grants[0] == "password" and len(akeneo.grants) > 3
    assert set(akeneo.grants[1:]) == {"refresh_token"}


def test_a_busy_server_is_asked_again(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    akeneo.faults = [
        ("/attributes", 429, {"Retry-After": "0"}),
        ("/products", 503, {}),
        ("media-files", 500, {}),
        ("oauth", 502, {}),
    ]
    assert len(pull(config, tmp_path / "shop")["shirt-1"]["images"]) == 2
    records = record_file(tmp_path / "f.jsonl", {"id": "bare/2", "attributes": [filled("Colour", "Red")]})
    akeneo.faults = [("/products$", 500, {})]
    assert run("akeneo", "push", records, config).exit_code == 0
    assert akeneo.stored("/products-uuid?limit=100") is not None and len(akeneo.sent) == 1


def test_a_server_that_wants_a_long_pause_is_not_waited_for(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    akeneo.faults = [("/channels", 429, {"Retry-After": "7200"})]
    result = run("akeneo", "pull", config, tmp_path / "shop")
    assert result.exit_code == 1 and "busy or broken (status 429); run the same command again later" in result.stderr


def test_a_server_that_is_down_costs_no_photo(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    akeneo.faults = [("media-files", 429, {"Retry-After": "7200"})]
    assert run("akeneo", "pull", config, tmp_path / "shop").exit_code == 1
    assert len(pull(config, tmp_path / "shop")["shirt-1"]["images"]) == 2


def test_a_photo_that_its_server_always_fails_on_is_missing(akeneo: Gate, tmp_path: Path) -> None:
    akeneo.faults = [("media-files", 500, {})] * 2
    credentials = Credentials.from_environment("AKENEO", CREDENTIALS)
    limits = DownloadLimits(attempts=2, backoff_s=0.01)
    with AkeneoClient(akeneo.url, credentials, limits) as client, pytest.raises(PhotoError, match="status 500"):
        client.download("1/2/ab_front.png", tmp_path / "photo.png")


def test_only_the_configured_host_is_asked(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    akeneo.faults = [("/channels", 302, {"Location": "http://127.0.0.1:1/elsewhere"})]
    result = run("akeneo", "pull", config, tmp_path / "shop")
    assert result.exit_code == 1 and "leads elsewhere (status 302)" in result.stderr


def test_a_page_that_is_no_json_is_named(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    akeneo.faults = [("/channels", 200, {})]
    result = run("akeneo", "pull", config, tmp_path / "shop")
    assert result.exit_code == 1 and "answers with text/html, no JSON; check 'url'" in result.stderr


def test_no_message_holds_a_secret(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    result = run("akeneo", "pull", config, tmp_path / "shop", AKENEO_PASSWORD="wr0ng-secret")
    assert result.exit_code == 2 and "gives no token for these credentials (status 422)" in result.stderr
    assert "wr0ng-secret" not in result.output and CREDENTIALS["AKENEO_CLIENT_SECRET"] not in result.output
    result = run("akeneo", "pull", config, tmp_path / "shop", AKENEO_CLIENT_SECRET="")
    assert result.exit_code == 2 and "lacks AKENEO_CLIENT_SECRET" in result.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("locale: fr_FR", "channel 'ecommerce' has no locale 'fr_FR'; it has en_US, de_DE"),
        ("channel: mobile", "has no channel 'mobile'; it has ecommerce"),
        ("title: headline", "has no attribute 'headline'; it has back_view, color"),
        ("attributes: [length]", "attribute 'length' is of type pim_catalog_metric, which isn't filled"),
    ],
)
def test_a_wrong_configuration_is_named(akeneo: Gate, tmp_path: Path, line: str, said: str) -> None:
    kept = [own for own in CONFIG.format(url=akeneo.url).splitlines() if not own.startswith(line.split(":")[0])]
    path = tmp_path / "akeneo.yaml"
    path.write_text("\n".join([*kept, line]), encoding="utf-8")
    result = run("akeneo", "pull", path, tmp_path / "shop")
    assert result.exit_code == 2 and said in result.stderr


def test_a_table_is_no_record_of_what_was_filled(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    (tmp_path / "filled.csv").write_text("id,pumgpt_colour\nbare/2,Red\n", encoding="utf-8")
    result = run("akeneo", "push", tmp_path / "filled.csv", config)
    assert result.exit_code == 2 and "let `pumgpt enrich` write to a .jsonl file" in result.stderr
    (tmp_path / "filled.jsonl").write_text('{"id": "bare/2", "title": "No record"}\n', encoding="utf-8")
    result = run("akeneo", "push", tmp_path / "filled.jsonl", config)
    assert result.exit_code == 1 and "has no record of `pumgpt enrich`" in result.stderr


@pytest.mark.parametrize(("size", "said"), [(2_000, "has more than 0.001 MB"), (0, "is empty")])
def test_a_photo_is_there_whole_or_not_at_all(akeneo: Gate, tmp_path: Path, size: int, said: str) -> None:
    akeneo.photos["a/b c#.png"] = bytes(size)
    credentials = Credentials.from_environment("AKENEO", CREDENTIALS)
    with AkeneoClient(akeneo.url, credentials, DownloadLimits(max_bytes=1_000)) as client:
        with pytest.raises(PhotoError, match=said):
            client.download("a/b c#.png", tmp_path / "photo.png")
        assert list(tmp_path.iterdir()) == []
        akeneo.photos["a/b c#.png"] = bytes(1_000)
        client.download("a/b c#.png", tmp_path / "photo.png")
    assert (tmp_path / "photo.png").read_bytes() == bytes(1_000)


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
