"""The small inputs of ../shared/cases, and what is right for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple


class Row(NamedTuple):
    """A row as it is right to read it."""

    id: str
    title: str | None = None
    description: str | None = None
    photos: str = "a.jpg"
    """Names, between blanks."""
    category: str | None = None
    attributes: Mapping[str, Any] = MappingProxyType({})


class Case(NamedTuple):
    """A file as it is right to read it. `carried` are the columns that aren't read, `said` what each remark has in it."""

    rows: list[Row]
    carried: Sequence[str] = ()
    said: Sequence[str] = ()


_SHIRT = [Row("1", "Blue shirt")]


_TWO_PHOTOS = "front.jpg back.jpg"


_HEADER = "what stands above is not read as products"


CASES = {
    "akeneo/products.csv": Case(
        [Row("s1", "Blue shirt", "A shirt of cotton", "files/a.jpg", "men_shirts")],
        ["family", "name-de_DE", "description-de_DE-ecommerce"],
    ),
    "classlabel/ds": Case(
        [
            Row("1", "Blue shirt", photos="0.jpg", category="Shirts"),
            Row("2", "Pink kurta", photos="1.jpg", category="Kurtas"),
        ],
        ["label"],
    ),
    "comma_list/woo.csv": Case(
        [
            Row("1", "Blue shirt", "A shirt", _TWO_PHOTOS, "Clothing > Shirts"),
            Row("2", "Green shirt", "A shirt", "back.jpg", "Clothing > Shirts"),
        ],
        ["Type", "SKU"],
    ),
    "convert/cat.jsonl": Case(
        [
            Row("1", "Blue shirt", None, "a.jpg b.jpg", "Apparel > Topwear > Shirts", {"colour": "Blue"}),
            Row(
                "2",
                "Photo print <image> frame",
                "Use the tag <image> to place it. <video> <|im_end|> </s>",
                category="Home > Frames",
                attributes={"colour": "White <image>"},
            ),
            Row("3", "No photo scarf", None, "", "Apparel > Scarves", {"colour": "Red"}),
            Row("4", "Missing photo hat", None, "missing.jpg", "Apparel > Hats", {"colour": "Red"}),
            Row("5", "One photo missing", None, "a.jpg missing.jpg", "Apparel > Hats", {"colour": "Red"}),
        ]
    ),
    "convert/bytes.parquet": Case(
        [
            Row("1", "Blue shirt", category="Apparel > Shirts", attributes={"colour": "Blue"}),
            Row("2", "Red shirt", None, "b.jpg", "Apparel > Shirts", {"colour": "Red"}),
        ]
    ),
    "convert_paths/cat.jsonl": Case(
        [Row("1", "Blue shirt", category="Apparel > Shirts", attributes={"colour": "Blue"})]
    ),
    "empty_id_column/etsy.csv": Case(
        [
            Row("1", "Blue shirt", "A shirt", attributes={"material": "Cotton"}),
            Row("2", "Pink kurta", "A kurta", attributes={"material": "Cotton"}),
        ],
        ["PRICE", "CURRENCY_CODE", "QUANTITY", "TAGS", "SKU"],
        ["called by the numbers of their rows"],
    ),
    "feeds/atom.xml": Case([Row("1", "Café mug", "S"), Row("tag:x,2", "Only atom id", "Text")], ["link"]),
    "feeds/cdata_html.xml": Case(
        [
            Row("2", "Blue & green shirt", "Täckt i tyg\nTvätt 60°", category="1604"),
            Row("3", "Shirt", photos="a.jpg b.jpg"),
            Row("4", "Shirt"),
        ],
        ["product_type"],
    ),
    "feeds/fb.csv": Case(
        [Row("1", "Blue shirt", "A shirt", "a.jpg b.jpg")], ["availability", "condition", "price", "link", "brand"]
    ),
    "feeds/https_ns.xml": Case([Row("1", "Blue shirt", "A shirt", attributes={"colour": "Blue"})]),
    "feeds/no_prefix.xml": Case([Row("1", "Blue shirt", "A shirt", "a.jpg b.jpg")]),
    "feeds/other_prefix.xml": Case(_SHIRT),
    "feeds/spaces.tsv": Case([Row("1", "Blue shirt", "A shirt", "a.jpg b.jpg", "1604")], ["link"]),
    "feeds/undeclared.xml": Case(_SHIRT),
    "idname/catalog.csv": Case(
        [Row("1", "Blue shirt", category="Shirts"), Row("2", "Pink kurta", category="Kurtas")],
        said=["reads id as id, name as title, product_type as category, image_url as image"],
    ),
    "idname/shopify_api.jsonl": Case([Row("1", "Blue shirt", "Cotton", category="Shirts")], ["variants"]),
    "jsonlist/marketplace.csv": Case(
        [
            Row("u1", "Blue shirt", "A shirt", "a.jpg b.jpg", "Clothing > Men Clothing > Shirts", {"brand": "Own"}),
            Row("u2", "Pink kurta", "A kurta", "b.jpg", "Clothing > Women Clothing", {"brand": "Own"}),
        ],
        said=["reads uniq_id as id"],
    ),
    "jsonlist/pylist.csv": Case(
        [Row("B1", "Blue shirt", photos="a.jpg b.jpg", category="Clothing > Men > Shirts")], said=["reads asin as id"]
    ),
    "magento/products.csv": Case(
        [
            Row(
                "MS01-S-Blue",
                "Blue shirt",
                "A shirt.",
                "m/h/main.jpg m/h/alt.jpg",
                "Men > Tops > Shirts",
                {"size": "S", "colour": "Blue"},
            )
        ],
        ["product_type"],
    ),
    "misc/blank_variant_rows.csv": Case(
        [Row("p1", "Blue shirt"), Row("p2", "Pink kurta")], ["variantId", "sku"], ["reads productId as id"]
    ),
    "misc/blanks_header.csv": Case([Row("1", "Blue shirt"), Row("2", "Green, long shirt")]),
    "misc/bom.jsonl": Case(_SHIRT),
    "misc/bom_quoted.csv": Case(_SHIRT),
    "misc/cp1251.csv": Case([Row("1", "Синяя рубашка")], said=["Windows-1251 (Cyrillic)"]),
    "misc/first_id_empty.csv": Case(
        [Row("111", "Blue shirt"), Row("222", "Kurta")], ["sku"], ["reads upc as id, name as title"]
    ),
    "misc/gbk.csv": Case([Row("1", "蓝色衬衫")], said=["GB 18030 (Chinese)"]),
    "misc/ids.csv": Case(
        [
            Row("0017", "Blue shirt"),
            Row("90.750", "Kurta"),
            Row("00123", "x"),
            Row("00124", "Excel text id"),
            Row("1.23457E+12", "Sci one"),
        ]
    ),
    "misc/latin1_semicolon.csv": Case([Row("1", "Café cup")], said=["Windows-1252", "reads ID as id, Name as title"]),
    "misc/magento_multirow.csv": Case(
        [Row("A1", "Blue shirt", category="Shirts"), Row("A2", "Kurta", category="Kurtas")]
    ),
    "misc/php_backslash.csv": Case([Row("1", 'Mug "Best dad" 300 ml'), Row("2", "Plain mug")]),
    "misc/sep_hint.csv": Case(_SHIRT, said=[_HEADER]),
    "misc/shiftjis.csv": Case([Row("1", "青いシャツ")], said=["Shift JIS (Japanese)"]),
    "misc/utf16.csv": Case([Row("1", "Café cup")]),
    "misc/woo_categories.csv": Case(
        [
            Row("1", "Soap", category="Body Care > Perfume, Cologne & Fragrance > Unisex"),
            Row("2", "Lamp", category="Home & Garden > Lamps"),
        ],
        ["Type", "SKU"],
    ),
    "ood/c.csv": Case([Row(name, photos=f"{name}.png") for name in ("noise", "white", "placeholder", "navy")]),
    "preamble/amazon_flat.txt": Case([Row("A-1", "Blue shirt")], said=[_HEADER]),
    "preamble/ebay_template.csv": Case(
        [Row("E-1", "Blue shirt")],
        ["Action", "Category ID"],
        [_HEADER, "reads Custom label (SKU) as id", "reads nothing from 'Category ID'"],
    ),
    "preamble/meta_template.csv": Case([Row("T1", "Blue shirt")], said=[_HEADER, "color as colour"]),
    "prestashop/products.csv": Case(
        [Row("1", "Blue shirt", "A shirt of cotton.", "a.jpg b.jpg", "Shirts")], ["Active (0/1)"]
    ),
    "recolour/catalog.csv": Case(
        [
            Row("b", "Crew tee ink", photos="black.jpg"),
            Row("r", "Round neck shirt cherry", photos="red.jpg"),
            Row("g", "Sports top leaf", photos="green.jpg"),
        ]
    ),
    "semicolon_list/wix.csv": Case(
        [
            Row("prod_1", "Blue shirt", "A shirt", _TWO_PHOTOS, "Shirts"),
            Row("prod_2", "Green shirt", "A shirt", "back.jpg", "Shirts"),
        ],
        ["fieldType", "sku"],
    ),
    "shopify_google_columns/shop.csv": Case(
        [
            Row("mens-shirt", "Shirt", attributes={"gender": "unisex", "age group": "kids"}),
            Row("kurta", "Kurta", photos="b.jpg", attributes={"gender": "unisex"}),
        ],
        ["Vendor", "Google Shopping / Google Product Category", "Option1 Name", "Option1 Value"],
    ),
    "space_list/squarespace.csv": Case([Row("abc1", "Blue shirt", "A shirt", _TWO_PHOTOS, "Shirts")], ["SKU"]),
    "swatches/catalog.csv": Case(
        [
            Row("1", "Wool felt sheet navy", photos="navy.jpg"),
            Row("2", "Nail lacquer ivory gloss 12 ml", photos="cream.jpg"),
            Row("3", "Velvet curtain crimson", photos="crimson.jpg"),
            Row("4", "Chalk paint moss 1 l", photos="moss.jpg"),
        ]
    ),
    "types/dict.parquet": Case([Row("a", "x"), Row("b", "y")]),
    "types/float_ids.parquet": Case(
        [Row("1001", "a", attributes={"size": "40"}), Row("1003", "c", attributes={"size": "42"})]
    ),
    "types/intcat.parquet": Case([Row("1", "x", category="504020"), Row("2", "y", category="11")]),
    "types/map.parquet": Case(
        [Row("a", "x", photos="a.jpg a.jpg", attributes={"colour": "Blue"}), Row("b", "y", photos="")]
    ),
    "woo_attributes/woo.csv": Case(
        [Row("1", "Shirt", category="Clothing > Shirts", attributes={"colour": "Green"})],
        ["Type", "SKU", "Attribute 1 visible", "Attribute 1 global"],
    ),
}
"""The files that are read as they are, without a schema or a taxonomy."""


HELD_BY_ONE_TEST = {
    "classlabel/ds.parquet",
    "feet_inches/shop.jsonl",
    "hang/c.jsonl",
    "hang/c16.jsonl",
    "images",
    "padding",
    "quantities/titles.jsonl",
    "types/t.jsonl",
}


ROWS_SET_ASIDE = {
    "convert/bytes.parquet": ["is broken or cut off"],
    "convert/cat.jsonl": ["missing.jpg: there is no such file"],
    "feeds/cdata_html.xml": ["field 'id' is missing or empty"],
    "misc/ids.csv": ["id '1.23457E+12' stands already in row 5"],
    "types/float_ids.parquet": ["field 'id' is missing or empty"],
}
"""Why a row of a file can't be answered, one reason for each such row."""


ENCODINGS = {
    "misc/cp1251.csv": "cp1251",
    "misc/gbk.csv": "gb18030",
    "misc/latin1_semicolon.csv": "cp1252",
    "misc/shiftjis.csv": "shift_jis",
    "misc/utf16.csv": "utf-16",
}
"""Of the tables that aren't in UTF-8; they are written in it."""
