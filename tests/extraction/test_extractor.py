"""What a listing states, with the fitted files that ship."""

from __future__ import annotations

import time

import pytest

from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.schema import AttributeSpec
from pumgpt.extraction.extractor import Listing, StatedValue, ValueExtractor
from pumgpt.understand.statements import StatementReader

COLOUR = AttributeSpec("colour", ("Black", "Blue", "Navy Blue", "Grey", "Green", "Yellow", "Red", "White", "Off White"))
MATERIAL = AttributeSpec("material", ("Mesh", "Cotton", "Leather", "Wool"))
NECKLINE = AttributeSpec("neckline", ("Crew", "V-neck", "Turtle"))
PATTERN = AttributeSpec("pattern", ("Solid", "Striped", "Floral"))
GENDER = AttributeSpec("gender", ("Men", "Women", "Boys", "Girls"))


@pytest.fixture(scope="module")
def extractor() -> ValueExtractor:
    return ValueExtractor()


def stated(spec: AttributeSpec, title: str | None, description: str | None = None) -> StatedValue | None:
    return ValueExtractor().extract(spec, Listing.of(Product("1", title=title, description=description)))


def filled(spec: AttributeSpec, title: str, description: str | None = None, precision: float = 0.9) -> str | None:
    """The value that is sure enough to be filled in."""
    listing = Listing.of(Product("1", title=title, description=description))
    reading = StatementReader(listing, precision).read(spec)
    if reading is None or not reading.prediction.sure or reading.remark is not None:
        return None
    return str(reading.prediction.value)


@pytest.mark.parametrize(
    ("spec", "title", "value"),
    [
        (MATERIAL, "Men's grey mesh running shoe, crew neck", "Mesh"),
        (COLOUR, "Men's grey mesh running shoe, crew neck", "Grey"),
        (NECKLINE, "Men's grey mesh running shoe, crew neck", "Crew"),
        (GENDER, "Men's grey mesh running shoe, crew neck", "Men"),
        (PATTERN, "Men's grey mesh running shoe, crew neck", None),
        (COLOUR, "Puma women navy blue t-shirt", "Navy Blue"),
        (COLOUR, "Off-white linen trousers", "Off White"),
        (COLOUR, "Herren Laufschuh, graue Sohle", "Grey"),
        (MATERIAL, "T-Shirt aus Baumwolle, schwarz", "Cotton"),
        (COLOUR, "Robe noire en coton pour femme", "Black"),
        (MATERIAL, "Robe noire en coton pour femme", "Cotton"),
        (GENDER, "Robe noire en coton pour femme", "Women"),
        (COLOUR, "Bolso negro de cuero para mujer", "Black"),
        (MATERIAL, "Bolso negro de cuero para mujer", "Leather"),
    ],
)
def test_a_title_states_values_in_several_languages(spec: AttributeSpec, title: str, value: str | None) -> None:
    assert filled(spec, title) == value


@pytest.mark.parametrize(
    ("spec", "title", "description"),
    [
        (AttributeSpec("water resistance", ("Waterproof",)), "Hiking jacket, not waterproof", None),
        (AttributeSpec("screen size", ("13 inch", "15 inch")), "Sleeve, fits 13-inch laptops", None),
        (MATERIAL, "Leather-free belt", None),
        (COLOUR, "Yellow rain jacket", "A green rain jacket for the garden."),
        (COLOUR, "Shirt, red or green", None),
        (NECKLINE, "Crew of the starship, T-shirt", None),
        (PATTERN, "Solid oak table", None),
    ],
)
def test_what_is_denied_fitted_disputed_or_means_something_else_is_not_filled(
    spec: AttributeSpec, title: str, description: str | None
) -> None:
    assert filled(spec, title, description) is None


def test_the_words_are_quoted_with_their_part() -> None:
    found = stated(MATERIAL, "Running shoe", "Upper of breathable MESH fabric.")
    assert found is not None
    assert (found.quote.value, found.quote.part, found.quote.words) == ("Mesh", "description", "MESH")


@pytest.mark.parametrize(
    ("name", "title", "value"),
    [
        ("material", "Levi's cotton shirt for men", "Cotton"),
        ("volume", "Herbal shampoo, 500 ml", "500 ml"),
        ("upper material", "Trainers with a suede upper", "Suede"),
    ],
)
def test_an_open_attribute_takes_words_of_its_kind(name: str, title: str, value: str) -> None:
    found = stated(AttributeSpec(name), title)
    assert found is not None and found.quote.value == value


def test_an_attribute_that_nothing_is_known_of_states_nothing() -> None:
    assert stated(AttributeSpec("quirk"), "Levi's cotton shirt for men") is None
    assert stated(MATERIAL, None) is None


def test_synonyms_and_translations_of_the_schema_are_found() -> None:
    shade = AttributeSpec(
        "tint", ("Navy",), synonyms={"Navy": ("midnight",)}, translations={"de": {"Navy": "Nachtblau"}}
    )
    for title in ("Midnight dress shirt", "Hemd, nachtblau"):
        found = stated(shade, title)
        assert found is not None and found.quote.value == "Navy"


def test_a_long_description_costs_no_more_than_its_beginning() -> None:
    long = Product("1", title="Shirt", description="A fine shirt of soft cotton, 30 cm wide. " * 2_500)
    specs = [COLOUR, MATERIAL, NECKLINE, AttributeSpec("brand"), AttributeSpec("width")]
    extractor = ValueExtractor()
    extractor.extract(AttributeSpec("width"), Listing.of(long))  # units are looked up once
    began = time.perf_counter()
    found = [extractor.extract(spec, Listing.of(long)) for spec in specs]
    assert time.perf_counter() - began < 1.0
    assert found[1] is not None and found[1].quote.value == "Cotton"
