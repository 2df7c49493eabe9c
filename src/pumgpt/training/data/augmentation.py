"""Random views of a batch of photos, computed at once for the whole batch, on the device where the photos are.

One affine resampling does crop, shift, stretch, turn, mirror and resize. Colour is a label here, so that light is
changed a little and hue never. What is drawn is drawn on the CPU, so that a seed means the same views everywhere.
"""

from __future__ import annotations

import math

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor
from torch.nn import functional as F

from pumgpt.model.views import seen_by_tower


class AugmentRecipe(BaseModel):
    """How far a random view may stray from the photo."""

    model_config = ConfigDict(extra="forbid")

    zoom: tuple[float, float] = (0.75, 1.15)
    """Side of the window, as a share of the photo's; above 1 the border is repeated outside."""
    stretch: float = 0.15
    """Largest change of the aspect ratio, as a share."""
    shift: float = 0.08
    """Largest shift of the window's centre, as a share of the photo's side."""
    turn_deg: float = 10.0
    mirror: bool = True
    light: float = 0.12
    """Largest change of brightness and of contrast, as a share."""
    erase: float = 0.25
    """Share of the photos of which a random box is painted over with noise."""
    margin: float = 0.0
    """Share of the photos that stand on a wider white ground, as packshots do; up to `MARGIN` times as wide."""
    quarter_turns: float = 0.0
    """Share of the photos that lie on a side or upside down."""
    resolution_px: tuple[int, int] | None = None
    """Each view is brought down to a side out of this range before it is enlarged: how sharp a photo is says which camera or
    which export it came from, and nothing of the product."""
    sharpness: float = 0.0
    """How far a view may be blurred (-) or sharpened (+), as a share of the difference to its blurred self."""


MARGIN = 1.8
RESOLUTIONS = 4
"""How many sides a batch is brought down to: one interpolation each."""


def augment(
    photos_BCHW: Tensor, size_px: int, recipe: AugmentRecipe, generator: torch.Generator | None = None
) -> Tensor:
    """Random views (B, C, size_px, size_px) of photos with values in 0..1."""
    count, device = photos_BCHW.shape[0], photos_BCHW.device

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(count, generator=generator) * (high - low) + low

    zoom, stretch = uniform(*recipe.zoom), torch.exp(uniform(-1, 1) * math.log1p(recipe.stretch) / 2)
    turn = uniform(-1, 1) * math.radians(recipe.turn_deg)
    mirror = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0) if recipe.mirror else torch.ones(count)
    cos, sin = turn.cos() * zoom, turn.sin() * zoom
    centre_x, centre_y = (uniform(-1, 1) * 2 * recipe.shift for _ in range(2))
    rows = [
        torch.stack([mirror * cos * stretch, -sin * stretch, centre_x], 1),
        torch.stack([mirror * sin / stretch, cos / stretch, centre_y], 1),
    ]
    # Drawn on the CPU up to here; the photos stay where they are.
    affine = torch.stack(rows, 1)
    if recipe.quarter_turns:
        affine = _turned(affine, recipe.quarter_turns, generator)
    affine = affine.to(device)
    window = F.affine_grid(affine, [count, photos_BCHW.shape[1], size_px, size_px], align_corners=False)
    views = F.grid_sample(photos_BCHW, window, mode="bilinear", padding_mode="border", align_corners=False)
    if recipe.margin:
        _widen_ground(views, recipe.margin, generator)
    if recipe.resolution_px is not None:
        views = _bring_down(views, recipe.resolution_px, generator)
    if recipe.sharpness:
        blurred = F.avg_pool2d(views, 3, 1, 1, count_include_pad=False)
        amount = (uniform(-1, 1) * recipe.sharpness).view(-1, 1, 1, 1).to(device)
        views = (views + (views - blurred) * amount).clamp_(0, 1)
    if recipe.light:
        brightness, contrast = ((1 + uniform(-1, 1).view(-1, 1, 1, 1) * recipe.light).to(device) for _ in range(2))
        # All channels alike, so that the hue stays.
        mean = views.mean((1, 2, 3), keepdim=True)
        views = (((views - mean) * contrast + mean) * brightness).clamp_(0, 1)
    if recipe.erase:
        _erase(views, recipe.erase, generator)
    return views


def _turned(affine_B23: Tensor, share: float, generator: torch.Generator | None) -> Tensor:
    """The windows, a share of them turned by one to three right angles more."""
    count = len(affine_B23)
    turns = torch.randint(1, 4, (count,), generator=generator) * (torch.rand(count, generator=generator) < share)
    angle = turns * (math.pi / 2)
    cos, sin = angle.cos().round(), angle.sin().round()
    turn_B22 = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)
    return torch.cat([affine_B23[..., :2] @ turn_B22, affine_B23[..., 2:]], -1)


