"""Google Merchant feeds as RSS 2.0 or Atom with the `g:` namespace.

Written, a feed is the same byte for byte, with elements put in where an item had none of them or empty ones (those of the text
feed, see `text.py`), and one <pumgpt:understanding> of ours for each item.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from pumgpt.catalog.formats.annotated import AnnotatedRow
from pumgpt.catalog.formats.attribute_values import without_parts
from pumgpt.catalog.formats.base import CatalogReader, Format, FormatWriter, Record, RejectedRow
from pumgpt.catalog.formats.column_map import ColumnMap
from pumgpt.catalog.formats.filled import FilledColumns, Fills
from pumgpt.catalog.formats.google.feed import (
    OUR_NAMESPACE,
    FeedCopy,
    FeedField,
    FeedItem,
    FeedParser,
    our_element,
)
from pumgpt.catalog.formats.google.terms import (
    ATTRIBUTES,
    GENERATED,
    NAMESPACE,
    filled_fields,
    fills_of,
    read_product,
    without_values,
)
from pumgpt.catalog.photo_list import split_photos
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.errors import CatalogError, UsageError

_ROOTS = ("rss", "feed", "RDF")
_READ = frozenset(
    ("id", "title", "description", "image_link", "additional_image_link", "google_product_category", *ATTRIBUTES)
)
_NESTED_LINKS = ("image_link/url", "additional_image_link/url")
_ATOM_TEXTS = ("summary", "content", "content/div")
_UNDERSTANDING = "understanding"


class GoogleXmlFormat(Format["GoogleXmlReader"]):
    name = "a Google Merchant feed in XML"
    endings = (".xml", ".rss", ".atom")
    can_unpack = True
    is_export = True

    def read(self, path: Path, column_map: ColumnMap | None = None) -> GoogleXmlReader:
        return GoogleXmlReader(self, path, column_map)

    def fill(self, path: Path, columns: FilledColumns, source: GoogleXmlReader) -> FormatWriter:
        return GoogleXmlWriter(path, columns, source)

    def strike(
        self, source: GoogleXmlReader, original: FeedRecord, failed: Mapping[str, Collection[str]]
    ) -> FeedRecord:
        """The item's texts without the values; `item` still says where the old ones stand."""
        kept = without_values(original.texts, failed)
        for name in failed.keys() & original.keys() - _READ:
            kept[name] = without_parts(kept[name], "|", failed[name])
        return replace(original, texts=kept)

    def replace_category(self, source: GoogleXmlReader, original: FeedRecord, value: Any) -> FeedRecord:
        if original.item.error is not None:  # where its elements begin and end can't be told
            return original
        return replace(original, texts={**original.texts, "google_product_category": value})

    def annotate(self, path: Path, source: GoogleXmlReader, names: Sequence[str], rows: Iterable[AnnotatedRow]) -> None:
        """Texts that were changed take the place of their elements; notes are elements of ours."""
        with closing(FeedCopy(path, source.parser)) as copy:
            for row in rows:
                if row.product is None:
                    continue
                before = row.product.original
                assert isinstance(before, FeedRecord)
                edits: dict[int, str] = {}
                seen: set[str] = set()
                for place, field in enumerate(before.item.fields):
                    name = column_of(field)
                    if name in before and row.original[name] != before[name]:
                        # A name that stands there several times has its texts in one record: the first element takes all.
                        edits[place] = copy.element(field, row.original[name]) if name not in seen else ""
                    elif field.name in {f"{OUR_NAMESPACE} {note}" for note in row.notes}:
                        edits[place] = ""
                    seen.add(name)
                added = [our_element(name, escape(text)) for name, text in row.notes.items()]
                copy.item(before.item, edits, added)


@dataclass(frozen=True)
class FeedRecord(Mapping[str, str]):
    """One item as a mapping from the specification's names to texts; `item` knows where it stands in the file.

    A name that stands there several times has its texts between commas. A nested element reads 'name/child'.
    """

    item: FeedItem
    texts: Mapping[str, str]

    @classmethod
    def of(cls, item: FeedItem) -> FeedRecord:
        texts: dict[str, str] = {}
        # Google's own name wins over the plain one: <g:title> over <title>.
        for field in sorted(item.fields, key=lambda field: not field.name.startswith(NAMESPACE)):
            name = column_of(field)
            if name in texts and not _is_google(field):
                continue
            for key, text in (
                (name, field.text.strip()),
                *((f"{name}/{child}", text.strip()) for child, text in field.children.items()),
            ):
                texts[key] = f"{texts[key]},{text}" if texts.get(key) and text else text or texts.get(key, "")
        return cls(item, texts)

    def __getitem__(self, name: str) -> str:
        return self.texts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts)

    def __len__(self) -> int:
        return len(self.texts)


