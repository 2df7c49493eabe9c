"""Releases of Shopify's taxonomy, and categories that name their parents: what they bring, and what is left out."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from pumgpt.catalog.vocabulary.schema import AttributeSchema
from pumgpt.catalog.vocabulary.shopify_release import ShopifyRelease
from pumgpt.catalog.vocabulary.taxonomies import load_taxonomy
from pumgpt.catalog.vocabulary.values import canonical, same_value
from pumgpt.errors import SchemaError

_SHOES = ("Apparel", "Shoes")
_YAML = """
- {id: aa, name: Apparel, children: [aa-1], attributes: [color]}
- {id: aa-1, name: Shoes, children: [], attributes: [shoe_color, heel_height, unheard_of]}
"""
_ATTRIBUTES = {
    "version": "1",
    "attributes": [
        {
            "name": "Color",
            "handle": "color",
            "values": [{"name": "Red", "handle": "color__red"}, {"name": "Blue", "handle": "color__blue"}],
            "extended_attributes": [{"name": "Shoe color", "handle": "shoe-color"}],
        },
        {
            "name": "Heel height",
            "handle": "heel-height",
            "description": "How high",
            "values": [],
            "extended_attributes": [],
        },
    ],
}
_TEXT = "gid://o/TaxonomyCategory/aa : Apparel\ngid://o/TaxonomyCategory/aa-1 : Apparel > Shoes\n"
_CATEGORIES = {
    "version": "1",
    "verticals": [
        {
            "name": "Apparel",
            "prefix": "aa",
            "categories": [
                {
                    "id": "gid://shopify/TaxonomyCategory/aa",
                    "name": "Apparel",
                    "full_name": "Apparel",
                    "attributes": [],
                },
                {
                    "id": "gid://shopify/TaxonomyCategory/aa-1",
                    "name": "Shoes",
                    "full_name": "Apparel > Shoes",
                    "attributes": [
                        {
                            "id": "gid://shopify/TaxonomyAttribute/1",
                            "name": "Shoe color",
                            "handle": "shoe-color",
                            "extended": True,
                        },
                        {"id": "gid://shopify/TaxonomyAttribute/2", "name": "Heel height", "handle": "heel-height"},
                    ],
                },
            ],
        }
    ],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A release as its repository has it."""
    for place in ("data/categories", "data/localizations/categories", "data/localizations/attributes", "dist/en"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "data/categories/aa.yml").write_text(_YAML)
    (tmp_path / "data/localizations/categories/de.yml").write_text(
        "de:\n  categories:\n    aa:\n      name: Bekleidung\n    aa-1:\n      name:\n"
    )
    (tmp_path / "data/localizations/attributes/de.yml").write_text(
        "de:\n  attributes:\n    shoe_color:\n      name: Schuhfarbe\n    color:\n      name: Farbe\n"
    )
    (tmp_path / "dist/en/attributes.json").write_text(json.dumps(_ATTRIBUTES))
    return tmp_path


def _add_json(folder: Path) -> None:
    (folder / "dist/en/categories.json").write_text(json.dumps(_CATEGORIES))


def _add_text(folder: Path) -> None:
    (folder / "dist/en/categories.txt").write_text(_TEXT)


@pytest.mark.parametrize("add", [lambda folder: None, _add_json, _add_text], ids=["yaml", "json", "text"])
def test_a_category_brings_its_attributes(folder: Path, add: object) -> None:
    add(folder)  # type: ignore[operator]
    release = ShopifyRelease.load(folder)
    assert release.taxonomy.paths == (("Apparel",), _SHOES)
    schema = release.schema_of(_SHOES)
    assert schema is not None
    colour, height = schema.attributes
    assert (colour.name, colour.values, colour.names) == ("Shoe color", ("Red", "Blue"), {"de": "Schuhfarbe"})
    assert (height.name, height.values, height.description) == ("Heel height", None, "How high")
    assert release.schema_of(("Unknown",)) is None
    assert load_taxonomy(folder) == release.taxonomy


def test_localised_paths_keep_their_ids(folder: Path) -> None:
    release = ShopifyRelease.load(folder)
    german = release.localised("de")
    assert german.paths == (("Bekleidung",), ("Bekleidung", "Shoes")), "what is not translated stays"
    assert german.ids == release.taxonomy.ids
    assert german.find("aa-1") == ("Bekleidung", "Shoes")
    assert release.languages == ("de",)
    with pytest.raises(SchemaError, match="in 'fr'; it has: de"):
        release.localised("fr")


def test_the_json_alone(tmp_path: Path) -> None:
    (tmp_path / "taxonomy.json").write_text(json.dumps({**_CATEGORIES, **_ATTRIBUTES}))
    release = ShopifyRelease.load(tmp_path / "taxonomy.json")
    assert release.schema_of(_SHOES) is not None
    assert load_taxonomy(tmp_path / "taxonomy.json").find("gid://shopify/TaxonomyCategory/aa-1") == _SHOES


