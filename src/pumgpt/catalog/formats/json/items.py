"""The products of a JSON file, one at a time: where their list is, and each of its elements with the text that it was read from.

A file may be `[{...}, ...]`, or an object with the list somewhere in it: `{"products": [...]}`, `{"data": {"items": [...]}}`.
Only the element at hand is in memory. Python's own decoder reads the elements: it is written in C and says where a value
ends, so that a writer can copy the text of what it doesn't change.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from pumgpt.catalog.formats.compression import open_bytes
from pumgpt.catalog.formats.text_lines import MAX_CELL_CHARS, western
from pumgpt.errors import CatalogError

LIST_NAMES = frozenset(
    [
        "products",
        "items",
        "data",
        "results",
        "records",
        "rows",
        "entries",
        "hits",
        "docs",
        "listings",
        "catalog",
        "nodes",
        "edges",
        "value",
        "@graph",
        "itemlistelement",
        "datafeedelement",
    ]
)
"""What the list of products is called (in small letters), where it is a part of a larger document."""
_IDS = frozenset(("id", "sku", "code", "handle", "@type"))
_NAMES = frozenset(("title", "name", "product_name", "@type"))
"""An object with one of each is a product by itself."""
_MAX_DEPTH = 4
_CHUNK_CHARS = 1 << 16
_DECODER = json.JSONDecoder()
_BLANKS = re.compile(r"[ \t\r\n]*")
_NEXT_ELEMENT = re.compile(r"\}\s*,(\s*)(?=\{)")
_FOREIGN = re.compile(r"[\udc80-\udcff]")
"""Bytes that aren't UTF-8, as they are read."""
_LOST_BRACE_CHARS = 2_000_000
"""How far behind a broken element the next one is looked for."""

Keys = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JsonItem:
    """One element of the list. `before` is the text between it and the element above, `text` its own."""

    before: str
    text: str
    value: Any = None
    error: str | None = None
    """Why the element can't be used, where it can't."""


