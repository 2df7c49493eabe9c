"""Workbooks as merchants have them: what is read of their cells, photos, sheets and headers."""

from __future__ import annotations

import datetime
import re
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pandas
import polars
import pytest
import xlsxwriter
from filling import cells, fill
from openpyxl.drawing.image import Image as SheetImage
from workbooks import SHEET, parts_of, png, read_products, red_answer, rewrite_parts, save_rows

from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import ImageRef, Product
from pumgpt.errors import CatalogError


def test_cells_say_what_a_spreadsheet_shows(tmp_path: Path) -> None:
    path = tmp_path / "in.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    shown: list[tuple[Any, str | None, str]] = [
        (1001.0, None, "1001"),
        (5901234123457, None, "5901234123457"),
        (123, "00000", "00123"),
        (123, '"SKU-"0000', "SKU-0123"),
        (19.99, None, "19.99"),
        (0.1 + 0.2, None, "0.3"),
        (0.00001, None, "0.00001"),
        (-5, None, "-5"),
        (0.95, "0%", "95%"),
        (1234.5, "#,##0.00 [$€-407]", "1234.5"),
        (datetime.datetime(2026, 3, 1), "dd/mm/yyyy", "2026-03-01"),
        (datetime.datetime(2026, 3, 1, 14, 30), "dd/mm/yy hh:mm", "2026-03-01 14:30:00"),
        (datetime.time(14, 30), "hh:mm", "14:30:00"),
        (True, None, "TRUE"),
        ("007", None, "007"),
        ("line\r\nbreak\x01_x0041_ ", None, "line\r\nbreak\x01_x0041_ "),
    ]
    sheet.write_row(0, 0, ["id", *(f"c{number}" for number in range(len(shown)))])
    sheet.write_string(1, 0, "a")
    for column, (value, number_format, _) in enumerate(shown, start=1):
        sheet.write(1, column, value, book.add_format({"num_format": number_format}) if number_format else None)
    book.close()
    (product,) = read_products(path)
    assert [*product.extra.values()] == [text for *_, text in shown]


