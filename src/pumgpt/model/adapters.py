"""The bridge alone: a few megabytes that make a shared base one shop's model.

A folder holds `adapters.safetensors` and `adapters.json`: the layout's version, the sizes, and a fingerprint of the base that
the adapters were trained on. Only the bridge is in it: it is all that the adapter stage trains.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from pumgpt.errors import ModelError
from pumgpt.model.configuration import PumGPTConfig

ADAPTERS_VERSION = 1
WEIGHTS, DESCRIPTION = "adapters.safetensors", "adapters.json"
_NOT_BASE = ("bridge.", "contrast.")
_VALUES_PER_TENSOR = 16


@dataclass(frozen=True)
class AdapterBase:
    """The model that adapters belong to: its sizes, and a fingerprint of its weights."""

    sizes: Mapping[str, Any]
    fingerprint: str

    @classmethod
    def of(cls, config: PumGPTConfig, vision_width: int, weights: Mapping[str, Tensor]) -> AdapterBase:
        """`weights` are all of the model's, by name."""
        sizes = {
            "bridge": config.bridge,
            "num_visual_tokens": config.num_visual_tokens,
            "num_query_tokens": config.num_query_tokens,
            "adapter_dim": config.adapter_dim,
            "adapter_num_heads": config.adapter_num_heads,
            "qformer_width": config.qformer_config.hidden_size,
            "vision_width": vision_width,
            "language_width": config.text_config.hidden_size,
            "language_layers": config.text_config.num_hidden_layers,
        }
        return cls(sizes, _fingerprint(weights))


def save_adapters(bridge: nn.Module, base: AdapterBase, folder: Path) -> None:
    """Write `bridge` into `folder`, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().cpu().contiguous() for name, value in bridge.state_dict().items()}
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    description = {"adapters_version": ADAPTERS_VERSION, "sizes": base.sizes, "base": base.fingerprint}
    (folder / DESCRIPTION).write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def load_adapters(bridge: nn.Module, base: AdapterBase, folder: Path, check_base: bool = True) -> None:
    """Read the adapters in `folder` into `bridge`. Raises `ModelError` where they don't fit it or its base."""
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        weights = load_file(folder / WEIGHTS)
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelError(f"adapters {folder}: {DESCRIPTION} or {WEIGHTS} can't be read: {error}") from error
    if description.get("adapters_version", 0) > ADAPTERS_VERSION:
        raise ModelError(
            f"adapters {folder}: adapters_version {description['adapters_version']}, this program reads up to "
            f"{ADAPTERS_VERSION}; install a newer pumgpt"
        )
    saved = description.get("sizes", {})
    different = [f"{name} {saved.get(name)} (here {own})" for name, own in base.sizes.items() if saved.get(name) != own]
    if different:
        raise ModelError(f"adapters {folder}: they fit a base with {', '.join(different)}")
    if check_base and description.get("base") != base.fingerprint:
        raise ModelError(
            f"adapters {folder}: they were trained on a base with other weights; load that base, or give check_base=False"
        )
    try:
        bridge.load_state_dict(weights)
    except RuntimeError as error:
        raise ModelError(
            f"adapters {folder}: {WEIGHTS} does not hold what {DESCRIPTION} says; copy it again"
        ) from error


def _fingerprint(weights: Mapping[str, Tensor]) -> str:
    """A hash of a few values of every base weight, the same in fp32 and bf16: another training gives another one."""
    digest = hashlib.sha256()
    for name, value in sorted(weights.items()):
        if value.is_floating_point() and not name.startswith(_NOT_BASE):
            step = max(1, value.numel() // _VALUES_PER_TENSOR)
            # A few values tell trainings apart, and take no second of start-up for gigabytes of weights.
            few = value.detach().flatten()[::step][:_VALUES_PER_TENSOR].to(torch.bfloat16).cpu().contiguous()
            digest.update(f"{name}{tuple(value.shape)}".encode() + few.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
