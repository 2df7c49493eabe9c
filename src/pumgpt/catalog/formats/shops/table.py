"""The product tables of shop systems: one class for each says what its columns are called and how its cells are written.

A system's file is its `ShopTable` in a file of its own beside this one. Written, a table has every row that it had, and what
was filled stands where the system's own import looks for it: the category in its column, attributes in their cells
(`attribute_cells`), where these had nothing. What has no place there stands in the `pumgpt_*` columns alone, which
imports pass by.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import ClassVar

from pumgpt.catalog.formats.annotated import AnnotatedRow
from pumgpt.catalog.formats.base import Format, FormatWriter, Record
from pumgpt.catalog.formats.column_map import ROW_NUMBER, ColumnMap, guess_columns
from pumgpt.catalog.formats.csv import TABLES, annotate_export, is_table, read_header
from pumgpt.catalog.formats.filled import FilledColumns, Fills
from pumgpt.catalog.formats.folded import FoldedReader, FoldedRows, FoldedWriter, fold_column
from pumgpt.catalog.formats.shops.attribute_cells import AttributeCells
from pumgpt.catalog.html_text import plain_text
from pumgpt.catalog.photo_list import split_photos
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute

_ROWS_TO_LEARN_FROM = 1000


class ShopTable(Format["ShopTableReader"]):
    """The product table of one shop system."""

    endings = TABLES
    can_unpack = True
    is_export = True
    marks: ClassVar[Collection[str]]
    """Columns that a table has, if it is this system's: all of them."""
    named: ClassVar[Mapping[str, Sequence[str]]]
    """id, title, description and category -> what their columns are called, the likeliest first. The first that has a
    value counts, but for the id, which must be one column."""
    photos: ClassVar[re.Pattern[str]]
    """What columns of photos are called."""
    photo_folders: ClassVar[Sequence[str]] = ()
    """Where photos lie from the table's folder on, besides in it."""
    keeps_root: ClassVar[bool] = False
    """Whether a product stays in the root of all categories beside the one that is filled."""
    numbers_rows: ClassVar[bool] = False
    """Whether products are called by their rows where not all of them have an id: the system has no number of its own."""

    def recognise(self, path: Path, column_map: ColumnMap | None = None) -> bool:
        if column_map is not None or not is_table(path):
            return False
        names = read_header(path)
        # A table with a column `id` is its owner's own, but for systems that call theirs so.
        is_owners = "id" in names and "id" not in self.named["id"]
        return not is_owners and self.claims([self.fold(name) for name in names])

    def fold(self, name: str) -> str:
        """The name of a column as `marks`, `named` and `photos` have it."""
        return fold_column(name)

    def claims(self, names: Collection[str]) -> bool:
        """Whether a header with these names, folded, is this system's."""
        return {*self.marks} <= {*names}

    def preferred(self, columns: Sequence[str]) -> Sequence[str]:
        """The columns in the order in which they count, where several have one name."""
        return columns

    def read(self, path: Path, column_map: ColumnMap | None = None) -> ShopTableReader:
        return ShopTableReader(self, path)

    def fill(self, path: Path, columns: FilledColumns, source: ShopTableReader) -> FormatWriter:
        return ShopTableWriter(path, columns, source)

    def strike(
        self, source: ShopTableReader, original: FoldedRows, failed: Mapping[str, Collection[str]]
    ) -> FoldedRows:
        """Options stay: they tell variants apart."""
        row = dict(original)
        for cells in source.attribute_cells:
            cells.strike(row, failed)
        first = [row[name] for name in original]
        return FoldedRows(original.places, (first, *original.rows[1:]))

    def replace_category(self, source: ShopTableReader, original: FoldedRows, value: str) -> FoldedRows:
        return original.with_cell(source.fills.category or "", value)

    def annotate(self, path: Path, source: ShopTableReader, names: Sequence[str], rows: Iterable[AnnotatedRow]) -> None:
        annotate_export(path, source, names, rows, lambda original: getattr(original, "rows", ()))

    def continues(self, source: ShopTableReader, cells: Sequence[str], first: Sequence[str]) -> bool:
        """Whether a row belongs to the product whose first row is `first`."""
        return FoldedReader.continues(source, cells, first)

    @abstractmethod
    def attribute_cells(self, source: ShopTableReader) -> Sequence[AttributeCells]:
        """Where this table has attributes; the first that has a place for one takes it."""

    def text(self, cell: str) -> str:
        """A title or a description as the system means it."""
        return cell

    def category(self, cell: str) -> Sequence[str] | str | None:
        """The levels of the category that a cell names; as text where they are written in one of the usual ways."""
        return cell

    def category_cell(self, source: ShopTableReader, path: Sequence[str], id_: str | None) -> str | None:
        """A category as the system's import reads it; None where it can't be written."""
        return " > ".join(path)