class JsonItems:
    """The elements of a file's list, from the start as often as one likes.

    Raises `CatalogError` where the file is no JSON, or has neither a list of objects nor an object.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tail = ""
        """What stands behind the last element; known after a whole pass."""
        self.keys: Keys | None
        """The keys that lead to the list; None where the whole document is one element."""
        with _open(path) as file:
            try:
                self.keys = _find_list(_Window(file))
            except json.JSONDecodeError as error:
                raise CatalogError(f"{path}: is not JSON ({error}); export it again") from error

    def __iter__(self) -> Iterator[JsonItem]:
        with _open(self.path) as file:
            window = _Window(file)
            if self.keys is None:
                yield _read_element(window, set())
            else:
                yield from _elements(window, self.keys)
            self.tail = window.rest()


def is_json_lines(path: Path) -> bool:
    """Whether a file has one object a line, whatever its ending: many data sets are called `.json` so."""
    with _open(path) as file:
        first = file.readline(MAX_CELL_CHARS)
        second = next((line for line in iter(lambda: file.readline(1024), "") if line.strip()), "")
    try:
        return second.lstrip().startswith("{") and isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def _open(path: Path) -> TextIO:
    with open_bytes(path) as file:
        mark = file.read(2)
    encoding = "utf-16" if mark in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    # A byte that isn't UTF-8 must not cost the file: it stands as a lone surrogate, for `_read_element` to see.
    return io.TextIOWrapper(open_bytes(path), encoding, newline="", errors="surrogateescape")


class _Window:
    """The text of a file from the last `take` on, read as far as it is needed. `at` is the place of the next token."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._start = 0
        self.text, self.at = "", 0

    def more(self) -> bool:
        """Read on, as much as there is already: a long value is then decoded a few times only."""
        chunk = self._file.read(max(_CHUNK_CHARS, len(self.text) - self._start))
        self.text = self.text[self._start :] + chunk
        self.at -= self._start
        self._start = 0
        return bool(chunk)

    def peek(self) -> str:
        """The first character of the next token, with `at` on it; '' at the end of the file."""
        while True:
            self.at = _BLANKS.match(self.text, self.at).end()  # type: ignore[union-attr]  # it matches nothing too
            if self.at < len(self.text):
                return self.text[self.at]
            if not self.more():
                return ""

    def pass_over(self, character: str) -> None:
        """Raises `JSONDecodeError` where another character stands here."""
        if self.peek() != character:
            raise json.JSONDecodeError(f"Expecting '{character}'", self.text, self.at)
        self.at += 1

    def value(self) -> Any:
        """Decode the value at hand. Raises `JSONDecodeError`; `RecursionError` and `ValueError` for what Python refuses."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self.text, self.at)
            except json.JSONDecodeError as error:
                # Cut off by the end of what was read so far, or broken?
                near_end = error.pos >= len(self.text) - 8 or error.msg.startswith("Unterminated string")
                if not near_end or len(self.text) - self.at > MAX_CELL_CHARS or not self.more():
                    raise
                continue
            if end == len(self.text) and self.more():  # a number may go on
                continue
            self.at = end
            return value

    def opens_with(self, characters: str) -> bool:
        """Whether the first token inside of the list at hand is one of these. What stands before the list is dropped."""
        self.take()
        self.at += 1
        opens = self.peek() in tuple(characters)
        self.at = self._start
        return opens

    def skip(self) -> None:
        """Pass over a value; of a list one element at a time is decoded."""
        if self.peek() != "[":
            self.value()
            return
        self.at += 1
        while self.peek() != "]":
            self.value()
            if self.peek() == ",":
                self.at += 1
            elif self.peek() != "]":
                raise json.JSONDecodeError("Expecting ',' delimiter", self.text, self.at)
        self.at += 1

    def take(self) -> str:
        """What was passed over since the last `take`."""
        taken = self.text[self._start : self.at]
        self._start = self.at
        return taken

    def rest(self) -> str:
        """All that is left, from the last `take` on."""
        rest = self.text[self._start :] + self._file.read()
        self.text, self._start, self.at = "", 0, 0
        return rest


def _find_list(window: _Window) -> Keys | None:
    first = window.peek()
    if first == "[":
        return ()
    if first != "{":
        raise json.JSONDecodeError("Expecting an object or a list", window.text, window.at)
    found: list[Keys] = []
    known = _search_object(window, (), found)
    return known if known is not None else next(iter(found), None)


def _search_object(window: _Window, keys: Keys, found: list[Keys]) -> Keys | None:
    """The keys of a list that is called as lists of products are; other lists of objects are added to `found`."""
    window.pass_over("{")
    names: set[str] = set()
    num_found = len(found)
    while window.peek() == '"':
        name = window.value()
        window.pass_over(":")
        names.add(name)
        here = (*keys, name)
        first = window.peek()
        is_known = name.casefold() in LIST_NAMES
        if first == "[" and window.opens_with("{]" if is_known else "{"):
            if is_known:
                return here
            found.append(here)
        if first == "{" and len(here) < _MAX_DEPTH:
            known = _search_object(window, here, found)
            if known is not None:
                return known
        else:
            window.skip()
        if window.peek() == ",":
            window.at += 1
    window.pass_over("}")
    if names & _IDS and names & _NAMES:
        del found[num_found:]  # the lists of one product: its variants, its photos
    return None


def _elements(window: _Window, keys: Keys) -> Iterator[JsonItem]:
    _enter(window, keys)
    window.pass_over("[")
    known: set[str] = set()
    while window.peek() not in ("]", ""):
        item = _read_element(window, known)
        yield item
        if isinstance(item.value, dict):
            known = set(item.value)
        if window.peek() == ",":
            window.at += 1
        elif window.peek() == "" and item.value is None:
            return  # a broken element took all that was left, and is reported already
        elif window.peek() != "]":
            yield JsonItem(window.rest(), "", None, "the file ends inside of its list, or goes on without a comma")
            return


def _enter(window: _Window, keys: Keys) -> None:
    """Go to the value that these keys lead to."""
    for key in keys:
        window.pass_over("{")
        while True:
            name = window.value()
            window.pass_over(":")
            if name == key:
                break
            window.skip()
            window.pass_over(",")


def _read_element(window: _Window, known: set[str]) -> JsonItem:
    window.peek()
    before = window.take()  # a comma, and for the first element the bracket and all that stands before it
    try:
        value = window.value()
        text = window.take()
        if not text.isascii() and _FOREIGN.search(text):
            text = western(text.encode("utf-8", "surrogateescape"))
            value = json.loads(text)
        if "\\u" in text:  # an escape may write what no encoding can
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return JsonItem(
            before, text, None, "holds half a character (a lone surrogate, \\ud800 to \\udfff); write it whole"
        )
    except (ValueError, RecursionError) as error:
        message = error.msg if isinstance(error, json.JSONDecodeError) else error
        window.at = _next_element(window, before, known)
        return JsonItem(before, window.take(), None, f"is not JSON ({message}); mend it, or export it again")
    error_text = None if isinstance(value, dict) else "is not a JSON object; write {...} for each product"
    return JsonItem(before, text, value, error_text)


def _next_element(window: _Window, before: str, known: set[str]) -> int:
    """Where a broken element ends: before the comma of the next object that isn't a part of it. That one begins a line as the
    broken one did, after the same `before`, or has most of the names of the element above (`known`). The end of the text where
    there is none.
    """
    while len(window.text) - window.at < _LOST_BRACE_CHARS and window.more():
        pass
    blanks = before[len(before.rstrip()) :]
    for match in _NEXT_ELEMENT.finditer(window.text, window.at):
        try:
            value, _ = _DECODER.raw_decode(window.text, match.end())
        except (ValueError, RecursionError):
            continue
        shared = len(known & value.keys())
        if 2 * shared > len(known) or ("\n" in blanks and match[1] == blanks and shared >= min(1, len(known))):
            return match.start() + 1
    return len(window.text)
