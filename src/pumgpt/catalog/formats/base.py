"""What a catalogue format is: one `Format` object that recognises its files, reads them and writes them again.

A format is one file in this folder and one line in `registry.py`. Its reader gives a `Product` or a `RejectedRow` for every
row; its writer takes the products back with what was filled. An export (`is_export`) is the form of one shop system: it has
places of its own for categories and attributes, and goes back in that form with every row that it had.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

import pyarrow as pa

from pumgpt.catalog.formats.annotated import AnnotatedRow
from pumgpt.catalog.formats.attribute_values import attribute_values, with_attribute_values
from pumgpt.catalog.formats.column_map import (
    ROW_NUMBER,
    ColumnMap,
    chosen_locale,
    fits_name,
    guess_attributes,
    guess_columns,
    id_candidates,
    lacks_fields,
    locales,
    unread_fields,
)
from pumgpt.catalog.formats.column_names import distinct_names
from pumgpt.catalog.formats.compression import ending_of, is_packed
from pumgpt.catalog.formats.filled import FilledColumns, Fills
from pumgpt.catalog.formats.text_lines import MAX_CELL_CHARS, check_file
from pumgpt.catalog.product import KNOWN_FIELDS, Product, is_missing, text_of
from pumgpt.catalog.understanding import Understanding
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute
from pumgpt.catalog.vocabulary.category_ids import CategoryIds
from pumgpt.errors import CatalogError

Record = Mapping[str, Any]
"""One row as the file has it, by column."""

_ROWS_TO_FIND_ID = 10_000
_ID_TYPES = (str, int, float, Decimal, UUID)
_ROWS_TO_FIND_TYPES = 20


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that can't be used. `row` counts data rows from 1; `id` is there where it could be told.

    `original` is what was read of it, for a writer that gives every row back.
    """

    row: int
    id: str | None
    error: str
    original: Any = field(default=None, compare=False, repr=False)


NumberedRow = tuple[int, Product | RejectedRow]
"""A row of a catalogue with its number, from 1."""


