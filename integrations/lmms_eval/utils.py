"""What the `lmms-eval` task `pumbench` calls: photos, prompt, and the grades of PumBench itself."""

from __future__ import annotations

import io
import json
from typing import Any

from PIL import Image

from pumgpt.backends.protocol import Answer
from pumgpt.bench.asking.cases import BenchCase
from pumgpt.bench.judging.outcomes import judge
from pumgpt.bench.suites.items import Item
from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Choices, Question
from pumgpt.tasks.evaluation import Truth

Doc = dict[str, Any]


def doc_to_visual(doc: Doc) -> list[Image.Image]:
    return [Image.open(io.BytesIO(photo)).convert("RGB") for photo in doc["photos"]]


def doc_to_text(doc: Doc, lmms_eval_specific_kwargs: Doc | None = None) -> str:
    return str(doc["prompt"])


def doc_to_target(doc: Doc) -> str:
    return json.dumps(json.loads(doc["case"])["truth"]["fields"], ensure_ascii=False)


def process_results(doc: Doc, results: list[str]) -> dict[str, list[float]]:
    """Metric -> one number for each field that the case asks for; none where the metric doesn't apply."""
    case, item, listing = from_json(json.loads(doc["case"]))
    outcomes = list(judge(case, Answer(results[0], written=results[0]), item, listing))
    answerable = [float(outcome.right) for outcome in outcomes if outcome.answerable and outcome.judged]
    unanswerable = [float(outcome.right) for outcome in outcomes if not outcome.answerable]
    formed = case.question.choices is not None or "format" in outcomes[0].task.metrics
    valid = [float(outcomes[0].status != "invalid")] if formed else []
    return {"accuracy": answerable, "refusal_recall": unanswerable, "valid": valid}


def from_json(document: Doc) -> tuple[BenchCase, Item, str | None]:
    product = document["product"]
    category = tuple(product["category"]) if product["category"] else None
    item = Item(
        Product(document["case"]["product"], (), product["title"], category=category, attributes=product["attributes"])
    )
    choices = None if document["choices"] is None else Choices(tuple(document["choices"]))
    fields = {name: None if values is None else tuple(values) for name, values in document["truth"]["fields"].items()}
    truth = Truth(fields, document["truth"]["listed"], document["truth"]["verdict"])
    return (
        BenchCase(**document["case"], question=Question(**document["question"], choices=choices), truth=truth),
        item,
        document["listing"],
    )


def mean(results: list[list[float]]) -> float:
    numbers = [number for found in results for number in found]
    return sum(numbers) / len(numbers) if numbers else float("nan")
