"""A tower that stays as it was pretrained, beside the one that was tuned for products: tuning makes a tower forget what it isn't
asked about, and what ImageNet taught is what tells kinds apart that no training product was of.

Shapes: B photos, C channels, H x W pixels, T transfer width, K classes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers import AutoBackbone, PreTrainedConfig


class TransferFeatures(NamedTuple):
    """What the frozen tower makes of B photos."""

    features_BT: Tensor
    """The means of its maps, one after the other."""
    logits_BK: Tensor
    """Of the classes that it was pretrained on."""


class TransferTower(nn.Module):
    """A frozen convolutional backbone, whose last map its own classifier reads."""

    def __init__(self, config: PreTrainedConfig, num_classes: int) -> None:
        super().__init__()
        self.model: Any = AutoBackbone.from_config(config)
        self.hidden_size: int = sum(self.model.channels)
        self.classifier = nn.Linear(self.model.channels[-1], num_classes)
        self.requires_grad_(False)

    def train(self, mode: bool = True) -> TransferTower:
        """As in `nn.Module`, but it is always in evaluation mode: its statistics are frozen with its weights."""
        return super().train(False)

    def forward(self, pixels_BCHW: Tensor) -> TransferFeatures:
        with torch.no_grad():
            maps = self.model(pixels_BCHW.contiguous(memory_format=torch.channels_last)).feature_maps
            means = [features.mean((2, 3)) for features in maps]
            return TransferFeatures(torch.cat(means, 1), self.classifier(means[-1]))
