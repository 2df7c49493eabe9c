"""How a long run over a catalogue ends: its summary, its warnings, and the exit code."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from pumgpt.errors import CatalogError

if TYPE_CHECKING:
    from rich.table import Table

    from pumgpt.jobs.summary import RunSummary

STOPPED = 130
"""The exit code after Ctrl-C, as shells have it."""


def conclude(
    summary: RunSummary, out_path: Path, as_json: bool, show: Callable[[], None], printed: Collection[str] = ()
) -> int:
    """Print the summary, by `show` or as JSON, and the warnings that weren't `printed` before. Returns the exit code.

    Raises `CatalogError` if no row could be used.
    """
    from pumgpt.cli.console import print_json, say
    from pumgpt.jobs.journal import rejected_path

    for warning in summary.warnings:
        if warning not in printed:
            say(warning)
    if as_json:
        print_json(summary.to_json())
    else:
        show()
    if summary.stopped:
        say(f"stopped after {summary.done} rows; the same command goes on")
        return STOPPED
    if summary.rejected and not summary.rows:
        raise CatalogError(f"none of the {summary.rejected} rows could be used; {rejected_path(out_path)} says why")
    return 0


def summary_table() -> Table:
    """An empty table of three columns: label, count, explanation."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="bright_black", overflow="fold")
    return table


def print_table(table: Table, summary: RunSummary, out_path: Path, report_path: Path | None) -> None:
    """Add the rows that every summary ends with, and print the table to standard error."""
    from rich.console import Console

    from pumgpt.jobs.journal import rejected_path

    if summary.rejected:
        table.add_row("set aside", f"{summary.rejected:,}", f"why: {rejected_path(out_path)}")
    if summary.resumed:
        table.add_row("resumed", f"{summary.resumed:,}", "rows were done before")
    table.add_row("time", f"{summary.seconds:.1f} s", f"{summary.products_per_second:.1f} products a second")
    if report_path is not None and not summary.stopped:
        table.add_row("report", "", str(report_path))
    Console(stderr=True, highlight=False).print(table)
