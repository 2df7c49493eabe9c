"""An exponential mean of the weights, which errs less by chance than the last of them (Polyak & Juditsky 1992; Izmailov et al.
2018, arXiv 1803.05407).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

FILE = "average.safetensors"
"""Beside the weights of a checkpoint, so that a run that goes on has the same mean."""


class WeightAverage(TrainerCallback):
    """Keeps the mean of the weights that train, and puts it in their place when training ends.

    `decay` is reached gradually: at step t it is at most (1 + t) / (10 + t), as the first weights mean little.
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self.mean: dict[str, Tensor] = {}

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **kwargs: Any
    ) -> None:
        kept = _checkpoint(args, state) / FILE
        if state.global_step and kept.is_file():
            device = next(model.parameters()).device
            self.mean = {name: tensor.to(device) for name, tensor in load_file(kept).items()}
        else:
            self.mean = {name: parameter.detach().clone() for name, parameter in _trained(model)}

    @torch.no_grad()
    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **kwargs: Any
    ) -> None:
        share = 1 - min(self.decay, (1 + state.global_step) / (10 + state.global_step))
        for name, parameter in _trained(model):
            self.mean[name].lerp_(parameter.detach(), share)

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        save_file({name: tensor.contiguous() for name, tensor in self.mean.items()}, _checkpoint(args, state) / FILE)

    @torch.no_grad()
    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **kwargs: Any
    ) -> None:
        for name, parameter in _trained(model):
            parameter.copy_(self.mean[name])


def _trained(model: nn.Module) -> list[tuple[str, nn.Parameter]]:
    return [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]


def _checkpoint(args: TrainingArguments, state: TrainerState) -> Path:
    return Path(str(args.output_dir)) / f"{PREFIX_CHECKPOINT_DIR}-{state.global_step}"
