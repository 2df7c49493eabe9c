"""Google Merchant feeds in, as RSS 2.0 or Atom with the `g:` namespace."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pumgpt.catalog.formats.base import CatalogReader, Record, RejectedRow, without_parts
from pumgpt.catalog.formats.columns import ColumnMap
from pumgpt.catalog.formats.google.feed_parser import FeedField, FeedItem, FeedParser
from pumgpt.catalog.formats.google.terms import ATTRIBUTES, NAMESPACE, read_product, without_values
from pumgpt.catalog.product import Product
from pumgpt.errors import CatalogError, UsageError

_ROOTS = ("rss", "feed", "RDF")


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

    kind = "a Google Merchant feed in XML"
    is_export = True

    def __init__(self, path: Path, column_map: ColumnMap | None = None) -> None:
        super().__init__(path)
        if column_map is not None:
            raise UsageError(f"{path}: a feed has its names from Google's specification; leave --columns out")
        self.parser = FeedParser(path)
        first = next(self.parser.items(), None)
        if self.parser.head.root not in _ROOTS:
            raise CatalogError(
                f"{path}: is XML, but no feed (its root is <{self.parser.head.root}>); give RSS 2.0 or Atom"
            )
        if first is not None and not any(field.name == f"{NAMESPACE} id" for field in first.fields):
            self._warn_once([f"{path}: its first item has no <g:id>; is this a Google Merchant feed ({NAMESPACE})?"])

    @cached_property
    def _columns(self) -> tuple[str, ...]:
        names: dict[str, None] = {}
        for record in self._records():
            if not isinstance(record, RejectedRow):
                names.update(dict.fromkeys(record))
        return tuple(names)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every name that any item uses; the first call reads the whole file."""
        return self._columns

    def count(self) -> int:
        return sum(1 for _ in FeedParser(self.path).items())

    def _records(self) -> Iterator[Record]:
        parser = FeedParser(self.path)
        for item in parser.items():
            record = FeedRecord.of(item)
            yield record if item.error is None else RejectedRow(0, record.get("id"), f"the item {item.error}", record)
        if parser.cut_off is not None:
            self._warn_once([f"{self.path}: {parser.cut_off} outside of any item; what stands there is left as it is"])

    def _read_fields(self, record: Mapping[str, Any]) -> Product:
        assert isinstance(record, FeedRecord)
        fields = [field for field in record.item.fields if column_of(field) in ("image_link", "additional_image_link")]
        images = [field.text.strip() for field in sorted(fields, key=lambda field: column_of(field) != "image_link")]
        names = dict(record)
        for structured in ("structured_title", "structured_description"):
            names[structured] = record.get(f"{structured}/content", "")
        product = read_product(names, self.base, list(dict.fromkeys(filter(None, images))))
        extra = {name: text for name, text in record.items() if name not in _READ}
        return replace(product, extra=extra, original=record)

    def without(self, original: Any, failed: Mapping[str, Collection[str]]) -> FeedRecord:
        """The item's texts without the values; `item` still says where the old ones stand."""
        assert isinstance(original, FeedRecord)
        kept = without_values(original.texts, failed)
        for name in failed.keys() & original.keys() - _READ:
            kept[name] = without_parts(kept[name], "|", failed[name])
        return replace(original, texts=kept)


_READ = frozenset(
    ("id", "title", "description", "image_link", "additional_image_link", "google_product_category", *ATTRIBUTES)
)


def column_of(field: FeedField) -> str:
    """The name of a field's column: the bare name where it is Google's or the feed's own."""
    uri, _, local = field.name.rpartition(" ")
    return local if uri in ("", NAMESPACE, "http://www.w3.org/2005/Atom") else f"{uri}:{local}"


def _is_google(field: FeedField) -> bool:
    return field.name.startswith(NAMESPACE)
