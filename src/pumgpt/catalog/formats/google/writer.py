"""Google Merchant feeds out: what was filled goes where the specification has it, where the feed had nothing.

    google_product_category     'A > B > C', where the category is one of Google's taxonomy
    color, material, pattern, gender, age_group
    structured_title            where an item has no title: one made from the photo, marked as such

As text: the feed's rows with these columns (made where it lacks them) and `pumgpt_*` columns. As XML: the feed byte for
byte, with elements put in, and one <pumgpt:understanding> of ours for each item.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from pumgpt.catalog.formats.base import CatalogReader
from pumgpt.catalog.formats.csv_writer import CsvTable
from pumgpt.catalog.formats.google.feed_copy import OUR_NAMESPACE, FeedCopy, our_element
from pumgpt.catalog.formats.google.terms import (
    ATTRIBUTES,
    GENERATED,
    NAMESPACE,
    filled_values,
    generated_title,
    is_google_category,
    structured_cell,
)
from pumgpt.catalog.formats.google.text import GoogleTextReader
from pumgpt.catalog.formats.google.xml import FeedRecord, GoogleXmlReader, column_of
from pumgpt.catalog.formats.output_columns import OutputColumns
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute

_UNDERSTANDING = "understanding"
_FILLED = ("google_product_category", *ATTRIBUTES, "structured_title")


def _filled_fields(
    columns: OutputColumns, source: CatalogReader, product: Product, understanding: Understanding
) -> dict[str, str]:
    """What the model says, by the specification's names. `structured_title` is the bare title."""
    values = filled_values(columns.filled(understanding))
    category = columns.category(product, understanding)
    if category is not None and understanding.category is not None:
        if is_google_category(category, understanding.category.id):
            values["google_product_category"] = " > ".join(category)
        else:
            _warn_of_foreign_categories(source)
    if not product.title:
        values["structured_title"] = generated_title(understanding, columns.precision)
    return {name: value for name, value in values.items() if value}


def _warn_of_foreign_categories(source: CatalogReader) -> None:
    line = (
        f"{source.path}: the categories are not Google's, so 'google_product_category' stays as it is; "
        "give --taxonomy with Google's product taxonomy"
    )
    if line not in source.warnings:
        source.warnings.append(line)


class GoogleTextTable(CsvTable):
    """A feed as text, row by row."""

    def __init__(self, path: Path, columns: OutputColumns, source: CatalogReader) -> None:
        assert isinstance(source, GoogleTextReader)
        self._reader = source
        # A column is made for what may be filled at all: any value shows which one an attribute goes to.
        asked = filled_values({fold_attribute(name): ["adult male"] for name in columns.attribute_names})
        made = [name for name in _FILLED if name not in ATTRIBUTES or name in asked]
        self._places = {name: source.fields.get(name, name) for name in made}
        self._all = tuple(dict.fromkeys((*columns.own, *self._places.values(), *columns.added)))
        super().__init__(path, columns, source)

    @property
    def _names(self) -> Sequence[str]:
        return self._all

    def carry(self, original: Any) -> None:
        if isinstance(original, Mapping):
            self._record.write([*(str(original[name]) for name in self._columns.own), *[""] * self._num_added])
        elif isinstance(original, list):
            self._record.write(original)

    @property
    def _num_added(self) -> int:
        return len(self._all) - len(self._columns.own)

    def _fill(self, row: dict[str, str], product: Product, understanding: Understanding) -> None:
        for name, value in _filled_fields(self._columns, self._reader, product, understanding).items():
            column = self._places.get(name)
            if column is not None and (not row.get(column, "").strip() or self._columns.overwrite_values):
                row[column] = structured_cell(value) if name == "structured_title" else value


class GoogleXmlTable:
    """A feed as XML: the source copied, with what was filled put into its items."""

    def __init__(self, path: Path, columns: OutputColumns, source: CatalogReader) -> None:
        assert isinstance(source, GoogleXmlReader)
        self._columns, self._reader = columns, source
        self._prefix = source.parser.head.prefixes.get(NAMESPACE)
        self._copy = FeedCopy(path, source)

    def write(self, product: Product, understanding: Understanding) -> None:
        assert isinstance(product.original, FeedRecord)
        item = product.original.item
        filled = _filled_fields(self._columns, self._reader, product, understanding)
        edits: dict[int, str] = {}
        added = []
        for name, value in filled.items():
            old = [place for place, field in enumerate(item.fields) if column_of(field) == name]
            if not old:
                added.append(self._element(name, value))
            elif all(item.fields[place].is_empty for place in old) or self._columns.overwrite_values:
                edits[old[0]] = self._element(name, value)
        ours = f"{OUR_NAMESPACE} {_UNDERSTANDING}"
        edits |= {place: "" for place, field in enumerate(item.fields) if field.name == ours}
        added.append(self._understanding(understanding))
        self._copy.item(item, edits, added)

    def carry(self, original: Any) -> None:
        """What stands between answered items is copied with the next one."""

    def close(self) -> None:
        self._copy.close()

    def _element(self, name: str, value: str) -> str:
        if name != "structured_title":
            return self._tag(name, escape(value))
        parts = (("digital_source_type", GENERATED), ("content", value))
        return self._tag(name, "".join(self._tag(part, escape(text), nested=True) for part, text in parts))

    def _tag(self, name: str, content: str, nested: bool = False) -> str:
        prefix = self._prefix or "g"
        declared = "" if self._prefix or nested else f' xmlns:g="{NAMESPACE}"'
        return f"<{prefix}:{name}{declared}>{content}</{prefix}:{name}>"

    def _understanding(self, understanding: Understanding) -> str:
        """Our values, confidences and statuses, in a namespace that other readers pass over."""
        row = self._columns.cells(understanding)
        elements = []
        for name in self._columns.value_columns:
            marks = {"confidence": row.get(f"{name}_confidence"), "status": row.get(f"{name}_status")}
            told = "".join(f" {mark}={quoteattr(text)}" for mark, text in marks.items() if text)
            if told or row[name]:
                tag = f"pumgpt:{name.removeprefix('pumgpt_')}"
                elements.append(f"<{tag}{told}>{escape(row[name])}</{tag}>")
        return our_element(_UNDERSTANDING, "".join(elements))
