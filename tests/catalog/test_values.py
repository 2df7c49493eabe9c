"""Values: what is the same, what isn't, how they are written, and that nothing heavy is imported for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pumgpt.catalog.vocabulary.quantities import find_quantities, parse_quantity
from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
from pumgpt.catalog.vocabulary.units import is_unit
from pumgpt.catalog.vocabulary.values import canonical, same_value, wordings, written_forms
from pumgpt.catalog.vocabulary.words import key, plural, singular
from pumgpt.errors import SchemaError

COLOUR = AttributeSpec(
    "colour",
    ("Black", "Navy", "White"),
    synonyms={"Navy": ("navy blue", "dark blue")},
    names={"de": "Farbe"},
    translations={"de": {"Black": "Schwarz", "White": "Weiß"}, "ja": {"Black": "黒"}},
)
LENGTH = AttributeSpec("length", unit="cm", units=("mm", "in"))
SIZE = AttributeSpec("shoe size")


_LETTERS = ("XS", "S", "M", "L", "XL", "XXL", "3XL")


@pytest.mark.parametrize(
    ("one", "other", "spec"),
    [
        ("navy", "Navy Blue", COLOUR),
        ("DARK-BLUE", "navy", COLOUR),
        ("schwarz", "Black", COLOUR),
        ("WEISS", "white", COLOUR),
        ("10 cm", "100 mm", None),
        ("10", "100mm", LENGTH),
        ("3.94 in", "10 cm", None),
        ("8.5 oz", "8.5 Fl. Oz", None),
        ("1,000 mg", "1 g", None),
        ("0,5 l", "500 ml", None),
        ("US 9", "9 US", SIZE),
        ("us9", "size 9 (US)", None),
        ("XL", "Extra Large", SIZE),
        ("XXL", "2XL", SIZE),
        ("Pack of 6", "6-pack", None),
        ("T-Shirts", "t shirt", None),
        ("quick dry", "Quick-Dry", None),
        ("Women's", "women", None),
        ("Men&#39;s", "Mens", None),
        ("UV 400", "UV400", None),
    ],
)
def test_the_same_value(one: str, other: str, spec: AttributeSpec | None) -> None:
    assert same_value(one, other, spec)
    assert same_value(other, one, spec)


@pytest.mark.parametrize(
    ("one", "other", "spec"),
    [
        ("Navy", "Black", COLOUR),
        ("dark blue", "navy", None),
        ("100 mm", "101 mm", None),
        ("10 cm", "10 mm", None),
        ("10 g", "10 mm", None),
        ("US 9", "EU 9", SIZE),
        ("US 9", "US 9.5", SIZE),
        ("M", "Medium", None),
        ("1 2", "12", None),
        ("Men", "Women", None),
        ("glass", "gas", None),
        ("-", "/", None),
    ],
)
def test_another_value(one: str, other: str, spec: AttributeSpec | None) -> None:
    assert not same_value(one, other, spec)


def test_canonical_speaks_as_the_schema() -> None:
    assert canonical("navy-blue", COLOUR) == "Navy"
    assert canonical("100 mm", LENGTH) == "10 cm"
    assert canonical("12", LENGTH) == "12 cm"
    assert canonical("1/2 kg") == "500 g"


@given(st.text(max_size=40))
@example("²")
@example("0_`")
@example("0.0.0/1")
def test_every_text_is_itself_and_canonical_is_stable(text: str) -> None:
    for spec in (None, COLOUR, LENGTH, SIZE):
        assert same_value(text, text, spec)
        assert canonical(canonical(text, spec), spec) == canonical(text, spec)


@given(st.decimals("0.5", "900", places=1), st.sampled_from([("cm", "mm"), ("kg", "g"), ("oz", "g"), ("in", "cm")]))
def test_a_converted_quantity_is_the_same(number: object, units: tuple[str, str]) -> None:
    quantity = parse_quantity(f"{number} {units[0]}")
    assert quantity is not None
    written = quantity.converted(units[1])
    assert written is not None and same_value(f"{number} {units[0]}", written)


@pytest.mark.parametrize("value", ["Tea bag", "T-Shirt", "Dry Berry", "10 cm", "Navy", "Box", "Woman"])
def test_every_written_form_means_the_value(value: str) -> None:
    for spec in (None, COLOUR, LENGTH):
        forms = written_forms(value, spec)
        assert forms[0] == value and len(set(forms)) == len(forms)
        assert all(same_value(form, value, spec) for form in forms), forms


def test_written_forms_by_language_and_unit() -> None:
    assert "Schwarz" in written_forms("Black", COLOUR, "de-AT")
    assert "Schwarz" not in written_forms("Black", COLOUR, "ja")
    assert wordings("black", COLOUR) == ("black", "Black", "Schwarz", "黒")
    assert {"10 cm", "100 mm", "3.94 in"} <= set(written_forms("10 cm", LENGTH))
    assert {"tea-bag", "tea bags", "tea bag"} <= set(written_forms("tea bag"))


@pytest.mark.parametrize(
    ("many", "one"),
    [
        ("berries", "berry"),
        ("women's", "woman"),
        ("lenses", "lens"),
        ("boxes", "box"),
        ("hoodies", "hoodie"),
        ("gloves", "glove"),
        ("scarves", "scarf"),
        ("tomatoes", "tomato"),
        ("shoes", "shoe"),
        ("knives", "knife"),
        ("shelves", "shelf"),
        ("sleeves", "sleeve"),
        ("sizes", "size"),
        ("vases", "vase"),
        ("blouses", "blouse"),
        ("viruses", "virus"),
        ("glasses", "glass"),
        ("brushes", "brush"),
        ("ties", "tie"),
        ("watches", "watch"),
        ("moustaches", "moustache"),
        ("canvas", "canvas"),
        ("batteries", "battery"),
        ("cookies", "cookie"),
        ("olives", "olive"),
        ("dress", "dress"),
        ("series", "series"),
        ("toes", "toe"),
    ],
)
def test_singular(many: str, one: str) -> None:
    assert singular(many) == one


@given(st.from_regex(r"[bcdfgklmnprt][aeiou][bdgklmnprt]{1,2}", fullmatch=True))
def test_a_plural_has_its_singular(word: str) -> None:
    assert singular(plural(word)) == singular(word)


def test_numbers_do_not_run_together() -> None:
    assert key("2 x 10") != key("210") and key("3-Ply") == key("3ply")


def test_quantities_in_a_text() -> None:
    found = [quantity.canonical() for quantity, _, _ in find_quantities('Lure 40mm 3.5g UV400, 54-62cm, 5.5" 1 1/2 in')]
    assert found == ["40 mm", "3.5 g", "139.7 mm", "38.1 mm"]


def test_units() -> None:
    assert is_unit("fl oz") and is_unit("lumen")
    assert not any(map(is_unit, ("", " ", "bogus", "5", "(", "cm)")))


def test_a_schema_with_words_and_units(tmp_path: Path) -> None:
    path = tmp_path / "schema.yaml"
    path.write_text(
        "attributes:\n  - name: colour\n    values: [Black, Navy]\n    synonyms: {Navy: [navy blue]}\n"
        "    names: {de: Farbe}\n    translations: {de: {Black: Schwarz}}\n  - {name: length, unit: cm, units: [mm, in]}\n",
        encoding="utf-8",
    )
    colour, length = AttributeSchema.load(path).attributes
    assert same_value("Schwarz", "black", colour) and colour.names == {"de": "Farbe"}
    assert (length.unit, length.units) == ("cm", ("mm", "in"))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{name: a, unit: bogus}", "'bogus' is no unit"),
        ("{name: a, units: [cm, '']}", "'' is no unit"),
        ("{name: a, values: [Red], synonyms: {Blue: [navy]}}", "synonyms of 'Blue', which isn't one of its values"),
        ("{name: a, values: [Red], translations: {de: {Blue: Blau}}}", "translations of 'Blue'"),
        ("{name: a, synonyms: {Red: [wine], Brown: [Wine]}}", "'wine' is said of two values"),
        ("{name: a, synonyms: {Red: [' ']}}", "empty synonym"),
        ("{name: a, names: {de: ''}}", "empty synonym, name"),
    ],
)
def test_a_schema_that_contradicts_itself(line: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "schema.yaml"
    path.write_text(f"attributes:\n  - {line}\n", encoding="utf-8")
    with pytest.raises(SchemaError, match=words) as error:
        AttributeSchema.load(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_pint_is_imported_only_for_a_quantity() -> None:
    code = (
        "import sys; from pumgpt.catalog.vocabulary.values import same_value; same_value('navy', 'Navy blue');"
        "assert 'pint' not in sys.modules; same_value('1 cm', '10 mm'); assert 'pint' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("one", _LETTERS)
@pytest.mark.parametrize("other", _LETTERS)
def test_sizes_are_never_matched_by_likeness(one: str, other: str) -> None:
    """'L' is the text that is most like 'XL' among S, M, L and XXL."""
    assert same_value(one, other, SIZE) == same_value(one, other) == (one == other)
