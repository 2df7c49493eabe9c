"""What are nano's captions worth: who wrote them, what they invent, what they contradict, and whether they are true?

    python experiments/captions/run.py --data ../shared/data

All products of `fashion` test, by the photo alone and with the title, asked and put together as `pumgpt enrich` does. Beside the
captions of the records stand the words that the model gave before they were held against anything.

Brands are told by the titles alone, with none of the words that the product knows: a word that stands in front of at least three
titles, and nearly wherever it occurs, is the name of a maker.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pumgpt.backends.load import load_backend
from pumgpt.backends.protocol import Backend
from pumgpt.bench.stats.intervals import proportion
from pumgpt.bench.stats.metrics import cider
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import ModelInfo, Understanding
from pumgpt.tasks.caption_facts import caption_facts
from pumgpt.tasks.plain_words import plain_title
from pumgpt.training.data.products import read_file
from pumgpt.understand.assemble import assemble
from pumgpt.understand.fields.base import Reply
from pumgpt.understand.intake import open_product
from pumgpt.understand.plan import DEFAULT_PRECISION, Plan, make_plan

LEAST_TITLES, LEAST_SHARE_IN_FRONT = 3, 0.8
BATCH_PRODUCTS = 32
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


@dataclass(frozen=True)
class Captioned:
    """A product with its record, and what the model wrote."""

    product: Product
    """With its labels."""
    shown: Product
    record: Understanding
    written: str


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the captions of records on fashion test.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--split", default="test", help="validation, while you develop")
    parser.add_argument("--precision", type=float, default=DEFAULT_PRECISION)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--show", type=int, default=0, help="print this many captions of each kind")
    options = parser.parse_args()
    products = _products(options.data, options.split)[: options.limit]
    brands = brand_words([*_products(options.data, "train"), *_products(options.data, "test")])
    print(f"{len(products)} products; {len(brands)} names of makers stand in front of titles")
    backend = load_backend(options.model)
    plan = make_plan(backend, precision=options.precision)
    for name in ("photo only", "photo and title"):
        found = list(caption(backend, plan, products, titled=name != "photo only"))
        report(f"{name}, the model's own words", found, [one.written for one in found], brands)
        texts = [one.record.caption.text if one.record.caption else None for one in found]
        report(f"{name}, the record's captions", found, texts, brands)
        _show(found, options.show)


def brand_words(products: Sequence[Product]) -> frozenset[str]:
    """The words that stand in front of titles and hardly anywhere else, and are in no label."""
    first: Counter[str] = Counter()
    everywhere: Counter[str] = Counter()
    labels: set[str] = set()
    for product in products:
        found = _words(product.title or "")
        first.update(found[:1])
        everywhere.update(set(found))
        for value in (*(product.category or ()), *map(str, (product.attributes or {}).values())):
            labels.update(_words(value))
    return frozenset(
        word
        for word, count in first.items()
        if count >= LEAST_TITLES and count >= LEAST_SHARE_IN_FRONT * everywhere[word] and word not in labels
    )


def caption(backend: Backend, plan: Plan, products: Sequence[Product], titled: bool) -> Iterator[Captioned]:
    """The record of each product, asked by its photo, and by its title where `titled`."""
    info = ModelInfo(name=backend.name, revision=backend.revision)
    remaining = iter(products)
    while batch := list(islice(remaining, BATCH_PRODUCTS)):
        shown = [Product(p.id, images=p.images, title=p.title if titled else None) for p in batch]
        with backend.session():
            groups = [plan.requests(product, open_product(product).photos) for product in shown]
            answers = iter(backend.answer([request for group in groups for request in group]))
            replies = [
                [Reply(*pair) for request in group for pair in zip(request.questions, next(answers), strict=True)]
                for group in groups
            ]
        for product, seen, replied in zip(batch, shown, replies, strict=True):
            written = next(reply.answer.text for reply in replied if reply.question.task == "caption")
            yield Captioned(product, seen, assemble(plan, seen, replied, info), written)


def report(name: str, found: Sequence[Captioned], texts: Sequence[str | None], brands: frozenset[str]) -> None:
    """One block of lines: how many captions there are, what they invent, contradict and state."""
    given = [(one, text) for one, text in zip(found, texts, strict=True) if text]
    print(f"\n{name}: {len(given)} captions of {len(found)}")
    composed = sum(one.record.caption is not None and one.record.caption.composed for one, _ in given)
    if "record" in name:
        print(f"  written by the model {len(given) - composed}, put together from fields {composed}")
    named = [(text, set(_words(text)) & brands - set(_words(one.shown.title or ""))) for one, text in given]
    invented = [(text, names) for text, names in named if names]
    print(f"  with an invented brand: {len(invented)}", invented[:5])
    denied = [(one, text) for one, text in given if contradictions(text, one.record)]
    print(f"  contradict the record: {len(denied)}", [(t, contradictions(t, one.record)) for one, t in denied[:5]])
    facts = [caption_facts(text, one.product) for one, text in given]
    print(f"  name the kind: {proportion([fact.names_kind for fact in facts])}")
    print(f"  with an untrue colour: {proportion([fact.untrue_colours > 0 for fact in facts])}")
    print(f"  for the wrong people: {proportion([fact.untrue_people > 0 for fact in facts])}")
    print(f"  all facts true: {proportion([fact.are_true for fact in facts])}")
    sure = [one.record.caption.confidence for one, _ in given if one.record.caption and one.record.caption.confidence]
    if "record" in name and sure:
        print(f"  mean confidence {sum(sure) / len(sure):.3f}")
    titles = [[one.product.title or ""] for one in found]
    plain = [[plain_title(one.product) or one.product.title or ""] for one in found]
    print(f"  CIDEr-D against titles {cider(texts, titles)}, without names {cider(texts, plain)}")


def contradictions(text: str, record: Understanding) -> list[str]:
    """What a caption says otherwise than the record: PumBench's facts, with the record in the place of the labels."""
    told = {field.name: field.value for field in record.attributes or () if field.value and field.status != "abstained"}
    path = tuple(record.category.path) if record.category and record.category.path else None
    stated = {name: value for name, value in told.items() if isinstance(value, str)}
    facts = caption_facts(text, Product(record.id, category=path, attributes=stated or None))
    usage = stated.get("usage", "").lower()
    words = set(_words(text))
    kinds = {
        "shirt",
        "shoes",
        "watch",
        "dress",
        "jeans",
        "handbag",
        "kurta",
        "wallet",
        "belt",
        "sunglasses",
        "saree",
        "socks",
    }
    other = {kind for kind in words & kinds if path and kind.rstrip("s") not in " ".join(path).lower()}
    said = {"sports", "formal", "ethnic", "party", "travel"} & words
    wrong_usage = {word for word in said if usage and word not in usage and word not in " ".join(path or ()).lower()}
    names = (("colour", facts.untrue_colours), ("people", facts.untrue_people), ("kind", other), ("usage", wrong_usage))
    return [name for name, wrong in names if wrong]


def _products(data: Path, split: str) -> list[Product]:
    return [product for file in sorted((data / "fashion").glob(f"{split}-*.parquet")) for product in read_file(file)]


def _words(text: str) -> list[str]:
    return [word.lower().removesuffix("'s") for word in _WORD.findall(text.replace("’", "'"))]


def _show(found: Sequence[Captioned], count: int) -> None:
    for composed in (False, True):
        chosen = [one for one in found if one.record.caption and one.record.caption.text]
        for one in [one for one in chosen if one.record.caption.composed == composed][:count]:
            print(
                "   ", one.product.title, "|", one.written, "->", one.record.caption.text, one.record.caption.confidence
            )


if __name__ == "__main__":
    main()
