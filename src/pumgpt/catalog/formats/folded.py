"""Tables in which a product may have several rows: its variants, its further photos, its texts in other languages.

The rows of a product that stand together are one record. Written, every row is as it was, and what was found out about
the product stands in its first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pumgpt.catalog.formats.base import Format, Record, RejectedRow
from pumgpt.catalog.formats.column_map import ColumnMap
from pumgpt.catalog.formats.csv import CsvReader, CsvWriter, padded, wrong_cells
from pumgpt.catalog.formats.csv_records import BrokenRecord
from pumgpt.catalog.formats.filled import FilledColumns
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding


@dataclass(frozen=True)
class FoldedRows(Mapping[str, str]):
    """The rows of one product, cell by cell as they stood. As a mapping: the first row by column."""

    places: Mapping[str, int] = field(repr=False)
    rows: tuple[Sequence[str], ...]

    def __getitem__(self, column: str) -> str:
        return self.rows[0][self.places[column]]

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)

    def with_cell(self, column: str, cell: str) -> FoldedRows:
        """The same with another cell in the first row."""
        first = list(self.rows[0])
        first[self.places[column]] = cell
        return FoldedRows(self.places, (first, *self.rows[1:]))

    def column(self, name: str | None) -> list[str]:
        """A column's cells, row by row; '' where a row is too short for it."""
        if name is None:
            return [""] * len(self.rows)
        place = self.places[name]
        return [row[place] if place < len(row) else "" for row in self.rows]


class FoldedReader(CsvReader):
    """One product for each run of rows that `continues` holds together; an id that comes again later is set aside."""

    def __init__(self, format_: Format[Any], path: Path, column_map: ColumnMap | None = None) -> None:
        super().__init__(format_, path, column_map)
        self.places = {name: place for place, name in enumerate(self.columns)}

    def settle_columns(self, names: Sequence[str]) -> None:
        """The header says it all."""

    def continues(self, cells: Sequence[str], first: Sequence[str]) -> bool:
        """Whether a row belongs to the product whose first row is `first`. Some tools leave the id empty in further rows."""
        return self.cell(cells, self.id_column) in ("", self.cell(first, self.id_column))

    def cell(self, cells: Sequence[str], column: str | None) -> str:
        """One cell of a row without blanks around; '' where the table lacks the column, or the row is too short."""
        # Nor has it a column of ids where rows are numbered.
        place = self.places.get(column or "", len(cells))
        return cells[place].strip() if place < len(cells) else ""

    def count_records(self) -> int:
        first: list[str] | None = None
        found = 0
        for cells in self.rows():
            if isinstance(cells, BrokenRecord):
                found += 1
            elif first is None or not self.continues(cells, first):
                first = cells
                found += 1
        return found

    def folded_rows(self, original: Any) -> Sequence[Record]:
        if not isinstance(original, FoldedRows):
            return ()
        return [dict(zip(original, cells, strict=False)) for cells in original.rows]

    def records(self) -> Iterator[Record | RejectedRow]:
        rows: list[list[str]] = []
        aside: list[RejectedRow] = []
        for number, cells in enumerate(self.rows(), start=1):
            if isinstance(cells, BrokenRecord):
                aside.append(RejectedRow(0, self.first_cell(cells), f"row {number} of the file: {cells.error}"))
                continue
            if rows and self.continues(cells, rows[0]):
                rows.append(cells)
            else:
                yield from self._fold(rows, aside)
                rows, aside = [cells], []
            if self._is_odd(cells):
                error = f"row {number} of the file: {wrong_cells(len(cells), len(self.columns))}; it is left as it is"
                aside.append(RejectedRow(0, self.cell(rows[0], self.id_column) or None, error))
        yield from self._fold(rows, aside)

    def _fold(self, rows: list[list[str]], aside: list[RejectedRow]) -> Iterator[Record | RejectedRow]:
        """A product, then what was odd inside of it. A product without one whole row is odd itself."""
        if rows:
            folded = FoldedRows(self.places, tuple(rows))
            if self._is_odd(rows[0]):
                yield RejectedRow(0, aside[0].id, aside[0].error, folded)
                aside = aside[1:]
            else:
                yield folded
        yield from aside

    def _is_odd(self, cells: Sequence[str]) -> bool:
        return len(cells) != len(self.columns)


class FoldedWriter(CsvWriter):
    """One file, product by product. `made` are columns of the system's own that the table lacks and now gets."""

    def __init__(self, path: Path, columns: FilledColumns, source: FoldedReader, made: Sequence[str] = ()) -> None:
        names = tuple(dict.fromkeys((*columns.own, *made, *columns.added)))
        self._places = {name: place for place, name in enumerate(names)}
        self._num_own = len(source.columns)
        super().__init__(path, columns, source, names)

    def write(self, product: Product, understanding: Understanding) -> None:
        rows = product.original
        assert isinstance(rows, FoldedRows)
        row = {**rows, **self.columns.cells(understanding)}
        self.fill(row, product, understanding)
        self.file.write([row.get(name, "") for name in self.names])
        self._carry_rows(rows.rows[1:])

    def carry(self, original: Any) -> None:
        if isinstance(original, FoldedRows):
            self._carry_rows(original.rows)

    def _carry_rows(self, rows: Sequence[Sequence[str]]) -> None:
        for cells in rows:
            self.file.write(padded(cells, self._places, {}) if len(cells) == self._num_own else cells)


def fold_column(name: str) -> str:
    """The name of a column as names are compared: in small letters, without blanks around."""
    return " ".join(name.casefold().split())
