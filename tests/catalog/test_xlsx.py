"""Excel workbooks as merchants have them, written by the libraries that write them: read rightly, and given back whole."""

from __future__ import annotations

import datetime
import io
import json
import re
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import openpyxl
import pandas
import polars
import pytest
import xlsxwriter
from filling import answer, cells, fill
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.drawing.image import Image as SheetImage
from PIL import Image

from pumgpt.catalog.formats.annotated import AnnotatedRow
from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.formats.output import check_output, write_annotated
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import ImageRef, Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.errors import CatalogError

_SHEET = "xl/worksheets/sheet1.xml"


def _products(path: Path) -> list[Product]:
    rows = list(read_catalog(path))
    assert not [row for row in rows if isinstance(row, RejectedRow)]
    return [row for row in rows if isinstance(row, Product)]


def _save(path: Path, *rows: list[Any], title: str = "Sheet") -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    book.save(path)
    return book


def _parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def _rewrite(path: Path, edits: Mapping[str, Callable[[bytes], bytes]], names: Callable[[str], str] = str) -> None:
    parts = _parts(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in parts.items():
            file.writestr(names(name), edits.get(name, bytes)(data))


def _png(colour: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(file, "PNG")
    return file.getvalue()


def _red(product: Product) -> Understanding:
    return answer(product, category=["Clothing", "Shirts"], caption="A <red> & white shirt", colour="Red")


# What a cell says


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
    (product,) = _products(path)
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
    _rewrite(path, {_SHEET: lambda data: re.sub(rb'<c r="C2".*?</c>', iso, data)})
    assert _products(path)[0].extra == {"since": "2026-03-01", "until": "2027-01-02"}


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
    _save(path, ["id", "title", "price"], ["a", "Tee", "=1+1"])  # openpyxl computes nothing
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
    _rewrite(path, {"xl/sharedStrings.xml": lambda data: data.replace(plain, reading)})
    assert [product.title for product in _products(path)] == ["Silk red scarf", "東京"]


# Photos


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
        (tmp_path / f"{colour}.png").write_bytes(_png(colour))
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
    red, blue = ImageRef(data=_png("red")), ImageRef(data=_png("blue"))
    assert [product.images for product in _products(path)] == [(blue, red), (red,), ()]
    fill(path, tmp_path / "out.xlsx", _red)
    assert [product.images for product in _products(tmp_path / "out.xlsx")] == [(blue, red), (red,), ()]
    by_openpyxl = _save(tmp_path / "anchored.xlsx", ["id", "title"], ["a"], ["b"])
    by_openpyxl.active.add_image(SheetImage(tmp_path / "red.png"), "B3")
    by_openpyxl.save(tmp_path / "anchored.xlsx")
    assert [product.images for product in _products(tmp_path / "anchored.xlsx")] == [(), (red,)]


def test_pictures_in_cells_of_wps(tmp_path: Path) -> None:
    path = tmp_path / "in.xlsx"
    _save(path, ["id", "photo"], ["a", '=_xlfn.DISPIMG("ID_1",1)'])
    parts = _parts(path)
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
    parts["xl/media/1.png"] = _png("red")
    with zipfile.ZipFile(path, "w") as file:
        for name, data in parts.items():
            file.writestr(name, data)
    reader = read_catalog(path)
    (product,) = reader
    assert isinstance(product, Product) and product.images == (ImageRef(data=_png("red")),)
    assert not any("formula" in line for line in reader.warnings)


# Sheets and headers


def test_the_sheet_whose_header_says_most_is_read(tmp_path: Path) -> None:
    path = tmp_path / "in.xlsx"
    book = _save(path, ["Read me first"], ["Prices are net."], title="Notes")
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
    fill(Path(f"{path}#Old"), tmp_path / "out.xlsx", _red)
    before, after = _parts(path), _parts(tmp_path / "out.xlsx")
    assert [name for name in before if before[name] != after[name]] == ["xl/worksheets/sheet4.xml"]
    (tmp_path / "shop.xlsx#1.xlsx").write_bytes(path.read_bytes())
    assert len(_products(tmp_path / "shop.xlsx#1.xlsx")) == 2


def test_names_for_machines_below_those_for_people_are_the_header(tmp_path: Path) -> None:
    names, codes = ["Seller SKU", "Product Name"], ["item_sku", "item_name"]
    _save(tmp_path / "in.xlsx", ["TemplateType=shirt"], names, codes, ["a", "Tee"])
    reader = read_catalog(tmp_path / "in.xlsx")
    assert reader.columns == ("item_sku", "item_name")
    assert [(row.id, row.title) for row in reader if isinstance(row, Product)] == [("a", "Tee")]


def test_merged_cells_say_the_same_for_all_their_rows(tmp_path: Path) -> None:
    path = tmp_path / "in.xlsx"
    book = _save(path, ["id", "category", "Images"], ["a", "Tops", "1.jpg", "2.jpg"], ["b"], ["c"], ["d", "Hats"])
    book.active.merge_cells("B2:B4")
    book.active.merge_cells("C1:D1")
    book.save(path)
    products = _products(path)
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
    assert [product.id for product in _products(path)] == ["a", "b"]


def test_styled_rows_down_to_the_last_cost_no_product(tmp_path: Path) -> None:
    path = tmp_path / "in.xlsx"
    book = _save(path, ["id", "title"], ["a", "Tee"])
    grey = openpyxl.styles.PatternFill("solid", "DDDDDD")
    for row in (3, 4, 900_000, 1_048_576):
        book.active.cell(row, 16_384).fill = grey
        book.active.cell(row, 1).fill = grey
    book.save(path)
    assert [product.id for product in _products(path)] == ["a"]
    fill(path, tmp_path / "out.xlsx", _red)
    assert openpyxl.load_workbook(tmp_path / "out.xlsx").active["C2"].value == "A <red> & white shirt"


# Other writers


@pytest.mark.parametrize("writer", ["openpyxl", "xlsxwriter", "polars"])
def test_workbooks_of_data_libraries(tmp_path: Path, writer: str) -> None:
    path = tmp_path / "in.xlsx"
    rows = {"id": ["007", "008"], "title": ["Tee", None], "price": [1.5, 2.0], "stock": [1, 2], "new": [True, False]}
    if writer == "polars":
        polars.DataFrame(rows).write_excel(path)
    else:
        pandas.DataFrame(rows).to_excel(path, index=False, engine=writer)
    products = _products(path)
    assert [(product.id, product.title) for product in products] == [("007", "Tee"), ("008", None)]
    assert products[1].extra == {"price": "2", "stock": "2", "new": "FALSE"}
    fill(path, tmp_path / "out.xlsx", _red, ("colour",))
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
        _rewrite(path, dict.fromkeys(_parts(path), _strict))
    elif kind == "backslashes":
        _rewrite(path, {}, lambda name: name.replace("/", "\\"))
    else:
        _rewrite(path, {_SHEET: _prefixed if kind == "prefixed" else _unnumbered})
    assert [(product.id, product.title) for product in _products(path)] == [("1", "Tee"), ("2", "Mug")]
    fill(path, tmp_path / "out.xlsx", _red, ("colour",))
    again = _products(tmp_path / "out.xlsx")
    assert [product.category for product in again] == [("Clothing", "Shirts"), ("Home",)]
    assert [product.extra["pumgpt_colour"] for product in again] == ["Red", "Red"]
    if kind in ("prefixed", "unnumbered"):
        assert len(pandas.read_excel(tmp_path / "out.xlsx", engine="calamine")) == 2


# Written


def _merchants_workbook(path: Path, folder: Path) -> None:
    """Much of what openpyxl would lose."""
    (folder / "p.png").write_bytes(_png("red"))
    book = xlsxwriter.Workbook(path)
    sheet, lists = book.add_worksheet("Products"), book.add_worksheet("Lists")
    lists.write_column(0, 0, ["Red", "Blue"])
    bold = book.add_format({"bold": True, "bg_color": "#DDDDDD"})
    sheet.write_row(0, 0, ["id", "title", "category", "stock"], bold)
    for row in range(1, 6):
        sheet.write(row, 0, f"00{row}")
        sheet.write_rich_string(row, 1, "A ", bold, "bold", " tee")
        sheet.write_formula(row, 3, f"=2*{row}", None, 2 * row)
    sheet.write(5, 2, "Home")
    sheet.write_blank(4, 2, None, bold)
    sheet.write_formula(3, 2, '=IF(1,"","x")', None, "")
    sheet.insert_textbox(8, 1, "Note to staff")
    sheet.data_validation("C2:C6", {"validate": "list", "source": "=Lists!$A$1:$A$2"})
    sheet.conditional_format("D2:D6", {"type": "data_bar", "data_bar_2010": True})
    sheet.add_sparkline("F2", {"range": "Products!D2:D6"})
    chart = book.add_chart({"type": "column"})
    chart.add_series({"values": "=Products!$D$2:$D$6"})
    sheet.insert_chart("H9", chart)
    sheet.embed_image("E2", str(folder / "p.png"))
    sheet.insert_checkbox("E3", True)
    sheet.insert_button("K9", {"caption": "Sort"})
    sheet.write_comment("A2", "check")
    sheet.freeze_panes(1, 0)
    sheet.autofilter("A1:D6")
    sheet.set_column("G:XFD", None, None, {"hidden": True})
    book.close()


def test_only_the_filled_cells_of_a_merchants_workbook_change(tmp_path: Path) -> None:
    source, out = tmp_path / "in.xlsx", tmp_path / "out.xlsx"
    _merchants_workbook(source, tmp_path)
    fill(source, out, lambda product: _red(product) if product.id != "002" else None, ("colour",))
    before, after = _parts(source), _parts(out)
    assert [*before] == [*after]
    assert {name for name in before if before[name] != after[name]} == {"xl/workbook.xml", _SHEET}
    # Without the new cells the sheet is the old one, but for what says how wide it is.
    sheet = re.sub(rb'<c r="[F-N]\d"[^>]*?t="inlineStr".*?</c>|<c r="[F-N]\d"><v>.*?</c>', b"", after[_SHEET])
    for cell, old in ((rb"C2", b""), (rb"C5", rb'<c r="C5" s="1"/>')):
        found = re.search(rb'<c r="%s"[^>]*t="inlineStr".*?Clothing &gt; Shirts.*?</c>' % cell, sheet)
        assert found is not None
        sheet = sheet.replace(found[0], old)
    for new, old in (
        (rb'spans="1:14"', rb'spans="1:6"'),
        (rb'ref="A1:N6"', rb'ref="A1:D6"'),
        (rb'dimension ref="A1:N9"', rb'dimension ref="A1:D9"'),
    ):
        sheet = re.sub(new, old, sheet)

    def plain(data: bytes) -> bytes:
        return re.sub(rb'<cols>.*?</cols>|<dimension[^>]*>| spans="[\d:]+"', b"", data)

    assert plain(sheet) == plain(before[_SHEET])
    shown = re.findall(rb"<col [^>]*>", after[_SHEET])
    assert [b"hidden" in tag for tag in shown] == [False, True]
    assert b"Products!$A$1:$N$6" not in before["xl/workbook.xml"]
    assert before["xl/workbook.xml"].replace(b"$D$6", b"$N$6") == after["xl/workbook.xml"]


def test_a_filled_workbook_reads_as_filled(tmp_path: Path) -> None:
    source, out = tmp_path / "in.xlsx", tmp_path / "out.xlsx"
    _merchants_workbook(source, tmp_path)
    fill(source, out, _red, ("colour",))
    sheet = openpyxl.load_workbook(out, data_only=True)["Products"]
    assert [cell.value for cell in sheet[1]][5:10] == [
        "pumgpt_caption",
        "pumgpt_caption_confidence",
        "pumgpt_caption_status",
        "pumgpt_category",
        "pumgpt_category_confidence",
    ]
    assert sheet["F1"].font.bold and sheet["G2"].value == 0.75 and sheet["D2"].value == 2
    # A formula is the shop's, even where it gives nothing.
    assert [sheet.cell(row, 3).value for row in range(2, 7)] == [
        *["Clothing > Shirts"] * 2,
        None,
        "Clothing > Shirts",
        "Home",
    ]
    assert sheet["C5"].font.bold
    fill(out, tmp_path / "twice.xlsx", _red, ("colour",))
    fill(tmp_path / "twice.xlsx", tmp_path / "thrice.xlsx", _red, ("colour",))
    assert _parts(tmp_path / "twice.xlsx") == _parts(tmp_path / "thrice.xlsx")
    fill(out, tmp_path / "emptied.xlsx")
    assert {product.extra["pumgpt_caption"] for product in _products(tmp_path / "emptied.xlsx")} == {""}


def test_a_table_takes_the_new_columns_in(tmp_path: Path) -> None:
    source, out = tmp_path / "in.xlsx", tmp_path / "out.xlsx"
    polars.DataFrame({"id": ["a", "b"], "title": ["Tee", "Mug"]}).write_excel(source)
    fill(source, out, _red)
    (table,) = openpyxl.load_workbook(out).active.tables.values()
    header = [cell.value for cell in openpyxl.load_workbook(out).active[1]]
    assert table.ref == table.autoFilter.ref == "A1:H3"
    assert [column.name for column in table.tableColumns] == header
    assert len({column.id for column in table.tableColumns}) == 8


def test_what_stands_beside_the_catalogue_is_not_overwritten(tmp_path: Path) -> None:
    source, out = tmp_path / "in.xlsx", tmp_path / "out.xlsx"
    _save(source, ["id", "title"], ["a", "Tee", None, None, "ask Ann"], ["b", "Mug"])
    fill(source, out, _red)
    sheet = openpyxl.load_workbook(out).active
    assert sheet["E2"].value == "ask Ann" and sheet["F1"].value == "pumgpt_caption"


def test_columns_that_the_shop_names_are_filled(tmp_path: Path) -> None:
    source, out = tmp_path / "in.xlsx", tmp_path / "out.xlsx"
    _save(source, ["SKU", "Name", "Colour", "Department"], ["a", "Tee", None, "Men"], ["b", "Mug", "Blue"])
    fill(source, out, _red, ("colour",))
    rows = [[cell.value for cell in row[:4]] for row in openpyxl.load_workbook(out).active]
    assert rows[1:] == [["a", "Tee", "Red", "Men"], ["b", "Mug", "Blue", "Clothing > Shirts"]]


def test_a_curated_workbook_keeps_its_rows_and_loses_failed_values(tmp_path: Path) -> None:
    source, out = tmp_path / "in.xlsx", tmp_path / "out.xlsx"
    _save(source, ["id", "title", "colour"], ["a", "Tee", "Red"], ["b", "Mug", "Blue"], [None, "no id", "Red"])
    reader = read_catalog(source)
    first, second, _ = reader
    assert isinstance(first, Product) and isinstance(second, Product)
    rows = [
        AnnotatedRow(first, {**first.original, "colour": ""}, {"verdict": "contradicted"}),
        AnnotatedRow(second, second.original, {"verdict": "supported"}),
        AnnotatedRow(None, None),
    ]
    write_annotated(out, reader, ["verdict"], rows)
    assert [[cell.value for cell in row] for row in openpyxl.load_workbook(out).active] == [
        ["id", "title", "colour", "verdict"],
        ["a", "Tee", None, "contradicted"],
        ["b", "Mug", "Blue", "supported"],
        [None, "no id", "Red", None],
    ]
    (tmp_path / "in.csv").write_text("id,title\n01,Tee\n")
    plain = read_catalog(tmp_path / "in.csv")
    (tee,) = plain
    assert isinstance(tee, Product)
    write_annotated(out, plain, ["verdict"], [AnnotatedRow(tee, tee.original, {"verdict": "=1"})])
    assert [{**product.original} for product in _products(out)] == [{"id": "01", "title": "Tee", "verdict": "=1"}]


def test_macros_are_kept_and_another_ending_is_a_new_workbook(tmp_path: Path) -> None:
    source = tmp_path / "in.xlsm"
    book = xlsxwriter.Workbook(source)
    (tmp_path / "vbaProject.bin").write_bytes(b"\xd0\xcf macros")
    book.add_vba_project(str(tmp_path / "vbaProject.bin"))
    book.add_worksheet().write_column(0, 0, ["id", "a"])
    book.close()
    fill(source, tmp_path / "out.xlsm", _red)
    assert _parts(tmp_path / "out.xlsm")["xl/vbaProject.bin"] == b"\xd0\xcf macros"
    fill(source, tmp_path / "out.xlsx", _red)
    assert "xl/vbaProject.bin" not in _parts(tmp_path / "out.xlsx")
    fill(tmp_path / "out.xlsx", tmp_path / "new.xlsm", _red)
    assert b"macroEnabled" in _parts(tmp_path / "new.xlsm")["[Content_Types].xml"]


def test_any_catalogue_becomes_a_workbook_of_texts(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text('id,title,price\n00123,=SUM(A1),1e5\n@x,"two\nlines",-1\n', encoding="utf-8")
    fill(tmp_path / "in.csv", tmp_path / "out.xlsx", _red, ("colour",))
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx").active
    assert [[cell.value for cell in row[:3]] for row in sheet] == [
        ["id", "title", "price"],
        ["00123", "=SUM(A1)", "1e5"],
        ["@x", "two\nlines", "-1"],
    ]
    assert {cell.data_type for row in sheet.iter_rows(max_col=3) for cell in row} == {"s"}
    assert sheet["E2"].value == 0.75
    fill(tmp_path / "out.xlsx", tmp_path / "back.csv")
    assert [row[:3] for row in cells(tmp_path / "back.csv")] == cells(tmp_path / "in.csv")
    fill(tmp_path / "out.xlsx", tmp_path / "out.parquet")
    assert [row.id for row in read_catalog(tmp_path / "out.parquet") if isinstance(row, Product)] == ["00123", "@x"]


def test_texts_longer_than_a_cell_are_cut_and_said(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(f"id,description\na,{'x' * 40_000}\n")
    warnings = fill(tmp_path / "in.csv", tmp_path / "out.xlsx")
    assert "1 texts were cut to the 32,767 characters" in warnings[-1]
    assert len(_products(tmp_path / "out.xlsx")[0].description or "") == 32_767


# Files that are none


def _ole(path: Path, name: str) -> None:
    path.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600 + name.encode("utf-16-le"))


def _zip(path: Path, **parts: str) -> None:
    with zipfile.ZipFile(path, "w") as file:
        for name, text in parts.items():
            file.writestr(name.replace("__", "/").replace("_", "."), text)


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        ("a.xls", lambda path: _ole(path, "Workbook"), "is a workbook of Excel 97 to 2003"),
        ("a.xlsx", lambda path: _ole(path, "EncryptedPackage"), "is protected by a password"),
        ("a.xlsx", lambda path: path.write_text("id,title\n1,Tee\n"), r"is text, not a workbook; .* \.csv"),
        ("a.xls", lambda path: path.write_text("<html><table></table></html>"), "is a web page or XML"),
        ("a.xlsx", lambda path: path.write_bytes(bytes(range(256))), "is no workbook"),
        ("a.xlsx", lambda path: path.write_bytes(b"PK\3\4 cut off"), "is damaged"),
        ("a.ods", lambda path: _zip(path, content_xml="<a/>"), r"OpenDocument file \(.ods\)"),
        ("a.xlsb", lambda path: _zip(path, xl__workbook_bin=""), r"binary workbook \(.xlsb\)"),
        ("a.xlsx", lambda path: _zip(path, a_txt=""), "a zip file, but no Excel workbook"),
        ("a.xlsx", lambda path: _save(path, ["colour"], ["red"]), "has no column 'id'"),
        ("a.xlsx", lambda path: _save(path), "no sheet has a header"),
    ],
)
def test_what_is_no_workbook_is_one_line(tmp_path: Path, name: str, make: Callable[[Path], object], words: str) -> None:
    make(tmp_path / name)
    with pytest.raises(CatalogError, match=words) as caught:
        read_catalog(tmp_path / name)
    assert "\n" not in str(caught.value) and str(caught.value).startswith(f"{tmp_path / name}: ")


def test_a_workbook_named_xls_is_read(tmp_path: Path) -> None:
    _save(tmp_path / "a.xlsx", ["id", "title"], ["1", "Tee"])
    (tmp_path / "a.xlsx").rename(tmp_path / "a.xls")
    assert [product.title for product in _products(tmp_path / "a.xls")] == ["Tee"]
    with pytest.raises(CatalogError, match=r"ending '\.xls' is not known"):
        check_output(tmp_path / "out.xls", read_catalog(tmp_path / "a.xls"))


def test_workbooks_made_to_fill_the_memory_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "in.xlsx"
    _save(path, ["id", "title"], ["1", "Tee"])
    filler = b" " * (20 << 20)
    _rewrite(path, {_SHEET: lambda data: data.replace(b"</sheetData>", filler + b"</sheetData>")})
    with pytest.raises(CatalogError, match="would unpack to"):
        read_catalog(path)
    _save(path, ["id", "title"], ["1", "Tee"])
    bomb = b'<!DOCTYPE a [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><worksheet'
    _rewrite(path, {_SHEET: lambda data: data.replace(b"<worksheet", bomb)})
    with pytest.raises(CatalogError, match="declares a document type"):
        read_catalog(path)


def test_a_row_that_can_not_be_read_costs_itself(tmp_path: Path) -> None:
    path = tmp_path / "in.xlsx"
    book = xlsxwriter.Workbook(path)
    book.add_worksheet().write_column(0, 0, ["id", "a", "b", "c"])
    book.close()
    _rewrite(path, {_SHEET: lambda data: data.replace(b"<v>2</v>", b"<v>99</v>")})
    first, broken, last = read_catalog(path)
    assert isinstance(first, Product) and isinstance(last, Product) and last.id == "c"
    assert isinstance(broken, RejectedRow) and broken.row == 2
    assert broken.error.startswith("row 3 of the sheet can't be read (the workbook has no shared text 99)")
    fill(path, tmp_path / "out.xlsx", _red)
    assert b'<c r="A3" t="s"><v>99</v></c></row>' in _parts(tmp_path / "out.xlsx")[_SHEET]


# Whatever a workbook holds comes back

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["", "007", "=1+1", "x,y", "\n", "\r\n", " ", "_x000D_", "]]>", "<b>", "🧦", "\ufffe"]
)
_VALUE = (
    st.none()
    | _TEXT
    | st.integers(-(10**14), 10**14)
    | st.floats(-1e9, 1e9)
    | st.booleans()
    | st.datetimes(datetime.datetime(1950, 1, 1), datetime.datetime(2100, 1, 1))
)
_SHAPE = st.fixed_dictionaries(
    {
        "rows_above": st.integers(0, 3),
        "first_column": st.integers(0, 3),
        "gap": st.integers(0, 2),
        "is_table": st.booleans(),
        "shared_texts": st.booleans(),
    }
)