def _widen_ground(views_BCHW: Tensor, share: float, generator: torch.Generator | None) -> None:
    """Shrink a share of the views, and put them somewhere on a white ground of the same size."""
    count, _, height, width = views_BCHW.shape
    chosen = (torch.rand(count, generator=generator) < share).nonzero().flatten().tolist()
    scales = 1 / (1 + torch.rand(count, generator=generator) * (MARGIN - 1))
    places = torch.rand(count, 2, generator=generator)
    for index in chosen:
        tall, wide = int(height * scales[index]), int(width * scales[index])
        small = F.interpolate(views_BCHW[index : index + 1], size=(tall, wide), mode="bilinear", antialias=True)
        top, left = int((height - tall) * places[index, 0]), int((width - wide) * places[index, 1])
        views_BCHW[index] = 1.0
        views_BCHW[index, :, top : top + tall, left : left + wide] = small[0]


def _bring_down(views_BCHW: Tensor, sides: tuple[int, int], generator: torch.Generator | None) -> Tensor:
    """Views of the same size that hold no more than a smaller side's detail; a few sides are drawn for the whole batch."""
    low, high = (math.log(side) for side in sides)
    drawn = torch.exp(torch.rand(RESOLUTIONS, generator=generator) * (high - low) + low).round().long().tolist()
    chunks = views_BCHW.chunk(RESOLUTIONS)
    return torch.cat([limit_detail(chunk, side) for chunk, side in zip(chunks, drawn, strict=False)])


def limit_detail(photos_BCHW: Tensor, side: int) -> Tensor:
    """The photos (B, C, H, W), of values in 0..1, with no more detail than `side` x `side` pixels hold."""
    return seen_by_tower(photos_BCHW, None, side).clamp(0, 1)


def _erase(views_BCHW: Tensor, share: float, generator: torch.Generator | None) -> None:
    count, channels, height, width = views_BCHW.shape
    chosen = torch.rand(count, generator=generator) < share
    sides = (torch.rand(count, 2, generator=generator) * 0.3 + 0.1) * torch.tensor([height, width])
    corners = torch.rand(count, 2, generator=generator) * (torch.tensor([height, width]) - sides)
    places = chosen.nonzero().flatten().tolist()
    if not places:
        return
    # All colours travel at once: each for itself would make a GPU wait for it.
    colours = torch.stack([torch.rand(channels, 1, 1, generator=generator) for _ in places]).to(views_BCHW.device)
    for index, colour in zip(places, colours, strict=True):
        (top, left), (tall, wide) = corners[index].long().tolist(), sides[index].long().tolist()
        views_BCHW[index, :, top : top + tall, left : left + wide] = colour


def luminance(photos_BCHW: Tensor) -> Tensor:
    """Photos (B, 3, H, W) as a black and white film shows them, in three equal channels (ITU-R BT.601)."""
    weights = torch.tensor([0.299, 0.587, 0.114], device=photos_BCHW.device).view(1, 3, 1, 1)
    return (photos_BCHW * weights).sum(1, keepdim=True).expand_as(photos_BCHW)


def resize(photos_BCHW: Tensor, size_px: int) -> Tensor:
    """The plain view (B, C, size_px, size_px), as evaluation sees it."""
    if photos_BCHW.shape[-1] == size_px:
        return photos_BCHW
    return F.interpolate(photos_BCHW, size=(size_px, size_px), mode="bilinear", antialias=True, align_corners=False)


def random_or_plain(
    photos_BCHW: Tensor, size_px: int, recipe: AugmentRecipe | None, seed: int, detail_px: int | None = None
) -> Tensor:
    """Random views where there is a recipe for them, drawn from `seed`; else the plain view, with the detail that `detail_px`
    holds.
    """
    if recipe is None:
        plain = resize(photos_BCHW, size_px)
        return plain if detail_px is None else limit_detail(plain, detail_px)
    return augment(photos_BCHW, size_px, recipe, torch.Generator().manual_seed(seed))


def blend_photos(photos_BCHW: Tensor, share: float, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Mixup (Zhang et al. 2018, arXiv 1710.09412) of a share of the photos: the photos (B, C, H, W), the index (B,) of the
    photo that each was blended with, and how much of each is its own (B,), 0.5 to 1.
    """
    generator = torch.Generator().manual_seed(seed)
    count = photos_BCHW.shape[0]
    partner = torch.randperm(count, generator=generator)
    # Half of a U-shaped distribution: most photos keep nearly all of their own.
    own = 1 - torch.rand(count, generator=generator).square() / 2
    own = torch.where(torch.rand(count, generator=generator) < share, own, torch.ones(()))
    weight = own.view(-1, 1, 1, 1).to(photos_BCHW.device)
    return photos_BCHW * weight + photos_BCHW[partner.to(photos_BCHW.device)] * (1 - weight), partner, own
