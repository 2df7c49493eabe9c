"""A small shop in Akeneo, and the commands of `pumgpt akeneo` as tests run them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from akeneo_server import CREDENTIALS
from click.testing import CliRunner, Result
from PIL import Image

from pumgpt.cli.main import main

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
