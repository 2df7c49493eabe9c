from __future__ import annotations

from pumgpt.extraction.mentions import Text
from pumgpt.extraction.phrases import PhraseIndex

INDEX = PhraseIndex([("Blue", 1), ("Navy Blue", 2), ("quick-dry", 3), ("T-Shirts", 4), ("ネイビー", 2), ("blues", 9)])


def found(text: str) -> list[tuple[str, int]]:
    return [(text[start:end], meaning) for start, end, _, meaning in INDEX.find(Text(text))]


def test_the_longest_phrase_counts_and_the_first_of_two_that_are_the_same_words() -> None:
    assert found("navy blue and blue") == [("navy blue", 2), ("blue", 1)]


def test_hyphens_capitals_and_plurals_do_not_matter() -> None:
    for text in ("Quickdry t shirt", "quick dry tshirts", "QUICK-DRY T-Shirt"):
        assert [meaning for _, meaning in found(text)] == [3, 4]


def test_a_part_of_a_word_is_none_but_in_scripts_without_spaces() -> None:
    assert found("bluetooth, navyblues") == [("navyblues", 2)]
    assert found("メンズネイビーシャツ") == [("ネイビー", 2)]
