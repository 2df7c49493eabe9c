"""Sizes and packs as shops write them: "US 9½", "9.5 (US)", "EUR 42 2/3", "2XL", "6-pack", "Pack of 6".

They are compared by what they say and never by likeness: as text, L is nearest to XL.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pumgpt.catalog.vocabulary.quantities import parse_number, plain_number
from pumgpt.catalog.vocabulary.words import key

_SYSTEMS = {
    "us": "US",
    "usa": "US",
    "uk": "UK",
    "gb": "UK",
    "eu": "EU",
    "eur": "EU",
    "europe": "EU",
    "fr": "FR",
    "it": "IT",
    "jp": "JP",
    "au": "AU",
}
_SYSTEM = "|".join(_SYSTEMS)
_FRACTION = r"(?:\s?[½⅓⅔¼¾]|[ -]\d/\d(?!\d))"
_NUMBER = rf"\d{{1,3}}(?:[.,]\d{{1,2}}(?!\d)|{_FRACTION})?"
_SIZED = re.compile(
    rf"(?<![\w.,/])(?:size\s*)?(?:(?P<before>{_SYSTEM})[\s:-]*(?:size\s*)?(?P<one>{_NUMBER})(?![\w/]|[.,]\d)"
    rf"|(?P<two>{_NUMBER})\s*\(?(?P<after>{_SYSTEM})\b\)?)",
    re.IGNORECASE,
)
_MIXED = re.compile(rf"\d{{1,3}}{_FRACTION}")
_LETTERS = {
    "xxs": "xxs 2xs",
    "xs": "xs extrasmall xsmall",
    "s": "s small",
    "m": "m medium med",
    "l": "l large",
    "xl": "xl extralarge xlarge 1xl",
    "xxl": "xxl 2xl xxlarge 2xlarge",
    "xxxl": "xxxl 3xl xxxlarge 3xlarge",
}
_LETTER_OF = {key(word): letter for letter, written in _LETTERS.items() for word in written.split()}
_PACK = re.compile(
    r"(?<![\w.,/])(?:(?:pack|set|case|box) of (?P<of>\d{1,4})"
    r"|(?P<num>\d{1,4})[\s-]*(?:packs?|pk|pcs|pieces?|count|ct)(?:\s*/\s*lot)?)(?!\w)",
    re.IGNORECASE,
)


def canonical_size(text: str, is_size: bool = False) -> str | None:
    """The one way to write a size, None for other text; a letter or bare number is one only where `is_size`."""
    stripped = text.strip()
    if match := _SIZED.fullmatch(stripped):
        return _system_size(match)
    if _MIXED.fullmatch(stripped):
        number = parse_number(stripped)
        return plain_number(number) if number is not None else None
    if not is_size:
        return None
    bare = re.sub(r"^size\s+", "", stripped, flags=re.IGNORECASE)
    if _MIXED.fullmatch(bare):
        return canonical_size(bare)
    return _LETTER_OF.get(key(bare), key(bare)) or None


def canonical_pack(text: str) -> str | None:
    match = _PACK.fullmatch(text.strip())
    return _pack_size(match) if match else None


def is_letter_size(text: str) -> bool:
    """Whether the text is S, M, L, ... or one of their names, in any case."""
    return key(text) in _LETTER_OF


def find_sizes(text: str) -> Iterator[tuple[str, int, int]]:
    """Every size with a system, every pack and every mixed number of a text, in canonical form, with start and end."""
    for match in _SIZED.finditer(text):
        yield _system_size(match), match.start(), match.end()
    for match in _PACK.finditer(text):
        yield _pack_size(match), match.start(), match.end()
    for match in re.finditer(rf"(?<![\w.,/]){_MIXED.pattern}(?![\w/])", text):
        number = parse_number(match[0])
        if number is not None:
            yield plain_number(number), match.start(), match.end()


def _system_size(match: re.Match[str]) -> str:
    written = match["one"] or match["two"]
    number = parse_number(written)
    size = plain_number(number) if number is not None else written
    return f"{_SYSTEMS[(match['before'] or match['after']).casefold()]} {size}"


def _pack_size(match: re.Match[str]) -> str:
    return f"{match['of'] or match['num']} pack"
