"""What a model's tower sees of a photo: the photo, and where the configuration says so its mirror image and a window onto its
middle; with no more detail than it learned from.

Shapes: B photos, C channels, H x W pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from pumgpt.model.configuration import PumGPTConfig


def photo_views(pixel_values: Tensor, config: PumGPTConfig) -> list[Tensor]:
    """The views (B, C, H, W) of photos (B, C, H, W) whose mean a model takes: the whole photo, then the window, each
    followed by its mirror image. They have the side and the detail that the configuration gives the tower.
    """
    whole = seen_by_tower(pixel_values, config.tower_px, config.detail_px)
    framings = [whole] if config.zoomed == 1 else [whole, central_window(whole, config.zoomed)]
    if not config.mirrored:
        return framings
    return [view for framing in framings for view in (framing, framing.flip(-1))]


def seen_by_tower(pixel_values: Tensor, side: int | None, detail: int | None) -> Tensor:
    """Photos (B, C, H, W) brought to `side` x `side`, with no more detail than `detail` x `detail` pixels hold; None leaves
    either as it is.
    """
    height, width = pixel_values.shape[-2:]
    if detail is not None and detail < max(height, width):
        # First: a photo of half the size then comes out almost the same.
        pixel_values = _resized(pixel_values, (detail, detail))
    wanted = (height, width) if side is None else (side, side)
    return pixel_values if pixel_values.shape[-2:] == wanted else _resized(pixel_values, wanted)


def _resized(pixel_values: Tensor, size: tuple[int, int]) -> Tensor:
    smaller = size[0] * size[1] < pixel_values.shape[-2] * pixel_values.shape[-1]
    mode = "bilinear" if smaller else "bicubic"
    return F.interpolate(pixel_values, size=size, mode=mode, antialias=smaller, align_corners=False)


def central_window(pixel_values: Tensor, share: float) -> Tensor:
    """The middle of photos (B, C, H, W), `share` of their sides long, enlarged to their size."""
    window = torch.tensor([[share, 0.0, 0.0], [0.0, share, 0.0]], device=pixel_values.device)
    grid = F.affine_grid(window.expand(len(pixel_values), -1, -1), list(pixel_values.shape), align_corners=False)
    return F.grid_sample(pixel_values, grid.to(pixel_values.dtype), padding_mode="border", align_corners=False)
