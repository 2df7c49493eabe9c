"""What a shop gains by `pumgpt remember`: Amazon products with categories that nano never learned, two thirds of them labelled.

    python experiments/remember/run.py --data ../shared/data

The last third is asked for its categories, by the photo alone: by nano with the shop's taxonomy, and by nano that remembers the
others. ImplicitAVE is for evaluation only: the folder that this makes is thrown away.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from pumgpt.backends.load import load_backend
from pumgpt.backends.protocol import Backend
from pumgpt.bench.stats.intervals import proportion
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import CategoryField
from pumgpt.catalog.vocabulary.taxonomy import CategoryPath, Taxonomy
from pumgpt.model.card import resolve_checkpoint
from pumgpt.training.data.products import read_file
from pumgpt.training.remember import remember
from pumgpt.understand.ask import understand_one
from pumgpt.understand.intake import open_product
from pumgpt.understand.plan import make_plan

KNOWN_SHARE = 2 / 3


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what remembering a shop's labelled products brings.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--seed", type=int, default=1, help="draws which products are labelled")
    options = parser.parse_args()
    products = list(read_file(options.data / "implicitave" / "dev.parquet"))
    random.Random(options.seed).shuffle(products)
    count = round(len(products) * KNOWN_SHARE)
    known, asked = products[:count], products[count:]
    counts = Counter(product.category for product in known if product.category)
    most_frequent = counts.most_common(1)[0][0]
    print(f"{len(known)} labelled products with {len(counts)} categories, {len(asked)} asked")
    _report("most frequent category", [most_frequent == product.category for product in asked])
    taxonomy = Taxonomy.of(sorted(counts))
    measure("nano with the shop's taxonomy", load_backend(options.model), taxonomy, asked)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "shop"
        remember(
            resolve_checkpoint(options.model),
            (open_product(product) for product in known),
            out,
            sample=len(known),
            open_again=lambda product: open_product(product).photos,
        )
        measure("nano that remembers", load_backend(str(out)), None, asked)


def measure(name: str, backend: Backend, taxonomy: Taxonomy | None, products: Sequence[Product]) -> None:
    """Every field filled, and at the default precision."""
    for precision, what in ((0.0, "every field filled"), (0.9, "filled at the default precision")):
        found = list(_categories(backend, taxonomy, products, precision))
        filled = [path == product.category for path, product in zip(found, products, strict=True) if path is not None]
        _report(f"{name}, {what}", filled)


def _categories(
    backend: Backend, taxonomy: Taxonomy | None, products: Sequence[Product], precision: float
) -> Iterator[CategoryPath | None]:
    plan = make_plan(backend, tasks=["category"], taxonomy=taxonomy, precision=precision)
    for product in products:
        category = understand_one(backend, plan, open_product(Product(product.id, product.images))).category
        yield tuple(category.path) if isinstance(category, CategoryField) and category.path else None


def _report(name: str, right: Sequence[bool]) -> None:
    print(f"{name}: {sum(right)} right, {proportion(right)}")


if __name__ == "__main__":
    main()
