"""CIDEr-D, ROUGE-L, BLEU and the F1 of words, on corpora small enough to work by hand.

With two products, a word that one of them has weighs log 2 and a word that both have weighs nothing.
"""

from __future__ import annotations

import math

import pytest
import sacrebleu
from rouge_score.rouge_scorer import RougeScorer

from pumgpt.bench.stats.metrics import CIDErD, bleu, cider, rouge_l, split_words, token_f1

SHIRTS = [["Red shirt"], ["Blue shirt"]]


def test_perfect_captions_of_four_words_score_ten() -> None:
    assert CIDErD([["a b c d"], ["e f g h"]]).scores(["a b c d", "E, f; g h!"]) == pytest.approx([10, 10])


def test_missing_orders_cost_their_share() -> None:
    """'red shirt': cosine 1 for single words ('shirt' weighs 0) and for pairs; no triples and fours: 10 * 2/4."""
    assert CIDErD(SHIRTS).scores(["red shirt", "blue shirt"]) == pytest.approx([5, 5])


def test_what_everybody_says_is_worth_nothing() -> None:
    assert CIDErD(SHIRTS).scores(["shirt", "shirt"]) == [0, 0]


def test_repeating_a_word_is_clipped_and_its_length_punished() -> None:
    """'red red shirt' on 'red shirt'. Words: min(2, 1) * 1 / (2 * 1) = 1/2. Pairs: 'red red' and 'red shirt' of equal
    weight against one of them: 1 / sqrt 2. One word too long: exp(-1/72).
    """
    expected = 10 * (1 / 2 + 1 / math.sqrt(2)) / 4 * math.exp(-1 / 72)
    assert CIDErD(SHIRTS).scores(["red red shirt", ""])[0] == pytest.approx(expected)


def test_several_references_are_averaged() -> None:
    scorer = CIDErD([["red shirt", "crimson blouse"], ["blue shirt"]])
    assert scorer.scores(["red shirt", None]) == pytest.approx([2.5, 0])


def test_words_outside_the_corpus_weigh_the_most_and_win_nothing() -> None:
    """'red zebra': words 1 * 1 / (sqrt 2 * 1); no pair shared."""
    assert CIDErD(SHIRTS).scores(["red zebra", "x"])[0] == pytest.approx(10 / math.sqrt(2) / 4)


def test_cider_is_the_mean_and_counts_withheld_captions() -> None:
    measured = cider(["red shirt", None], SHIRTS)
    assert measured.value == pytest.approx(2.5)
    assert measured.count == 2


def test_rouge_l_worked_by_hand() -> None:
    """Longest common subsequence 'blue shirt': precision 2/3, recall 1, F1 0.8; the second caption is withheld."""
    measured = rouge_l(["Blue cotton shirt", None], [["blue shirt"], ["red shirt"]])
    assert measured.value == pytest.approx(0.4)


def test_rouge_l_takes_the_nearest_reference_and_any_script() -> None:
    assert rouge_l(["blå skjorta"], [["red shirt", "blå skjorta"]]).value == 1.0
    assert split_words("Blå-skjorta 2024!") == ["blå", "skjorta", "2024"]


def test_bleu_is_sacrebleus() -> None:
    said = ["the cat sat on the mat today", "a red shirt for men and boys", None]
    references = [
        ["the cat sat on a mat today"],
        ["a red shirt for men", "a shirt for boys and men"],
        ["blue jeans here now"],
    ]
    measured = bleu(said, references)
    columns = [["the cat sat on a mat today", "a red shirt for men", "blue jeans here now"]]
    columns.append([None, "a shirt for boys and men", None])  # type: ignore[list-item]
    theirs = sacrebleu.corpus_bleu([text or "" for text in said], columns, lowercase=True)
    assert measured.value == pytest.approx(theirs.score / 100)
    assert measured.low <= measured.value <= measured.high
    assert measured.count == 3


def test_bleu_worked_by_hand() -> None:
    """'a b c d x' on 'a b c d e': precisions 4/5, 3/4, 2/3, 1/2, no penalty on the length."""
    assert bleu(["a b c d x"], [["a b c d e"]]).value == pytest.approx((4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)


def test_a_perfect_caption_is_perfect_however_short() -> None:
    """Two words have no n-gram of three or four; half of them right is still no more than half."""
    assert bleu(["Red shirt", "Blue shirt"], SHIRTS).value == pytest.approx(1)
    assert bleu(["Red shirt"], [["Red shirt"]]).value == pytest.approx(1)
    assert bleu(["Red shirt", "Red hat"], SHIRTS).value < 0.75
    assert bleu(["", None], SHIRTS).value == 0


def test_rouge_l_is_the_reference_implementations() -> None:
    said, reference = "the shirt of blue cotton for men", "a blue cotton shirt for tall men"
    theirs = RougeScorer(["rougeL"]).score(reference, said)["rougeL"].fmeasure
    assert rouge_l([said], [[reference]]).value == pytest.approx(theirs)


def test_token_f1_worked_by_hand() -> None:
    """'a blue shirt' on 'blue cotton shirt': 2 of 3 and 2 of 3. The nearest reference counts."""
    assert token_f1("a blue shirt", ["blue cotton shirt"]) == pytest.approx(2 / 3)
    assert token_f1("Blue!", ["red", "blue"]) == 1.0
    assert token_f1("", ["red"]) == token_f1("red", []) == 0.0
    assert token_f1("yes yes", ["yes"]) == pytest.approx(2 / 3), "a repeated word counts once"
