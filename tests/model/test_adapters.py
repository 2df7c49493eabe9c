"""The adapters alone: one base, many shops."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_models import tiny_model

from pumgpt.errors import ModelError


@pytest.mark.parametrize("bridge", ["layerwise", "queries", "mlp"])
def test_adapters_move_to_the_same_base(bridge: str, tmp_path: Path) -> None:
    shop, base = tiny_model(bridge=bridge), tiny_model(bridge=bridge)
    with torch.no_grad():
        for weight in shop.bridge.parameters():
            weight.add_(1)
    shop.save_adapters(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"adapters.safetensors", "adapters.json"}
    base.load_adapters(tmp_path)
    for name, value in shop.state_dict().items():
        assert torch.equal(base.state_dict()[name], value), name


def test_a_base_in_bfloat16_is_the_same_base(tmp_path: Path) -> None:
    tiny_model().save_adapters(tmp_path)
    tiny_model().to(torch.bfloat16).load_adapters(tmp_path)


def test_another_base_is_refused(tmp_path: Path) -> None:
    model = tiny_model()
    model.save_adapters(tmp_path)
    with pytest.raises(ModelError, match=r"num_visual_tokens 3 \(here 2\)"):
        tiny_model(num_visual_tokens=2).load_adapters(tmp_path)
    with torch.no_grad():
        model.language_model.lm_head.weight.mul_(2)
    with pytest.raises(ModelError, match="other weights"):
        model.load_adapters(tmp_path)
    model.load_adapters(tmp_path, check_base=False)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="can't be read"):
        tiny_model().load_adapters(tmp_path / "absent")
