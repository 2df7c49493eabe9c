"""Rows a second and peak memory of the experts without a model, on a catalogue as long as one likes.

    python benchmarks/curation.py --data ../shared/data --rows 66000 663000

The rows are those of `fashion` train without photos, repeated with a number in the title; each count is a run of its own of
`pumgpt curate --experts text,statistics`, from JSON lines to JSON lines.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product

EXPERTS = "text,statistics"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure curation's speed and memory.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--rows", type=int, nargs="+", default=[66_000, 663_000])
    options = parser.parse_args()
    if not any((options.data / "fashion").glob("train-*.parquet")):
        parser.error(f"--data {options.data}: has no fashion/train-*.parquet")
    for rows in options.rows:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "in.jsonl"
            with source.open("w", encoding="utf-8") as file:
                file.writelines(json.dumps(row) + "\n" for row in itertools.islice(variations(options.data), rows))
            program = [sys.executable, "-c", "from pumgpt.cli.main import main; main()", "curate", str(source)]
            began = time.monotonic()
            words = [str(Path(folder) / "out.jsonl"), "--experts", EXPERTS, "--json"]
            done = subprocess.run([*program, *words], check=True, stdout=subprocess.PIPE)
            seconds = time.monotonic() - began
        values = json.loads(done.stdout)["values"]
        # The greatest of all children so far: give the counts in rising order.
        peak_mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(
            f"{rows:,} rows, {values:,} values: {rows / seconds:.0f} rows/s, {seconds:.0f} s, peak {peak_mib:.0f} MiB"
        )


def variations(data: Path) -> Iterator[dict[str, Any]]:
    """Endless: the train split over and over, no two rows alike."""
    number = 0
    while True:
        for file in sorted((data / "fashion").glob("train-*.parquet")):
            for product in read_catalog(file):
                if isinstance(product, Product):
                    number += 1
                    title = f"{product.title} {number}"
                    yield {"id": str(number), "title": title, "attributes": dict(product.attributes or {})}


if __name__ == "__main__":
    main()
