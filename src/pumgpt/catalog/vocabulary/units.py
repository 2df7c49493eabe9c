"""Units of measure as shops write them ("cm", "fl. oz.", '″', "Zoll"), and what they are worth. The factors are pint's.

pint is imported when the first quantity is converted, and asked once for each unit. It only ever gets names from the
table below, or a unit that a schema names: it would read "fl oz" as femtolitres times ounces.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

# "_" stands for a blank, a dot, both or neither: "fl_oz" is "floz", "fl oz", "fl.oz" and "fl. oz".
_SPELLINGS = {
    "millimeter": "mm millimeter millimetre millimeters millimetres",
    "centimeter": "cm centimeter centimetre centimeters centimetres zentimeter",
    "meter": "m meter metre meters metres mètre mètres metro metros",
    "kilometer": "km kilometer kilometre kilometers kilometres",
    "inch": "in inch inches inch. in. zoll pouce pouces pulgada pulgadas \" ″ ” “ '' ’’ ′′ ´´",
    "foot": "ft foot feet ft. ' ’ ′ ´",
    "yard": "yd yds yard yards",
    "microgram": "mcg µg μg ug microgram micrograms",
    "milligram": "mg mgs milligram milligrams milligramm",
    "carat": "carat carats",
    "gram": "g gr gram grams gramm gramme grammes gramo gramos",
    "kilogram": "kg kgs kilo kilos kilogram kilograms kilogramm",
    "ounce": "oz ozs ounce ounces oz.",
    "pound": "lb lbs pound pounds lb. lbs.",
    "milliliter": "ml mls milliliter millilitre milliliters millilitres",
    "centiliter": "cl centiliter centilitre",
    "deciliter": "dl deciliter decilitre",
    "liter": "l lt lts ltr ltrs liter litre liters litres litro litros",
    "fluid_ounce": "fl_oz fl_oz. fluid_ounce fluid_ounces",
    "pint": "pint pints",
    "quart": "qt quart quarts",
    "gallon": "gal gallon gallons",
    "millimeter ** 3": "mm3 mm³ cubic_millimeter cubic_millimeters",
    "centimeter ** 3": "cm3 cm³ cc ccm cu_cm cubic_centimeter cubic_centimetre cubic_centimeters cubic_centimetres",
    "meter ** 3": "m3 m³ cubic_meter cubic_metre cubic_meters cubic_metres",
    "inch ** 3": "in3 in³ cu_in cubic_inch cubic_inches",
    "foot ** 3": "ft3 ft³ cu_ft cubic_foot cubic_feet",
    "centimeter ** 2": "cm2 cm² sq_cm square_centimeter square_centimetre square_centimeters square_centimetres",
    "meter ** 2": "m2 m² sqm sq_m square_meter square_metre square_meters square_metres",
    "inch ** 2": "in2 in² sq_in square_inch square_inches",
    "foot ** 2": "ft2 ft² sq_ft square_foot square_feet",
    "degree_Celsius": "°_c ℃ degrees_celsius celsius",
    "degree_Fahrenheit": "°_f ℉ degrees_fahrenheit fahrenheit",
    "watt": "w watt watts",
    "kilowatt": "kw kilowatt kilowatts",
    "volt": "v volt volts",
    "watt_hour": "wh watt_hour watt_hours",
    "kilowatt_hour": "kwh",
    "milliampere_hour": "mah",
    "ampere_hour": "ah",
    "megabyte": "mb megabyte megabytes",
    "gigabyte": "gb gigabyte gigabytes",
    "terabyte": "tb terabyte terabytes",
    "hertz": "hz hertz",
    "megahertz": "mhz",
    "gigahertz": "ghz",
    "bar": "bar",
    "psi": "psi",
    "lumen": "lm lumen lumens",
}
_BLANK = re.compile(r"[\s.]+")
_UNITS = {
    _BLANK.sub("", spelling.replace("_", "")): unit
    for unit, spellings in _SPELLINGS.items()
    for spelling in spellings.split()
}
_MARKS = frozenset("\"″”“'’′´°℃℉")

# The canonical form of a quantity is written in the one of these that measures the same kind of thing.
_CANONICAL = (
    "millimeter", "centimeter ** 2", "milliliter", "gram", "degree_Celsius", "gigabyte", "watt", "volt", "watt_hour",
    "milliampere_hour", "hertz", "bar",
)  # fmt: skip
_SYMBOLS = {
    "millimeter": "mm",
    "centimeter ** 2": "cm2",
    "milliliter": "ml",
    "gram": "g",
    "degree_Celsius": "°C",
    "gigabyte": "GB",
    "watt": "W",
    "watt_hour": "Wh",
    "milliampere_hour": "mAh",
    "hertz": "Hz",
    "volt": "V",
    "lumen": "lm",
}


def _pattern() -> str:
    """Any spelling of the table, the longest first. A mark may touch what follows it (5'x7'), a word may not."""
    spellings = {spelling for written in _SPELLINGS.values() for spelling in written.split()}
    marks: list[str] = []
    names: list[str] = []
    for spelling in sorted(spellings, key=len, reverse=True):
        escaped = r"[\s.]{0,2}".join(re.escape(part) for part in spelling.split("_"))
        (marks if spelling[0] in _MARKS and spelling[-1] in _MARKS else names).append(escaped)
    touching = r"x\s?\d|\d{1,3}\s?(?:in|inch|inches|oz|cm|g|\"|″|”)(?!\w)"  # 20cmx30cm, 5ft3in
    return rf"(?:(?:{'|'.join(names)})(?:(?!\w)|(?={touching}))|(?:{'|'.join(marks)})(?!(?!x\s?\d)[^\W\d]))"


UNIT = _pattern()
"""A regular expression, to be compiled without regard to case."""


@dataclass(frozen=True, slots=True)
class Worth:
    """`factor` and `offset` lead to base units. Exact, so that spellings of one quantity come to one number."""

    factor: Fraction
    offset: Fraction
    dimension: str


def unit_name(written: str) -> str:
    """What pint calls a unit that a shop writes; other text as it is."""
    return _UNITS.get(_BLANK.sub("", written.casefold())) or written


def unit_symbol(unit: str) -> str:
    """The short form of a name of pint's."""
    return _SYMBOLS.get(unit, unit)


