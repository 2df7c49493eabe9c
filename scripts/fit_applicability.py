"""Write on a checkpoint's card which attributes its categories have, from its training data.

    python scripts/fit_applicability.py src/pumgpt/checkpoints/nano --data ../shared/data

A category has an attribute where training products of it state it. One data set may lack a label that another one has for the
same things: categories that lead to the same one of a public taxonomy, or to one above it, have the attributes of both.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from pumgpt.bench.suites.labels import find_files
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute
from pumgpt.catalog.vocabulary.crosswalk import Crosswalk
from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR, CategoryPath
from pumgpt.model.card import CARD_FILE, CheckpointCard, category_maps, read_card
from pumgpt.tasks.sources import shipped_facts
from pumgpt.tasks.truth import label

LEAST_SHARE = 0.01
"""Of a category's products: what fewer of them state is a slip."""
Attributes = Mapping[CategoryPath, frozenset[str]]


def main() -> None:
    parser = argparse.ArgumentParser(description="Write on a card which attributes the model's categories have.")
    parser.add_argument("model", type=Path, help="the checkpoint's folder")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the training data")
    options = parser.parse_args()
    card = read_card(options.model)
    labelled = stated_attributes(training_products(card, options.data), card.attributes)
    maps = [Crosswalk.load(path) for path in category_maps(options.model)]
    found = shared_by_counterparts(labelled, maps)
    table = {SEPARATOR.join(path): sorted(found[path]) for path in card.category_paths if path in found}
    card = card.model_copy(update={"applicability": by_upper_levels(table)})
    (options.model / CARD_FILE).write_text(card.model_dump_json(indent=1) + "\n", encoding="utf-8")
    print(json.dumps(card.applicability, indent=1))


def training_products(card: CheckpointCard, data: Path) -> Iterator[Product]:
    """The products that the card names, but for drawn ones, which lie elsewhere."""
    patterns = [str(pattern) for pattern in card.training_data if not str(pattern).startswith("./")]
    rows = (row for pattern in patterns for file in find_files(data, pattern) for row in read_catalog(file))
    return (row for row in rows if isinstance(row, Product) and row.category)


def stated_attributes(products: Iterable[Product], asked: Iterable[str]) -> Attributes:
    """Of each category the attributes, of those that are asked, that its products state."""
    facts, names = shipped_facts(), {fold_attribute(name) for name in asked}
    counts: dict[CategoryPath, Counter[str]] = {}
    totals: Counter[CategoryPath] = Counter()
    for product in products:
        assert product.category is not None
        totals[product.category] += 1
        # A label may be implied by another one: whoever sells for men sells for adults.
        stated = (name for name in names if label(product, name, facts) is not None)
        counts.setdefault(product.category, Counter()).update(stated)
    return {
        path: frozenset(name for name in names if count[name] >= LEAST_SHARE * totals[path] and count[name])
        for path, count in counts.items()
    }


def shared_by_counterparts(found: Attributes, maps: Sequence[Crosswalk]) -> dict[CategoryPath, frozenset[str]]:
    """The attributes of each category, and of those that lead to the same one of a public taxonomy, or to one above or below."""
    places = {
        path: {row.path for walk in maps for row in walk.counterparts.get(path, ()) if row.path} for path in found
    }
    return {
        path: found[path].union(*(found[other] for other in found if _overlap(places[path], places[other])))
        for path in found
    }


def _overlap(first: Iterable[CategoryPath], second: Iterable[CategoryPath]) -> bool:
    return any(a[: len(b)] == b or b[: len(a)] == a for a in first for b in second if min(len(a), len(b)) > 1)


def by_upper_levels(table: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """The same table, with the highest level in place of all below it that have the same attributes."""
    paths = [tuple(path.split(SEPARATOR)) for path in table]
    short: dict[str, list[str]] = {}
    for path, attributes in zip(paths, table.values(), strict=True):
        for depth in range(1, len(path) + 1):
            below = [other for other in paths if other[:depth] == path[:depth]]
            if all(table[SEPARATOR.join(other)] == attributes for other in below):
                short[SEPARATOR.join(path[:depth])] = attributes
                break
    return short


if __name__ == "__main__":
    main()
