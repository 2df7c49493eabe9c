"""What `bench` prints."""

from __future__ import annotations

import math

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from pumgpt.bench.benchmark import BenchResult
from pumgpt.bench.judging.unlearned_kinds import ANY_FIELD
from pumgpt.bench.reporting.headlines import rows
from pumgpt.bench.reporting.photo_sections import ALTERED_TITLE, altered_fields, unlearned_rows
from pumgpt.bench.stats.comparison import summarise
from pumgpt.bench.stats.intervals import Measured
from pumgpt.cli.console import say

MAX_SET_ASIDE = 3
LESS = "↓"


def print_troubles(result: BenchResult) -> None:
    """To standard error: rows that were set aside, cases without an answer."""
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
    console.print(result.suite.about, style="bright_black", markup=False)
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
            table.add_row(name, f"{count:,}", *(_cell(cells.get(model), headline.share) for model in columns))
        console.print(table)
    print_fields(console, result)
    print_altered(console, result)
    print_unlearned(console, result)
    console.print(f"In %, with the 95 % interval below; n: questions. {LESS}: less is better.", style="bright_black")
    for line in summarise(result.comparisons):
        console.print(line, markup=False)


FIELD_METRICS = ("whole path", "level 1", "level 2", "level 3", "accuracy", "coverage", "precision", "ECE", "AURC")
"""Of the products' fields those that are printed; report.md has all."""


def print_fields(console: Console, result: BenchResult) -> None:
    """What models filled in: right with every field filled; at the default precision, right of how many filled."""
    for condition, by_precision in result.field_scores.items():
        columns = {
            f"{model.name},\n{precision}": models[model.name]
            for model in result.models
            for precision, models in by_precision.items()
            if model.name in models
        }
        title = f"{result.suite.name}, product fields, {condition}"
        table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
        table.add_column("", no_wrap=True)
        table.add_column("n", justify="right", style="bright_black")
        for name in columns:
            table.add_column(name, justify="right")
        for field in dict.fromkeys(field for scores in columns.values() for field in scores):
            for metric in FIELD_METRICS:
                cells = [scores.get(field, {}).get(metric) for scores in columns.values()]
                known = [cell for cell in cells if cell is not None]
                if known:
                    count = f"{max(cell.count for cell in known):,}"
                    table.add_row(f"{field}, {metric}", count, *(_cell(cell) for cell in cells))
        console.print(table)


def print_altered(console: Console, result: BenchResult) -> None:
    """For each model the share of each field under each condition: right or, without labels, filled."""
    for model in result.models:
        fields = list(altered_fields(model))
        if not fields:
            continue
        title = f"{ALTERED_TITLE}: {model.name}"
        table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
        table.add_column("", no_wrap=True)
        for one in fields:
            table.add_column(f"{one.field},\n{one.heads[0]}", justify="right")
        for place, (condition, _) in enumerate(fields[0].rows):
            # The shares alone: a terminal has no room for the differences, which the reports have.
            table.add_row(condition, *(one.rows[place][1][0].partition(" (")[0] for one in fields))
        console.print(table)


def print_unlearned(console: Console, result: BenchResult) -> None:
    for model in result.models:
        for group, name, filled, wrong in unlearned_rows(model):
            if name == ANY_FIELD:
                console.print(f"{model.name}, {group}: {name} filled {filled}, wrong {wrong}", markup=False)


def _cell(measured: Measured | None, share: bool = True) -> str:
    if measured is None or math.isnan(measured.value):
        return "-"
    number, interval = (f"{100 * measured.value:.1f}", ".0f") if share else (f"{measured.value:.2f}", ".1f")
    if math.isnan(measured.low):
        return number
    scale = 100 if share else 1
    return f"{number}\n{scale * measured.low:{interval}}-{scale * measured.high:{interval}}"
