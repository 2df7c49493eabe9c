"""Where categories went from one release to the next: the forms in which releases say it, one after the other."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from pumgpt.catalog.vocabulary.crosswalk import Crosswalk, choose_crosswalk
from pumgpt.catalog.vocabulary.release_mappings import Category, ReleaseMappings, release_order, shipped_mappings
from pumgpt.catalog.vocabulary.taxonomies import load_taxonomy
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy, code_of
from pumgpt.errors import SchemaError
from pumgpt.model.card import SHIPPED, category_maps

_NANO = category_maps(SHIPPED / "nano")[0]
_GID = "gid://shopify/TaxonomyCategory/"


def _document(source: str, rules: dict[str, list[str]], target: str = "shopify/2026-08") -> dict[str, Any]:
    """A mapping as the JSON of a release has it: bare ids lead to gids."""
    return {
        "input_taxonomy": source,
        "output_taxonomy": target,
        "rules": [
            {
                "input": {"category": {"id": old, "full_name": f"Old > {old}"}},
                "output": {"category": [{"id": _GID + code, "full_name": f"New > {code}"} for code in new]},
            }
            for old, new in rules.items()
        ],
    }


def _codes(mappings: ReleaseMappings, code: str, release: str | None = None) -> list[str | None] | None:
    found = mappings.follow(Category(code), release)
    return None if found is None else [category.code for category in found]


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    """A release as it is downloaded. Each mapping knows the moves after its own release only."""
    documents = [
        _document("shopify/2026-08", {"aa": ["166"]}, target="google/2021-09-21"),
        _document("shopify/2024-10", {"bi-1": ["aa-2"], "sg-1": ["sg-2", "sg-3"], "ma-1": []}),
        _document("shopify/2025-12", {"aa-2": ["aa-9"], "sg-3": ["sg-4"]}),
        _document("shopify/2022-02", {"1": ["ap"]}),
    ]
    whole = json.dumps({"version": "2026-08", "mappings": documents}).encode()
    (tmp_path / "integrations.all_mappings.en.json.gz").write_bytes(gzip.compress(whole))
    return tmp_path


def test_mappings_are_followed_one_after_the_other(assets: Path) -> None:
    mappings = ReleaseMappings.load(assets)
    assert [mapping.release for mapping in mappings.mappings] == ["2022-02", "2024-10", "2025-12"]
    assert _codes(mappings, "bi-1", "2024-10") == ["aa-9"], "it moved twice, and the mapping of 2024-10 has one move"
    assert _codes(mappings, "sg-1", "2024-10") == ["sg-2", "sg-4"], "split, and a part moved on"
    assert _codes(mappings, "ma-1", "2024-10") == [], "gone"
    assert _codes(mappings, "aa", "2024-10") is None, "never moved; Google's mapping is another matter"
    assert _codes(mappings, "aa-2", "2026-02") is None, "a later release means something else by it"
    assert mappings.origins("aa-9") == ("aa-2", "bi-1")


def test_numbers_mean_something_in_their_own_release_only(assets: Path) -> None:
    mappings = ReleaseMappings.load(assets)
    assert _codes(mappings, "1", "2022-02") == ["ap"]
    assert _codes(mappings, "1", None) is None and _codes(mappings, "1", "2021-09-21") is None


def test_the_sources_and_the_text_say_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "data/integrations/shopify/2025-12/mappings"
    folder.mkdir(parents=True)
    (folder / "to_shopify.yml").write_text(
        "---\ninput_taxonomy: shopify/2025-12\noutput_taxonomy: shopify/2026-02\nrules:\n"
        "- input:\n    product_category_id: aa-2\n  output:\n    product_category_id:\n    - aa-9\n"
    )
    empty = tmp_path / "data/integrations/shopify/2024-07/mappings/to_shopify.yml"
    empty.parent.mkdir(parents=True)
    empty.write_text("input_taxonomy: shopify/2024-07\noutput_taxonomy: shopify/2024-10\nrules: []\n")
    mappings = ReleaseMappings.load(tmp_path)
    assert _codes(mappings, "aa-2", "2025-12") == ["aa-9"]
    text = tmp_path / "shopify_2025-12_to_shopify_2026-02.txt"
    text.write_text(
        "# Shopify Product Taxonomy - Mapping shopify/2025-12 to shopify/2026-02\n# Format:\n# → {base taxonomy category name}\n"
        "\n→ A > Old\n⇒ A > New\n\n→ B > One\n→ B > Two\n⇒ B > Both\n"
    )
    named = ReleaseMappings.load(text)
    assert named.follow(Category(None, ("A", "Old"))) == (Category(None, ("A", "New")),)
    assert named.follow(Category(None, ("B", "One"))) == named.follow(Category(None, ("B", "Two")))


def test_ones_own_list(tmp_path: Path) -> None:
    (tmp_path / "moves.csv").write_text("from,to\nA > Old,A > New\nA > Wide,A > One\nA > Wide,A > Two\nB,\nC-1,C-2\n")
    mappings = ReleaseMappings.load(tmp_path / "moves.csv")
    assert mappings.follow(Category(None, ("A", "Old"))) == (Category(None, ("A", "New")),)
    assert mappings.follow(Category(None, ("A", "Wide"))) == (
        Category(None, ("A", "One")),
        Category(None, ("A", "Two")),
    )
    assert mappings.follow(Category(None, ("B",))) == ()
    assert _codes(mappings, "C-1") == ["C-2"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", "{", "is no mapping of a release"),
        ("a.json", '{"mappings": [{"rules": []}]}', "is no mapping of a release"),
        ("a.json", '{"mappings": []}', "holds no mapping"),
        ("a.txt", "A > B\n", "names no two releases"),
        ("a.csv", "old,new\nA,B\n", "no columns 'from' and 'to'"),
        ("a.doc", "", "ending is not known"),
    ],
)
def test_errors_name_the_file(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SchemaError) as caught:
        ReleaseMappings.load(tmp_path / name)
    assert str(caught.value).startswith(str(tmp_path / name)) and words in str(caught.value)


def test_releases_in_their_order() -> None:
    releases = ["2026-11-unstable", "0.17.0", "2025-12", "2024-07", "2025-03-rc1", "2025-09"]
    assert sorted(releases, key=release_order) == [
        *("0.17.0", "2024-07", "2025-03-rc1", "2025-09", "2025-12", "2026-11-unstable")
    ]


def test_the_shipped_maps_hold_no_id_that_is_gone() -> None:
    """Every id that Shopify's releases took away is a key of what they say moved; none of these is in a map that ships."""
    moved = {code for mapping in shipped_mappings().mappings for code in mapping.by_code}
    assert len(moved) == 159 and {"aa-1-3-2-2", "aa-1-2-10", "hb-2-2-3"} <= moved
    rows = [row for rows in Crosswalk.load(_NANO).counterparts.values() for row in rows if row.id]
    assert len(rows) == 282
    assert not {code_of(row.id or "") for row in rows} & moved
    assert all((row.id or "").startswith(_GID) for row in rows)


