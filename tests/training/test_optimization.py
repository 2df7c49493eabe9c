"""Layer-wise learning rates, frozen batch-norm statistics and the mean of the weights, through a run of a real stage."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from pumgpt.training.averaging import FILE
from pumgpt.training.run import train
from pumgpt.training.trainer import freeze_statistics, rate_factor

VISION = {"model_type": "resnet", "layer_type": "basic", "embedding_size": 8, "hidden_sizes": [8, 8], "depths": [1, 1]}


def test_the_longest_beginning_says_how_fast_a_parameter_learns() -> None:
    factors = {"tower": 0.1, "tower.model.stages.6": 0.5}
    assert rate_factor("tower.model.stages.6.0.weight", factors) == 0.5
    assert rate_factor("tower.model.stages.60.weight", factors) == 0.1
    assert rate_factor("heads.0.weight", factors) == 1.0


def test_frozen_statistics_stay_while_scales_learn() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    freeze_statistics(model)
    model.train()
    model(torch.randn(8, 3, 4, 4) + 5).sum().backward()
    norm: Any = model[1]
    assert norm.running_mean.abs().max() == 0 and norm.weight.grad is not None


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    lines = []
    for number in range(12):
        colour = ("red", "blue")[number % 2]
        Image.new("RGB", (8, 8), colour).save(tmp_path / f"{number}.png")
        lines.append({"id": str(number), "images": [f"{number}.png"], "attributes": {"colour": colour}})
    (tmp_path / "products.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    document = {
        "stage": "heads",
        "about": "a tower of a few weights",
        "output_dir": str(tmp_path / "out"),
        "data_dir": str(tmp_path),
        "init_from": {"scratch": {"architecture": {"vision_config": VISION | {"out_indices": [1, 2]}}}},
        "data": {"size_px": 8, "train": [{"files": "products.jsonl"}]},
        "augment": None,
        "size_px": 8,
        "heads": {"labels": ["colour"]},
        "trainer": {
            "max_steps": 6,
            "per_device_train_batch_size": 4,
            "learning_rate": 0.05,
            "lr_scheduler_type": "constant",
            "save_strategy": "steps",
            "save_steps": 2,
            "eval_strategy": "no",
        },
    }
    (tmp_path / "recipe.json").write_text(json.dumps(document), encoding="utf-8")  # JSON is YAML, too
    return tmp_path / "recipe.json"


def test_parts_that_learn_at_no_rate_stay_as_they_were(recipe: Path, tmp_path: Path) -> None:
    start = load_file(
        train(recipe, ["trainer.max_steps=1", "trainer.learning_rate=0"], restart=True) / "model.safetensors"
    )
    end = load_file(train(recipe, ["learning_rates={tower: 0}"], restart=True) / "model.safetensors")
    weights = [name for name in start if not name.endswith(("running_mean", "running_var", "num_batches_tracked"))]
    moved = {name for name in weights if not torch.equal(start[name], end[name])}
    assert moved and all(name.startswith("heads.") for name in moved)


def test_the_mean_of_the_weights_is_kept_and_goes_on_where_it_was(recipe: Path, tmp_path: Path) -> None:
    asked = ["average=0.5", "frozen_statistics=true"]
    whole = load_file(train(recipe, asked, restart=True) / "model.safetensors")
    last = load_file(tmp_path / "out" / "checkpoint-6" / "model.safetensors")
    name = "heads.heads.0.weight"
    # The decay begins at 2/11 after the first step and is the recipe's own as soon as that is less.
    assert not torch.equal(whole[name], last[name])
    mean = load_file(tmp_path / "out" / "checkpoint-4" / FILE)[name]
    for step in (5, 6):
        mean = torch.lerp(mean, load_of(tmp_path, step, recipe, asked)[name], 1 - min(0.5, (1 + step) / (10 + step)))
    torch.testing.assert_close(mean, whole[name])


def load_of(tmp_path: Path, step: int, recipe: Path, asked: list[str]) -> dict[str, torch.Tensor]:
    """The weights after `step` steps, by a run of its own that goes on from checkpoint 4."""
    folder = tmp_path / f"until-{step}"
    if not folder.exists():
        shutil.copytree(tmp_path / "out" / "checkpoint-4", folder / "checkpoint-4")
        train(recipe, [*asked, f"output_dir={folder}", f"trainer.max_steps={step}", "trainer.save_steps=1"])
    return load_file(folder / f"checkpoint-{step}" / "model.safetensors")
