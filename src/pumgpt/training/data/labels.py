"""What a product's record says beside its photo: labels to classify by, words of its title, and what can be asked about it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Choices
from pumgpt.tasks.context import AskedAttribute, TaskContext

CATEGORY = "category"
WORDS = "title words"
"""A label of another kind: which words the title has, of a list. It is learned with the others, as what people write about a
photo says more of it than its labels do, and answers nothing."""


def label_of(product: Product, name: str) -> str | None:
    """The value of one label, None where the product doesn't state exactly one."""
    if name == CATEGORY:
        return " > ".join(product.category) if product.category else None
    value = (product.attributes or {}).get(name)
    return value if isinstance(value, str) else None


def text_of(product: Product) -> str | None:
    """What stands beside a photo: its title, else the leaf of its category with the level above it."""
    if product.title:
        return product.title
    if product.category:
        return " ".join(reversed(product.category[-2:]))
    return None


def collect_values(products: Iterable[Product], names: Sequence[str], min_count: int) -> dict[str, list[str]]:
    """The values that each label takes at least `min_count` times, most frequent first."""
    counts: dict[str, Counter[str | None]] = {name: Counter() for name in names if name != WORDS}
    for product in products:
        for name, counter in counts.items():
            counter[label_of(product, name)] += 1
    return {
        name: [value for value, count in counter.most_common() if value is not None and count >= min_count]
        for name, counter in counts.items()
    }


def collect_words(products: Sequence[Product], min_count: int) -> list[str]:
    """Words that at least `min_count` titles have, most frequent first."""
    counter = Counter(word for product in products for word in title_words(product))
    return [word for word, count in sorted(counter.items(), key=lambda item: (-item[1], item[0])) if count >= min_count]


def title_words(product: Product) -> set[str]:
    """Lower-cased words of the title that have a letter: sizes and article numbers can't be seen."""
    return {word for word in re.findall(r"[\w'-]+", (product.title or "").lower()) if any(map(str.isalpha, word))}


def build_context(products: Iterable[Product], attributes: Sequence[str], min_count: int) -> TaskContext:
    """What can be asked and answered: the categories and the attribute values of `products`."""
    values = collect_values(products, [CATEGORY, *attributes], min_count)
    asked = tuple(AskedAttribute(name, Choices(tuple(values[name]))) for name in attributes)
    return TaskContext(Choices(tuple(sorted(values[CATEGORY]))), asked)
