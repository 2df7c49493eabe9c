"""Fit what a checkpoint's confidences mean, on validation products, and write its `calibration.json`.

python scripts/fit_calibration.py runs/nano/4-adapters --data ../shared/data

Every product is asked by its photo alone, and where it has a title once more with it: a title names what a photo leaves
open, so that each has a calibration of its own. Drawn foreign pictures are asked too, where every value is wrong;
everyday photos never are: they stay unseen for the measurement. Texts come last, as they are held against the fields that the
calibration fills: only those that pass are scored. `--texts-only` fits them alone, and keeps what is there of the rest.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

from PIL.Image import Image

from pumgpt.backends.calibration import (
    DEFAULT,
    Calibration,
    FieldCalibration,
    attribute_key,
    fit_calibration,
    listed_key,
)
from pumgpt.backends.load import load_backend
from pumgpt.backends.protocol import Backend, Request
from pumgpt.bench.baselines.predictions import Guess
from pumgpt.bench.judging.fields import JudgedField
from pumgpt.bench.suites.labels import fields_of, find_files
from pumgpt.bench.suites.suite import load_suite
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Question
from pumgpt.catalog.understanding import ModelInfo
from pumgpt.errors import PumGPTError
from pumgpt.samples import draw_foreign, seeds
from pumgpt.tasks.answers import Parsed, normalise
from pumgpt.tasks.caption_facts import caption_facts
from pumgpt.tasks.evaluation import CATEGORY
from pumgpt.tasks.registry import get_task
from pumgpt.tasks.truth import FOREIGN
from pumgpt.understand.assemble import assemble
from pumgpt.understand.fields.base import FieldContext, Reply
from pumgpt.understand.fields.caption import vouched_caption, vouched_completion
from pumgpt.understand.fields.category import best_path
from pumgpt.understand.judge import FieldPrediction, Judge
from pumgpt.understand.plan import DEFAULT_PRECISION, DEFAULT_TASKS, Plan, load_vocabulary, make_plan

VALUES = load_suite("fashion").values
VALIDATION_FILES = ("fashion/validation-*.parquet", "grocery/validation.parquet")
LEAST_COUNT = 50
"""A field with fewer answers than this goes by the default."""
EXAMPLES = {"question": 2, "attribute_correction": 1}
"""Tasks whose questions are made from the labels, and how many of them a product is asked."""
TEXTS = ("caption", "caption_completion")
BATCH_PRODUCTS = 32

IsRight = Callable[[FieldPrediction], bool]
Check = tuple[Question, str, IsRight]
"""A question, the field whose calibration it serves, and what is right."""
Scores = dict[str, tuple[list[float], list[bool]]]
"""Field -> raw scores, and whether each answer was right."""


def main() -> int:
    """Exit code 0, or 1 with one line that says why."""
    try:
        _fit(_parser().parse_args())
    except (PumGPTError, OSError) as error:
        print(f"fit_calibration: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Fit a checkpoint's calibration.json on validation products.")
    parser.add_argument("model", help="the checkpoint's folder")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the development data")
    parser.add_argument("--out", type=Path, help="file to write (default: calibration.json in the folder)")
    parser.add_argument("--foreign", type=int, default=300, help="how many drawn foreign pictures are asked")
    parser.add_argument(
        "--titles", type=float, default=0.0, help="share of the products that are asked with their title"
    )
    parser.add_argument("--limit", type=int, help="only this many products of each set, for a try")
    parser.add_argument("--texts-only", action="store_true", help="keep the calibration of all other fields as it is")
    parser.add_argument("--schema", type=Path, help="attributes, where the model brings none")
    parser.add_argument("--taxonomy", type=Path, help="categories, where the model brings none")
    parser.add_argument("--device")
    parser.add_argument("--batch-size", type=int)
    return parser


def _fit(options: argparse.Namespace) -> None:
    backend = load_backend(options.model, options.device, options.batch_size)
    taxonomy, schema = load_vocabulary(options.taxonomy, options.schema)
    plan = make_plan(backend, taxonomy=taxonomy, schema=schema, precision=0)
    out = options.out or Path(options.model) / "calibration.json"
    calibration = (
        plan.calibration if options.texts_only else fit_fields(collect_scores(backend, plan, _products(options)))
    )
    plan = replace(
        plan, tasks=(*DEFAULT_TASKS, "caption_completion"), calibration=calibration, precision=DEFAULT_PRECISION
    )
    texts = fit_texts(collect_text_scores(backend, plan, _products(options)))
    calibration = Calibration(fields=calibration.fields | texts)
    calibration.save(out)
    for name, fitted in calibration.fields.items():
        filled = f"filled from {fitted.threshold(0.9):.3f} on" if fitted.precision else "no threshold"
        print(f"{name}: {fitted.count} answers, at precision 0.9 {filled}")
    print(f"wrote {out}")


def _products(options: argparse.Namespace) -> Iterator[tuple[Product, Image]]:
    """Validation products with their photos, then foreign pictures."""
    for pattern in VALIDATION_FILES:
        rows = (row for file in find_files(options.data, pattern) for row in read_catalog(file))
        for row in islice(rows, options.limit):
            if isinstance(row, Product):
                yield row, open_photo(row.images[0])
    for seed in seeds.CALIBRATION_FOREIGN[: min(options.foreign, options.limit or options.foreign)]:
        yield Product(f"foreign-{seed}", source=FOREIGN), draw_foreign(seed, 128)


def collect_scores(backend: Backend, plan: Plan, products: Iterable[tuple[Product, Image]]) -> Scores:
    """Raw scores as the judge sees them before any calibration. What the model refuses outright has none."""
    judge = Judge(Calibration(), precision=0)
    scores: Scores = {}
    numbered = enumerate(products)
    while batch := list(islice(numbered, BATCH_PRODUCTS)):
        asked = [one for number, (product, photo) in batch for one in _ask(plan, product, photo, number)]
        for (_, checks), answers in zip(asked, backend.answer([request for request, _ in asked]), strict=True):
            for (question, key, is_right), answer in zip(checks, answers, strict=True):
                # Confidences hold for known kinds; how likely one is known comes on top.
                seen = judge.judge(key.removesuffix(listed_key("")), question, replace(answer, known=1.0))
                if seen.confidence is not None:
                    raws, rights = scores.setdefault(key, ([], []))
                    raws.append(seen.confidence)
                    rights.append(is_right(seen))
        print(f"\r{batch[-1][0] + 1} products", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return scores


def _ask(plan: Plan, product: Product, photo: Image, number: int) -> list[tuple[Request, list[Check]]]:
    """What enrichment asks of the photo alone, and of photo and title."""
    shown = [Product(product.id)] + ([Product(product.id, title=product.title)] if product.title else [])
    return [one for listing in shown for one in _ask_showing(plan, product, listing, photo, number)]


def _ask_showing(
    plan: Plan, product: Product, shown: Product, photo: Image, number: int
) -> list[tuple[Request, list[Check]]]:
    """What enrichment asks of `shown`, and some questions made from the labels of `product`."""
    asked = []
    for request in plan.requests(shown, (photo,)):
        checks = [check for question in request.questions if (check := _check(question, product)) is not None]
        asked.append((request.listing, checks))
    asked.append((plan.context.showing(shown, "present").listing.text, _example_checks(plan, product, shown, number)))
    if plan.shows_listing(shown):
        asked = [(text, [(q, listed_key(key), right) for q, key, right in checks]) for text, checks in asked if text]
    return [(Request((photo,), tuple(c[0] for c in checks), listing), checks) for listing, checks in asked if checks]


def _check(question: Question, product: Product) -> Check | None:
    """None where the product's labels don't tell what is right. Of a foreign picture nothing is."""
    foreign = product.source == FOREIGN
    if question.task in TEXTS:
        return None
    name = question.field or ""
    key = CATEGORY if name == CATEGORY else attribute_key(name)
    truth = fields_of(product, VALUES).get(name)
    if foreign:
        return question, key, lambda seen: False
    if truth is None:
        return None
    return question, key, lambda seen: JudgedField(name, truth, Guess(_values(seen))).right


def _values(seen: FieldPrediction) -> tuple[str, ...] | None:
    if seen.value is None:
        return None
    return seen.value if isinstance(seen.value, tuple) else (str(seen.value),)


def _example_checks(plan: Plan, product: Product, shown: Product, number: int) -> list[Check]:
    """Training's own questions, asked of products that training never saw."""
    context = plan.context.showing(shown, "present")
    rng = random.Random(number)
    return [
        (example.question, name, partial(_says, get_task(name).parse(example.answer, example.question)))
        for name, count in EXAMPLES.items()
        for example in get_task(name).examples(product, context, rng)[:count]
    ]


