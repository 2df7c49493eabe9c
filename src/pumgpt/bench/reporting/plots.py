"""Pictures of calibration: a reliability diagram and risk-coverage curves, as PNG or as SVG to stand inside a page."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pumgpt.bench.benchmark import BenchResult
from pumgpt.bench.judging.fields import Verdicts
from pumgpt.bench.stats.calibration import reliability_bins, risk_coverage
from pumgpt.bench.stats.intervals import wilson

INK, GRID, BAR = "#30343b", "#d9dce1", "#c7d7ea"
COLOURS = ("#2f6fae", "#d1782c", "#3d8f5f", "#a3476b", "#7a65b0", "#80796b")


def write_plots(folder: Path, result: BenchResult) -> None:
    """Two pictures for documentation, of the first model that filled products' fields with confidences."""
    verdicts = next((model.fields.verdicts for model in result.models if model.fields.verdicts), None)
    if verdicts:
        draw_reliability(verdicts, folder / "reliability.png")
        draw_risk_coverage(verdicts, folder / "risk-coverage.png")


def draw_reliability(verdicts: Mapping[str, Verdicts], out_png: Path, num_bins: int = 10) -> None:
    """One panel for each field: share right (with its interval) against confidence, and below it how many answers."""
    _save(_reliability(verdicts, num_bins), out_png)


def reliability_svg(verdicts: Mapping[str, Verdicts], num_bins: int = 10) -> str:
    """The picture of `draw_reliability` as an SVG element."""
    return _svg(_reliability(verdicts, num_bins))


def _reliability(verdicts: Mapping[str, Verdicts], num_bins: int) -> Any:
    figure, axes = _panels(len(verdicts), height=4.2, heights=(3, 1))
    for top, bottom, (field, (confidences, right)) in zip(axes[0], axes[1], verdicts.items(), strict=True):
        bins = reliability_bins(confidences, right, num_bins)
        shares = [wilson(round(bin_.right * bin_.count), bin_.count) for bin_ in bins]
        errors = [[share.value - share.low for share in shares], [share.high - share.value for share in shares]]
        # The diagonal is perfect calibration.
        top.plot([0, 1], [0, 1], color=GRID, linewidth=1.5, zorder=1)
        style = {"fmt": "o-", "color": COLOURS[0], "markersize": 4, "linewidth": 1.4, "elinewidth": 1, "capsize": 2}
        top.errorbar([bin_.confidence for bin_ in bins], [share.value for share in shares], errors, **style)
        top.set(title=f"{field} (n={len(confidences):,})", xlim=(0, 1), ylim=(0, 1.02), xticklabels=[])
        # A share that few answers stand behind is no evidence: the counts belong below it.
        counts = [bin_.count for bin_ in bins]
        bottom.bar([bin_.low for bin_ in bins], counts, 1 / num_bins, align="edge", color=BAR, edgecolor="white")
        bottom.set(xlim=(0, 1), xlabel="confidence")
    axes[0][0].set_ylabel("share right")
    axes[1][0].set_ylabel("answers")
    return figure


def draw_risk_coverage(verdicts: Mapping[str, Verdicts], out_png: Path) -> None:
    """One curve for each field: how much of what is answered is wrong, as more is answered."""
    _save(_risk_coverage(verdicts), out_png)


def risk_coverage_svg(verdicts: Mapping[str, Verdicts]) -> str:
    """The picture of `draw_risk_coverage` as an SVG element."""
    return _svg(_risk_coverage(verdicts))


def _risk_coverage(verdicts: Mapping[str, Verdicts]) -> Any:
    figure, axes = _panels(1, height=3.6, width=5.4)
    panel = axes[0][0]
    for place, (field, (confidences, right)) in enumerate(verdicts.items()):
        points = risk_coverage(confidences, right)
        if points:
            coverage, risk = [point.coverage for point in points], [point.risk for point in points]
            label = f"{field} ({risk[-1]:.0%} of all)"
            panel.plot(coverage, risk, color=COLOURS[place % len(COLOURS)], linewidth=1.6, label=label)
    panel.set(xlabel="share answered, the surest first", ylabel="share wrong of those answered", xlim=(0, 1))
    panel.set_ylim(bottom=0)
    panel.legend(frameon=False, loc="upper left")
    return figure


def _panels(columns: int, height: float, heights: tuple[int, ...] = (1,), width: float = 3.0) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(max(width * columns, 3.2), height), layout="constrained")
    # Not through pyplot, which keeps figures and may look for a display.
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(heights), columns, squeeze=False, gridspec_kw={"height_ratios": heights})
    for panel in axes.flat:
        panel.grid(color=GRID, linewidth=0.6)
        panel.set_axisbelow(True)
        panel.tick_params(colors=INK, labelsize=8)
        panel.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _save(figure: Any, out_png: Path) -> None:
    out_png.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out_png, dpi=150)


def _svg(figure: Any) -> str:
    """The `<svg>` element alone, without the XML head, so that it can stand within HTML."""
    import matplotlib

    # No date and no random ids: the same numbers give the same text. Text stays text, which is smaller than its paths.
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "pumgpt", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
