"""Fit what it is worth that a title and the model say the same about an attribute, and which of them is right where they differ.

    python scripts/fit_agreement.py --data ../shared/data

Nano is asked about the products of `fashion` validation with their titles, which it reads too: so what the two share is in the
fit. The fields are added to those that `scripts/fit_extraction.py` writes, which has to be run first.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pumgpt.backends.calibration import fit_calibration
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
from pumgpt.understand import statements
from pumgpt.understand.fields.base import FieldContext, Reply
from pumgpt.understand.plan import Plan, make_plan
from pumgpt.understand.statements import AGREEMENT, MODEL_AGAINST_TEXT, TEXT_AGAINST_MODEL

VALIDATION = "fashion/validation-*.parquet"
VALUES = load_suite("fashion").values
BATCH_PRODUCTS = 32

Scores = dict[str, tuple[list[float], list[bool]]]


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit what agreement of a title and the model is worth.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--limit", type=int, default=500, help="how many products")
    options = parser.parse_args()
    backend = load_backend("nano", None, None)
    plan = make_plan(backend, tasks=("attributes",), precision=0)
    rows = [row for file in sorted(options.data.glob(VALIDATION)) for row in read_catalog(file)]
    products = [row for row in rows if isinstance(row, Product) and row.title]
    random.Random(0).shuffle(products)
    scores: Scores = {}
    products = products[: options.limit]
    for start in range(0, len(products), BATCH_PRODUCTS):
        batch = products[start : start + BATCH_PRODUCTS]
        shown = [Product(product.id, title=product.title, images=product.images) for product in batch]
        requests = [plan.requests(each, (open_photo(each.images[0]),))[0] for each in shown]
        for product, each, request, answers in zip(batch, shown, requests, backend.answer(requests), strict=True):
            pairs = zip(request.questions, answers, strict=True)
            replies = [Reply(question, answer) for question, answer in pairs if question.recorded]
            for name, raw, right in judge(plan, product, FieldContext(plan, each), replies):
                raws, rights = scores.setdefault(name, ([], []))
                raws.append(raw)
                rights.append(right)
        print(f"\r{sum(len(raws) for raws, _ in scores.values())} stated values", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    calibration = statements.text_calibration()
    for name, (raws, rights) in sorted(scores.items()):
        calibration.fields[name] = fitted = fit_calibration(raws, rights)
        print(
            f"{name}: {fitted.count} values, {sum(rights)} right, at precision 0.9 from {fitted.threshold(0.9):.3f} on"
        )
    calibration.save(statements.CALIBRATION)


def judge(
    plan: Plan, product: Product, context: FieldContext, replies: Sequence[Reply]
) -> Iterator[tuple[str, float, bool]]:
    """(field, raw score, whether it was right) of each attribute that the title states and the labels tell."""
    truths = fields_of(product, VALUES)
    for reply in replies:
        name = reply.question.field or ""
        spec = plan.spec(name) or AttributeSpec(name)
        seen, text = context.predict(reply), context.statements.read(spec)
        truth = truths.get(name)
        if truth is None or text is None or text.quote is None or seen.confidence is None or seen.value is None:
            continue
        stated = text.prediction.confidence or 0.0

        def is_right(value: str, name: str = name, truth: tuple[str, ...] = truth) -> bool:
            return JudgedField(name, truth, Guess((value,))).right

        if same_value(str(seen.value), text.quote.value, spec):
            yield AGREEMENT, statements.agreement_score(seen.confidence, stated), is_right(text.quote.value)
            continue
        raw = statements.dispute_score(seen.confidence, stated)
        yield TEXT_AGAINST_MODEL, raw, is_right(text.quote.value)
        yield MODEL_AGAINST_TEXT, 1 - raw, is_right(str(seen.value))


if __name__ == "__main__":
    main()
