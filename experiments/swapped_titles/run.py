"""What becomes of a product whose title is another product's, beside what becomes of it under its own.

    python experiments/swapped_titles/run.py --data ../shared/data --limit 100

Of each field: how many are filled at the default precision, how many of these are right by the labels of the photo, and how often
a warning names both answers.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from pumgpt.backends.load import load_backend
from pumgpt.bench.baselines.predictions import Guess
from pumgpt.bench.judging.fields import JudgedField
from pumgpt.bench.suites.labels import fields_of, find_files
from pumgpt.bench.suites.suite import load_suite
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.understand.ask import understand
from pumgpt.understand.intake import Intake
from pumgpt.understand.plan import make_plan

TEST, FIELDS = "fashion/test-*.parquet", ("category", "gender", "colour", "usage")
BATCH_PRODUCTS = 16


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what another product's title does.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", default="nano")
    parser.add_argument("--limit", type=int, default=100, help="how many products")
    options = parser.parse_args()
    rows = [row for file in find_files(options.data, TEST) for row in read_catalog(file)]
    products = [row for row in rows if isinstance(row, Product) and row.title]
    random.Random(0).shuffle(products)
    products = products[: options.limit]
    backend = load_backend(options.model, None, None)
    plan = make_plan(backend, tasks=("category", "attributes"))
    others = [*products[len(products) // 2 :], *products[: len(products) // 2]]
    for name, titled in (("its own title", products), ("another's title", others)):
        counts: Counter[tuple[str, str]] = Counter()
        pairs = list(zip(products, titled, strict=True))
        for start in range(0, len(pairs), BATCH_PRODUCTS):
            batch = pairs[start : start + BATCH_PRODUCTS]
            shown = [Product(one.id, images=one.images, title=other.title) for one, other in batch]
            intakes = [Intake(product, (open_photo(product.images[0]),)) for product in shown]
            for (product, _), record in zip(batch, understand(backend, plan, intakes), strict=True):
                if isinstance(record, Understanding):
                    counts.update(outcomes(product, record))
        print_table(name, counts, len(products))


def outcomes(product: Product, record: Understanding) -> Iterator[tuple[str, str]]:
    """(field, outcome) for each field that the product's labels tell."""
    truths, values = fields_of(product, load_suite("fashion").values), values_of(record)
    for name in FIELDS:
        if name in values and name in truths:
            yield name, "filled"
            if JudgedField(name, truths[name], Guess(tuple(values[name]))).right:
                yield name, "right"
        if any(warning.startswith(f"{name}: the photo says") for warning in record.warnings):
            yield name, "disputed"


def values_of(record: Understanding) -> dict[str, Sequence[str]]:
    """The filled fields with their values."""
    filled = {field.name: [str(field.value)] for field in record.attributes or () if field.status == "filled"}
    if record.category is not None and record.category.path and record.category.status == "filled":
        filled["category"] = record.category.path
    return filled


def print_table(name: str, counts: Counter[tuple[str, str]], count: int) -> None:
    print(f"{name}, {count} products")
    for field in FIELDS:
        told = ", ".join(f"{outcome} {counts[field, outcome]}" for outcome in ("filled", "right", "disputed"))
        print(f"  {field}: {told}")


if __name__ == "__main__":
    main()
