"""What one decoder layer attends to, from hidden states alone: the keys and values it makes of them, and how much it
looks from a position to all those before it. Neither needs the layer's perceptron, nor its own attention to run.

Shapes: R rows, T positions, S slots of a cache, D width, H heads, h key-value heads, d head width.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from transformers.models.llama.modeling_llama import rotate_half

from pumgpt.errors import InjectionError

Rotation = tuple[Tensor, Tensor]
"""Cosines and sines (R, T, d) of the positions."""


def keys_and_values(layer: nn.Module, hidden_RTD: Tensor, rotation: Rotation) -> tuple[Tensor, Tensor]:
    """What `layer` attends to at positions with these hidden states: keys and values (R, h, T, d).

    Raises `InjectionError` for a layer that is built in another way than those that we know.
    """
    normed_RTD, attention = _normed(layer, hidden_RTD)
    keys_RhTd = _rotated(attention, attention.k_proj(normed_RTD), "k_norm", rotation)
    values_RThd = attention.v_proj(normed_RTD).unflatten(-1, (-1, attention.head_dim))
    return keys_RhTd, values_RThd.transpose(1, 2)


def attention_to(layer: nn.Module, hidden_RD: Tensor, keys_RhSd: Tensor, mask_RS: Tensor, rotation: Rotation) -> Tensor:
    """How much `layer` looks at each slot (R, S) from one position of each row, which is among them: mean over heads.

    `hidden_RD` is the position's hidden state on entry to the layer; `mask_RS` is true at the slots that it sees. A window
    that is shorter than the prompt is not regarded. Raises `InjectionError` as above.
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
        raise InjectionError(f"a {type(layer).__name__} makes its keys in an unknown way; run the placeholders")
    return norm(hidden_RTD.to(attention.k_proj.weight.dtype)), attention


def _rotated(attention: Any, projected: Tensor, norm: str, rotation: Rotation) -> Tensor:
    """Queries or keys by heads (R, heads, T, d), normalised and rotated as this attention does it."""
    heads = projected.unflatten(-1, (-1, attention.head_dim))
    if hasattr(attention, norm):
        heads = getattr(attention, norm)(heads)
    heads = heads.transpose(1, 2)
    if not getattr(attention, "use_rope", True):
        return heads
    cos, sin = (part.unsqueeze(1) for part in rotation)
    return heads * cos + rotate_half(heads) * sin
