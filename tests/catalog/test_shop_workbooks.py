"""Shop systems' tables in workbooks: read, filled and written as the CSV of the same system is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import openpyxl
import pytest
from filling import answer, cells, fill
from openpyxl.styles import Font
from shop_systems import ATTRIBUTES, SYSTEMS, System, full_answer
from tables import products

from pumgpt.catalog.formats.annotated import AnnotatedRow
from pumgpt.catalog.formats.output import write_annotated
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product

EXPORTS = Path(__file__).parent / "exports"


def save_as_workbook(table: Path, delimiter: str = ",", title: str = "Sheet") -> Path:
    """What a spreadsheet program makes of a table of text; beside it a sheet of notes, and a bold header."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in cells(table, delimiter):
        sheet.append([cell or None for cell in row])
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    book.create_sheet("Notes")["B2"] = "call the supplier"
    path = table.with_suffix(".xlsx")
    book.save(path)
    return path


def sheet_cells(path: Path, sheet: str | None = None) -> list[list[str]]:
    book = openpyxl.load_workbook(path)
    rows = (book[sheet] if sheet else book.worksheets[0]).iter_rows(values_only=True)
    return trimmed([["" if value is None else str(value) for value in row] for row in rows])


def trimmed(rows: Iterable[Sequence[str]]) -> list[list[str]]:
    """Without blank rows and the empty cells at the end of rows, which a sheet has as far as its widest row goes."""
    return [[*row[: max(place for place, cell in enumerate(row, start=1) if cell)]] for row in rows if any(row)]


def told(found: Sequence[Product]) -> list[tuple[object, ...]]:
    return [(row.id, row.title, row.description, row.category, row.attributes, row.images) for row in found]


@pytest.fixture(params=SYSTEMS)
def system(request: pytest.FixtureRequest) -> System:
    return SYSTEMS[request.param]


def test_it_is_read_as_the_systems_own_table(system: System, tmp_path: Path) -> None:
    table = system.write(tmp_path)
    workbook = save_as_workbook(table, system.delimiter)
    reader = read_catalog(workbook)
    assert reader.format.name == system.format
    assert told(products(workbook)) == told(products(table))
    assert reader.count() == len(system.ids)


def test_the_same_cells_are_filled(system: System, tmp_path: Path) -> None:
    table, out, filled = system.write(tmp_path), tmp_path / f"out{system.ending}", tmp_path / "out.xlsx"
    workbook = save_as_workbook(table, system.delimiter)
    fill(table, out, full_answer, ATTRIBUTES)
    fill(workbook, filled, full_answer, ATTRIBUTES)
    assert sheet_cells(filled) == trimmed(cells(out, system.delimiter))
    assert told(products(filled)) == told(products(out)), "what we write we read again"
    assert sheet_cells(filled, "Notes") == sheet_cells(workbook, "Notes")
    assert openpyxl.load_workbook(filled).worksheets[0]["A1"].font.bold


@pytest.mark.parametrize("name", ["shopify.csv", "shopify_new.csv"])
def test_variants_stay_below_their_product(name: str, tmp_path: Path) -> None:
    table = tmp_path / name
    table.write_bytes((EXPORTS / name).read_bytes())
    workbook, out, filled = save_as_workbook(table), tmp_path / "out.csv", tmp_path / "out.xlsx"
    fill(table, out, full_answer, ATTRIBUTES)
    fill(workbook, filled, full_answer, ATTRIBUTES)
    assert read_catalog(workbook).format.name == "Shopify's product CSV"
    assert sheet_cells(filled) == trimmed(cells(out))


def test_rows_without_an_answer_and_rows_set_aside_stay_as_they_are(tmp_path: Path) -> None:
    rows = [{"sku": "a", "name": "Shirt"}, {"sku": "b", "name": "Hat"}, {"sku": "a", "name": "Again"}, {"sku": "c"}]
    workbook = save_as_workbook(SYSTEMS["magento"].write(tmp_path, rows))
    before = sheet_cells(workbook)
    filled = tmp_path / "out.xlsx"
    fill(workbook, filled, lambda product: full_answer(product) if product.id == "c" else None, ATTRIBUTES)
    after = sheet_cells(filled)
    width = len(SYSTEMS["magento"].header)
    assert trimmed(row[:width] for row in after[:4]) == before[:4]
    assert after[4][SYSTEMS["magento"].header.index("material")] == "Wool|Silk"


def test_confidences_are_numbers(tmp_path: Path) -> None:
    workbook = save_as_workbook(SYSTEMS["akeneo"].write(tmp_path), ";")
    fill(workbook, tmp_path / "out.xlsx", full_answer, ATTRIBUTES)
    header, first, *_ = openpyxl.load_workbook(tmp_path / "out.xlsx").worksheets[0].iter_rows(values_only=True)
    assert first[header.index("pumgpt_colour_confidence")] == 0.8


def test_text_and_workbook_turn_into_each_other(tmp_path: Path) -> None:
    table = SYSTEMS["magento"].write(tmp_path)
    workbook = save_as_workbook(table)
    fill(table, tmp_path / "plain.csv", full_answer, ATTRIBUTES)
    fill(table, tmp_path / "made.xlsx", full_answer, ATTRIBUTES)
    fill(workbook, tmp_path / "made.csv", full_answer, ATTRIBUTES)
    expected = cells(tmp_path / "plain.csv")
    assert sheet_cells(tmp_path / "made.xlsx") == trimmed(expected)
    assert cells(tmp_path / "made.csv") == expected


def test_a_sheet_may_be_named(tmp_path: Path) -> None:
    table = SYSTEMS["magento"].write(tmp_path)
    workbook = save_as_workbook(table, title="Products")
    named = workbook.with_name(f"{workbook.name}#Products")
    assert read_catalog(named).format.name == "Magento's product CSV"
    assert told(products(named)) == told(products(table))


def test_a_sheet_with_ids_of_its_own_is_its_owners(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (("id", *SYSTEMS["magento"].header), ("7", *[""] * 6, "Soft")):
        book.worksheets[0].append(row)
    book.save(tmp_path / "in.xlsx")
    assert read_catalog(tmp_path / "in.xlsx").format.name == "an Excel workbook"


def test_notes_of_curation_stand_in_the_first_row(tmp_path: Path) -> None:
    table = SYSTEMS["magento"].write(tmp_path)
    workbook = save_as_workbook(table)
    for source, out in ((table, tmp_path / "out.csv"), (workbook, tmp_path / "out.xlsx")):
        reader = read_catalog(source)
        rows = (
            AnnotatedRow(row, row.original, {"verdicts": f"of {row.id}"}) for row in reader if isinstance(row, Product)
        )
        write_annotated(out, reader, ["verdicts"], rows)
    assert sheet_cells(tmp_path / "out.xlsx") == trimmed(cells(tmp_path / "out.csv"))


def test_a_feed_keeps_its_columns(tmp_path: Path) -> None:
    table = tmp_path / "feed.tsv"
    table.write_bytes((EXPORTS / "google.tsv").read_bytes())
    workbook = save_as_workbook(table, "\t")
    fill(table, tmp_path / "out.tsv", lambda product: answer(product, colour="Blue"), ("colour",))
    fill(workbook, tmp_path / "out.xlsx", lambda product: answer(product, colour="Blue"), ("colour",))
    assert read_catalog(workbook).format.name == "a Google Merchant feed"
    assert sheet_cells(tmp_path / "out.xlsx") == trimmed(cells(tmp_path / "out.tsv", "\t"))
