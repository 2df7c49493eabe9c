"""CSV and TSV out: the shop's own cells, as they were, with what was filled and the `pumgpt_*` columns. UTF-8."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from pumgpt.catalog.output_columns import OutputColumns, own_cell
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding


class CsvTable:
    """One file, row by row."""

    def __init__(self, path: Path, columns: OutputColumns, delimiter: str) -> None:
        self._columns = columns
        self._file = path.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file, delimiter=delimiter, lineterminator="\n")
        self._quoting_writer = csv.writer(self._file, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
        self._write_cells(columns.names)

    def write(self, product: Product, understanding: Understanding) -> None:
        answers = self._columns.answers(understanding)
        row = {name: own_cell(product, name) for name in self._columns.own}
        row.update({name: "" if value is None else str(value) for name, value in answers.items()})
        category = self._columns.category(product, understanding)
        if category is not None and "category" in row:
            row["category"] = " > ".join(category)
        self._write_cells([row[name] for name in self._columns.names])

    def close(self) -> None:
        self._file.close()

    def _write_cells(self, cells: Sequence[str]) -> None:
        # Python 3.11's writer leaves a lone \r unquoted, and readers take that for the end of the row.
        writer = self._quoting_writer if any("\r" in cell for cell in cells) else self._writer
        writer.writerow(cells)
