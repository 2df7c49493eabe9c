"""Products a second of `enrich` with nano, this build beside another one.

    python benchmarks/enrich.py --products 200 --before ../before/src
    python benchmarks/enrich.py --catalog ../shared/data/fashion/test-00000-of-00001.parquet --products 300 --before ../before/src

Without --catalog the products are drawn, with their titles. Each run is a process of its own, by turns; the clock starts when
the model has answered one product. Seconds are of the clock, and of the processor, which counts what else runs less. The last
line is JSON: how many times as many products a second this build answers.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from builds import builds_of, peak_mib, speed_up


def main() -> None:
    parser = argparse.ArgumentParser(description="Time `enrich` with nano beside another build.")
    parser.add_argument("--catalog", help="a catalogue with photos (default: drawn samples)")
    parser.add_argument("--products", type=int, default=200)
    parser.add_argument("--report", action="store_true", help="write the report too")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--before", metavar="PYTHON", help="interpreter of another build, or the folder of its sources")
    parser.add_argument("--measure", nargs=3, metavar=("CATALOG", "PRODUCTS", "REPORT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure is not None:
        catalog, products, report = options.measure
        print(json.dumps(measure(Path(catalog), int(products), report == "True")))
        return
    builds = builds_of(options.before)
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in builds}
    print("| build | products | products/s | seconds of the processor a product | peak memory |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        catalog = options.catalog or draw(Path(folder), options.products)
        for _ in range(options.rounds):
            for name, build in builds.items():
                run = build.measure(__file__, str(catalog), str(options.products), str(options.report))
                runs[name].append(run)
                print(table_row(name, run), flush=True)
    found: dict[str, Any] = {"products_per_second": [round(run["products"] / run["clock_s"], 1) for run in runs["now"]]}
    if options.before:
        keys = {"clock": "clock_s", "processor": "processor_s"}
        found["ratios"], found["ranges"] = {}, {}
        for name, key in keys.items():
            found["ratios"][name], found["ranges"][name] = speed_up(runs, key)
    print(json.dumps(found))


def draw(folder: Path, products: int) -> Path:
    """A Parquet file of drawn products, of other seeds than nano was trained on."""
    from pumgpt.samples import draw_parquet
    from pumgpt.samples.seeds import TESTS

    catalog = folder / "drawn.parquet"
    draw_parquet(catalog, TESTS[:products], size_px=480)
    return catalog


def table_row(name: str, run: dict[str, Any]) -> str:
    products = run["products"]
    rate, cost = products / run["clock_s"], run["processor_s"] / products
    return f"| {name} | {products} | {rate:.1f} | {cost:.3f} | {run['peak_mib']:.0f} MiB |"


def measure(catalog: Path, products: int, report: bool) -> dict[str, Any]:
    """One run over the first products of a catalogue."""
    from pumgpt.api import enrich, load

    model = load("nano")
    with tempfile.TemporaryDirectory() as folder:
        enrich(catalog, Path(folder) / "first.jsonl", model, limit=1)
        page = Path(folder) / "report.html" if report else None
        began, began_clock = time.process_time(), time.monotonic()
        summary = enrich(catalog, Path(folder) / "out.jsonl", model, limit=products, report_path=page)
        clock_s, processor_s = time.monotonic() - began_clock, time.process_time() - began
    return {"products": summary.done, "clock_s": clock_s, "processor_s": processor_s, "peak_mib": peak_mib()}


if __name__ == "__main__":
    main()