@pytest.mark.parametrize("packed", [True, False], ids=["packed", "plain"])
@pytest.mark.parametrize("whole", [True, False], ids=["taxonomy", "categories"])
def test_the_assets_of_a_release_as_they_are_downloaded(tmp_path: Path, packed: bool, whole: bool) -> None:
    height = {"name": "Height", "handle": "height", "type": "measurement", "measurement_type": "dimension"}
    extended = {"name": "Heel height", "handle": "heel-height"}
    colour = _ATTRIBUTES["attributes"][0]
    measured = {**height, "supported_units": ["cm", "fluid_ounces", "quibits"], "extended_attributes": [extended]}
    attributes = {"version": "2026-08", "attributes": [colour, measured]}
    categories = {**_CATEGORIES, "version": "2026-08"}
    german = {"version": "2026-08", "attributes": [{"name": "Farbe", "handle": "color"}]}
    german["attributes"][0]["extended_attributes"] = [{"name": "Schuhfarbe", "handle": "shoe-color"}]
    assets = {
        "categories.de.txt": "gid://shopify/TaxonomyCategory/aa : Kleidung\ngid://x/aa-1 : Kleidung > Schuhe\n",
        "attributes.de.json": json.dumps(german),
    }
    if whole:
        assets["taxonomy.en.json"] = json.dumps({**categories, **attributes})
    else:
        assets["categories.en.json"] = json.dumps(categories)
        assets["attributes.en.json"] = json.dumps(attributes)
        assets["categories.en.txt"] = _TEXT
    for name, text in assets.items():
        if packed:
            (tmp_path / f"{name}.gz").write_bytes(gzip.compress(text.encode()))
        else:
            (tmp_path / name).write_text(text)
    release = ShopifyRelease.load(tmp_path)
    schema = release.schema_of(_SHOES)
    assert (release.taxonomy.version, release.languages) == ("2026-08", ("de",))
    assert schema is not None and schema.names == ("Shoe color", "Heel height")
    assert schema.attributes[0].names == {"de": "Schuhfarbe"}
    measurement = schema.attributes[1]
    assert (measurement.values, measurement.units) == (None, ("cm", "fluid ounces")), "no one knows quibits"
    assert release.localised("de").paths == (("Kleidung",), ("Kleidung", "Schuhe"))
    assert release.attributes_of(_SHOES) == {"shoe_color": "Shoe color", "heel_height": "Heel height"}


def test_assets_in_one_other_language(tmp_path: Path) -> None:
    (tmp_path / "categories.de.txt").write_text("gid://shopify/TaxonomyCategory/aa : Kleidung\n")
    assert load_taxonomy(tmp_path).paths == (("Kleidung",),)


def test_the_attributes_alone_are_a_schema(tmp_path: Path) -> None:
    """Of two attributes of one name the second is called by its handle."""
    colours = {"name": "Height", "handle": "height", "values": [{"name": "Low"}, {"name": "High"}]}
    measured = {"name": "Height", "handle": "height-measure", "type": "measurement", "supported_units": ["cm", "in"]}
    document = json.dumps({"version": "2026-08", "attributes": [colours, measured]}).encode()
    (tmp_path / "attributes.en.json.gz").write_bytes(gzip.compress(document))
    first, second = AttributeSchema.load(tmp_path / "attributes.en.json.gz").attributes
    assert (first.name, first.values) == ("Height", ("Low", "High"))
    assert (second.name, second.values, second.units) == ("height-measure", None, ("cm", "in"))
    assert canonical("12 in", second) and same_value("1 in", "2.54 cm", second)


def test_a_circle_of_children_is_named_counted_and_left_out(folder: Path) -> None:
    (folder / "data/categories/bb.yml").write_text(
        "- {id: bb, name: Bags, children: [bb-1]}\n- {id: bb-1, name: Totes, children: [bb, bb-2]}\n- {id: bb-2, name: Big}\n"
    )
    taxonomy = load_taxonomy(folder)
    assert taxonomy.paths == (("Apparel",), _SHOES)
    (warning,) = taxonomy.warnings
    assert "3 categories stand in a circle" in warning and "Totes > Bags > Totes" in warning


def test_a_table_of_parents(tmp_path: Path) -> None:
    rows = "id,name,parent\n2,Shoes,1\n1,Apparel,\n3,Odd,4\n4,Strange,3\n5,Under,4\n6,Lost,99\n7,Self,7\n"
    (tmp_path / "a.csv").write_text(rows)
    taxonomy = load_taxonomy(tmp_path / "a.csv")
    assert (taxonomy.paths, taxonomy.ids) == ((_SHOES, ("Apparel",)), ("2", "1"))
    circle, orphan = taxonomy.warnings
    assert "4 categories stand in a circle, or below one, and are left out (Strange > Odd > Strange)" in circle
    assert "1 categories hang from a parent that isn't there" in orphan and "'99'" in orphan


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "id,name,parent\n1,A,\n1,B,\n", "line 3: id '1' stands already in line 2"),
        ("a.csv", "id,name,parent\n1,A,2\n2,B,1\n", "has no category"),
        ("a.json", "{", "can't be read as YAML or JSON"),
        ("a.json", '{"verticals": [{"categories": [{"id": "a"}]}]}', "verticals.0.categories.0.name"),
        ("a.json", "{}", "has no categories"),
    ],
)
def test_errors_name_the_file(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SchemaError) as caught:
        load_taxonomy(tmp_path / name)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="holds no categories"):
        load_taxonomy(tmp_path)


@pytest.mark.slow
@pytest.mark.shared
def test_a_real_release(shared_data: Path) -> None:
    release = ShopifyRelease.load(shared_data / "taxonomy" / "shopify")
    assert len(release.taxonomy.paths) == 10_282 and not release.taxonomy.warnings
    assert all(key in release.attributes for keys in release.keys.values() for key in keys)
    schema = release.schema_of(("Apparel & Accessories", "Shoes", "Athletic Shoes"))
    assert schema is not None and schema.get("Toe style") is not None
    assert release.localised("de").find("Turnschuhe") == ("Bekleidung & Accessoires", "Schuhe", "Turnschuhe")
