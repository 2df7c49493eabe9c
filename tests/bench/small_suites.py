"""A small shop as a suite, and models so simple that their scores can be worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from pumgpt.backends.protocol import CANNOT_TELL, Answer, Backend, Question, Request
from pumgpt.bench.asking.answer_cache import AnswerCache, TimedAnswer
from pumgpt.bench.asking.cases import BenchCase, build_cases, item_cases
from pumgpt.bench.asking.runner import ask, make_requests
from pumgpt.bench.benchmark import BenchResult, ModelResult, judge_answers
from pumgpt.bench.suites.items import SuiteData
from pumgpt.bench.suites.loader import load_items
from pumgpt.bench.suites.suite import Suite, load_suite
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.tasks.registry import get_task

KINDS = (("Apparel", "Topwear", "Shirts"), ("Apparel", "Bottomwear", "Jeans"), ("Accessories", "Watches", "Watches"))
COLOURS = ("Blue", "Red", "Green")
SUITE = """\
name: shop
version: 1
products: shop.jsonl
conditions: [image only, with title, title struck]
tasks: [caption, category, attributes, attribute_qa, question, caption_completion, attribute_correction]
attributes: [colour, gender]
untold: [year]
hidden: [price, weight]
foreign_pictures: 3
blank_pictures: 2
options: 3
seed: 7
"""


def write_shop(folder: Path, suite: str = SUITE) -> Path:
    """Eighteen products, each with its own photo; gives the path of the suite's YAML."""
    lines = []
    for number, (kind, colour, gender) in enumerate(product(KINDS, COLOURS, ("Men", "Women"))):
        name = f"{number}.png"
        _draw(number, colour).save(folder / name)
        attributes = {"colour": colour, "gender": gender, "year": str(2010 + number % 3)}
        title = f"Acme {gender} {colour} {kind[-1]} {number}"
        lines.append(
            {"id": str(number), "image": name, "title": title, "category": list(kind), "attributes": attributes}
        )
    write_lines(folder / "shop.jsonl", lines)
    path = folder / "shop.yaml"
    path.write_text(suite, encoding="utf-8")
    return path


def write_lines(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def _draw(number: int, colour: str) -> Image.Image:
    photo = Image.new("RGB", (24, 24), colour)
    ImageDraw.Draw(photo).line((0, 0, number, 23), fill="white")
    return photo


def load(path: Path, limit: int | None = None) -> tuple[Suite, SuiteData, list[BenchCase]]:
    suite = load_suite(str(path))
    data = load_items(suite, path.parent, limit)
    return suite, data, build_cases(suite, data)


@dataclass
class Scripted(Backend):
    """Says what a function makes of a question; counts what it was asked."""

    say: Callable[[Request, Question], Answer]
    name: str = "scripted"
    revision: str = "1"
    asked: int = 0
    batches: list[int] = field(default_factory=list)

    def answer(self, requests: Sequence[Request], *, evidence: bool = False) -> list[list[Answer]]:
        self.batches.append(len(requests))
        self.asked += sum(len(request.questions) for request in requests)
        return [[self.say(request, question) for question in request.questions] for request in requests]


def constant(text: str) -> Scripted:
    return Scripted(lambda request, question: Answer(text), name=f"always '{text}'")


def echo() -> Scripted:
    """Repeats what it was shown."""
    return Scripted(lambda request, question: Answer(f"{request.listing or ''}\n{question.text}".strip()), name="echo")


def refuser() -> Scripted:
    return Scripted(lambda request, question: Answer(CANNOT_TELL), name="refuser")


def babbler() -> Scripted:
    """Answers in a form that nobody asked for."""
    return Scripted(lambda request, question: Answer("```json\n{}\n```"), name="babbler")


def oracle(suite: Suite, data: SuiteData) -> Scripted:
    """Knows every answer, by the photo and the words of the question."""
    truths = {
        (open_photo(item.product.images[0]).tobytes(), case.question.text): right_text(case)
        for item in data.items
        for case in item_cases(suite, data, item)
    }
    return Scripted(lambda request, question: Answer(truths[request.photos[0].tobytes(), question.text]), name="oracle")


def right_text(case: BenchCase) -> str:
    """The right answer as its task writes it."""
    task = get_task(case.task)
    return task.write({name: (*task.true_answers(case.truth, name), CANNOT_TELL)[0] for name in case.truth.fields})


def run(
    backend: Any, suite: Suite, data: SuiteData, folder: Path, products_at_once: int = 32
) -> dict[str, TimedAnswer]:
    with AnswerCache(folder, backend) as cache:
        return ask(backend, data.items, lambda item: make_requests(suite, data, item), cache, products_at_once)


def bench(path: Path, *backends: Any, folder: Path | None = None) -> BenchResult:
    """All backends on a suite, each with a cache of its own."""
    suite, data, cases = load(path)
    items = {item.product.id: item for item in data.items}
    models: list[ModelResult] = []
    for number, backend in enumerate(backends):
        told = run(backend, suite, data, (folder or path.parent) / f"answers-{number}")
        models.append(judge_answers(backend, told, cases, items))
    return BenchResult(suite, data, tuple(cases), tuple(models))
