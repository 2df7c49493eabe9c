"""Quantities and sizes: every spelling of one is one value, and what only looks like one is none."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pumgpt.catalog.vocabulary.quantities import (
    find_numerals,
    find_quantities,
    parse_number,
    parse_quantity,
    plain_number,
)
from pumgpt.catalog.vocabulary.schema import AttributeSpec
from pumgpt.catalog.vocabulary.sizes import find_sizes
from pumgpt.catalog.vocabulary.values import canonical, same_value

WHOLE = """
    6'2"            | 1879.6 mm
    6’2”            | 1879.6 mm
    6′2″            | 1879.6 mm
    6´2´´           | 1879.6 mm
    6' 2"           | 1879.6 mm
    6'-2"           | 1879.6 mm
    6'2             | 1879.6 mm
    6'2''           | 1879.6 mm
    6 ft 2 in       | 1879.6 mm
    6ft2in          | 1879.6 mm
    6 ft. 2 in.     | 1879.6 mm
    6 feet 2 inches | 1879.6 mm
    6 foot 2        | none
    6 feet, 2 inches | 1879.6 mm
    6 ft and 2 in   | 1879.6 mm
    6 ft 2 1/2 in   | 1892.3 mm
    6' 2½"          | 1892.3 mm
    74 in           | 1879.6 mm
    74-inch         | 1879.6 mm
    -6'2"           | -1879.6 mm
    6 ft 12 in      | none
    6.5 ft 2 in     | none
    7'              | 2133.6 mm
    2 yd 1 ft       | 2133.6 mm
    1 m 75 cm       | 1750 mm
    3 lb 8 oz       | 1587.57 g
    3lb8oz          | 1587.57 g
    3 lbs. 8 oz.    | 1587.57 g
    3 pounds and 8 ounces | 1587.57 g
    56 oz           | 1587.57 g
    3 lb 16 oz      | none
    1 kg 250 g      | 1250 g
    1 1/4 inch      | 31.75 mm
    1-1/4 inch      | 31.75 mm
    1¼ inch         | 31.75 mm
    1 ¼ inch        | 31.75 mm
    1 1⁄4"          | 31.75 mm
    1.25 in         | 31.75 mm
    1,25 in         | 31.75 mm
    11/4 in         | 69.85 mm
    ⅔ cup           | none
    ⅞"              | 22.22 mm
    7/8"            | 22.22 mm
    1/0 in          | none
    .75 kg          | 750 g
    0.750 kg        | 750 g
    0,750 kg        | 750 g
    2.250 kg        | 2250 g
    2.250 g         | 2250 g
    2,250 g         | 2250 g
    2 250 g         | 2250 g
    2\u00a0250 g    | 2250 g
    2\u202f250 g    | 2250 g
    2'250 g         | 2250 g
    2.250,5 g       | 2250.5 g
    2,250.5 g       | 2250.5 g
    1.000.000 mg    | 1000 g
    1.0.0 g         | none
    30 000 mAh      | 30000 mAh
    30.000 mAh      | 30000 mAh
    30 Ah           | 30000 mAh
    5 cm3           | 5 ml
    5 cm³           | 5 ml
    5 cc            | 5 ml
    5 cubic centimetres | 5 ml
    1 dl            | 100 ml
    1 lt            | 1000 ml
    1 ltr           | 1000 ml
    12 fl oz        | 354.88 ml
    12 fl. oz.      | 354.88 ml
    12 FL.OZ        | 354.88 ml
    12 fluid ounces | 354.88 ml
    4 x 250 ml      | 1000 ml
    4x250ml         | 1000 ml
    4 × 250 ml      | 1000 ml
    250 ml x 4      | 1000 ml
    2 x 4 x 125 ml  | 1000 ml
    20 x 30 cm      | none
    0 x 5 ml        | none
    -18 °C          | -18 °C
    −18°C           | -18 °C
    - 18 °C         | none
    +18 ° C         | 18 °C
    32 °F           | 0 °C
    2 m²            | 20000 cm2
    2 sq m          | 20000 cm2
    1 kWh           | 1000 Wh
    1 TB            | 1000 GB
    1.5 kW          | 1500 W
    10-12 cm        | none
    cm              | none
    5               | none
    5 kg m          | none
    5 cm 6 cm       | none
    1234567890123456 cm | none
