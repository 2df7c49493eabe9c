"""A feed in XML written again byte for byte, but for fields of its items that are replaced and elements that are added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from pumgpt.catalog.formats.google.feed_parser import FeedField, FeedItem
from pumgpt.catalog.formats.google.xml import GoogleXmlReader

OUR_NAMESPACE = "urn:pumgpt:understanding"


class FeedCopy:
    """The copy grows item by item, in the order of the file; what stands between them comes along."""

    def __init__(self, path: Path, source: GoogleXmlReader) -> None:
        self._encoding, self._prefixes = source.parser.head.encoding, source.parser.head.prefixes
        self._source = source.path.open("rb")
        self._file = path.open("wb")

    def item(self, item: FeedItem, edits: Mapping[int, str], added: Sequence[str]) -> None:
        """`edits`: the place of a field in the item -> the XML that takes its place; `added`: elements behind the last one."""
        end, indent = self._last_end(item)
        pieces = [(item.fields[place].start, item.fields[place].end, text) for place, text in edits.items()]
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
