"""Write every figure and picture of nano into the documentation, or say which of them aren't of the nano that ships.

    python scripts/publish.py runs/bench/*/results.json   # take over what scripts/measure.py measured
    python scripts/publish.py                             # write everything again, from the figures kept
    python scripts/publish.py --picture                   # and photograph the demo's report, by Chromium
    python scripts/publish.py --check                     # write nothing; fail where something is out of date

Figures are kept in docs/results/*.json. From these come the pages of docs/results, the tables in README.md,
docs/model_card.md and docs/pumbench.md, and the figures in nano's own card. A `results.json` of other weights than those
that ship is refused. Figures that stand in the text carry the revision of their nano, which is checked as well.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from publishing import bench_pages, field_tables, picture, revisions
from pumgpt.bench.reporting.results import Results, read_results
from pumgpt.errors import CatalogError, PumGPTError
from pumgpt.model.card import CARD_FILE

ROOT = Path(__file__).resolve().parents[1]
PICTURE, RELIABILITY = "docs/images/result.png", "docs/images/reliability.png"
LOG = "docs/experiments.md"
"""Says what was tried, each time with the nano of that day."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Publish what was measured of nano.")
    parser.add_argument("results", type=Path, nargs="*", help="results.json of one suite or more")
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout to write to, or to check")
    parser.add_argument("--picture", action="store_true", help="also take the README's picture")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where something is out of date")
    options = parser.parse_args(arguments)
    try:
        if options.check:
            return report(options.root)
        for path in options.results:
            take_over(path, options.root)
        for path, text in render(options.root).items():
            path.write_text(text, encoding="utf-8")
        if options.picture:
            picture.take_picture(options.root / PICTURE)
    except (PumGPTError, OSError) as error:
        print(f"publish: {error}", file=sys.stderr)
        return 1
    return 0


def take_over(path: Path, root: Path) -> None:
    """Keep the figures of one `results.json`, and the picture of calibration beside that of `fashion`."""
    results = read_results(path)
    refuse_other_weights(results, path)
    kept = root / "docs" / "results"
    bench_pages.keep_figures(bench_pages.choose_figures(results), kept)
    fields = field_tables.read_fields(kept)
    field_tables.add_results(fields, results)
    field_tables.write_fields(fields, kept)
    if results.suite.name == "fashion":
        picture.stamp(path.with_name("reliability.png"), root / RELIABILITY)


def refuse_other_weights(results: Results, path: Path) -> None:
    shipped = revisions.shipped_revision()
    for model in results.models:
        if model.name == "nano" and model.revision != shipped:
            raise CatalogError(f"{path}: is of nano {model.revision}, and {shipped} ships; measure again")


def render(root: Path) -> dict[Path, str]:
    """Every file that is written from the figures kept, and its text."""
    docs = root / "docs"
    suites = bench_pages.read_figures(docs / "results")
    fields = field_tables.read_fields(docs / "results")
    pages = {docs / "results" / f"{one.suite}.md": bench_pages.render_page(one) for one in suites}
    pages[docs / "results" / "product-fields.md"] = field_tables.render_page(fields)
    headlines = bench_pages.headline_table(suites)
    pages[docs / "pumbench.md"] = replace_block(docs / "pumbench.md", bench_pages.BLOCK, headlines)
    summary = field_tables.summary_table(fields)
    for page in (root / "README.md", docs / "model_card.md"):
        pages[page] = replace_block(page, field_tables.SUMMARY_BLOCK, summary)
    card = root / "src" / "pumgpt" / "checkpoints" / "nano" / CARD_FILE
    document = json.loads(card.read_text(encoding="utf-8")) | {"quality": field_tables.card_quality(fields)}
    pages[card] = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    return pages


def replace_block(page: Path, block: re.Pattern[str], table: str) -> str:
    text, count = block.subn(lambda match: match[1] + table + match[2], page.read_text(encoding="utf-8"))
    if count != 1:
        raise CatalogError(f"{page}: has {count} blocks for {block.pattern[:20]!r}; it needs one")
    return text


def report(root: Path) -> int:
    """Print what is out of date to standard error, and what an earlier nano gave to standard output."""
    wrong = list(find_faults(root))
    for line in wrong:
        print(f"publish: {line}", file=sys.stderr)
    for path in documents(root):
        for line in revisions.outdated(str(path.relative_to(root)), path.read_text(encoding="utf-8")):
            print(line)
    return 1 if wrong else 0


def find_faults(root: Path) -> Iterator[str]:
    for path, text in render(root).items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            yield f"{path.relative_to(root)}: is not what the figures kept give; run python scripts/publish.py"
    shipped = revisions.shipped_revision()
    for name in field_tables.outdated_suites(field_tables.read_fields(root / "docs" / "results")):
        yield f"docs/results/{field_tables.FILE}: {name} is not of nano {shipped}; run python scripts/measure.py"
    for name in (PICTURE, RELIABILITY):
        if picture.pictured_revision(root / name) != shipped:
            yield f"{name}: is not of nano {shipped}; run python scripts/publish.py --picture"
    listed = revisions.listed_revisions((root / "docs" / "model_card.md").read_text(encoding="utf-8"))
    if shipped not in listed:
        yield f"docs/model_card.md: its table of revisions lacks nano {shipped}, which ships"
    asks_nano = revisions.experiments_with_nano(ROOT / "experiments")
    for path in documents(root):
        text = path.read_text(encoding="utf-8")
        yield from revisions.check_page(str(path.relative_to(root)), text, listed, asks_nano)


def documents(root: Path) -> list[Path]:
    """The pages whose figures are written by hand."""
    pages = [root / "README.md", *sorted((root / "docs").glob("*.md")), *sorted(root.glob("experiments/*/README.md"))]
    return [page for page in pages if page != root / LOG]


if __name__ == "__main__":
    sys.exit(main())
