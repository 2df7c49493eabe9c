"""Making a model remember a shop's labelled products, with no training: see `pumgpt.backends.pumgpt.memory`.

How much they count is fitted on some of them, each asked about as if it weren't remembered itself.

Shapes: B products, P photos, V vision width.
"""

from __future__ import annotations

import random
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path

import torch
from PIL.Image import Image
from torch import Tensor

from pumgpt.backends.calibration import Calibration, attribute_key, listed_key
from pumgpt.backends.protocol import Answer
from pumgpt.backends.pumgpt.backend import PumGPTBackend
from pumgpt.backends.pumgpt.memory import NOT_IN_MEMORY, Memory, Neighbours
from pumgpt.backends.pumgpt.weighing import TEMPERATURES, FieldSamples, Fit, Weighing
from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL, Question
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute
from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR, Taxonomy, split_path
from pumgpt.errors import CatalogError
from pumgpt.model.card import CALIBRATION_FILE, CARD_FILE, CheckpointCard, read_card, revision_of
from pumgpt.samples import draw_foreign, seeds
from pumgpt.tasks.truth import FOREIGN, is_foreign
from pumgpt.understand.intake import Intake
from pumgpt.understand.plan import Plan, make_context

CATEGORY = "category"
PRODUCTS_AT_ONCE = 32
LEAST_COUNT = 50
"""A field with fewer answers than this isn't fitted."""
UNFITTED = Weighing(temperature=0.028, strength=0.1, joint=True)
"""How much remembered products count where too few tell."""

FOREIGN_SHARE = 4
"""One of them is asked for so many products."""
FOREIGN_PX = 160

Labels = dict[str, str]
"""Field -> value: the path of the category ('A > B > C'), and each attribute that has one value."""
Asked = tuple[Product, Sequence[Image], int]
"""A labelled product, its photos, and its place in the memory, which then has no say about it, or `NOT_IN_MEMORY`."""
Progress = Callable[[int], None]
"""Told how many products were asked so far, from none on."""


def labels_of(product: Product) -> Labels:
    """What a product states that a closed question could ask for."""
    told = {CATEGORY: SEPARATOR.join(product.category)} if product.category else {}
    named = {fold_attribute(name): value for name, value in (product.attributes or {}).items()}
    return told | {name: value for name, value in named.items() if isinstance(value, str) and name != CATEGORY}


def look_at(
    backend: PumGPTBackend, shown: Iterable[tuple[Labels, Sequence[Image]]]
) -> Iterator[tuple[Tensor, list[Labels]]]:
    """Products with a label and a photo, batch by batch: features (B, V) and labels."""
    rows = ((labels, photos) for labels, photos in shown if labels and photos)
    while batch := list(islice(rows, PRODUCTS_AT_ONCE)):
        yield features_of(backend, [photos for _, photos in batch]), [labels for labels, _ in batch]


def features_of(backend: PumGPTBackend, shown: Sequence[Sequence[Image]]) -> Tensor:
    """The features (B, V) of products, each the mean over its photos."""
    features_PV = backend.photo_features([photo for photos in shown for photo in photos])
    return torch.stack([part_PV.mean(0) for part_PV in features_PV.split([len(photos) for photos in shown])])


def ask(
    backend: PumGPTBackend, memory: Memory, plan: Plan, products: Iterable[Asked], progress: Progress
) -> dict[str, FieldSamples]:
    """Ask labelled products by their photos alone, and those with a title with it once more.

    The evidence by field: 'category' or the attribute's name, and '<field> | listing' where the title was read.
    """
    found: dict[str, FieldSamples] = {}
    rows, count = iter(products), 0
    progress(count)
    with _remembering_nothing(backend):
        while batch := list(islice(rows, PRODUCTS_AT_ONCE)):
            features_BV = features_of(backend, [photos for _, photos, _ in batch])
            itself_B = torch.tensor([place for _, _, place in batch], device=features_BV.device)
            neighbours = memory.neighbours(features_BV, itself_B)
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
                            _add(found.setdefault(key, FieldSamples()), neighbours, row, question, answer, truth)
            count += len(batch)
            progress(count)
    return found


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
    evidence: FieldSamples, neighbours: Neighbours, row: int, question: Question, answer: Answer, truth: str
) -> None:
    assert question.choices is not None and question.field is not None
    values, shares = (*question.choices.values, CANNOT_TELL), {**dict(answer.ranked), CANNOT_TELL: answer.cannot_tell}
    if truth not in shares:
        return
    rows, name = torch.tensor([row], device=neighbours.index_BK.device), fold_attribute(question.field)
    counts_TC = [neighbours.counts(rows, name, question.choices, t)[0].cpu() for t in TEMPERATURES]
    evidence.add(values.index(truth), torch.tensor([shares[value] for value in values]), torch.stack(counts_TC))


@dataclass(frozen=True, slots=True)
class FieldReport:
    """Of one field: products asked, and how good answers about them are without and with what is remembered. No figures where too
    few were asked.
    """

    name: str
    values: int
    asked: int
    alone: Fit | None = None
    remembering: Fit | None = None


@dataclass
class Remembered:
    """What became of a catalogue."""

    products: int = 0
    known_before: int = 0
    skipped: int = 0
    """Products without a photo or a label."""
    fields: list[FieldReport] = field(default_factory=list)