class CatalogReader(ABC):
    """One open catalogue. Iterating reads it from the start, as often as one likes.

    `warnings` collects what the user should know of the file as a whole, one line each; it grows while rows are read.
    `column_map` says which column is read as what; None where the columns have our names. A subclass gives `columns`,
    `count_records` and `records`, and overrides the other public methods where its files differ.
    """

    text_only: ClassVar[bool] = False
    """Whether every cell is text, as in CSV: then a column `attributes` is one of the shop's, not a mapping."""
    schema: pa.Schema | None = None
    """The columns' types, where the file has them."""
    category_ids: CategoryIds | None = None
    """Set by whoever has a taxonomy: what the ids mean that the shop gives as categories."""

    def __init__(self, format_: Format[Any], path: Path, column_map: ColumnMap | None = None) -> None:
        self.check_path(path)
        self.format = format_
        self.path = path
        self._folder = (
            path.parent
        )  # the same object for every row: what is remembered by it needs no comparing of paths
        self.column_map = column_map
        self.given_columns = column_map
        """The columns as the caller named them; `column_map` may be guessed later."""
        self.plain_attributes: dict[str, str] = {}
        """Attribute -> column, in a table that has our names beside."""
        self._readable_columns: tuple[str, ...] = ()
        self.warnings: list[str] = []
        self._warned_kinds: set[str] = set()

    def __iter__(self) -> Iterator[Product | RejectedRow]:
        # Digests, so that long ids cost no more memory than short ones. Of a million ids two are taken for one with a
        # probability of 3 in 100 million; unlike Python's own hash, every run then sets aside the same row.
        first_rows: dict[bytes, int] = {}
        numbers_rows = self.numbers_rows
        for row, record in enumerate(self.records(), start=1):
            product = record if isinstance(record, RejectedRow) else self._checked(record)
            if numbers_rows:
                product = replace(product, id=str(row))
            if isinstance(product, RejectedRow):
                yield replace(product, row=row)
                continue
            digest = blake2b(product.id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
            first = first_rows.setdefault(digest, row)
            if first == row:
                yield product
            else:
                yield RejectedRow(row, product.id, self.repeated_id(product.id, first), product.original)

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The file's columns in order."""

    @abstractmethod
    def records(self) -> Iterator[Record | RejectedRow]:
        """The rows of the file; a rejected one is numbered later."""

    @abstractmethod
    def count_records(self) -> int:
        """About how many rows there are."""

    def count(self) -> int | None:
        """About how many rows there are, for progress bars; None where it can't be told."""
        try:
            return self.count_records()
        except (CatalogError, OSError):
            return None

    def product_of(self, record: Record) -> Product:
        """The product of one row. Raises `CatalogError` where a field has a type that can't be read."""
        if self.column_map is not None:
            return self.column_map.read(record, self.base)
        if "attributes" not in record:
            return Product.from_record(record, self.base, attribute_values(record, self.plain_attributes))
        if not self.text_only:
            return with_attribute_values(Product.from_record(record, self.base), record, self.plain_attributes)
        # In a table of text `attributes` is a column like any other that we don't know (it has no agreed way to be written).
        others = {name: cell for name, cell in record.items() if name != "attributes"}
        known = Product.from_record(others, self.base, attribute_values(record, self.plain_attributes))
        extra = {name: cell for name, cell in record.items() if name in known.extra or name == "attributes"}
        return replace(known, extra=extra, original=record)

    def decoded(self, record: Record) -> Record:
        """A row with what its values stand for, where a file stores codes: the name of a class label for its number."""
        return record

    def folded_rows(self, original: Any) -> Sequence[Record]:
        """The rows of the file that one record was folded from; none where a record is a row."""
        return ()

    def check_contents(self, max_rows: int | None = None) -> None:
        """Raise `CatalogError` where rows can be read, but none has a photo or a text. It stops at the first that has.

        With `max_rows` only so many are looked at.
        """
        num_products = 0
        for product in islice(self, max_rows):
            if isinstance(product, RejectedRow):
                continue
            if product.images or product.title or product.description:
                return
            num_products += 1
        if num_products:
            raise CatalogError(
                f"{self.path}: none of its {num_products} rows has a photo or a text; "
                f"name the columns that hold them with --columns (it has: {', '.join(self.columns)})"
            )

    @property
    def layout(self) -> Mapping[str, str]:
        """How the file is written, for people: its delimiter, its encoding, where its header is. What goes without saying
        in a format isn't said.
        """
        return {}

    @cached_property
    def base(self) -> Path:
        """Where relative paths of photos start."""
        return self._folder

    @property
    def fields(self) -> Mapping[str, str]:
        """What is read as what: our name for it -> the file's column. Empty where the file has our names."""
        return {} if self.column_map is None else self.column_map.fields

    @property
    def fills(self) -> Fills:
        """Where the shop's own columns are filled."""
        if self.column_map is not None:
            return Fills(self.column_map.category, self.column_map.attribute_columns)
        return Fills(attributes={fold_attribute(name): column for name, column in self.plain_attributes.items()})

    @property
    def attribute_columns(self) -> Mapping[str, str]:
        """Attribute -> the column of a plain table that it is read from."""
        return self.plain_attributes if self.column_map is None else self.column_map.attributes

    @property
    def id_column(self) -> str:
        return "id" if self.column_map is None else self.column_map.id

    def id_of(self, record: Record) -> Any:
        """The id as a row has it."""
        return record.get(self.id_column)

    @property
    def numbers_rows(self) -> bool:
        """Whether products are called by the numbers of their rows, as the caller asked."""
        return self.column_map is not None and self.column_map.numbers_rows

    @property
    def missing_id(self) -> str:
        """The error of a row without an id."""
        return f"field '{self.id_column}' is missing or empty; give every row an id"

    def repeated_id(self, id_: str, first: int) -> str:
        """The error of a row whose id row `first` has already."""
        return f"id '{id_}' stands already in row {first}; give every row its own id"

    def check_path(self, path: Path) -> None:
        """Raise `CatalogError` where there is nothing to read."""
        check_file(path)

    def settle_columns(self, names: Sequence[str]) -> None:
        """Which column is read as what: as the caller says, by our own names, or guessed, with a warning that says so.

        Raises `CatalogError` where a column that the caller names isn't there, or none can be the id.
        """
        given = self.given_columns
        if given is not None:
            given.check(self.path, names)
        if given is not None and not given.names_only_id:
            return
        id_column = self._likeliest_id(names) if given is None else given.id
        self._readable_columns = tuple(self._guessable(names))
        if id_column != "id" or lacks_fields(self._readable_columns):
            self.column_map = guess_columns(self._readable_columns, id_column)
            assert self.column_map is not None
            self.warn(f"{self.path}: {self.column_map.describe()}; set it with --columns")
            languages = locales(names)
            if len(languages) > 1:
                chosen = f"of the languages {', '.join(languages)} reads {chosen_locale(names)}"
                self.warn(f"{self.path}: {chosen} where it is there; set it with --columns")
        else:
            self.column_map = None  # --ids may have named the column that is ours anyway
            # A name that differs in spelling alone stays as the shop writes it.
            self.plain_attributes = {
                column if fold_attribute(column) == name else name: column
                for name, column in guess_attributes(self._readable_columns).items()
            }
        unread = unread_fields(names, self.column_map)
        if unread:
            found = ", ".join(f"'{column}' ({field})" for column, field in unread.items())
            self.warn(f"{self.path}: reads nothing from {found}; where it should, say so with --columns")

    def name_attributes(self, names: Iterable[str]) -> None:
        """Read the columns that are called as one of these attributes too; whoever has a schema says so before reading.

        It changes nothing where the caller has named the columns, or a system's own form says what they hold.
        """
        read = {fold_attribute(name) for name in self.attribute_columns}
        taken = KNOWN_FIELDS if self.column_map is None else self.column_map.used
        columns = {fold_attribute(name): name for name in reversed(self._readable_columns) if name not in taken}
        wanted = {fold_attribute(name) for name in names} - read
        found = {column: column for fold, column in columns.items() if fold in wanted}
        if self.column_map is None:
            self.plain_attributes |= found
        elif found:
            self.column_map = self.column_map.with_attributes(found)

    def _guessable(self, names: Sequence[str]) -> list[str]:
        """The columns that hold what their names promise: with types, one called `name` may hold numbers."""
        if self.text_only:
            return [*names]
        rows = [record for record in islice(self.records(), _ROWS_TO_FIND_TYPES) if not isinstance(record, RejectedRow)]
        return [name for name in names if all(fits_name(name, row.get(name)) for row in rows)]

    def distinct(self, names: Iterable[str]) -> tuple[str, ...]:
        """The names of a header with those that stand there twice numbered, which adds a warning."""
        found = distinct_names(names)
        for new, name in found.items():
            if new != name and name:
                self.warn(f"{self.path}: column '{name}' stands there twice; the second is read as '{new}'")
        return tuple(found)

    def filled_columns(self, names: Sequence[str]) -> Iterator[set[str]]:
        """Row by row, which of these columns have a value."""
        for record in self.records():
            if not isinstance(record, RejectedRow):
                yield {name for name in names if str(record.get(name) or "").strip()}

    def _likeliest_id(self, names: Sequence[str]) -> str:
        candidates = id_candidates(names)
        if not candidates:
            raise CatalogError(
                f"{self.path}: has no column 'id', nor one that looks like it (it has: {', '.join(names)}); "
                "add one, name the one that holds the ids with --ids, or number the rows with --ids row-number"
            )
        return self.find_id(candidates)

    def find_id(self, candidates: Sequence[str]) -> str:
        """The first of these columns that isn't empty throughout. Raises `CatalogError` where there is none."""
        filled: set[str] = set()
        num_rows = 0
        for row in islice(self.filled_columns(candidates), _ROWS_TO_FIND_ID):
            filled |= row
            num_rows += 1
            if candidates[0] in filled:  # nearly always the first row
                break
        if num_rows and not filled:
            tried = ", ".join(f"'{name}'" for name in candidates)
            raise CatalogError(
                f"{self.path}: no row has an id: {tried} {'is' if len(candidates) == 1 else 'are'} empty throughout; "
                "fill it, name another column with --ids, or number the rows with --ids row-number"
            )
        return next((name for name in candidates if name in filled), candidates[0])

    def warn(self, *lines: str) -> None:
        """Add to `warnings` what isn't there yet: a file is read several times in one run."""
        self.warnings.extend(line for line in lines if line not in self.warnings)

    def warn_once(self, kind: str, line: str) -> None:
        """The same for a line that names the first of several cases."""
        if kind not in self._warned_kinds:
            self._warned_kinds.add(kind)
            self.warn(line)

    def _checked(self, record: Record) -> Product | RejectedRow:
        decoded = self.decoded(record)
        identifier = ROW_NUMBER if self.numbers_rows else self.id_of(decoded)
        if is_missing(identifier) or not str(identifier).strip():
            return RejectedRow(0, None, self.missing_id, record)
        if not isinstance(identifier, _ID_TYPES):
            kind = type(identifier).__name__
            return RejectedRow(0, None, f"field '{self.id_column}' is {kind}, not text; quote it", record)
        # Of text alone the lengths are compared without a loop of ours.
        texts = record.values() if self.text_only else [cell for cell in record.values() if isinstance(cell, str)]
        if max(map(len, texts), default=0) > MAX_CELL_CHARS:
            error = f"a cell has more than {MAX_CELL_CHARS:,} characters; shorten it"
            return RejectedRow(0, text_of(identifier)[:100], error, record)
        try:
            product = self._with_category(self.product_of(decoded))
        except CatalogError as error:
            return RejectedRow(0, text_of(identifier), str(error), record)
        return product if decoded is record else replace(product, original=record)

    def _with_category(self, product: Product) -> Product:
        """The product with the path that the id of its category means, as far as that is known."""
        if self.category_ids is None or product.category is None:
            return product
        found = self.category_ids.resolved(product)
        if found is None:
            self.warn_once(
                "unknown category id",
                f"{self.path}: categories are given as ids that are not known (the first is '{product.category_id}'), and stay "
                "as they are; give the taxonomy that has them with --taxonomy",
            )
        return found or product


class FormatWriter(ABC):
    """A filled catalogue that is begun, grows row by row and is closed."""

    @abstractmethod
    def write(self, product: Product, understanding: Understanding) -> None:
        """Add one row: `product` as it was read, with its `original` record, and what was found out about it."""

    def carry(self, original: Any) -> None:  # noqa: B027  # most formats have nothing to do here
        """A row without an answer. Only an export writes it as it was; other files have the rows that were answered."""

    @abstractmethod
    def close(self) -> None: ...


ReaderT = TypeVar("ReaderT", bound=CatalogReader)


class Format(ABC, Generic[ReaderT]):
    """One form that catalogues have: how a file of it is recognised, read, filled, and written with annotations.

    `ReaderT` is the reader of the catalogues that it writes: its own for an export, any for other formats.
    """

    name: str
    """What people call such a file."""
    endings: tuple[str, ...]
    """Of files, in small letters; "" for a folder."""
    is_export: ClassVar[bool] = False
    """Whether a system wrote it in a form of its own; only a catalogue that came in this form goes out in it."""
    is_folder: ClassVar[bool] = False
    can_unpack: ClassVar[bool] = False
    """Whether its reader opens files with `compression`, and so reads them packed too."""

    def recognise(self, path: Path, column_map: ColumnMap | None = None) -> bool:
        """Whether `path` is a catalogue of this format. The first format that says so reads it.

        A format with an ending that others have too looks into the file; where the caller names the columns
        (`column_map`) the file is a plain table.
        """
        if path.is_dir() or (is_packed(path) and not self.can_unpack):
            return False
        return ending_of(path) in self.endings

    @abstractmethod
    def read(self, path: Path, column_map: ColumnMap | None = None) -> CatalogReader:
        """Open a catalogue. Raises `CatalogError` for a file that gives nothing."""

    def fill(self, path: Path, columns: FilledColumns, source: ReaderT) -> FormatWriter:
        """Begin the filled catalogue of `source` in the new file `path`. A format without it is only read."""
        raise NotImplementedError

    def strike(self, source: ReaderT, original: Any, failed: Mapping[str, Collection[str]]) -> Any:
        """The record of a product, in its own form, without these values of its attributes. Only exports need it: in other
        catalogues attributes stand where `Product.from_record` looks for them.
        """
        raise NotImplementedError

    def replace_category(self, source: ReaderT, original: Any, value: Any) -> Any:
        """The record of a product, in its own form, with another value in the column of the category."""
        return {**original, source.fills.category: value}

    def annotate(self, path: Path, source: ReaderT, names: Sequence[str], rows: Iterable[AnnotatedRow]) -> None:
        """Write the catalogue `source` to the new file `path`, with the columns `names` that `rows` bring along."""
        raise NotImplementedError

    def remove(self, path: Path) -> None:
        """Take away a file of this format, where there is one."""
        path.unlink(missing_ok=True)

    # What a format can't do it leaves out, so that no flag can contradict the code.
    @property
    def can_fill(self) -> bool:
        return type(self).fill is not Format.fill

    @property
    def can_annotate(self) -> bool:
        return type(self).annotate is not Format.annotate