def _says(truth: Parsed, seen: FieldPrediction) -> bool:
    same = normalise(str(truth.value)) == normalise(str(seen.value))
    return truth.status == "value" and truth.verdict == seen.verdict and same


def fit_fields(scores: Scores) -> Calibration:
    """One calibration for each field with enough answers; the default comes from all closed fields together."""
    fields = {name: fit_calibration(*pair) for name, pair in scores.items() if len(pair[0]) >= LEAST_COUNT}
    closed = [pair for name, pair in scores.items() if name == CATEGORY or _is_of_photo_alone(name)]
    raws = [raw for pair in closed for raw in pair[0]]
    fields[DEFAULT] = fit_calibration(raws, [right for pair in closed for right in pair[1]])
    return Calibration(fields=fields)


def collect_text_scores(backend: Backend, plan: Plan, products: Iterable[tuple[Product, Image]]) -> Scores:
    """Raw scores of the texts that nothing in the record speaks against, and whether the labels deny what they say."""
    scores: Scores = {}
    pairs = ((product, photo) for product, photo in products if product.source != FOREIGN)
    asked = (
        (Product(product.id, title=title), photo, product)
        for product, photo in pairs
        for title in dict.fromkeys((None, product.title))
    )
    while batch := list(islice(asked, BATCH_PRODUCTS)):
        requests = [plan.requests(shown, (photo,)) for shown, photo, _ in batch]
        answers = iter(backend.answer([request for group in requests for request in group]))
        for (shown, _, product), group in zip(batch, requests, strict=True):
            replies = [Reply(*pair) for request in group for pair in zip(request.questions, next(answers), strict=True)]
            for key, raw, right in _judge_texts(plan, shown, product, replies):
                raws, rights = scores.setdefault(key, ([], []))
                raws.append(raw)
                rights.append(right)
    return scores


