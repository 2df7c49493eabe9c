"""How visual tokens get into a frozen language model: on entry to layer l, the hidden states at the placeholders are set
to the visual tokens of layer l. Replaced, not added to.

The tokens travel as a keyword argument through the language model's own forward to a hook before each layer. There is no
state between calls: gradient checkpointing, threads and nested calls see what was passed to them.

Shapes: R rows of the batch, S positions, K layers that are injected into, T placeholders in all, D width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from pumgpt.errors import InjectionError

ARGUMENT = "visual_injection"
_INJECTABLE = {
    "LlamaDecoderLayer",
    "MistralDecoderLayer",
    "Qwen2DecoderLayer",
    "Qwen3DecoderLayer",
    "SmolLM3DecoderLayer",
}


@dataclass(frozen=True)
class VisualInjection:
    """What to inject where."""

    mask_RS: Tensor
    """True at placeholders."""
    visual_KTD: Tensor
    """For each layer, the visual tokens in the order in which the placeholders stand in the batch."""


def register_injectable(layer_class_name: str) -> None:
    """Declare that a further decoder layer can be injected into: it takes `hidden_states` first, nothing crosses from one
    layer to the next but them, and its model hands keyword arguments through to it.
    """
    _INJECTABLE.add(layer_class_name)


def decoder_layers(language_model: nn.Module) -> nn.ModuleList:
    """The layers of a causal language model of `transformers`, checked.

    Raises `InjectionError` naming the first layer type that we can't inject into.
    """
    decoder = getattr(language_model, "model", None)
    layers = getattr(decoder, "layers", None)
    if not isinstance(layers, nn.ModuleList):
        raise InjectionError(
            f"{type(language_model).__name__} keeps its layers elsewhere than in .model.layers; "
            f"known layer types: {', '.join(sorted(_INJECTABLE))}"
        )
    for index, layer in enumerate(layers):
        if type(layer).__name__ not in _INJECTABLE:
            raise InjectionError(
                f"layer {index} of {type(language_model).__name__} is a {type(layer).__name__}, which visual tokens can't "
                f"be injected into; known: {', '.join(sorted(_INJECTABLE))}. If it takes hidden_states like those, "
                "call pumgpt.model.injection.register_injectable first"
            )
    return layers


def install(language_model: nn.Module) -> None:
    """Put the hook before every decoder layer. Without the argument in a call the hook changes nothing."""
    for index, layer in enumerate(decoder_layers(language_model)):
        layer.register_forward_pre_hook(partial(_inject, index), with_kwargs=True)


def _inject(
    index: int, layer: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    injection: VisualInjection | None = kwargs.get(ARGUMENT)
    # A call that doesn't come through PumGPT, as of the bare language model.
    if ARGUMENT not in kwargs:
        return None
    rest = {name: value for name, value in kwargs.items() if name != ARGUMENT}
    if injection is None or index >= injection.visual_KTD.shape[0]:
        return args, rest
    hidden = args[0] if args else rest["hidden_states"]
    tokens = injection.visual_KTD[index].to(hidden.dtype)
    # `masked_scatter` fills the mask row by row, the order in which `injection` laid out the tokens.
    replaced = hidden.masked_scatter(injection.mask_RS.unsqueeze(-1), tokens)
    if args:
        return (replaced, *args[1:]), rest
    return args, {**rest, "hidden_states": replaced}


@torch.no_grad()
def text_rms(language_model: nn.Module, input_ids_RS: Tensor) -> Tensor:
    """RMS (L,) that hidden states of text have on entry to each layer, measured on `input_ids_RS`.

    The median over tokens: the first token of a large language model can be a thousand times larger than all others.
    """
    measured: list[Tensor] = []

    def measure(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        hidden_RSD = args[0] if args else kwargs["hidden_states"]
        measured.append(hidden_RSD.float().pow(2).mean(-1).sqrt().median())

    handles = [layer.register_forward_pre_hook(measure, with_kwargs=True) for layer in decoder_layers(language_model)]
    try:
        language_model(input_ids=input_ids_RS, use_cache=False)
    finally:
        for handle in handles:
            handle.remove()
    return torch.stack([value.detach() for value in measured])
