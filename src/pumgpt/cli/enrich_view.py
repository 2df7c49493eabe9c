"""The summary and the preview of `enrich` as tables in a terminal."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from pumgpt.catalog.formats.column_map import describe
from pumgpt.cli.outcome import print_table, summary_table
from pumgpt.enrich.preview import Preview
from pumgpt.enrich.summary import Summary
from pumgpt.understand.plan import Plan

MAX_REJECTED = 5
MAX_FIELDS = 20


def print_summary(summary: Summary, out_path: Path, report_path: Path | None) -> None:
    table = summary_table()
    table.add_row("products", f"{summary.rows:,}", f"in {out_path}")
    fields = summary.filled + summary.kept + summary.conflicts + summary.abstained
    for label, count, meaning in (
        ("filled", summary.filled, "the model's value"),
        ("kept", summary.kept, "the shop's own value stands"),
        ("conflict", summary.conflicts, "the shop's value stands, the photo says another"),
        ("abstained", summary.abstained, "could not be told"),
    ):
        share = f"{count / fields:.0%} of {fields:,} fields: " if fields else ""
        table.add_row(label, f"{count:,}", share + meaning)
    if summary.filled and summary.target:
        table.add_row("", "", "")
        table.add_row("field", "filled", summary.target)
        for field in summary.fields[:MAX_FIELDS]:
            worth = f", {field.worth}" if field.worth and field.filled else ""
            table.add_row(field.name, f"{field.filled:,}", f"of {field.asked:,}{worth}")
        if len(summary.fields) > MAX_FIELDS:
            table.add_row("", "", f"and {len(summary.fields) - MAX_FIELDS} more fields (--json has all)")
    print_table(table, summary, out_path, report_path)


def print_preview(preview: Preview, plan: Plan) -> None:
    """To standard output: it is what was asked for."""
    table = summary_table()
    table.add_row(
        "catalogue", "", f"{preview.format}; {describe(preview.fields)}" if preview.fields else preview.format
    )
    table.add_row("rows", f"{preview.rows:,}", "would be answered")
    table.add_row("", f"{len(preview.rejected):,}", "would be set aside")
    table.add_row("photos", f"{preview.photos:,}", "can be used")
    table.add_row("", f"{preview.photos_missing:,}", "left out, another photo of the product is good")
    table.add_row("", f"{preview.without_photo:,}", "rows without a photo, answered from their text")
    table.add_row("questions", f"{preview.questions:,}", f"tasks: {', '.join(sorted(plan.asked))}")
    console = Console(highlight=False)
    console.print(table)
    for row in preview.rejected[:MAX_REJECTED]:
        console.print(f"row {row.row} (id {row.id}): {row.error}", markup=False, soft_wrap=True)
    if len(preview.rejected) > MAX_REJECTED:
        console.print(f"and {len(preview.rejected) - MAX_REJECTED} more", markup=False)
    if preview.first is not None:
        console.print("\nThe first prompt:", style="bold")
        console.print(f"[{len(preview.first.photos)} photo(s)]", markup=False)
        for text in (preview.first.listing, *(question.text for question in preview.first.questions)):
            if text:
                console.print(text, markup=False, soft_wrap=True)