"""


def rows(table: str) -> list[list[str]]:
    return [[cell.strip(" ") for cell in line.split("|")] for line in table.strip().splitlines()]


@pytest.mark.parametrize(("text", "expected"), rows(WHOLE))
def test_a_whole_text_is_one_quantity_or_none(text: str, expected: str) -> None:
    quantity = parse_quantity(text)
    assert (quantity.canonical() if quantity else "none") == expected


WITHIN = """
    Shampoo 3 in 1, 400 ml           | 400 ml
    3-in-1 tool                      |
    10 in a box                      |
    Tablet 11 256 GB                 | 256 GB
    5G phone, 128GB                  | 128 GB
    Rug 4'x6'                        | 1219.2 mm; 1828.8 mm
    Rug 4'1" x 6'2"                  | 1244.6 mm; 1879.6 mm
    Box 10x20x5 cm                   | 100 mm; 200 mm; 50 mm
    Box 10cm x 20cm                  | 100 mm; 200 mm
    Juice 6 x 330 ml                 | 1980 ml; 330 ml
    Rope 10 m 8 mm                   | 10000 mm; 8 mm
    Board 6 ft 14 in                 | 1828.8 mm; 355.6 mm
    Fits 12-14cm, weighs 2 kg        | 2000 g
    Model A-5 cm                     | 50 mm
    Down to -20 °C                   | -20 °C
    Version 1.2.3 cm4                |
    Since the 90's                   |
"""


@pytest.mark.parametrize(("text", "expected"), rows(WITHIN))
def test_the_quantities_within_a_text(text: str, expected: str) -> None:
    assert "; ".join(quantity.canonical() for quantity, _, _ in find_quantities(text)) == expected


def test_a_number_after_a_name_may_be_two() -> None:
    (found, _, _) = next(find_quantities("Perfume No 7 100 ml"))
    assert all(found.same_as(quantity) for text in ("100 ml", "7100 ml") if (quantity := parse_quantity(text)))
    (kilogram, _, _) = next(find_quantities("Rice 1 000 g"))
    assert not any(kilogram.same_as(quantity) for text in ("0 g", "1 g") if (quantity := parse_quantity(text)))


SAME = """
    4'2"       | 50 in         | 127 cm       | 4 ft 2 in
    US 7½      | 7 1/2 US      | us 7.5       | size 7,5 (USA)
    EU 42 2/3  | 42⅔ EUR       | EU42 2/3
    4-pack     | Pack of 4     | 4 pcs        | 4 pack / lot
    750 ml     | 750ml         | 0.75 l       | 75 cl
    7½         | 7 1/2         | 7.5
    hoodies    | Hoodie
    tomatoes   | tomato
"""
OTHER = """
    4'2"       | 42 in         | 2 in
    -5 cm      | 5 cm
    7½         | 71/2
    US 7½      | US 7          | UK 7½        | 7½
    L          | XL            | S
    EU 42      | UK 42         | US 42
    4-pack     | 4             | 40-pack
    2 x 250 ml | 250 ml
    gloves     | glofe         | glow
