"""A model fills the fields of a suite's products as `pumgpt enrich` does: it is asked for its own categories and attributes.

Everything that is asked is the same with every field filled and at the default precision, which only decides what of it
is left empty: a product is asked once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from PIL.Image import Image

from pumgpt.backends.calibration import PrecisionOf
from pumgpt.backends.protocol import Backend
from pumgpt.bench.asking.answer_cache import AnswerCache, TimedAnswer
from pumgpt.bench.asking.runner import PRODUCTS_AT_ONCE, CaseRequest, ask
from pumgpt.bench.suites.items import Item, SuiteData, hash_photos
from pumgpt.bench.suites.photo_conditions import PHOTO_CONDITIONS, PLAIN
from pumgpt.bench.suites.suite import IMAGE_ONLY, WITH_TITLE, Condition, Suite
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Question
from pumgpt.catalog.understanding import ModelInfo, Understanding
from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy, split_path
from pumgpt.understand.assemble import assemble
from pumgpt.understand.fields.base import Reply
from pumgpt.understand.plan import DEFAULT_PRECISION, Plan, make_plan

FILLED, DEFAULT = "every field filled", "default precision"
FilledFields = dict[str, dict[str, dict[str, Understanding]]]
"""Condition -> precision -> product id -> its record."""
AskedProduct = tuple[Product, Sequence[tuple[str, Question]]]
"""A product as it was shown, and its questions with their case ids."""


class Target(NamedTuple):
    """A precision, and what it is asked of."""

    precision: float
    precision_of: PrecisionOf = "all"


TARGETS: Mapping[str, Target] = {FILLED: Target(0.0), DEFAULT: Target(DEFAULT_PRECISION)}


def make_field_plan(backend: Backend, data: SuiteData) -> Plan:
    """What the model is asked: its own taxonomy and schema, or the suite's values where it has none."""
    # Precision 0 fills every field. `fill_fields` applies the default precision to the same answers.
    plan = make_plan(backend, precision=0)
    taxonomy = schema = None
    if plan.taxonomy is None and data.vocabulary.categories is not None:
        taxonomy = Taxonomy.of(split_path(path) for path in data.vocabulary.categories.values)
    if not plan.context.attributes and data.vocabulary.attributes:
        known = data.vocabulary.attributes.items()
        schema = AttributeSchema(tuple(AttributeSpec(name, choices.values) for name, choices in known))
    return make_plan(backend, taxonomy=taxonomy, schema=schema, precision=0) if taxonomy or schema else plan


def shown_product(item: Item, condition: Condition) -> Product:
    """A product as a shop would pass it: photos, and its title where the condition shows it."""
    # Built anew, since descriptions, sources and labels may give the answer away.
    title = item.product.title if condition == WITH_TITLE else None
    return Product(item.product.id, images=item.product.images, title=title)


class Shown(NamedTuple):
    """A product as a condition shows it to a model."""

    condition: str
    product: Product
    photos: tuple[Image, ...]
    photo_hash: str


def fill_fields(
    backend: Backend,
    suite: Suite,
    data: SuiteData,
    cache: AnswerCache,
    products_at_once: int = PRODUCTS_AT_ONCE,
    progress: Callable[[int], None] = lambda done: None,
    targets: Mapping[str, Target] = TARGETS,
) -> FilledFields:
    """Ask a model about all products under the conditions of `suite.product_fields`. Raises `BackendError` as `ask` does."""

    def show(item: Item) -> list[Shown]:
        photos = tuple(open_photo(ref) for ref in item.product.images)
        # A picture of no product has no title, so that the other conditions would show the same.
        conditions = suite.product_fields if item.origin == "product" else suite.product_fields[:1]
        return [Shown(name, shown_product(item, name), photos, item.photo_hash) for name in conditions]

    return _fill(backend, data, data.items, show, cache, products_at_once, progress, targets)


