"""The items of an RSS or Atom feed with the bytes that they and their fields take up in the file, and a copy of it.

Knowing the bytes, the copy changes a field and leaves all else as it stands: comments, CDATA, prefixes and blanks.
No entity is ever expanded: a file that declares one is refused.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NoReturn
from xml.parsers import expat
from xml.sax.saxutils import escape

from pumgpt.catalog.formats.compression import open_seekable
from pumgpt.catalog.formats.google.terms import NAMESPACE
from pumgpt.catalog.formats.text_lines import MAX_CELL_CHARS
from pumgpt.errors import CatalogError

OUR_NAMESPACE = "urn:pumgpt:understanding"
_CHUNK_BYTES = 1 << 16
_NEXT_ITEM = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?(?:item|entry)[\s>]")
# Also as https://, which exports write though the specification has http://.
_WRITTEN_NAMESPACE = re.compile(r"https?://(www\.)?base\.google\.com/ns/1\.0/?", re.IGNORECASE)
_ROOT_NAME = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?(?:rss|feed|RDF)(?=[\s>])")
_ITEMS = ("item", "entry")
_LONGEST_TAG = 64
_MAX_PREFIXES = 100


@dataclass(slots=True)
class FeedField:
    """One child of an item. `name` is 'uri local' (or 'local'); the element is bytes `start` to `end` of the file."""

    name: str
    start: int
    end: int = -1
    text: str = ""
    children: dict[str, str] = field(default_factory=dict)
    """The texts of nested elements, by their name."""

    @property
    def is_empty(self) -> bool:
        return not self.text.strip() and not self.children


@dataclass(slots=True)
class FeedItem:
    """One item; its end tag begins at byte `close`. `error` says why it can't be used, where it can't."""

    start: int
    close: int = -1
    fields: list[FeedField] = field(default_factory=list)
    error: str | None = None


@dataclass(slots=True)
class FeedHead:
    """What the beginning of the file tells of the rest."""

    root: str | None = None
    encoding: str = "utf-8"
    prefixes: dict[str, str] = field(default_factory=dict)
    """Namespace -> the prefix that the file has for it."""
    aliases: set[str] = field(default_factory=set)
    """What the file has for Google's namespace, where it isn't quite that."""


class FeedParser:
    """Parses one file from start to end, in bounded memory; an item that is not well-formed costs itself alone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.head = FeedHead()
        self.cut_off: str | None = None
        """Why the end of the file could not be read, where it couldn't."""

    def items(self) -> Iterator[FeedItem]:
        """Raises `CatalogError` where not even the first item is reached, or the file declares entities."""
        with open_seekable(self.path) as file:
            if file.read(2) in (codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE):
                raise CatalogError(f"{self.path}: is XML in UTF-16; save it as UTF-8")
            # expat gives up at the first error. After one a new parser begins at the next item; it is given the beginning of
            # the file once more, so that it knows the encoding and the namespaces, and is inside of the root element.
            beginning, start = b"", 0
            while True:
                run = _Run(self.head, shift=start - len(beginning))
                try:
                    yield from run.parse(file, start, beginning)
                    return
                except expat.ExpatError as error:
                    reason, failed = f"is not well-formed XML ({expat.ErrorString(error.code)})", run.error_at
                    is_undeclared = error.code == expat.errors.codes[expat.errors.XML_ERROR_UNBOUND_PREFIX]
                except (ValueError, LookupError) as error:
                    raise CatalogError(f"{self.path}: can't be read ({error}); save it as UTF-8") from error
                if not beginning and run.first_item is None:
                    raise CatalogError(f"{self.path}: {reason}; mend it, or export it again")
                if not beginning:
                    file.seek(0)
                    beginning = file.read(run.first_item or 0)
                    if is_undeclared and "g" not in self.head.prefixes.values() and run.item is not None:
                        # Feeds are found that use Google's prefix and never declare it: the parser is told what it means.
                        beginning, start = _ROOT_NAME.sub(_with_google_prefix, beginning, count=1), run.item.start
                        continue
                if run.item is not None:
                    # The item at hand is broken, those before it were whole and have been given.
                    run.item.error = f"{reason} near byte {failed:,} of the file; write & as &amp; and < as &lt;"
                    yield run.item
                else:
                    self.cut_off = reason
                found = _find_item(file, max(failed, run.item.start + 1 if run.item is not None else 0))
                if found is None:
                    return
                start = found


