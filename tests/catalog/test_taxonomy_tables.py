"""Taxonomies as tables: whatever the columns are called, and whatever separates levels and cells."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from pumgpt.catalog.vocabulary.taxonomies import load_taxonomy
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy
from pumgpt.errors import SchemaError

_PATHS = (("Pets & More",), ("Pets & More", "Food, dry"))
_TABLES = {
    "meta.txt": '\ufeffcategory_id,category\n1,Pets & More\n2,"Pets & More > Food, dry"\n',
    "meta.csv": 'category_id,category\r\n1,Pets & More\r\n2,"Pets & More > Food, dry"\r\n',
    "semicolons.csv": "ID;Full Name\n1;Pets & More\n2;Pets & More > Food, dry\n",
    "comments.tsv": "# Version: 3\nCategory Path\tCode\nPets & More\t1\nPets & More > Food, dry\t2\n",
    "named.csv": 'id,name\n1,Pets & More\n2,"Pets & More > Food, dry"\n',
    "levels.csv": 'id,Level 1,Level 2,Level 3\n1,Pets & More,,\n2,Pets & More,"Food, dry",\n',
    "indented.csv": 'id,L1,L2\n1,Pets & More,\n2,,"Food, dry"\n',
    "sublevels.csv": 'Category,Sub-Category,id\nPets & More,,1\nPets & More,"Food, dry",2\n',
    "google_sheet.csv": '1,Pets & More,,,\n2,Pets & More,"Food, dry",,\n',
    "no_header.csv": '1,Pets & More\n2,"Pets & More > Food, dry"\n',
    "bars.csv": 'path,id\nPets & More,1\n"Pets & More|Food, dry",2\n',
    "guillemets.csv": 'breadcrumb,id\nPets & More,1\n"Pets & More » Food, dry",2\n',
    "slashes.csv": 'path,id\nPets & More,1\n"Pets & More/Food, dry",2\n',
    "parents.csv": 'category_id,category_name,parent_id\n2,"Food, dry",1\n1,Pets & More,\n',
}


def _load(folder: Path, name: str, text: str) -> Taxonomy:
    (folder / name).write_bytes(text.encode())
    return load_taxonomy(folder / name)


@pytest.mark.parametrize("name", _TABLES)
def test_every_table_gives_the_same(tmp_path: Path, name: str) -> None:
    taxonomy = _load(tmp_path, name, _TABLES[name])
    assert dict(zip(taxonomy.ids, taxonomy.paths, strict=True)) == dict(zip("12", _PATHS, strict=True))


def test_a_slash_of_a_name_is_no_level(tmp_path: Path) -> None:
    taxonomy = _load(tmp_path, "a.csv", "path\nTops/Tees\nShoes\n")
    assert taxonomy.paths == (("Tops/Tees",), ("Shoes",))


def test_a_list_with_a_comma_is_no_table(tmp_path: Path) -> None:
    taxonomy = _load(tmp_path, "a.txt", "Food, Beverages\nFood, Beverages > Food\n")
    assert taxonomy.paths == (("Food, Beverages",), ("Food, Beverages", "Food"))


def test_packed_files(tmp_path: Path) -> None:
    text = "# Shopify Product Taxonomy - Categories: 2026-08\n\ngid://shopify/TaxonomyCategory/aa  : Apparel\n"
    (tmp_path / "categories.en.txt.gz").write_bytes(gzip.compress(text.encode()))
    taxonomy = load_taxonomy(tmp_path / "categories.en.txt.gz")
    assert (taxonomy.paths, taxonomy.version) == ((("Apparel",),), "2026-08")
    (tmp_path / "broken.txt.gz").write_bytes(gzip.compress(text.encode())[:20])
    with pytest.raises(SchemaError, match=r"broken.txt.gz: can't be unpacked"):
        load_taxonomy(tmp_path / "broken.txt.gz")


def test_a_path_with_two_ids_has_both(tmp_path: Path) -> None:
    taxonomy = _load(tmp_path, "a.csv", "category_id,category\n423,shoes > baby\n720,shoes > baby\n")
    assert taxonomy.id_of(("shoes", "baby")) == "423"
    assert taxonomy.find("720") == taxonomy.find("423") == ("shoes", "baby")
    assert "under a second id" in taxonomy.warnings[0] and "423, 720" in taxonomy.warnings[0]


def test_ids_as_shops_write_them(tmp_path: Path) -> None:
    taxonomy = Taxonomy(
        (("Apparel",), ("Apparel", "Shirts & Tops"), ("Apparel", "Shoes")),
        ("166", "212", "gid://shopify/TaxonomyCategory/aa-8"),
    )
    for text in ("212", "212.0", "212 - Apparel > Shirts & Tops", "212 - Some older > Name", "212 - shirts & tops"):
        assert taxonomy.find_id(text) == ("Apparel", "Shirts & Tops"), text
    for text in ("aa-8", "gid://open-taxonomy/TaxonomyCategory/aa-8"):
        assert taxonomy.find_id(text) == ("Apparel", "Shoes"), text
    for text in ("501 - Jeans", "212 - Jeans", "2120", "Tops/aa-8", ""):
        assert taxonomy.find_id(text) is None, text


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "colour,size\nRed,M\n", "line 1: has no column 'path' (it has: colour, size)"),
        ("a.csv", "id,Level 1,Level 2\n1,,Deep\n", "line 2: a level of the path is empty"),
        ("a.csv", 'id,path\n1,"A"B\n', "line 2: can't be read as CSV"),
    ],
)
def test_errors_name_the_line(tmp_path: Path, name: str, text: str, words: str) -> None:
    with pytest.raises(SchemaError) as caught:
        _load(tmp_path, name, text)
    assert words in str(caught.value)
