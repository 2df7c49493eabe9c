"""Where on its way from the tower to the language model does a checkpoint lose what it knows of a photo?

    python experiments/stations/run.py nano --data ../shared/data

At each station a linear classifier per label is fitted on `fashion` train, and asked about `fashion` test: photo only. What a
linear classifier can't read off a station, hardly anything behind it can. Stations: the mean of the patches, the mean of their
projection (where there is one), the queries, the visual tokens of all layers.

Shapes: B photos, F features of a station, K values of all labels together.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pumgpt.bench.suites.labels import find_files
from pumgpt.bench.suites.suite import load_suite
from pumgpt.catalog.product import Product
from pumgpt.model.card import resolve_checkpoint
from pumgpt.model.modeling import PumGPTForConditionalGeneration
from pumgpt.training.data.labels import collect_values, label_of
from pumgpt.training.data.products import PhotoCache, read_file
from pumgpt.training.objectives.heads import IGNORED

LABELS = ("category", "gender", "colour", "season", "usage")
AT_ONCE, BATCH, EPOCHS, SMOOTHING = 256, 512, 12, 0.1


@torch.inference_mode()
def stations(
    model: PumGPTForConditionalGeneration, products: Sequence[Product], photos: PhotoCache
) -> dict[str, Tensor]:
    """The features (B, F) of all products by station, in half precision."""
    found: dict[str, list[Tensor]] = {}
    for start in range(0, len(products), AT_ONCE):
        pixels = torch.stack([photos(product) for product in products[start : start + AT_ONCE]]).float() / 127.5 - 1
        patches = model.vision_tower(pixels)
        projected = model.projection(patches)
        queries = model.qformer(projected).queries_BME
        tokens = model.bridge(patches, queries, model.config.num_visual_tokens).visual_KBND
        read = {"patches": patches.mean(1), "queries": queries.flatten(1), "tokens": tokens.transpose(0, 1).flatten(1)}
        if not isinstance(model.projection, nn.Identity):
            read["projection"] = projected.mean(1)
        for name, features in read.items():
            found.setdefault(name, []).append(features.half())
    return {name: torch.cat(parts) for name, parts in found.items()}


def fit(features_BF: Tensor, labels: Sequence[Tensor], sizes: Sequence[int]) -> nn.Module:
    """One linear classifier for all labels."""
    torch.manual_seed(0)
    probe = nn.Linear(features_BF.shape[1], sum(sizes))
    nn.init.zeros_(probe.weight)
    steps = EPOCHS * (len(features_BF) // BATCH)
    optimizer = torch.optim.AdamW(probe.parameters(), weight_decay=0.05)
    rate = 2e-3 if features_BF.shape[1] < 1000 else 4e-4
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    for _ in range(EPOCHS):
        for index in torch.randperm(len(features_BF)).split(BATCH)[: len(features_BF) // BATCH]:
            parts = probe(features_BF[index].float()).split(list(sizes), 1)
            losses = [
                F.cross_entropy(p, y[index], label_smoothing=SMOOTHING) for p, y in zip(parts, labels, strict=True)
            ]
            optimizer.zero_grad()
            torch.stack(losses).sum().backward()
            optimizer.step()
            schedule.step()
    return probe


def main() -> None:
    parser = argparse.ArgumentParser(description="Probe the stations between vision tower and language model.")
    parser.add_argument("checkpoint")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--limit", type=int, help="the first so many products of either split")
    options = parser.parse_args()
    folder = resolve_checkpoint(options.checkpoint)
    model = PumGPTForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).train(False)
    fashion = load_suite("fashion")
    splits = [
        [product for file in files for product in read_file(file)][: options.limit]
        for files in (find_files(options.data, str(fashion.fit)), find_files(options.data, fashion.products))
    ]
    photos = PhotoCache(128)
    train, test = (stations(model, products, photos) for products in splits)
    values = collect_values(splits[0], LABELS, 1)
    index = {name: {value: place for place, value in enumerate(values[name])} for name in LABELS}
    labels, truth = (
        [torch.tensor([index[n].get(label_of(p, n) or "", IGNORED) for p in products]) for n in LABELS]
        for products in splits
    )
    sizes = [len(values[name]) for name in LABELS]
    print("| station | features | " + " | ".join(LABELS) + " |\n|---|" + "---|" * (len(LABELS) + 1))
    for name in sorted(train, key=["patches", "projection", "queries", "tokens"].index):
        mean, spread = train[name].float().mean(0), train[name].float().std(0) + 1e-4
        probe = fit(((train[name].float() - mean) / spread).half(), labels, sizes)
        with torch.no_grad():
            said = probe((test[name].float() - mean) / spread).split(sizes, 1)
        right = [(part.argmax(1) == y)[y != IGNORED].float().mean().item() for part, y in zip(said, truth, strict=True)]
        print(
            f"| {name} | {train[name].shape[1]} | " + " | ".join(f"{share:.3f}" for share in right) + " |", flush=True
        )


if __name__ == "__main__":
    main()
