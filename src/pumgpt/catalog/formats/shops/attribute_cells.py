"""Where a shop system's table has the attributes of its products, and how their values are written there.

Systems have four ways, and a table may use several of them at once: a column for each attribute, numbered pairs of
columns for name and value, all attributes packed into one cell, and options that tell the variants of a product apart.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, count

from pumgpt.catalog.formats.folded import FoldedRows, fold_column
from pumgpt.catalog.html_text import plain_text
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute

_SWATCH = re.compile(r"#[\da-fA-F]{3,8}:")
"""A colour on the screen before the colour's name."""

Row = dict[str, str]
"""The cells of a product's first row by column, to be changed in place."""


class AttributeCells(ABC):
    """The cells of a table that hold attributes in one way.

    `read` gives names as the shop writes them; elsewhere a `name` is folded (`fold_attribute`).
    """

    @abstractmethod
    def read(self, rows: FoldedRows) -> Iterator[tuple[str, list[str]]]:
        """The attributes that a product has here, in the order of the table. Values may be blank."""

    @abstractmethod
    def columns(self) -> Collection[str]:
        """The columns that are read."""

    def made(self, names: Sequence[str]) -> Sequence[str]:
        """The columns that the table lacks to take the attributes `names`."""
        return ()

    def put(self, row: Row, name: str, values: Sequence[str], spelling: str | None = None) -> bool:
        """Write the values of one attribute, replacing what it has; False where these cells have no place for it.

        `spelling` is how the shop writes the attribute in other products, where it does.
        """
        return False

    @property
    def takes(self) -> Mapping[str, str]:
        """The attributes that have a column of their own here: name -> column."""
        return {}

    @property
    def takes_others(self) -> str | None:
        """What takes any attribute, in words."""
        return None

    def strike(self, row: Row, failed: Mapping[str, Collection[str]]) -> None:  # noqa: B027  # options have nothing to strike
        """Take these values of attributes out."""


@dataclass(frozen=True)
class OwnColumns(AttributeCells):
    """A column for each attribute: `by_name` says which. Several values stand between `separator`s; '' for one only.

    Attributes that are `read_only` have words of the system's own.
    """

    by_name: Mapping[str, str]
    separator: str = ""
    read_only: Collection[str] = ()

    def read(self, rows: FoldedRows) -> Iterator[tuple[str, list[str]]]:
        for name, column in self.by_name.items():
            yield name, [value for cell in rows.column(column) for value in self._values(cell)]

    def columns(self) -> Collection[str]:
        return self.by_name.values()

    @property
    def takes(self) -> Mapping[str, str]:
        return {name: column for name, column in self.by_name.items() if name not in self.read_only}

    def put(self, row: Row, name: str, values: Sequence[str], spelling: str | None = None) -> bool:
        column = self.by_name.get(name)
        if column is None or name in self.read_only:
            return False
        # A column for one value takes the first; the others stand in the `pumgpt_*` columns.
        row[column] = self.separator.join(values) if self.separator else values[0]
        return True

    def strike(self, row: Row, failed: Mapping[str, Collection[str]]) -> None:
        for name in failed.keys() & self.by_name.keys():
            cell = row[self.by_name[name]]
            kept = [value for value in self._values(cell) if value.strip() not in failed[name]]
            if len(kept) < len(self._values(cell)):
                row[self.by_name[name]] = self.separator.join(kept)

    def _values(self, cell: str) -> list[str]:
        return cell.split(self.separator) if self.separator else [cell]


@dataclass(frozen=True)
class NumberedPairs(AttributeCells):
    """Pairs of columns, one for the name and one for the value: 'Attribute 1 name', 'Attribute 1 value(s)'.

    A pattern has {} in the place of the number. Further columns of a pair get `defaults`, by their pattern. A comma
    inside of a value is written as `\\,`.
    """

    named: Mapping[str, str]
    """The table's columns by their folded names."""
    name_pattern: str
    value_pattern: str
    defaults: Mapping[str, str] = field(default_factory=dict)
    separator: str = ", "
    limit: int | None = None
    """How many pairs the system knows; None for any number."""

    def read(self, rows: FoldedRows) -> Iterator[tuple[str, list[str]]]:
        for name, value in self._pairs():
            yield rows[name], self._values(rows[value])

    def columns(self) -> Collection[str]:
        return [column for pair in self._pairs() for column in pair]

    @property
    def takes_others(self) -> str | None:
        return f"{self.name_pattern.format('N')} and {self.value_pattern.format('N')}"

    def made(self, names: Sequence[str]) -> Sequence[str]:
        # Which products have pairs to spare isn't known before they are read: there is one more pair for every attribute.
        last = len(self._pairs()) + len(names)
        numbers = range(len(self._pairs()) + 1, 1 + (last if self.limit is None else min(last, self.limit)))
        patterns = (self.name_pattern, self.value_pattern, *self.defaults)
        return [pattern.format(number) for number in numbers for pattern in patterns]

    def put(self, row: Row, name: str, values: Sequence[str], spelling: str | None = None) -> bool:
        pairs = list(enumerate(self._numbered(tuple(row)), start=1))
        own = (number for number, pair in pairs if fold_attribute(row[pair[0]]) == name)
        free = (number for number, pair in pairs if not any(row[column].strip() for column in pair))
        number = next(chain(own, free), None)
        if number is None:
            return False
        name_column, value_column = pairs[number - 1][1]
        if not row[name_column].strip():
            row[name_column] = spelling or name[:1].upper() + name[1:]
        row[value_column] = self.separator.join(value.replace(",", "\\,") for value in values)
        for pattern, default in self.defaults.items():
            extra = self._column(pattern, number)
            if extra in row and not row[extra].strip():
                row[extra] = default
        return True

    def strike(self, row: Row, failed: Mapping[str, Collection[str]]) -> None:
        for name, value in self._pairs():
            wrong = failed.get(fold_attribute(row[name]), ())
            values = self._values(row[value])
            kept = [one for one in values if plain_text(one).strip() not in wrong]
            if len(kept) < len(values):
                row[value] = self.separator.join(one.strip().replace(",", "\\,") for one in kept)

    def _pairs(self) -> list[tuple[str, str]]:
        """The pairs of columns that the table has."""
        return self._numbered(tuple(self.named.values()))

    @cached_property
    def _known_pairs(self) -> dict[tuple[str, ...], list[tuple[str, str]]]:
        """By the columns of a row; all rows of a table have the same ones."""
        return {}

    def _numbered(self, columns: tuple[str, ...]) -> list[tuple[str, str]]:
        if columns not in self._known_pairs:
            self._known_pairs[columns] = [*self._find_pairs({*columns})]
        return self._known_pairs[columns]

    def _find_pairs(self, columns: Collection[str]) -> Iterator[tuple[str, str]]:
        for number in count(1):
            pair = (self._column(self.name_pattern, number), self._column(self.value_pattern, number))
            if not all(column in columns for column in pair):
                return
            yield pair

    def _column(self, pattern: str, number: int) -> str:
        made = pattern.format(number)
        return self.named.get(fold_column(made), made)

    def _values(self, cell: str) -> list[str]:
        return [value.replace("\\,", ",") for value in re.split(r"(?<!\\)" + re.escape(self.separator.strip()), cell)]


