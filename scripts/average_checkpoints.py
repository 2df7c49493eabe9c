"""Average the weights of two checkpoints of which one was trained on from the other: where each errs by chance, their mean errs
less, and costs no more to ask (Wortsman et al. 2022, arXiv 2203.05482).

    python scripts/average_checkpoints.py runs/nano/25-adapters runs/nano/31-adapters runs/nano/32-average

Card, tokenizer and processor are those of the second. A calibration is of one set of weights: fit it anew.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import torch
from torch import Tensor

from pumgpt.model.card import CARD_FILE
from pumgpt.model.modeling import PumGPTForConditionalGeneration
from pumgpt.model.processing import PumGPTProcessor


def average(first: dict[str, Tensor], second: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """Every weight and statistic as the mean of both, `share` of it of `second`; counters are those of `second`.

    Raises `ValueError` where the two aren't of one shape.
    """
    if (shapes := {name: t.shape for name, t in first.items()}) != {name: t.shape for name, t in second.items()}:
        odd = sorted(name for name in shapes | second if shapes.get(name) != getattr(second.get(name), "shape", None))
        raise ValueError(f"of another shape, or in one of them alone: {', '.join(odd)}")
    return {
        name: torch.lerp(first[name], weight, share) if weight.is_floating_point() else weight
        for name, weight in second.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Average the weights of two checkpoints.")
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--share", type=float, default=0.5, help="of the second checkpoint in the mean (default 0.5)")
    options = parser.parse_args()
    first, model = (
        PumGPTForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
        for folder in (options.first, options.second)
    )
    try:
        model.load_state_dict(average(first.state_dict(), model.state_dict(), options.share))
    except ValueError as error:
        raise SystemExit(f"{options.first} and {options.second} can't be averaged: {error}") from None
    model.save_pretrained(options.out)
    PumGPTProcessor.from_pretrained(options.second).save_pretrained(options.out)
    shutil.copyfile(options.second / CARD_FILE, options.out / CARD_FILE)
    print(f"{options.out}: {1 - options.share:g} of {options.first}, {options.share:g} of {options.second}")


if __name__ == "__main__":
    main()
