"""The learning-curve picture, from a log as `transformers` writes it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from pumgpt.errors import RecipeError
from pumgpt.training.curves import draw_learning_curve, draw_learning_curves, read_curves

HISTORY = [
    {"epoch": 0.5, "loss": 2.0, "learning_rate": 1e-3, "grad_norm": 1.0, "step": 5},
    {"epoch": 1.0, "loss": 1.5, "step": 10},
    {"epoch": 1.0, "eval_loss": 1.6, "eval_accuracy_colour": 0.5, "eval_runtime": 2.0, "eval_steps_per_second": 9.0},
    {"epoch": 1.0, "train_runtime": 60.0, "train_loss": 1.7, "total_flos": 1.0},
]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "1-tower" / "trainer_state.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"log_history": HISTORY}), encoding="utf-8")
    return path


def test_curves_hold_losses_and_measures_and_no_timings(state: Path) -> None:
    losses, measures = read_curves(state)
    assert losses == {"training": ([0.5, 1.0], [2.0, 1.5]), "validation": ([1.0], [1.6])}
    assert measures == {"colour": ([1.0], [0.5])}


def test_stages_stand_side_by_side(state: Path, tmp_path: Path) -> None:
    draw_learning_curve(state, tmp_path / "one.png")
    draw_learning_curves({"1-tower": state, "2-contrast": state}, tmp_path / "pictures" / "two.png")
    one, two = Image.open(tmp_path / "one.png"), Image.open(tmp_path / "pictures" / "two.png")
    assert two.width > 1.5 * one.width
    assert two.convert("L").getextrema()[0] < 128, "nothing was drawn"


@pytest.mark.parametrize("content", [None, "{", "{}", "[]"])
def test_a_log_that_cannot_be_read_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "trainer_state.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(RecipeError, match=r"trainer_state\.json: no training log"):
        draw_learning_curve(path, tmp_path / "out.png")
