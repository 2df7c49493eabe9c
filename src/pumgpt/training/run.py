"""Run one stage: build what it trains, hand it to `transformers.Trainer`, leave the weights and the recipe in one folder."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from safetensors.torch import save_file
from torch import nn
from transformers import CONFIG_MAPPING, EvalPrediction, Trainer, TrainingArguments, set_seed
from transformers.trainer_utils import get_last_checkpoint

from pumgpt.model.vision import build_tower
from pumgpt.training.data import PhotoCache, ProductDataset, read_products
from pumgpt.training.heads import IGNORED, HeadsCollator, LabelHeads, TowerWithHeads, collect_values
from pumgpt.training.recipe import Recipe

logger = logging.getLogger(__name__)


def describe_parameters(model: nn.Module) -> str:
    """One line for each child of the model: how many parameters it has, and how many of them train."""
    lines = []
    for name, child in model.named_children():
        total = sum(p.numel() for p in child.parameters())
        trained = sum(p.numel() for p in child.parameters() if p.requires_grad)
        lines.append(f"  {name}: {total:,} parameters, {trained:,} train" + ("" if trained else " (frozen)"))
    return "\n".join(lines)


def head_accuracy(values: list[str]) -> Any:
    """Metric function for `Trainer`: accuracy of each head over the photos that state its label."""

    def metrics(prediction: EvalPrediction) -> dict[str, float]:
        logits, labels = prediction.predictions, prediction.label_ids
        assert isinstance(logits, dict) and isinstance(labels, dict)
        result = {}
        for name in values:
            stated = labels[name] != IGNORED
            result[f"accuracy_{name}"] = float(np.mean(logits[name][stated].argmax(-1) == labels[name][stated]))
        return result

    return metrics


def run_heads(recipe: Recipe, resume: bool = True) -> None:
    """Stage 1: tower and linear heads."""
    assert recipe.heads is not None
    set_seed(recipe.seed)
    train = read_products(recipe.data.train, recipe.data_dir, recipe.data.values)
    validation = read_products(recipe.data.validation, recipe.data_dir, recipe.data.values)
    values = collect_values(train, recipe.heads.labels, recipe.heads.min_count)
    vision = dict(recipe.architecture["vision_config"])
    config = CONFIG_MAPPING[vision.pop("model_type")](**vision)
    tower = build_tower(config)
    model = TowerWithHeads(tower, LabelHeads(tower.hidden_size, values), recipe.heads.smoothing)
    logger.info("stage heads: %s\n%s", recipe.about, describe_parameters(model))
    photos = PhotoCache(recipe.data.size_px)
    trainer = HeadsTrainer(
        model=model,
        args=TrainingArguments(
            output_dir=str(recipe.output_dir),
            remove_unused_columns=False,
            label_names=["labels"],
            seed=recipe.seed,
            **recipe.trainer,
        ),
        train_dataset=ProductDataset(train),
        eval_dataset=ProductDataset(validation),
        data_collator=HeadsCollator(photos, values, recipe.size_px, recipe.augment),
        compute_metrics=head_accuracy(list(values)),
    )
    trainer.plain_collator = HeadsCollator(photos, values, recipe.size_px, None)
    last = get_last_checkpoint(str(recipe.output_dir)) if resume and recipe.output_dir.is_dir() else None
    trainer.train(resume_from_checkpoint=last)
    save_heads(model, recipe)
    trainer.save_metrics("eval", trainer.evaluate())
    trainer.save_state()


def save_heads(model: TowerWithHeads, recipe: Recipe) -> None:
    """Leave `model.safetensors`, `heads.json`, the tower's `config.json` and `recipe.yaml` in the output folder."""
    folder = Path(recipe.output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.detach().contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "heads.json").write_text(json.dumps(model.heads.values, ensure_ascii=False, indent=1), encoding="utf-8")
    model.tower.config.save_pretrained(folder)
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False), encoding="utf-8")


class HeadsTrainer(Trainer):
    """`Trainer` that sees random views in training and the plain photo in evaluation."""

    plain_collator: HeadsCollator

    def get_eval_dataloader(self, eval_dataset: Any = None) -> Any:
        views, self.data_collator = self.data_collator, self.plain_collator
        try:
            return super().get_eval_dataloader(eval_dataset)
        finally:
            self.data_collator = views


def clear(folder: Path) -> None:
    """Remove what a run left behind."""
    if folder.is_dir():
        shutil.rmtree(folder)
