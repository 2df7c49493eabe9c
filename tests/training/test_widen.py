"""A widened tower computes what the narrow one did, and its copies don't stay copies."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from transformers import Blip2QFormerConfig, LlamaConfig, ResNetBackbone, ResNetConfig

from pumgpt.errors import RecipeError
from pumgpt.model.configuration import PumGPTConfig
from pumgpt.model.modeling import PumGPTForConditionalGeneration
from pumgpt.training.widen import copied_channels, fold_projection, widen_adapters, widen_projection, widen_resnet

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
    """The whole checkpoint: `experiments/wider_tower/run.py` on nano, whose patches go through a layer norm behind the maps."""
    import runpy
    import sys

    from pumgpt.model.card import resolve_checkpoint

    nano = PumGPTForConditionalGeneration.from_pretrained(resolve_checkpoint("nano"), dtype=torch.float32).eval()
    old = list(nano.config.vision_config.hidden_sizes)
    new = [width * 5 // 4 for width in old]
    arguments, sys.argv = sys.argv, ["widen_tower.py", "nano", str(tmp_path), "--hidden-sizes", *map(str, new)]
    try:
        runpy.run_path(str(Path(__file__).parents[2] / "experiments" / "wider_tower" / "run.py"), run_name="__main__")
    finally:
        sys.argv = arguments
    wide = PumGPTForConditionalGeneration.from_pretrained(tmp_path, dtype=torch.float32).eval()
    photos = torch.rand(2, 3, 128, 128) * 2 - 1
    with torch.no_grad():
        maps = nano.vision_tower.features(photos), wide.vision_tower.features(photos)
    copies = copied_channels(old[2:], new[2:])
    torch.testing.assert_close(maps[1], maps[0][:, copies], rtol=1e-3, atol=1e-3)
    assert load_file(tmp_path / "model.safetensors")["vision_tower.norm.weight"].shape == (sum(new[2:]),)


def tiny_model(encoder_hidden_size: int, adapter_dim: int, adapter_num_heads: int) -> PumGPTForConditionalGeneration:
    tower = ResNetConfig(layer_type="basic", embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], out_indices=[1, 2])
    qformer = Blip2QFormerConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        encoder_hidden_size=encoder_hidden_size,
        cross_attention_frequency=1,
        vocab_size=32,
    )
    text = LlamaConfig(vocab_size=32, hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2)
    config = PumGPTConfig(
        vision_config=tower,
        qformer_config=qformer,
        text_config=text,
        num_query_tokens=4,
        num_visual_tokens=2,
        adapter_dim=adapter_dim,
        adapter_num_heads=adapter_num_heads,
    )
    torch.manual_seed(1)
    return PumGPTForConditionalGeneration(config).eval()


def test_a_way_opened_wider_carries_the_same() -> None:
    """Without the projection, and with adapters of twice as many heads, the visual tokens are those of before."""
    narrow, wide = tiny_model(encoder_hidden_size=8, adapter_dim=8, adapter_num_heads=2), tiny_model(24, 16, 4)
    with torch.no_grad():  # fresh weights are so small that all tokens are nearly nothing
        for parameter in (*narrow.projection.parameters(), *narrow.qformer.parameters(), *narrow.bridge.parameters()):
            parameter.normal_(std=0.5)
    wide.load_state_dict(widen_adapters(fold_projection(narrow.state_dict()), 16))
    photos = torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        before, after = narrow.encode_photos(photos), wide.encode_photos(photos)
    assert before.visual_KBND.std() > 0.1
    assert before.visual_KBND.std(1).mean() > 0.01  # the photos tell on them
    torch.testing.assert_close(after.visual_KBND, before.visual_KBND, rtol=1e-3, atol=1e-3)


def test_new_heads_learn_from_the_first_step() -> None:
    """The output's weights for them begin at zero and have a gradient."""
    model = tiny_model(24, 16, 4)
    model.load_state_dict(widen_adapters(tiny_model(24, 8, 2).state_dict(), 16))
    visual = model.encode_photos(torch.randn(3, 3, 32, 32)).visual_KBND
    (visual * torch.randn_like(visual)).sum().backward()
    for adapter in model.bridge.adapters:
        assert adapter.output.weight[:, 8:].eq(0).all()
        assert adapter.output.weight.grad[:, 8:].abs().min() > 0


def test_narrower_adapters_are_refused() -> None:
    with pytest.raises(RecipeError, match="only wider ones"):
        widen_adapters({"bridge.adapters.0.latents": torch.zeros(4, 16)}, 8)
