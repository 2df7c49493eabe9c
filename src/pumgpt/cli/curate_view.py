"""The summary of `curate`, as a table on standard error."""

from __future__ import annotations

from pathlib import Path

from pumgpt.cli.outcome import print_table, summary_table
from pumgpt.curation.summary import CurationSummary
from pumgpt.curation.verdict import Verdict

MEANING = {
    Verdict.SUPPORTED: "photo or text shows it",
    Verdict.CONTRADICTED: "photo or text shows another value",
    Verdict.NOT_INFERABLE: "neither photo nor text can tell",
}


def print_summary(summary: CurationSummary, out_path: Path, report_path: Path | None) -> None:
    table = summary_table()
    table.add_row("products", f"{summary.rows:,}", f"in {out_path}")
    for verdict, meaning in MEANING.items():
        count = summary.verdicts[verdict]
        share = f"{count / summary.values:.0%} of {summary.values:,} values: " if summary.values else ""
        table.add_row(verdict.replace("_", " "), f"{count:,}", share + meaning)
    for name in summary.experts:
        table.add_row(f"asked {name}", f"{summary.asked[name]:,}", _calls(summary, name))
    print_table(table, summary, out_path, report_path)


def _calls(summary: CurationSummary, name: str) -> str:
    parts = [f"{summary.costs_s[name]:g} s a value"]
    if summary.spared[name]:
        parts.append(
            f"{summary.spared[name]:,} values were settled before, which saved about {_time(summary.saved_s(name))}"
        )
    if summary.failed[name]:
        parts.append(f"{summary.failed[name]:,} without an answer")
    return ", ".join(parts)


def _time(seconds: float) -> str:
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.1f} s"