class ShopTableReader(FoldedReader):
    """One open table. What differs from system to system is asked of its `ShopTable`."""

    format: ShopTable

    @cached_property
    def named(self) -> Mapping[str, str]:
        """Folded name -> column; of two alike the preferred one."""
        return {self.format.fold(name): name for name in reversed(self.format.preferred(self.columns))}

    @cached_property
    def _candidates(self) -> Mapping[str, Sequence[str]]:
        """id, title, description, category -> the columns that may hold it."""
        ordered = self.format.preferred(self.columns)
        return {
            field: [column for name in names for column in ordered if self.format.fold(column) == name]
            for field, names in self.format.named.items()
        }

    @cached_property
    def _photo_columns(self) -> Sequence[str]:
        return [name for name in self.columns if self.format.photos.fullmatch(self.format.fold(name))]

    @cached_property
    def attribute_cells(self) -> Sequence[AttributeCells]:
        return self.format.attribute_cells(self)

    @cached_property
    def fields(self) -> Mapping[str, str]:
        found = {field: columns[0] for field, columns in self._candidates.items() if columns}
        found["id"] = self.id_column
        photos = {f"image {n}" if n > 1 else "image": name for n, name in enumerate(self._photo_columns, start=1)}
        return {**found, **photos}

    @cached_property
    def fills(self) -> Fills:
        own = {name: column for cells in reversed(self.attribute_cells) for name, column in cells.takes.items()}
        others = next(filter(None, (cells.takes_others for cells in self.attribute_cells)), None)
        return Fills(next(iter(self._candidates.get("category", ())), None), own, others)

    @cached_property
    def numbers_rows(self) -> bool:  # type: ignore[override]
        if not self.format.numbers_rows:
            return False
        candidates = self._candidates["id"]
        is_numbered = not candidates or not all(self.filled_columns(candidates[:1]))
        if is_numbered:
            self.warn(f"{self.path}: not every product has a SKU, so they are called by the numbers of their rows")
        return is_numbered

    @cached_property
    def id_column(self) -> str:  # type: ignore[override]
        return ROW_NUMBER if self.numbers_rows else self.find_id(self._candidates["id"])

    @cached_property
    def sample(self) -> Sequence[FoldedRows]:
        """The first products, from which it is learnt how this shop writes things."""
        return [*islice((rows for rows in self.records() if isinstance(rows, FoldedRows)), _ROWS_TO_LEARN_FROM)]

    @cached_property
    def spellings(self) -> Mapping[str, str]:
        """Folded name of an attribute -> how the shop writes it."""
        names = (name.strip() for rows in self.sample for cells in self.attribute_cells for name, _ in cells.read(rows))
        return {fold_attribute(name): name for name in reversed([*dict.fromkeys(names)])}

    def sample_cell(self, column: str | None) -> str:
        """The first cell of a column that has a value; '' where none of the first products has."""
        cells = (rows[column].strip() for rows in self.sample if column is not None)
        return next(filter(None, cells), "")

    def continues(self, cells: Sequence[str], first: Sequence[str]) -> bool:
        return self.format.continues(self, cells, first)

    def product_of(self, record: Record) -> Product:
        assert isinstance(record, FoldedRows)
        attributes: dict[str, list[str]] = {}
        for cells in self.attribute_cells:
            for name, values in cells.read(record):
                tidied = (plain_text(value).strip() for value in values)
                attributes.setdefault(fold_attribute(name), []).extend(value for value in tidied if value)
        category = self._first(record, "category")
        known = {
            "id": record.get(self.id_column, ROW_NUMBER).strip(),
            "title": self.format.text(self._first(record, "title")),
            "description": self.format.text(self._first(record, "description")),
            "category": self.format.category(category) if category else None,
            "images": self._photos(record),
            "attributes": {name: list(dict.fromkeys(values)) for name, values in attributes.items() if name},
        }
        read = {
            self.id_column,
            *(
                column
                for field in ("title", "description", "category")
                for column in self._candidates.get(field, ())[:1]
            ),
            *self._photo_columns,
            *(column for cells in self.attribute_cells for column in cells.columns()),
        }
        extra = {name: cell for name, cell in record.items() if name not in read}
        return replace(Product.from_record(known, self.base), extra=extra, original=record)

    def _first(self, record: FoldedRows, field: str) -> str:
        """The first cell with a value among the columns that may hold a field."""
        cells = (record[column].strip() for column in self._candidates.get(field, ()))
        return next(filter(None, cells), "")

    def _photos(self, record: FoldedRows) -> list[str]:
        """The photos of all rows: the columns in order, and in each the rows in order."""
        cells = (cell for column in self._photo_columns for cell in record.column(column) if cell.strip())
        photos = dict.fromkeys(photo for cell in cells for photo in split_photos(cell, self.base))
        return [self._placed(photo) for photo in photos]

    def _placed(self, photo: str) -> str:
        """A photo where it lies. Systems write paths from a media folder of theirs, and begin them with a slash."""
        for folder in ("", *self.format.photo_folders):
            below = Path(folder, photo.lstrip("/"))
            if (folder or photo.startswith("/")) and not photo.startswith("//") and (self.base / below).is_file():
                return str(below)
        return photo


