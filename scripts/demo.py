"""The demo: draw the sample catalogue, let nano read it, show what it found.

Leaves `demo/catalog.csv` with its photos, `demo/results.jsonl` and `demo/report.html`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from pumgpt.backends.load import load_backend
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.understanding import Understanding
from pumgpt.cli.ask_view import STATUS_STYLES
from pumgpt.cli.progress import RowsBar
from pumgpt.enrich.job import enrich
from pumgpt.samples import write_catalog
from pumgpt.understand.plan import make_plan


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("demo"))
    parser.add_argument("--model", default="nano")
    arguments = parser.parse_args()
    console = Console(highlight=False)
    folder: Path = arguments.out
    console.print("Drawing the sample catalogue ...")
    catalog = write_catalog(folder)
    backend = load_backend(arguments.model)
    plan = make_plan(backend, evidence=True)
    results, report = folder / "results.jsonl", folder / "report.html"
    with RowsBar("reading", None) as rows_bar:
        summary = enrich(
            read_catalog(catalog),
            results,
            backend,
            plan,
            restart=True,
            report_path=report,
            report_title="A sample catalogue, read by PumGPT",
            progress=lambda summary: rows_bar.update(summary.done, summary.resumed, summary.rejected),
        )
    console.print(table(results))
    console.print(
        f"{summary.rows} products in {summary.seconds:.1f} s: {summary.filled} fields filled, "
        f"{summary.abstained} left empty because they could not be told."
    )
    console.print(f"Records: {results}\nPhotos, confidences and where each answer comes from: {report}")


def table(results: Path) -> Table:
    """One row for each product."""
    shown = Table(show_lines=True, header_style="bold", expand=True)
    for name, ratio in (("product", 2), ("caption and category", 5), ("attributes", 5), ("could not be told", 3)):
        shown.add_column(name, ratio=ratio, overflow="fold")
    for line in results.read_text(encoding="utf-8").splitlines():
        found = Understanding.model_validate_json(line)
        shown.add_row(found.id, _head(found), _attributes(found), Text(", ".join(_untold(found)), style="bright_black"))
    return shown


def _head(found: Understanding) -> Group:
    caption = found.caption.text if found.caption and found.caption.text else ""
    lines = [Text(caption, style="italic")] if caption else []
    if found.category and found.category.path:
        lines.append(Text.assemble((" › ".join(found.category.path), "bold"), _sure(found.category.confidence)))
    return Group(*lines)


def _attributes(found: Understanding) -> Group:
    told = [field for field in found.attributes or [] if field.status != "abstained"]
    return Group(
        *(
            Text.assemble(
                (f"{field.name} ", "bright_black"),
                (str(field.value), STATUS_STYLES[field.status]),
                _sure(field.confidence),
            )
            for field in told
        )
    )


def _untold(found: Understanding) -> list[str]:
    category = ["category"] if found.category and found.category.path is None else []
    return category + [field.name for field in found.attributes or [] if field.status == "abstained"]


def _sure(confidence: float | None) -> tuple[str, str]:
    return ("" if confidence is None else f"  {int(100 * confidence + 1e-9)} %", "bright_black")


if __name__ == "__main__":
    main()
