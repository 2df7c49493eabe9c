"""How many of 200 products get the right Shopify category, from a Shopify export to a filled one in one command.

python experiments/shopify_categories/run.py --data ../shared/data --work /tmp/shopify

The products are those of `truth.csv`, of the test split of Fashion Product Images: written as a Shopify product CSV with their
titles and nothing else that tells the category, their photos beside it. Right is the truth's category or its `also`; a category
one level above is counted apart: true, but a merchandiser would choose a closer one.
"""

from __future__ import annotations

import argparse
import csv
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pumgpt.bench.stats.intervals import wilson
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product

TRUTH = Path(__file__).with_name("truth.csv")
HEADER = (
    *("Handle", "Title", "Body (HTML)", "Vendor", "Product Category", "Type", "Tags", "Published", "Option1 Name"),
    *("Option1 Value", "Variant SKU", "Variant Price", "Image Src", "Image Position", "Image Alt Text", "Status"),
)


def main() -> int:
    options = _parse_options()
    truth = {row["id"]: row for row in _read_truth()}
    shop = options.work
    (shop / "photos").mkdir(parents=True, exist_ok=True)
    _write_export(shop, options.data / "fashion" / "test-00000-of-00001.parquet", truth)
    taxonomy = options.data / "taxonomy" / "shopify" / "categories.txt"
    command = ["enrich", str(shop / "products.csv"), str(shop / "filled.csv"), "--taxonomy", str(taxonomy)]
    command += ["--model", options.model, *(["--restart"] if options.restart else [])]
    print("pumgpt", *command, flush=True)
    program = "from pumgpt.cli.main import main; raise SystemExit(main())"
    if subprocess.run([sys.executable, "-c", program, *command], check=False).returncode != 0:
        return 1
    _report(shop / "filled.csv", truth)
    return 0


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the development data")
    parser.add_argument("--work", type=Path, required=True, help="a folder for the shop's files")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--restart", action="store_true")
    return parser.parse_args()


def _read_truth() -> Iterator[dict[str, str]]:
    with TRUTH.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(line for line in file if not line.startswith("#"))


def _write_export(shop: Path, data: Path, truth: dict[str, dict[str, str]]) -> None:
    """What a shop exports that has titles and photos, and no categories yet."""
    products = {row.id: row for row in read_catalog(data) if isinstance(row, Product) and row.id in truth}
    with (shop / "products.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, HEADER, restval="")
        writer.writeheader()
        for id_ in truth:
            product = products[id_]
            (shop / "photos" / f"{id_}.jpg").write_bytes(product.images[0].data or b"")
            writer.writerow(
                {
                    "Handle": f"{re.sub(r'[^a-z0-9]+', '-', (product.title or '').lower()).strip('-')}-{id_}",
                    "Title": product.title,
                    "Published": "TRUE",
                    "Option1 Name": "Title",
                    "Option1 Value": "Default Title",
                    "Variant SKU": id_,
                    "Variant Price": "19.99",
                    "Image Src": f"photos/{id_}.jpg",
                    "Image Position": "1",
                    "Status": "active",
                }
            )


def _report(filled: Path, truth: dict[str, dict[str, str]]) -> None:
    counts: Counter[str] = Counter()
    with filled.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            right = truth[row["Variant SKU"]]
            verdict = _judge(row["Product Category"], right)
            counts[verdict] += 1
            if verdict != "right":
                given, wanted = row["Product Category"] or "-", right["category"]
                print(f"  {verdict:<15} {row['Title']}: {given.removeprefix(wanted.split(' > ')[0])} (right: {wanted})")
    total = counts.total()
    for verdict in ("right", "one level above", "wrong", "abstained"):
        print(f"{verdict}: {wilson(counts[verdict], total)} ({counts[verdict]} of them)")


def _judge(category: str, right: dict[str, str]) -> str:
    if not category:
        return "abstained"
    if category in (right["category"], right["also"]):
        return "right"
    return "one level above" if category == right["category"].rpartition(" > ")[0] else "wrong"


if __name__ == "__main__":
    sys.exit(main())
