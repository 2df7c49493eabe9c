"""A model fills the fields of a suite's products as `pumgpt enrich` does: it is asked for its own categories and attributes.

Everything that is asked is the same with every field filled and at the default precision, which only decides what of it
is left empty: a product is asked once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from pumgpt.backends.protocol import Backend
from pumgpt.bench.asking.answer_cache import AnswerCache
from pumgpt.bench.asking.runner import PRODUCTS_AT_ONCE, CaseRequest, ask
from pumgpt.bench.suites.items import Item, SuiteData
from pumgpt.bench.suites.suite import WITH_TITLE, Condition, Suite
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Question
from pumgpt.catalog.understanding import ModelInfo, Understanding
from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy, split_path
from pumgpt.understand.assemble import DEFAULT_PRECISION, Plan, Reply
from pumgpt.understand.plan import make_plan

FILLED, DEFAULT = "every field filled", "default precision"
FilledFields = dict[Condition, dict[str, dict[str, Understanding]]]
"""Condition -> precision -> product id -> its record."""
PRECISIONS: Mapping[str, float] = {FILLED: 0.0, DEFAULT: DEFAULT_PRECISION}


def make_field_plan(backend: Backend, data: SuiteData) -> Plan:
    """What the model is asked: its own taxonomy and schema, or the suite's values where it brings none."""
    plan = make_plan(backend, precision=0)
    taxonomy = schema = None
    if plan.taxonomy is None and data.vocabulary.categories is not None:
        taxonomy = Taxonomy.of(split_path(path) for path in data.vocabulary.categories.values)
    if not plan.context.attributes and data.vocabulary.attributes:
        known = data.vocabulary.attributes.items()
        schema = AttributeSchema(tuple(AttributeSpec(name, choices.values) for name, choices in known))
    return make_plan(backend, taxonomy=taxonomy, schema=schema, precision=0) if taxonomy or schema else plan


def shown_product(item: Item, condition: Condition) -> Product:
    """A product as a shop would hand it over: photos, and its title where the condition shows it. Nothing that gives the
    answer away, as descriptions, sources and labels may.
    """
    title = item.product.title if condition == WITH_TITLE else None
    return Product(item.product.id, images=item.product.images, title=title)


def fill_fields(
    backend: Backend,
    suite: Suite,
    data: SuiteData,
    cache: AnswerCache,
    products_at_once: int = PRODUCTS_AT_ONCE,
    progress: Callable[[int], None] = lambda done: None,
) -> FilledFields:
    """Ask a model about all products under the conditions of `suite.product_fields`. Raises `BackendError` as `ask` does."""
    plan = make_field_plan(backend, data)
    asked: dict[Condition, list[tuple[Product, list[tuple[str, Question]]]]] = {}

    def requests_of(item: Item) -> list[CaseRequest]:
        photos = tuple(open_photo(ref) for ref in item.product.images)
        # Nobody knows a title of a picture of no product: once is enough.
        conditions = suite.product_fields if item.origin == "product" else suite.product_fields[:1]
        found = []
        for condition in conditions:
            product = shown_product(item, condition)
            questions: list[tuple[str, Question]] = []
            for request in plan.requests(product, photos):
                start = f"{product.id}/{condition}/product fields"
                ids = [f"{start}/{len(questions) + place}" for place in range(len(request.questions))]
                questions += zip(ids, request.questions, strict=True)
                found.append(CaseRequest.of(request, ids, item.photo_hash))
            asked.setdefault(condition, []).append((product, questions))
        return found

    answers = ask(backend, data.items, requests_of, cache, products_at_once, progress)
    model = ModelInfo(name=backend.name, revision=backend.revision)
    filled: FilledFields = {condition: {name: {} for name in PRECISIONS} for condition in asked}
    for condition, products in asked.items():
        for name, precision in PRECISIONS.items():
            judging = replace(plan, precision=precision)
            for product, questions in products:
                replies = [Reply(question, answers[case_id].answer) for case_id, question in questions]
                # As `enrich` does, which sets such a product aside.
                if any(reply.answer.error is None for reply in replies):
                    filled[condition][name][product.id] = judging.understanding(product, replies, model)
    return filled
