"""The table of what categories have, from labels and from categories that mean the same."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.crosswalk import Crosswalk

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "fit_applicability.py"
TEES, TEE, SHOES, APPLE = ("Apparel", "Tees"), ("Tee",), ("Apparel", "Shoes"), ("Fruit", "Apple")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fit_applicability", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_a_category_has_what_its_products_state_or_imply(script: ModuleType) -> None:
    products = [Product("1", category=TEES, attributes={"gender": "Men", "Color": "Red", "sku": "7"})]
    products += [Product(str(number), category=APPLE) for number in range(200)]
    products.append(Product("slip", category=APPLE, attributes={"gender": "Men"}))
    found = script.stated_attributes(products, ["gender", "age group"])
    assert found == {TEES: {"gender", "age group"}, APPLE: frozenset()}


def test_categories_that_mean_the_same_share_what_they_have(script: ModuleType) -> None:
    walk = Crosswalk.parse(
        Path("map.csv"),
        "from,when,to\nApparel > Tees,,Clothing > Tops > Tees\nTee,,Clothing > Tops\nApparel > Shoes,,Shoes\n",
    )
    labelled = {TEES: frozenset({"gender"}), TEE: frozenset({"age group"}), SHOES: frozenset({"colour"})}
    found = script.shared_by_counterparts(labelled, [walk])
    assert found[TEE] == found[TEES] == {"gender", "age group"}
    assert found[SHOES] == {"colour"}


def test_one_row_stands_for_all_categories_below_that_are_alike(script: ModuleType) -> None:
    table = {"A > B": ["gender"], "A > C > D": ["gender"], "E > F": [], "E > G": ["gender"]}
    assert script.by_upper_levels(table) == {"A": ["gender"], "E > F": [], "E > G": ["gender"]}