"""


@pytest.mark.parametrize("texts", rows(SAME), ids=lambda texts: texts[0])
def test_one_value(texts: list[str]) -> None:
    for text in texts[1:]:
        assert same_value(texts[0], text) and same_value(text, texts[0]), text


@pytest.mark.parametrize("texts", rows(OTHER), ids=lambda texts: texts[0])
def test_another_value(texts: list[str]) -> None:
    for spec in (None, AttributeSpec("size")):
        for text in texts[1:]:
            assert not same_value(texts[0], text, spec) and not same_value(text, texts[0], spec), text


UNITS = [
    ["mm", "cm", "m", "in", '"', "″", "inches", "ft", "'", "feet", "yd"],
    ["mg", "g", "kg", "oz", "lb", "pounds"],
    ["ml", "cl", "dl", "l", "lt", "cm3", "cc", "fl oz", "fl. oz.", "gal"],
]


def spellings(number: Fraction) -> list[str]:
    """The number in every way that the grammar knows, as far as it can be written so."""
    whole, rest = divmod(number, 1)
    eighths = {Fraction(n, 8): sign for n, sign in enumerate("_⅛¼⅜½⅝¾⅞") if n}
    written = [format(float(number), ".3f").rstrip("0").rstrip("."), format(float(number), ".4f").replace(".", ",")]
    if rest:
        fraction = f"{rest.numerator}/{rest.denominator}"
        written += [f"{whole} {fraction}", f"{whole}-{fraction}", f"{whole}{eighths[rest]}", f"{whole} {eighths[rest]}"]
    elif whole >= 1000:
        written += [f"{int(whole):,}", f"{int(whole):,}".replace(",", " "), f"{int(whole):,}".replace(",", "'")]
    return written


@given(
    st.integers(1, 80_000).map(lambda n: Fraction(n, 8)),
    st.integers(0, 2).flatmap(lambda kind: st.tuples(*[st.sampled_from(UNITS[kind])] * 2)),
    st.sampled_from(["", " ", "\u00a0", "-"]),
    st.sampled_from(["", "-"]),
)
@example(Fraction(9, 8), ("in", "cm"), "", "")
def test_every_spelling_has_one_canonical_value(number: Fraction, units: tuple[str, str], gap: str, sign: str) -> None:
    exact = parse_quantity(f"{sign}{number.numerator}/{number.denominator} {units[0]}")
    assert exact is not None
    for text in spellings(number):
        if text.count(".") and len(text.partition(".")[2]) == 3 and units[0] in ("mm", "mg", "g", "ml"):
            continue  # 1.125 g are thousands
        quantity = parse_quantity(f"{sign}{text}{gap}{units[0]}")
        assert quantity is not None and quantity.canonical() == exact.canonical(), text
        assert canonical(f"{sign}{text}{gap}{units[0]}") == exact.canonical()
    assert canonical(exact.canonical()) == exact.canonical()
    converted = exact.converted(units[1])
    again = parse_quantity(converted) if converted and abs(exact.magnitude) > 1 else None
    assert again is None or again.comparable_with(exact)


@given(st.integers(0, 200), st.integers(0, 95).map(lambda n: Fraction(n, 8)), st.sampled_from(["ft", "'", "′", "feet"]))
def test_feet_and_inches_are_inches(feet: int, inches: Fraction, mark: str) -> None:
    mixed = spellings(inches)[-1] if inches >= 1 else plain_number(inches)
    parsed = [parse_quantity(text) for text in (f'{feet}{mark} {mixed}"', f"{feet} ft {mixed} in")]
    assert all(quantity is not None and quantity.magnitude == 12 * feet + inches for quantity in parsed)


@given(st.text(alphabet="0123456789 .,/x'\"-½⅛inftcmglboz°", max_size=24))
def test_any_text_is_searched_without_an_error(text: str) -> None:
    for quantity, start, end in find_quantities(text):
        assert 0 <= start < end <= len(text)
        assert quantity.same_as(quantity) and canonical(quantity.canonical()) == quantity.canonical()
    assert all(start < end for start, end in find_numerals(text))
    assert all(text[start:end].strip() for _, start, end in find_sizes(text))


def test_numbers() -> None:
    assert parse_number("7½") == parse_number("7 1/2") == parse_number("7.5") == Fraction(15, 2)
    assert parse_number("71/2") == Fraction(71, 2) and parse_number("seven") is None
    assert [plain_number(Fraction(n)) for n in ("1/3", "1/3000", "-5/2", "0", "1e20")] == [
        "0.333",
        "0.000333",
        "-2.5",
        "0",
        "100000000000000000000",
    ]
