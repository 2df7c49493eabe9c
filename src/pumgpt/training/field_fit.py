"""What a field of a shop's is worth: labelled products are asked, how much remembered ones count is fitted on the answers,
and what confidences mean and prove on answers that had no say in that fit.

Shapes: B products asked about, N products in the memory, V vision width.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, islice, zip_longest
from typing import Any

import torch
from PIL.Image import Image
from torch import Tensor

from pumgpt.backends.calibration import NEVER_FILLED, FieldCalibration, attribute_key, listed_key
from pumgpt.backends.protocol import Answer
from pumgpt.backends.pumgpt.backend import PumGPTBackend
from pumgpt.backends.pumgpt.linear_probe import VARIANTS
from pumgpt.backends.pumgpt.memory import Memory, Neighbours
from pumgpt.backends.pumgpt.weighing import (
    EXAMPLES,
    TEMPERATURES,
    CurvePoint,
    FieldSamples,
    HeldOutScore,
    Weighing,
)
from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL, Question
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute
from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy, split_path
from pumgpt.samples import draw_foreign, seeds
from pumgpt.tasks.truth import FOREIGN, is_foreign
from pumgpt.training.data.labels import CATEGORY
from pumgpt.training.labelled import PRODUCTS_AT_ONCE, LabelledProducts, features_of, labels_of
from pumgpt.understand.judge import LEAST_CONFIDENCE
from pumgpt.understand.plan import DEFAULT_PRECISION, Plan, make_context

LEAST_COUNT = 20
"""A field with fewer answers than this isn't fitted: even if all were right, they would prove a precision of 0.9 no more."""
UNFITTED = Weighing(temperature=0.028, strength=0.1, joint=True)
"""How much remembered products count where too few tell."""

FOREIGN_SHARE = 4
"""One of them is asked for so many products."""
FOREIGN_PX = 160

Asked = tuple[Product, Sequence[Image], int]
"""A labelled product, its photos, and its group: products of the memory that are of the same have no say about it."""
UNGROUPED = -1
"""The group of products that a model remembered before: which they were isn't known."""
SAME_PHOTO = 0.995
"""From this cosine on two photos are taken for one: keys are kept in 8 bits."""
Progress = Callable[[int], None]
"""Told how many products were asked so far, from none on."""
OpenPhotos = Callable[[Product], Sequence[Image]]
"""Opens the photos of a product again."""


@dataclass(frozen=True, slots=True)
class FieldReport:
    """Of one field: labelled products asked, how often the model alone was right about them, and how good its answers are with
    what is remembered, on products held out of the fit. No figures where too few were asked.
    """

    name: str
    values: int
    asked: int
    alone: float | None = None
    score: HeldOutScore | None = None
    curve: Sequence[CurvePoint] = ()
    """How good the answers are by how many examples of their value are remembered."""


