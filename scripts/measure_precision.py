"""Measure whether a model keeps the precision that it claims: field by field, asked of all values together and of each.

python scripts/measure_precision.py --data ../shared/data --out runs/precision

Prints a Markdown table for each test set and condition: what filled fields are said to be worth (`precision` in the
record, from validation), how many of them are right, and how many were filled. The same command again goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pumgpt.backends.load import load_backend
from pumgpt.bench.asking.answer_cache import AnswerCache
from pumgpt.bench.asking.product_fields import Target, fill_fields
from pumgpt.bench.baselines.predictions import Guess, prediction_of
from pumgpt.bench.judging.fields import JudgedField
from pumgpt.bench.reporting.markdown import render_rows
from pumgpt.bench.stats.intervals import proportion
from pumgpt.bench.suites.items import Item
from pumgpt.bench.suites.loader import load_items
from pumgpt.bench.suites.suite import Suite, load_suite
from pumgpt.catalog.understanding import Understanding
from pumgpt.enrich.summary import stated_fields
from pumgpt.errors import PumGPTError

SUITES = ("fashion", "clothing")
TARGETS = {f"{precision:g} of {of}": Target(precision, of) for precision in (0.8, 0.9, 0.95) for of in ("all", "each")}
HEADER = ("field", "asked", "claimed", "right", "filled")


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare the precision that a model claims with the true one.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the development data")
    parser.add_argument("--out", type=Path, default=Path("runs/precision"), help="folder of the answers and tables.md")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--suites", default=",".join(SUITES))
    parser.add_argument("--limit", type=int, help="only this many products of each suite, for a try")
    options = parser.parse_args()
    try:
        tables = "\n".join(table for name in options.suites.split(",") for table in measure(name, options))
    except (PumGPTError, OSError) as error:
        print(f"measure_precision: {error}", file=sys.stderr)
        return 1
    (options.out / "tables.md").write_text(tables, encoding="utf-8")
    print(tables)
    return 0


def measure(name: str, options: argparse.Namespace) -> Iterator[str]:
    """One table for each condition under which the suite's products are filled."""
    suite = load_suite(name)
    backend = load_backend(options.model)
    data = load_items(suite, options.data, options.limit)
    with AnswerCache(options.out / name, backend) as cache:
        filled = fill_fields(backend, suite, data, cache, progress=_show_progress, targets=TARGETS)
    items = [item for item in data.items if item.origin == "product"]
    for condition, by_target in filled.items():
        rows = [row for target, records in by_target.items() for row in measure_fields(target, records, items, suite)]
        # By field first, so that a reader compares the targets of one field.
        order = list(dict.fromkeys(row[0] for row in rows))
        rows.sort(key=lambda row: order.index(row[0]))
        yield f"### {name}, {condition}\n\n{render_rows(HEADER, rows)}"


def measure_fields(
    target: str, records: dict[str, Understanding], items: Sequence[Item], suite: Suite
) -> Iterator[list[str]]:
    """A row for each field that the truth states and the suite counts: the mean of the claims, the share that is right,
    the share filled.
    """
    claimed: dict[str, list[float]] = {}
    right: dict[str, list[bool]] = {}
    stated: dict[str, int] = {}
    for item in items:
        record = records[item.product.id]
        predicted = prediction_of(record, suite.values).fields
        for name, field in stated_fields(record):
            truth = item.fields.get(name)
            if not truth or name in suite.uncounted:
                continue
            stated[name] = stated.get(name, 0) + 1
            guess = predicted.get(name, Guess(None))
            if field.status == "filled":
                right.setdefault(name, []).append(JudgedField(name, truth, guess).right)
                if field.precision is not None:
                    claimed.setdefault(name, []).append(field.precision)
    for name, count in stated.items():
        verdicts, worth = right.get(name, []), claimed.get(name, [])
        share = proportion(verdicts)
        yield [
            name,
            target,
            f"{sum(worth) / len(worth):.3f}" if worth else "",
            f"{share.value:.3f} [{share.low:.3f}, {share.high:.3f}]" if verdicts else "",
            f"{len(verdicts):,} of {count:,}",
        ]


def _show_progress(done: int) -> None:
    print(f"\r{done} questions", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
