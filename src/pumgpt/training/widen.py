"""A wider vision tower out of a trained one that computes the same function: Net2Net (Chen et al. 2016, arXiv 1511.05641).

A new channel is a copy of an old one; what reads the pair shares the old weight between them at random, so that copies get
different gradients from the first step on. Only the last layer norm sees its channels in other proportions, so that the
patches come out alike but not equal.

Shapes: O output channels, I input channels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from pumgpt.errors import RecipeError

State = dict[str, Tensor]


def widen_resnet(state: Mapping[str, Tensor], old: Sequence[int], new: Sequence[int], seed: int = 0) -> State:
    """Weights of a `ResNetBackbone` of basic layers whose stages are `new` channels wide, from one of `old`.

    The stem has the width of the first stage. Raises `RecipeError` where a stage would become narrower or more than
    twice as wide.
    """
    for before, after in zip(old, new, strict=True):
        if not before <= after <= 2 * before:
            raise RecipeError(f"a stage of {before} channels can be widened to {before} to {2 * before}, not {after}")
    generator = torch.Generator().manual_seed(seed)
    wider: State = {}
    for name, tensor in state.items():
        source, target = _stages_of(name)
        out = _copies(old[target], new[target])
        wide = tensor[out] if tensor.dim() else tensor
        if tensor.dim() == 4 and source is not None:
            wide = share_inputs(wide, _copies(old[source], new[source]), generator)
        wider[name] = wide.contiguous()
    return wider


def widen_projection(weight_OI: Tensor, old: Sequence[int], new: Sequence[int], seed: int = 0) -> Tensor:
    """Weights of what reads several stages laid side by side (the projection), for wider stages."""
    generator = torch.Generator().manual_seed(seed)
    parts = weight_OI.split(list(old), dim=1)
    return torch.cat(
        [share_inputs(part, _copies(*widths), generator) for part, *widths in zip(parts, old, new, strict=True)], 1
    )


def share_inputs(weight: Tensor, copies: Tensor, generator: torch.Generator) -> Tensor:
    """Weights (O, I, ...) for inputs that are `copies` (indices of old inputs): copies of one input add up to its weight."""
    wide = weight[:, copies]
    old_width = weight.shape[1]
    pairs = copies[old_width:]
    share = torch.rand((weight.shape[0], len(pairs), *[1] * (weight.dim() - 2)), generator=generator)
    # Not by half: two copies with one gradient would stay copies.
    wide[:, old_width:] *= share
    wide[:, pairs] *= 1 - share
    return wide


def copied_channels(old: Sequence[int], new: Sequence[int]) -> Tensor:
    """For stages laid side by side, which old channel each new one is a copy of."""
    starts = [sum(old[:place]) for place in range(len(old))]
    return torch.cat([start + _copies(*widths) for start, *widths in zip(starts, old, new, strict=True)])


def _copies(old: int, new: int) -> Tensor:
    return torch.cat([torch.arange(old), torch.arange(new - old)])


def _stages_of(name: str) -> tuple[int | None, int]:
    """Stages whose channels a weight reads (None: the photo's) and writes."""
    if name.startswith("embedder."):
        return None, 0
    found = re.match(r"encoder\.stages\.(\d+)\.layers\.(\d+)\.(?:layer\.(\d+)|shortcut)\.", name)
    if found is None:
        raise RecipeError(f"'{name}' is not a weight of a ResNet of basic layers; only those can be widened")
    stage, layer, convolution = int(found[1]), int(found[2]), int(found[3] or 0)
    first = layer == 0 and convolution == 0
    return (max(stage - 1, 0) if first else stage), stage


def fold_projection(state: Mapping[str, Tensor]) -> State:
    """Weights of a model whose Q-Former reads the patches at their full width, from one that reads a projection of them: the
    projection goes into the keys and values of its cross-attention. What is computed stays the same.
    """
    weight_CV, bias_C = state["projection.weight"], state["projection.bias"]
    folded = {name: tensor for name, tensor in state.items() if not name.startswith("projection.")}
    for name in [name for name in folded if re.search(r"\.crossattention\.attention\.(?:key|value)\.weight$", name)]:
        bias = name.removesuffix("weight") + "bias"
        folded[bias] = folded[bias] + folded[name] @ bias_C
        folded[name] = folded[name] @ weight_CV
    return folded


def widen_adapters(state: Mapping[str, Tensor], dim: int, seed: int = 0) -> State:
    """Weights of layer-wise adapters `dim` wide, from narrower ones with heads of the same width. The new heads look for
    something of their own, and begin without a say in the output.

    Raises `RecipeError` where the adapters would become narrower.
    """
    generator = torch.Generator().manual_seed(seed)
    wider = dict(state)
    for name in [name for name in state if re.search(r"^bridge\.adapters\.\d+\.latents$", name)]:
        start = name.removesuffix("latents")
        added = dim - state[name].shape[1]
        if added < 0:
            raise RecipeError(
                f"adapters {state[name].shape[1]} wide can't be made {dim} wide; only wider ones are made"
            )
        random = torch.randn(state[name].shape[0], added, generator=generator)
        wider[name] = torch.cat([state[name], random.to(state[name])], 1)
        for part in ("key.weight", "value.weight"):
            old = state[start + part]
            rows = torch.randn(added, old.shape[1], generator=generator) * old.float().std()
            wider[start + part] = torch.cat([old, rows.to(old)])
        output = state[start + "output.weight"]
        wider[start + "output.weight"] = torch.cat([output, output.new_zeros(output.shape[0], added)], 1)
    return wider
