"""The picture that a training run leaves behind: how its losses and its measures moved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pumgpt.errors import RecipeError

Series = dict[str, tuple[list[float], list[float]]]
"""Name -> (epochs, values)."""

_NOT_MEASURES = ("runtime", "per_second", "steps", "flos")
_COLOURS = ("#2f6fae", "#d1782c", "#3d8f5f", "#a3476b", "#7a65b0", "#80796b", "#1d9aa8", "#b59a2a")
_INK, _GRID = "#30343b", "#d9dce1"


def draw_learning_curve(trainer_state: Path, out_png: Path) -> None:
    """Draw the losses and the evaluation's measures of one stage, from its `trainer_state.json`, over epochs.

    Raises `RecipeError` where the file can't be read.
    """
    draw_learning_curves({trainer_state.parent.name: trainer_state}, out_png)


def draw_learning_curves(trainer_states: Mapping[str, Path], out_png: Path) -> None:
    """Several stages side by side: losses above, measures below."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    stages = {name: read_curves(path) for name, path in trainer_states.items()}
    figure = Figure(figsize=(max(4.6 * len(stages), 5.2), 6.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, len(stages), squeeze=False, sharex="col")
    for column, (stage, (losses, measures)) in enumerate(stages.items()):
        _draw(axes[0][column], losses, "loss")
        _draw(axes[1][column], measures, "on validation")
        axes[0][column].set_title(stage, color=_INK)
        axes[1][column].set_xlabel("epochs")
    out_png.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out_png, dpi=150)


def read_curves(trainer_state: Path) -> tuple[Series, Series]:
    """Losses (of training and evaluation) and all other measures of the evaluation, from `transformers`' log."""
    try:
        history = json.loads(trainer_state.read_text(encoding="utf-8"))["log_history"]
        entries = [entry for entry in history if "epoch" in entry]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecipeError(f"{trainer_state}: no training log can be read from it: {error}") from error
    losses: Series = {}
    measures: Series = {}
    for entry in entries:
        for key, value in entry.items():
            if not isinstance(value, int | float) or any(key.endswith(end) for end in _NOT_MEASURES):
                continue
            if key == "loss":
                series, name = losses, "training"
            elif key == "eval_loss":
                series, name = losses, "validation"
            elif key.startswith("eval_"):
                series, name = measures, key.removeprefix("eval_").removeprefix("accuracy_")
            else:
                continue
            epochs, values = series.setdefault(name, ([], []))
            epochs.append(float(entry["epoch"]))
            values.append(float(value))
    return losses, measures


def _draw(panel: Any, series: Series, label: str) -> None:
    """One panel; the legend gives where each curve ended."""
    for place, (name, (epochs, values)) in enumerate(series.items()):
        colour = _COLOURS[place % len(_COLOURS)]
        # Markers show how seldom was measured; in a long log they would be a band.
        marker = "o" if len(values) <= 40 else None
        panel.plot(
            epochs, values, color=colour, linewidth=1.5, marker=marker, markersize=3, label=f"{name} {values[-1]:.3g}"
        )
    panel.set_ylabel(label, color=_INK)
    panel.grid(color=_GRID, linewidth=0.6)
    panel.set_axisbelow(True)
    panel.tick_params(colors=_INK, labelsize=8)
    panel.spines[["top", "right"]].set_visible(False)
    if series:
        panel.legend(frameon=False, fontsize=8)
    else:
        panel.text(0.5, 0.5, "nothing logged", ha="center", va="center", color=_INK, transform=panel.transAxes)
