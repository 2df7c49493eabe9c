"""What a model sees of a photo: the photo, and where the configuration says so its mirror image and a window onto its middle.

Shapes: B photos, C channels, H x W pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from pumgpt.model.configuration import PumGPTConfig


def photo_views(pixel_values: Tensor, config: PumGPTConfig) -> list[Tensor]:
    """The views (B, C, H, W) of photos (B, C, H, W) whose mean a model takes: the whole photo, then the window, each
    followed by its mirror image.
    """
    framings = [pixel_values] if config.zoomed == 1 else [pixel_values, central_window(pixel_values, config.zoomed)]
    if not config.mirrored:
        return framings
    return [view for framing in framings for view in (framing, framing.flip(-1))]


def central_window(pixel_values: Tensor, share: float) -> Tensor:
    """The middle of photos (B, C, H, W), `share` of their sides long, enlarged to their size."""
    window = torch.tensor([[share, 0.0, 0.0], [0.0, share, 0.0]], device=pixel_values.device)
    grid = F.affine_grid(window.expand(len(pixel_values), -1, -1), list(pixel_values.shape), align_corners=False)
    return F.grid_sample(pixel_values, grid.to(pixel_values.dtype), padding_mode="border", align_corners=False)
