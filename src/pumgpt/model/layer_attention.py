"""How much a decoder layer attends from one position to all those before it, from hidden states and cached keys alone.

It needs neither the layer's perceptron nor its attention to run again, which fused attention would not return anyway.

Shapes: R rows, T positions, S slots of a cache, L layers, D width, H heads, h key-value heads, d head width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers.models.llama.modeling_llama import rotate_half

from pumgpt.errors import InjectionError
from pumgpt.model.injection import decoder_layers

Rotation = tuple[Tensor, Tensor]
"""Cosines and sines (R, T, d) of the positions."""


def attention_by_layer(
    language_model: Any,
    hidden_by_layer: Sequence[Tensor],
    keys_by_layer: Sequence[Tensor],
    mask_RS: Tensor,
    position_R: Tensor,
) -> Tensor:
    """How much each layer attends from one position of each row to all slots: (R, L, S).

    `hidden_by_layer` are the hidden states (R, D) of the position on entry to each layer, `keys_by_layer` the cached keys.
    """
    rotation = language_model.model.rotary_emb(hidden_by_layer[0], position_R[:, None])
    # Hidden states may be one more than layers: the last ones leave the model.
    layers = zip(decoder_layers(language_model), hidden_by_layer, keys_by_layer, strict=False)
    attention = [attention_to(layer, hidden, keys, mask_RS, rotation) for layer, hidden, keys in layers]
    return torch.stack(attention, 1)


def attention_to(layer: nn.Module, hidden_RD: Tensor, keys_RhSd: Tensor, mask_RS: Tensor, rotation: Rotation) -> Tensor:
    """How much `layer` attends to each slot (R, S) from one position of each row, which is among them: mean over heads.

    `hidden_RD` is the position's hidden state on entry to the layer; `mask_RS` is true at the slots that it sees. A window
    that is shorter than the prompt is not regarded. Raises `InjectionError` for a layer that is built in another way than
    those that we know.
    """
    normed_R1D, attention = _normed(layer, hidden_RD[:, None])
    queries_RH1d = _rotated(attention, attention.q_proj(normed_R1D), "q_norm", rotation)
    queries_Rhgd = queries_RH1d.squeeze(2).unflatten(1, (keys_RhSd.shape[1], -1))
    scores_RhgS = (queries_Rhgd @ keys_RhSd.transpose(-1, -2)).float() * attention.scaling
    return scores_RhgS.masked_fill(~mask_RS[:, None, None], float("-inf")).softmax(-1).mean((1, 2))


def _normed(layer: nn.Module, hidden_RTD: Tensor) -> tuple[Tensor, Any]:
    """What goes into the layer's attention, and the attention itself."""
    attention: Any = getattr(layer, "self_attn", None)
    norm: Any = getattr(layer, "input_layernorm", None)
    if norm is None or not all(
        hasattr(attention, name) for name in ("q_proj", "k_proj", "v_proj", "head_dim", "scaling")
    ):
        raise InjectionError(
            f"a {type(layer).__name__} makes its keys in an unknown way: no evidence can be given; leave it out"
        )
    return norm(hidden_RTD.to(attention.k_proj.weight.dtype)), attention


def _rotated(attention: Any, projected: Tensor, norm: str, rotation: Rotation) -> Tensor:
    """Queries or keys by heads (R, heads, T, d), normalised and rotated as this attention does it."""
    heads = projected.unflatten(-1, (-1, attention.head_dim))
    if hasattr(attention, norm):
        heads = getattr(attention, norm)(heads)
    heads = heads.transpose(1, 2)
    # SmolLM3 leaves every fourth layer without rotation.
    if not getattr(attention, "use_rope", True):
        return heads
    cos, sin = (part.unsqueeze(1) for part in rotation)
    return heads * cos + rotate_half(heads) * sin
