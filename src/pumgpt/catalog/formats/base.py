"""What reading a catalogue is, whatever its format: one `Product` or one `RejectedRow` for every row, streamed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from pumgpt.catalog.formats.columns import ColumnMap, guess_columns, unread_photos
from pumgpt.catalog.formats.csv_records import MAX_CELL_CHARS
from pumgpt.catalog.formats.seen_ids import SeenIds
from pumgpt.catalog.formats.text_lines import check_file
from pumgpt.catalog.product import Product
from pumgpt.errors import CatalogError


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that can't be read. `row` counts data rows from 1; `id` is there where it could be told.

    `original` is what was read of it, for a writer that gives every row back.
    """

    row: int
    id: str | None
    error: str
    original: Any = field(default=None, compare=False, repr=False)


Record = Mapping[str, Any] | RejectedRow
"""One row before it is a `Product`; a rejected one has its number filled in later."""


@dataclass(frozen=True, slots=True)
class Fills:
    """Which of a catalogue's own columns take what is filled in: the category, and attributes by their folded name."""

    category: str | None = "category"
    attributes: Mapping[str, str] = field(default_factory=dict)


class CatalogReader:
    """One catalogue file. Iterating reads it from the start, as often as one likes.

    `warnings` collects what the user should know of the file as a whole, one line each; it grows while rows are read.
    `column_map` says which column is read as what; None where they have our names.
    """

    kind: ClassVar[str]
    """What people call such a file."""
    is_export: ClassVar[bool] = False
    """Whether a system wrote it in a form of its own, which has places of its own for attributes; see `without`."""
    schema: pa.Schema | None = None
    """The columns' types, where the file has them."""

    def __init__(self, path: Path, column_map: ColumnMap | None = None) -> None:
        self._check_path(path)
        self.path = path
        self.column_map = column_map
        self.warnings: list[str] = []

    @property
    def base(self) -> Path:
        """Where relative paths of photos start."""
        return self.path.parent

    @property
    def columns(self) -> tuple[str, ...]:
        """The file's columns in order."""
        raise NotImplementedError

    @property
    def fields(self) -> Mapping[str, str]:
        """What is read as what: our name for it -> the file's column. Empty where the file has our names."""
        return {} if self.column_map is None else self.column_map.fields

    @property
    def fills(self) -> Fills:
        """Where the shop's own columns are filled."""
        return (
            Fills() if self.column_map is None else Fills(self.column_map.category, self.column_map.attribute_columns)
        )

    def count(self) -> int:
        """About how many rows there are; cheap enough for a progress bar."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[Product | RejectedRow]:
        seen = SeenIds()
        for row, record in enumerate(self._records(), start=1):
            product = record if isinstance(record, RejectedRow) else self._product(record)
            if isinstance(product, RejectedRow):
                yield replace(product, row=row)
                continue
            first = seen.first_row(product.id, row)
            if first == row:
                yield product
            else:
                yield RejectedRow(row, product.id, self._twice(product.id, first), product.original)

    def without(self, original: Any, failed: Mapping[str, Collection[str]]) -> Any:
        """A system's record, in its own form, without these values of a product's attributes."""
        raise NotImplementedError

    def _records(self) -> Iterator[Record]:
        raise NotImplementedError

    def _product(self, record: Mapping[str, Any]) -> Product | RejectedRow:
        name = self._id_column
        identifier = record.get(name)
        if identifier is None or not str(identifier).strip():
            return RejectedRow(0, None, f"field '{name}' is missing or empty; give every row an id", record)
        if not isinstance(identifier, str | int | float):
            return RejectedRow(0, None, f"field '{name}' is {type(identifier).__name__}, not text; quote it", record)
        if any(isinstance(cell, str) and len(cell) > MAX_CELL_CHARS for cell in record.values()):
            error = f"a cell has more than {MAX_CELL_CHARS:,} characters; shorten it"
            return RejectedRow(0, str(identifier)[:100], error, record)
        try:
            return self._read_fields(record)
        except CatalogError as error:
            return RejectedRow(0, str(identifier), str(error), record)

    def _read_fields(self, record: Mapping[str, Any]) -> Product:
        if self.column_map is not None:
            return self.column_map.read(record, self.base)
        return Product.from_record(record, self.base)

    @property
    def _id_column(self) -> str:
        return "id" if self.column_map is None else self.column_map.id

    def _twice(self, id_: str, first: int) -> str:
        return f"id '{id_}' stands already in row {first}; give every row its own id"

    def _settle_columns(self, names: Sequence[str]) -> None:
        """Which column is read as what: as the caller says, by our own names, or guessed and told.

        Raises `CatalogError` where a column that the caller names isn't there, or none can be the id.
        """
        if self.column_map is not None:
            self.column_map.check(self.path, names)
        elif "id" in names:
            photos = unread_photos(names)
            if photos:
                self._warn_once(
                    [f"{self.path}: has no column 'image'; where '{photos}' holds photos, say so with --columns"]
                )
        else:
            self.column_map = guess_columns(names)
            if self.column_map is None:
                raise CatalogError(_no_id(self.path, names))
            self._warn_once([f"{self.path}: {self.column_map.describe()}; set it with --columns"])

    def _check_path(self, path: Path) -> None:
        check_file(path)

    def _warn_once(self, warnings: Iterable[str]) -> None:
        self.warnings.extend(line for line in warnings if line not in self.warnings)


def without_parts(cell: str, separator: str, failed: Collection[str]) -> str:
    """A cell of several values without those that failed; as it stands where none did."""
    parts = cell.split(separator)
    kept = [part for part in parts if part.strip() not in failed]
    return cell if len(kept) == len(parts) else separator.join(kept).strip()


def _no_id(path: Path, columns: Iterable[str]) -> str:
    names = list(columns)
    return (
        f"{path}: has no column 'id', nor one that looks like it (it has: {', '.join(names)}); "
        "add one, or name the one that holds the ids with --columns"
    )