class _Run:
    """One pass of the parser over the rest of the file. Offsets are those of the file."""

    def __init__(self, head: FeedHead, shift: int) -> None:
        self.head, self._shift = head, shift
        self.item: FeedItem | None = None
        """The one that is open."""
        self.first_item: int | None = None
        self._done: list[FeedItem] = []
        self._open: list[str] = []
        self._item_depth = 0
        self._num_chars = 0
        self._field: FeedField | None = None
        self._ending: FeedField | None = None
        self._parser = self._prepare()

    def parse(self, file: BinaryIO, start: int, beginning: bytes) -> Iterator[FeedItem]:
        """Raises `ExpatError` where the XML breaks, or ends before it should; what was whole before comes first."""
        self._parser.Parse(beginning, False)
        file.seek(start)
        is_last = False
        while not is_last:
            chunk = file.read(_CHUNK_BYTES)
            is_last = not chunk
            trouble = None
            try:
                self._parser.Parse(chunk, is_last)
            except expat.ExpatError as error:
                trouble = error
            done, self._done = self._done, []
            yield from done
            if trouble is not None:
                raise trouble

    @property
    def error_at(self) -> int:
        return self._parser.ErrorByteIndex + self._shift

    def _prepare(self) -> expat.XMLParserType:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.XmlDeclHandler = self._declare
        parser.StartNamespaceDeclHandler = self._name_space
        parser.EntityDeclHandler = _refuse_entities
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.DefaultHandler = self._settle
        return parser

    def _here(self) -> int:
        return self._parser.CurrentByteIndex + self._shift

    def _settle(self, data: str = "") -> None:
        """An element ends where the next thing begins."""
        if self._ending is not None:
            self._ending.end = self._here()
            self._ending = None

    def _declare(self, version: str, encoding: str | None, standalone: int) -> None:
        self.head.encoding = encoding or "utf-8"

    def _name_space(self, prefix: str | None, uri: str) -> None:
        if uri != NAMESPACE and _WRITTEN_NAMESPACE.fullmatch(uri) and len(self.head.aliases) < _MAX_PREFIXES:
            self.head.aliases.add(uri)
            uri = NAMESPACE
        if prefix and len(self.head.prefixes) < _MAX_PREFIXES:
            self.head.prefixes.setdefault(uri, prefix)

    def _begin(self, name: str, attributes: Mapping[str, str]) -> None:
        self._settle()
        uri, _, local = name.rpartition(" ")
        depth = len(self._open)
        if uri in self.head.aliases:
            name = f"{NAMESPACE} {local}"
        self.head.root = self.head.root or local
        if self.item is None and depth and local in _ITEMS:
            self.item, self._item_depth, self._num_chars = FeedItem(self._here()), depth, 0
            self.first_item = self.item.start if self.first_item is None else self.first_item
        elif self.item is not None and depth == self._item_depth + 1:
            # Atom's <link href="..."/> has its text in an attribute.
            self._field = FeedField(name, self._here())
            self._field.text = attributes.get("href", "") if local == "link" else ""
            self.item.fields.append(self._field)
        elif self._field is not None:
            self._field.children.setdefault(local, "")
        self._open.append(local)

    def _end(self, name: str) -> None:
        self._settle()
        self._open.pop()
        depth = len(self._open)
        if self.item is not None and depth == self._item_depth:
            self.item.close = self._here()
            self._done.append(self.item)
            self.item = None
        elif self._field is not None and depth == self._item_depth + 1:
            self._ending, self._field = self._field, None

    def _text(self, data: str) -> None:
        self._settle()
        if self._field is None or self.item is None:
            return
        self._num_chars += len(data)
        if self._num_chars > MAX_CELL_CHARS:
            self.item.error = f"has more than {MAX_CELL_CHARS:,} characters; shorten it"
        elif len(self._open) == self._item_depth + 2:
            self._field.text += data
        else:
            self._field.children[self._open[-1]] += data


def _refuse_entities(*declaration: object) -> NoReturn:
    raise ValueError("it declares entities of its own, which are not expanded: write the texts out")


def _with_google_prefix(root: re.Match[bytes]) -> bytes:
    return root[0] + f' xmlns:g="{NAMESPACE}"'.encode()


def _find_item(file: BinaryIO, start: int) -> int | None:
    """Where the next item begins."""
    file.seek(start)
    window = b""
    while chunk := file.read(_CHUNK_BYTES):
        window = window[-_LONGEST_TAG:] + chunk  # a tag may lie across two chunks
        found = _NEXT_ITEM.search(window)
        if found is not None:
            return file.tell() - len(window) + found.start()
    return None


class FeedCopy:
    """A feed written again byte for byte, but for fields of its items that are replaced and elements that are added.

    The copy grows item by item, in the order of the file; what stands between them comes along.
    """

    def __init__(self, path: Path, source: FeedParser) -> None:
        """`source` has parsed at least the first item: its head tells the encoding and the prefixes."""
        self._encoding, self._prefixes = source.head.encoding, source.head.prefixes
        self._source = open_seekable(source.path)
        self._file = path.open("wb")

    def item(self, item: FeedItem, edits: Mapping[int, str], added: Sequence[str]) -> None:
        """`edits`: the place of a field in the item -> the XML that takes its place; `added`: elements behind the last one."""
        end, indent = self._last_end(item)
        pieces = [(item.fields[place].start, item.fields[place].end, text) for place, text in edits.items()]
        # In the order of the file, as both files are only ever read and written onwards.
        for start, stop, text in sorted([*pieces, (end, end, "".join(indent + element for element in added))]):
            self._file.write(self._source.read(start - self._source.tell()))
            self._file.write(text.encode(self._encoding, "xmlcharrefreplace"))
            self._source.seek(stop)

    def element(self, field: FeedField, text: str) -> str:
        """A field with another text, as XML; '' where it is empty."""
        uri, _, local = field.name.rpartition(" ")
        prefix = self._prefixes.get(uri)
        if not text or (uri and prefix is None):
            return ""
        tag = f"{prefix}:{local}" if prefix else local
        return f"<{tag}>{escape(text)}</{tag}>"

    def close(self) -> None:
        """Copy what is left."""
        while chunk := self._source.read(1 << 20):
            self._file.write(chunk)
        self._source.close()
        self._file.close()

    def _last_end(self, item: FeedItem) -> tuple[int, str]:
        """Where the last field ends, and the blanks that stand before the first: new elements are set like the old."""
        place = self._source.tell()
        first, last = item.fields[0], item.fields[-1]
        self._source.seek(item.start)
        before = self._source.read(first.start - item.start).rpartition(b">")[2]
        self._source.seek(place)
        return last.end, before.decode(self._encoding, "replace") if not before.strip() else ""


def our_element(name: str, content: str) -> str:
    """An element in a namespace that other readers pass over."""
    return f'<pumgpt:{name} xmlns:pumgpt="{OUR_NAMESPACE}">{content}</pumgpt:{name}>'
