"""A small table of each shop system: how it is written, what is read of it, and which cells are filled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filling import answer
from tables import write_table

from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding


@dataclass(frozen=True)
class System:
    """One system's table, after the header that it is known by.

    `read` is the first product of `rows`: title, description, category, photos, attributes. `filled` are the cells that
    change when `full_answer` is given for every product, by (row, column).
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


ATTRIBUTES = ("colour", "material", "gender")


def full_answer(product: Product) -> Understanding:
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