def test_the_shipped_map_as_it_was_is_walked_to_todays_ids() -> None:
    """The nine rows of 0.17.0 whose categories moved since, and where the releases say that they went."""
    walked = {
        "aa-1-3-2-2": "aa-1-25-11-3-2-2",
        "aa-1-3-2-3": "aa-1-25-11-3-2-3",
        "aa-1-5-2-4": "aa-1-25-11-2-2-4",
        "aa-1-3-3": "aa-1-25-11-3-3",
        "aa-1-5-3": "aa-1-25-11-2-3",
        "aa-1-3-2-5": "aa-1-25-11-3-2-5",
        "aa-1-2-7": "aa-1-25-7",
        "aa-1-2-10": "aa-1-25-10",
    }
    own = {code_of(row.id or ""): row.path for rows in Crosswalk.load(_NANO).counterparts.values() for row in rows}
    for old, new in walked.items():
        assert shipped_mappings().follow(Category(old), "0.17.0") == (Category(new, own[new]),)
        assert old in shipped_mappings().origins(new)


def test_a_map_with_todays_ids_leads_to_earlier_and_later_releases() -> None:
    nano = Taxonomy.of(Crosswalk.load(_NANO).counterparts)
    now = Taxonomy.of(row.path for rows in Crosswalk.load(_NANO).counterparts.values() for row in rows if row.path)
    ids = {row.path: row.id for rows in Crosswalk.load(_NANO).counterparts.values() for row in rows if row.path}
    before = {"aa-1-25-10": ("Clothing", "Rompers of old")}
    renamed = [before.get(code_of(ids[path] or ""), path) for path in now.paths]
    codes = [code_of(ids[path] or "") for path in now.paths]
    old = Taxonomy(
        tuple(renamed), tuple("gid://open/" + (shipped_mappings().origins(code) or (code,))[0] for code in codes)
    )
    walk = choose_crosswalk([_NANO], nano, old)
    assert walk is not None and walk.find(("Body",)) == ("Clothing", "Rompers of old")
    assert sum(row.path is None for rows in walk.counterparts.values() for row in rows) == 1, "free gifts"


@pytest.mark.shared
def test_all_moves_begin_at_categories_of_the_release(shared_data: Path) -> None:
    release = load_taxonomy(shared_data / "taxonomy" / "shopify" / "categories.txt")
    moved = [code for mapping in shipped_mappings().mappings for code in mapping.by_code]
    unknown = [code for code in moved if release.find_id(code) is None]
    assert unknown == ["sg-4-9-1-9", "el-7-15-1-14"], "which came after 0.17.0"
    walk = Crosswalk.load(_NANO).into(release)
    assert sum(row.path is None for rows in walk.counterparts.values() for row in rows) == 1


def test_the_list_of_moves_is_whole() -> None:
    file = Path(__file__).resolve().parents[2] / "src/pumgpt/catalog/vocabulary/maps/shopify_moves.csv"
    with file.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    assert len({row["from"] for row in rows}) == len(rows)
    assert all(row["to"] and row["path"] and row["release"] in ("2024-10", "2025-09", "2025-12") for row in rows)
