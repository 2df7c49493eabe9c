"""Where a text mentions a value: on word boundaries, in any of its wordings, forms and units, and whether it denies it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from pumgpt.catalog.vocabulary.schema import AttributeSpec
from pumgpt.catalog.vocabulary.units import Quantity, find_quantities, parse_quantity
from pumgpt.catalog.vocabulary.values import wordings
from pumgpt.catalog.vocabulary.words import Word, is_unspaced, join, unescaped, words

_DENIALS = (
    "not non no without never isn't isnt aren't doesn't nor nicht kein keine ohne pas sans non-pas sin senza niet geen zonder "
    "bez inte utan"
)
_DENYING = frozenset(_DENIALS.split())
_FREE = frozenset({"free", "frei", "less"})
_UNSPACED_DENIALS = ("不", "非", "无", "無", "没有")
_FITTING = re.compile(
    r"(?:\b(?:fits?|fitting|for|holds?|suits?|suitable for|compatible with|passend für|für|pour|para|per)\s+"
    r"(?:an?\s+|up\s+to\s+)?"
    r"|\bup\s+to\s+)$",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[,;:.!?()\[\]|]|\b(?:but|and|aber|und|mais|et|pero|y)\b", re.IGNORECASE)


class How(StrEnum):
    """How closely a mention follows the listed value."""

    AS_LISTED = "as listed"
    CAPITALS = "other capitals"
    FORM = "another form"
    SYNONYM = "a synonym"
    UNIT = "another unit"


@dataclass(frozen=True, slots=True)
class Mention:
    """`denied`: the text says that it is not so; `fitting`: a measure of something else that the product fits."""

    start: int
    end: int
    how: How
    denied: bool = False
    fitting: bool = False


class Text:
    """One field of a product, read once for all of its claims."""

    def __init__(self, text: str) -> None:
        self.text = unescaped(text)

    @cached_property
    def words(self) -> list[Word]:
        return list(words(self.text))

    @cached_property
    def forms(self) -> frozenset[str]:
        return frozenset(word.form for word in self.words)

    @cached_property
    def quantities(self) -> list[tuple[Quantity, int, int]]:
        return list(find_quantities(self.text)) if any(letter.isdigit() for letter in self.text) else []

    def mentions(self, value: str, spec: AttributeSpec | None = None) -> Iterator[Mention]:
        """Every mention of the value, the closest kinds first."""
        needles = wordings(unescaped(value), spec)
        for place, needle in enumerate(needles):
            for start, end in self._find(needle):
                how = How.SYNONYM if place and needle.casefold() != value.casefold() else self._how(needle, start, end)
                yield self._judged(start, end, how)
        quantity = parse_quantity(needles[0], None if spec is None else spec.unit)
        for found, start, end in self.quantities if quantity is not None else ():
            if quantity is not None and quantity.same_as(found):
                yield self._judged(start, end, How.UNIT, measured=True)

    def overlap(self, value: str) -> float:
        """The share of the value's words, in 0..1, that stand anywhere in the text."""
        wanted = [word.form for word in words(unescaped(value))]
        return sum(form in self.forms for form in wanted) / len(wanted) if wanted else 0.0

    def _find(self, needle: str) -> Iterator[tuple[int, int]]:
        if is_unspaced(needle):
            yield from (
                (match.start(), match.end()) for match in re.finditer(re.escape(needle), self.text, re.IGNORECASE)
            )
            return
        target = join([word.form for word in words(needle)])
        if not target:
            return
        for first, word in enumerate(self.words):
            if target.startswith(word.form):
                last = self._run(first, target)
                if last is not None:
                    yield word.start, self.words[last].end

    def _run(self, first: int, target: str) -> int | None:
        """The last of the words from `first` that together are the target."""
        forms: list[str] = []
        for place in range(first, len(self.words)):
            forms.append(self.words[place].form)
            joined = join(forms)
            if joined == target:
                return place
            if not target.startswith(joined):
                return None
        return None

    def _how(self, needle: str, start: int, end: int) -> How:
        found = self.text[start:end]
        if found == needle or needle in self.text[max(0, start - 1) : end + len(needle) - len(found) + 1]:
            return How.AS_LISTED
        return How.CAPITALS if found.casefold() == needle.casefold() else How.FORM

    def _judged(self, start: int, end: int, how: How, measured: bool = False) -> Mention:
        measured = measured or any(start < stop and begin < end for _, begin, stop in self.quantities)
        return Mention(start, end, how, self._denied(start, end), measured and self._fitting(start))

    def _denied(self, start: int, end: int) -> bool:
        ahead = _CLAUSE.split(self.text[max(0, start - 40) : start])[-1]
        before = [part.casefold() for part in re.findall(r"[^\W_]+(?:'[^\W_]+)?", ahead)][-2:]
        after = re.match(r"[\s-]*([^\W_]+)", self.text[end : end + 12])
        return (
            any(part in _DENYING for part in before)
            or (after is not None and after[1].casefold() in _FREE and self.text[end : end + 1] in " -")
            or ahead.endswith(_UNSPACED_DENIALS)
        )

    def _fitting(self, start: int) -> bool:
        return _FITTING.search(self.text[max(0, start - 30) : start]) is not None