@dataclass(frozen=True)
class SingleCell(AttributeCells):
    """All attributes in the cell of one column, in a form that a subclass reads and writes."""

    column: str

    def columns(self) -> Collection[str]:
        return (self.column,)

    @property
    def takes_others(self) -> str | None:
        return self.column

    def made(self, names: Sequence[str]) -> Sequence[str]:
        return (self.column,)


@dataclass(frozen=True)
class PackedCell(SingleCell):
    """All attributes in one cell: 'color=Red,material=Wool|Silk'.

    A value that holds `between` or a quote stands in double quotes. `codes` are the system's own names for some folded
    ones; what is called as one of `switches` is none of the product's attributes.
    """

    codes: Mapping[str, str] = field(default_factory=dict)
    switches: Collection[str] = ()
    between: str = ","
    equals: str = "="
    separator: str = "|"

    def read(self, rows: FoldedRows) -> Iterator[tuple[str, list[str]]]:
        for name, value in self._parse(rows.get(self.column, "")):
            if name not in self.switches:
                yield name, value.split(self.separator)

    def put(self, row: Row, name: str, values: Sequence[str], spelling: str | None = None) -> bool:
        pairs = self._parse(row[self.column])
        value = self.separator.join(values)
        for place, (own, _) in enumerate(pairs):
            if fold_attribute(own) == name:
                pairs[place] = (own, value)
                break
        else:
            pairs.append((spelling or self.codes.get(name, name.replace(" ", "_")), value))
        row[self.column] = self._written(pairs)
        return True

    def strike(self, row: Row, failed: Mapping[str, Collection[str]]) -> None:
        pairs = self._parse(row.get(self.column, ""))
        kept = []
        for name, value in pairs:
            wrong = failed.get(fold_attribute(name), ())
            values = [one for one in value.split(self.separator) if one.strip() not in wrong]
            if values:
                kept.append((name, self.separator.join(values)))
        if kept != pairs:
            row[self.column] = self._written(kept)

    def _parse(self, cell: str) -> list[tuple[str, str]]:
        """(name, value) as they stand. A separator only counts before something that is a name."""
        between, equals = re.escape(self.between), re.escape(self.equals)
        name = rf"[^{between}{equals}\"]+"
        start = re.compile(rf"(?:^|{between})\s*({name}){equals}")
        pairs, place = [], 0
        found = start.match(cell)
        while found:
            place = found.end()
            if cell[place : place + 1] == '"':
                end = re.compile(r'"((?:[^"]|"")*)"').match(cell, place)
                if end is not None:
                    pairs.append((found[1].strip(), end[1].replace('""', '"')))
                    found = start.match(cell, end.end())
                    continue
            found_next = start.search(cell, place)
            pairs.append((found[1].strip(), cell[place : found_next.start() if found_next else len(cell)].strip()))
            found = found_next
        return pairs

    def _written(self, pairs: Sequence[tuple[str, str]]) -> str:
        return self.between.join(f"{name}{self.equals}{self._quoted(value)}" for name, value in pairs)

    def _quoted(self, value: str) -> str:
        return '"' + value.replace('"', '""') + '"' if self.between in value or value.startswith('"') else value


@dataclass(frozen=True)
class Options(AttributeCells):
    """What tells the variants of a product apart: pairs of columns (name, value), the values one in each row.

    They are read as attributes, and never written: an option of one value more is another variant.
    """

    pairs: Sequence[tuple[str, str]]
    separator: str = ""
    """Between the values, where the first row of a product has all of them."""
    nameless: Collection[str] = ("title",)
    """What a system calls an option that a product without variants has."""

    def read(self, rows: FoldedRows) -> Iterator[tuple[str, list[str]]]:
        for name_column, value_column in self.pairs:
            name = next((cell for cell in rows.column(name_column) if cell.strip()), "")
            if name.strip().casefold() not in self.nameless:
                cells = rows.column(value_column)
                values = [
                    value for cell in cells for value in (cell.split(self.separator) if self.separator else [cell])
                ]
                yield name, [_SWATCH.sub("", value.strip()) for value in values]

    def columns(self) -> Collection[str]:
        return [column for pair in self.pairs for column in pair]
