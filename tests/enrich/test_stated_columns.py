"""A half-filled plain column is filled with what the title states, in every format of table."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pumgpt.backends.fake import FakeBackend
from pumgpt.enrich.job import enrich, open_inputs

ROWS = [
    {"id": "1", "title": "Men's cotton shirt, long sleeve", "material": "", "size": "M"},
    {"id": "2", "title": "Wool scarf", "material": "Merino wool", "size": ""},
    {"id": "3", "title": "Shirt", "material": "", "size": ""},
]


def write_table(path: Path) -> None:
    if path.suffix == ".csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, ROWS[0])
            writer.writeheader()
            writer.writerows(ROWS)
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist([{name: cell or None for name, cell in row.items()} for row in ROWS]), path)
    else:
        book = openpyxl.Workbook()
        sheet = book.active
        for cells in (list(ROWS[0]), *(list(row.values()) for row in ROWS)):
            sheet.append(cells)
        book.save(path)


def read_table(path: Path) -> list[dict[str, object]]:
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            return list(csv.DictReader(file))
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    head, *rows = openpyxl.load_workbook(path).active.iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


def fill(source: Path, out: Path) -> None:
    opened = open_inputs(source, out, FakeBackend, tasks=["attributes"])
    enrich(opened.reader, out, opened.backend, opened.plan)


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".xlsx"])
def test_a_blank_cell_is_filled_and_the_shops_own_stays(tmp_path: Path, ending: str) -> None:
    source, out = tmp_path / f"shop{ending}", tmp_path / f"out{ending}"
    write_table(source)
    fill(source, out)
    assert [row["material"] or None for row in read_table(out)] == ["Cotton", "Merino wool", None]


def test_json_lines_say_which_words_state_it(tmp_path: Path) -> None:
    source, out = tmp_path / "shop.csv", tmp_path / "out.jsonl"
    write_table(source)
    fill(source, out)
    first, second, third = (
        {field["name"]: field for field in json.loads(line)["attributes"]}["material"]
        for line in out.read_text().splitlines()
    )
    assert (first["value"], first["status"], first["source"]) == ("Cotton", "filled", "text")
    assert first["evidence"] == {"kind": "text", "text": "cotton", "part": "title"}
    assert (second["value"], second["status"], second["source"]) == ("Merino wool", "kept", "shop")
    assert (third["value"], third["status"]) == (None, "abstained")
