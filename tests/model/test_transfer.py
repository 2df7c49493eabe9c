"""A frozen second tower beside the tuned one, and photos that are shown to the tuned one with less detail than they have."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_models import tiny_model
from torch import Tensor
from torch.nn import functional as F

from pumgpt.model.modeling import PumGPTForConditionalGeneration as Model
from pumgpt.model.views import photo_views, seen_by_tower

CLASSES = 5
CONVOLUTIONAL = {"model_type": "resnet", "layer_type": "basic", "embedding_size": 16, "hidden_sizes": [16, 16]}
TRANSFER = {**CONVOLUTIONAL, "depths": [1, 1], "out_indices": [1, 2]}


def photos(count: int, side: int = 64) -> Tensor:
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(3))


@pytest.fixture(scope="module")
def model() -> Model:
    return tiny_model(tower_px=32, detail_px=16, mirrored=True, transfer_config=TRANSFER, transfer_classes=CLASSES)


def test_features_are_those_of_both_towers(model: Model) -> None:
    assert model.transfer is not None
    encoded = model.encode_photos(photos(2))
    views = photo_views(photos(2), model.config)
    tuned = torch.stack([model.vision_tower(view).mean(1) for view in views]).mean(0)
    maps = model.transfer.model(photos(2)).feature_maps
    expected = torch.cat([tuned, *(one.mean((2, 3)) for one in maps)], 1)
    assert encoded.features_BV is not None and encoded.class_logits_BK is not None
    torch.testing.assert_close(encoded.features_BV, expected)
    torch.testing.assert_close(model.photo_features(photos(2)), expected)
    assert encoded.class_logits_BK.shape == (2, CLASSES)
    some = encoded.select(torch.tensor([1]))
    assert some.class_logits_BK is not None
    assert torch.equal(some.class_logits_BK, encoded.class_logits_BK[1:])


def test_the_transfer_tower_says_nothing_to_the_language_model(model: Model) -> None:
    alone = tiny_model(tower_px=32, detail_px=16, mirrored=True)
    alone.load_state_dict({n: w for n, w in model.state_dict().items() if not n.startswith("transfer.")})
    torch.testing.assert_close(model.encode_photos(photos(1)).visual_KBND, alone.encode_photos(photos(1)).visual_KBND)


def test_the_transfer_tower_never_trains(model: Model) -> None:
    assert model.transfer is not None
    model.train()
    assert not model.transfer.training and not any(p.requires_grad for p in model.transfer.parameters())
    model.eval()


def test_it_is_saved_with_the_model(model: Model, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    loaded = Model.from_pretrained(tmp_path)
    torch.testing.assert_close(loaded.photo_features(photos(1)), model.photo_features(photos(1)))


def test_a_tower_sees_a_photo_and_its_half_sized_copy_alike(model: Model) -> None:
    smooth = F.interpolate(photos(1, 8), size=(64, 64), mode="bicubic")
    half = F.interpolate(smooth, size=(32, 32), mode="bilinear", antialias=True)
    (whole, *_), (copy, *_) = (photo_views(one, model.config) for one in (smooth, half))
    assert whole.shape == copy.shape == (1, 3, 32, 32)
    assert (whole - copy).abs().max() < 0.1 * whole.abs().max()


def test_photos_are_left_as_they_are_unless_asked() -> None:
    assert seen_by_tower(photos(1), None, None) is not None
    assert torch.equal(seen_by_tower(photos(1), None, 64), photos(1))
    assert seen_by_tower(photos(1), 48, None).shape[-2:] == (48, 48)
