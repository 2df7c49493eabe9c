"""How many values that a title states are found, and how many of those found are right?

    python experiments/text_values/run.py --data ../shared/data              # titles alone, no model
    python experiments/text_values/run.py --data ../shared/data --photos     # with nano too, on fashion test

- AE-110k and OA-Mine, test files (the splits of ExtractGPT, arXiv 2310.12537): the attributes that are labelled, each asked as
  an open one and as one with the values that the train labels have. A value is right where it is a label, capitals, hyphens and
  plurals aside. `as asked there`: every attribute that a title's labels name, also at precision 0, since a language model
  answers everything; published for GPT-4 is an F1 of about 0.85 over the two.
- ImplicitAVE, dev: products whose value can be seen, and is not in the title. What is filled from the title there is mostly
  luck, or wrong.
- fashion test with titles: what nano fills with its own answer alone, and with what the title states.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pumgpt.backends.load import load_backend
from pumgpt.bench.baselines.predictions import Guess
from pumgpt.bench.judging.fields import JudgedField
from pumgpt.bench.suites.labels import fields_of
from pumgpt.bench.suites.suite import load_suite
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.schema import AttributeSpec
from pumgpt.catalog.vocabulary.values import same_value
from pumgpt.catalog.vocabulary.words import key
from pumgpt.extraction.extractor import Listing
from pumgpt.extraction.mentions import Text
from pumgpt.understand.fields.attribute import attribute_fields
from pumgpt.understand.fields.base import FieldContext, Reply
from pumgpt.understand.plan import make_plan
from pumgpt.understand.statements import StatementReader

TITLES = ("ae-110k", "oa-mine")
FASHION_ATTRIBUTES = ("colour", "gender")
BATCH_PRODUCTS = 32


@dataclass
class Counts:
    """Of the attributes asked: filled, filled rightly, and those that the labels say are stated."""

    filled: int = 0
    right: int = 0
    stated: int = 0

    def add(self, value: str | None, truth: Iterable[str], spec: AttributeSpec) -> None:
        truth = tuple(truth)
        self.stated += bool(truth)
        self.filled += value is not None
        self.right += value is not None and any(same_value(value, one, spec) for one in truth)

    def __str__(self) -> str:
        precision, recall = self.right / max(self.filled, 1), self.right / max(self.stated, 1)
        f1 = 2 * precision * recall / max(precision + recall, 1e-9)
        return f"precision {precision:.3f} of {self.filled:5}, recall {recall:.3f} of {self.stated:5}, F1 {f1:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the extraction of stated values.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--precision", type=float, default=0.9)
    parser.add_argument("--photos", action="store_true", help="ask nano about fashion test too")
    parser.add_argument("--limit", type=int, help="only this many products of fashion test")
    options = parser.parse_args()
    for name in TITLES:
        measure_titles(options.data / "text", name, options.precision)
    measure_implicit(options.data, options.precision)
    if options.photos:
        measure_fashion(options.data, options.precision, options.limit)


def measure_titles(folder: Path, name: str, precision: float) -> None:
    train, test = (list(read_labels(folder / f"{name}-{part}.jsonl")) for part in ("train", "test"))
    values: dict[str, dict[str, str]] = {}
    for _, labels in train:
        for attribute, given in labels.items():
            for value in given:
                values.setdefault(attribute, {}).setdefault(key(value), value)
    for is_closed in (False, True):
        for at in (precision, 0.0):
            counts = Counts()
            for title, labels in test:
                reader = StatementReader(Listing({"title": Text(title)}), at)
                for attribute, given in labels.items():
                    closed = tuple(values.get(attribute, {}).values()) if is_closed else ()
                    spec = AttributeSpec(attribute, closed or None)
                    counts.add(filled_value(reader, spec), given, AttributeSpec(attribute))
            asked = "with values" if is_closed else "open"
            print(f"{name}-test, {len(test)} titles, {asked:11} at precision {at}: {counts}")


def read_labels(path: Path) -> Iterator[tuple[str, dict[str, list[str]]]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        labels = {name: [value for value in given if value != "n/a"] for name, given in row["target_scores"].items()}
        yield row["input"], labels


def filled_value(reader: StatementReader, spec: AttributeSpec) -> str | None:
    reading = reader.read(spec)
    return str(reading.prediction.value) if reading is not None and reading.prediction.sure else None


def measure_implicit(data: Path, precision: float) -> None:
    """The one attribute of each product, with all values that the set has for it."""
    products = [row for row in read_catalog(data / "implicitave" / "dev.parquet") if isinstance(row, Product)]
    values: dict[str, dict[str, None]] = {}
    for product in products:
        for name, value in (product.attributes or {}).items():
            values.setdefault(name, {})[str(value)] = None
    counts, wrong = Counts(), Counter[str]()
    for product in products:
        reader = StatementReader(Listing.of(product), precision)
        for name, value in (product.attributes or {}).items():
            spec = AttributeSpec(name, tuple(values[name]))
            found = filled_value(reader, spec)
            counts.add(found, (str(value),), spec)
            wrong[name] += found is not None and not same_value(found, str(value), spec)
    print(f"implicitave/dev, {len(products)} products, with values at precision {precision}: {counts}; wrong: {+wrong}")


def measure_fashion(data: Path, precision: float, limit: int | None) -> None:
    """Colour and gender as nano's answer alone fills them (it reads the title too), and with what the title states."""
    backend = load_backend("nano", None, None)
    plan = make_plan(backend, tasks=("attributes",), precision=precision)
    rows = [row for file in sorted((data / "fashion").glob("test*.parquet")) for row in read_catalog(file)]
    products = [row for row in rows if isinstance(row, Product) and row.title][:limit]
    counts: dict[tuple[str, str], Counts] = {}
    num_warnings = 0
    for start in range(0, len(products), BATCH_PRODUCTS):
        batch = products[start : start + BATCH_PRODUCTS]
        shown = [Product(each.id, title=each.title, images=each.images) for each in batch]
        requests = [plan.requests(each, (open_photo(each.images[0]),))[0] for each in shown]
        for product, each, request, answers in zip(batch, shown, requests, backend.answer(requests), strict=True):
            replies = [Reply(*pair) for pair in zip(request.questions, answers, strict=True)]
            context = FieldContext(plan, each)
            after = {field.name: field.value for field in attribute_fields(context, replies)}
            num_warnings += bool(context.remarks)
            before = {reply.question.field: seen.value for reply in replies if (seen := context.predict(reply)).sure}
            truths = fields_of(product, load_suite("fashion").values)
            for name in FASHION_ATTRIBUTES:
                for when, found in (("before", before), ("after", after)):
                    judge_field(counts.setdefault((name, when), Counts()), name, truths.get(name), found.get(name))
    for (name, when), count in counts.items():
        print(f"fashion test, {len(products)} products, {name:7} {when:6} at precision {precision}: {count}")
    print(f"products with a warning: {num_warnings}")


def judge_field(counts: Counts, name: str, truth: Sequence[str] | None, value: object) -> None:
    if truth is None:
        return
    counts.stated += 1
    if value is not None:
        counts.filled += 1
        counts.right += JudgedField(name, tuple(truth), Guess((str(value),))).right


if __name__ == "__main__":
    main()