@lru_cache(maxsize=512)
def canonical_unit(unit: str) -> str:
    """The unit for everything that measures the same kind of thing; itself where there is none."""
    dimension = unit_worth(unit).dimension
    return next((known for known in _CANONICAL if unit_worth(known).dimension == dimension), unit)


def is_unit(text: str) -> bool:
    """Whether `pint`, or a shop, knows a unit of this name."""
    if not text.strip() or any(letter.isdigit() for letter in text):
        return False
    try:
        return bool(unit_worth(unit_name(text)).factor)
    except ValueError:
        return False


@lru_cache(maxsize=512)
def unit_worth(unit: str) -> Worth:
    """Raises `ValueError` for what is no unit."""
    registry = _registry()
    try:
        zero, one = (registry.Quantity(number, unit).to_base_units() for number in (0, 1))
        dimension = "[data]" if unit.endswith("byte") else str(one.dimensionality)  # pint's bytes have no dimension
        factor, offset = _exact(one.magnitude - zero.magnitude), _exact(zero.magnitude)
        if offset:  # degrees Fahrenheit are ninths, which no decimal number is
            factor, offset = factor.limit_denominator(1000), offset.limit_denominator(1000)
        return Worth(factor, offset, dimension)
    except Exception as error:  # pint parses units as Python: what is none raises almost anything
        raise ValueError(f"'{unit}' is no unit") from error


def _exact(number: float) -> Fraction:
    """The decimal number that pint's floating-point arithmetic has blurred."""
    return Fraction(f"{number:.12g}")


@lru_cache(maxsize=1)
def _registry() -> Any:
    import pint

    return pint.UnitRegistry()
