from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pumgpt.backends.calibration import (
    NEVER_FILLED,
    Calibration,
    FieldCalibration,
    fit_calibration,
    listed_key,
    lower_bound,
    prove_precision,
)
from pumgpt.errors import ModelError


def test_a_raw_score_between_two_corners_is_interpolated_and_flat_outside() -> None:
    field = FieldCalibration(confidence=[(0.2, 0.1), (0.6, 0.5)])
    assert field.map(0.4) == pytest.approx(0.3)
    assert field.map(0.0) == pytest.approx(0.1)
    assert field.map(1.0) == pytest.approx(0.5)


def test_the_threshold_is_the_smallest_that_reaches_the_precision() -> None:
    field = FieldCalibration(precision=[(0.1, 0.7, 1.0), (0.5, 0.9, 0.6), (0.8, 0.99, 0.2)])
    assert field.threshold(0.6) == 0.1
    assert field.threshold(0.9) == 0.5
    assert field.threshold(0.95) == 0.8
    assert field.threshold(0.995) == math.inf
    assert field.threshold(0) == 0.0


def test_asked_of_each_value_the_precision_is_the_threshold_whatever_the_curve() -> None:
    field = FieldCalibration(precision=[(0.1, 0.7, 1.0), (0.5, 0.9, 0.6)])
    assert field.threshold(0.9, "each") == 0.9
    assert field.threshold(0.995, "each") == 0.995
    assert field.threshold(0, "each") == 0.0


def test_few_answers_are_worth_what_they_prove_and_hold_each_value_to_it() -> None:
    field = FieldCalibration(
        precision=[(0.5, 1.0, 1.0), (0.95, 1.0, 0.5)], proven=[(0.5, 0.82), (0.95, 0.91)], count=20
    )
    assert field.precision_from(0.6) == 0.91
    assert field.precision_from(0.96) is None
    assert field.threshold(0.9) == field.threshold(0.9, "each") == 0.95
    assert field.threshold(0.8) == 0.5 and field.threshold(0.8, "each") == 0.8
    unproven = FieldCalibration(precision=[(0.5, 1.0, 1.0)], proven=NEVER_FILLED, count=3)
    assert unproven.threshold(0.5, "each") == math.inf
    assert unproven.precision_from(0.0) is None


def test_what_fields_from_a_confidence_on_are_worth() -> None:
    field = FieldCalibration(precision=[(0.1, 0.7, 1.0), (0.5, 0.9, 0.6), (0.8, 1.0, 0.2)], count=1000)
    assert field.precision_from(0.0) == pytest.approx(701 / 1002)
    assert field.precision_from(0.5) == pytest.approx(541 / 602)
    assert field.precision_from(0.6) == pytest.approx(201 / 202)  # all of 200 were right, which isn't certainty
    assert field.precision_from(0.9) is None


def test_what_a_field_is_worth_is_never_taken_from_the_default() -> None:
    curve = FieldCalibration(precision=[(0.1, 0.7, 1.0)], count=1000)
    calibration = Calibration(fields={"default": curve, "attribute:colour": curve})
    assert calibration.precision_from("attribute:colour", 0.0) == pytest.approx(701 / 1002)
    assert calibration.precision_from(listed_key("attribute:colour"), 0.0) == pytest.approx(701 / 1002)
    assert calibration.precision_from("attribute:fabric", 0.0) is None


def test_without_a_curve_the_precision_is_the_threshold() -> None:
    assert Calibration().threshold("category", 0.85) == 0.85
    assert Calibration().threshold("category", 0) == 0.0


def test_a_field_without_its_own_calibration_has_the_default_one() -> None:
    calibration = Calibration(fields={"default": FieldCalibration(confidence=[(0.0, 0.0), (1.0, 0.5)])})
    assert calibration.confidence("attribute:colour", 0.8) == pytest.approx(0.4)


def test_fit_pools_what_falls() -> None:
    """By hand: verdicts 0 1 0 1 1 1 with a hit below and a miss above pool to 1/2, 1/2, 3/4."""
    fitted = fit_calibration([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [False, True, False, True, True, True])
    assert [fitted.map(raw) for raw in (0.1, 0.2, 0.3)] == pytest.approx([0.5] * 3)
    assert [fitted.map(raw) for raw in (0.4, 0.5, 0.6)] == pytest.approx([0.75] * 3)
    assert fitted.precision == [(0.5, pytest.approx(4 / 6), 1.0), (0.75, 1.0, 0.5)]
    assert fitted.count == 6


def test_few_answers_are_never_certain() -> None:
    assert fit_calibration([0.9, 0.95], [True, True]).map(0.95) < 1
    assert fit_calibration([0.1, 0.2], [False, False]).map(0.1) > 0


def test_a_saved_calibration_is_read_back(tmp_path: Path) -> None:
    calibration = Calibration(fields={"category": fit_calibration([0.1, 0.5, 0.9], [False, True, True])})
    calibration.save(tmp_path / "calibration.json")
    assert Calibration.load(tmp_path / "calibration.json") == calibration


def test_a_falling_map_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    path.write_text('{"fields": {"category": {"confidence": [[0, 0.5], [1, 0.2]]}}}', encoding="utf-8")
    with pytest.raises(ModelError, match=r"fields\.category\.confidence.*rise"):
        Calibration.load(path)


def test_a_lower_bound_leaves_as_much_doubt_as_its_level_says() -> None:
    """If the true share were the bound, as many right answers or more would come in one of five shops."""
    for right, count in ((16, 16), (45, 50), (9, 12)):
        bound = lower_bound(right, count, level=0.8)
        chance = sum(math.comb(count, k) * bound**k * (1 - bound) ** (count - k) for k in range(right, count + 1))
        assert chance == pytest.approx(0.2)
    assert lower_bound(0, 10) == 0


def test_few_right_answers_prove_little() -> None:
    scores = [0.5 + place / 100 for place in range(18)]
    fitted = FieldCalibration(precision=[(0.5, 1.0, 1.0)], proven=prove_precision(scores, [True] * 18))
    assert fitted.threshold(0.9) == math.inf
    one_more = FieldCalibration(proven=prove_precision([0.4, *scores], [True] * 19))
    assert one_more.threshold(0.9) == 0.4
    assert one_more.threshold(0) == 0
    never = FieldCalibration(proven=NEVER_FILLED)
    assert (never.threshold(0), never.threshold(0.01)) == (0.0, math.inf)


@pytest.mark.parametrize("count", [45, 90, 300])
def test_in_few_shops_a_searched_threshold_keeps_less_than_was_asked(count: int) -> None:
    """Drawn shops whose answers are right as often as their scores say: the true precision above a threshold is known."""
    rng, short, shared = np.random.default_rng(0), 0, 0
    for _ in range(200):
        scores = rng.uniform(size=count)
        right = rng.uniform(size=count) < _chance(scores)
        threshold = FieldCalibration(proven=prove_precision(scores, right)).threshold(0.9)
        if threshold < math.inf:
            shared += 1
            short += _chance(np.linspace(threshold, 1, 200)).mean() < 0.9
    assert shared > 20
    assert short / 200 <= 0.2


def _chance(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    chance: NDArray[np.float64] = 1 / (1 + np.exp(-8 * (scores - 0.35)))
    return chance