class ShopTableWriter(FoldedWriter):
    """One table, product by product."""

    def __init__(self, path: Path, columns: FilledColumns, source: ShopTableReader) -> None:
        self._reader = source
        names = list(dict.fromkeys(map(fold_attribute, columns.attribute_names)))
        made = [name for cells in source.attribute_cells for name in cells.made(names)]
        super().__init__(path, columns, source, made)

    def fill(self, row: dict[str, str], product: Product, understanding: Understanding) -> None:
        source, overwrite = self._reader, self.columns.overwrite_values
        path, column = self.columns.category(product, understanding), source.fills.category
        if path is not None and column is not None:
            cell = source.format.category_cell(
                source, path, understanding.category.id if understanding.category else None
            )
            if cell is not None:
                # What is no category of the product's, as it says nothing, may be the root that all products are in.
                is_root = source.format.keeps_root and not overwrite and row[column].strip()
                row[column] = f"{row[column]},{cell}" if is_root else cell
        for made in self.names:
            row.setdefault(made, "")
        known = {} if overwrite else {fold_attribute(name): value for name, value in (product.attributes or {}).items()}
        for name, values in self.columns.filled(understanding).items():
            if not known.get(name):
                any(cells.put(row, name, values, source.spellings.get(name)) for cells in source.attribute_cells)


def plain_attributes(source: ShopTableReader) -> dict[str, str]:
    """Attributes that a table has in columns of their names: folded name -> column."""
    guessed = guess_columns(source.columns, source.columns[0])
    return {} if guessed is None else guessed.attribute_columns


def option_columns(source: ShopTableReader, name: str, *values: str, most: int = 6) -> list[tuple[str, str]]:
    """The pairs of columns of options that a table has. Of the patterns, {} stands for the option's number."""
    pairs = [(name.format(number), value.format(number)) for number in range(1, most + 1) for value in values]
    return [(source.named[one], source.named[other]) for one, other in pairs if {one, other} <= source.named.keys()]


def deepest_path(paths: Iterable[Iterable[str]]) -> list[str]:
    """Of several categories the one that says most; of equally deep ones the first."""
    tidied = ([level.strip() for level in path if level.strip()] for path in paths)
    return max(tidied, key=len, default=[])