def fill_altered(
    backend: Backend,
    suite: Suite,
    data: SuiteData,
    cache: AnswerCache,
    products_at_once: int = PRODUCTS_AT_ONCE,
    progress: Callable[[int], None] = lambda done: None,
    targets: Mapping[str, Target] = TARGETS,
) -> FilledFields:
    """The same from the photo alone for `suite.photo_sample` products: as it is (`PLAIN`), and under each of
    `suite.photo_conditions`.
    """

    def show(item: Item) -> list[Shown]:
        photos = tuple(open_photo(ref) for ref in item.product.images)
        product = shown_product(item, IMAGE_ONLY)
        # Under the name that `fill_fields` asks by, so that the plain photo is not asked twice.
        shown = [Shown(IMAGE_ONLY, product, photos, item.photo_hash)]
        for name in suite.photo_conditions:
            altered = tuple(map(PHOTO_CONDITIONS[name], photos))
            # Of the pixels, not of the name: answers are kept only as long as a condition does the same.
            shown.append(Shown(name, product, altered, hash_photos(photo.tobytes() for photo in altered)))
        return shown

    # A product has many photos here; as many at once as usual would not fit in memory.
    at_once = max(1, products_at_once // (1 + len(suite.photo_conditions)))
    sample = sample_products(suite, data.items)
    filled = _fill(backend, data, sample, show, cache, at_once, progress, targets)
    return {PLAIN if name == IMAGE_ONLY else name: records for name, records in filled.items()}


def sample_products(suite: Suite, items: Iterable[Item]) -> list[Item]:
    """The products whose photos are also shown altered, in the suite's order."""

    def draw(item: Item) -> bytes:
        return hashlib.sha256(f"{suite.name} {suite.seed} {item.product.id}".encode()).digest()

    seen = [item for item in items if item.origin == "product" and item.product.images]
    # By a number of the product's own: another limit on the suite leaves the same products among the first.
    kept = {item.product.id for item in sorted(seen, key=draw)[: suite.photo_sample]}
    return [item for item in seen if item.product.id in kept]


def _fill(
    backend: Backend,
    data: SuiteData,
    items: Sequence[Item],
    show: Callable[[Item], Sequence[Shown]],
    cache: AnswerCache,
    products_at_once: int,
    progress: Callable[[int], None],
    targets: Mapping[str, Target],
) -> FilledFields:
    plan = make_field_plan(backend, data)
    asked: dict[str, list[AskedProduct]] = {}

    def requests_of(item: Item) -> list[CaseRequest]:
        requests = []
        for shown in show(item):
            questions: list[tuple[str, Question]] = []
            for request in plan.requests(shown.product, shown.photos):
                start = f"{shown.product.id}/{shown.condition}/product fields"
                # Numbered through all requests of the product, because their questions may be equal.
                ids = [f"{start}/{len(questions) + place}" for place in range(len(request.questions))]
                questions += zip(ids, request.questions, strict=True)
                requests.append(CaseRequest.of(request, ids, shown.photo_hash))
            asked.setdefault(shown.condition, []).append((shown.product, questions))
        return requests

    answers = ask(backend, items, requests_of, cache, products_at_once, progress)
    model = ModelInfo(name=backend.name, revision=backend.revision)
    plans = {name: replace(plan, **target._asdict()) for name, target in targets.items()}
    return {
        condition: {name: _records(plan, products, answers, model) for name, plan in plans.items()}
        for condition, products in asked.items()
    }


def _records(
    plan: Plan, products: Sequence[AskedProduct], answers: Mapping[str, TimedAnswer], model: ModelInfo
) -> dict[str, Understanding]:
    """By product id. A product without any answer has none, as `enrich` sets it aside."""
    records = {}
    for product, questions in products:
        replies = [Reply(question, answers[case_id].answer) for case_id, question in questions]
        if any(reply.answer.error is None for reply in replies):
            records[product.id] = assemble(plan, product, replies, model)
    return records
