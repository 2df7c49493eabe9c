"""Product tables of shop systems: what is read of each, where it is filled, and that all else comes back."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from filling import answer, cells, fill
from hypothesis import given, settings
from hypothesis import strategies as st
from shop_systems import ATTRIBUTES, SYSTEMS, System, full_answer
from tables import CELL, changed_cells, products, write_table

from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product


@pytest.fixture(params=SYSTEMS)
def system(request: pytest.FixtureRequest) -> System:
    return SYSTEMS[request.param]


def test_what_is_read(system: System, tmp_path: Path) -> None:
    reader = read_catalog(system.write(tmp_path))
    assert reader.format.name == system.format
    found = [row for row in reader if isinstance(row, Product)]
    assert [product.id for product in found] == system.ids
    assert len(reader.warnings) == system.warnings, reader.warnings
    title, description, category, photos, attributes = system.read
    first = found[0]
    assert (first.title, first.description, first.category, first.attributes) == (
        title,
        description,
        category,
        attributes,
    )
    paths = [image.url or image.path for image in first.images]
    assert paths == [photo if photo.startswith(("/", "http")) else str(tmp_path / photo) for photo in photos]


def test_where_it_is_filled(system: System, tmp_path: Path) -> None:
    source, out = system.write(tmp_path), tmp_path / f"out{system.ending}"
    skipped = len(system.above)
    changed = changed_cells(source, out, full_answer, ATTRIBUTES, system.delimiter, skipped)
    assert changed == system.filled
    again = {product.id: product for product in products(out)}
    assert [*again] == system.ids, "what we write we read again"


def test_nothing_else_changes(system: System, tmp_path: Path) -> None:
    source, out = system.write(tmp_path), tmp_path / f"out{system.ending}"
    fill(source, out)
    width, skipped = len(system.header), len(system.above)
    before, after = cells(source, system.delimiter), cells(out, system.delimiter)
    assert after[:skipped] == before[:skipped]
    assert [row[:width] for row in after[skipped:]] == before[skipped:]


@settings(max_examples=25, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("name", SYSTEMS)
def test_whatever_stands_in_a_table_comes_back(name: str, data: st.DataObject) -> None:
    system = SYSTEMS[name]
    free = [column for column in system.header if column not in system.id_columns]
    drawn = data.draw(st.lists(st.fixed_dictionaries(dict.fromkeys(free, CELL)), max_size=4))
    rows = [{**row, system.id_columns[0]: f"id{number}"} for number, row in enumerate(drawn)]
    with tempfile.TemporaryDirectory() as folder:
        source, out = system.write(Path(folder), rows), Path(folder, f"out{system.ending}")
        assert read_catalog(source).format.name == system.format
        changed_cells(source, out, full_answer, ATTRIBUTES, system.delimiter, len(system.above))
        assert [product.id for product in products(out)] == [row[system.id_columns[0]] for row in rows]


@pytest.mark.parametrize("name", ["magento", "wix", "squarespace", "etsy", "amazon", "akeneo"])
def test_a_table_with_ids_of_its_own_is_its_owners(name: str, tmp_path: Path) -> None:
    system = SYSTEMS[name]
    rows = [("id", *system.header), ("7", *[""] * len(system.header))]
    reader = read_catalog(write_table(tmp_path / f"in{system.ending}", rows, system.delimiter))
    assert reader.format.name in ("CSV", "TSV")
    assert [row.id for row in reader] == ["7"]


def test_values_that_failed_are_struck_out(tmp_path: Path) -> None:
    failed = {"colour": ["Blue, pale", "Green", "Blue"], "size": ["S"], "material": ["Cotton", "cotton"]}
    expected = {
        "magento": {"material": "", "additional_attributes": 'size=M,note="a=b, c"'},
        "prestashop": {"Feature(Name:Value:Position)": "Size:M:3"},
        "wix": {"additionalInfoDescription1": ""},
        "akeneo": {"material": "silk"},
    }
    for name, struck in expected.items():
        reader = read_catalog(SYSTEMS[name].write(tmp_path))
        first = next(row for row in reader if isinstance(row, Product))
        record = reader.format.strike(reader, first.original, failed)
        assert {column: cell for column, cell in record.items() if cell != first.original[column]} == struck


def test_photos_are_found_where_magento_keeps_them(tmp_path: Path) -> None:
    (tmp_path / "pub/media/catalog/product/m/h").mkdir(parents=True)
    (tmp_path / "pub/media/catalog/product/m/h/a.jpg").write_bytes(b"x")
    (tmp_path / "m/h").mkdir(parents=True)
    (tmp_path / "m/h/b.jpg").write_bytes(b"x")
    first, _ = products(SYSTEMS["magento"].write(tmp_path))
    assert [image.path for image in first.images][:2] == [
        str(tmp_path / "pub/media/catalog/product/m/h/a.jpg"),
        str(tmp_path / "m/h/b.jpg"),
    ]


def test_rows_of_magento_1_belong_to_the_product_above(tmp_path: Path) -> None:
    rows = [
        ("sku", "name", "image", "_category"),
        ("a", "Shirt", "a.jpg", "Shirts"),
        ("", "", "b.jpg", "Sale"),
        ("b", "Hat", "", ""),
    ]
    shirt, hat = products(write_table(tmp_path / "in.csv", rows))
    assert (shirt.category, len(shirt.images), hat.id) == (("Shirts",), 2, "b")


def test_a_title_in_one_language_only_is_read_too(tmp_path: Path) -> None:
    assert [product.title for product in products(SYSTEMS["akeneo"].write(tmp_path))] == ["Shirt", "Hut"]


def test_a_product_in_the_root_alone_has_no_category(tmp_path: Path) -> None:
    """It stays in the root, beside what is filled."""
    column, out = "Categories (x,y,z...)", tmp_path / "out.csv"
    source = SYSTEMS["prestashop"].write(tmp_path, [{"Product ID": "1", "Name *": "Hat", column: "Home"}])
    (hat,) = products(source)
    assert hat.category is None
    fill(source, out, full_answer)
    assert cells(out, ";")[1][3] == "Home,Men/Shirts"
    (again,) = products(out)
    assert again.category == ("Men", "Shirts")
    source = SYSTEMS["magento"].write(tmp_path, [{"sku": "1", "name": "Hat", "categories": "Default Category"}])
    fill(source, out, full_answer)
    assert cells(out)[1][4] == "Default Category,Default Category/Men/Shirts"


def test_what_is_no_attribute_of_the_product(tmp_path: Path) -> None:
    row = {"sku": "1", "name": "Hat", "additional_attributes": "has_options=0,color=Red"}
    (hat,) = products(SYSTEMS["magento"].write(tmp_path, [row]))
    assert hat.attributes == {"colour": "Red"}


def test_html_around_a_value(tmp_path: Path) -> None:
    row = {"handleId": "1", "fieldType": "Product", "name": "Hat"}
    texts = {"additionalInfoTitle1": "Material", "additionalInfoDescription1": "<p>Cotton, wool</p>"}
    (hat,) = products(SYSTEMS["wix"].write(tmp_path, [{**row, **texts}]))
    assert hat.attributes == {"material": ["Cotton", "wool"]}


def test_numbered_rows_that_are_broken_are_named(tmp_path: Path) -> None:
    path = SYSTEMS["etsy"].write(tmp_path)
    path.write_text(path.read_text(encoding="utf-8") + "Scarf,too,few\n", encoding="utf-8")
    *_, last = read_catalog(path)
    assert isinstance(last, RejectedRow) and (last.row, last.id) == (3, "3") and "has 3 cells" in last.error


def test_etsys_listings_in_german(tmp_path: Path) -> None:
    rows = [
        ("TITEL", "BESCHREIBUNG", "TAGS", "MATERIALIEN", "BILD1", "SKU"),
        ("Hemd", "Weich", "", "Wolle", "a.jpg", "h1"),
    ]
    (shirt,) = products(write_table(tmp_path / "in.csv", rows))
    assert (shirt.id, shirt.title, shirt.description, shirt.attributes) == (
        "h1",
        "Hemd",
        "Weich",
        {"material": "Wolle"},
    )
    assert len(shirt.images) == 1


def test_metas_own_categories_stand_in_metas_column(tmp_path: Path) -> None:
    source = SYSTEMS["meta"].write(tmp_path, [{"id": "1", "title": "Hat"}])
    out = tmp_path / "out.csv"

    def told(path: list[str], id_: str) -> dict[tuple[int, str], str]:
        return changed_cells(source, out, lambda product: answer(product, category=path, category_id=id_), ())

    assert told(["clothing & accessories", "hats"], "7") == {
        (1, "fb_product_category"): "clothing & accessories > hats"
    }
    assert told(["Apparel & Accessories", "Hats"], "173") == {
        (1, "google_product_category"): "Apparel & Accessories > Hats"
    }
    assert told(["Topwear", "Tshirts"], "1") == {}
