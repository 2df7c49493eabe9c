"""The map from ImageNet's classes to what shops call such things is whole, true to the taxonomies, and used by what it means."""

from __future__ import annotations

import csv
import re
from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest

from pumgpt.catalog.vocabulary.crosswalk import codes_in_all_releases
from pumgpt.catalog.vocabulary.imagenet import (
    NUM_CLASSES,
    REASONS,
    classes_called_alike,
    further_categories,
    imagenet_classes,
    lead_classes_to,
    place_classes,
)
from pumgpt.catalog.vocabulary.release_mappings import Category, shipped_mappings
from pumgpt.catalog.vocabulary.taxonomies import load_taxonomy
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy, code_of, split_path

INDEX = {known.name: number for number, known in enumerate(imagenet_classes())}
GUITARS = ("Arts & Entertainment", "Hobbies & Creative Arts", "Musical Instruments", "String Instruments", "Guitars")


def shop(*paths: str) -> Taxonomy:
    return Taxonomy.of(map(split_path, paths))


def placed(taxonomy: Taxonomy, name: str) -> str | None:
    path = place_classes(taxonomy)[INDEX[name]]
    return None if path is None else " > ".join(path)


def test_every_class_has_a_name_and_either_categories_or_a_reason() -> None:
    assert len(INDEX) == len(imagenet_classes()) == NUM_CLASSES, "no two classes go by one name"
    for known in imagenet_classes():
        assert (known.reason is None) == bool(known.shopify and known.id and known.google), known
        assert known.reason is None or (known.reason in REASONS and not (known.shopify or known.id or known.google))


def test_the_documentation_counts_them_rightly() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "taxonomies.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| (\d+) \|", page, re.MULTILINE)
    counts = Counter(known.reason for known in imagenet_classes())
    assert {reason for reasons, _ in rows for reason in re.findall(r"\w+", reasons)} == set(REASONS)
    for reasons, count in rows:
        assert sum(counts[reason] for reason in re.findall(r"\w+", reasons)) == int(count), reasons
    assert f"\n{counts[None]} of its thousand classes" in page


@pytest.mark.parametrize(
    ("index", "name"),
    [
        (0, "tench"),
        (207, "golden retriever"),
        (402, "acoustic guitar"),
        (526, "desk"),
        (831, "couch"),
        (894, "wardrobe"),
        (970, "alp"),
        (999, "toilet paper"),
    ],
)
def test_the_order_is_that_of_the_data_set(index: int, name: str) -> None:
    assert imagenet_classes()[index].name == name


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("desk", "Furniture > Office Furniture > Desks"),
        ("table lamp", "Home & Garden > Lighting > Lamps"),
        ("wall clock", "Home & Garden > Decor > Clocks > Wall Clocks"),
        ("couch", "Furniture > Sofas"),
        ("acoustic guitar", " > ".join((*GUITARS, "Acoustic Guitars"))),
        ("hair dryer", "Health & Beauty > Personal Care > Hair Care > Hair Styling Tools > Hair Dryers"),
        ("coffee mug", "Home & Garden > Kitchen & Dining > Tableware > Drinkware > Mugs"),
        ("laptop", "Electronics > Computers > Laptops"),
        ("toaster", "Home & Garden > Kitchen & Dining > Kitchen Appliances > Toasters & Grills > Toasters"),
        # Some are finer than all that a class holds: cushions for sofas are pillows too, and so are those of a bed.
        ("pillow", "Home & Garden"),
        ("running shoe", "Apparel & Accessories > Shoes"),
        ("golden retriever", None),
        ("bridegroom", None),
        ("valley", None),
        ("minivan", None),
    ],
)
def test_what_a_class_is_sold_as(name: str, category: str | None) -> None:
    assert imagenet_classes()[INDEX[name]].shopify == (None if category is None else split_path(category))


def test_no_release_has_dropped_a_category() -> None:
    gone = [
        known.name for known in imagenet_classes() if known.id and shipped_mappings().follow(Category(known.id)) == ()
    ]
    assert not gone


@pytest.mark.shared
def test_every_category_is_in_its_taxonomy(shared_data: Path) -> None:
    shopify = load_taxonomy(shared_data / "taxonomy" / "shopify" / "categories.txt")
    google = load_taxonomy(shared_data / "taxonomy" / "google" / "taxonomy.en-US.txt")
    codes = {path: code_of(id_ or "") for path, id_ in zip(shopify.paths, shopify.ids, strict=True)}
    for known in imagenet_classes():
        if known.shopify is not None and known.google is not None:
            assert codes.get(known.shopify) == known.id, known
            assert known.google in google.paths, known
    assert set(further_categories().paths) <= set(shopify.paths)


@pytest.mark.shared
def test_shopifys_and_googles_own_categories_are_those_of_the_map(shared_data: Path) -> None:
    for file, column in (("shopify/categories.txt", 1), ("google/taxonomy.en-US.txt", 3)):
        found = place_classes(load_taxonomy(shared_data / "taxonomy" / file))
        assert list(found) == [known[column] for known in imagenet_classes()], file


def test_names_of_other_languages_are_shipped_for_all_categories() -> None:
    text = (files("pumgpt.catalog.vocabulary.matching") / "release_names.csv").read_text(encoding="utf-8")
    named = {row["path"] for row in csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))}
    assert {" > ".join(path) for path in further_categories().paths} <= named


def test_a_shops_own_words_are_matched_by_meaning() -> None:
    own = shop("Living > Sofas & Couches", "Living > Tables", "Decor > Wall Clocks", "Music > Guitars", "Decor > Vases")
    assert placed(own, "couch") == "Living > Sofas & Couches"
    assert placed(own, "dining table") == "Living > Tables"
    assert placed(own, "wall clock") == "Decor > Wall Clocks"
    assert placed(own, "acoustic guitar") == placed(own, "electric guitar") == "Music > Guitars"
    assert placed(own, "digital clock") is None, "a clock for the wall is finer than a clock"
    assert placed(own, "golden retriever") is None
    assert placed(shop("Sofas", "Schreibtische", "Staubsauger"), "desk") == "Schreibtische"


def test_an_id_of_a_release_is_known_whatever_the_category_is_called() -> None:
    desks = imagenet_classes()[INDEX["desk"]].id
    assert desks in codes_in_all_releases(desks or "")
    taxonomy = Taxonomy((("Büro", "Arbeitstische"),), (f"gid://shopify/TaxonomyCategory/{desks}",))
    assert placed(taxonomy, "desk") == "Büro > Arbeitstische"


def test_a_category_leads_to_what_all_its_classes_have_in_common() -> None:
    walk = lead_classes_to(
        shop("Music > Guitars", "Audio > iPods", "Audio > CD Players", "Clothing", "Clothing > Hats")
    )
    assert walk.find((*GUITARS, "Acoustic Guitars")) == ("Music", "Guitars")
    assert walk.find(("Apparel & Accessories", "Clothing Accessories", "Hats")) == ("Clothing", "Hats")
    # Of tape players the shop has none, so that what Shopify calls by one name isn't an iPod.
    assert walk.find(("Electronics", "Audio", "Audio Players & Recorders")) is None
    assert walk.find(("Furniture", "Sofas")) is None


def test_a_broader_category_is_not_called_alike() -> None:
    alike = classes_called_alike(shop("Music > Guitars", "Furniture", "Bags > Backpacks"))
    assert alike[INDEX["backpack"]] == ("Bags", "Backpacks")
    assert alike[INDEX["desk"]] is None
