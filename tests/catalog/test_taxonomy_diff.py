"""What changes between two taxonomies, and catalogues carried from one to the other, each in its own form."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumgpt.catalog.formats.column_map import ColumnMap
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.migration import CategoryMigration, MigrationSummary, migrate_catalog
from pumgpt.catalog.vocabulary.release_mappings import (
    Category,
    ReleaseMapping,
    ReleaseMappings,
    shipped_mappings,
)
from pumgpt.catalog.vocabulary.shopify_release import ShopifyRelease
from pumgpt.catalog.vocabulary.taxonomies import load_taxonomy
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy, code_of
from pumgpt.catalog.vocabulary.taxonomy_diff import TaxonomyDiff
from pumgpt.errors import CatalogError

_OLD = {
    "aa": "Apparel",
    "aa-1": "Apparel > Tops & Tees",
    "aa-1-1": "Apparel > Tops & Tees > Shirts, plain",
    "aa-2": "Apparel > Baby",
    "aa-2-1": "Apparel > Baby > Rompers",
    "aa-3": "Apparel > Bags",
    "aa-4": "Apparel > Purses",
    "aa-5": "Apparel > Sets",
    "aa-6": "Apparel > Spats",
    "aa-7": "Apparel > Scrubs",
}
_NEW = {
    "aa": "Apparel",
    "aa-1": "Apparel > Tops",
    "aa-1-1": "Apparel > Tops > Shirts, plain",
    "aa-8": "Apparel > Children",
    "aa-8-1": "Apparel > Children > Rompers",
    "aa-3": "Apparel > Bags",
    "aa-9": "Apparel > Outfits",
    "aa-10": "Apparel > Lots",
    "wo": "Work",
    "wo-1": "Work > Scrubs",
}
_MOVES = {
    "aa-2": ["aa-8"],
    "aa-2-1": ["aa-8-1"],
    "aa-4": ["aa-3"],
    "aa-5": ["aa-9", "aa-10"],
    "aa-6": [],
    "aa-7": ["wo-1"],
}


_LATER = (("2024-10", "b", "b2"), ("2025-12", "b2", "b3"), ("2025-12", "c", "c2"))


def _taxonomy(names: Mapping[str, str], prefix: str = "gid://shopify/TaxonomyCategory/") -> Taxonomy:
    return Taxonomy(tuple(tuple(name.split(" > ")) for name in names.values()), tuple(prefix + code for code in names))


def _diff() -> TaxonomyDiff:
    moves = ReleaseMapping("2025-12", {code: tuple(map(Category, new)) for code, new in _MOVES.items()})
    old, new = ShopifyRelease(_taxonomy(_OLD)), ShopifyRelease(_taxonomy(_NEW))
    return TaxonomyDiff.between(old, new, ReleaseMappings((moves,)))


def test_every_kind_of_change() -> None:
    diff = _diff()
    found = {
        " > ".join(change.path): (change.kind, [" > ".join(path) for path in change.paths]) for change in diff.changes
    }
    assert found == {
        "Apparel": ("same", ["Apparel"]),
        "Apparel > Tops & Tees": ("renamed", ["Apparel > Tops"]),
        "Apparel > Tops & Tees > Shirts, plain": ("follows", ["Apparel > Tops > Shirts, plain"]),
        "Apparel > Baby": ("renamed", ["Apparel > Children"]),
        "Apparel > Baby > Rompers": ("follows", ["Apparel > Children > Rompers"]),
        "Apparel > Bags": ("same", ["Apparel > Bags"]),
        "Apparel > Purses": ("merged", ["Apparel > Bags"]),
        "Apparel > Sets": ("split", ["Apparel > Outfits", "Apparel > Lots"]),
        "Apparel > Spats": ("gone", []),
        "Apparel > Scrubs": ("moved", ["Work > Scrubs"]),
    }
    assert diff.added == (("Work",),)
    assert sum(diff.counts.values()) == len(_OLD) + 1
    spats = diff.find("aa-6")
    assert spats is not None and ("Apparel",) in diff.suggest(spats)


def test_without_ids_and_mappings_the_paths_tell() -> None:
    old = Taxonomy.of([("A", "x"), ("A", "Y"), ("A", "Crème"), ("A", "gone")])
    new = Taxonomy((("A", "X"), ("A", "Y"), ("A", "Cre\u0300me"), ("A", "z")), ("1", "2", "3", "4"))
    diff = TaxonomyDiff.between(ShopifyRelease(old), ShopifyRelease(new))
    assert [change.kind for change in diff.changes] == ["renamed", "same", "renamed", "gone"]
    assert diff.added == (("A", "z"),)


def test_numbers_that_mean_something_else_are_no_ids() -> None:
    google = Taxonomy((("A",), ("A", "Shirts"), ("A", "Shoes")), ("1", "2", "3"))
    meta = Taxonomy((("a", "b", "soup"), ("a",), ("a", "shirts")), ("1", "2", "3"))
    german = Taxonomy((("Ä",), ("Ä", "Hemden"), ("Ä", "Schuhe")), ("1", "2", "3"))
    other = TaxonomyDiff.between(ShopifyRelease(google), ShopifyRelease(meta))
    assert [change.paths for change in other.changes] == [(("a",),), (("a", "shirts"),), ()], "by name alone"
    translated = TaxonomyDiff.between(ShopifyRelease(google), ShopifyRelease(german))
    assert [change.target for change in translated.changes] == [*german.paths]


def test_attributes_that_came_and_went() -> None:
    old = ShopifyRelease(_taxonomy({"a": "A", "b": "B"}), {"a": ("colour", "fit"), "b": ("colour",)})
    new = ShopifyRelease(_taxonomy({"a": "A2", "b": "B"}), {"a": ("colour", "neck_line"), "b": ("colour",)})
    first, second = TaxonomyDiff.between(old, new).changes
    assert (first.kind, first.attributes) == ("renamed", (("neck line",), ("fit",)))
    assert second.attributes == ((), ())
    without = ShopifyRelease(new.taxonomy)
    assert TaxonomyDiff.between(old, without).changes[0].attributes == ((), ()), "nothing is known of the new ones"


@pytest.mark.parametrize(
    ("cell", "carried"),
    [
        ("Apparel > Baby > Rompers", "Apparel > Children > Rompers"),
        ("Apparel>Baby>Rompers", "Apparel>Children>Rompers"),
        ("Apparel/Baby/Rompers", "Apparel/Children/Rompers"),
        (" apparel > baby ", " Apparel > Children "),
        ("Apparel > Tops &amp; Tees", "Apparel > Tops"),
        ("Apparel > Tops & Tees > Shirts\\, plain", "Apparel > Tops > Shirts\\, plain"),
        ("Apparel > Baby, Apparel > Bags", "Apparel > Children, Apparel > Bags"),
        ("Apparel > Bags|Apparel > Scrubs", "Apparel > Bags|Work > Scrubs"),
        ("Default Category/Apparel/Baby", "Default Category/Apparel/Children"),
        ("Shop > Apparel > Baby", "Shop > Apparel > Children"),
        ("aa-2-1", "aa-8-1"),
        ("gid://shopify/TaxonomyCategory/aa-2-1", "gid://shopify/TaxonomyCategory/aa-8-1"),
        ("gid://open-taxonomy/TaxonomyCategory/aa-4", "gid://open-taxonomy/TaxonomyCategory/aa-3"),
        ("Rompers", "Rompers"),
        ("Purses", "Apparel > Bags"),
        ("APPAREL > BAGS", "APPAREL > BAGS"),
        (["Apparel", "Baby"], ["Apparel", "Children"]),
        (["Apparel > Baby", "Apparel > Bags"], ["Apparel > Children", "Apparel > Bags"]),
        (["aa-7"], ["wo-1"]),
    ],
)
def test_a_cell_keeps_its_form(cell: Any, carried: Any) -> None:
    migration = CategoryMigration(_diff())
    assert migration.carry(cell) == carried
    assert not migration.failed


@pytest.mark.parametrize(
    "cell",
    ["Apparel > Sets", "aa-6", "Made > Up", "Work > Apparel > Baby > Socks", "Sale", ["Apparel", "Sets"], "12", 12],
)
def test_what_can_not_be_carried_stays(cell: Any) -> None:
    migration = CategoryMigration(_diff())
    assert migration.carry(cell) == cell
    assert len(migration.failed) == 1


def test_numbers_and_numbers_with_paths() -> None:
    old = Taxonomy((("A", "x"), ("A", "y")), ("7", "8"))
    new = Taxonomy((("A", "x2"), ("B", "y")), ("70", "8"))
    moves = ReleaseMappings((ReleaseMapping("", {"7": (Category("70"),)}),))
    migration = CategoryMigration(TaxonomyDiff.between(ShopifyRelease(old), ShopifyRelease(new), moves))
    for cell, carried in [(7, 70), (7.0, 70.0), ("7", "70"), ("7.0", "70"), (8, 8), ("8.0", "8.0")]:
        assert migration.carry(cell) == carried and type(migration.carry(cell)) is type(cell)
    assert migration.carry("7 - A > x") == "70 - A > x2"
    assert migration.carry("8 - A > y") == "8 - B > y"


def _migrate(
    folder: Path, name: str, content: str, columns: ColumnMap | None = None, out: str = ""
) -> MigrationSummary:
    (folder / name).write_bytes(content.encode())
    reader = read_catalog(folder / name, columns)
    return migrate_catalog(reader, folder / (out or f"out{Path(name).suffix}"), _diff())


def test_a_table_changes_in_its_categories_alone(tmp_path: Path) -> None:
    text = (
        "\ufeffsku;name;department\r\n1;a;Apparel > Baby\r\n1;again;aa-2\r\n3;c;Apparel > Sets\r\n4;d;\r\n"
        ";no id;Apparel > Purses\r\n6;broken\r\n7;g;Apparel > Bags\r\n"
    )
    columns = ColumnMap(id="sku", title="name", category="department")
    summary = _migrate(tmp_path, "in.csv", text, columns)
    carried = (
        text.replace("Apparel > Baby", "Apparel > Children")
        .replace("aa-2", "aa-8")
        .replace("Apparel > Purses", "Apparel > Bags")
    )
    assert (tmp_path / "out.csv").read_bytes().decode() == carried.replace("6;broken\r\n", "")
    assert (summary.rows, summary.carried, summary.same, summary.without, summary.left_rows) == (6, 3, 1, 1, 1)
    (left,) = summary.left
    assert (left.category, left.rows, left.ids) == ("Apparel > Sets", [3], ["3"])
    assert "split into 2" in left.reason and ("Apparel", "Outfits") in left.suggestions
    assert [row.row for row in summary.unreadable] == [6], "it has no cell to carry, and is named"


def test_shopifys_export_keeps_every_row(tmp_path: Path) -> None:
    rows = [
        ["Handle", "Title", "Product Category", "Image Src", "Variant SKU"],
        ["romper", "Romper", "Apparel > Baby > Rompers", "", "r1"],
        ["romper", "", "", "", "r2"],
        ["bag", "Bag", "gid://shopify/TaxonomyCategory/aa-4", "", "b1"],
        ["romper", "Again", "Apparel > Scrubs", "", "r3"],
    ]
    text = "".join(",".join(row) + "\n" for row in rows)
    summary = _migrate(tmp_path, "in.csv", text)
    with (tmp_path / "out.csv").open(newline="") as file:
        written = list(csv.reader(file))
    assert [row[2] for row in written[1:]] == [
        *("Apparel > Children > Rompers", "", "gid://shopify/TaxonomyCategory/aa-3", "Work > Scrubs")
    ]
    assert [row[:2] + row[3:] for row in written] == [row[:2] + row[3:] for row in rows]
    assert (summary.rows, summary.carried) == (3, 3)


def test_tables_of_shop_systems_change_in_their_categories_alone(tmp_path: Path) -> None:
    woo = (
        "ID,Type,SKU,Name,Images,Categories\n"
        '1,simple,a,A,,"Apparel > Baby, Sale"\n'
        '2,simple,b,B,,"Apparel > Tops & Tees > Shirts\\, plain"\n'
        "3,simple,c,C,,Apparel > Scrubs\n"
    )
    summary = _migrate(tmp_path, "in.csv", woo)
    written = (
        woo.replace("Baby", "Children").replace("Tops & Tees", "Tops").replace("Apparel > Scrubs", "Work > Scrubs")
    )
    assert (tmp_path / "out.csv").read_text() == written
    assert (summary.carried, [left.category for left in summary.left]) == (2, ["Sale"]), "one of two is carried"
    magento = (
        "sku,attribute_set_code,product_type,name,base_image,categories,additional_attributes\n"
        'a,Default,simple,A,,"Apparel/Baby,Apparel/Baby/Rompers",\n'
    )
    _migrate(tmp_path, "magento.csv", magento)
    assert (tmp_path / "out.csv").read_text() == magento.replace("Baby", "Children")


def test_a_feed_changes_in_its_elements_alone(tmp_path: Path) -> None:
    feed = (
        '<?xml version="1.0"?>\n<rss xmlns:g="http://base.google.com/ns/1.0"><channel>\n'
        "<item><g:id>1</g:id><g:google_product_category>Apparel &gt; Baby</g:google_product_category><!-- kept --></item>\n"
        "<item><g:id>2</g:id><title>x</title></item>\n</channel></rss>\n"
    )
    summary = _migrate(tmp_path, "feed.xml", feed)
    assert (tmp_path / "out.xml").read_text() == feed.replace("Apparel &gt; Baby", "Apparel &gt; Children")
    assert (summary.carried, summary.without) == (1, 1)
    tsv = "id\ttitle\timage_link\tavailability\tgoogle_product_category\n1\tx\t\tin\tApparel > Baby\n"
    _migrate(tmp_path, "feed.tsv", tsv)
    assert (tmp_path / "out.tsv").read_text() == tsv.replace("Baby", "Children")


def test_json_lines_and_parquet(tmp_path: Path) -> None:
    records = [
        {"id": "1", "category": ["Apparel", "Baby"], "price": 1.5, "attributes": {"colour": "Blue"}},
        {"id": "2", "category": None, "price": 2},
        {"id": "3", "category": ["Apparel", "Spats"], "price": 3},
    ]
    text = "".join(json.dumps(record) + "\n" for record in records)
    summary = _migrate(tmp_path, "in.jsonl", text)
    written = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert written == [{**records[0], "category": ["Apparel", "Children"]}, *records[1:]]
    assert (summary.carried, summary.without, summary.left_rows) == (1, 1, 1)
    _migrate(tmp_path, "in.jsonl", text, out="out.parquet")
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.column("category").to_pylist() == [["Apparel", "Children"], None, ["Apparel", "Spats"]]
    pq.write_table(table, tmp_path / "in.parquet")
    migrate_catalog(read_catalog(tmp_path / "in.parquet"), tmp_path / "again.parquet", _diff())
    again = pq.read_table(tmp_path / "again.parquet")
    assert again.schema == table.schema and again.to_pylist() == table.to_pylist(), "what is new already stays"


def test_a_table_without_categories(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="has no column of categories"):
        _migrate(tmp_path, "in.csv", "id,title\n1,x\n")


@given(st.data())
def test_nothing_but_known_categories_changes(data: st.DataObject) -> None:
    migration = CategoryMigration(_diff())
    cell = data.draw(
        st.text(max_size=20) | st.lists(st.sampled_from([*_OLD.values(), "Sale", "x"]), max_size=3).map("|".join)
    )
    carried = migration.carry(cell)
    if migration.failed or not cell:
        known = [part for part in cell.split("|") if part in _OLD.values()]
        assert carried == cell or known
    again = CategoryMigration(_diff()).carry(carried)
    assert cell.count("|") == carried.count("|")
    assert again == carried or any(part in _OLD.values() for part in carried.split("|"))


def test_moves_of_later_releases_have_not_happened_yet() -> None:
    moves = [ReleaseMapping(release, {one: (Category(other),)}) for release, one, other in _LATER]
    old = replace(_taxonomy({"a": "A", "b": "A > B", "c": "A > C"}), version="2024-10")
    new = replace(_taxonomy({"a": "A", "b2": "A > B2", "c": "A > C", "c2": "A > C2"}), version="2025-03")
    diff = TaxonomyDiff.between(ShopifyRelease(old), ShopifyRelease(new), ReleaseMappings(tuple(moves)))
    assert [change.target for change in diff.changes] == [("A",), ("A", "B2"), ("A", "C")]
    unknown = TaxonomyDiff.between(
        ShopifyRelease(replace(old, version=None)),
        ShopifyRelease(replace(new, version=None)),
        ReleaseMappings(tuple(moves)),
    )
    assert unknown.find("c") == diff.find("c")


@pytest.mark.shared
def test_a_release_compared_with_itself_has_no_change(shared_data: Path) -> None:
    release = ShopifyRelease(load_taxonomy(shared_data / "taxonomy" / "shopify" / "categories.txt"))
    diff = TaxonomyDiff.between(release, release, shipped_mappings())
    assert diff.counts["same"] == 10_282 and not diff.added
    moved = {code: target for m in shipped_mappings().mappings for code, (target,) in m.by_code.items()}
    names = {
        code: " > ".join(path)
        for path, id_ in zip(release.taxonomy.paths, release.taxonomy.ids, strict=True)
        if (code := code_of(id_ or "")) not in moved
    }
    later = {target.code or "": " > ".join(target.path or ()) for target in moved.values()}
    renewed = ShopifyRelease(replace(_taxonomy({**names, **later}), version="2026-08"))
    counts = TaxonomyDiff.between(release, renewed, shipped_mappings()).counts
    assert counts["gone"] == counts["split"] == 0
    assert counts["moved"] + counts["follows"] + counts["renamed"] + counts["merged"] + counts["same"] == 10_282
    assert counts["same"] < 10_282 - 150
