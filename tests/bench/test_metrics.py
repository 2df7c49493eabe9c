"""Metrics of closed answers, on examples worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import f1_score

from pumgpt.bench.stats import metrics

SHIRT, TSHIRT, SHOE = ("Apparel", "Topwear", "Shirts"), ("Apparel", "Topwear", "Tshirts"), ("Footwear", "Shoes")


def test_accuracy_counts_a_withheld_answer_as_not_right() -> None:
    measured = metrics.accuracy(["Red", "Blue", "Red", "Green"], ["Red", None, "Blue", "Green"])
    assert (measured.value, measured.count) == (0.5, 4)


def test_macro_f1_worked_by_hand() -> None:
    """a: 2*1/(2+1) = 2/3; b: 2*2/(2+3) = 4/5; c: 0."""
    measured = metrics.macro_f1(["a", "a", "b", "b", "c"], ["a", "b", "b", "b", None])
    assert measured.value == pytest.approx((2 / 3 + 4 / 5 + 0) / 3)
    assert 0 <= measured.low <= measured.value <= measured.high <= 1


def test_macro_f1_has_no_class_for_values_that_only_the_model_names() -> None:
    assert metrics.macro_f1(["a", "a"], ["a", "zebra"]).value == pytest.approx(2 / 3)


def test_vectorised_macro_f1_is_scikit_learns() -> None:
    generator = np.random.default_rng(0)
    true_P = generator.integers(5, size=200)
    said_P = np.where(generator.uniform(size=200) < 0.6, true_P, generator.integers(6, size=200))
    weights_RP = np.stack([np.ones(200), np.arange(200) % 2]).astype(np.float32)
    ours = metrics._weighted_macro_f1(true_P, said_P, 5, weights_RP)
    theirs = [f1_score(true_P, said_P, labels=range(5), average="macro", sample_weight=w) for w in weights_RP]
    assert ours == pytest.approx(theirs)


def test_level_accuracy_is_equality_of_prefixes() -> None:
    truths, said = [SHIRT, SHIRT, SHOE], [TSHIRT, ("Footwear", "Topwear", "Shirts"), None]
    assert metrics.level_accuracy(truths, said, 1).value == pytest.approx(1 / 3)
    assert metrics.level_accuracy(truths, said, 2).value == pytest.approx(1 / 3)
    third = metrics.level_accuracy(truths, said, 3)
    assert (third.value, third.count) == (0.0, 2), "the shoe's path is not three deep"


def test_a_prediction_that_stops_early_is_wrong_below() -> None:
    assert metrics.level_accuracy([SHIRT], [("Apparel",)], 2).value == 0.0


def test_hierarchical_f1_worked_by_hand() -> None:
    """A near miss shares 2 of 3 + 3 nodes, a refusal 0 of 3 + 0: 2 * 2 / 9."""
    assert metrics.hierarchical_f1([SHIRT, SHIRT], [TSHIRT, None]).value == pytest.approx(4 / 9)
    assert metrics.hierarchical_f1([SHOE], [SHOE]).value == 1.0


def test_coverage_and_precision() -> None:
    coverage, precision = metrics.coverage_and_precision([True, False, False, False], [True, True, False, False])
    assert (coverage.value, coverage.count) == (0.5, 4)
    assert (precision.value, precision.count) == (0.5, 2)


def test_refusals_worked_by_hand() -> None:
    """Four due, three made, two of them due; one of two answerable questions refused."""
    scores = metrics.refusal_scores(
        unanswerable=[True, True, True, True, False, False],
        refused=[True, True, False, False, True, False],
        products=["1", "1", "2", "2", "1", "2"],
    )
    assert scores["precision"].value == pytest.approx(2 / 3)
    assert scores["recall"].value == pytest.approx(1 / 2)
    assert scores["over-refusal"].value == pytest.approx(1 / 2)
    assert [scores[name].count for name in ("precision", "recall", "over-refusal")] == [3, 4, 2]


def test_never_refusing_has_no_precision_and_no_recall() -> None:
    scores = metrics.refusal_scores([True, False], [False, False], ["1", "2"])
    assert math.isnan(scores["precision"].value)
    assert scores["recall"].value == 0.0