def remember(
    folder: Path,
    intakes: Iterable[Intake],
    out: Path,
    *,
    sample: int = 500,
    device: str | None = None,
    open_again: Callable[[Product], Sequence[Image]],
    asked: Progress = lambda count: None,
) -> Remembered:
    """Write to `out` the checkpoint in `folder`, remembering labelled products.

    Its categories become those of the products, where they have any, and each of their attributes gets their values; a value that
    only one product has is none. `sample` products are asked, to fit how much the rest count and what confidences mean.
    Raises `CatalogError` where no product has a photo and a label.
    """
    backend = PumGPTBackend.load(folder, device)
    result, products, features, labels = Remembered(), list[Product](), list[Tensor](), list[Labels]()

    def shown() -> Iterator[tuple[Labels, Sequence[Image]]]:
        for intake in intakes:
            told = labels_of(intake.product)
            if told and intake.photos:
                products.append(intake.product)
                yield told, intake.photos
            else:
                result.skipped += 1

    for features_BV, told_B in look_at(backend, shown()):
        features.append(features_BV)
        labels.extend(told_B)
    if not labels:
        raise CatalogError(f"none of {result.skipped} products has both a photo and a label, so nothing was remembered")
    labels = _worth_asking(labels)
    memory = _join(backend.memory, torch.cat(features), labels)
    result.products, result.known_before = len(labels), len(memory) - len(labels)
    card = read_card(folder)
    values = _vocabulary(labels, card if backend.memory is not None else None)
    picked = sorted(random.Random(0).sample(range(len(products)), min(sample, len(products))))
    drawn = ((products[place], open_again(products[place]), result.known_before + place) for place in picked)
    shown_to_it = chain(drawn, _foreign(len(picked) // FOREIGN_SHARE))
    evidence = ask(backend, memory, _plan(values), shown_to_it, asked)
    weighings, fields = dict(memory.weighings), dict((backend.capabilities.calibration or Calibration()).fields)
    for name in values:
        for key in (name, listed_key(name)):
            found = evidence.get(key, FieldSamples())
            calibrated = key if name == CATEGORY else attribute_key(key)
            weighings[key], report = UNFITTED, FieldReport(key, len(values[name]), found.labelled)
            fields.pop(calibrated, None)
            if found.labelled >= LEAST_COUNT:
                weighings[key], alone, remembering = found.fit(joint=None)
                fields[calibrated] = found.calibration(weighings[key])
                report = replace(report, alone=alone, remembering=remembering)
            if found.labelled:
                result.fields.append(report)
    _write(folder, out, memory.with_weighings(weighings), Calibration(fields=fields), _card(card, out, values))
    return result


def _vocabulary(labels: Sequence[Labels], before: CheckpointCard | None) -> dict[str, list[str]]:
    """Field -> the values that are asked for: those of the products, and those on the card of a model that remembered others."""
    names = dict.fromkeys(name for told in labels for name in told)
    values = {name: {told[name] for told in labels if name in told} for name in names}
    if before is not None:
        known = {CATEGORY: [SEPARATOR.join(path) for path in before.category_paths], **before.attributes}
        values = {name: found.union(known.get(name, ())) for name, found in values.items()}
    return {name: sorted(found) for name, found in values.items()}


def _foreign(count: int) -> Iterator[Asked]:
    """Drawn pictures that show no product: of these nothing can be told, whatever they look like."""
    for seed in seeds.MEMORY_FOREIGN[:count]:
        yield Product(f"foreign-{seed}", source=FOREIGN), (draw_foreign(seed, FOREIGN_PX),), NOT_IN_MEMORY


def _worth_asking(labels: Sequence[Labels]) -> list[Labels]:
    """Labels without those values of attributes that a single product has, and without attributes that have but one value:
    numbers of articles, the shop's own name.
    """
    counts = Counter(item for told in labels for item in told.items())
    several = Counter(name for (name, _), count in counts.items() if count > 1)
    return [
        {
            name: value
            for name, value in told.items()
            if name == CATEGORY or (several[name] > 1 and counts[name, value] > 1)
        }
        for told in labels
    ]


def _join(memory: Memory | None, features_NV: Tensor, labels: Sequence[Labels]) -> Memory:
    return Memory.of(features_NV, labels, {}) if memory is None else memory.joined(features_NV, labels)


def _plan(values: dict[str, list[str]]) -> Plan:
    """Ask for the shop's categories and attributes, as the model that is made will by itself."""
    named = {name: tuple(found) for name, found in values.items() if name != CATEGORY}
    schema = AttributeSchema(tuple(AttributeSpec(*item) for item in named.items())) if named else None
    taxonomy = Taxonomy.of(map(split_path, values[CATEGORY])) if CATEGORY in values else None
    tasks = (*(["category"] if taxonomy else []), *(["attributes"] if schema else []))
    return Plan(tasks, make_context(taxonomy, schema), taxonomy, precision=0)


def _card(card: CheckpointCard, out: Path, values: dict[str, list[str]]) -> CheckpointCard:
    """What was measured of the model that it was made from doesn't hold for the shop's words."""
    attributes = {**card.attributes, **{name: found for name, found in values.items() if name != CATEGORY}}
    told = {"name": out.name, "quality": {}, "attributes": attributes}
    return card.model_copy(update={**told, **({"categories": values[CATEGORY]} if CATEGORY in values else {})})


def _write(folder: Path, out: Path, memory: Memory, calibration: Calibration, card: CheckpointCard) -> None:
    """The checkpoint's files, beside `out` until they are whole."""
    part = out.with_name(f"{out.name}.partial")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(folder, part)
    memory.save(part)
    calibration.save(part / CALIBRATION_FILE)
    card = card.model_copy(update={"revision": revision_of(part)})
    (part / CARD_FILE).write_text(card.model_dump_json(indent=1) + "\n", encoding="utf-8")
    if out.exists():
        shutil.rmtree(out)
    part.rename(out)