def ask_some(
    backend: PumGPTBackend,
    memory: Memory,
    shop: LabelledProducts,
    values: dict[str, list[str]],
    places: Collection[int],
    open_again: OpenPhotos,
    asked: Progress = lambda count: None,
) -> dict[str, FieldSamples]:
    """The evidence of the products at some places of the shop, and of drawn pictures that show no product. The memory holds
    the shop's products as its last.
    """
    before = [UNGROUPED] * (len(memory) - len(shop.groups))
    drawn = ((shop.products[place], open_again(shop.products[place]), shop.groups[place]) for place in places)
    shown = chain(drawn, _foreign(len(places) // FOREIGN_SHARE, len(shop.groups)))
    return ask(backend, memory, torch.tensor([*before, *shop.groups]), _plan(values), shown, asked)


def ask(
    backend: PumGPTBackend,
    memory: Memory,
    group_N: Tensor,
    plan: Plan,
    products: Iterable[Asked],
    progress: Progress,
) -> dict[str, FieldSamples]:
    """Ask labelled products by their photos alone, and those with a title with it once more.

    `group_N` holds the group of each product in the memory. The evidence by field: 'category' or the attribute's name, and
    '<field> | listing' where the title was read.
    """
    found: dict[str, FieldSamples] = {}
    rows, count = iter(products), 0
    progress(count)
    with _remembering_nothing(backend):
        while batch := list(islice(rows, PRODUCTS_AT_ONCE)):
            features_BV = features_of(backend, [photos for _, photos, _ in batch])
            group_B = torch.tensor([group for _, _, group in batch])
            neighbours = memory.neighbours(features_BV, _same_product(memory, features_BV, group_N, group_B))
            for titled in (False, True):
                asked = [
                    (row, request)
                    for row, (product, photos, _) in enumerate(batch)
                    if product.title or not titled
                    for request in plan.requests(Product(product.id, title=product.title if titled else None), photos)
                ]
                answers = backend.answer([request for _, request in asked])
                for (row, request), answered in zip(asked, answers, strict=True):
                    product = batch[row][0]
                    labels = labels_of(product)
                    for question, answer in zip(request.questions, answered, strict=True):
                        name = fold_attribute(question.field or "")
                        truth = CANNOT_TELL if is_foreign(product) else labels.get(name)
                        if truth is not None and name in memory.values and question.choices is not None:
                            key = listed_key(name) if request.listing is not None else name
                            evidence = found.setdefault(key, FieldSamples())
                            _add(evidence, neighbours, row, question, answer, truth, batch[row][2])
            count += len(batch)
            progress(count)
    return found


def _same_product(memory: Memory, features_BV: Tensor, group_N: Tensor, group_B: Tensor) -> Tensor:
    """Which products of the memory (B, N) are the one asked about, or another listing of it."""
    same_BN = group_N[None] == group_B[:, None]
    if (group_N == UNGROUPED).any():
        # A catalogue that is remembered a second time must not be judged by its own copy.
        alike_BN = (memory.keys_of(features_BV) @ memory.keys_ND.T).cpu() >= SAME_PHOTO
        same_BN |= alike_BN & (group_N == UNGROUPED)[None]
    return same_BN.to(features_BV.device)


@contextmanager
def _remembering_nothing(backend: PumGPTBackend) -> Iterator[None]:
    """The backend as its model alone answers, with a share for every choice."""
    kept = backend.memory, backend.num_ranked
    backend.memory, backend.num_ranked = None, sys.maxsize
    try:
        yield
    finally:
        backend.memory, backend.num_ranked = kept


def _add(
    evidence: FieldSamples,
    neighbours: Neighbours,
    row: int,
    question: Question,
    answer: Answer,
    truth: str,
    group: int,
) -> None:
    assert question.choices is not None and question.field is not None
    values, shares = (*question.choices.values, CANNOT_TELL), {**dict(answer.ranked), CANNOT_TELL: answer.cannot_tell}
    if truth not in shares:
        return
    rows, name = torch.tensor([row], device=neighbours.index_BK.device), fold_attribute(question.field)
    counts_TC = [neighbours.counts(rows, name, question.choices, t)[0].cpu() for t in TEMPERATURES]
    classified_LC = [neighbours.classified(rows, name, question.choices, *variant)[0].cpu() for variant in VARIANTS]
    own_C = torch.tensor([shares[value] for value in values])
    evidence.add(
        values.index(truth),
        own_C,
        torch.stack(counts_TC),
        group,
        torch.stack(classified_LC),
        neighbours.examples(row, name, truth),
    )


def fit_fields(
    values: dict[str, list[str]], evidence: dict[str, FieldSamples]
) -> tuple[dict[str, Weighing], dict[str, FieldCalibration], list[FieldReport]]:
    """For photos alone and with the listing, of each field: how much remembered products count, what confidences mean, and
    what that is worth.

    The threshold rests on what is proven by answers that had no say in the fit.
    """
    weighings, fields, reports = dict[str, Weighing](), dict[str, FieldCalibration](), list[FieldReport]()
    for key in (key for name in values for key in (name, listed_key(name))):
        found = evidence.get(key, FieldSamples())
        calibrated = key if key.startswith(CATEGORY) else attribute_key(key)
        report = FieldReport(key, len(values[key.removesuffix(listed_key(""))]), found.labelled)
        if found.labelled >= LEAST_COUNT:
            weighings[key], alone, _ = found.fit(joint=None)
            others = found.held_out(joint=None)
            fields[calibrated] = found.calibration(weighings[key]).model_copy(update={"proven": others.proven()})
            score = others.score(DEFAULT_PRECISION, LEAST_CONFIDENCE)
            report = replace(report, alone=alone.accuracy, score=score, curve=others.curve())
        else:
            weighings[key] = UNFITTED
            fields[calibrated] = FieldCalibration(proven=NEVER_FILLED, count=found.labelled)
        if found.labelled:
            reports.append(report)
    return weighings, fields, reports


def quality_of(reports: Sequence[FieldReport]) -> dict[str, Any]:
    """For a card: what was measured on labelled products held out of the fit, as shares with the number of cases."""
    every, filled = dict[str, Any](), dict[str, Any]()
    for report in reports:
        if (score := report.score) is not None:
            every[report.name] = share_of(score.right, score.asked)
            filled[report.name] = [
                *share_of(score.filled_right, score.filled),
                f"{score.filled} of {score.asked} filled",
            ]
    if not every:
        return {}
    return {"held out, every field filled": every, f"held out, at precision {DEFAULT_PRECISION}": filled}


def share_of(right: int, count: int) -> list[float | int | None]:
    """A share, its 95 % interval (Wilson 1927) and the number of cases, as cards hold them."""
    if not count:
        return [None, None, None, 0]
    from scipy.stats import binomtest

    interval = binomtest(right, count).proportion_ci(method="wilson")
    return [*(round(float(number), 4) for number in (right / count, interval.low, interval.high)), count]


def _foreign(count: int, first_group: int) -> Iterator[Asked]:
    """Drawn pictures that show no product: of these nothing can be told, whatever they look like. Each is a group of its own."""
    for group, seed in enumerate(seeds.MEMORY_FOREIGN[:count], start=first_group):
        yield Product(f"foreign-{seed}", source=FOREIGN), (draw_foreign(seed, FOREIGN_PX),), group


def _plan(values: dict[str, list[str]]) -> Plan:
    """Ask for the shop's categories and attributes, as the model that is made will by itself."""
    named = {name: tuple(found) for name, found in values.items() if name != CATEGORY}
    schema = AttributeSchema(tuple(AttributeSpec(*item) for item in named.items())) if named else None
    taxonomy = Taxonomy.of(map(split_path, values[CATEGORY])) if CATEGORY in values else None
    tasks = (*(["category"] if taxonomy else []), *(["attributes"] if schema else []))
    return Plan(tasks, make_context(taxonomy, schema), taxonomy, precision=0)


def describe_curve(report: FieldReport) -> str:
    """One line: how many labels a value needs."""
    ranges = []
    for point, after in zip_longest(report.curve, report.curve[1:]):
        # The last one is open, and so is one behind which there is a gap.
        until = EXAMPLES[EXAMPLES.index(point.examples) + 1] - 1 if after or point.examples < EXAMPLES[-1] else None
        span = f"{point.examples}+" if until is None else f"{point.examples}-{until}".removesuffix(f"-{point.examples}")
        ranges.append(f"{span}: {point.right / point.asked:.2f} of {point.asked}")
    return f"{report.name}, right by how many others of its value are labelled: {', '.join(ranges)}"


def describe(report: FieldReport) -> str:
    """One line: what a field is worth, and what would make it worth more."""
    score = report.score
    if score is None:
        return (
            f"{report.name}: too few labelled products ({report.asked}) to tell when it is right, so it is filled at "
            f"--precision 0 alone; label {LEAST_COUNT} or more"
        )
    line = f"{report.name}: of {score.asked} products held out {score.right} right ({score.right / score.asked:.2f})"
    if not score.filled:
        return f"{line}; none is sure enough for a precision of {DEFAULT_PRECISION}: label more, or ask for less"
    return f"{line}; at a precision of {DEFAULT_PRECISION} it fills {score.filled}, of which {score.filled_right} are right"
