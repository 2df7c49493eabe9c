"""What `curate` tells the person at the terminal, on standard error."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from pumgpt.curation.summary import CurationSummary
from pumgpt.curation.verdict import Verdict

MEANING = {
    Verdict.SUPPORTED: "photo or text shows it",
    Verdict.CONTRADICTED: "photo or text shows another value",
    Verdict.NOT_INFERABLE: "neither photo nor text can tell",
}


def print_summary(summary: CurationSummary, out_path: Path, report_path: Path | None) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="bright_black", overflow="fold")
    table.add_row("products", f"{summary.rows:,}", f"in {out_path}")
    for verdict, meaning in MEANING.items():
        count = summary.verdicts[verdict]
        share = f"{count / summary.values:.0%} of {summary.values:,} values: " if summary.values else ""
        table.add_row(verdict.replace("_", " "), f"{count:,}", share + meaning)
    for name in summary.experts:
        table.add_row(f"asked {name}", f"{summary.asked[name]:,}", _calls(summary, name))
    if summary.rejected:
        rejected = out_path.with_name(out_path.stem + ".rejected.jsonl")
        table.add_row("set aside", f"{summary.rejected:,}", f"why: {rejected}")
    if summary.resumed:
        table.add_row("resumed", f"{summary.resumed:,}", "rows were done before")
    table.add_row("time", f"{summary.seconds:.1f} s", f"{summary.products_per_second:.1f} products a second")
    if report_path is not None and not summary.stopped:
        table.add_row("report", "", str(report_path))
    Console(stderr=True, highlight=False).print(table)


def _calls(summary: CurationSummary, name: str) -> str:
    told = [f"{summary.costs_s[name]:g} s a value"]
    if summary.spared[name]:
        told.append(
            f"{summary.spared[name]:,} values were settled before, which saved about {_time(summary.saved_s(name))}"
        )
    if summary.failed[name]:
        told.append(f"{summary.failed[name]:,} without an answer")
    return ", ".join(told)


def _time(seconds: float) -> str:
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.1f} s"
