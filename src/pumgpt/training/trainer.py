"""What all stages share: arguments, random views in training and plain ones in evaluation, what is frozen, and the records
that are left in the output folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from typing import Any

import torch
import yaml
from torch import nn
from transformers import Trainer, TrainingArguments
from transformers.integrations.integration_utils import get_available_reporting_integrations

from pumgpt.errors import RecipeError
from pumgpt.training.averaging import WeightAverage
from pumgpt.training.curves import draw_learning_curve
from pumgpt.training.stages.base import Stage, StageRecipe


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


def rate_factor(name: str, factors: Mapping[str, float]) -> float:
    """By how much of the learning rate the parameter `name` learns: what the longest beginning of it in `factors` says."""
    fitting = [prefix for prefix in factors if name == prefix or name.startswith(f"{prefix}.")]
    return factors[max(fitting, key=len)] if fitting else 1.0


def freeze_statistics(model: nn.Module) -> None:
    """Batch norms normalise as they came from now on, whatever mode the model is in."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
            module.train = lambda mode=True, module=module: module  # type: ignore[method-assign, misc]


class StageTrainer(Trainer):
    """`Trainer` for a stage: random views in training, the plain photo in evaluation, and the stage's own loss."""

    def __init__(self, stage: Stage, arguments: TrainingArguments, recipe: StageRecipe) -> None:
        super().__init__(
            model=stage.model,
            args=arguments,
            train_dataset=stage.train_set,
            eval_dataset=stage.validation_set,
            data_collator=stage.collate(recipe.augment),
            compute_metrics=stage.metrics,
        )
        self.stage = stage
        self.plain_collator = stage.collate(None)
        # Our losses are means over their batch already, whatever the signature of `forward` looks like.
        self.model_accepts_loss_kwargs = False
        self.learning_rates = recipe.learning_rates
        if recipe.frozen_statistics:
            freeze_statistics(stage.model)
        if recipe.average is not None:
            self.add_callback(WeightAverage(recipe.average))

    def create_optimizer(self, model: Any = None) -> Any:
        """As `Trainer`'s, with groups of parameters that learn more slowly where the recipe says so."""
        factors = self.learning_rates
        optimizer = super().create_optimizer(model) if model is not None else super().create_optimizer()
        if not factors:
            return optimizer
        names = {parameter: name for name, parameter in self.model.named_parameters()}  # type: ignore[union-attr]
        groups: dict[tuple[int, float], dict[str, Any]] = {}
        for place, group in enumerate(optimizer.param_groups):
            for parameter in group["params"]:
                factor = rate_factor(names[parameter], factors)
                made = groups.setdefault((place, factor), group | {"params": [], "lr": group["lr"] * factor})
                made["params"].append(parameter)
        optimizer.param_groups = list(groups.values())
        return optimizer

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        # Files know one order of a tensor's numbers, whichever the convolutions like best.
        state = self.model.state_dict() if state_dict is None else state_dict  # type: ignore[union-attr]
        super()._save(output_dir, {name: tensor.contiguous() for name, tensor in state.items()})

    def get_eval_dataloader(self, eval_dataset: Any = None) -> Any:
        random_collator, self.data_collator = self.data_collator, self.plain_collator
        try:
            return super().get_eval_dataloader(eval_dataset)
        finally:
            self.data_collator = random_collator

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        # `Trainer` computes in bf16 within `model.forward` alone, which isn't all that a stage may call.
        with self.accelerator.autocast():
            outputs = self.stage.loss(model, inputs)
        return (outputs["loss"], outputs) if return_outputs else outputs["loss"]


def cpu_computes_bf16() -> bool:
    """Whether this processor has bf16 instructions; without them bf16 is five times slower than fp32."""
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16", "arm_bf16", "bf16"))


def training_arguments(recipe: StageRecipe, label_names: Sequence[str] = ("labels",)) -> TrainingArguments:
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


def write_records(trainer: Trainer, recipe: StageRecipe) -> None:
    """Evaluate, and leave state, metrics, learning curve and recipe beside the weights."""
    if isinstance(trainer.eval_dataset, Sized) and len(trainer.eval_dataset):
        trainer.save_metrics("eval", trainer.evaluate())
    trainer.save_state()
    folder = recipe.output_dir
    draw_learning_curve(folder / "trainer_state.json", folder / "learning_curve.png")
    document = recipe.model_dump(mode="json")
    # Last, as in the recipes that ship: a stage's own block stands before them.
    document |= {key: document.pop(key) for key in ("seed", "trainer")}
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")
