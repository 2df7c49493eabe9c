"""Taxonomies: what is read of each form of file, and which path a text means."""

from __future__ import annotations

from pathlib import Path

import pytest

from pumgpt.catalog.vocabulary.taxonomies import load_taxonomy
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy
from pumgpt.errors import SchemaError

_EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
_FORMS = {
    "shopify.txt": "# Categories: 1\n\ngid://x/ap   : Animals & Pets\ngid://x/ap-1 : Animals & Pets > Live: Animals\n",
    "numbered.txt": "# Version: 1\n1 - Animals & Pets\n22 - Animals & Pets > Live: Animals\n",
    "plain.txt": "\ufeffAnimals & Pets\r\nAnimals & Pets>Live: Animals\r\n",
    "list.yaml": "- Animals & Pets\n- {path: 'Animals & Pets > Live: Animals', id: 0022}\n",
    "table.csv": 'path,id\nAnimals & Pets,\n"Animals & Pets > Live: Animals",0022\n',
    "table.tsv": "id\tpath\n\tAnimals & Pets\n0022\tAnimals & Pets > Live: Animals\n",
}
_IDS = {"shopify.txt": ("gid://x/ap", "gid://x/ap-1"), "numbered.txt": ("1", "22"), "plain.txt": (None, None)}


def _load(folder: Path, name: str, text: str) -> Taxonomy:
    (folder / name).write_text(text, encoding="utf-8")
    return load_taxonomy(folder / name)


@pytest.mark.parametrize("name", _FORMS)
def test_every_form_gives_the_same_paths(tmp_path: Path, name: str) -> None:
    taxonomy = _load(tmp_path, name, _FORMS[name])
    assert taxonomy.paths == (("Animals & Pets",), ("Animals & Pets", "Live: Animals"))
    assert taxonomy.ids == _IDS.get(name, (None, "0022"))
    assert taxonomy.id_of(("Animals & Pets", "Live: Animals")) == taxonomy.ids[1]
    assert taxonomy.id_of(("Animals & Pets", "Dead")) is None


def test_find() -> None:
    paths = (("A",), ("A", "Shoes"), ("B",), ("B", "Shoes"), ("B", "Größe"), ("C", "A"), ("D", "x"), ("D", "X"))
    taxonomy = Taxonomy(paths, ("1", None, None, "b-2", None, None, None, None))
    assert taxonomy.find("b-2") == ("B", "Shoes")
    assert taxonomy.find(" a>SHOES ") == ("A", "Shoes")
    assert taxonomy.find("GRÖSSE") == ("B", "Größe")
    assert taxonomy.find("shoes") is None, "two categories end so"
    assert taxonomy.find("A") == ("A",), "a whole path comes before a leaf"
    assert taxonomy.find("D > X") == ("D", "X"), "the exact path comes before its look-alike"
    assert taxonomy.find("d > x") is None
    assert taxonomy.find("Shoes > A") is None
    assert taxonomy.find("") is None


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.txt", "A\nB\n\nA\n", "line 4: 'A' stands already in line 1"),
        ("a.txt", "1 - A\n1 - B\n", "line 2: id '1' stands already in line 1"),
        ("a.txt", "A > > B\n", "line 1: a level of the path is empty"),
        ("a.txt", "# only a comment\n", "has no category"),
        ("a.yaml", "", "has no category"),
        ("a.yaml", "- A\n- B\n- A\n", "line 3: 'A' stands already in line 1"),
        ("a.yaml", "A: B\n", "is not a list"),
        ("a.yaml", "- A\n- [B]\n", "line 2: is neither"),
        ("a.yaml", "- {path: A, gid: 5}\n", "line 1: a category is {path: A > B > C, id: ...} with texts only"),
        ("a.yaml", "- 'A\n", "can't be read as YAML"),
        ("a.csv", "name\nA\n", "no column 'path' (it has: name)"),
        ("a.csv", 'path\n"A"B\n', "line 2: can't be read as CSV"),
        ("a.csv", "path,id\nA,1\nB,1\n", "line 3: id '1'"),
        ("a.doc", "A", "ending is not known"),
    ],
)
def test_errors_name_file_and_line(tmp_path: Path, name: str, text: str, words: str) -> None:
    with pytest.raises(SchemaError) as caught:
        _load(tmp_path, name, text)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes(b"Gr\xfc\xdfe")
    with pytest.raises(SchemaError, match="not UTF-8"):
        load_taxonomy(tmp_path / "latin.txt")
    with pytest.raises(SchemaError, match="No such file"):
        load_taxonomy(tmp_path / "none.txt")
    with pytest.raises(SchemaError, match="at least one"):
        Taxonomy.of([])


def test_the_documented_example_loads() -> None:
    taxonomy = load_taxonomy(_EXAMPLES / "taxonomy.yaml")
    assert taxonomy.find("C-2001") == ("Shoes", "Trainers")
    assert taxonomy.find("jeans") == ("Clothing", "Trousers", "Jeans")


@pytest.mark.shared
def test_the_releases_load(shared_data: Path) -> None:
    shopify = load_taxonomy(shared_data / "taxonomy" / "shopify" / "categories.txt")
    google = load_taxonomy(shared_data / "taxonomy" / "google" / "taxonomy.en-US.txt")
    assert (len(shopify.paths), len(google.paths)) == (10_282, 5_595)
    live = ("Animals & Pet Supplies", "Live Animals")
    assert shopify.find("gid://open-taxonomy/TaxonomyCategory/ap-1") == google.find("live animals") == live


def test_search_finds_what_is_nearly_called_so() -> None:
    taxonomy = Taxonomy.of(
        [("Apparel", "Tops", "T-Shirts"), ("Apparel", "Shoes"), ("Pets", "Shoes"), ("Apparel", "Saris & Lehengas")]
    )
    assert taxonomy.search("tee shirts", 1)[0][0] == ("Apparel", "Tops", "T-Shirts")
    assert taxonomy.search("lehenga")[0][0] == ("Apparel", "Saris & Lehengas")
    assert taxonomy.search("pet > shoe")[0][0] == ("Pets", "Shoes")
    assert taxonomy.search("Shoes")[0] == (("Apparel", "Shoes"), 1.0)
    assert taxonomy.search("qqqq") == []