def test_dates_of_1904_and_iso_dates(tmp_path: Path) -> None:
    path = tmp_path / "in.xlsx"
    book = xlsxwriter.Workbook(path, {"date_1904": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["id", "since", "until"])
    sheet.write(1, 0, "a")
    sheet.write_datetime(1, 1, datetime.datetime(2026, 3, 1), book.add_format({"num_format": "yyyy-mm-dd"}))
    sheet.write(1, 2, 0)
    book.close()
    iso = rb'<c r="C2" t="d"><v>2027-01-02T00:00:00</v></c>'
    rewrite_parts(path, {SHEET: lambda data: re.sub(rb'<c r="C2".*?</c>', iso, data)})
    assert read_products(path)[0].extra == {"since": "2026-03-01", "until": "2027-01-02"}


def test_formulas_are_read_as_their_last_value_and_named_where_they_have_none(tmp_path: Path) -> None:
    path = tmp_path / "in.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("Stock")
    sheet.write_row(0, 0, ["id", "title", "price", "note"])
    sheet.write_row(1, 0, ["a", "Tee"])
    sheet.write_formula(1, 2, "=2*4.5", None, 9)
    sheet.write_formula(1, 3, "=NA()", None, "#N/A")
    book.close()
    reader = read_catalog(path)
    (product,) = reader
    assert isinstance(product, Product) and product.extra == {"price": "9", "note": ""}
    assert len(reader.warnings) == 1 and "'Stock'!D2 is #N/A" in reader.warnings[0]
    save_rows(path, ["id", "title", "price"], ["a", "Tee", "=1+1"])  # openpyxl computes nothing
    reader = read_catalog(path)
    assert [row.extra for row in reader if isinstance(row, Product)] == [{"price": ""}]
    assert len([*reader]) == 1 and len(reader.warnings) == 1
    assert "'Sheet'!C2 is a formula that was never computed" in reader.warnings[0]


def test_rich_texts_are_joined_and_readings_left_out(tmp_path: Path) -> None:
    path = tmp_path / "in.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["id", "title"])
    sheet.write(1, 0, "a")
    sheet.write_rich_string(1, 1, "Silk ", book.add_format({"bold": True}), "red", " scarf")
    sheet.write_row(2, 0, ["b", "東京"])
    book.close()
    reading = "<si><t>東京</t><rPh sb='0' eb='2'><t>トウキョウ</t></rPh></si>".encode()
    plain = "<si><t>東京</t></si>".encode()
    rewrite_parts(path, {"xl/sharedStrings.xml": lambda data: data.replace(plain, reading)})
    assert [product.title for product in read_products(path)] == ["Silk red scarf", "東京"]


def test_photos_by_link_and_by_formula(tmp_path: Path) -> None:
    path = tmp_path / "in.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["id", "title", "Photo"])
    sheet.write_column(1, 0, ["a", "b", "c", "d", "e"])
    sheet.write_url(1, 2, "https://shop.example/a.jpg?w=1&h=2", string="Photo")
    sheet.write_url(1, 1, "https://shop.example/page", string="Tee")
    sheet.write_formula(2, 2, '=_xlfn.IMAGE("https://shop.example/b.jpg")', None, "#VALUE!")
    # What Google Sheets makes of its own functions.
    dummy = '=IFERROR(__xludf.DUMMYFUNCTION("IMAGE(""https://shop.example/c.jpg"",1)"),"")'
    sheet.write_formula(3, 2, dummy, None, "")
    sheet.write_formula(4, 2, '=HYPERLINK("https://shop.example/d.jpg","Photo")', None, "Photo")
    sheet.write_url(5, 2, "internal:Sheet1!A1", string="e.jpg")
    book.close()
    reader = read_catalog(path)
    products = [row for row in reader if isinstance(row, Product)]
    urls = [[image.url for image in product.images] for product in products]
    assert urls[0] == ["https://shop.example/a.jpg?w=1&h=2"]
    assert urls[1:] == [[f"https://shop.example/{name}.jpg"] for name in "bcd"] + [[None]]
    assert products[4].images == (ImageRef(path=str(tmp_path / "e.jpg")),)
    assert products[0].title == "Tee" and not any("empty" in line for line in reader.warnings)
    fill(path, tmp_path / "out.csv")
    assert [row[2] for row in cells(tmp_path / "out.csv")[1:3]] == [urls[0][0], urls[1][0]]


def test_pictures_on_a_row_and_in_its_cells_are_its_photos(tmp_path: Path) -> None:
    for colour in ("red", "blue", "green"):
        (tmp_path / f"{colour}.png").write_bytes(png(colour))
    path = tmp_path / "in.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    sheet.insert_image("A1", str(tmp_path / "green.png"))  # the shop's logo
    sheet.write_row(2, 0, ["id", "title"])
    sheet.write_column(3, 0, ["a", "b", "c"])
    sheet.insert_image("D4", str(tmp_path / "red.png"))
    sheet.insert_image("C4", str(tmp_path / "blue.png"))
    sheet.embed_image("C5", str(tmp_path / "red.png"))
    book.close()
    red, blue = ImageRef(data=png("red")), ImageRef(data=png("blue"))
    assert [product.images for product in read_products(path)] == [(blue, red), (red,), ()]
    fill(path, tmp_path / "out.xlsx", red_answer)
    assert [product.images for product in read_products(tmp_path / "out.xlsx")] == [(blue, red), (red,), ()]
    by_openpyxl = save_rows(tmp_path / "anchored.xlsx", ["id", "title"], ["a"], ["b"])
    by_openpyxl.active.add_image(SheetImage(tmp_path / "red.png"), "B3")
    by_openpyxl.save(tmp_path / "anchored.xlsx")
    assert [product.images for product in read_products(tmp_path / "anchored.xlsx")] == [(), (red,)]


def test_pictures_in_cells_of_wps(tmp_path: Path) -> None:
    path = tmp_path / "in.xlsx"
    save_rows(path, ["id", "photo"], ["a", '=_xlfn.DISPIMG("ID_1",1)'])
    parts = parts_of(path)
    parts["xl/cellimages.xml"] = (
        b'<e:cellImages xmlns:e="urn:e" xmlns:x="urn:x" xmlns:a="urn:a" '
        b'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><e:cellImage><x:pic><x:nvPicPr>'
        b'<x:cNvPr id="1" name="ID_1"/></x:nvPicPr><x:blipFill><a:blip r:embed="rId1"/></x:blipFill></x:pic>'
        b"</e:cellImage></e:cellImages>"
    )
    parts["xl/_rels/cellimages.xml.rels"] = (
        b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
        b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/image" Target="media/1.png"/>'
        b"</Relationships>"
    )
    parts["xl/media/1.png"] = png("red")
    with zipfile.ZipFile(path, "w") as file:
        for name, data in parts.items():
            file.writestr(name, data)
    reader = read_catalog(path)
    (product,) = reader
    assert isinstance(product, Product) and product.images == (ImageRef(data=png("red")),)
    assert not any("formula" in line for line in reader.warnings)


def test_the_sheet_whose_header_says_most_is_read(tmp_path: Path) -> None:
    path = tmp_path / "in.xlsx"
    book = save_rows(path, ["Read me first"], ["Prices are net."], title="Notes")
    book.create_sheet("Codes").append(["code", "meaning"])
    main = book.create_sheet("Products 2026")
    for row in (["My shop"], [], ["SKU", "Name", "Photo"], [1001.0, "Tee", "a.jpg"], [], ["1002", "Mug"]):
        main.append(row)
    hidden = book.create_sheet("Old")
    hidden.append(["sku", "name", "photo", "category"])
    hidden.append(["x"])
    hidden.sheet_state = "hidden"
    book.save(path)
    reader = read_catalog(path)
    assert [row.id for row in reader if isinstance(row, Product)] == ["1001", "1002"]
    assert reader.columns == ("SKU", "Name", "Photo") and reader.count() == 2
    remarks = [line.removeprefix(f"{path}: ") for line in reader.warnings]
    assert remarks[0].startswith("reads sheet 'Products 2026', not 'Codes', 'Old'; name another as in.xlsx#Codes")
    assert remarks[1] == "its header is row 3; what stands above is not read as products"
    old = read_catalog(Path(f"{path}#old"))
    assert [row.id for row in old if isinstance(row, Product)] == ["x"]
    with pytest.raises(CatalogError, match=r"has no sheet 'New'; its sheets are 'Notes', 'Codes'"):
        read_catalog(Path(f"{path}#New"))
    fill(Path(f"{path}#Old"), tmp_path / "out.xlsx", red_answer)
    before, after = parts_of(path), parts_of(tmp_path / "out.xlsx")
    assert [name for name in before if before[name] != after[name]] == ["xl/worksheets/sheet4.xml"]
    (tmp_path / "shop.xlsx#1.xlsx").write_bytes(path.read_bytes())
    assert len(read_products(tmp_path / "shop.xlsx#1.xlsx")) == 2


def test_names_for_machines_below_those_for_people_are_the_header(tmp_path: Path) -> None:
    names, codes = ["Seller SKU", "Product Name"], ["item_sku", "item_name"]
    save_rows(tmp_path / "in.xlsx", ["TemplateType=shirt"], names, codes, ["a", "Tee"])
    reader = read_catalog(tmp_path / "in.xlsx")
    assert reader.columns == ("item_sku", "item_name")
    assert [(row.id, row.title) for row in reader if isinstance(row, Product)] == [("a", "Tee")]


def test_merged_cells_say_the_same_for_all_their_rows(tmp_path: Path) -> None:
    path = tmp_path / "in.xlsx"
    book = save_rows(path, ["id", "category", "Images"], ["a", "Tops", "1.jpg", "2.jpg"], ["b"], ["c"], ["d", "Hats"])
    book.active.merge_cells("B2:B4")
    book.active.merge_cells("C1:D1")
    book.save(path)
    products = read_products(path)
    assert [product.category for product in products] == [("Tops",)] * 3 + [("Hats",)]
    assert [len(product.images) for product in products] == [2, 0, 0, 0]


def test_the_totals_of_a_table_are_no_product(tmp_path: Path) -> None:
    path = tmp_path / "in.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    totals = {"header": "stock", "total_function": "sum"}
    columns = [{"header": "id", "total_string": "Total"}, {"header": "title"}, totals]
    rows = [["a", "Tee", 1], ["b", "Mug", 2]]
    sheet.add_table("A1:C4", {"columns": columns, "data": rows, "total_row": True})
    book.close()
    assert [product.id for product in read_products(path)] == ["a", "b"]


def test_styled_rows_down_to_the_last_cost_no_product(tmp_path: Path) -> None:
    path = tmp_path / "in.xlsx"
    book = save_rows(path, ["id", "title"], ["a", "Tee"])
    grey = openpyxl.styles.PatternFill("solid", "DDDDDD")
    for row in (3, 4, 900_000, 1_048_576):
        book.active.cell(row, 16_384).fill = grey
        book.active.cell(row, 1).fill = grey
    book.save(path)
    assert [product.id for product in read_products(path)] == ["a"]
    fill(path, tmp_path / "out.xlsx", red_answer)
    assert openpyxl.load_workbook(tmp_path / "out.xlsx").active["C2"].value == "A <red> & white shirt"


@pytest.mark.parametrize("writer", ["openpyxl", "xlsxwriter", "polars"])
def test_workbooks_of_data_libraries(tmp_path: Path, writer: str) -> None:
    path = tmp_path / "in.xlsx"
    rows = {"id": ["007", "008"], "title": ["Tee", None], "price": [1.5, 2.0], "stock": [1, 2], "new": [True, False]}
    if writer == "polars":
        polars.DataFrame(rows).write_excel(path)
    else:
        pandas.DataFrame(rows).to_excel(path, index=False, engine=writer)
    products = read_products(path)
    assert [(product.id, product.title) for product in products] == [("007", "Tee"), ("008", None)]
    assert products[1].extra == {"price": "2", "stock": "2", "new": "FALSE"}
    fill(path, tmp_path / "out.xlsx", red_answer, ("colour",))
    assert list(pandas.read_excel(tmp_path / "out.xlsx", engine="calamine")["pumgpt_colour"]) == ["Red", "Red"]


def _strict(data: bytes) -> bytes:
    data = data.replace(
        b"http://schemas.openxmlformats.org/spreadsheetml/2006/main", b"http://purl.oclc.org/ooxml/spreadsheetml/main"
    )
    return data.replace(
        b"http://schemas.openxmlformats.org/officeDocument/2006/relationships",
        b"http://purl.oclc.org/ooxml/officeDocument/relationships",
    )


def _prefixed(data: bytes) -> bytes:
    return re.sub(rb"<(/?)(?=[a-zA-Z])", rb"<\1x:", data).replace(b"xmlns=", b"xmlns:x=", 1)


def _unnumbered(data: bytes) -> bytes:
    return re.sub(rb'(<(?:row|c)\b[^>]*?) r="\w+"', rb"\1", data)


@pytest.mark.parametrize("kind", ["strict", "prefixed", "unnumbered", "backslashes"])
def test_other_ways_to_write_the_same_workbook(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "in.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("Products")
    for number, row in enumerate((["id", "title", "category"], ["1", "Tee", ""], ["2", "Mug", "Home"])):
        sheet.write_row(number, 0, row, book.add_format({"bold": True}))
    book.close()
    if kind == "strict":
        rewrite_parts(path, dict.fromkeys(parts_of(path), _strict))
    elif kind == "backslashes":
        rewrite_parts(path, {}, lambda name: name.replace("/", "\\"))
    else:
        rewrite_parts(path, {SHEET: _prefixed if kind == "prefixed" else _unnumbered})
    assert [(product.id, product.title) for product in read_products(path)] == [("1", "Tee"), ("2", "Mug")]
    fill(path, tmp_path / "out.xlsx", red_answer, ("colour",))
    again = read_products(tmp_path / "out.xlsx")
    assert [product.category for product in again] == [("Clothing", "Shirts"), ("Home",)]
    assert [product.extra["pumgpt_colour"] for product in again] == ["Red", "Red"]
    if kind in ("prefixed", "unnumbered"):
        assert len(pandas.read_excel(tmp_path / "out.xlsx", engine="calamine")) == 2
