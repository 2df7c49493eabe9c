"""How a command that works through a catalogue ends: what it says, and its exit code."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pumgpt.errors import CatalogError

if TYPE_CHECKING:
    from rich.table import Table

STOPPED = 130


class Outcome(Protocol):
    """What the summaries of `enrich` and `curate` have in common."""

    rows: int
    rejected: int
    resumed: int
    seconds: float
    stopped: bool
    warnings: list[str]

    @property
    def done(self) -> int: ...

    @property
    def products_per_second(self) -> float: ...

    def to_json(self) -> dict[str, Any]: ...


def conclude(
    summary: Outcome, out_path: Path, as_json: bool, show: Callable[[], None], said: Collection[str] = ()
) -> int:
    """Print the summary, by `show` or as JSON, and the warnings that weren't `said` before. Returns the exit code.

    Raises `CatalogError` where not one row could be used.
    """
    from pumgpt.cli.console import print_json, say

    for warning in summary.warnings:
        if warning not in said:
            say(warning)
    if as_json:
        print_json(summary.to_json())
    else:
        show()
    if summary.stopped:
        say(f"stopped after {summary.done} rows; the same command goes on")
        return STOPPED
    if summary.rejected and not summary.rows:
        raise CatalogError(f"none of the {summary.rejected} rows could be used; {_rejected(out_path)} says why")
    return 0


def summary_table() -> Table:
    """Three columns: what, how many, and what that means."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="bright_black", overflow="fold")
    return table


def print_table(table: Table, summary: Outcome, out_path: Path, report_path: Path | None) -> None:
    """Add what every summary ends with, and print it to standard error."""
    from rich.console import Console

    if summary.rejected:
        table.add_row("set aside", f"{summary.rejected:,}", f"why: {_rejected(out_path)}")
    if summary.resumed:
        table.add_row("resumed", f"{summary.resumed:,}", "rows were done before")
    table.add_row("time", f"{summary.seconds:.1f} s", f"{summary.products_per_second:.1f} products a second")
    if report_path is not None and not summary.stopped:
        table.add_row("report", "", str(report_path))
    Console(stderr=True, highlight=False).print(table)


def _rejected(out_path: Path) -> Path:
    return out_path.with_name(f"{out_path.stem}.rejected.jsonl")
