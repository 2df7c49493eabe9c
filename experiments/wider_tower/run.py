"""Give a checkpoint a wider vision tower that computes what its own did, so that training goes on from what was learned.

python experiments/wider_tower/run.py nano runs/nano/wide --hidden-sizes 48 96 192 384
"""

from __future__ import annotations

import argparse
import copy
import re
from pathlib import Path

import torch

from pumgpt.model.card import resolve_checkpoint
from pumgpt.model.modeling import PumGPTForConditionalGeneration
from pumgpt.model.processing import PumGPTProcessor
from pumgpt.training.widen import copied_channels, widen_projection, widen_resnet

BACKBONE = "vision_tower.model."


def widen(model: PumGPTForConditionalGeneration, hidden_sizes: list[int]) -> PumGPTForConditionalGeneration:
    """The model with ResNet stages of `hidden_sizes` channels."""
    config = copy.deepcopy(model.config)
    vision = config.vision_config
    old, vision.hidden_sizes, vision.embedding_size = list(vision.hidden_sizes), hidden_sizes, hidden_sizes[0]
    shown = [index - 1 for index in vision.out_indices]
    sides = [old[stage] for stage in shown], [hidden_sizes[stage] for stage in shown]
    state = model.state_dict()
    backbone = {name.removeprefix(BACKBONE): t for name, t in state.items() if name.startswith(BACKBONE)}
    state |= {BACKBONE + name: tensor for name, tensor in widen_resnet(backbone, old, hidden_sizes).items()}
    for name in ("vision_tower.norm.weight", "vision_tower.norm.bias"):
        state[name] = state[name][copied_channels(*sides)]
    readers = [name for name in state if name == "projection.weight"] or [
        name for name in state if re.search(r"\.crossattention\.attention\.(?:key|value)\.weight$", name)
    ]
    for name in readers:
        state[name] = widen_projection(state[name], *sides)
    if "projection.weight" not in state:
        config.qformer_config.encoder_hidden_size = sum(sides[1])
    wider = PumGPTForConditionalGeneration(config)
    wider.load_state_dict(state)
    wider.generation_config = model.generation_config
    return wider


def main() -> None:
    parser = argparse.ArgumentParser(description="Widen a checkpoint's vision tower.")
    parser.add_argument("checkpoint")
    parser.add_argument("out", type=Path)
    parser.add_argument("--hidden-sizes", type=int, nargs="+", required=True)
    options = parser.parse_args()
    start = resolve_checkpoint(options.checkpoint)
    model = PumGPTForConditionalGeneration.from_pretrained(start, dtype=torch.float32)
    wider = widen(model, options.hidden_sizes)
    wider.save_pretrained(options.out)
    PumGPTProcessor.from_pretrained(start).save_pretrained(options.out)
    print(f"{options.out}: {sum(p.numel() for p in wider.vision_tower.parameters()):,} parameters in the tower")


if __name__ == "__main__":
    main()
