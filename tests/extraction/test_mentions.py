"""Where a text says a value. None of this needs fitted files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumgpt.catalog.vocabulary.schema import AttributeSpec
from pumgpt.extraction.mentions import MatchKind, Text

COLOUR = AttributeSpec(
    "colour",
    ("Navy Blue", "Black"),
    synonyms={"Navy Blue": ("navy", "dark blue")},
    translations={"de": {"Black": "Schwarz"}, "ja": {"Black": "黒"}},
)


@pytest.mark.parametrize(
    ("title", "value", "words", "kind"),
    [
        ("Nike Running Shoe", "Running Shoe", "Running Shoe", MatchKind.AS_LISTED),
        ("Nike RUNNING shoe", "Running Shoe", "RUNNING shoe", MatchKind.CAPITALS),
        ("A quick-dry shirt", "quick dry", "quick-dry", MatchKind.FORM),
        ("Quickdry shirt", "quick dry", "Quickdry", MatchKind.FORM),
        ("Blue T-Shirts", "t shirt", "T-Shirts", MatchKind.FORM),
        ("Women&#39;s sandals", "women", "Women's", MatchKind.FORM),
        ("Lure 40mm long", "4 cm", "40mm", MatchKind.UNIT),
        ("Shampoo 16 fl oz", "473 ml", "16 fl oz", MatchKind.UNIT),
        ("Rug 6'2\" long", "74 in", "6'2\"", MatchKind.UNIT),
        ("Rug 6 ft 2 in long", "188 cm", "6 ft 2 in", MatchKind.UNIT),
        ("Flour 1 000 g", "1 kg", "1 000 g", MatchKind.UNIT),
        ("Oil 2 x 250 ml", "500 ml", "2 x 250 ml", MatchKind.UNIT),
        ("Oil 250ml", "250 ml", "250ml", MatchKind.AS_LISTED),
        ("Boots US 7½", "US 7.5", "US 7 1/2", MatchKind.FORM),
        ("Boots size 7½", "7.5", "7 1/2", MatchKind.FORM),
        ("Socks 4-pack", "Pack of 4", "4-pack", MatchKind.FORM),
        ("Warm beanies", "Beanie", "beanies", MatchKind.FORM),
    ],
)
def test_a_value_is_found_as_shops_write_it(title: str, value: str, words: str, kind: MatchKind) -> None:
    text = Text(title)
    mention = next(text.mentions(value))
    assert (text.text[mention.start : mention.end], mention.kind) == (words, kind)


@pytest.mark.parametrize(
    ("title", "value"),
    [
        ("Redwood table", "Red"),
        ("Pack of 10", "1"),
        ("Lure 40mm", "40 cm"),
        ("Size 1 2", "12"),
        ("Steel", "eel"),
        ("Rug 6'2\"", "2 in"),
        ("Rug 6'2\"", "62 in"),
        ("Rug 6'2\"", "2"),
        ("Boots US 7½", "US 7"),
        ("Boots 7½", "7"),
        ("Jar 3 lb 8 oz", "8 oz"),
        ("Oil 2 L", "L"),
        ("Socks 40-pack", "Pack of 4"),
        ("Freezer -5 °C", "5 °C"),
    ],
)
def test_a_part_of_a_word_or_of_a_number_is_no_mention(title: str, value: str) -> None:
    assert list(Text(title).mentions(value)) == []


@pytest.mark.parametrize(
    ("title", "listed"),
    [("Navy coat", "Navy Blue"), ("Mantel, schwarz", "Black"), ("黒いコート", "Black"), ("dark-blue", "Navy Blue")],
)
def test_synonyms_and_translations_of_the_schema_are_found(title: str, listed: str) -> None:
    assert [mention.kind for mention in Text(title).mentions(listed, COLOUR)] == [MatchKind.SYNONYM]
    assert not list(Text(title).mentions(listed))


@pytest.mark.parametrize(
    ("text", "value", "is_denied"),
    [
        ("Jacket, not waterproof", "waterproof", True),
        ("Non-waterproof jacket", "waterproof", True),
        ("ohne Kapuze", "Kapuze", True),
        ("Gluten free oats", "gluten", True),
        ("sugar-free gum", "sugar", True),
        ("防水不可, 不防水", "防水", False),  # the first mention; the second is denied
        ("Not for children, waterproof", "waterproof", False),
        ("Free waterproof case", "waterproof", False),
    ],
)
def test_what_the_text_denies_is_marked(text: str, value: str, is_denied: bool) -> None:
    assert next(Text(text).mentions(value)).denied is is_denied


def test_a_measure_of_something_else_that_fits_is_marked() -> None:
    assert [m.fitting for m in Text("Sleeve fits 13-inch laptops").mentions("13 inch")] == [True, True]
    assert [m.fitting for m in Text("Laptop with 13-inch screen").mentions("13 inch")] == [False, False]
    assert [m.fitting for m in Text("Hat for men").mentions("men")] == [False]


@given(st.text(max_size=60), st.text(min_size=1, max_size=12))
def test_every_mention_lies_within_the_text(title: str, value: str) -> None:
    text = Text(title)
    for mention in text.mentions(value):
        assert 0 <= mention.start < mention.end <= len(text.text)


@given(st.lists(st.sampled_from(["red", "Cotton", "10 cm", "men"]), min_size=1, max_size=4), st.sampled_from("-, "))
def test_every_word_of_a_title_is_mentioned_in_it(parts: list[str], between: str) -> None:
    text = Text(f"{between} ".join(parts))
    assert all(any(text.mentions(part)) for part in parts)
    assert all(text.overlap(part) == 1 for part in parts)
