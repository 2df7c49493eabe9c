"""Quantities as shops write them: "10 cm", "3.5g", '13"', "1,000 mg", "16 fl. oz". `pint` knows what the units are worth.

It is imported when the first quantity is read, and asked once for each unit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_SPELLINGS = {
    "millimeter": "mm millimeter millimetre millimeters millimetres",
    "centimeter": "cm centimeter centimetre centimeters centimetres zentimeter",
    "meter": "m meter metre meters metres mètre mètres metro metros",
    "kilometer": "km kilometer kilometre kilometers kilometres",
    "inch": "in inch inches inch. in. zoll pouce pouces pulgada pulgadas \" ″ ''",
    "foot": "ft foot feet ft. ′",
    "yard": "yd yds yard yards",
    "microgram": "mcg µg μg ug microgram micrograms",
    "milligram": "mg mgs milligram milligrams milligramm",
    "gram": "g gr gram grams gramm gramme grammes gramo gramos",
    "kilogram": "kg kgs kilo kilos kilogram kilograms kilogramm",
    "ounce": "oz ozs ounce ounces oz.",
    "pound": "lb lbs pound pounds lb. lbs.",
    "milliliter": "ml milliliter millilitre milliliters millilitres",
    "centiliter": "cl centiliter centilitre",
    "liter": "l liter litre liters litres litro litros ltr",
    "fluid_ounce": "floz fl.oz fl.oz. fluidounce fluidounces",
    "quart": "qt quart quarts",
    "gallon": "gal gallon gallons",
    "watt": "w watt watts",
    "kilowatt": "kw kilowatt kilowatts",
    "volt": "v volt volts",
    "milliampere_hour": "mah",
    "gigabyte": "gb gigabyte gigabytes",
    "terabyte": "tb terabyte terabytes",
    "hertz": "hz hertz",
    "megahertz": "mhz",
    "gigahertz": "ghz",
}
_UNITS = {spelling: unit for unit, spellings in _SPELLINGS.items() for spelling in spellings.split()}
_SYMBOLS = {"foot": "ft", "inch": "in", "fluid_ounce": "fl oz", "milliampere_hour": "mAh"}
_NUMBER = r"\d+(?:[.,]\d+)*(?:\s?[½¼¾]|(?:\s\d+)?/\d+)?|[½¼¾]"
_ALTERNATIVES = "|".join(
    [r"fl\.?\s?oz\.?", r"fluid\s?ounces?", *(re.escape(word) for word in sorted(_UNITS, key=len, reverse=True))]
)
_QUANTITY = re.compile(rf"(?<![\w.,/])(?<!\d[-–])({_NUMBER})[\s-]?({_ALTERNATIVES})(?![\w])", re.IGNORECASE)
_VULGAR = {"½": 0.5, "¼": 0.25, "¾": 0.75}
_CLOSE = 0.015


@dataclass(frozen=True, slots=True)
class Quantity:
    """`half_place` is half of the last digit as it was written, the room that rounding leaves."""

    magnitude: float
    unit: str
    half_place: float

    def same_as(self, other: Quantity) -> bool:
        """Equal in one unit; in different units equal up to the rounding of either, and never further apart than 1.5 %."""
        if self.unit == other.unit:
            return self.magnitude == other.magnitude
        mine, theirs = _common(self, other)
        if mine is None or theirs is None:
            return False
        scale = max(abs(mine[0]), abs(theirs[0]))
        return abs(mine[0] - theirs[0]) <= min(max(mine[1], theirs[1]), _CLOSE * scale) + 1e-9 * scale

    def comparable_with(self, other: Quantity) -> bool:
        """Whether both measure the same kind of thing, such as lengths."""
        return _common(self, other)[0] is not None

    def converted(self, unit: str) -> str | None:
        """As text in another unit ("3.94 in"), to three digits or more; None where it measures something else."""
        factor, dimension = _worth(self.unit)
        target, other_dimension = _worth(_name(unit))
        if dimension != other_dimension:
            return None
        number = self.magnitude * factor / target
        return f"{_plain(number)} {unit}"

    def canonical(self) -> str:
        """In one unit for each kind of thing: mm, g, ml, or pint's base unit."""
        _, dimension = _worth(self.unit)
        unit = {"[length]": "mm", "[mass]": "g", "[length] ** 3": "ml"}.get(dimension)
        written = self.converted(unit) if unit else None
        return written or f"{_plain(self.magnitude)} {_SYMBOLS.get(self.unit, self.unit)}"


