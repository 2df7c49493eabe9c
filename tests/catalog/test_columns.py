"""Which column is read as what: guessed and told, or said; filled where the shop's own cells are empty."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filling import answer, cells, fill

from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.formats.column_map import ROW_NUMBER, ColumnMap, guess_columns, load_column_map
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import ImageRef, Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.errors import CatalogError, SchemaError, UsageError

_EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "columns.yaml"
_HEADER = "sku,name,photo_1,photo_2,department,color,cloth,long_text,price"
_TABLE = f"{_HEADER}\n7,Tee,a.jpg|b.jpg,c.jpg,A > B,,wool,Soft,2\n8,,,,,red,,,\n"


def _write(folder: Path, text: str, name: str = "in.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_the_documented_example_reads_its_table(tmp_path: Path) -> None:
    tee, second = read_catalog(_write(tmp_path, _TABLE), ColumnMap.load(_EXAMPLE))
    photos = tuple(ImageRef(path=str(tmp_path / f"{name}.jpg")) for name in "abc")
    assert tee == Product("7", photos, "Tee", "Soft", ("A", "B"), {"fabric": "wool"}, extra={"price": "2"})
    assert isinstance(second, Product) and second.attributes == {"colour": "red"}


def test_empty_cells_of_the_named_columns_are_filled(tmp_path: Path) -> None:
    source, out = _write(tmp_path, _TABLE), tmp_path / "out.csv"
    reader = read_catalog(source, ColumnMap.load(_EXAMPLE))
    assert reader.fills.category == "department"

    def told(product: Product) -> Understanding:
        return answer(product, category=["C", "D"], colour=["Blue", "Red"], fabric="Cotton")

    fill(source, out, told, ("colour", "fabric"), column_map=ColumnMap.load(_EXAMPLE))
    (header, first, second) = cells(out)
    assert header[:9] == _HEADER.split(",")
    assert first[:9] == ["7", "Tee", "a.jpg|b.jpg", "c.jpg", "A > B", "Blue|Red", "wool", "Soft", "2"]
    assert second[:9] == ["8", "", "", "", "C > D", "red", "Cotton", "", ""]


@pytest.mark.parametrize(
    ("header", "reads"),
    [
        ("SKU,Product Name,Image URL", {"id": "SKU", "title": "Product Name", "images": ("Image URL",)}),
        ("uniq_id,product_name,image1,image2,price", {"id": "uniq_id", "images": ("image1", "image2")}),
        ("Handle,articleNumber,baseColour", {"id": "articleNumber", "attributes": {"colour": "baseColour"}}),
        ("asin;title;photos;category", {"id": "asin", "category": "category", "images": ("photos",)}),
        ("ID,Title", {"id": "ID", "title": "Title"}),
    ],
)
def test_columns_are_guessed_and_told(tmp_path: Path, header: str, reads: dict[str, object]) -> None:
    reader = read_catalog(_write(tmp_path, f"{header}\n"))
    assert reader.column_map is not None
    assert {name: getattr(reader.column_map, name) for name in reads} == reads
    (warning,) = reader.warnings
    assert f"reads {reader.column_map.id} as id" in warning
    assert warning.endswith("set it with --columns")


def test_jsonl_and_parquet_are_guessed_alike(tmp_path: Path) -> None:
    record = {"sku": "7", "name": "Tee", "photos": ["a.jpg"], "color": "Red", "stock": 3}
    jsonl = _write(tmp_path, json.dumps(record) + "\n", "in.jsonl")
    pq.write_table(pa.Table.from_pylist([record]), tmp_path / "in.parquet")
    (first,), (second,) = read_catalog(jsonl), read_catalog(tmp_path / "in.parquet")
    assert first == second
    assert isinstance(first, Product)
    assert (first.id, first.title, first.attributes, first.extra) == ("7", "Tee", {"colour": "Red"}, {"stock": 3})
    assert first.images == (ImageRef(path=str(tmp_path / "a.jpg")),)


@pytest.mark.parametrize(
    ("header", "reads"),
    [
        # Etsy's export in German and Italian
        (
            "TITEL,BESCHREIBUNG,PREIS,TAGS,MATERIALIEN,BILD1,BILD2,SKU",
            {"id": "SKU", "title": "TITEL", "description": "BESCHREIBUNG", "images": ("BILD1", "BILD2")},
        ),
        (
            "TITOLO,DESCRIZIONE,PREZZO,TAG,MATERIALI,IMMAGINE1,IMMAGINE2,SKU",
            {
                "id": "SKU",
                "title": "TITOLO",
                "images": ("IMMAGINE1", "IMMAGINE2"),
                "attributes": {"material": "MATERIALI"},
            },
        ),
        # WooCommerce's export, which speaks the language of the shop
        ("Artikelnummer;Name;Kurzbeschreibung;Kategorien;Bilder", {"id": "Artikelnummer", "images": ("Bilder",)}),
        ("UGS,Nom,Description courte,Catégories,Images", {"id": "UGS", "title": "Nom", "category": "Catégories"}),
        ("COD,Nome,Breve descrizione,Categorie,Immagine", {"id": "COD", "title": "Nome", "images": ("Immagine",)}),
        ("SKU,Nombre,Descripción,Categorías,Imágenes", {"title": "Nombre", "images": ("Imágenes",)}),
        ("SKU,Naam,Beschrijving,Categorieën,Afbeeldingen", {"category": "Categorieën", "images": ("Afbeeldingen",)}),
        ("SKU,Nazwa,Opis,Kategorie,Obrazki", {"title": "Nazwa", "images": ("Obrazki",)}),
        ("SKU,Namn,Beskrivning,Kategorier,Bilder", {"title": "Namn", "description": "Beskrivning"}),
        ("商品番号,商品名,商品説明,カテゴリー,画像,カラー,サイズ", {"id": "商品番号", "images": ("画像",)}),
        ("货号,商品名称,描述,分类,图片,颜色", {"id": "货号", "title": "商品名称", "attributes": {"colour": "颜色"}}),
        # tables of people
        (
            "Art.-Nr.;Titel;Größe;Farbe;Hauptbild;Bild-URL 2;Warengruppe",
            {
                "id": "Art.-Nr.",
                "images": ("Hauptbild", "Bild-URL 2"),
                "category": "Warengruppe",
                "attributes": {"colour": "Farbe", "size": "Größe"},
            },
        ),
        (
            "code,Désignation,URL de l'image principale",
            {"title": "Désignation", "images": ("URL de l'image principale",)},
        ),
        ("referencia,Nombre del producto,Foto principal", {"images": ("Foto principal",)}),
        ("kod produktu,tytuł,zdjęcie główne,kolor,rozmiar", {"id": "kod produktu", "images": ("zdjęcie główne",)}),
        ("sku,Nome do produto,Imagem 1,Cor,Tamanho", {"images": ("Imagem 1",)}),
    ],
)
def test_headers_in_other_languages(header: str, reads: dict[str, object]) -> None:
    found = guess_columns(header.split(";" if ";" in header else ","))
    assert found is not None
    assert {name: getattr(found, name) for name in reads} == reads


@pytest.mark.parametrize(
    "name",
    ["Image Alt Text", "Image Position", "Bildung", "photographer", "product_no", "topic", "link", "imagination"],
)
def test_what_is_no_column_of_photos(name: str) -> None:
    found = guess_columns(("sku", name))
    assert found is not None and found.images == ()


@pytest.mark.parametrize(
    ("header", "title", "photos"),
    [
        ("sku,name-de_DE,name-en_US", "name-en_US", ()),
        ("sku,name-de_DE,name-en_US,name", "name", ()),
        ("sku,name-de_DE,name-fr_FR", "name-de_DE", ()),
        ("sku,name_fr,name_en,image_fr,image_en", "name_en", ("image_en",)),
        ("sku,Name (DE),Name (EN),image", "Name (EN)", ("image",)),
        ("sku,name-de_DE-print,name-en_GB-ecommerce,picture-de_DE", "name-en_GB-ecommerce", ("picture-de_DE",)),
    ],
)
def test_of_several_languages_english_is_read_or_else_the_first(
    tmp_path: Path, header: str, title: str, photos: tuple[str, ...]
) -> None:
    reader = read_catalog(_write(tmp_path, f"{header}\n"))
    assert reader.column_map is not None
    assert (reader.column_map.title, reader.column_map.images) == (title, photos)
    assert any("of the languages" in warning for warning in reader.warnings)


def test_further_photos_and_categories_beside_our_names(tmp_path: Path) -> None:
    text = "id,image,image_2,title,category,subcategory,category_id\n1,a.jpg,b.jpg,Tee,A,B,7\n"
    reader = read_catalog(_write(tmp_path, text))
    (product,) = reader
    assert isinstance(product, Product) and len(product.images) == 2
    assert any("reads nothing from 'subcategory' (category);" in warning for warning in reader.warnings)


def test_json_with_an_id_is_guessed_where_the_values_fit(tmp_path: Path) -> None:
    records = [
        {
            "id": 1,
            "title": "Tee",
            "body_html": "<p>Soft</p>",
            "product_type": "Shirts",
            "attributes": {"colour": "Red"},
        },
        {"id": 2, "title": "Mug", "body_html": None, "product_type": "Mugs", "attributes": {}},
    ]
    text = "".join(json.dumps(record) + "\n" for record in records)
    first, second = read_catalog(_write(tmp_path, text, "in.jsonl"))
    assert isinstance(first, Product) and isinstance(second, Product)
    assert (first.description, first.category, first.attributes) == ("Soft", ("Shirts",), {"colour": "Red"})
    numbers = _write(tmp_path, '{"id": 1, "name": 5, "description": "Soft"}\n', "numbers.jsonl")
    (product,) = read_catalog(numbers)
    assert isinstance(product, Product) and product.title is None and product.extra == {"name": 5}


_WITHOUT_IDS = "TITLE,IMAGE1,SKU,COLOR\nTee,a.jpg,,Red\nTee,a.jpg\nKurta,a.jpg,,\n"


def test_rows_are_numbered_on_request(tmp_path: Path) -> None:
    source, out = _write(tmp_path, _WITHOUT_IDS), tmp_path / "out.csv"
    numbered = ColumnMap(id=ROW_NUMBER)
    first, broken, third = read_catalog(source, numbered)
    assert isinstance(first, Product) and isinstance(third, Product) and isinstance(broken, RejectedRow)
    assert (first.id, first.title, first.attributes) == ("1", "Tee", {"colour": "Red"})
    assert (third.id, third.title, broken.id, broken.row) == ("3", "Kurta", "2", 2)
    fill(source, out, lambda product: answer(product, colour=["Blue"]), ("colour",), column_map=numbered)
    header, one, three = cells(out)
    assert header[:4] == ["TITLE", "IMAGE1", "SKU", "COLOR"]
    assert (one[:4], three[:4]) == (["Tee", "a.jpg", "", "Red"], ["Kurta", "a.jpg", "", "Blue"])


def test_row_numbers_below_lines_that_are_no_header(tmp_path: Path) -> None:
    text = "My products,,\nTitle,Photo,Price\nTee,a.jpg,2\n"
    (product,) = read_catalog(_write(tmp_path, text), ColumnMap(id=ROW_NUMBER))
    assert isinstance(product, Product) and (product.id, product.title) == ("1", "Tee")


def test_row_numbers_in_json_lines_and_parquet(tmp_path: Path) -> None:
    records = [{"name": "Tee", "photos": ["a.jpg"]}, {"name": "Mug", "photos": ["b.jpg"]}]
    _write(tmp_path, "".join(json.dumps(record) + "\n" for record in records), "in.jsonl")
    pq.write_table(pa.Table.from_pylist(records), tmp_path / "in.parquet")
    for name in ("in.jsonl", "in.parquet"):
        products = [*read_catalog(tmp_path / name, ColumnMap(id=ROW_NUMBER))]
        assert [(row.id, row.title) for row in products if isinstance(row, Product)] == [("1", "Tee"), ("2", "Mug")]


def test_what_the_command_line_says_of_ids(tmp_path: Path) -> None:
    assert load_column_map(None, None) is None
    assert load_column_map(None, "row-number") == ColumnMap(id=ROW_NUMBER)
    with pytest.raises(UsageError, match="--ids and --columns both name the ids"):
        load_column_map(_EXAMPLE, "sku")
    (product,) = read_catalog(_write(tmp_path, "nr,sku,name\n7,x,Tee\n"), load_column_map(None, "nr"))
    assert isinstance(product, Product) and (product.id, product.title) == ("7", "Tee")
    with pytest.raises(CatalogError, match="has no column 'number', which --ids reads as id"):
        read_catalog(tmp_path / "in.csv", load_column_map(None, "number"))


def test_nothing_is_guessed_without_an_id() -> None:
    assert guess_columns(("title", "price")) is None


def test_a_table_with_an_id_is_guessed_where_it_lacks_our_names(tmp_path: Path) -> None:
    reader = read_catalog(_write(tmp_path, "id,name,photo,colour\n1,Tee,a.jpg,Red\n"))
    (product,) = reader
    assert isinstance(product, Product)
    assert (product.id, product.title, product.attributes) == ("1", "Tee", {"colour": "Red"})
    assert product.images == (ImageRef(path=str(tmp_path / "a.jpg")),)
    (warning,) = reader.warnings
    assert "reads id as id, name as title, photo as image, colour as colour" in warning


def test_a_table_with_our_names_is_read_as_it_is(tmp_path: Path) -> None:
    reader = read_catalog(_write(tmp_path, "id,image,title,colour\n1,a.jpg,Tee,Red\n"))
    (product,) = reader
    assert isinstance(product, Product) and product.extra == {"colour": "Red"}
    assert reader.column_map is None and not reader.warnings


def test_what_looks_like_a_field_and_is_not_read_is_named_once(tmp_path: Path) -> None:
    reader = read_catalog(_write(tmp_path, "id,page_title,swatch_image_1_alt,subcategory_1\n1,a,b,c\n"))
    list(reader)
    (warning,) = reader.warnings
    assert "from 'page_title' (title), 'swatch_image_1_alt' (photo), 'subcategory_1' (category)" in warning


@pytest.mark.parametrize(
    ("header", "cells", "id_"),
    [
        ("sku,upc,name,image", ",111,Tee,a.jpg", "111"),
        ("handleId,name,productImageUrl,sku", "p1,Tee,a.jpg,", "p1"),
        ("id,code,name", ",c1,Tee", "c1"),
    ],
)
def test_an_empty_column_is_no_id(tmp_path: Path, header: str, cells: str, id_: str) -> None:
    (product,) = read_catalog(_write(tmp_path, f"{header}\n{cells}\n"))
    assert isinstance(product, Product) and (product.id, product.title) == (id_, "Tee")


def test_ids_that_are_empty_everywhere_are_one_error(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="no row has an id: 'SKU' is empty throughout; fill it"):
        read_catalog(_write(tmp_path, "TITLE,SKU\nTee,\nKurta,\n"))


@pytest.mark.parametrize(
    ("header", "reads"),
    [
        (
            "sku,name-de_DE,description-en_US-ecommerce,picture",
            {"title": "name-de_DE", "description": "description-en_US-ecommerce", "images": ("picture",)},
        ),
        ("Product ID;Name *;Image URLs (x,y,z...)", {"title": "Name *", "images": ("Image URLs (x,y,z...)",)}),
        ("sku,product_name,base_image,additional_images", {"images": ("base_image", "additional_images")}),
        ("sku,TITEL,variation_image", {"title": "TITEL", "images": ("variation_image",)}),
        ("SKU,Product ID [Non Editable],Hosted Image URLs", {"id": "SKU", "images": ("Hosted Image URLs",)}),
    ],
)
def test_names_of_other_platforms(header: str, reads: dict[str, object]) -> None:
    found = guess_columns(header.split(";" if ";" in header else ","))
    assert found is not None
    assert {name: getattr(found, name) for name in reads} == reads


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("sep=;\nid;image;title\n1;a.jpg;Tee\n", "sep.csv"),
        (
            "#INFO,Version=0.0.2,,\n#INFO,Some are required,,\n"
            "Action,Custom label (SKU),Title,Item photo URL\nDraft,1,Tee,a.jpg\n",
            "e.csv",
        ),
        ('"# Required | The id","# Required | A, B","# Optional"\nid,title,image_link\n1,Tee,a.jpg\n', "m.csv"),
        (
            "TemplateType=x\tVersion=1\t\nSeller\tName\tMain Image URL\n"
            "item_sku\titem_name\tmain_image_url\n1\tTee\ta.jpg\n",
            "a.txt",
        ),
        (
            "TemplateType=x\tVersion=1\t\nSeller SKU\tProduct Name\tMain Image URL\n"
            "item_sku\titem_name\tmain_image_url\n1\tTee\ta.jpg\n",
            "b.txt",
        ),
    ],
)
def test_lines_above_the_header_are_passed_by_and_come_back(tmp_path: Path, text: str, name: str) -> None:
    source, out = _write(tmp_path, text, name), tmp_path / f"out{Path(name).suffix}"
    reader = read_catalog(source)
    (product,) = reader
    assert isinstance(product, Product)
    assert (product.id, product.title, product.images) == ("1", "Tee", (ImageRef(path=str(tmp_path / "a.jpg")),))
    above = text.splitlines().index(next(line for line in text.splitlines() if "Tee" in line)) - 1
    assert sum(f"its header is line {above + 1}" in warning for warning in reader.warnings) == 1
    assert reader.count() == 1
    fill(source, out)
    assert out.read_text().splitlines()[:above] == text.splitlines()[:above]
    (again,) = read_catalog(out)
    assert isinstance(again, Product) and (again.id, again.images) == (product.id, product.images)


def test_the_header_above_which_lines_stand_may_be_named(tmp_path: Path) -> None:
    path = _write(tmp_path, "Stock list\nNr,What\n7,Tee\n")
    (product,) = read_catalog(path, ColumnMap(id="Nr", title="What"))
    assert product == Product("7", title="Tee")


def test_blanks_around_names_and_cells(tmp_path: Path) -> None:
    first, second = read_catalog(_write(tmp_path, 'id, image, title\n1, a.jpg, Tee\n2, a.jpg, "Long, green"\n'))
    assert isinstance(first, Product) and isinstance(second, Product)
    assert (first.title, second.title) == ("Tee", "Long, green")
    assert first.images == second.images == (ImageRef(path=str(tmp_path / "a.jpg")),)


def test_a_table_without_photos_and_texts_is_refused_at_once(tmp_path: Path) -> None:
    reader = read_catalog(_write(tmp_path, "id,price\n1,2\n2,3\n"))
    with pytest.raises(CatalogError, match="none of its 2 rows has a photo or a text; name the columns"):
        reader.check_contents()
    read_catalog(_write(tmp_path, "id,title\n1,\n2,Tee\n")).check_contents()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title: name\n", "id: Field required"),
        ("id: sku\ncolour: red\n", "colour: Extra inputs"),
        ("id: [a\n", "can't be read as YAML"),
        ("- id\n", "the file: Input should be"),
    ],
)
def test_mappings_that_can_not_be_read(tmp_path: Path, text: str, words: str) -> None:
    path = _write(tmp_path, text, "columns.yaml")
    with pytest.raises(SchemaError) as caught:
        ColumnMap.load(path)
    assert str(caught.value).startswith(str(path))
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_a_column_that_is_named_and_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        CatalogError, match=r"has no column 'photo_1', which --columns reads as image \(it has: sku, name\)"
    ):
        read_catalog(_write(tmp_path, "sku,name\n"), ColumnMap(id="sku", images=("photo_1",)))
