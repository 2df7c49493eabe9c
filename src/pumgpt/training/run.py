"""Run one stage: build what it trains, hand it to `transformers.Trainer`, leave the weights and the recipe in one folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file, save_file
from transformers import CONFIG_MAPPING, EvalPrediction, set_seed

from pumgpt.catalog.product import Product
from pumgpt.errors import RecipeError
from pumgpt.model.vision import build_tower
from pumgpt.training.contrast import ContrastiveCollator, ContrastiveStage, text_of
from pumgpt.training.data import PhotoCache, ProductDataset, read_products
from pumgpt.training.heads import IGNORED, HeadsCollator, LabelHeads, TowerWithHeads, collect_values
from pumgpt.training.nano import build_from_scratch, load_tower
from pumgpt.training.recipe import Recipe, load_recipe
from pumgpt.training.stage import StageTrainer, finish, run_trainer, training_arguments


def train(recipe: Path, overrides: Sequence[str] = (), restart: bool = False) -> Path:
    """Run the stage that a recipe describes; returns the folder with the result."""
    loaded = load_recipe(recipe, list(overrides))
    if restart and loaded.output_dir.is_dir():
        shutil.rmtree(loaded.output_dir)
    set_seed(loaded.seed)
    STAGES[loaded.stage](loaded)
    return loaded.output_dir


def head_accuracy(names: Sequence[str]) -> Callable[[EvalPrediction], dict[str, float]]:
    """Metric function for `Trainer`: accuracy of each head over the photos that state its label."""

    def metrics(prediction: EvalPrediction) -> dict[str, float]:
        logits, labels = prediction.predictions, prediction.label_ids
        assert isinstance(logits, dict) and isinstance(labels, dict)
        result = {}
        for name in names:
            stated = labels[name] != IGNORED
            if stated.any():
                right = logits[name][stated].argmax(-1) == labels[name][stated]
                result[f"accuracy_{name}"] = float(np.mean(right))
        return result

    return metrics


def _products(recipe: Recipe) -> tuple[list[Product], list[Product]]:
    data = recipe.data
    return tuple(read_products(s, recipe.data_dir, data.values) for s in (data.train, data.validation))  # type: ignore[return-value]


def run_heads(recipe: Recipe) -> None:
    """Stage 1: tower and linear heads."""
    if recipe.heads is None:
        raise RecipeError("stage 'heads' needs a block 'heads' with its labels")
    train_set, validation = _products(recipe)
    values = collect_values(train_set, recipe.heads.labels, recipe.heads.min_count)
    vision = dict(recipe.architecture["vision_config"])
    tower = build_tower(CONFIG_MAPPING[vision.pop("model_type")](**vision))
    model = TowerWithHeads(tower, LabelHeads(tower.hidden_size, values), recipe.heads.smoothing)
    photos = PhotoCache(recipe.data.size_px)
    trainer = StageTrainer(
        model=model,
        args=training_arguments(recipe),
        train_dataset=ProductDataset(train_set),
        eval_dataset=ProductDataset(validation),
        data_collator=HeadsCollator(photos, values, recipe.size_px, recipe.augment),
        plain_collator=HeadsCollator(photos, values, recipe.size_px, None),
        compute_metrics=head_accuracy(list(values)),
    )
    run_trainer(trainer, recipe)
    folder = recipe.output_dir
    weights = {name: tensor.detach().contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    _write_values(folder, values)
    tower.config.save_pretrained(folder)
    finish(trainer, recipe)


def _write_values(folder: Path, values: dict[str, list[str]]) -> None:
    (folder / "heads.json").write_text(json.dumps(values, ensure_ascii=False, indent=1), encoding="utf-8")


def run_contrast(recipe: Recipe) -> None:
    """Stage 2: contrast of photo and title, from the tower and heads of stage 1."""
    if recipe.heads is None or recipe.contrast is None or recipe.init_from is None:
        raise RecipeError("stage 'contrast' needs 'heads', 'contrast' and 'init_from', the folder of stage 'heads'")
    train_set, validation = _products(recipe)
    values: dict[str, list[str]] = json.loads((recipe.init_from / "heads.json").read_text(encoding="utf-8"))
    texts = (text for product in train_set if (text := text_of(product)))
    model, processor = build_from_scratch(recipe.architecture, texts, recipe.size_px)
    load_tower(model, recipe.init_from)
    heads = LabelHeads(model.vision_tower.hidden_size, values)
    before = load_file(recipe.init_from / "model.safetensors")
    heads.load_state_dict({n.removeprefix("heads."): t for n, t in before.items() if n.startswith("heads.")})
    stage = ContrastiveStage(model, heads, recipe.heads.smoothing, recipe.contrast.weight)
    photos = PhotoCache(recipe.data.size_px)

    def collator(views: Any) -> ContrastiveCollator:
        plain = HeadsCollator(photos, values, recipe.size_px, views)
        longest, share = model.config.contrastive_max_length, recipe.contrast.share if recipe.contrast else 1.0
        return ContrastiveCollator(plain, processor.tokenizer, text_of, longest, share)

    trainer = StageTrainer(
        model=stage,
        args=training_arguments(recipe),
        train_dataset=ProductDataset(train_set),
        eval_dataset=ProductDataset(validation),
        data_collator=collator(recipe.augment),
        plain_collator=collator(None),
        compute_metrics=head_accuracy(list(values)),
    )
    run_trainer(trainer, recipe)
    model.save_pretrained(recipe.output_dir)
    processor.save_pretrained(recipe.output_dir)
    save_file({n: t.contiguous() for n, t in heads.state_dict().items()}, recipe.output_dir / "heads.safetensors")
    _write_values(recipe.output_dir, values)
    finish(trainer, recipe)


STAGES: dict[str, Callable[[Recipe], None]] = {"heads": run_heads, "contrast": run_contrast}
