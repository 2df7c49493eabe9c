"""The words of a text that may be HTML, as a reader of the page would see them."""

from __future__ import annotations

import html
import re
from html.entities import html5
from html.parser import HTMLParser

_BLOCKS = "address article blockquote br dd div dl dt figure h1 h2 h3 h4 h5 h6 hr ol p pre section table tr ul"
_BREAKS = frozenset(_BLOCKS.split())
_SILENT = frozenset(("script", "style", "template"))
_INLINE = (
    "a abbr aside b big body center cite code del em font footer head html i iframe img ins li nav noscript small span"
    " strike strong sub sup svg tbody td tfoot th thead tt u wbr"
)
# Only what shops write in descriptions, and none of the names that are also special tokens of language models
# (<image>, <video>, <s>): a listing that mentions one of those by itself is plain text.
_TAGS = "|".join((*_BREAKS, *_SILENT, *_INLINE.split()))
# An attribute's value may hold '>', but no '<', so that a lost quote costs no second pass over a long text.
_ATTRIBUTES = r"""\s+[\w:-]+\s*=(?:[^<>"']|"[^"<]*"|'[^'<]*')*"""
_MARKUP = re.compile(
    rf"</?(?:{_TAGS})(?:\s*/?|{_ATTRIBUTES})>|<[a-z][\w-]*{_ATTRIBUTES}>|<!--|<!doctype|<!\[CDATA\[", re.IGNORECASE
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|[A-Za-z]\w{1,31});")
_MOST_ESCAPES = 3
"""How often a text may have been escaped: a feed made from a feed made from a page."""


def plain_text(text: str) -> str:
    """A text of unknown origin without tags and entities; as it stands where it has none ('size < 5', 'R&B')."""
    if "<" not in text and "&" not in text:
        return text
    for _ in range(_MOST_ESCAPES):
        before = text
        if "<" in text and _MARKUP.search(text):
            text = page_text(text)
        elif "&" in text:
            text = _ENTITY.sub(_unescaped, text)
        if text == before:
            break
    return text


def page_text(markup: str) -> str:
    """The text of HTML without tags: one line for each block, '- ' before list items, runs of blanks made one.

    A text without any tag or entity comes back with its blanks tidied only.
    """
    parser = _TextExtractor()
    parser.feed(markup)
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.parts).split("\n"))
    return "\n".join(line for line in lines if line not in ("", "-"))


def _unescaped(entity: re.Match[str]) -> str:
    name = entity[0][1:]
    known = name.startswith("#") or name in html5
    return html.unescape(entity[0]).replace("\N{NO-BREAK SPACE}", " ") if known else entity[0]


class _TextExtractor(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT
        if tag in _BREAKS:
            self.parts.append("\n")
        elif tag == "li":
            self.parts.append("\n- ")
        elif tag in ("td", "th"):
            self.parts.append(" ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BREAKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _SILENT and self._silent > 0
        if tag in _BREAKS or tag == "li":
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)
