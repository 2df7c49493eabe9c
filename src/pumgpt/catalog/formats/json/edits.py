"""The text of a JSON value with changes in it; what didn't change keeps its bytes: blanks, escapes, `1.10`, the order of keys.

New values are set like their neighbours: on lines of their own with the same indentation, or behind one another.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from pumgpt.catalog.formats.jsonl import plain_json

_DECODER = json.JSONDecoder(strict=False)
_BLANKS = re.compile(r"[ \t\r\n]*")


class _Part(NamedTuple):
    """A member of an object or an element of a list: from `start` (that of its key) to `end`, its value at `place`."""

    key: str | None
    start: int
    place: int
    end: int


@dataclass(frozen=True, slots=True)
class _Style:
    """How the text is written: what stands around ':' and ',', and one step of indentation (None: all on one line)."""

    colon: str
    comma: str
    step: str | None

    @classmethod
    def of(cls, text: str) -> _Style:
        parts = list(_parts(text, 0))
        if not parts or parts[0].key is None:
            return cls(": ", ", ", None)
        first = parts[0]
        key_end = _DECODER.raw_decode(text, first.start)[1]
        colon = text[key_end : first.place]
        if "\n" not in text[: first.start]:
            gap = text[parts[0].end : parts[1].start] if len(parts) > 1 else ", " if colon.endswith(" ") else ","
            return cls(colon, gap if gap.strip() == "," else ", ", None)
        outer = text[parts[-1].end :].rpartition("\n")[2].partition("}")[0]
        inner = text[: first.start].rpartition("\n")[2]
        return cls(colon, ", ", inner.removeprefix(outer) or "  ")

    def between(self, line: str | None) -> str:
        """What stands between two values."""
        return f",{line}" if line is not None else self.comma

    def write(self, value: Any, line: str | None) -> str:
        """A value as JSON; `line` is the line break with the indentation that it stands at, None within a line."""
        step = None if line is None else self.step or "  "
        separators = ("," if line is not None else self.comma, self.colon)
        try:
            text = json.dumps(value, ensure_ascii=False, indent=step, separators=separators, default=plain_json)
            text.encode()
        except UnicodeEncodeError:  # half a character can only be written as its escape
            text = json.dumps(value, indent=step, separators=separators, default=plain_json)
        return text if line is None else text.replace("\n", line)


def rewritten(text: str, before: Any, after: Any) -> str:
    """`text`, which is read as `before`, changed so that it is read as `after`."""
    editor = _Editor(text)
    editor.compare(0, before, after, None)
    pieces, at = [], 0
    for start, end, new in sorted(editor.edits):
        pieces += [text[at:start], new]
        at = end
    return "".join((*pieces, text[at:]))


class _Editor:
    """Collects the `edits` (start, end, new text) that make one value of another. `line` is as in `_Style.write`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.style = _Style.of(text)
        self.edits: list[tuple[int, int, str]] = []

    def compare(self, at: int, before: Any, after: Any, line: str | None) -> None:
        """Make of the value at `at` the other one."""
        if before is after or (type(before) is type(after) and before == after):
            return
        parts = list(_parts(self.text, at)) if isinstance(before, dict | list) else []
        if isinstance(before, dict) and isinstance(after, Mapping) and parts:
            self._compare_members(parts, before, after)
        elif isinstance(before, list) and isinstance(after, list) and parts and after:
            self._compare_elements(parts, before, after)
        else:
            self.edits.append((at, _DECODER.raw_decode(self.text, at)[1], self.style.write(after, line)))

    def _compare_members(self, parts: list[_Part], before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        line = _line_before(self.text, parts[0])
        last = {
            part.key: number for number, part in enumerate(parts)
        }  # of a key that stands there twice the last counts
        kept = [number for number, part in enumerate(parts) if part.key in after]
        for number, part in enumerate(parts):
            assert part.key is not None
            if part.key not in after:
                self.edits.append((*_with_comma(parts, number, kept), ""))
            elif last[part.key] == number:
                self.compare(part.place, before[part.key], after[part.key], line)
        new = [
            f"{json.dumps(key, ensure_ascii=False)}{self.style.colon}{self.style.write(value, line)}"
            for key, value in after.items()
            if key not in before
        ]
        if new:
            comma = self.style.between(line)
            end = parts[-1].end
            self.edits.append((end, end, (comma if kept else "") + comma.join(new)))

    def _compare_elements(self, parts: list[_Part], before: list[Any], after: list[Any]) -> None:
        line = _line_before(self.text, parts[0])
        comma = self.style.between(line)
        if len(after) >= len(before):
            for part, old, new in zip(parts, before, after, strict=False):
                self.compare(part.place, old, new, line)
            added = "".join(comma + self.style.write(value, line) for value in after[len(before) :])
            self.edits.append((parts[-1].end, parts[-1].end, added))
            return
        # Those that are left stand there as some of the old ones do, in the same order.
        texts: list[str] = []
        number = 0
        for value in after:
            found = next((n for n in range(number, len(before)) if before[n] == value), None)
            number = number if found is None else found + 1
            texts.append(
                self.style.write(value, line) if found is None else self.text[parts[found].place : parts[found].end]
            )
        self.edits.append((parts[0].start, parts[-1].end, comma.join(texts)))


def _with_comma(parts: list[_Part], number: int, kept: list[int]) -> tuple[int, int]:
    """A member with the comma that goes with it: the one before, or, where nothing is kept before it, the one behind."""
    if kept and kept[0] < number:
        return parts[number - 1].end, parts[number].end
    return parts[number].start, parts[number + 1].start if number + 1 < len(parts) else parts[number].end


def _line_before(text: str, first: _Part) -> str | None:
    """The line break with the indentation before a first part; None where it stands on the line of its bracket."""
    blanks = text[: first.start]
    blanks = blanks[len(blanks.rstrip(" \t\r\n")) :]
    place = blanks.find("\n")
    if place < 0:
        return None
    return blanks[place - 1 :] if place and blanks[place - 1] == "\r" else blanks[place:]


def _parts(text: str, at: int) -> Iterator[_Part]:
    """The members of the object, or the elements of the list, at `at`."""
    is_object = text[at] == "{"
    at = _skip(text, at + 1)
    while text[at] not in "]}":
        start, key = at, None
        if is_object:
            key, at = _DECODER.raw_decode(text, at)
            at = _skip(text, _skip(text, at) + 1)  # the colon
        end = _DECODER.raw_decode(text, at)[1]
        yield _Part(key, start, at, end)
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    return _BLANKS.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing too
