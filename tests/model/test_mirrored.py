"""Photos that are read together with their mirror images, and with a closer look."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.model.tiny_models import pixels, prompt, tiny_model
from torch.testing import assert_close

from pumgpt.errors import ModelError
from pumgpt.model.modeling import PumGPTForConditionalGeneration

Model = PumGPTForConditionalGeneration
CLOSE = {"atol": 1e-5, "rtol": 1e-4}


@pytest.fixture(scope="module", params=["layerwise", "queries"])
def mirrored(request: pytest.FixtureRequest) -> Model:
    return tiny_model(bridge=request.param, mirrored=True)


@torch.no_grad()
def test_a_photo_says_what_its_mirror_image_says(mirrored: Model) -> None:
    photos, images = mirrored.encode_photos(pixels(2)), mirrored.encode_photos(pixels(2).flip(-1))
    assert photos.visual_KBND.shape[1] == 2
    assert_close(photos.visual_KBND, images.visual_KBND, **CLOSE)
    row = torch.tensor([prompt(5, "photo", 6, blocks=photos.visual_KBND.shape[2])])
    said = [mirrored(input_ids=row, pixel_values=x).logits for x in (pixels(1), pixels(1).flip(-1))]
    assert_close(said[0], said[1], **CLOSE)


@torch.no_grad()
def test_it_is_the_mean_of_both(mirrored: Model) -> None:
    plain = tiny_model(bridge=mirrored.config.bridge)
    seen, image = (plain.encode_photos(x, keep_patches=True) for x in (pixels(2), pixels(2).flip(-1)))
    photos = mirrored.encode_photos(pixels(2), keep_patches=True)
    assert not torch.allclose(seen.visual_KBND, image.visual_KBND, atol=1e-3)
    assert_close(photos.visual_KBND, (seen.visual_KBND + image.visual_KBND) / 2, **CLOSE)
    assert photos.queries_BME is not None and seen.queries_BME is not None and image.queries_BME is not None
    assert_close(photos.queries_BME, (seen.queries_BME + image.queries_BME) / 2, **CLOSE)
    assert photos.patches_BPV is not None and seen.patches_BPV is not None and image.patches_BPV is not None
    right_way_round = image.patches_BPV.unflatten(1, (4, 4)).flip(2).flatten(1, 2)
    assert_close(photos.patches_BPV, (seen.patches_BPV + right_way_round) / 2, **CLOSE)


@torch.no_grad()
def test_the_evidence_is_mirrored_with_the_photo(mirrored: Model) -> None:
    """And is the mean of what both would show, each weighed by how much it was looked at."""
    photos = mirrored.encode_photos(pixels(1), evidence=True)
    images = mirrored.encode_photos(pixels(1).flip(-1), evidence=True)
    attention = torch.rand(photos.visual_KBND.shape[0], 1, photos.visual_KBND.shape[2])
    (seen,), (image,) = photos.evidence(attention), images.evidence(attention)
    assert_close(seen, image.flip(-1), **CLOSE)
    assert not torch.allclose(seen, seen.flip(-1), atol=1e-4)
    plain = tiny_model(bridge=mirrored.config.bridge)
    maps = [plain.encode_photos(x, evidence=True) for x in (pixels(1), pixels(1).flip(-1))]
    alone, turned = (encoded.evidence(attention)[0] for encoded in maps)
    assert_close(seen, (alone + turned.flip(-1)) / 2, **CLOSE)


def test_it_is_kept_with_the_checkpoint(mirrored: Model, tmp_path: Path) -> None:
    mirrored.save_pretrained(tmp_path)
    again = Model.from_pretrained(tmp_path)
    assert again.config.mirrored
    assert_close(again.encode_photos(pixels(1)).visual_KBND, mirrored.encode_photos(pixels(1)).visual_KBND)


def test_patches_alone_can_not_be_mirrored() -> None:
    with pytest.raises(ModelError, match="mirrored photos need a Q-Former"):
        tiny_model(bridge="mlp", mirrored=True)


@torch.no_grad()
@pytest.mark.parametrize("mirror", [False, True])
def test_a_closer_look_is_half_of_what_is_seen(mirror: bool) -> None:
    plain, zoomed = tiny_model(mirrored=mirror), tiny_model(mirrored=mirror, zoomed=0.5)
    photos = pixels(2)
    size = photos.shape[-1]
    first, last = size // 4, size - size // 4 - 1
    # Around the window stands what is at its edge, as that is what `interpolate` takes for it.
    for inside, outside in ((first, first - 1), (last, last + 1)):
        photos[..., outside, :] = photos[..., inside, :]
        photos[..., outside] = photos[..., inside]
    middle = photos[..., first : last + 1, first : last + 1]
    closer = torch.nn.functional.interpolate(middle, size=(size, size), mode="bilinear", align_corners=False)
    whole, window = (plain.encode_photos(x, evidence=True, keep_patches=True) for x in (photos, closer))
    seen = zoomed.encode_photos(photos, evidence=True, keep_patches=True)
    assert_close(seen.visual_KBND, (whole.visual_KBND + window.visual_KBND) / 2, **CLOSE)
    assert not torch.allclose(seen.visual_KBND, whole.visual_KBND, atol=0.05)
    assert seen.patches_BPV is not None and whole.patches_BPV is not None
    assert_close(seen.patches_BPV, whole.patches_BPV)
    attention = torch.rand(seen.visual_KBND.shape[0], 2, seen.visual_KBND.shape[2])
    for map_seen, map_whole in zip(seen.evidence(attention), whole.evidence(attention), strict=True):
        assert_close(map_seen, map_whole)


def test_a_closer_look_is_kept_with_the_checkpoint(tmp_path: Path) -> None:
    zoomed = tiny_model(zoomed=0.9)
    zoomed.save_pretrained(tmp_path)
    assert Model.from_pretrained(tmp_path).config.zoomed == 0.9


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [({"zoomed": 0.0}, "above 0"), ({"zoomed": 1.5}, "above 0"), ({"zoomed": 0.9, "bridge": "mlp"}, "need a Q-Former")],
)
def test_a_closer_look_that_can_not_be(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        tiny_model(**settings)
