"""Maps between taxonomies: what is read, which row counts, and that the shipped ones lead somewhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pumgpt.catalog.vocabulary.crosswalk import Crosswalk, choose_crosswalk
from pumgpt.catalog.vocabulary.taxonomies import load_taxonomy
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy
from pumgpt.errors import SchemaError
from pumgpt.model.card import SHIPPED, category_maps

_MAPS = category_maps(SHIPPED / "nano")
_NANO = Taxonomy.of(Crosswalk.load(_MAPS[0]).counterparts)
_CSV = """# a comment
from,when,to,id,note
Tops > Sweatshirts,,Clothing > Sweatshirts,gid://old/TaxonomyCategory/aa-14,
Tops > Sweatshirts,title=hood,Clothing > Hoodies,gid://old/TaxonomyCategory/aa-13,
Tops > Sweatshirts,gender=Girls,Girls > Tops,,
Gifts,,,,anything
"""
_TARGET = Taxonomy(
    (("Clothing", "Sweaters & Sweatshirts"), ("Clothing", "Hoodies"), ("Girls", "Tops")),
    ("gid://new/TaxonomyCategory/aa-14", "gid://new/TaxonomyCategory/aa-13", None),
)


def _load(folder: Path, text: str, name: str = "map.csv") -> Crosswalk:
    (folder / name).write_text(text, encoding="utf-8")
    return Crosswalk.load(folder / name)


def test_a_condition_that_holds_comes_before_the_row_without(tmp_path: Path) -> None:
    walk, top = _load(tmp_path, _CSV), ("Tops", "Sweatshirts")
    assert walk.find(top) == ("Clothing", "Sweatshirts")
    assert walk.find(top, "Red HOODED sweatshirt") == ("Clothing", "Hoodies")
    assert walk.find(top, "Red", {"Gender": "girls"}) == ("Girls", "Tops")
    assert walk.find(top, "Red", {"gender": ["Women", "Girls"]}) == ("Girls", "Tops")
    assert walk.find(("Gifts",)) is None
    assert walk.find(("Unknown",)) is None


def test_ids_outlive_names_and_what_the_release_lacks_has_no_counterpart(tmp_path: Path) -> None:
    walk, top = _load(tmp_path, _CSV).into(_TARGET), ("Tops", "Sweatshirts")
    assert walk.find(top) == ("Clothing", "Sweaters & Sweatshirts"), "by id, under its new name"
    assert walk.find(top, attributes={"gender": "Girls"}) == ("Girls", "Tops"), "by path"
    assert walk.into(Taxonomy.of([("Other",)])).find(top) is None


def test_one_map_after_the_other(tmp_path: Path) -> None:
    further = _load(tmp_path, "from,to\nClothing > Hoodies,Shirts & Tops\n", "further.csv")
    walk = _load(tmp_path, _CSV).then(further)
    assert walk.find(("Tops", "Sweatshirts"), "hood") == ("Shirts & Tops",)
    assert walk.find(("Tops", "Sweatshirts")) == ("Clothing", "Sweatshirts"), "what isn't named stands for itself"


def test_a_releases_own_mapping(tmp_path: Path) -> None:
    rule = {
        "input": {"category": {"id": "gid://shopify/TaxonomyCategory/aa-1", "full_name": "Apparel > Clothing"}},
        "output": {"category": [{"id": "1604", "full_name": "Apparel & Accessories > Clothing"}]},
    }
    nothing = {"input": {"category": {"id": "x", "full_name": "Gift Cards"}}, "output": {"category": []}}
    release = {"version": "2026-11", "mappings": [{"input_taxonomy": "a", "rules": [rule, nothing]}]}
    walk = _load(tmp_path, json.dumps(release), "shopify_to_google.json")
    assert walk.find(("Apparel", "Clothing")) == ("Apparel & Accessories", "Clothing")
    assert walk.find(("Gift Cards",)) is None


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "to,path\nA,B\n", "no columns 'from' and 'to'"),
        ("a.csv", "from,to\n", "maps no category"),
        ("a.csv", "from,to\nA,B\nA,C\n", "'A' is mapped twice"),
        ("a.csv", "from,to\nA > > B,C\n", "a level of a path is empty"),
        ("a.csv", "from,when,to\nA,hood,C\n", "'hood' is no condition"),
        ("a.csv", 'from,to\n"A"B,C\n', "can't be read as CSV"),
        ("a.json", "{", "is no mapping of a Shopify release"),
        ("a.json", '{"mappings": []}', "holds 0 mappings"),
    ],
)
def test_errors_name_the_file(tmp_path: Path, name: str, text: str, words: str) -> None:
    with pytest.raises(SchemaError) as caught:
        _load(tmp_path, text, name)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_map_that_is_not_there() -> None:
    with pytest.raises(SchemaError, match="No such file"):
        Crosswalk.load(Path("none.csv"))


def test_no_shipped_map_leads_to_a_shops_own_categories() -> None:
    assert choose_crosswalk(_MAPS, _NANO, Taxonomy.of([("Clothing", "Tops"), ("Shoes",)])) is None
    assert choose_crosswalk(_MAPS, Taxonomy.of([("My", "Model")]), _TARGET) is None


@pytest.mark.shared
def test_the_shipped_maps_lead_to_the_releases_categories(shared_data: Path) -> None:
    shopify = load_taxonomy(shared_data / "taxonomy" / "shopify" / "categories.txt")
    google = load_taxonomy(shared_data / "taxonomy" / "google" / "taxonomy.en-US.txt")
    for release in (shopify, google):
        walk = choose_crosswalk(_MAPS, _NANO, release)
        assert walk is not None
        rows = [row for rows in walk.counterparts.values() for row in rows]
        assert sum(row.path is None for row in rows) == 1, "free gifts may be anything"
        assert {row.path for row in rows if row.path} <= set(release.paths)
    assert walk.find(("Apparel", "Topwear", "Tshirts"))[-1] == "Shirts & Tops"  # type: ignore[index]
