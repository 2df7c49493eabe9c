"""Random views: what each kind of change does to a photo, and that it leaves the others alone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pumgpt.training.data.augmentation import AugmentRecipe, augment, limit_detail, luminance, random_or_plain

STILL = {"zoom": (1.0, 1.0), "stretch": 0.0, "shift": 0.0, "turn_deg": 0.0, "mirror": False, "light": 0.0, "erase": 0.0}


def views_of(photos_BCHW: Tensor, seed: int = 0, **changes: object) -> Tensor:
    recipe = AugmentRecipe.model_validate(STILL | changes)
    return augment(photos_BCHW, photos_BCHW.shape[-1], recipe, torch.Generator().manual_seed(seed))


@pytest.fixture
def photos() -> Tensor:
    return torch.rand(64, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def detail_of(photos_BCHW: Tensor) -> Tensor:
    """How much neighbouring pixels differ, for each photo."""
    return (photos_BCHW[..., 1:] - photos_BCHW[..., :-1]).abs().mean((1, 2, 3))


def test_a_recipe_that_changes_nothing_gives_the_photo(photos: Tensor) -> None:
    torch.testing.assert_close(views_of(photos), photos)


def test_quarter_turns_are_right_angles(photos: Tensor) -> None:
    turned = views_of(photos, quarter_turns=0.5)
    still = 0
    for view, photo in zip(turned, photos, strict=True):
        fits = [torch.allclose(view, photo.rot90(times, (1, 2)), atol=1e-4) for times in range(4)]
        assert sum(fits) == 1
        still += fits[0]
    assert 16 < still < 48


def test_a_wide_ground_is_white_and_holds_the_whole_photo() -> None:
    dark = torch.zeros(64, 3, 32, 32)
    grounds = views_of(dark, margin=0.5)
    chosen = grounds.flatten(1).amax(1) == 1
    assert 16 < int(chosen.sum()) < 48
    assert torch.equal(grounds[~chosen], dark[~chosen])
    shares = (grounds[chosen][:, 0] < 0.5).float().mean((1, 2))
    assert bool((shares > 0.25).all()) and bool((shares < 1).all())


def test_detail_is_brought_down_to_what_a_smaller_photo_holds(photos: Tensor) -> None:
    blurred = views_of(photos, resolution_px=(8, 16))
    assert bool((detail_of(blurred) < 0.5 * detail_of(photos)).all())
    assert blurred.min() >= 0 and blurred.max() <= 1
    torch.testing.assert_close(blurred.mean((1, 2, 3)), photos.mean((1, 2, 3)), atol=0.02, rtol=0)


def test_limited_detail_is_the_same_for_a_photo_and_its_half_sized_copy() -> None:
    smooth = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(2))
    photo = torch.nn.functional.interpolate(smooth, size=(64, 64), mode="bicubic").clamp(0, 1)
    half = torch.nn.functional.interpolate(photo, size=(32, 32), mode="bilinear", antialias=True)
    back = torch.nn.functional.interpolate(half, size=(64, 64), mode="bicubic").clamp(0, 1)
    assert (limit_detail(photo, 16) - limit_detail(back, 16)).abs().max() < 0.03
    assert torch.equal(limit_detail(photo, 64), photo)


def test_sharpness_goes_both_ways(photos: Tensor) -> None:
    change = detail_of(views_of(photos, sharpness=0.5)) / detail_of(photos)
    assert change.min() < 0.9 and change.max() > 1.02


def test_plain_views_hold_no_more_detail_than_asked(photos: Tensor) -> None:
    assert torch.equal(random_or_plain(photos, 32, None, 0), photos)
    torch.testing.assert_close(random_or_plain(photos, 32, None, 0, detail_px=16), limit_detail(photos, 16))


def test_luminance_is_grey_and_as_bright_as_the_colours_are() -> None:
    green = torch.tensor([0.0, 1.0, 0.0]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    assert luminance(green).unique().tolist() == pytest.approx([0.587])