class GoogleXmlReader(CatalogReader):
    """One product for each `<item>` (RSS) or `<entry>` (Atom)."""

    def __init__(self, format_: Format[Any], path: Path, column_map: ColumnMap | None = None) -> None:
        super().__init__(format_, path)
        if column_map is not None:
            raise UsageError(f"{path}: a feed has its names from Google's specification; leave --columns out")
        self.parser = FeedParser(path)
        first = next(self.parser.items(), None)
        if self.parser.head.root not in _ROOTS:
            raise CatalogError(
                f"{path}: is XML, but no feed (its root is <{self.parser.head.root}>); give RSS 2.0 or Atom"
            )
        if first is not None and not any(column_of(field) == "id" for field in first.fields):
            self.warn(f"{path}: its first item has no <g:id>; is this a Google Merchant feed ({NAMESPACE})?")

    @cached_property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]
        """Every name that any item uses; the first call reads the whole file."""
        names: dict[str, None] = {}
        for record in self.records():
            if not isinstance(record, RejectedRow):
                names.update(dict.fromkeys(record))
        return tuple(names)

    @property
    def fills(self) -> Fills:
        return fills_of({})

    def records(self) -> Iterator[Record | RejectedRow]:
        parser = FeedParser(self.path)
        for item in parser.items():
            record = FeedRecord.of(item)
            yield record if item.error is None else RejectedRow(0, record.get("id"), f"the item {item.error}", record)
        if parser.cut_off is not None:
            self.warn(f"{self.path}: {parser.cut_off} outside of any item; what stands there is left as it is")

    def count_records(self) -> int:
        return sum(1 for _ in FeedParser(self.path).items())

    def product_of(self, record: Record) -> Product:
        assert isinstance(record, FeedRecord)
        fields = [field for field in record.item.fields if column_of(field) in ("image_link", "additional_image_link")]
        fields.sort(key=lambda field: column_of(field) != "image_link")
        links = [link for field in fields for link in (field.text, field.children.get("url", ""))]
        images = [photo for link in links for photo in split_photos(link, self.base)]
        names = dict(record)
        unread = [name for name in record if name not in _READ and name not in _NESTED_LINKS]
        if not names.get("description"):
            # Atom's own words for it; <content type="xhtml"> has elements in it rather than text.
            text = next((name for name in _ATOM_TEXTS if record.get(name)), None)
            names["description"] = record[text] if text is not None else ""
            unread = [name for name in unread if name != text]
        for structured in ("structured_title", "structured_description"):
            names[structured] = record.get(f"{structured}/content", "")
        product = read_product(names, self.base, list(dict.fromkeys(images)))
        return replace(product, extra={name: record[name] for name in unread}, original=record)


class GoogleXmlWriter(FormatWriter):
    """The source copied, with what was filled put into its items; what stands between answered items comes along."""

    def __init__(self, path: Path, columns: FilledColumns, source: GoogleXmlReader) -> None:
        self._columns, self._reader = columns, source
        self._prefix = source.parser.head.prefixes.get(NAMESPACE)
        self._copy = FeedCopy(path, source.parser)

    def write(self, product: Product, understanding: Understanding) -> None:
        assert isinstance(product.original, FeedRecord)
        item = product.original.item
        filled = filled_fields(self._columns, self._reader, product, understanding)
        edits: dict[int, str] = {}
        added = []
        for name, value in filled.items():
            # An element that is there, but empty, is filled in its place: an item has each of these once.
            old = [place for place, field in enumerate(item.fields) if column_of(field) == name]
            if not old:
                added.append(self._element(name, value))
            elif all(item.fields[place].is_empty for place in old) or self._columns.overwrite_values:
                edits[old[0]] = self._element(name, value)
        ours = f"{OUR_NAMESPACE} {_UNDERSTANDING}"
        edits |= {place: "" for place, field in enumerate(item.fields) if field.name == ours}
        added.append(self._understanding(understanding))
        self._copy.item(item, edits, added)

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
            stated = "".join(f" {mark}={quoteattr(text)}" for mark, text in marks.items() if text)
            if stated or row[name]:
                tag = f"pumgpt:{name.removeprefix('pumgpt_')}"
                elements.append(f"<{tag}{stated}>{escape(row[name])}</{tag}>")
        return our_element(_UNDERSTANDING, "".join(elements))


def column_of(field: FeedField) -> str:
    """The name of a field's column: the bare name where it is Google's or the feed's own."""
    uri, _, local = field.name.rpartition(" ")
    return local if uri in ("", NAMESPACE, "http://www.w3.org/2005/Atom") else f"{uri}:{local}"


def _is_google(field: FeedField) -> bool:
    return field.name.startswith(NAMESPACE)
