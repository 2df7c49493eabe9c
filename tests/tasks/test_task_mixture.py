from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL, Choices
from pumgpt.errors import UsageError
from pumgpt.tasks.context import AskedAttribute, TaskContext
from pumgpt.tasks.mixture import MixtureWeights, draw_examples
from pumgpt.tasks.registry import get_task

WEIGHTS = MixtureWeights()


def test_one_listing_no_question_twice(products: list[Product], context: TaskContext) -> None:
    rng = random.Random(0)
    for product in products * 50:
        listing, examples = draw_examples(product, context, rng, WEIGHTS, 5)
        texts = [example.question.text for example in examples]
        assert len(set(texts)) == len(texts) <= 5
        assert {example.listing for example in examples} <= {listing}


def test_a_seed_decides(products: list[Product], context: TaskContext) -> None:
    def run(seed: int) -> list[tuple[str, str]]:
        rng = random.Random(seed)
        drawn = [draw_examples(product, context, rng, WEIGHTS, 5)[1] for product in products * 5]
        return [(example.question.text, example.answer) for examples in drawn for example in examples]

    assert run(1) == run(1) != run(2)


def test_weights_decide_tasks_and_listings(shirt: Product, context: TaskContext) -> None:
    rng = random.Random(0)
    drawn = [draw_examples(shirt, context, rng, WEIGHTS, 4) for _ in range(600)]
    counts = Counter(example.question.task for _, examples in drawn for example in examples)
    assert counts.most_common(1)[0][0] == "attribute_qa" and len(counts) == 7
    listings = Counter("none" if text is None else "text" for text, _ in drawn)
    assert 0.5 < listings["none"] / len(drawn) < 0.7
    only = MixtureWeights(tasks={"category": 1, "caption": 0}, listing={"struck": 1})
    listing, examples = draw_examples(shirt, context, rng, only, 9)
    assert listing == "Title: Puma"
    assert {example.question.task for example in examples} == {"category"} and len(examples) == 2


def test_heavy_attributes_are_asked_for_more_often(shirt: Product, context: TaskContext) -> None:
    """Of three times the weight of the four others that the shirt states: first in 3 of 7 cases, not in 1 of 5."""
    weights = MixtureWeights(tasks={"attribute_qa": 1}, listing={"absent": 1}, attributes={"colour": 3.0})
    rng = random.Random(0)
    drawn = [draw_examples(shirt, context, rng, weights, 5)[1] for _ in range(2000)]
    told = [[e.question.field for e in examples if e.answer != CANNOT_TELL] for examples in drawn]
    stated = {len(fields) for fields in told}
    assert max(stated) == 5
    firsts = [fields[0] for fields in told if len(fields) == 5]
    assert 0.37 < firsts.count("colour") / len(firsts) < 0.49


def test_nothing_to_ask(context: TaskContext) -> None:
    assert draw_examples(Product(id="1"), TaskContext(), random.Random(0), WEIGHTS, 5) == (None, [])


def test_foreign_pictures_are_refused_in_every_task(foreign: Product, context: TaskContext) -> None:
    rng = random.Random(0)
    drawn = [example for _ in range(100) for example in draw_examples(foreign, context, rng, WEIGHTS, 5)[1]]
    assert {example.question.task for example in drawn} == {
        "category", "attributes", "attribute_qa", "question", "attribute_correction",
    }  # fmt: skip
    assert all(example.answer.endswith(CANNOT_TELL) for example in drawn)


@pytest.mark.parametrize(
    "weights",
    [
        {"tasks": {"captions": 1}},
        {"tasks": {}},
        {"tasks": {"caption": -1}},
        {"listing": {"absent": 0}},
        {"attributes": {"colour": 0.0}},
    ],
)
def test_bad_weights_are_refused(weights: dict[str, dict[str, float]]) -> None:
    with pytest.raises(UsageError):
        MixtureWeights.model_validate(weights)


def test_tasks_import_no_torch() -> None:
    code = "import sys, pumgpt.tasks.mixture; assert not {'torch', 'transformers'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.shared
@pytest.mark.parametrize(
    "file", ["fashion/validation-00000-of-00001.parquet", "grocery/validation.parquet", "clothing/test.parquet"]
)
def test_real_products_read_back(shared_data: Path, file: str) -> None:
    """What is trained is what the label says, through the task's own parser."""
    columns = ["id", "source", "title", "description", "category", "attributes"]
    rows = pq.read_table(shared_data / file, columns=columns).slice(0, 400).to_pylist()
    products = [Product.from_record(row) for row in rows]
    context = context_of(products)
    rng = random.Random(0)
    for product in products:
        _, examples = draw_examples(product, context, rng, WEIGHTS, 6)
        assert len(examples) >= 3
        for example in examples:
            parsed = get_task(example.question.task).parse(example.answer, example.question)
            assert parsed.strict and parsed.status != "invalid", example
            if example.question.task == "category" and parsed.status == "value":
                assert parsed.value in (product.category, (product.category or ())[-1:])
            if example.question.task == "attribute_qa" and parsed.status == "value":
                stated = (product.attributes or {}).get(example.question.field or "")
                assert parsed.value == stated or example.question.field == "age group"


def context_of(products: list[Product]) -> TaskContext:
    values: dict[str, set[str]] = {}
    for product in products:
        for name, value in (product.attributes or {}).items():
            values.setdefault(name, set()).add(str(value))
    attributes = tuple(AskedAttribute(name, Choices(tuple(sorted(known)))) for name, known in values.items())
    return TaskContext(Choices(tuple(sorted({" > ".join(p.category or ()) for p in products}))), attributes)
