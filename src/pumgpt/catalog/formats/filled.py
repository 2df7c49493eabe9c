"""What a filled catalogue looks like as a table: the shop's own columns, then ours.

    the input's columns         as they were; `category` and, in Parquet, `attributes` are filled where they were empty
    pumgpt_caption              and pumgpt_caption_confidence, pumgpt_caption_status
    pumgpt_category             'A > B > C', and pumgpt_category_confidence, pumgpt_category_status
    pumgpt_<attribute>          several values separated by '|', and ..._confidence, ..._status

Of a conflict they have the model's value and its confidence; the shop's stands in its own column. A field of which nothing
can be told has null values (empty cells in CSV). One that was not asked has no columns.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pumgpt.catalog.product import AttributeValue, Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.catalog.vocabulary.attribute_names import find_attribute, fold_attribute

_CAPTION = ("pumgpt_caption", "pumgpt_caption_confidence", "pumgpt_caption_status")
_CATEGORY = ("pumgpt_category", "pumgpt_category_confidence", "pumgpt_category_status")


@dataclass(frozen=True, slots=True)
class Fills:
    """Which of a catalogue's own columns are filled: that of the category, and those of attributes by folded name."""

    category: str | None = "category"
    attributes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    other_attributes: str | None = None
    """Where attributes go that have no column of their own, in words; None where only `pumgpt_*` columns take them."""


@dataclass(frozen=True)
class FilledColumns:
    """The columns of one filled catalogue. An input that has `pumgpt_*` columns already (our own output, given back) keeps their
    places and gets new values in them.
    """

    own: tuple[str, ...]
    attribute_names: tuple[str, ...]
    overwrite_values: bool = False
    precision: float = 0.0
    """How sure a text must be that is filled in where a shop shows it; that of other fields was held to it before."""
    category_id: str | None = None
    """One of the ids that the categories have; an export tells by it whether they are those of its own taxonomy."""
    has_caption: bool = True
    """Whether captions were asked for; without, they have no columns."""
    has_category: bool = True

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All columns in order, each once."""
        return tuple(dict.fromkeys((*self.own, *self.added)))

    @cached_property
    def added(self) -> tuple[str, ...]:
        """The `pumgpt_*` columns."""
        return (*self._fixed, *(name for triple in self._triples.values() for name in triple))

    @cached_property
    def _fixed(self) -> tuple[str, ...]:
        return (*(_CAPTION if self.has_caption else ()), *(_CATEGORY if self.has_category else ()))

    @cached_property
    def _attribute_columns(self) -> dict[str, str]:
        return attribute_columns(self.attribute_names)

    @cached_property
    def _triples(self) -> dict[str, tuple[str, str, str]]:
        """Attribute name -> the columns of its value, confidence and status."""
        return {name: _triple(column) for name, column in self._attribute_columns.items()}

    @property
    def value_columns(self) -> tuple[str, ...]:
        """Those of the `pumgpt_*` columns that hold values; confidence and status are called after them."""
        fixed = (name for name in ("pumgpt_caption", "pumgpt_category") if name in self._fixed)
        return (*fixed, *self._attribute_columns.values())

    @property
    def confidences(self) -> set[str]:
        """Those of the `pumgpt_*` columns that hold numbers."""
        return {_triple(column)[1] for column in self.value_columns}

    def answers(self, understanding: Understanding) -> dict[str, str | float | None]:
        """The values of the `pumgpt_*` columns."""
        row: dict[str, Any] = dict.fromkeys(self.added)
        row.update(self._given(understanding, _rounded))
        return row

    def cells(self, understanding: Understanding) -> dict[str, str]:
        """The values of the `pumgpt_*` columns as text."""
        row = dict(self._empty_cells)
        row.update(self.given_cells(understanding))
        return row

    def given_cells(self, understanding: Understanding) -> dict[str, str]:
        """Those of the `pumgpt_*` columns that have a value, as text."""
        return self._given(understanding, _written)

    @cached_property
    def _empty_cells(self) -> dict[str, str]:
        return dict.fromkeys(self.added, "")

    def _given(self, understanding: Understanding, number: Callable[[float], Any]) -> dict[str, Any]:
        """The `pumgpt_*` columns that have a value, with confidences as `number` makes them."""
        given: dict[str, Any] = {}
        caption, category = understanding.caption, understanding.category
        if caption is not None and self.has_caption:
            if caption.text is not None:
                given["pumgpt_caption"] = caption.text
            if caption.confidence is not None:
                given["pumgpt_caption_confidence"] = number(caption.confidence)
            given["pumgpt_caption_status"] = caption.status
        if category is not None and self.has_category:
            path = category.suggestion or category.path
            if path is not None:
                given["pumgpt_category"] = " > ".join(path)
            if category.confidence is not None:
                given["pumgpt_category_confidence"] = number(category.confidence)
            given["pumgpt_category_status"] = category.status
        triples = self._triples
        for field in understanding.attributes or ():
            if field.name not in triples:
                continue
            value, confidence, status = triples[field.name]
            stated = field.value if field.suggestion is None else field.suggestion
            if stated is not None:
                given[value] = "|".join(stated) if isinstance(stated, list) else stated
            if field.confidence is not None:
                given[confidence] = number(field.confidence)
            given[status] = field.status
        return given

    def filled(self, understanding: Understanding) -> dict[str, list[str]]:
        """The attributes that the model filled, by their folded names."""
        found: dict[str, list[str]] = {}
        for field in understanding.attributes or ():
            value = field.value
            if field.status == "filled" and value:
                found[fold_attribute(field.name)] = [value] if isinstance(value, str) else value
        return found

    def category(self, product: Product, understanding: Understanding) -> list[str] | None:
        """The path to fill into the shop's `category`; None where its own stays."""
        field = understanding.category
        if field is None or field.status != "filled" or (product.category and not self.overwrite_values):
            return None
        return field.path

    def attributes(self, product: Product, understanding: Understanding) -> dict[str, AttributeValue] | None:
        """The shop's attributes with what was filled; None where nothing was."""
        own = product.attributes or {}
        filled = {
            field.name: field.value
            for field in understanding.attributes or ()
            if field.status == "filled"
            and field.value
            and (not find_attribute(own, field.name) or self.overwrite_values)
        }
        return {**own, **filled} if filled else None


def attribute_columns(names: Iterable[str]) -> dict[str, str]:
    """Attribute name -> the column of its value: 'age group' -> 'pumgpt_age_group'. No two share one."""
    # 'age group' and 'Age-Group' may both be attributes of a schema, and 'caption' one too.
    taken = {*_CAPTION, *_CATEGORY}
    columns: dict[str, str] = {}
    for name in dict.fromkeys(names):
        stem = "pumgpt_" + (re.sub(r"\W+", "_", name).strip("_").lower() or "attribute")
        column, number = stem, 2
        while taken.intersection(_triple(column)):
            column, number = f"{stem}_{number}", number + 1
        taken.update(_triple(column))
        columns[name] = column
    return columns


def _triple(column: str) -> tuple[str, str, str]:
    return (column, f"{column}_confidence", f"{column}_status")


def _rounded(confidence: float) -> float:
    return round(confidence, 4)


def _written(confidence: float) -> str:
    """`str(_rounded(confidence))`; a share is written in half the time."""
    if not 0 <= confidence <= 1:
        return str(_rounded(confidence))
    text = f"{confidence:.4f}".rstrip("0")
    return f"{text}0" if text.endswith(".") else text