def _judge_texts(
    plan: Plan, shown: Product, product: Product, replies: Sequence[Reply]
) -> Iterator[tuple[str, float, bool]]:
    record = assemble(plan, shown, replies, ModelInfo(name="", revision=""))
    context = FieldContext(plan, shown)
    category = next((reply for reply in replies if reply.question.task == CATEGORY), None)
    for reply in replies:
        name, text = reply.question.task, None
        if name == "caption":
            text = vouched_caption(context, reply, record, best_path(category) if category else None)
        elif name == "caption_completion":
            text = vouched_completion(context, reply, record)
        if text is None or reply.answer.probability is None:
            continue
        facts = caption_facts(text, product)
        denied = facts.untrue_colours or facts.untrue_people
        right = facts.are_true if name == "caption" else not denied
        raw = reply.answer.probability * (1 - reply.answer.cannot_tell)
        yield (listed_key(name) if plan.shows_listing(shown) else name), raw, right


def fit_texts(scores: Scores) -> dict[str, FieldCalibration]:
    """One calibration for each kind of text with enough answers."""
    return {name: fit_calibration(*pair) for name, pair in scores.items() if len(pair[0]) >= LEAST_COUNT}


def _is_of_photo_alone(name: str) -> bool:
    return name.startswith(attribute_key("")) and not name.endswith(listed_key(""))


if __name__ == "__main__":
    sys.exit(main())