def parse_quantity(text: str, bare_unit: str | None = None) -> Quantity | None:
    """The quantity that the whole text is; a bare number is one where `bare_unit` says what it is meant in."""
    stripped = text.strip()
    match = _QUANTITY.fullmatch(stripped)
    if match:
        return _quantity(match[1], _name(match[2]))
    if bare_unit is not None and re.fullmatch(_NUMBER, stripped):
        return _quantity(stripped, _name(bare_unit))
    return None


def find_quantities(text: str) -> Iterator[tuple[Quantity, int, int]]:
    """Every quantity in a text with its start and end; the upper end of a range ("54-62cm") is none."""
    for match in _QUANTITY.finditer(text):
        quantity = _quantity(match[1], _name(match[2]))
        if quantity is not None:
            yield quantity, match.start(), match.end()


def is_unit(text: str) -> bool:
    """Whether `pint`, or a shop, knows a unit of this name."""
    if not text.strip() or any(letter.isdigit() for letter in text):
        return False
    try:
        return bool(_worth(_name(text))[0])
    except ValueError:
        return False


def _quantity(number: str, unit: str) -> Quantity | None:
    whole = 0.0
    for sign, share in _VULGAR.items():
        if sign in number:
            number, whole = number.replace(sign, "").strip(), share
    if "/" in number:
        *ahead, fraction = number.split()
        top, bottom = fraction.split("/")
        if float(bottom) == 0 or top.replace(",", ".").count(".") > 1:  # '1.2.3/4' is a date or a part's number
            return None
        number, whole = "".join(ahead), float(top.replace(",", ".")) / float(bottom)
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", number):
        number = number.replace(",", "")
    digits = number.replace(",", ".")
    if digits.count(".") > 1:
        return None
    places = len(digits.partition(".")[2]) if not whole else 2
    return Quantity((float(digits) if digits else 0.0) + whole, unit, 0.5 * 10**-places)


def _common(one: Quantity, other: Quantity) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
    """Magnitude and rounding of both in base units; nothing where they measure different things. An ounce counts as a
    fluid one beside a volume: shops write "8 oz" of shampoo.
    """
    units = [one.unit, other.unit]
    dimensions = [_worth(unit)[1] for unit in units]
    if dimensions[0] != dimensions[1]:
        if "ounce" not in units or "[length] ** 3" not in dimensions:
            return None, None
        units = ["fluid_ounce" if unit == "ounce" else unit for unit in units]
    factors = [_worth(unit)[0] for unit in units]
    return (
        (one.magnitude * factors[0], one.half_place * factors[0]),
        (other.magnitude * factors[1], other.half_place * factors[1]),
    )


def _name(unit: str) -> str:
    """What pint calls a unit that a shop writes."""
    folded = re.sub(r"\s+", "", unit.casefold())
    return _UNITS.get(folded) or _UNITS.get(folded.rstrip(".")) or unit


@lru_cache(maxsize=512)
def _worth(unit: str) -> tuple[float, str]:
    """The factor to base units, and the dimension. Raises `ValueError` for what is no unit."""
    try:
        quantity = _registry().Quantity(1, unit)
        return float(quantity.to_base_units().magnitude), str(quantity.dimensionality)
    except Exception as error:  # pint parses units as Python: what is none raises almost anything
        raise ValueError(f"'{unit}' is no unit") from error


@lru_cache(maxsize=1)
def _registry() -> Any:
    import pint

    return pint.UnitRegistry()


def _plain(number: float) -> str:
    """At most two decimals, or three significant digits where it is small; no exponent, no idle zeros."""
    if number == 0:
        return "0"
    text = f"{number:.2f}" if abs(number) >= 1 else f"{number:.3g}"
    text = f"{float(text):f}" if "e" in text else text
    return text.rstrip("0").rstrip(".") if "." in text else text
