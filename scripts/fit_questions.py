"""Fit what the confidences of yes-or-no answers and of choices mean, and add them to a checkpoint's `calibration.json`.

python scripts/fit_questions.py src/pumgpt/checkpoints/nano --data ../shared/data

Questions are made from the labels of validation products: half of those for yes or no are to be denied, and of some choices
neither side is right. Each is answered from the model's shares of the attribute's values, by its photo alone and with its
title. Of drawn pictures that show no product every answer is wrong. Run it after `fit_calibration.py`, whose entries stay.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from PIL.Image import Image

from pumgpt.backends.calibration import Calibration, fit_calibration, listed_key
from pumgpt.backends.load import load_backend
from pumgpt.backends.protocol import Backend
from pumgpt.bench.suites.labels import find_files
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.words import singular
from pumgpt.errors import PumGPTError
from pumgpt.model.card import CALIBRATION_FILE, resolve_checkpoint
from pumgpt.samples import FOREIGN, draw_foreign, seeds
from pumgpt.tasks.intent_parser import IntentParser
from pumgpt.tasks.intents import CATEGORY, attribute_called, intents
from pumgpt.tasks.template import load_template
from pumgpt.tasks.value_meaning import is_meant
from pumgpt.tasks.words import colour_family, words
from pumgpt.understand.fields.answer import choice_of_sides, sides_key
from pumgpt.understand.fields.base import Reply
from pumgpt.understand.judge import Judge
from pumgpt.understand.plan import Plan, make_plan

VALIDATION_FILES = "fashion/validation-*.parquet"
BATCH_PRODUCTS = 32
NEITHER_SHARE = 0.2
"""Of the choices, so that one which takes for granted what isn't so is not answered."""
USAGES = {value: phrase for value, phrase in load_template("question").phrases["usage"].items() if value != "Home"}

Labelled = tuple[str, str | None]
"""A question's text and its right answer, None where none is."""
Scores = dict[str, tuple[list[float], list[bool]]]


def main() -> int:
    """Exit code 0, or 1 with one line that says why."""
    parser = argparse.ArgumentParser(description="Add the calibration of yes-or-no answers and choices.")
    parser.add_argument("model", help="the checkpoint's folder")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the development data")
    parser.add_argument("--foreign", type=int, default=150, help="how many drawn foreign pictures are asked")
    parser.add_argument("--limit", type=int, help="only this many products, for a try")
    options = parser.parse_args()
    try:
        file = resolve_checkpoint(options.model) / CALIBRATION_FILE
        calibration = Calibration.load(file)
        backend = load_backend(options.model)
        plan = make_plan(backend, tasks=["category", "attributes"], precision=0)
        scores = collect_scores(backend, plan, _products(options))
        fitted = {name: fit_calibration(*pair) for name, pair in scores.items()}
        calibration.model_copy(update={"fields": {**calibration.fields, **fitted}}).save(file)
    except (PumGPTError, OSError) as error:
        print(f"fit_questions: {error}", file=sys.stderr)
        return 1
    for name, field in fitted.items():
        right = sum(scores[name][1]) / field.count
        print(f"{name}: {field.count} answers, {right:.3f} right, at 0.9 filled from {field.threshold(0.9):.3f} on")
    return 0


def _products(options: argparse.Namespace) -> Iterator[tuple[Product, Image]]:
    rows = (row for file in find_files(options.data, VALIDATION_FILES) for row in read_catalog(file))
    for row in islice(rows, options.limit):
        if isinstance(row, Product):
            yield row, open_photo(row.images[0])
    for seed in seeds.CALIBRATION_FOREIGN[: min(options.foreign, options.limit or options.foreign)]:
        yield Product(f"foreign-{seed}", source=FOREIGN), draw_foreign(seed, 128)


