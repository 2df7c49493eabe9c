"""Where a text mentions a value: at word boundaries, in any wording, form or unit, and whether the text denies it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from pumgpt.catalog.vocabulary.quantities import Quantity, find_numerals, find_quantities, parse_quantity
from pumgpt.catalog.vocabulary.schema import AttributeSpec
from pumgpt.catalog.vocabulary.sizes import canonical_pack, canonical_size, find_sizes, is_letter_size
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

_UNIT_GAP = re.compile(r"(?<=\d)[\s-](?=[^\W\d])")


class MatchKind(StrEnum):
    """How closely a mention follows the listed value."""

    AS_LISTED = "as listed"
    CAPITALS = "other capitals"
    FORM = "another form"
    SYNONYM = "a synonym"
    UNIT = "another unit"


@dataclass(frozen=True, slots=True)
class Mention:
    """A span of the text. `denied`: the text says that it isn't so. `fitting`: it measures something else that the product
    fits ("for 13-inch laptops").
    """

    start: int
    end: int
    kind: MatchKind
    denied: bool = False
    fitting: bool = False


class Text:
    """One field of a product; its words and quantities are found once for all claims."""

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

    @cached_property
    def numerals(self) -> list[tuple[int, int]]:
        return list(find_numerals(self.text)) if any(letter.isdigit() for letter in self.text) else []

    @cached_property
    def sizes(self) -> list[tuple[str, int, int]]:
        return list(find_sizes(self.text)) if any(letter.isdigit() for letter in self.text) else []

    def mentions(self, value: str, spec: AttributeSpec | None = None) -> Iterator[Mention]:
        """Every mention of the value, the closest kinds of match first."""
        needles = wordings(unescaped(value), spec)
        quantity = parse_quantity(needles[0], None if spec is None else spec.unit)
        for place, needle in enumerate(needles):
            # The first wording is the value itself; synonyms and translations of the schema follow.
            is_synonym = place > 0 and needle.casefold() != value.casefold()
            for start, end in self._find(needle):
                mention = self.mention_at(needle, start, end, is_synonym, quantity)
                if mention is not None:
                    yield mention
        for measured, start, end in self.quantities if quantity is not None else ():
            if quantity is not None and quantity.same_as(measured):
                yield self._mention(start, end, MatchKind.UNIT, is_measure=True)
        size = canonical_size(needles[0]) or canonical_pack(needles[0]) or needles[0]
        for written, start, end in self.sizes:
            if written == size and self.text[start:end] != needles[0]:
                yield self._mention(start, end, MatchKind.FORM, is_measure=False)

    def mention_at(
        self, needle: str, start: int, end: int, is_synonym: bool = False, quantity: Quantity | None = None
    ) -> Mention | None:
        """The mention that a span is which has the words of `needle`; None where it is a part of something else."""
        if self._is_cut(needle, start, end) or self._measures_other(quantity, start, end):
            return None
        found = self.text[start:end]
        # The span ends at letters and digits, while the value may begin or end with another mark ("#1", "C++").
        around = self.text[max(0, start - 1) : end + len(needle) - len(found) + 1]
        is_respaced = quantity is not None and _UNIT_GAP.sub("", found) == _UNIT_GAP.sub("", needle)
        if is_synonym:
            kind = MatchKind.SYNONYM
        elif found == needle or needle in around or is_respaced:
            kind = MatchKind.AS_LISTED
        else:
            kind = MatchKind.CAPITALS if found.casefold() == needle.casefold() else MatchKind.FORM
        is_measure = any(start < stop and begin < end for _, begin, stop in self.quantities)
        return self._mention(start, end, kind, is_measure)

    def measure_at(self, start: int, end: int) -> Mention:
        """The mention that a quantity or a size of the text is, which a value writes otherwise."""
        return self._mention(start, end, MatchKind.UNIT, is_measure=True)

    def overlap(self, value: str) -> float:
        """The share of the value's words, in 0..1, that occur anywhere in the text."""
        wanted = [word.form for word in words(unescaped(value))]
        return sum(form in self.forms for form in wanted) / len(wanted) if wanted else 0.0

    def _find(self, needle: str) -> Iterator[tuple[int, int]]:
        """The spans that equal the needle up to capitals, hyphens and word forms."""
        if is_unspaced(needle):
            # Scripts such as Chinese have no word boundaries to respect.
            yield from (match.span() for match in re.finditer(re.escape(needle), self.text, re.IGNORECASE))
            return
        target = join([word.form for word in words(needle)])
        if not target:
            return
        # Words are joined before they are compared, so that "quick-dry", "quick dry" and "quickdry" match each other.
        for first, word in enumerate(self.words):
            if not target.startswith(word.form):
                continue
            forms: list[str] = []
            for place in range(first, len(self.words)):
                forms.append(self.words[place].form)
                joined = join(forms)
                if joined == target:
                    yield word.start, self.words[place].end
                if joined == target or not target.startswith(joined):
                    break

    def _is_cut(self, needle: str, start: int, end: int) -> bool:
        """Whether words of a value are only a part of something else: the 8 of "8 1/2", the 3 of 5'3", the L of "2 L"."""
        cut = any(begin < start < stop or begin < end < stop for begin, stop in self.numerals)
        return cut or (is_letter_size(needle) and any(begin < start < stop for _, begin, stop in self.quantities))

    def _measures_other(self, quantity: Quantity | None, start: int, end: int) -> bool:
        """Whether the words of a quantity are written where the text has another one: 4 oz in "2 lb 4 oz"."""
        over = [found for found, begin, stop in self.quantities if start < stop and begin < end]
        return quantity is not None and bool(over) and not any(quantity.same_as(found) for found in over)

    def _mention(self, start: int, end: int, kind: MatchKind, is_measure: bool) -> Mention:
        # A denial is in the same clause, right before the value or with one word between: "not really waterproof".
        ahead = _CLAUSE.split(self.text[max(0, start - 40) : start])[-1]
        before = [part.casefold() for part in re.findall(r"[^\W_]+(?:'[^\W_]+)?", ahead)][-2:]
        after = re.match(r"[\s-]*([^\W_]+)", self.text[end : end + 12])
        is_denied = (
            any(part in _DENYING for part in before)
            or (after is not None and after[1].casefold() in _FREE and self.text[end : end + 1] in " -")
            or ahead.endswith(_UNSPACED_DENIALS)
        )
        # Measures only: "for men" does say whom the product is for.
        is_fitting = is_measure and _FITTING.search(self.text[max(0, start - 30) : start]) is not None
        return Mention(start, end, kind, is_denied, is_fitting)
