"""From a suite's products to its cases, through the tasks themselves.

A case depends on the suite's version and seed, the product and the condition alone: not on `--limit`, nor on the order.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from pumgpt.bench.suites.items import Item, Origin, SuiteData
from pumgpt.bench.suites.suite import IMAGE_ONLY, TITLE_STRUCK, Condition, Suite
from pumgpt.catalog.question import Question
from pumgpt.tasks.base import Task
from pumgpt.tasks.context import TaskContext
from pumgpt.tasks.evaluation import CATEGORY, Form, LabelledProduct, LabelledQuestion, Truth, Values
from pumgpt.tasks.listing import Listing
from pumgpt.tasks.registry import get_task
from pumgpt.tasks.sources import shipped_facts


@dataclass(frozen=True, slots=True)
class BenchCase:
    """One question about one product under one condition, and what is true."""

    id: str
    product: str
    origin: Origin
    condition: Condition
    form: Form
    question: Question
    truth: Truth
    sees_listing: bool = True
    position: int | None = None
    """Of a multiple choice: at which place, from 0, the right option stands."""

    @property
    def task(self) -> str:
        return self.question.task

    @property
    def slot(self) -> str:
        """Under which heading the case is scored."""
        return f"{self.task}, multiple choice" if self.form == "multiple choice" else self.task


def build_cases(suite: Suite, data: SuiteData) -> list[BenchCase]:
    """All cases of a suite, product by product."""
    return [case for item in data.items for case in item_cases(suite, data, item)]


def item_cases(suite: Suite, data: SuiteData, item: Item) -> Iterator[BenchCase]:
    """All cases of one product."""
    # Pictures have no text, so that every condition with photos would ask the same again.
    if item.origin != "product":
        yield from _cases_under(suite.first_seeing, suite, data, item)
        return
    for condition in suite.conditions:
        # Without a title, a condition that shows titles shows nothing new.
        if condition == IMAGE_ONLY or item.product.title:
            yield from _cases_under(condition, suite, data, item)


def show_listing(item: Item, condition: Condition) -> Listing:
    """The text that a condition shows of a product."""
    if condition == IMAGE_ONLY:
        return Listing()
    return Listing.of(item.product, "struck" if condition == TITLE_STRUCK else "present", shipped_facts())


def _cases_under(condition: Condition, suite: Suite, data: SuiteData, item: Item) -> Iterator[BenchCase]:
    labelled = LabelledProduct(
        item.product,
        TaskContext(taxonomy_choices=data.vocabulary.categories, listing=show_listing(item, condition)),
        labels=_labels(suite, item),
        choices=data.vocabulary.attributes,
        references=item.references,
        drawn=item.origin != "product",
        # Once is enough: no condition shows what is hidden.
        hidden=suite.hidden if condition == suite.conditions[0] else (),
        num_options=suite.options,
        num_questions=suite.questions_per_product,
    )
    for name in suite.tasks:
        task = get_task(name)
        # What is asked without the listing is the same under every condition: once is enough.
        if task.hides_listing and condition != suite.first_seeing:
            continue
        # Seeded by what the case may depend on, and nothing else.
        rng = random.Random(f"{suite.name} {suite.version} {suite.seed} {item.product.id} {condition} {name}")
        for asked in task.labelled_questions(labelled, rng):
            yield _case(item, condition, task, asked)


def _labels(suite: Suite, item: Item) -> dict[str, Values | None]:
    """What is true of the fields that the suite asks, None where a refusal is right."""
    category = item.product.category
    # Of a picture of no product a refusal is right; of a product without a label nobody knows what is.
    asks_category = category is not None or item.origin != "product" or suite.no_products
    labels: dict[str, Values | None] = {CATEGORY: category} if asks_category else {}
    known = {name: values for name, values in item.fields.items() if name != CATEGORY}
    # A picture of no product has none of the attributes: every one that is asked is to be refused.
    untold = suite.attributes if item.origin != "product" else item.untold
    for name in suite.attributes or tuple(known):
        if name in known and name not in untold:
            labels[name] = known[name]
    return labels | dict.fromkeys(untold)


def _case(item: Item, condition: Condition, task: Task, asked: LabelledQuestion) -> BenchCase:
    words = (item.product.id, condition, task.name, asked.form if asked.form != "plain" else "", asked.mark)
    return BenchCase(
        id="/".join(word for word in words if word),
        product=item.product.id,
        origin=item.origin,
        condition=condition,
        form=asked.form,
        question=asked.question,
        truth=asked.truth,
        sees_listing=not task.hides_listing,
        position=asked.position,
    )
