"""Give a checkpoint another vision tower: what reads the old one's patches reads a linear map of the new one's, fitted on photos.

    python scripts/replace_tower.py nano runs/nano/42-tower runs/nano/42-joined --data ../shared/data --detail-px 72

Both towers must have the same grid. The map goes into the keys and values of the Q-Former's cross-attention, so that the
new checkpoint is a point to train on from that already understands much of what it sees: no layer starts at random.
"""

from __future__ import annotations

import argparse
import copy
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from pumgpt.model.card import CARD_FILE, copy_category_maps, resolve_checkpoint
from pumgpt.model.modeling import PumGPTForConditionalGeneration
from pumgpt.model.processing import PumGPTProcessor
from pumgpt.model.views import seen_by_tower
from pumgpt.model.vision import VisionTower
from pumgpt.training.data.products import PhotoCache, SourceRecipe, read_products
from pumgpt.training.initialization import tower_of
from pumgpt.training.widen import fold_projection

SOURCES = ("fashion/train-*.parquet", "grocery/train.parquet", "clothing/train.parquet")
BATCH = 64
RIDGE = 1e-3
"""Of the mean variance of a channel: enough that none that hardly varies is relied on."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Give a checkpoint another vision tower.")
    parser.add_argument("checkpoint")
    parser.add_argument("tower", type=Path, help="folder of stage 'heads', or of a checkpoint")
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--photos", type=int, default=1_500, help="photos that the map is fitted on")
    parser.add_argument("--tower-px", type=int, default=128)
    parser.add_argument("--detail-px", type=int, help="detail that the new tower learned from")
    options = parser.parse_args()
    folder = resolve_checkpoint(options.checkpoint)
    old = PumGPTForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    tower = tower_of(options.tower).eval()
    patches = pairs_of_patches(old, tower, options)
    weight_OI, bias_O, explained = fit_linear(patches)
    print(f"the new tower's patches explain {explained:.1%} of the variance of the old one's")
    new = joined(old, tower, weight_OI, bias_O, options)
    new.save_pretrained(options.out)
    processor = PumGPTProcessor.from_pretrained(folder)
    processor.save_pretrained(options.out)
    shutil.copyfile(folder / CARD_FILE, options.out / CARD_FILE)
    copy_category_maps(folder, options.out)
    print(f"{options.out}: {old.vision_tower.hidden_size} channels out of {tower.hidden_size}")


def pairs_of_patches(
    old: PumGPTForConditionalGeneration, tower: VisionTower, options: argparse.Namespace
) -> Iterator[tuple[Tensor, Tensor]]:
    """Patches of the new tower (R, I), and of the old one as its Q-Former reads them (R, O), batch by batch."""
    products = read_products([SourceRecipe(files=files) for files in SOURCES], options.data, {})
    some = random.Random(0).sample(products, min(options.photos, len(products)))
    photos = PhotoCache(options.tower_px, keep=False)
    with torch.inference_mode():
        for start in range(0, len(some), BATCH):
            pixels = photos.batch(some[start : start + BATCH])[1].float() / 127.5 - 1
            seen = seen_by_tower(pixels, options.tower_px, options.detail_px)
            yield tower(seen).flatten(0, 1), old.projection(old.vision_tower(pixels)).flatten(0, 1)


def fit_linear(pairs: Iterator[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor, float]:
    """Ridge regression out of sums over batches: weight (O, I), bias (O,), and the share of the variance that they explain."""
    total: dict[str, Tensor] = {}
    rows = 0
    for inputs_RI, targets_RO in pairs:
        inputs_RI, targets_RO = inputs_RI.double(), targets_RO.double()
        rows += len(inputs_RI)
        sums = {
            "x": inputs_RI.sum(0),
            "y": targets_RO.sum(0),
            "xx": inputs_RI.T @ inputs_RI,
            "xy": inputs_RI.T @ targets_RO,
            "yy": targets_RO.square().sum(0),
        }
        total = {name: total[name] + value if total else value for name, value in sums.items()}
    mean_I, mean_O = total["x"] / rows, total["y"] / rows
    spread_II = total["xx"] / rows - mean_I[:, None] * mean_I
    shared_IO = total["xy"] / rows - mean_I[:, None] * mean_O
    ridge = RIDGE * spread_II.diagonal().mean() * torch.eye(len(mean_I), dtype=torch.float64)
    weight_IO = torch.linalg.solve(spread_II + ridge, shared_IO)
    variance = (total["yy"] / rows - mean_O.square()).sum()
    left = variance - 2 * (weight_IO * shared_IO).sum() + (weight_IO * (spread_II @ weight_IO)).sum()
    weight_OI = weight_IO.T
    return weight_OI.float(), (mean_O - weight_OI @ mean_I).float(), float(1 - left / variance)


def joined(
    old: PumGPTForConditionalGeneration,
    tower: VisionTower,
    weight_OI: Tensor,
    bias_O: Tensor,
    options: argparse.Namespace,
) -> PumGPTForConditionalGeneration:
    """The old model, with `tower` in the place of its own."""
    config = copy.deepcopy(old.config)
    config.vision_config = tower.config
    config.qformer_config.encoder_hidden_size = tower.hidden_size
    config.tower_px, config.detail_px = options.tower_px, options.detail_px
    replaced = ("vision_tower.", "projection.")
    state = {name: value for name, value in old.state_dict().items() if not name.startswith(replaced)}
    state = fold_projection({**state, "projection.weight": weight_OI, "projection.bias": bias_O})
    state |= {f"vision_tower.{name}": value for name, value in tower.state_dict().items()}
    new = PumGPTForConditionalGeneration(config)
    new.load_state_dict(state)
    new.generation_config = old.generation_config
    return new


if __name__ == "__main__":
    main()
