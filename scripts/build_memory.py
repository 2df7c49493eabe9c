"""Let a checkpoint remember the products that it was trained on, and fit how much they count for each field.

    python scripts/build_memory.py runs/nano/32-average --recipe recipes/nano/31-adapters.yaml --data ../shared/data

Keys are made of the photos of the recipe's training products, each once. How much a product counts, and what the model's own
answer is worth beside it, is fitted on validation products (`pumgpt.engine.weighing`), asked by their photo alone and with their
title. Leaves `memory/memory.safetensors` in the folder; fit the calibration after it. `pumgpt remember` does the same for a shop.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from PIL.Image import Image

from pumgpt.bench.sets import VALIDATION_SETS
from pumgpt.catalog.photos import open_photo
from pumgpt.engine.memory import KEY_DIM, NOWHERE, Memory
from pumgpt.engine.models import load_engine
from pumgpt.engine.planning import make_plan
from pumgpt.engine.remember import LEAST_COUNT, Asked, Labels, ask, labels_of, look_at
from pumgpt.model.card import read_card
from pumgpt.tasks.truth import is_foreign
from pumgpt.training.data import DataRecipe, alike_and_foreign, read_file, read_products
from pumgpt.training.recipe import load_recipe


def main() -> None:
    parser = argparse.ArgumentParser(description="Let a checkpoint remember the products that it was trained on.")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--recipe", type=Path, required=True, help="whose training products are remembered")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--dim", type=int, default=KEY_DIM, help="width of a key")
    parser.add_argument("--untold", nargs="*", default=["year"], help="attributes that a photo can't show")
    options = parser.parse_args()
    engine = load_engine(options.checkpoint)
    fields = {"category", *read_card(options.checkpoint).attributes} - set(options.untold)
    data = load_recipe(options.recipe).data
    features, labels = [], []
    for features_BV, told in look_at(engine, training_products(data, options.data, fields)):
        features.append(features_BV)
        labels.extend(told)
        _progress("remembered", len(labels))
    print(file=sys.stderr)
    memory = Memory.of(torch.cat(features), labels, {}, options.dim)
    plan = make_plan(engine, tasks=("category", "attributes"), precision=0)
    evidence = ask(engine, memory, plan, validation_products(data, options.data), _progress)
    print(file=sys.stderr)
    weighings = {}
    for name, found in evidence.items():
        if found.labelled >= LEAST_COUNT:
            weighings[name], alone, remembering = found.fit()
            print(f"{name}: {found.labelled} products, {alone}; remembering {remembering}; {weighings[name]}")
    memory.weighed(weighings).save(options.checkpoint)
    print(f"{len(memory)} products, {', '.join(memory.values)}")


def _progress(what: str, count: int) -> None:
    print(f"\r{count} products {what}", end="", file=sys.stderr, flush=True)


def training_products(data: DataRecipe, folder: Path, fields: set[str]) -> Iterator[tuple[Labels, tuple[Image, ...]]]:
    """The labels of `fields`, and the photos, of the products that a recipe trains on."""
    seen: set[tuple[str | None, str]] = set()
    sources = [source.model_copy(update={"repeat": 1}) for source in data.train]
    for row in read_products(sources, folder, data.values, data.foreign_categories):
        if not is_foreign(row) and (row.source, row.id) not in seen:
            seen.add((row.source, row.id))
            told = {name: value for name, value in labels_of(row).items() if name in fields}
            yield told, tuple(open_photo(ref) for ref in row.images)


def validation_products(data: DataRecipe, folder: Path) -> Iterator[Asked]:
    """What confidences are fitted on as well."""
    for measured in VALIDATION_SETS:
        rows = (row for file in measured.test_files(folder) for row in read_file(file))
        for row in alike_and_foreign(rows, data.values, ()):
            yield row, tuple(open_photo(ref) for ref in row.images), NOWHERE


if __name__ == "__main__":
    main()
