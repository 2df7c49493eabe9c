"""What `bench` tells the person at the terminal."""

from __future__ import annotations

import math

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from pumgpt.bench.benchmark import BenchResult
from pumgpt.bench.reporting.headlines import Headline, rows
from pumgpt.bench.stats.comparison import summarise
from pumgpt.bench.stats.intervals import Measured
from pumgpt.cli.console import say

MAX_SET_ASIDE = 3
LESS = "↓"


def print_troubles(result: BenchResult) -> None:
    """To standard error: rows that were set aside, cases that got no answer."""
    aside = result.data.set_aside
    for line in aside[:MAX_SET_ASIDE]:
        say(f"set aside: {line}")
    if len(aside) > MAX_SET_ASIDE:
        say(f"set aside: {len(aside) - MAX_SET_ASIDE} more; results.json names them")
    for model in result.models:
        for reason, count in model.errors.items():
            say(
                f"{model.name}: no answer to {count} of {len(result.cases):,} questions ({reason}); run again to ask them again"
            )


def print_result(result: BenchResult) -> None:
    """The headline scores of each condition, and which differences are none."""
    console = Console(highlight=False)
    for condition, columns in result.scores.items():
        title = f"{result.suite.name}, {condition}"
        table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
        table.add_column("", no_wrap=True)
        table.add_column("n", justify="right", style="bright_black")
        for name in columns:
            table.add_column(name, justify="right")
        for headline, cells in rows(columns):
            count = max(cell.count for cell in cells.values())
            name = f"{headline.name} {LESS}" if headline.low_is_good else headline.name
            table.add_row(name, f"{count:,}", *(_cell(cells.get(model), headline) for model in columns))
        console.print(table)
    console.print(f"In %, with the 95 % interval below; n: questions. {LESS}: less is better.", style="bright_black")
    for line in summarise(result.comparisons):
        console.print(line, markup=False)


def _cell(measured: Measured | None, headline: Headline) -> str:
    if measured is None or math.isnan(measured.value):
        return "-"
    if not headline.share:
        return f"{measured.value:.2f}\n{measured.low:.1f}-{measured.high:.1f}"
    return f"{100 * measured.value:.1f}\n{100 * measured.low:.0f}-{100 * measured.high:.0f}"
