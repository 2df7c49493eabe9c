"""Akeneo's REST API over `akeneo-mock-server`, with a small shop in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from akeneo_server import Gate, akeneo_gate, mock_server
from akeneo_shop import ATTRIBUTES, CATEGORIES, CONFIG, FAMILY, MODEL, OPTIONS, PRODUCTS, VARIANTS, photo


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
