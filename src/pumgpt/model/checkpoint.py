"""Reading public checkpoints, a part at a time: a vision tower out of BLIP-2 without its language model.

Files are found in a folder or on the hub. Only safetensors are read: unpickling a checkpoint runs whatever code is in it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from functools import cached_property
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from transformers import AutoConfig, PreTrainedConfig
from transformers.utils.hub import cached_file

from pumgpt.errors import ModelError, first_line

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json")
NESTINGS = ("", "model.", "blip.")
"""What stands before the name of a part, depending on the version of `transformers` that wrote the checkpoint."""


class Checkpoint:
    """A checkpoint in a folder or on the hub. `what` names it in errors, e.g. "vision"."""

    def __init__(self, source: str | Path, what: str) -> None:
        self.source, self.what = str(source), what

    def error(self, problem: str) -> ModelError:
        """The error that says where `problem` is."""
        return ModelError(f"{self.what} {self.source}: {problem}")

    @cached_property
    def config(self) -> PreTrainedConfig:
        """Its `config.json`. Raises `ModelError` where there is none that can be read."""
        if self._find("config.json") is None:
            raise self.error(
                "there is no config.json; give a folder in the layout of transformers, or the name of a hub model"
            )
        try:
            config: PreTrainedConfig = AutoConfig.from_pretrained(self.source)
        except (OSError, ValueError, KeyError) as error:
            raise self.error(f"its config.json can't be read: {first_line(error)}") from error
        return config

    @cached_property
    def file_of_tensor(self) -> dict[str, str]:
        """The file that holds each tensor. Raises `ModelError` where there are no safetensors."""
        # Large checkpoints are sharded; the index says which file holds which tensor.
        if (index := self._find(INDEX)) is not None:
            files: dict[str, str] = json.loads(Path(index).read_text(encoding="utf-8"))["weight_map"]
            return files
        if (single := self._find(WEIGHTS)) is not None:
            with self._open(single) as file:
                return dict.fromkeys(file.keys(), WEIGHTS)
        if any(self._find(name) for name in PICKLES):
            raise self.error(
                "has pickled weights (.bin) only, which can run code when they are read; convert them where you trust them: "
                "load the model with transformers and save_pretrained(FOLDER), which writes safetensors"
            )
        raise self.error(f"there is neither {WEIGHTS} nor {INDEX}")

    def require_safetensors(self) -> None:
        """Raise `ModelError` where there are none."""
        _ = self.file_of_tensor

    def tensors(self, part: str) -> dict[str, Tensor]:
        """The tensors of `part` (`vision_model`, `qformer`, `query_tokens`), named without it; only their files are read.

        A part that is one tensor has the empty name. Raises `ModelError` where the checkpoint has no such part.
        """
        for nesting in NESTINGS:
            prefix = f"{nesting}{part}"
            names = [name for name in self.file_of_tensor if name == prefix or name.startswith(f"{prefix}.")]
            if names:
                return {name[len(prefix) + 1 :]: tensor for name, tensor in self._read(names).items()}
        raise self.error(f"holds no {part}")

    def _read(self, names: list[str]) -> dict[str, Tensor]:
        names_of_file: dict[str, list[str]] = defaultdict(list)
        for name in names:
            names_of_file[self.file_of_tensor[name]].append(name)
        tensors: dict[str, Tensor] = {}
        for file_name, wanted in names_of_file.items():
            if (path := self._find(file_name)) is None:
                raise self.error(f"{file_name} is missing; copy or download it again")
            with self._open(path) as file:
                tensors |= {name: file.get_tensor(name) for name in wanted}
        return tensors

    def _open(self, path: str) -> safe_open:
        try:
            return safe_open(path, framework="pt")
        except (SafetensorError, OSError) as error:
            raise self.error(f"{Path(path).name} can't be read: {first_line(error)}") from error

    def _find(self, name: str) -> str | None:
        """Where the file is on this machine, downloaded if need be; None where there is no such file."""
        try:
            path: str | None = cached_file(self.source, name)
        except OSError:
            return None
        return path


def load_weights(module: nn.Module, tensors: dict[str, Tensor], checkpoint: Checkpoint) -> None:
    """Put `tensors` into `module`. Raises `ModelError` where one is missing or has another shape; others are left out."""
    own = module.state_dict()
    if missing := sorted(own.keys() - tensors.keys()):
        raise checkpoint.error(f"lacks {missing[0]}" + (f" and {len(missing) - 1} more" if len(missing) > 1 else ""))
    for name, value in own.items():
        if tensors[name].shape != value.shape:
            raise checkpoint.error(f"{name} is {tuple(tensors[name].shape)}, but its config says {tuple(value.shape)}")
    module.load_state_dict({name: tensors[name] for name in own})
