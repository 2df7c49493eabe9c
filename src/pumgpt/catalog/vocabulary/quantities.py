"""Quantities in catalogue text: "10 cm", "1 1/2 in", "5'3\"", "2 lb 4 oz", "1,000 mg", "2 x 500 ml".

    amount   = number unit [number unit]       "5 ft 3 in": the second unit divides the first, and counts less than one
    product  = number "x" ... amount           "2 x 500 ml" is 500 ml each and 1 l together; "20 x 30 cm" is two lengths
             | amount "x" number               "500 ml x 2"
    number   = [sign] (whole [fraction] | fraction | decimal)
    fraction = "1/2" | "½"
    decimal  = digits in groups of three or none, with a decimal point or comma

Numbers are exact fractions, so that every spelling of a quantity has one canonical form. `units` knows the units.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from math import prod

from pumgpt.catalog.vocabulary.units import UNIT, canonical_unit, unit_name, unit_symbol, unit_worth

_VULGAR = "¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
# At most 15 digits: longer runs are codes, and no arithmetic should depend on a stranger's million digits.
_NUMBER = rf"""(?:
    (?:(?P<whole>\d{{1,15}})(?:[ \u00a0-](?=\d{{1,4}}[/⁄])|\s?(?=[{_VULGAR}])))?
    (?:(?P<top>\d{{1,15}})[/⁄](?P<bottom>\d{{1,15}})|(?P<vulgar>[{_VULGAR}]))
  | (?P<groups>\d{{1,3}}(?:(?:,\d{{3}})+(?:\.\d+)?|(?:\.\d{{3}})+(?:,\d+)?|(?:['’]\d{{3}})+(?:[.,]\d+)?
        |(?:[ \u00a0\u2009\u202f]\d{{3}})+(?:[.,]\d{{1,2}})?))(?!\d)
  | (?P<decimal>\d{{1,15}}(?:[.,]\d{{1,15}})?|[.,]\d{{1,15}})
)(?![.,/⁄]?\d)"""
_NUMBER_RE = re.compile(_NUMBER, re.VERBOSE)
# A sign touches its number and nothing else: the hyphen of "Model-5 cm" and the dash of "10 -12 cm" are none.
_START = re.compile(r"(?<![\w.,/⁄])(?:(?<![^\s(\[:=])(?<!\d\s)(?P<sign>[-−–+]))?(?=[.,]?\d|[" + _VULGAR + "])")
_UNIT = re.compile(rf"(?:\s{{0,2}}|-)({UNIT})", re.IGNORECASE)
_TIMES = re.compile(r"\s?[x×*]\s?(?=[\d.,])", re.IGNORECASE)
_COUNT = re.compile(rf"\s?[x×*]\s?(\d{{1,4}})(?![\w/.,]?\d)(?!\s?-?{UNIT})(?!\w)", re.IGNORECASE)
_RANGE = re.compile(r"[-–—−](?=\d)")
_JOINT = re.compile(r"\s*(?:,\s*|-|(?:and|&)\s)?(?=[\d" + _VULGAR + "])", re.IGNORECASE)
_BARE_INCHES = re.compile(r"-?(\d{1,2})(?![\w.,/]|\s?[½¼¾])")
# "2 in 1 shampoo", "5 in a box", "100 in stock": the word, not the unit.
_PREPOSITION = re.compile(r"[\s-]*(?:\d+\b|(?:one|an?|the|total|stock|all)\b)", re.IGNORECASE)

_DIVISIONS = {
    "yard": ("foot", 3),
    "foot": ("inch", 12),
    "pound": ("ounce", 16),
    "meter": ("centimeter", 100),
    "kilogram": ("gram", 1000),
}
# A shop that writes 1.000 g or 20.000 mAh means thousands; 1.125 in, 2.500 kg and 0.125 g are decimals.
_IN_THOUSANDS = frozenset({"gram", "milligram", "milliliter", "millimeter", "milliampere_hour", "watt", "watt_hour"})
_ADDED_UP = frozenset({"[mass]", "[length] ** 3", "[data]"})
_CLOSE = Fraction(15, 1000)


@dataclass(frozen=True, slots=True)
class Quantity:
    """`half_place` is half of the last digit as it was written, the room that rounding leaves.

    `other_magnitude` is what a number may mean besides: "2 500 ml" is 2500 ml, or 500 ml after something that ends in 2.
    """

    magnitude: Fraction
    unit: str
    half_place: Fraction
    other_magnitude: Fraction | None = None

    def same_as(self, other: Quantity) -> bool:
        """Equal in one unit; in different units equal up to the rounding of either, and never further apart than 1.5 %."""
        return any(_equal(mine, theirs) for mine in self._meanings() for theirs in other._meanings())

    def comparable_with(self, other: Quantity) -> bool:
        """Whether both measure the same kind of thing, such as lengths."""
        return _common_units(self.unit, other.unit) is not None

    def converted(self, unit: str) -> str | None:
        """As text in another unit ("3.94 in"), to three digits or more; None where it measures something else."""
        own, target = unit_worth(self.unit), unit_worth(unit_name(unit))
        if own.dimension != target.dimension:
            return None
        return f"{plain_number((self.magnitude * own.factor + own.offset - target.offset) / target.factor)} {unit}"

    def canonical(self) -> str:
        """In one unit for each kind of thing: mm, g, ml, °C, ...; in its own where there is none."""
        unit = canonical_unit(self.unit)
        number = self.converted(unit) or f"{plain_number(self.magnitude)} {unit}"
        return number.removesuffix(unit) + unit_symbol(unit)

    def _meanings(self) -> Iterator[Quantity]:
        yield self
        if self.other_magnitude is not None:
            yield replace(self, magnitude=self.other_magnitude)


def parse_quantity(text: str, bare_unit: str | None = None) -> Quantity | None:
    """The quantity that the whole text is; a bare number is one where `bare_unit` says what it is meant in."""
    stripped = text.strip()
    start = _START.match(stripped)
    if start is None:
        return None
    phrase = _phrase(stripped, start.end(), start["sign"])
    if phrase is not None and phrase.end == len(stripped) and phrase.total is not None:
        return phrase.total
    number = _NUMBER_RE.match(stripped, start.end())
    if bare_unit is None or number is None:
        return None
    rest = stripped[number.end() :].strip().casefold()
    if rest not in ("", bare_unit.casefold()):  # a schema may name units that are not in our table
        return None
    return _quantity(number, unit_name(bare_unit), start["sign"])


def find_quantities(text: str) -> Iterator[tuple[Quantity, int, int]]:
    """Every quantity in a text with its start and end; the ends of a range ("54-62cm") are none."""
    for phrase in _phrases(text):
        yield from phrase.quantities


def find_numerals(text: str) -> Iterator[tuple[int, int]]:
    """Where numbers stand that must not be cut in two: "8 1/2", the "1 000" of "1 000 g", all of 5'3"."""
    for phrase in _phrases(text):
        yield from phrase.numerals


def parse_number(text: str) -> Fraction | None:
    """The number that the whole text is: "8½", "8 1/2" and "8.5" are one; "81/2" is another."""
    match = _NUMBER_RE.fullmatch(text.strip())
    value = _value(match, "") if match else None
    return value[0] if value else None


def plain_number(number: Fraction) -> str:
    """At most two decimals, or three significant digits where it is small; no exponent, no idle zeros."""
    sign, size = "-" if number < 0 else "", abs(number)
    if size >= 1:
        whole, cents = divmod(round(size * 100), 100)
        text = f"{whole}.{cents:02d}"
    else:
        text = format(Decimal(f"{float(size):.3g}"), "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return sign + text if text.strip("0.") else "0"


@dataclass(frozen=True)
class _Phrase:
    """One match of the grammar. `total` is the quantity that all of it is; none for a range or "20 x 30 cm"."""

    end: int
    total: Quantity | None = None
    quantities: tuple[tuple[Quantity, int, int], ...] = ()
    numerals: tuple[tuple[int, int], ...] = ()


def _phrases(text: str) -> Iterator[_Phrase]:
    start = _START.search(text)
    while start is not None:
        phrase = _phrase(text, start.end(), start["sign"])
        if phrase is None:
            start = _START.search(text, start.end() + 1)
            continue
        yield phrase
        # The lengths of 5'x7' and 20cm x 30cm touch: no word boundary stands before the second.
        while times := _TIMES.match(text, phrase.end):
            phrase = _phrase(text, times.end(), None) or _Phrase(times.end())
            yield phrase
        start = _START.search(text, phrase.end)


def _phrase(text: str, start: int, sign: str | None) -> _Phrase | None:
    """What begins with the number at `start`; nothing where that number is no part of a quantity and has no parts."""
    number = _NUMBER_RE.match(text, start)
    if number is None:
        return None
    if dash := _RANGE.match(text, number.end()):
        upper = _NUMBER_RE.match(text, dash.end())
        unit = _UNIT.match(text, upper.end()) if upper else None
        if unit:
            return _Phrase(unit.end())
    numbers = [number]
    while times := _TIMES.match(text, numbers[-1].end()):
        factor = _NUMBER_RE.match(text, times.end())
        if factor is None:
            break
        numbers.append(factor)
    first = start - len(sign or "")
    unit = _unit(text, numbers[-1])
    if unit is None:
        return _Phrase(number.end(), numerals=((first, number.end()),)) if number["whole"] else None
    amount = _amount(text, numbers[-1], unit, sign if len(numbers) == 1 else None)
    if amount is None:
        return None
    quantity, end, numeral = amount
    numerals = (*((each.start(), each.end()) for each in numbers[:-1]), numeral)
    return _product(text, first, numbers, quantity, end, numerals)


def _product(
    text: str,
    first: int,
    numbers: list[re.Match[str]],
    quantity: Quantity,
    end: int,
    numerals: tuple[tuple[int, int], ...],
) -> _Phrase:
    """An amount with what it is multiplied by: counts of masses and volumes add up, lengths share their unit."""
    begin = first if len(numbers) == 1 else numbers[-1].start()
    each = (quantity, begin, end)
    count = _COUNT.match(text, end)
    if len(numbers) == 1 and count is None:
        return _Phrase(end, quantity, (each,), numerals)
    factors = [(_value(number, "") or (Fraction(0), 0))[0] for number in numbers[:-1]]
    if unit_worth(quantity.unit).dimension in _ADDED_UP:
        if count is not None and not factors:
            factors, end = [Fraction(count[1])], count.end()
        if all(factor.denominator == 1 and factor > 0 for factor in factors):
            times = prod(factors)
            total = Quantity(quantity.magnitude * times, quantity.unit, quantity.half_place * times)
            return _Phrase(end, total, ((total, first, end), each), numerals)
    sides = tuple(
        (side, first, end)
        for number in numbers[:-1]
        if (side := _quantity(number, quantity.unit)) and unit_worth(side.unit).dimension == "[length]"
    )
    return _Phrase(end, None if factors else quantity, (*sides, each), numerals)


def _amount(
    text: str, number: re.Match[str], unit: re.Match[str], sign: str | None
) -> tuple[Quantity, int, tuple[int, int]] | None:
    """The quantity, where it ends, and its numeral: the number, or all of it where it has two units."""
    name = unit_name(unit[1])
    quantity = _quantity(number, name, sign)
    if quantity is None:
        return None
    divided = _divided(text, name, unit) if quantity.magnitude.denominator == 1 and number["whole"] is None else None
    if divided is None:
        return quantity, unit.end(), (number.start(), number.end())
    part, end = divided
    size = abs(quantity.magnitude) * _DIVISIONS[name][1] + part.magnitude
    whole = Quantity(-size if quantity.magnitude < 0 else size, part.unit, part.half_place)
    return whole, end, (number.start(), end)


def _divided(text: str, name: str, unit: re.Match[str]) -> tuple[Quantity, int] | None:
    """The "3 in" after "5 ft": a second amount in the next smaller unit, less than one of the first."""
    if name not in _DIVISIONS:
        return None
    smaller, num_parts = _DIVISIONS[name]
    joint = _JOINT.match(text, unit.end())
    number = _NUMBER_RE.match(text, joint.end()) if joint else None
    if number is None:
        return None
    second = _unit(text, number)
    if second is not None and unit_name(second[1]) == smaller:
        part, end = _quantity(number, smaller), second.end()
    elif unit[1] in "'’′´" and (bare := _BARE_INCHES.match(text, unit.end())):  # 5'3
        part, end = Quantity(Fraction(bare[1]), smaller, Fraction(1, 2)), bare.end()
    else:
        return None
    return (part, end) if part is not None and part.magnitude < num_parts else None


def _unit(text: str, number: re.Match[str]) -> re.Match[str] | None:
    unit = _UNIT.match(text, number.end())
    if unit is None:
        return None
    if unit[1].casefold() == "in" and _PREPOSITION.match(text, unit.end()):
        return None
    is_network = unit[0] == "G" and number[0] in "23456"  # 5G
    is_disk = unit[1].casefold() in ("gb", "tb", "mb") and number["groups"] and " " in number["groups"]
    return None if is_network or is_disk else unit


def _quantity(number: re.Match[str], unit: str, sign: str | None = None) -> Quantity | None:
    value = _value(number, unit)
    if value is None:
        return None
    magnitude, num_decimals = value
    minus = -1 if sign and sign != "+" else 1
    last_group = re.split(r"\s", number["groups"] or "")[-1] if re.search(r"\s", number["groups"] or "") else "0"
    other = Fraction(last_group.replace(",", "."))
    # "000" is no number of its own.
    return Quantity(minus * magnitude, unit, Fraction(1, 2 * 10**num_decimals), other if other else None)


def _value(number: re.Match[str], unit: str) -> tuple[Fraction, int] | None:
    """A number, and how many decimals it is good for."""
    whole = Fraction(number["whole"] or 0)
    if number["vulgar"]:
        return whole + Fraction(unicodedata.numeric(number["vulgar"])).limit_denominator(10), 2
    if number["bottom"]:
        top, bottom = int(number["top"]), int(number["bottom"])
        return (whole + Fraction(top, bottom), 2) if bottom else None
    digits = number["decimal"] or number["groups"]
    if number["groups"]:
        mark = re.sub(r"^\d+", "", digits)[0]
        is_decimal = digits[0] == "0" or (mark == "." and digits.count(".") == 1 and unit not in _IN_THOUSANDS)
        if mark not in ".," or not is_decimal:
            digits = digits.replace(mark, "")
    digits = digits.replace(",", ".")
    if digits.count(".") > 1:
        return None
    return Fraction(f"0{digits}"), len(digits.partition(".")[2])


def _equal(one: Quantity, other: Quantity) -> bool:
    if one.unit == other.unit:
        return one.magnitude == other.magnitude
    units = _common_units(one.unit, other.unit)
    if units is None:
        return False
    worths = [unit_worth(unit) for unit in units]
    mine, theirs = (
        each.magnitude * worth.factor + worth.offset for each, worth in zip((one, other), worths, strict=True)
    )
    room = max(each.half_place * worth.factor for each, worth in zip((one, other), worths, strict=True))
    return abs(mine - theirs) <= min(room, _CLOSE * max(abs(mine), abs(theirs)))


def _common_units(one: str, other: str) -> tuple[str, str] | None:
    """The units in which both are compared; nothing where they measure different things. An ounce counts as a fluid one
    beside a volume: shops write "8 oz" of shampoo.
    """
    dimensions = unit_worth(one).dimension, unit_worth(other).dimension
    if dimensions[0] == dimensions[1]:
        return one, other
    if "ounce" not in (one, other) or "[length] ** 3" not in dimensions:
        return None
    return ("fluid_ounce", other) if one == "ounce" else (one, "fluid_ounce")
