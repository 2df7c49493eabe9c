"""What a filled catalogue looks like as a table: the shop's own columns, then ours.

    the input's columns         as they were; `category` and, in Parquet, `attributes` are filled where they were empty
    pumgpt_caption              and pumgpt_caption_confidence
    pumgpt_category             'A > B > C', and pumgpt_category_confidence, pumgpt_category_status
    pumgpt_<attribute>          several values separated by '|', and ..._confidence, ..._status

A field that was not asked, or of which nothing can be told, has null values (empty cells in CSV).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from pumgpt.catalog.product import AttributeValue, Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.catalog.vocabulary.attribute_names import find_attribute, fold_attribute

_FIXED = (
    "pumgpt_caption",
    "pumgpt_caption_confidence",
    "pumgpt_category",
    "pumgpt_category_confidence",
    "pumgpt_category_status",
)


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

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All columns in order, each once."""
        return tuple(dict.fromkeys((*self.own, *self.added)))

    @cached_property
    def added(self) -> tuple[str, ...]:
        """The `pumgpt_*` columns."""
        per_attribute = (_triple(column) for column in self._attribute_columns.values())
        return (*_FIXED, *(name for triple in per_attribute for name in triple))

    @cached_property
    def _attribute_columns(self) -> dict[str, str]:
        return attribute_columns(self.attribute_names)

    @property
    def value_columns(self) -> tuple[str, ...]:
        """Those of the `pumgpt_*` columns that hold values; confidence and status are called after them."""
        return ("pumgpt_caption", "pumgpt_category", *self._attribute_columns.values())

    @property
    def confidences(self) -> set[str]:
        """Those of the `pumgpt_*` columns that hold numbers."""
        return {_triple(column)[1] for column in self.value_columns}

    def answers(self, understanding: Understanding) -> dict[str, str | float | None]:
        """The values of the `pumgpt_*` columns."""
        row: dict[str, str | float | None] = dict.fromkeys(self.added)
        caption, category = understanding.caption, understanding.category
        if caption is not None:
            row.update(zip(_FIXED[:2], (caption.text, _rounded(caption.confidence)), strict=True))
        if category is not None:
            path = None if category.path is None else " > ".join(category.path)
            row.update(zip(_FIXED[2:], (path, _rounded(category.confidence), category.status), strict=True))
        columns = self._attribute_columns
        for field in understanding.attributes or ():
            if field.name in columns:
                value = "|".join(field.value) if isinstance(field.value, list) else field.value
                triple = _triple(columns[field.name])
                row.update(zip(triple, (value, _rounded(field.confidence), field.status), strict=True))
        return row

    def cells(self, understanding: Understanding) -> dict[str, str]:
        """The values of the `pumgpt_*` columns as text."""
        return {name: "" if value is None else str(value) for name, value in self.answers(understanding).items()}

    def filled(self, understanding: Understanding) -> dict[str, list[str]]:
        """The attributes that the model filled, by their folded names."""
        return {
            fold_attribute(field.name): [field.value] if isinstance(field.value, str) else field.value
            for field in understanding.attributes or ()
            if field.status == "filled" and field.value
        }

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
    taken = set(_FIXED)
    columns: dict[str, str] = {}
    for name in dict.fromkeys(names):
        stem = "pumgpt_" + (re.sub(r"\W+", "_", name).strip("_").lower() or "attribute")
        column, number = stem, 2
        while taken.intersection(_triple(column)):
            column, number = f"{stem}_{number}", number + 1
        taken.update(_triple(column))
        columns[name] = column
    return columns


def _triple(column: str) -> Sequence[str]:
    return (column, f"{column}_confidence", f"{column}_status")


def _rounded(confidence: float | None) -> float | None:
    return None if confidence is None else round(confidence, 4)