def collect_scores(backend: Backend, plan: Plan, products: Iterator[tuple[Product, Image]]) -> Scores:
    """Raw scores, and whether each answer was right, by the name of the calibration."""
    parser = IntentParser(plan.context.attributes, plan.context.taxonomy_choices)
    scores: Scores = {}
    for number, batch in enumerate(iter(lambda: list(islice(products, BATCH_PRODUCTS)), [])):
        shown = [
            (product, Product(product.id, title=title), photo)
            for product, photo in batch
            for title in dict.fromkeys((None, product.title))
        ]
        # The first shows the listing where there is one; the second asks again without it.
        requests = [plan.requests(listing, (photo,))[0] for _, listing, photo in shown]
        for (product, listing, _), request, answers in zip(shown, requests, backend.answer(requests), strict=True):
            replies = [Reply(*pair) for pair in zip(request.questions, answers, strict=True)]
            rng = random.Random(f"{product.id} {listing.title is None}")
            for text, right in questions_about(product, plan, rng):
                _score(scores, parser, replies, text, right, listed=listing.title is not None)
        print(f"\r{(number + 1) * BATCH_PRODUCTS} products", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return scores


def _score(
    scores: Scores, parser: IntentParser, replies: list[Reply], text: str, right: str | None, *, listed: bool
) -> None:
    intent = parser.parse(text)
    if intent.kind not in ("yes or no", "choice"):
        raise ValueError(f"'{text}' was taken for {intent.kind}; mend intents.yaml")
    reply = next(one for one in replies if attribute_called(one.question.field or "") == intent.attribute)
    sided = choice_of_sides(intent, reply)
    if not sided.answer.ranked:
        return  # none of its values decides the question: there is no answer that could be wrong
    seen = Judge(Calibration(), precision=0).judge(sides_key(intent), *sided)
    if seen.confidence is not None:
        key = listed_key(sides_key(intent)) if listed else sides_key(intent)
        raws, rights = scores.setdefault(key, ([], []))
        raws.append(seen.confidence)
        rights.append(seen.value == right)


def questions_about(product: Product, plan: Plan, rng: random.Random) -> list[Labelled]:
    """Questions with their answers by the product's labels; of a foreign picture, with none."""
    labels = {name: str(value) for name, value in (product.attributes or {}).items()}
    if product.source == FOREIGN:
        # Of whatever it may be asked: the labels are drawn, and no answer is right.
        labels = {"gender": rng.choice(["Men", "Women"]), "colour": "Blue", "usage": "Casual"}
        category = rng.choice(plan.context.taxonomy_choices.values).split(" > ")  # type: ignore[union-attr]
        labelled = [*_about_people(labels, rng), *_about_colour(labels, rng), *_about_usage(labels, rng)]
        return [(text, None) for text, _ in (*labelled, *_about_kind(category, plan, rng))]
    kind = _about_kind(list(product.category), plan, rng) if product.category else []
    return [*_about_people(labels, rng), *_about_colour(labels, rng), *_about_usage(labels, rng), *kind]


def _about_people(labels: dict[str, str], rng: random.Random) -> list[Labelled]:
    own = (labels.get("gender") or "").lower()
    sides = ["men", "women", "boys", "girls"]
    if own not in intents().people:
        return []
    true = [side for side in (*sides, "kids", "adults") if own in intents().people[side].suits]
    false = [side for side in (*sides, "kids", "adults") if own not in intents().people[side].suits]
    asked, answer = (rng.choice(true), "yes") if rng.random() < 0.5 else (rng.choice(false), "no")
    found: list[Labelled] = [(f"Is it for {asked}?", answer)]
    if own in sides:
        found.append(_choice("Is it for {} or {}?", own, [side for side in sides if side != own], rng))
    return found


def _about_colour(labels: dict[str, str], rng: random.Random) -> list[Labelled]:
    own = labels.get("colour", "").lower()
    family = colour_family(own)
    if family is None or family == "multi":
        return []
    others = [name for name in words().colours if name not in (family, "multi")]
    asked, answer = (rng.choice([own, family]), "yes") if rng.random() < 0.5 else (rng.choice(others), "no")
    return [(f"Is it {asked}?", answer), _choice("Is it {} or {}?", own, others, rng)]


def _about_usage(labels: dict[str, str], rng: random.Random) -> list[Labelled]:
    own = labels.get("usage", "")
    if own not in USAGES:
        return []
    others = [phrase for value, phrase in USAGES.items() if own not in value and value not in own]
    asked, answer = (USAGES[own], "yes") if rng.random() < 0.5 else (rng.choice(others), "no")
    return [(f"Is it for {asked}?", answer), _choice("Is it for {} or {}?", USAGES[own], others, rng)]


def _about_kind(path: list[str], plan: Plan, rng: random.Random) -> list[Labelled]:
    leaves = sorted({value.split(" > ")[-1] for value in plan.context.taxonomy_choices.values})  # type: ignore[union-attr]
    others = [leaf for leaf in leaves if is_meant(CATEGORY, leaf, tuple(path)) is False]
    asked, answer = (rng.choice(path[1:] or path), "yes") if rng.random() < 0.5 else (rng.choice(others), "no")
    return [(f"Is it a {' '.join(map(singular, asked.lower().split()))}?", answer)]


def _choice(text: str, own: str, others: list[str], rng: random.Random) -> Labelled:
    """Between the right value and another one, or now and then between two wrong ones."""
    neither = rng.random() < NEITHER_SHARE
    sides = rng.sample(others, 2) if neither else [own, rng.choice(others)]
    rng.shuffle(sides)
    return text.format(*sides), None if neither else own


if __name__ == "__main__":
    sys.exit(main())
