"""A checkpoint that gets another tower reads a linear map of it, and answers as before where the new tower is the old one."""

from __future__ import annotations

import argparse
import runpy
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.backends.test_pumgpt import ARCHITECTURE, TEXTS

from pumgpt.training.scratch import build_from_scratch

SCRIPT: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "replace_tower.py"))


def test_a_linear_map_is_found_and_what_it_explains_is_counted() -> None:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(500, 6, generator=generator) + 3
    weight, noise = torch.randn(4, 6, generator=generator), torch.randn(500, 4, generator=generator)
    targets = inputs @ weight.T + 2
    found, bias, explained = SCRIPT["fit_linear"](zip(inputs.split(100), targets.split(100), strict=True))
    torch.testing.assert_close(found, weight, atol=0.02, rtol=0)
    torch.testing.assert_close(bias, torch.full((4,), 2.0), atol=0.1, rtol=0)
    assert explained == pytest.approx(1, abs=1e-4)
    noisy = SCRIPT["fit_linear"]([(inputs, targets + noise * targets.std(0))])[2]
    assert noisy == pytest.approx(0.5, abs=0.05)


def test_the_same_tower_in_its_place_gives_the_same_visual_tokens() -> None:
    torch.manual_seed(0)
    old, _ = build_from_scratch(ARCHITECTURE, TEXTS, size_px=48)
    old.eval()
    options, projection = argparse.Namespace(tower_px=48, detail_px=None), old.projection
    new = SCRIPT["joined"](old, old.vision_tower, projection.weight, projection.bias, options).eval()
    pixels = torch.randn(2, 3, 48, 48)
    with torch.inference_mode():
        found, expected = (model.encode_photos(pixels).visual_KBND for model in (new, old))
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    assert new.config.tower_px == 48
