"""What all stages share: arguments, random views in training and plain ones in evaluation, the log of what is frozen, and
what is left in the output folder.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence, Sized
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import nn
from transformers import Trainer, TrainingArguments
from transformers.integrations.integration_utils import get_available_reporting_integrations
from transformers.trainer_utils import get_last_checkpoint

from pumgpt.errors import RecipeError
from pumgpt.training.curves import draw_learning_curve
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


def freeze_all_but(model: nn.Module, trained: list[str]) -> None:
    """Freeze every parameter whose name doesn't start with one of `trained`."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(any(name == prefix or name.startswith(f"{prefix}.") for prefix in trained))


class StageTrainer(Trainer):
    """`Trainer` that sees random views in training (`data_collator`) and the plain photo in evaluation (`plain_collator`)."""

    def __init__(self, *args: Any, plain_collator: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.plain_collator = plain_collator

    def get_eval_dataloader(self, eval_dataset: Any = None) -> Any:
        views, self.data_collator = self.data_collator, self.plain_collator
        try:
            return super().get_eval_dataloader(eval_dataset)
        finally:
            self.data_collator = views


def cpu_computes_bf16() -> bool:
    """Whether this processor has bf16 instructions; without them bf16 is five times slower than fp32."""
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16", "arm_bf16", "bf16"))


def training_arguments(recipe: Recipe, label_names: Sequence[str] = ("labels",)) -> TrainingArguments:
    """The recipe's `trainer` block as `TrainingArguments`. bf16 is used where the device computes in it.

    Raises `RecipeError` for a key or value that they don't know.
    """
    options: dict[str, Any] = {"remove_unused_columns": False, "label_names": [*label_names], "report_to": "none"}
    # A seed in `trainer` orders the products otherwise and leaves all else, such as kept views, as `seed` made it.
    options["seed"] = recipe.seed
    # Each process makes its own batches of a stream: ours are no tensors that could be cut in equal parts.
    options["accelerator_config"] = {"dispatch_batches": False}
    on_gpu = torch.cuda.is_available()
    options |= {"use_cpu": not on_gpu, "bf16": torch.cuda.is_bf16_supported() if on_gpu else cpu_computes_bf16()}
    # Views that are made on the GPU are there already, and only what is in the CPU's memory can be pinned.
    options["dataloader_pin_memory"] = False
    # YAML reads a bare `no` as false, and no strategy is true or false.
    stated = {
        name: "no" if name.endswith("_strategy") and value is False else value for name, value in recipe.trainer.items()
    }
    try:
        arguments = TrainingArguments(output_dir=str(recipe.output_dir), **(options | stated))
    except (TypeError, ValueError) as error:
        raise RecipeError(f"trainer: {error}; see transformers.TrainingArguments") from error
    asked = [arguments.report_to] if isinstance(arguments.report_to, str) else arguments.report_to or []
    for tracker in set(asked) - set(get_available_reporting_integrations()):
        raise RecipeError(
            f"trainer.report_to: '{tracker}' is not installed, or no tracker that transformers knows; install it, or leave "
            "report_to at none"
        )
    return arguments


def views_device(arguments: TrainingArguments) -> torch.device:
    """Where random views are made: where the model computes, but in loader processes, which share no GPU, on the CPU."""
    return torch.device("cpu") if arguments.dataloader_num_workers else arguments.device


def run_trainer(trainer: Trainer, recipe: Recipe, resume: bool = True) -> None:
    """Train, going on from the last checkpoint in the output folder where there is one."""
    assert isinstance(trainer.model, nn.Module)
    logger.info("stage %s: %s\n%s", recipe.stage, recipe.about, describe_parameters(trainer.model))
    folder = Path(recipe.output_dir)
    last = get_last_checkpoint(str(folder)) if resume and folder.is_dir() else None
    if last:
        logger.info("going on from %s", last)
    trainer.train(resume_from_checkpoint=last)


def finish(trainer: Trainer, recipe: Recipe) -> None:
    """Evaluate, and leave state, metrics, learning curve and recipe beside the weights."""
    if isinstance(trainer.eval_dataset, Sized) and len(trainer.eval_dataset):
        trainer.save_metrics("eval", trainer.evaluate())
    trainer.save_state()
    folder = Path(recipe.output_dir)
    draw_learning_curve(folder / "trainer_state.json", folder / "learning_curve.png")
    text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")
