"""Filled workbooks: only the filled cells change, and any catalogue can become one."""

from __future__ import annotations

import datetime
import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import openpyxl
import polars
import xlsxwriter
from filling import answer, cells, fill
from hypothesis import given, settings
from hypothesis import strategies as st
from workbooks import SHEET, parts_of, png, read_products, red_answer, save_rows

from pumgpt.catalog.formats.annotated import AnnotatedRow
from pumgpt.catalog.formats.output import write_annotated
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product


def _merchants_workbook(path: Path, folder: Path) -> None:
    """Much of what openpyxl would lose."""
    (folder / "p.png").write_bytes(png("red"))
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
    fill(source, out, lambda product: red_answer(product) if product.id != "002" else None, ("colour",))
    before, after = parts_of(source), parts_of(out)
    assert [*before] == [*after]
    assert {name for name in before if before[name] != after[name]} == {"xl/workbook.xml", SHEET}
    # Without the new cells the sheet is the old one, but for what says how wide it is.
    sheet = re.sub(rb'<c r="[F-N]\d"[^>]*?t="inlineStr".*?</c>|<c r="[F-N]\d"><v>.*?</c>', b"", after[SHEET])
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

    assert plain(sheet) == plain(before[SHEET])
    shown = re.findall(rb"<col [^>]*>", after[SHEET])
    assert [b"hidden" in tag for tag in shown] == [False, True]
    assert b"Products!$A$1:$N$6" not in before["xl/workbook.xml"]
    assert before["xl/workbook.xml"].replace(b"$D$6", b"$N$6") == after["xl/workbook.xml"]


def test_a_filled_workbook_reads_as_filled(tmp_path: Path) -> None:
    source, out = tmp_path / "in.xlsx", tmp_path / "out.xlsx"
    _merchants_workbook(source, tmp_path)
    fill(source, out, red_answer, ("colour",))
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
    fill(out, tmp_path / "twice.xlsx", red_answer, ("colour",))
    fill(tmp_path / "twice.xlsx", tmp_path / "thrice.xlsx", red_answer, ("colour",))
    assert parts_of(tmp_path / "twice.xlsx") == parts_of(tmp_path / "thrice.xlsx")
    fill(out, tmp_path / "emptied.xlsx")
    assert {product.extra["pumgpt_caption"] for product in read_products(tmp_path / "emptied.xlsx")} == {""}


def test_a_table_takes_the_new_columns_in(tmp_path: Path) -> None:
    source, out = tmp_path / "in.xlsx", tmp_path / "out.xlsx"
    polars.DataFrame({"id": ["a", "b"], "title": ["Tee", "Mug"]}).write_excel(source)
    fill(source, out, red_answer)
    (table,) = openpyxl.load_workbook(out).active.tables.values()
    header = [cell.value for cell in openpyxl.load_workbook(out).active[1]]
    assert table.ref == table.autoFilter.ref == "A1:H3"
    assert [column.name for column in table.tableColumns] == header
    assert len({column.id for column in table.tableColumns}) == 8


def test_what_stands_beside_the_catalogue_is_not_overwritten(tmp_path: Path) -> None:
    source, out = tmp_path / "in.xlsx", tmp_path / "out.xlsx"
    save_rows(source, ["id", "title"], ["a", "Tee", None, None, "ask Ann"], ["b", "Mug"])
    fill(source, out, red_answer)
    sheet = openpyxl.load_workbook(out).active
    assert sheet["E2"].value == "ask Ann" and sheet["F1"].value == "pumgpt_caption"


def test_columns_that_the_shop_names_are_filled(tmp_path: Path) -> None:
    source, out = tmp_path / "in.xlsx", tmp_path / "out.xlsx"
    save_rows(source, ["SKU", "Name", "Colour", "Department"], ["a", "Tee", None, "Men"], ["b", "Mug", "Blue"])
    fill(source, out, red_answer, ("colour",))
    rows = [[cell.value for cell in row[:4]] for row in openpyxl.load_workbook(out).active]
    assert rows[1:] == [["a", "Tee", "Red", "Men"], ["b", "Mug", "Blue", "Clothing > Shirts"]]


def test_a_curated_workbook_keeps_its_rows_and_loses_failed_values(tmp_path: Path) -> None:
    source, out = tmp_path / "in.xlsx", tmp_path / "out.xlsx"
    save_rows(source, ["id", "title", "colour"], ["a", "Tee", "Red"], ["b", "Mug", "Blue"], [None, "no id", "Red"])
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
    assert [{**product.original} for product in read_products(out)] == [{"id": "01", "title": "Tee", "verdict": "=1"}]


def test_macros_are_kept_and_another_ending_is_a_new_workbook(tmp_path: Path) -> None:
    source = tmp_path / "in.xlsm"
    book = xlsxwriter.Workbook(source)
    (tmp_path / "vbaProject.bin").write_bytes(b"\xd0\xcf macros")
    book.add_vba_project(str(tmp_path / "vbaProject.bin"))
    book.add_worksheet().write_column(0, 0, ["id", "a"])
    book.close()
    fill(source, tmp_path / "out.xlsm", red_answer)
    assert parts_of(tmp_path / "out.xlsm")["xl/vbaProject.bin"] == b"\xd0\xcf macros"
    fill(source, tmp_path / "out.xlsx", red_answer)
    assert "xl/vbaProject.bin" not in parts_of(tmp_path / "out.xlsx")
    fill(tmp_path / "out.xlsx", tmp_path / "new.xlsm", red_answer)
    assert b"macroEnabled" in parts_of(tmp_path / "new.xlsm")["[Content_Types].xml"]


def test_any_catalogue_becomes_a_workbook_of_texts(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text('id,title,price\n00123,=SUM(A1),1e5\n@x,"two\nlines",-1\n', encoding="utf-8")
    fill(tmp_path / "in.csv", tmp_path / "out.xlsx", red_answer, ("colour",))
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
    assert len(read_products(tmp_path / "out.xlsx")[0].description or "") == 32_767


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
        found = read_products(source)
        assert [product.id for product in found] == [f"0{number}" for number in range(len(rows))]
        fill(source, out, lambda product: answer(product, category=["X", "Y"], caption="c"))
        before, after = parts_of(source), parts_of(out)
        assert [*before] == [*after]
        assert {name for name in before if before[name] != after[name]} <= {SHEET, "xl/tables/table1.xml"}
        old, new = _values(source), _values(out)
        assert {name: new.get(name) for name in old} == old
        added = [new[name][0] for name in new.keys() - old.keys()]
        filled = sum(not row[1] for row in rows)
        assert added.count("X > Y") == 2 * filled and added.count("c") == len(rows)
        assert [product.original["note"] for product in read_products(out)] == [row.original["note"] for row in found]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(_TEXT, _TEXT), max_size=5))
def test_texts_come_back_from_a_new_workbook(rows: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "in.jsonl"), Path(folder, "out.xlsx")
        lines = [{"id": str(number), "note": one, "other": two} for number, (one, two) in enumerate(rows)]
        source.write_text("".join(f"{json.dumps(line)}\n" for line in lines or [{"id": "0"}]))
        fill(source, out)
        again = [{name: row.original[name] for name in ("id", "note", "other")} for row in read_products(out) if rows]
        assert again == lines
