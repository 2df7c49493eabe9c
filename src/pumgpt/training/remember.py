"""Making a model remember a shop's labelled products, with no training: see `pumgpt.backends.pumgpt.memory`.

How much they count is fitted on some of them, each asked about as if it weren't remembered itself.

Shapes: B products, P photos, V vision width.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from pumgpt.backends.calibration import Calibration
from pumgpt.backends.pumgpt.backend import PumGPTBackend
from pumgpt.backends.pumgpt.kinds import KnownKinds
from pumgpt.backends.pumgpt.memory import Memory
from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR
from pumgpt.model.card import CALIBRATION_FILE, CARD_FILE, CheckpointCard, read_card, revision_of
from pumgpt.training.data.labels import CATEGORY
from pumgpt.training.field_fit import FieldReport, OpenPhotos, Progress, ask_some, fit_fields, quality_of
from pumgpt.training.labelled import LabelledProducts, Labels
from pumgpt.understand.intake import Intake

HELD_OUT_FOLDER = "held-out"
"""In the folder of a run of training, the models that it was measured by."""


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
    open_again: OpenPhotos,
    asked: Progress = lambda count: None,
) -> Remembered:
    """Write to `out` the checkpoint in `folder`, remembering labelled products.

    Its categories become those of the products, where they have any, and each of their attributes gets their values; a value that
    only one product has is none. `sample` products are asked, to fit how much the rest count and what confidences mean.
    Raises `CatalogError` where no product has a photo and a label.
    """
    backend = PumGPTBackend.load(folder, device)
    shop = LabelledProducts.look_at(backend, intakes)
    memory = _join(backend.memory, shop.features_NV, shop.labels)
    known_before = len(memory) - len(shop.labels)
    card = read_card(folder)
    values = vocabulary_of(shop.labels, card if backend.memory is not None else None)
    count = len(shop.products)
    picked = sorted(random.Random(0).sample(range(count), min(sample, count)))
    evidence = ask_some(backend, memory, shop, values, picked, open_again, asked)
    weighings, fields, reports = fit_fields(values, evidence)
    # What the checkpoint knew of other fields still holds, as its weights are the same.
    calibration = backend.capabilities.calibration or Calibration()
    kept = {name: fitted for name, fitted in calibration.fields.items() if name not in fields}
    memory = memory.with_weighings({**memory.weighings, **weighings})
    card = card_of_shop(card, out.name, values, quality_of(reports))
    # What the shop sells is of a known kind from now on.
    kinds = None if backend.kinds is None else backend.kinds.joined(shop.features_NV)
    _write(folder, out, memory, kinds, Calibration(fields={**kept, **fields}), card)
    return Remembered(count, known_before, shop.skipped, reports)


def vocabulary_of(labels: Sequence[Labels], before: CheckpointCard | None) -> dict[str, list[str]]:
    """Field -> the values that are asked for: those of the products, and those on the card of a model that remembered others."""
    names = dict.fromkeys(name for told in labels for name in told)
    values = {name: {told[name] for told in labels if name in told} for name in names}
    if before is not None:
        known = {CATEGORY: [SEPARATOR.join(path) for path in before.category_paths], **before.attributes}
        values = {name: found.union(known.get(name, ())) for name, found in values.items()}
    return {name: sorted(found) for name, found in values.items()}


def _join(memory: Memory | None, features_NV: Tensor, labels: Sequence[Labels]) -> Memory:
    return Memory.of(features_NV, labels, {}) if memory is None else memory.joined(features_NV, labels)


def card_of_shop(
    card: CheckpointCard, name: str, values: dict[str, list[str]], quality: dict[str, Any]
) -> CheckpointCard:
    """What was measured of the model that it was made from doesn't hold for the shop's words: `quality` takes its place. Nor
    does it know which of the shop's categories have which attributes.
    """
    attributes = {**card.attributes, **{name: found for name, found in values.items() if name != CATEGORY}}
    told = {"name": name, "quality": quality, "attributes": attributes, "applicability": {}}
    return card.model_copy(update={**told, **({"categories": values[CATEGORY]} if CATEGORY in values else {})})


def _write(
    folder: Path, out: Path, memory: Memory, kinds: KnownKinds | None, calibration: Calibration, card: CheckpointCard
) -> None:
    """The checkpoint's files, beside `out` until they are whole."""
    part = out.with_name(f"{out.name}.partial")
    shutil.rmtree(part, ignore_errors=True)
    # What a run of training goes on from is of no use in another folder.
    shutil.copytree(folder, part, ignore=shutil.ignore_patterns("checkpoint-*", HELD_OUT_FOLDER))
    if kinds is not None:
        kinds.save(part)
    add_to(part, memory, calibration, card)
    if out.exists():
        shutil.rmtree(out)
    part.rename(out)


def add_to(folder: Path, memory: Memory, calibration: Calibration, card: CheckpointCard) -> None:
    """Put what makes a checkpoint a shop's own beside its weights."""
    memory.save(folder)
    calibration.save(folder / CALIBRATION_FILE)
    card = card.model_copy(update={"revision": revision_of(folder)})
    (folder / CARD_FILE).write_text(card.model_dump_json(indent=1) + "\n", encoding="utf-8")
