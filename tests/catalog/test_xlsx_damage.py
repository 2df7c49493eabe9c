"""What is no workbook, is damaged, or was made to do damage."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import xlsxwriter
from filling import fill
from workbooks import SHEET, parts_of, read_products, red_answer, rewrite_parts, save_rows

from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.formats.output import check_output
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product
from pumgpt.errors import CatalogError


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
        ("a.xlsx", lambda path: save_rows(path, ["colour"], ["red"]), "has no column 'id'"),
        ("a.xlsx", lambda path: save_rows(path), "no sheet has a header"),
    ],
)
def test_what_is_no_workbook_is_one_line(tmp_path: Path, name: str, make: Callable[[Path], object], words: str) -> None:
    make(tmp_path / name)
    with pytest.raises(CatalogError, match=words) as caught:
        read_catalog(tmp_path / name)
    assert "\n" not in str(caught.value) and str(caught.value).startswith(f"{tmp_path / name}: ")


def test_a_workbook_named_xls_is_read(tmp_path: Path) -> None:
    save_rows(tmp_path / "a.xlsx", ["id", "title"], ["1", "Tee"])
    (tmp_path / "a.xlsx").rename(tmp_path / "a.xls")
    assert [product.title for product in read_products(tmp_path / "a.xls")] == ["Tee"]
    with pytest.raises(CatalogError, match=r"ending '\.xls' is not known"):
        check_output(tmp_path / "out.xls", read_catalog(tmp_path / "a.xls"))


def test_workbooks_made_to_fill_the_memory_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "in.xlsx"
    save_rows(path, ["id", "title"], ["1", "Tee"])
    filler = b" " * (20 << 20)
    rewrite_parts(path, {SHEET: lambda data: data.replace(b"</sheetData>", filler + b"</sheetData>")})
    with pytest.raises(CatalogError, match="would unpack to"):
        read_catalog(path)
    save_rows(path, ["id", "title"], ["1", "Tee"])
    bomb = b'<!DOCTYPE a [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><worksheet'
    rewrite_parts(path, {SHEET: lambda data: data.replace(b"<worksheet", bomb)})
    with pytest.raises(CatalogError, match="declares a document type"):
        read_catalog(path)


def test_a_row_that_can_not_be_read_costs_itself(tmp_path: Path) -> None:
    path = tmp_path / "in.xlsx"
    book = xlsxwriter.Workbook(path)
    book.add_worksheet().write_column(0, 0, ["id", "a", "b", "c"])
    book.close()
    rewrite_parts(path, {SHEET: lambda data: data.replace(b"<v>2</v>", b"<v>99</v>")})
    first, broken, last = read_catalog(path)
    assert isinstance(first, Product) and isinstance(last, Product) and last.id == "c"
    assert isinstance(broken, RejectedRow) and broken.row == 2
    assert broken.error.startswith("row 3 of the sheet can't be read (the workbook has no shared text 99)")
    fill(path, tmp_path / "out.xlsx", red_answer)
    assert b'<c r="A3" t="s"><v>99</v></c></row>' in parts_of(tmp_path / "out.xlsx")[SHEET]
