"""A widened tower computes what the narrow one did, and its copies don't stay copies."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from transformers import ResNetBackbone, ResNetConfig

from pumgpt.errors import RecipeError
from pumgpt.training.widen import copied_channels, widen_projection, widen_resnet

OLD, NEW = [8, 16], [12, 20]


def backbone(widths: list[int]) -> ResNetBackbone:
    config = ResNetConfig(
        layer_type="basic", embedding_size=widths[0], hidden_sizes=widths, depths=[2, 2], out_indices=[1, 2]
    )
    return ResNetBackbone(config).eval()


@pytest.fixture
def pair() -> tuple[ResNetBackbone, ResNetBackbone]:
    torch.manual_seed(0)
    narrow, wide = backbone(OLD), backbone(NEW)
    for module in narrow.modules():  # statistics that tell the channels apart
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.normal_(module.bias)
    wide.load_state_dict(widen_resnet(narrow.state_dict(), OLD, NEW))
    return narrow, wide


def test_the_wider_tower_computes_the_same_maps(pair: tuple[ResNetBackbone, ResNetBackbone]) -> None:
    narrow, wide = pair
    photos = torch.randn(2, 3, 32, 32)
    for old, new, before, after in zip(narrow(photos).feature_maps, wide(photos).feature_maps, OLD, NEW, strict=True):
        torch.testing.assert_close(new, old[:, copied_channels([before], [after])], rtol=1e-4, atol=1e-4)


def test_what_reads_the_maps_sees_no_difference(pair: tuple[ResNetBackbone, ResNetBackbone]) -> None:
    narrow, wide = pair
    photos, weight = torch.randn(2, 3, 32, 32), torch.randn(5, sum(OLD))
    old, new = (torch.cat([m.mean((2, 3)) for m in tower(photos).feature_maps], 1) for tower in (narrow, wide))
    torch.testing.assert_close(new @ widen_projection(weight, OLD, NEW).T, old @ weight.T, rtol=1e-4, atol=1e-4)


def test_copies_get_gradients_of_their_own(pair: tuple[ResNetBackbone, ResNetBackbone]) -> None:
    _, wide = pair
    maps = wide.train()(torch.randn(4, 3, 32, 32)).feature_maps
    (maps[-1] * torch.randn_like(maps[-1])).sum().backward()
    gradient = wide.encoder.stages[0].layers[0].layer[0].convolution.weight.grad
    assert gradient is not None
    assert not torch.allclose(gradient[0], gradient[OLD[0]], rtol=0.01)


@pytest.mark.parametrize(("old", "new"), [([8, 16], [6, 16]), ([8, 16], [20, 16])])
def test_widths_that_cannot_be_reached_are_refused(old: list[int], new: list[int]) -> None:
    with pytest.raises(RecipeError, match="can be widened to 8 to 16"):
        widen_resnet({}, old, new)


def test_another_kind_of_tower_is_refused() -> None:
    with pytest.raises(RecipeError, match="only those can be widened"):
        widen_resnet({"layers.0.attention.weight": torch.zeros(8, 8)}, [8], [12])


@pytest.mark.slow
def test_nano_widened_by_the_script_says_the_same(tmp_path: Path) -> None:
    """The whole checkpoint: `scripts/widen_tower.py` on nano, whose patches go through a layer norm behind the maps."""
    import runpy
    import sys

    from pumgpt.model.card import resolve_checkpoint
    from pumgpt.model.modeling import PumGPTForConditionalGeneration

    nano = PumGPTForConditionalGeneration.from_pretrained(resolve_checkpoint("nano"), dtype=torch.float32).eval()
    old = list(nano.config.vision_config.hidden_sizes)
    new = [width * 5 // 4 for width in old]
    arguments, sys.argv = sys.argv, ["widen_tower.py", "nano", str(tmp_path), "--hidden-sizes", *map(str, new)]
    try:
        runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "widen_tower.py"), run_name="__main__")
    finally:
        sys.argv = arguments
    wide = PumGPTForConditionalGeneration.from_pretrained(tmp_path, dtype=torch.float32).eval()
    photos = torch.rand(2, 3, 128, 128) * 2 - 1
    with torch.no_grad():
        maps = nano.vision_tower.features(photos), wide.vision_tower.features(photos)
    copies = copied_channels(old[2:], new[2:])
    torch.testing.assert_close(maps[1], maps[0][:, copies], rtol=1e-3, atol=1e-3)
    assert load_file(tmp_path / "model.safetensors")["projection.weight"].shape[1] == sum(new[2:])
