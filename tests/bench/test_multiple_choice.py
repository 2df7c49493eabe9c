"""Options and the bias towards a place."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from scipy.stats import chi2_contingency

from pumgpt.bench.judging.outcomes import ChosenPlace, measure_position_bias
from pumgpt.catalog.question import Choices
from pumgpt.tasks.evaluation import draw_options

COLOURS = Choices(("Blue", "Navy Blue", "Red", "Green", "White"))


def test_options_hold_the_right_one_once_and_none_that_may_be_right_too() -> None:
    for seed in range(50):
        options = draw_options(COLOURS, "Blue", 4, random.Random(seed))
        assert options is not None
        assert len(options) == len(set(options)) == 4
        assert "Blue" in options and "Navy Blue" not in options


def test_every_place_is_as_likely() -> None:
    places = Counter((draw_options(COLOURS, "Red", 4, random.Random(seed)) or ()).index("Red") for seed in range(800))
    assert all(140 < places[place] < 260 for place in range(4))


@pytest.mark.parametrize(("right", "count"), [("Pink", 4), ("Blue", 1), ("Blue", 0)])
def test_no_options_where_there_can_be_none(right: str, count: int) -> None:
    assert draw_options(COLOURS, right, count, random.Random(0)) is None
    assert draw_options(Choices(("Blue", "Light Blue")), "Blue", 4, random.Random(0)) is None


def test_position_bias_worked_by_hand() -> None:
    """Right at 0, 1, 2 twice each; chosen at 0 four times, at 1 twice, never at 2: (2 + 0 + 2) / 2 / 6."""
    chosen = [0, 0, 0, 1, 0, 1]
    right = [0, 0, 1, 1, 2, 2]
    found = measure_position_bias(ChosenPlace(3, r, c) for r, c in zip(right, chosen, strict=True))
    assert found is not None
    assert found.bias == pytest.approx(1 / 3)
    assert [(place.chosen, place.right) for place in found.places] == [(4, 2), (2, 2), (0, 2)]
    assert [place.accuracy.value for place in found.places] == [1.0, 0.5, 0.0]
    assert found.p_value == pytest.approx(chi2_contingency([[4, 2, 0], [2, 2, 2]], correction=False).pvalue)


def test_who_is_always_right_has_no_bias_and_who_always_takes_the_first_has() -> None:
    places = [place for place in range(4) for _ in range(25)]
    fair = measure_position_bias(ChosenPlace(4, place, place) for place in places)
    stuck = measure_position_bias(ChosenPlace(4, place, 0) for place in places)
    assert fair is not None and (fair.bias, fair.p_value) == (0.0, 1.0)
    assert stuck is not None and stuck.bias == pytest.approx(0.75) and stuck.p_value < 1e-6


def test_nothing_chosen_is_no_bias_at_all() -> None:
    assert measure_position_bias([ChosenPlace(4, 1, None)]) is None
