"""Product tables of shop systems: what is read of each, where it is filled, and that all else comes back."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filling import answer, cells, fill
from hypothesis import given, settings
from hypothesis import strategies as st
from tables import CELL, changed_cells, products, write_table

from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding


@dataclass(frozen=True)
class System:
    """One system's table, after the header that it is known by.

    `read` is the first product of `rows`: title, description, category, photos, attributes. `filled` are the cells that
    change when `_answer` is given for every product, by (row, column).
    """

    format: str
    header: Sequence[str]
    rows: Sequence[Mapping[str, str]]
    ids: Sequence[str]
    read: tuple[str | None, str | None, tuple[str, ...] | None, list[str], dict[str, Any] | None]
    filled: Mapping[tuple[int, str], str]
    delimiter: str = ","
    ending: str = ".csv"
    id_columns: Sequence[str] = ()
    above: Sequence[Sequence[str]] = ()
    """Rows above the header."""
    warnings: int = 0

    def write(self, folder: Path, rows: Sequence[Mapping[str, str]] | None = None) -> Path:
        table = [[row.get(name, "") for name in self.header] for row in (self.rows if rows is None else rows)]
        return write_table(folder / f"in{self.ending}", [*self.above, self.header, *table], self.delimiter)


_ATTRIBUTES = ("colour", "material", "gender")


def _answer(product: Product) -> Understanding:
    return answer(
        product, category=["Men", "Shirts"], category_id="42", colour="Blue", material=["Wool", "Silk"], gender="Men"
    )


_AMAZON_NEW = "[marketplace_id=A1]#1.value"
SYSTEMS = {
    "magento": System(
        format="Magento's product CSV",
        header=(
            *("sku", "store_view_code", "attribute_set_code", "product_type", "categories", "name", "description"),
            *(
                "short_description",
                "base_image",
                "small_image",
                "additional_images",
                "additional_attributes",
                "material",
            ),
        ),
        rows=[
            {
                "sku": "a",
                "categories": "Root Catalog,Root Catalog/Men,Root Catalog/Men/Tops\\/Tees/Shirts, short,Root Catalog/Sale",
                "name": "Shirt",
                "short_description": "<p>Soft</p>",
                "base_image": "/m/h/a.jpg",
                "small_image": "/m/h/a.jpg",
                "additional_images": "/m/h/b.jpg,https://shop.example/c.jpg",
                "additional_attributes": 'size=S|M,color="Blue, pale",note=a=b, c',
                "material": "Cotton",
            },
            {"sku": "a", "store_view_code": "de", "name": "Hemd"},
            {"sku": "b", "name": "Hat", "additional_attributes": "size=S"},
        ],
        ids=["a", "b"],
        read=(
            "Shirt",
            "Soft",
            ("Root Catalog", "Men", "Tops/Tees", "Shirts, short"),
            ["/m/h/a.jpg", "/m/h/b.jpg", "https://shop.example/c.jpg"],
            {"material": "Cotton", "size": ["S", "M"], "colour": "Blue, pale", "note": "a=b, c"},
        ),
        filled={
            (1, "additional_attributes"): 'size=S|M,color="Blue, pale",note="a=b, c",gender=Men',
            (3, "categories"): "Root Catalog/Men/Shirts",
            (3, "material"): "Wool|Silk",
            (3, "additional_attributes"): "size=S,color=Blue,gender=Men",
        },
        id_columns=("sku",),
    ),
    "prestashop": System(
        format="PrestaShop's product CSV",
        header=(
            *(
                "Product ID",
                "Active (0/1)",
                "Name *",
                "Categories (x,y,z...)",
                "Manufacturer",
                "Summary",
                "Description",
            ),
            *("Image URLs (x,y,z...)", "Feature(Name:Value:Position)"),
        ),
        rows=[
            {
                "Product ID": "1",
                "Name *": "Shirt",
                "Categories (x,y,z...)": "Sale,Men/Shirts",
                "Manufacturer": "Own",
                "Summary": "Soft",
                "Image URLs (x,y,z...)": "a.jpg,b.jpg",
                "Feature(Name:Value:Position)": "Colour:Green:1:0,Size:S:2,Size:M:3",
            },
            {"Product ID": "2", "Name *": "Hat", "Feature(Name:Value:Position)": "Size:S:1"},
        ],
        ids=["1", "2"],
        read=(
            "Shirt",
            "Soft",
            ("Men", "Shirts"),
            ["a.jpg", "b.jpg"],
            {"brand": "Own", "colour": "Green", "size": ["S", "M"]},
        ),
        filled={
            (1, "Feature(Name:Value:Position)"): (
                "Colour:Green:1:0,Size:S:2,Size:M:3,Material:Wool:4,Material:Silk:5,Gender:Men:6"
            ),
            (2, "Categories (x,y,z...)"): "Men/Shirts",
            (2, "Feature(Name:Value:Position)"): "Size:S:1,Colour:Blue:2,Material:Wool:3,Material:Silk:4,Gender:Men:5",
        },
        delimiter=";",
        id_columns=("Product ID",),
    ),
    "wix": System(
        format="Wix's product CSV",
        header=(
            *("handleId", "fieldType", "name", "description", "productImageUrl", "collection", "sku", "brand"),
            *("productOptionName1", "productOptionType1", "productOptionDescription1"),
            *("additionalInfoTitle1", "additionalInfoDescription1"),
        ),
        rows=[
            {
                "handleId": "p1",
                "fieldType": "Product",
                "name": "Shirt",
                "description": "<p>Soft</p>",
                "productImageUrl": "a.jpg;b.jpg",
                "collection": "Shirts;Sale",
                "productOptionName1": "Color",
                "productOptionType1": "COLOR",
                "productOptionDescription1": "#ff0000:Red;#0000ff:Blue",
                "additionalInfoTitle1": "Material",
                "additionalInfoDescription1": "Cotton",
            },
            {"handleId": "p1", "fieldType": "Variant", "productOptionDescription1": "Red"},
            {"handleId": "p2", "fieldType": "Product", "name": "Hat"},
        ],
        ids=["p1", "p2"],
        read=("Shirt", "Soft", ("Shirts",), ["a.jpg", "b.jpg"], {"colour": ["Red", "Blue"], "material": "Cotton"}),
        filled={
            (1, "additionalInfoTitle2"): "Gender",
            (1, "additionalInfoDescription2"): "Men",
            (3, "collection"): "Shirts",
            (3, "additionalInfoTitle1"): "Color",
            (3, "additionalInfoDescription1"): "Blue",
            (3, "additionalInfoTitle2"): "Material",
            (3, "additionalInfoDescription2"): "Wool, Silk",
            (3, "additionalInfoTitle3"): "Gender",
            (3, "additionalInfoDescription3"): "Men",
        },
        id_columns=("handleId",),
    ),
    "wix_media_rows": System(
        format="Wix's product CSV",
        header=("handle", "fieldType", "name", "plainDescription", "media", "brand"),
        rows=[
            {"handle": "shirt", "fieldType": "PRODUCT", "name": "Shirt", "media": "a.jpg"},
            {"handle": "shirt", "fieldType": "MEDIA", "media": "b.jpg"},
            {"handle": "hat", "fieldType": "PRODUCT", "name": "Hat", "brand": "Own"},
        ],
        ids=["shirt", "hat"],
        read=("Shirt", None, None, ["a.jpg", "b.jpg"], None),
        filled={
            (row, f"additionalInfo{part}{number}"): text
            for row in (1, 3)
            for number, pair in enumerate((("Colour", "Blue"), ("Material", "Wool, Silk"), ("Gender", "Men")), start=1)
            for part, text in zip(("Title", "Description"), pair, strict=True)
        },
        id_columns=("handle",),
    ),
    "squarespace": System(
        format="Squarespace's product CSV",
        header=(
            *("Product ID [Non Editable]", "Variant ID [Non Editable]", "Product URL", "Title", "Description", "SKU"),
            *("Option Name 1", "Option Value 1", "Categories", "Hosted Image URLs"),
        ),
        rows=[
            {
                "Product ID [Non Editable]": "1",
                "Title": "Shirt",
                "Description": "<p>Soft</p>",
                "Option Name 1": "Color",
                "Option Value 1": "Red",
                "Categories": "/sale, /men/shirts",
                "Hosted Image URLs": "a.jpg b.jpg",
            },
            {"Variant ID [Non Editable]": "1b", "Option Value 1": "Blue"},
            {"Product ID [Non Editable]": "2", "Title": "Hat", "Hosted Image URLs": "c.jpg\nd.jpg"},
        ],
        ids=["1", "2"],
        read=("Shirt", "Soft", ("men", "shirts"), ["a.jpg", "b.jpg"], {"colour": ["Red", "Blue"]}),
        filled={(3, "Categories"): "/Men/Shirts"},
        id_columns=("Product ID [Non Editable]",),
    ),
    "etsy": System(
        format="Etsy's listings",
        header=(
            *("TITLE", "DESCRIPTION", "PRICE", "TAGS", "MATERIALS", "IMAGE1", "IMAGE2"),
            *("VARIATION 1 TYPE", "VARIATION 1 NAME", "VARIATION 1 VALUES", "SKU"),
        ),
        rows=[
            {
                "TITLE": "Shirt",
                "DESCRIPTION": "Soft",
                "MATERIALS": "Cotton,Linen",
                "IMAGE1": "a.jpg",
                "IMAGE2": "b.jpg",
                "VARIATION 1 NAME": "Colour",
                "VARIATION 1 VALUES": "Red,Blue",
            },
            {"TITLE": "Hat", "SKU": "h"},
        ],
        ids=["1", "2"],
        read=("Shirt", "Soft", None, ["a.jpg", "b.jpg"], {"material": ["Cotton", "Linen"], "colour": ["Red", "Blue"]}),
        filled={(2, "MATERIALS"): "Wool,Silk"},
        id_columns=("SKU",),
        warnings=1,
    ),
    "amazon": System(
        format="Amazon's flat file",
        above=[
            ("TemplateType=fptcustom", "Version=2021.0625", "The top 3 rows are for the market only.", "", "", "", ""),
            (
                "Seller SKU",
                "Product Name",
                "Product Description",
                "Main Image URL",
                "Other Image URL1",
                "Color",
                "Department",
            ),
        ],
        header=(
            *("item_sku", "item_name", "product_description", "main_image_url", "other_image_url1"),
            *("color_name", "department_name"),
        ),
        rows=[
            {
                "item_sku": "a",
                "item_name": "Shirt",
                "product_description": "<p>Soft</p>",
                "main_image_url": "a.jpg",
                "other_image_url1": "b.jpg",
                "department_name": "mens",
            },
            {"item_sku": "b", "item_name": "Hat", "color_name": "Green"},
        ],
        ids=["a", "b"],
        read=("Shirt", "Soft", None, ["a.jpg", "b.jpg"], {"gender": "mens"}),
        filled={(1, "color_name"): "Blue"},
        delimiter="\t",
        ending=".txt",
        id_columns=("item_sku",),
        warnings=1,
    ),
    "amazon_new": System(
        format="Amazon's flat file",
        header=(
            *("contribution_sku#1.value", f"item_name{_AMAZON_NEW}", f"color{_AMAZON_NEW}", f"material{_AMAZON_NEW}"),
            *(f"main_product_image_locator{_AMAZON_NEW[:-6]}.media_location",),
        ),
        rows=[
            {
                "contribution_sku#1.value": "a",
                f"item_name{_AMAZON_NEW}": "Shirt",
                f"material{_AMAZON_NEW}": "Cotton",
                f"main_product_image_locator{_AMAZON_NEW[:-6]}.media_location": "https://shop.example/a.jpg",
            }
        ],
        ids=["a"],
        read=("Shirt", None, None, ["https://shop.example/a.jpg"], {"material": "Cotton"}),
        filled={(1, f"color{_AMAZON_NEW}"): "Blue"},
        id_columns=("contribution_sku#1.value",),
    ),
    "akeneo": System(
        format="Akeneo's product CSV",
        header=(
            *(
                "sku",
                "categories",
                "enabled",
                "family",
                "groups",
                "name-de_DE",
                "name-en_US",
                "description-en_US-ecommerce",
            ),
            *("picture", "color", "material", "weight", "weight-unit"),
        ),
        rows=[
            {
                "sku": "a",
                "categories": "men_shirts,summer",
                "family": "clothing",
                "name-en_US": "Shirt",
                "name-de_DE": "Hemd",
                "description-en_US-ecommerce": "Soft",
                "picture": "files/a.jpg",
                "material": "cotton,silk",
            },
            {"sku": "b", "family": "clothing", "name-de_DE": "Hut"},
        ],
        ids=["a", "b"],
        read=("Shirt", "Soft", ("men_shirts",), ["files/a.jpg"], {"material": ["cotton", "silk"]}),
        filled={
            (1, "color"): "Blue",
            (2, "categories"): "42",
            (2, "color"): "Blue",
            (2, "material"): "Wool,Silk",
        },
        delimiter=";",
        id_columns=("sku",),
    ),
    "google": System(
        format="a Google Merchant feed",
        header=(
            "id",
            "title",
            "description",
            "link",
            "image link",
            "additional image link",
            "google product category",
            "color",
        ),
        rows=[
            {
                "id": "1",
                "title": "Shirt",
                "description": "Soft",
                "image link": "a.jpg",
                "additional image link": "b.jpg,c.jpg",
                "google product category": "Apparel &amp; Accessories > Clothing",
                "color": "Green/White",
            },
            {"id": "2", "title": "Hat"},
        ],
        ids=["1", "2"],
        read=(
            "Shirt",
            "Soft",
            ("Apparel & Accessories", "Clothing"),
            ["a.jpg", "b.jpg", "c.jpg"],
            {"colour": ["Green", "White"]},
        ),
        filled={
            (1, "material"): "Wool/Silk",
            (1, "gender"): "male",
            (1, "age_group"): "adult",
            (2, "color"): "Blue",
            (2, "material"): "Wool/Silk",
            (2, "gender"): "male",
            (2, "age_group"): "adult",
        },
        delimiter="\t",
        ending=".txt",
        id_columns=("id",),
    ),
    "meta": System(
        format="a Meta catalogue",
        header=(
            *(
                "id",
                "title",
                "description",
                "image_link",
                "additional_image_link",
                "image[0].url",
                "google_product_category",
            ),
            *("fb_product_category", "color", "gender", "age_group", "material", "pattern"),
        ),
        rows=[
            {
                "id": "1",
                "title": "Shirt",
                "description": "Soft",
                "image_link": "a.jpg",
                "additional_image_link": "b.jpg,c.jpg",
                "image[0].url": "d.jpg",
                "fb_product_category": "clothing &amp; accessories > clothing",
                "color": "Green",
            },
            {"id": "2", "title": "Hat", "google_product_category": "Apparel & Accessories > Hats"},
        ],
        ids=["1", "2"],
        read=(
            "Shirt",
            "Soft",
            ("clothing & accessories", "clothing"),
            ["a.jpg", "b.jpg", "c.jpg", "d.jpg"],
            {"colour": "Green"},
        ),
        filled={
            (1, "material"): "Wool/Silk",
            (1, "gender"): "male",
            (1, "age_group"): "adult",
            (2, "color"): "Blue",
            (2, "material"): "Wool/Silk",
            (2, "gender"): "male",
            (2, "age_group"): "adult",
        },
        id_columns=("id",),
    ),
}


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
    changed = changed_cells(source, out, _answer, _ATTRIBUTES, system.delimiter, skipped)
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
        changed_cells(source, out, _answer, _ATTRIBUTES, system.delimiter, len(system.above))
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
    fill(source, out, _answer)
    assert cells(out, ";")[1][3] == "Home,Men/Shirts"
    (again,) = products(out)
    assert again.category == ("Men", "Shirts")
    source = SYSTEMS["magento"].write(tmp_path, [{"sku": "1", "name": "Hat", "categories": "Default Category"}])
    fill(source, out, _answer)
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
