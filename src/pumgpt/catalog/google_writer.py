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

from pumgpt.catalog.attribute_names import fold_attribute
from pumgpt.catalog.csv_writer import CsvTable
from pumgpt.catalog.feed_parser import FeedItem
from pumgpt.catalog.google import (
    ATTRIBUTES,
    GENERATED,
    NAMESPACE,
    filled_values,
    generated_title,
    is_google_category,
    structured_cell,
)
from pumgpt.catalog.google_text import GoogleTextReader
from pumgpt.catalog.google_xml import FeedRecord, GoogleXmlReader, column_of
from pumgpt.catalog.output_columns import OutputColumns
from pumgpt.catalog.product import Product
from pumgpt.catalog.reader import CatalogReader
from pumgpt.catalog.understanding import Understanding

OUR_NAMESPACE = "urn:pumgpt:understanding"
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
        head = source.parser.head
        self._encoding = head.encoding
        self._prefix = head.prefixes.get(NAMESPACE)
        self._source = source.path.open("rb")
        self._file = path.open("wb")

    def write(self, product: Product, understanding: Understanding) -> None:
        assert isinstance(product.original, FeedRecord)
        item = product.original.item
        filled = _filled_fields(self._columns, self._reader, product, understanding)
        edits: list[tuple[int, int, str]] = []
        added = []
        for name, value in filled.items():
            old = [field for field in item.fields if column_of(field) == name]
            if not old:
                added.append(self._element(name, value))
            elif all(field.is_empty for field in old) or self._columns.overwrite_values:
                edits.append((old[0].start, old[0].end, self._element(name, value)))
        edits.extend(
            (field.start, field.end, "") for field in item.fields if field.name.startswith(f"{OUR_NAMESPACE} ")
        )
        added.append(self._understanding(understanding))
        end, indent = self._last_end(item)
        edits.append((end, end, "".join(indent + element for element in added)))
        self._copy(sorted(edits))

    def carry(self, original: Any) -> None:
        """What stands between answered items is copied with the next one."""

    def close(self) -> None:
        while chunk := self._source.read(1 << 20):
            self._file.write(chunk)
        self._source.close()
        self._file.close()

    def _copy(self, edits: Sequence[tuple[int, int, str]]) -> None:
        for start, end, text in edits:
            self._file.write(self._source.read(start - self._source.tell()))
            self._file.write(text.encode(self._encoding, "xmlcharrefreplace"))
            self._source.seek(end)

    def _last_end(self, item: FeedItem) -> tuple[int, str]:
        """Where the last field ends, and the blanks that stand before the first: new elements are set like the old."""
        place = self._source.tell()
        first, last = item.fields[0], item.fields[-1]
        self._source.seek(item.start)
        before = self._source.read(first.start - item.start).rpartition(b">")[2]
        self._source.seek(place)
        return last.end, before.decode(self._encoding, "replace") if not before.strip() else ""

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
        return f'<pumgpt:understanding xmlns:pumgpt="{OUR_NAMESPACE}">{"".join(elements)}</pumgpt:understanding>'
