"""Run one stage: build it, hand it to `transformers.Trainer`, leave the weights and the recipe in one folder."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import set_seed
from transformers.trainer_utils import get_last_checkpoint

from pumgpt.model.card import copy_category_maps
from pumgpt.training.recipe import load_recipe
from pumgpt.training.stages.base import Stage, StageRecipe
from pumgpt.training.stages.registry import get_stage
from pumgpt.training.trainer import StageTrainer, describe_parameters, training_arguments, write_records

logger = logging.getLogger(__name__)


def train(recipe: Path, overrides: Sequence[str] = (), restart: bool = False) -> Path:
    """Run the stage that a recipe describes, going on from its last checkpoint; returns the folder with the result.

    `restart` throws away what an earlier run left there.
    """
    loaded = load_recipe(recipe, overrides)
    if restart and loaded.output_dir.is_dir():
        shutil.rmtree(loaded.output_dir)
    stage = run_stage(loaded)
    stage.complete(run_stage)
    return loaded.output_dir


def run_stage(recipe: StageRecipe) -> Stage:
    """Train the model of one recipe and leave it in the recipe's folder."""
    folder = recipe.output_dir
    # Before anything is built: new layers get random weights.
    set_seed(recipe.seed)
    stage_class = get_stage(recipe.stage)
    arguments = training_arguments(recipe, stage_class.label_names)
    stage = stage_class.build(recipe, arguments)
    # Convolutions run half as fast where they have to bring their weights into this order first.
    stage.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    trainer = StageTrainer(stage, arguments, recipe)
    logger.info("stage %s: %s\n%s", recipe.stage, recipe.about, describe_parameters(stage.model))
    last = get_last_checkpoint(str(folder)) if folder.is_dir() else None
    if last:
        logger.info("going on from %s", last)
    trainer.train(resume_from_checkpoint=last)
    stage.model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    stage.save(folder)
    if recipe.init_from.folder is not None:
        # Whether they still fit the categories that it has now is asked where they are used.
        copy_category_maps(recipe.init_from.folder, folder)
    write_records(trainer, recipe)
    return stage