def _write(path: Path, rows: list[tuple[Any, ...]], shape: Mapping[str, Any]) -> None:
    book = xlsxwriter.Workbook(
        path, {"constant_memory": not shape["shared_texts"], "default_date_format": "yyyy-mm-dd"}
    )
    sheet = book.add_worksheet("Products")
    book.add_worksheet("Notes").write(0, 0, "kept")
    for number in range(shape["rows_above"]):
        sheet.write_string(number, 0, f"A shop's note {number}")
    top, left = shape["rows_above"], shape["first_column"]
    sheet.write_row(top, left, ["id", "title", "category", "note"])
    bold = book.add_format({"bold": True})
    place = top
    for number, row in enumerate(rows):
        place += 1 + (shape["gap"] if number else 0)
        sheet.write_string(place, left, f"0{number}")
        for column, value in enumerate(row, start=left + 1):
            if isinstance(value, str):
                sheet.write_string(place, column, value, bold)
            elif value is not None:
                sheet.write(place, column, value)
    if shape["is_table"] and shape["shared_texts"] and rows:
        header = [{"header": name} for name in ("id", "title", "category", "note")]
        sheet.add_table(top, left, place, left + 3, {"columns": header})
    book.close()


def _values(path: Path) -> dict[str, Any]:
    sheet = openpyxl.load_workbook(path)["Products"]
    return {
        cell.coordinate: (cell.value, cell.style_id) for row in sheet for cell in row if cell.value not in (None, "")
    }


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(_TEXT, st.sampled_from(["", "A > B"]), _VALUE), max_size=5), _SHAPE)
def test_filled_cells_are_the_only_difference(rows: list[tuple[Any, ...]], shape: Mapping[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "in.xlsx"), Path(folder, "out.xlsx")
        _write(source, rows, shape)
        found = _products(source)
        assert [product.id for product in found] == [f"0{number}" for number in range(len(rows))]
        fill(source, out, lambda product: answer(product, category=["X", "Y"], caption="c"))
        before, after = _parts(source), _parts(out)
        assert [*before] == [*after]
        assert {name for name in before if before[name] != after[name]} <= {_SHEET, "xl/tables/table1.xml"}
        old, new = _values(source), _values(out)
        assert {name: new.get(name) for name in old} == old
        added = [new[name][0] for name in new.keys() - old.keys()]
        filled = sum(not row[1] for row in rows)
        assert added.count("X > Y") == 2 * filled and added.count("c") == len(rows)
        assert [product.original["note"] for product in _products(out)] == [row.original["note"] for row in found]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(_TEXT, _TEXT), max_size=5))
def test_texts_come_back_from_a_new_workbook(rows: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "in.jsonl"), Path(folder, "out.xlsx")
        lines = [{"id": str(number), "note": one, "other": two} for number, (one, two) in enumerate(rows)]
        source.write_text("".join(f"{json.dumps(line)}\n" for line in lines or [{"id": "0"}]))
        fill(source, out)
        again = [{name: row.original[name] for name in ("id", "note", "other")} for row in _products(out) if rows]
        assert again == lines
