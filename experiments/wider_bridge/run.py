"""Give a checkpoint a wider way from its vision tower to its language model that carries what its own did: the Q-Former reads the
patches at their full width instead of a projection, and the adapters get more heads.

python experiments/wider_bridge/run.py nano runs/nano/opened --adapter-dim 256
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path

import torch

from pumgpt.model.card import resolve_checkpoint
from pumgpt.model.modeling import PumGPTForConditionalGeneration
from pumgpt.model.processing import PumGPTProcessor
from pumgpt.training.widen import fold_projection, widen_adapters


def widen(model: PumGPTForConditionalGeneration, adapter_dim: int) -> PumGPTForConditionalGeneration:
    """The model without a projection, with adapters `adapter_dim` wide."""
    config = copy.deepcopy(model.config)
    state = model.state_dict()
    if "projection.weight" in state:
        state = fold_projection(state)
        config.qformer_config.encoder_hidden_size = model.vision_tower.hidden_size
    per_head = config.adapter_dim // config.adapter_num_heads
    state = widen_adapters(state, adapter_dim)
    config.adapter_dim, config.adapter_num_heads = adapter_dim, adapter_dim // per_head
    wider = PumGPTForConditionalGeneration(config)
    wider.load_state_dict(state)
    wider.generation_config = model.generation_config
    return wider


def main() -> None:
    parser = argparse.ArgumentParser(description="Widen a checkpoint's way from tower to language model.")
    parser.add_argument("checkpoint")
    parser.add_argument("out", type=Path)
    parser.add_argument("--adapter-dim", type=int, required=True)
    options = parser.parse_args()
    start = resolve_checkpoint(options.checkpoint)
    model = PumGPTForConditionalGeneration.from_pretrained(start, dtype=torch.float32)
    wider = widen(model, options.adapter_dim)
    wider.save_pretrained(options.out)
    PumGPTProcessor.from_pretrained(start).save_pretrained(options.out)
    for name in ("qformer", "bridge"):
        before, after = (sum(p.numel() for p in getattr(m, name).parameters()) for m in (model, wider))
        print(f"{options.out}: {name} {before:,} -> {after:,} parameters")


if __name__ == "__main__":
    main()
