"""EfficientNet-Lite is held to the package that its published weights are made for, and read as a tower."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from pumgpt.errors import ModelError
from pumgpt.model.efficientnet_lite import (
    STAGES,
    ConvNorm,
    EfficientNetLiteBackbone,
    EfficientNetLiteConfig,
    convert_state_dict,
)
from pumgpt.model.parts import load_vision
from pumgpt.model.vision import ConvolutionalTower, build_tower

HEAD = len(STAGES) + 1
SIDES = {"lite0": 224, "lite1": 240, "lite2": 260}
"""What the reference reads: its padding is fixed to one size."""


@pytest.mark.parametrize("variant", SIDES)
def test_the_maps_are_those_of_the_reference(variant: str) -> None:
    reference_package = pytest.importorskip(
        "efficientnet_lite_pytorch", reason="the reference comes with the dev tools"
    )
    torch.manual_seed(0)
    reference = reference_package.EfficientNet.from_name(f"efficientnet-{variant}").eval()
    _shake_statistics(reference)
    config = EfficientNetLiteConfig(variant=variant, out_indices=[HEAD])
    backbone = EfficientNetLiteBackbone(config).eval()
    backbone.load_state_dict(convert_state_dict(config, reference.state_dict()))
    pixels = torch.randn(1, 3, SIDES[variant], SIDES[variant])
    with torch.no_grad():
        expected, found = reference.extract_features(pixels), backbone(pixels).feature_maps[0]
    assert expected.abs().max() > 0.1  # so that the comparison says something
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_foreign_weights_are_refused() -> None:
    config = EfficientNetLiteConfig()
    with pytest.raises(ModelError, match="EfficientNet-lite0"):
        convert_state_dict(config, {"_conv_stem.weight": torch.zeros(32, 3, 3, 3)})
    with pytest.raises(ModelError, match="lite9"):
        EfficientNetLiteConfig(variant="lite9")


def test_only_what_is_asked_for_is_computed() -> None:
    backbone = EfficientNetLiteBackbone(EfficientNetLiteConfig(out_indices=[2, 3])).eval()
    ran: list[str] = []
    backbone.stages[3].register_forward_hook(lambda *_: ran.append("stage4"))
    maps = backbone(torch.zeros(1, 3, 64, 64)).feature_maps
    assert [tuple(one.shape[1:]) for one in maps] == [(24, 16, 16), (40, 8, 8)]
    assert not ran


def test_a_tower_is_made_of_it(tmp_path: Path) -> None:
    torch.manual_seed(0)
    saved = EfficientNetLiteBackbone(EfficientNetLiteConfig(out_indices=[5, 7])).eval()
    saved.save_pretrained(tmp_path)
    loaded = load_vision(tmp_path, stages=[5, 7])
    tower = build_tower(loaded.config, loaded).eval()
    assert isinstance(tower, ConvolutionalTower)
    assert tower.grid(96, 64) == (6, 4)
    pixels = torch.randn(2, 3, 96, 64)
    with torch.no_grad():
        assert tower(pixels).shape == (2, 24, 112 + 320)
        torch.testing.assert_close(loaded(pixels).feature_maps, saved(pixels).feature_maps)


def _shake_statistics(model: torch.nn.Module) -> None:
    """Random batch-norm statistics: those of a new model would hide a norm that is in the wrong place."""

    def random_like(tensor: Tensor, low: float, high: float) -> Tensor:
        return torch.empty_like(tensor).uniform_(low, high)

    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.copy_(random_like(module.running_mean, -0.1, 0.1))
            module.running_var.copy_(random_like(module.running_var, 0.5, 1.5))


def test_norms_in_the_convolutions_change_no_map() -> None:
    torch.manual_seed(0)
    backbone = EfficientNetLiteBackbone(EfficientNetLiteConfig(out_indices=[3, HEAD])).eval()
    _shake_statistics(backbone)
    pixels = torch.randn(1, 3, 48, 48)
    with torch.no_grad():
        expected = backbone(pixels).feature_maps
        for module in list(backbone.modules()):
            if isinstance(module, ConvNorm):
                module.fuse()
        found = backbone(pixels).feature_maps
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in backbone.modules())
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)
