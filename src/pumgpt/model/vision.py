"""The vision tower: any `transformers` vision model, read as a sequence of patches.

Shapes: B photos, C channels, H x W pixels, P patches, V vision width, G x G grid.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AutoBackbone, AutoModel, Blip2VisionConfig, Blip2VisionModel, PreTrainedConfig
from transformers.backbone_utils import BackboneConfigMixin

from pumgpt.errors import ModelError


def position_embedding_2d(height: int, width: int, dim: int) -> Tensor:
    """Sine-cosine embedding (height * width, dim) of a 2-D grid: half of `dim` for the row, half for the column."""
    if dim % 4:
        raise ModelError(f"a 2-D position embedding needs a width divisible by 4, got {dim}")
    omega = torch.exp(-math.log(10_000.0) * torch.arange(dim // 4) / (dim // 4))
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    angles = [axis.reshape(-1, 1) * omega for axis in (rows, columns)]
    return torch.cat([part for angle in angles for part in (angle.sin(), angle.cos())], dim=1)


class TransformerTower(nn.Module):
    """A vision transformer (SigLIP, SigLIP 2, CLIP, DINOv2, BLIP-2's EVA). Its class token, where it has one, is dropped."""

    def __init__(self, config: PreTrainedConfig, model: nn.Module | None = None) -> None:
        super().__init__()
        self.config = config
        self.model: nn.Module = model if model is not None else _vision_transformer(config)
        self.hidden_size: int = config.hidden_size

    def grid(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of patches for a photo of `height` x `width` pixels."""
        patch = self.config.patch_size
        patch = patch if isinstance(patch, int) else patch[0]
        return height // patch, width // patch

    def forward(self, pixels_BCHW: Tensor) -> Tensor:
        """Patches (B, P, V)."""
        # Class and register tokens stand before the patches.
        hidden = self.model(pixel_values=pixels_BCHW).last_hidden_state
        rows, columns = self.grid(*pixels_BCHW.shape[-2:])
        return hidden[:, hidden.shape[1] - rows * columns :]


class Siglip2Tower(TransformerTower):
    """SigLIP 2 in its NaFlex form, which takes patches instead of pixels and fits its positions to any grid.

    The photos of a batch share one size, as with every other tower, so that no patch is padding.
    """

    def forward(self, pixels_BCHW: Tensor) -> Tensor:
        """Patches (B, P, V)."""
        rows, columns = self.grid(*pixels_BCHW.shape[-2:])
        side: int = self.config.patch_size
        cut = pixels_BCHW[..., : rows * side, : columns * side].unflatten(3, (columns, side)).unflatten(2, (rows, side))
        pixels_BPX = cut.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)
        shapes_B2 = torch.tensor([rows, columns]).expand(pixels_BPX.shape[0], 2)
        mask_BP = torch.ones(pixels_BPX.shape[:2], dtype=torch.long, device=pixels_BPX.device)
        hidden: Tensor = self.model(
            pixels_BPX, pixel_attention_mask=mask_BP, spatial_shapes=shapes_B2
        ).last_hidden_state
        return hidden


class ConvolutionalTower(nn.Module):
    """A convolutional backbone (ResNet, ConvNeXt V2, ...): feature maps of the chosen stages, read as a sequence.

    `config.out_indices` chooses the stages. The coarser maps are brought to the grid of the finest and laid beside it, so
    that a fine grid (which the evidence map needs) still carries what the last stage knows. A normalisation and a
    2-D position embedding follow, as convolutions don't tell where a patch is. Norm statistics are frozen with the weights.
    """

    def __init__(self, config: PreTrainedConfig, model: nn.Module | None = None) -> None:
        super().__init__()
        self.config = config
        self.model: Any = model if model is not None else AutoBackbone.from_config(config)
        channels: Any = self.model.channels
        self.hidden_size: int = sum(channels)
        self.norm = nn.LayerNorm(self.hidden_size)
        self._grids: dict[tuple[int, int], tuple[int, int]] = {}

    def grid(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of patches for a photo of `height` x `width` pixels."""
        if (height, width) not in self._grids:
            reference = next(self.parameters())
            blank = torch.zeros(
                1, self.config.num_channels, height, width, device=reference.device, dtype=reference.dtype
            )
            training = self.model.training
            with torch.no_grad():
                finest = self.model.eval()(blank).feature_maps[0]
            self.model.train(training)
            self._grids[height, width] = (finest.shape[-2], finest.shape[-1])
        return self._grids[height, width]

    def features(self, pixels_BCHW: Tensor) -> Tensor:
        """The joined map (B, V, G, G), before normalisation."""
        maps = self.model(pixels_BCHW.contiguous(memory_format=torch.channels_last)).feature_maps
        size = maps[0].shape[-2:]
        return torch.cat([maps[0], *(F.interpolate(m, size=size, mode="bilinear") for m in maps[1:])], dim=1)

    def forward(self, pixels_BCHW: Tensor) -> Tensor:
        """Patches (B, P, V)."""
        map_BVGG = self.features(pixels_BCHW)
        height, width = map_BVGG.shape[-2:]
        # Neither convolutions nor the Q-Former's attention know where a patch lies.
        patches = self.norm(map_BVGG.flatten(2).transpose(1, 2))
        return patches + position_embedding_2d(height, width, self.hidden_size).to(patches)


VisionTower = TransformerTower | ConvolutionalTower


def keep_frozen_statistics(tower: VisionTower) -> None:
    """Put a frozen convolutional tower into evaluation mode: its batch-norm statistics are frozen with its weights."""
    if isinstance(tower, ConvolutionalTower) and not any(p.requires_grad for p in tower.parameters()):
        tower.eval()


def is_convolutional(config: PreTrainedConfig) -> bool:
    """Whether `config` describes a backbone whose feature maps are (B, V, G, G)."""
    return isinstance(config, BackboneConfigMixin) and hasattr(config, "depths")


def build_tower(config: PreTrainedConfig, model: nn.Module | None = None) -> VisionTower:
    """A tower for `config`; `model` is used where it is given, else one with random weights is built."""
    if is_convolutional(config):
        return ConvolutionalTower(config, model)
    if config.model_type == "siglip2_vision_model":
        return Siglip2Tower(config, model)
    return TransformerTower(config, model)


def _vision_transformer(config: PreTrainedConfig) -> nn.Module:
    """A model with random weights. BLIP-2's vision transformer is the one that the Auto classes don't know."""
    model: nn.Module
    if config.model_type == Blip2VisionConfig.model_type:
        model = Blip2VisionModel._from_config(config)
    else:
        model = AutoModel.from_config(config)
    return model
