"""Two checkpoints of one shape become one."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
import torch

average = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "average_checkpoints.py"))["average"]


def weights(value: float, steps: int) -> dict[str, torch.Tensor]:
    return {"layer.weight": torch.full((2, 3), value), "norm.num_batches_tracked": torch.tensor(steps)}


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1.0), (0.25, 2.0), (1.0, 5.0)])
def test_the_second_has_its_share(share: float, expected: float) -> None:
    mean = average(weights(1.0, 7), weights(5.0, 9), share)
    torch.testing.assert_close(mean["layer.weight"], torch.full((2, 3), expected))
    assert mean["norm.num_batches_tracked"] == 9


def test_another_shape_is_named() -> None:
    other = weights(1.0, 7) | {"layer.weight": torch.ones(3, 3)}
    with pytest.raises(ValueError, match=r"layer\.weight"):
        average(weights(1.0, 7), other, 0.5)
    with pytest.raises(ValueError, match="extra"):
        average(weights(1.0, 7), weights(1.0, 7) | {"extra": torch.ones(1)}, 0.5)
